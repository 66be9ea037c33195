//! Being a guest: what the demo puts into a cluster that is not its own, and the removal of just that.
//!
//! Namespace and CRD carry the mark of this run, and only what carries it is removed: set-up may fail or be interrupted
//! at any point, and deleting a CRD that others use would delete their policies.

use std::fmt::Debug;

use anyhow::{Context, bail};
use headroom::api::ScalingPolicy;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use kube::{Client, CustomResourceExt, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stage::NAMESPACE;

/// The annotation that says which run made an object.
const MARK: &str = "demo.headroom.dev/run";

/// One run of the demo, as a guest of a cluster.
#[derive(Clone)]
pub struct Guest {
    client: Client,
    run: String,
}

impl Guest {
    /// A guest that has brought nothing yet.
    pub fn new(client: Client) -> Guest {
        let run = format!("{}-{}", std::process::id(), headroom::clock::now().as_nanosecond());
        Guest { client, run }
    }

    /// Puts the CRD there; one that is there already stays as it is.
    pub async fn crd(&self) -> anyhow::Result<()> {
        self.create(ScalingPolicy::crd()).await.context("the CRD was refused")?;
        Ok(())
    }

    /// Makes the namespace; one that is there already is somebody's.
    pub async fn namespace(&self) -> anyhow::Result<()> {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(NAMESPACE.to_owned());
        if !self.create(namespace).await.context("no namespace")? {
            bail!("there is a namespace {NAMESPACE} already; wait for the demo that made it, or delete it first");
        }
        Ok(())
    }

    /// Removes what this run put there. Both are tried; the first error counts.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let namespace = self.remove::<Namespace>(NAMESPACE).await;
        let crd = self.remove::<CustomResourceDefinition>(ScalingPolicy::crd_name()).await;
        namespace.and(crd)
    }

    /// Whether it was not there before.
    async fn create<K>(&self, mut object: K) -> Result<bool, kube::Error>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        object.annotations_mut().insert(MARK.to_owned(), self.run.clone());
        let api: Api<K> = Api::all(self.client.clone());
        match api.create(&PostParams::default(), &object).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            created => created.map(|_| true),
        }
    }

    async fn remove<K>(&self, name: &str) -> anyhow::Result<()>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let api: Api<K> = Api::all(self.client.clone());
        let failed = || format!("{} {name} was not removed", K::kind(&()));
        let there = api.get_metadata_opt(name).await.with_context(failed)?;
        let Some(ours) = there.filter(|o| o.annotations().get(MARK) == Some(&self.run)) else {
            return Ok(());
        };
        let this_one = DeleteParams {
            preconditions: Some(Preconditions {
                uid: ours.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        api.delete(name, &this_one).await.map(drop).with_context(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::extract::State;
    use axum::http::{Method, StatusCode, Uri};
    use axum::response::{IntoResponse, Response};
    use serde_json::json;

    use super::*;

    /// An API server in which each object asked for was made by `run`, or does not exist, or cannot be read.
    #[derive(Clone)]
    struct Fake {
        namespace: Result<Option<&'static str>, ()>,
        crd: Option<&'static str>,
        deleted: Arc<Mutex<Vec<String>>>,
    }

    async fn answer(State(fake): State<Fake>, method: Method, uri: Uri) -> Response {
        let failed = |code: StatusCode, reason: &str| {
            let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(),
                "message": reason, "reason": reason});
            (code, body.to_string()).into_response()
        };
        let name = uri.path().rsplit('/').next().unwrap_or_default();
        if method == Method::DELETE {
            fake.deleted.lock().unwrap().push(name.to_owned());
            return json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})
                .to_string()
                .into_response();
        }
        let made_by = if name == NAMESPACE {
            fake.namespace
        } else {
            Ok(fake.crd)
        };
        match made_by {
            Err(()) => failed(StatusCode::FORBIDDEN, "Forbidden"),
            Ok(None) => failed(StatusCode::NOT_FOUND, "NotFound"),
            Ok(Some(run)) => {
                let metadata = json!({"name": name, "uid": "u", "annotations": {MARK: run}});
                let kind =
                    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata});
                kind.to_string().into_response()
            }
        }
    }

    /// What is deleted, and whether it was said to have worked.
    async fn check(namespace: Result<Option<&'static str>, ()>, crd: Option<&'static str>, deleted: &[&str], ok: bool) {
        let fake = Fake {
            namespace,
            crd,
            deleted: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = Client::try_from(kube::Config::new(url.parse().unwrap())).unwrap();
        let guest = Guest {
            client,
            run: "ours".to_owned(),
        };
        let cleared = guest.clear().await;
        assert_eq!(cleared.is_ok(), ok, "{cleared:?}");
        assert_eq!(*fake.deleted.lock().unwrap(), deleted);
    }

    #[tokio::test]
    async fn only_what_this_run_made_is_removed_and_a_failure_stops_nothing() {
        let crd = ScalingPolicy::crd_name();
        check(Ok(Some("ours")), Some("ours"), &[NAMESPACE, crd], true).await;
        check(Ok(Some("ours")), Some("theirs"), &[NAMESPACE], true).await;
        check(Ok(Some("theirs")), Some("ours"), &[crd], true).await;
        check(Ok(None), None, &[], true).await;
        check(Err(()), Some("ours"), &[crd], false).await;
    }
}
