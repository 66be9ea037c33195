//! metrics-server behind the API server's aggregation layer: `metrics.k8s.io`, with a usage that pods are told to have.
//!
//! ```text
//! client ─ kube-apiserver ─ metrics-server ─ kwok in the place of every node's kubelet ─ annotations of pods
//! ```
//!
//! Must never be reachable from another machine. The API accepts no endpoint on loopback, so the Service by which the API
//! server finds metrics-server has none: it is another name for `localhost`, and the APIService has the port.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Service, ServiceSpec};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{APIService, APIServiceSpec, ServiceReference};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};

use crate::credentials::Credentials;
use crate::error::Error;
use crate::process::Process;

/// kwok's share: what the nodes tell of their pods.
pub(crate) const USAGE: &str = include_str!("../stages/usage.yaml");

/// Time between two looks at all pods: the least that metrics-server accepts.
pub(crate) const RESOLUTION: Duration = Duration::from_secs(10);

/// The Service's name and namespace.
const NAME: &str = "metrics-server";
/// For whom metrics-server's certificate is, as the API server asks for it.
pub(crate) const SERVICE_NAME: &str = "metrics-server.metrics-server.svc";

/// It was there within a second of the nodes. The API server asks again every 30 s where the first question came too early.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Tells the API server of a metrics-server on `port` of loopback, and waits until `metrics.k8s.io` is served.
pub(crate) async fn register(
    client: &Client,
    process: &mut Process,
    port: u16,
    credentials: &Credentials,
) -> Result<(), Error> {
    let authority = std::fs::read(&credentials.authority).map_err(Error::file(&credentials.authority))?;
    let parameters = PostParams::default();
    Api::<Namespace>::all(client.clone())
        .create(&parameters, &namespace())
        .await
        .map_err(Error::kubernetes("create metrics-server's namespace"))?;
    Api::<Service>::namespaced(client.clone(), NAME)
        .create(&parameters, &service())
        .await
        .map_err(Error::kubernetes("create metrics-server's Service"))?;
    // Registered once it answers, because the API server's first question then finds it.
    process
        .wait_until("a listener", START_TIMEOUT, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await?;
    let services = Api::<APIService>::all(client.clone());
    let service = api_service(port, authority);
    services
        .create(&parameters, &service)
        .await
        .map_err(Error::kubernetes("register metrics.k8s.io"))?;
    let name = service.metadata.name.unwrap_or_default();
    Ok(process
        .wait_until("metrics.k8s.io", START_TIMEOUT, async || {
            services.get(&name).await.is_ok_and(|service| available(&service))
        })
        .await?)
}

fn available(service: &APIService) -> bool {
    let conditions = service.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Available" && one.status == "True"))
}

fn namespace() -> Namespace {
    Namespace {
        metadata: named(NAME),
        ..Namespace::default()
    }
}

fn service() -> Service {
    let spec = ServiceSpec {
        type_: Some("ExternalName".into()),
        external_name: Some("localhost".into()),
        ..ServiceSpec::default()
    };
    Service {
        metadata: named(NAME),
        spec: Some(spec),
        ..Service::default()
    }
}

fn api_service(port: u16, authority: Vec<u8>) -> APIService {
    let spec = APIServiceSpec {
        group: Some("metrics.k8s.io".into()),
        version: Some("v1beta1".into()),
        // As in metrics-server's own manifest; one version of one group has nothing to be ordered with.
        group_priority_minimum: 100,
        version_priority: 100,
        service: Some(ServiceReference {
            name: Some(NAME.into()),
            namespace: Some(NAME.into()),
            port: Some(port.into()),
        }),
        ca_bundle: Some(ByteString(authority)),
        insecure_skip_tls_verify: None,
    };
    APIService {
        metadata: named("v1beta1.metrics.k8s.io"),
        spec: Some(spec),
        status: None,
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        ..ObjectMeta::default()
    }
}
