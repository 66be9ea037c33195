//! Makes each write of the Lease conditional on what this process last knew of it, and notes when it was renewed.
//!
//! kube-lease-manager writes blindly: it renews without a look at the holder, and an expired Lease it first frees by force,
//! even if somebody else has taken it since it looked. Its requests go through this service, which adds to each PATCH the
//! resourceVersion of the last write of the chain (the first: of what `lookout` saw). A foreign write in between breaks
//! the chain: the API server answers 409 and changes nothing, and that becomes an error, for the library's own way with a
//! conflict is to try again, or to panic. What the API server does take is a renewal, from the moment at which it was
//! *sent*.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tower::{BoxError, service_fn};

use super::fence::Fence;
use super::lookout::holder;

/// Somebody else wrote or deleted the Lease.
#[derive(Debug, thiserror::Error)]
#[error("somebody else wrote the Lease meanwhile")]
struct Broken;

/// One attempt to hold a Lease, and the tenure that comes of it.
pub(super) struct Chain {
    identity: String,
    /// How long after it was sent a renewal lets writes pass.
    valid: Duration,
    /// The version that the next write is conditional on; `None` where the Lease was not there yet.
    version: Mutex<Option<String>>,
    broken: Notify,
    /// Opened by the first write that is taken.
    pub(super) fence: Arc<Fence>,
}

impl Chain {
    pub(super) fn new(identity: &str, valid: Duration, version: Option<String>) -> Arc<Chain> {
        Arc::new(Chain {
            identity: identity.to_owned(),
            valid,
            version: Mutex::new(version),
            broken: Notify::new(),
            fence: Arc::default(),
        })
    }

    /// A client for the Lease's writes and nothing else.
    pub(super) fn client(self: &Arc<Chain>, client: &Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let (client, chain) = (client.clone(), self.clone());
        let send = move |request| chained(client.clone(), chain.clone(), request);
        Client::new(service_fn(send), namespace)
    }

    /// Resolves once somebody else wrote, or deleted, the Lease.
    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }

    /// The body of a PATCH, made conditional.
    fn conditional(&self, body: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let mut patch: Value = serde_json::from_slice(body)?;
        if let Some(version) = &*self.version.lock().unwrap_or_else(PoisonError::into_inner) {
            patch["metadata"]["resourceVersion"] = version.as_str().into();
        }
        serde_json::to_vec(&patch)
    }

    /// Takes in an answer.
    fn answered(&self, method: &Method, status: StatusCode, body: &[u8], sent: Instant) -> Result<(), Broken> {
        let write = method == Method::PATCH;
        if write && matches!(status, StatusCode::CONFLICT | StatusCode::NOT_FOUND) {
            self.broken.notify_one();
            return Err(Broken);
        }
        let lease = status.is_success().then(|| serde_json::from_slice::<Lease>(body).ok());
        let Some(lease) = lease.flatten() else { return Ok(()) };
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        // A read tells what somebody else may have written: only the first one begins the chain.
        if write || version.is_none() {
            version.clone_from(&lease.metadata.resource_version);
        }
        drop(version);
        if write && holder(&lease) == Some(&self.identity) {
            self.fence.extend(sent + self.valid);
        }
        Ok(())
    }
}

async fn chained(client: Client, chain: Arc<Chain>, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let sent = Instant::now();
    let (head, body) = request.into_parts();
    let method = head.method.clone();
    let body = match method {
        Method::PATCH => chain.conditional(&body.collect_bytes().await?)?.into(),
        _ => body,
    };
    // Half a tenure, so that one request that hangs leaves time for another.
    let answer = timeout(chain.valid / 2, client.send(Request::from_parts(head, body)));
    let (head, body) = answer.await??.into_parts();
    let body = body.collect_bytes().await?;
    chain.answered(&method, head.status, &body, sent)?;
    Ok(Response::from_parts(head, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use kube::api::{Api, Patch, PatchParams};
    use serde_json::json;
    use tower_test::mock;

    use super::*;

    const VALID: Duration = Duration::from_secs(10);

    /// An exchange: what is asked, the resourceVersion that the request has to carry, and the answer: its code, and
    /// version and holder of the Lease.
    type Exchange = (Method, Option<&'static str>, u16, &'static str, &'static str);

    /// Plays the exchanges, each a second after the other; whether writes pass afterwards, for how long, and whether the
    /// chain is broken.
    async fn play(known: Option<&str>, exchanges: &[Exchange]) -> (Option<Duration>, bool) {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        let chain = Chain::new("me", VALID, known.map(str::to_owned));
        let leases: Api<Lease> = Api::namespaced(chain.client(&Client::new(service, "system")), "system");
        for (method, condition, code, version, holder) in exchanges {
            tokio::time::advance(Duration::from_secs(1)).await;
            let ask = async {
                let patch = Patch::Strategic(json!({"spec": {"holderIdentity": "me"}}));
                let _ = match *method {
                    Method::PATCH => leases.patch("headroom", &PatchParams::default(), &patch).await,
                    _ => leases.get("headroom").await,
                };
            };
            let answer = async {
                let (request, send) = server.next_request().await.unwrap();
                let (head, body) = request.into_parts();
                assert_eq!(head.method, *method);
                let body = body.collect_bytes().await.unwrap();
                let patch: Value = serde_json::from_slice(&body).unwrap_or_default();
                assert_eq!(patch["metadata"]["resourceVersion"].as_str(), *condition);
                let lease = json!({"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": holder}});
                let refusal =
                    json!({"kind": "Status", "status": "Failure", "code": code, "reason": "Conflict", "message": ""});
                let body = if *code < 300 { lease } else { refusal };
                let response = Response::builder().status(*code);
                send.send_response(response.body(Body::from(body.to_string().into_bytes())).unwrap());
            };
            tokio::join!(ask, answer);
        }
        let left = chain.fence.until().map(|until| until - Instant::now());
        (left, chain.broken().now_or_never().is_some())
    }

    #[tokio::test(start_paused = true)]
    async fn writes_hang_together() {
        let (get, patch) = (Method::GET, Method::PATCH);
        let held = (Some(VALID), false);
        // The first write is conditional on what was seen, the next on the first.
        let take = (patch.clone(), Some("1"), 200, "2", "me");
        let renew = (patch.clone(), Some("2"), 200, "3", "me");
        assert_eq!(play(Some("1"), &[take.clone(), renew.clone()]).await, held);
        // What a read shows is not what was decided upon.
        let theirs = (get.clone(), None, 200, "9", "other");
        assert_eq!(play(Some("1"), &[take.clone(), theirs.clone(), renew]).await, held);
        // But it begins the chain where the Lease was not there.
        let first = (patch.clone(), Some("9"), 200, "10", "me");
        assert_eq!(play(None, &[theirs, first]).await, held);
        // A renewal counts from when it was sent; a failure changes nothing.
        let failed = (patch.clone(), Some("2"), 500, "", "");
        let left = Some(VALID - Duration::from_secs(1));
        assert_eq!(play(Some("1"), &[take.clone(), failed]).await, (left, false));
        // Somebody else wrote or deleted it: broken, and the tenure lasts no longer for it.
        for code in [409, 404] {
            let refused = (patch.clone(), Some("2"), code, "", "");
            assert_eq!(play(Some("1"), &[take.clone(), refused]).await, (left, true));
        }
        // Our own write may free it; that opens nothing.
        assert_eq!(
            play(Some("1"), &[(patch, Some("1"), 200, "2", "")]).await,
            (None, false)
        );
    }
}
