//! Counts requests to the API server: a layer around a client's service, outside its deadline.
//!
//! The labels come from the request's own path, whose kinds are those that the cluster serves and policies name; names of
//! objects, and of metrics in the metrics APIs, are left out. A request that the client itself repeats counts once; a
//! watch counts when it begins. One that is given up before its answer (a caller's own deadline, a write that the fence cuts
//! off) counts as abandoned.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Method, Request, Response, Uri};
use tower::{BoxError, Layer, Service};

use crate::report::metrics::{ApiRequest, Metrics};

/// Puts [`Counted`] around a service.
#[derive(Clone)]
pub(super) struct Count(pub(super) Metrics);

impl<S> Layer<S> for Count {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        let metrics = self.0.clone();
        Counted { inner, metrics }
    }
}

/// A service whose requests are counted.
#[derive(Clone)]
pub(super) struct Counted<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, A, B> Service<Request<A>> for Counted<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (verb, resource) = asked(request.method(), request.uri());
        let code = "abandoned".to_owned();
        let mut counted = Once {
            request: ApiRequest { verb, resource, code },
            metrics: self.metrics.clone(),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await.map_err(Into::into);
            counted.ends(match &answer.as_ref().map(Response::status) {
                Ok(status) => status.as_str(),
                Err(error) if error.is::<tower::timeout::error::Elapsed>() => "timeout",
                Err(_) => "error",
            });
            answer
        })
    }
}

/// A request under way; it is counted when it goes, by its answer or without one.
struct Once {
    request: ApiRequest,
    metrics: Metrics,
}

impl Once {
    fn ends(&mut self, code: &str) {
        code.clone_into(&mut self.request.code);
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        self.metrics.requested(&self.request);
    }
}

/// Verb and resource, as RBAC knows them.
fn asked(method: &Method, uri: &Uri) -> (&'static str, String) {
    let mut path = uri.path().split('/').filter(|part| !part.is_empty());
    let group = match path.next() {
        Some("api") => Some(""),
        Some("apis") => path.next(),
        _ => None,
    };
    // The version says nothing that the kind does not.
    let _ = path.next();
    let parts: Vec<&str> = path.collect();
    let (resource, name) = match (group, parts.as_slice()) {
        (None, _) | (_, []) => ("discovery".to_owned(), false),
        // What follows are metrics' names, which policies choose.
        (Some(group @ "custom.metrics.k8s.io"), _) => (group.to_owned(), true),
        (Some(group @ "external.metrics.k8s.io"), _) => (group.to_owned(), false),
        (Some(group), ["namespaces", _, rest @ ..] | rest) if !rest.is_empty() => {
            let mut resource = rest[0].to_owned();
            if group == "metrics.k8s.io" {
                resource = format!("{resource}.{group}");
            }
            if let Some(part) = rest.get(2) {
                resource = format!("{resource}/{part}");
            }
            (resource, rest.len() > 1)
        }
        (_, [kind, ..]) => ((*kind).to_owned(), true),
    };
    let watch = uri.query().is_some_and(|q| q.split('&').any(|p| p == "watch=true"));
    let verb = match *method {
        Method::GET if watch => "watch",
        Method::GET if name || resource == "discovery" => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    };
    (verb, resource)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::registry::Registry;
    use tower::timeout::TimeoutLayer;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::report::metrics::encode;

    #[test]
    fn a_path_becomes_verb_and_resource() {
        for (method, path, verb, resource) in [
            (Method::GET, "/api", "get", "discovery"),
            (Method::GET, "/apis/keda.sh/v1alpha1", "get", "discovery"),
            (Method::GET, "/api/v1/pods?&limit=500", "list", "pods"),
            (Method::GET, "/api/v1/namespaces/shop/pods?", "list", "pods"),
            (
                Method::GET,
                "/api/v1/pods?&watch=true&timeoutSeconds=290",
                "watch",
                "pods",
            ),
            (
                Method::GET,
                "/apis/apps/v1/namespaces/shop/deployments/web",
                "get",
                "deployments",
            ),
            (Method::GET, "/api/v1/namespaces/shop", "get", "namespaces"),
            (
                Method::PATCH,
                "/apis/apps/v1/namespaces/shop/deployments/web/scale?&fieldManager=headroom",
                "patch",
                "deployments/scale",
            ),
            (
                Method::PATCH,
                "/apis/headroom.dev/v1alpha1/namespaces/shop/scalingpolicies/web/status?",
                "patch",
                "scalingpolicies/status",
            ),
            (
                Method::POST,
                "/apis/events.k8s.io/v1/namespaces/shop/events?",
                "create",
                "events",
            ),
            (
                Method::GET,
                "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods",
                "list",
                "pods.metrics.k8s.io",
            ),
            (
                Method::GET,
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/%2A/chosen_by_a_policy",
                "get",
                "custom.metrics.k8s.io",
            ),
            (
                Method::GET,
                "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/chosen_by_a_policy",
                "list",
                "external.metrics.k8s.io",
            ),
            (
                Method::PUT,
                "/apis/coordination.k8s.io/v1/namespaces/headroom-system/leases/headroom",
                "update",
                "leases",
            ),
            (Method::GET, "/version", "get", "discovery"),
        ] {
            let found = asked(&method, &path.parse().unwrap());
            assert_eq!(found, (verb, resource.to_owned()), "{method} {path}");
        }
    }

    /// The code under which one request is counted to a server that answers so, if its caller waits so long.
    async fn code<F>(answer: F, patience: Duration) -> String
    where
        F: Future<Output = Result<Response<()>, BoxError>> + Send + 'static,
    {
        let (metrics, registry): (Metrics, Registry) = Metrics::new();
        let mut answer = Some(answer);
        let server = service_fn(move |_: Request<()>| answer.take().expect("one request"));
        let server = TimeoutLayer::new(Duration::from_secs(10)).layer(server);
        let request = Request::get("/api/v1/namespaces/shop").body(()).unwrap();
        let _ = tokio::time::timeout(patience, Count(metrics).layer(server).oneshot(request)).await;
        let text = encode(&registry).unwrap();
        let line = r#"headroom_api_requests_total{verb="get",resource="namespaces",code=""#;
        let found = text.lines().find_map(|l| l.strip_prefix(line)).expect("it is counted");
        found.trim_end_matches("\"} 1").to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn every_end_of_a_request_is_counted_once() {
        let status = |code: u16| async move { Ok(Response::builder().status(code).body(()).unwrap()) };
        let [short, long] = [5, 20].map(Duration::from_secs);
        assert_eq!(code(status(200), long).await, "200");
        assert_eq!(code(status(409), long).await, "409");
        assert_eq!(code(async { Err("reset".into()) }, long).await, "error");
        assert_eq!(code(std::future::pending(), long).await, "timeout");
        assert_eq!(code(std::future::pending(), short).await, "abandoned");
    }
}
