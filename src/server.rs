//! `/metrics`, `/healthz` and `/readyz` over HTTP.
//!
//! Healthy as long as it answers; ready once every watch cache is filled. It shows state and can change none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use prometheus_client::registry::Registry;

use crate::report::metrics;

/// What the endpoints show.
#[derive(Clone)]
pub struct Health {
    ready: Arc<AtomicBool>,
    registry: Arc<Registry>,
}

impl Health {
    /// Not ready yet.
    pub fn new(registry: Registry) -> Self {
        Health {
            ready: Arc::default(),
            registry: Arc::new(registry),
        }
    }

    /// From now on `/readyz` says so.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// Serves until `stop` resolves.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(exposition))
        .with_state(health);
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    if health.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the watch caches are not filled yet\n")
    }
}

/// The page in OpenMetrics where that is asked for, as Prometheus does, else in the older format that everything reads.
async fn exposition(State(health): State<Health>, headers: HeaderMap) -> impl IntoResponse {
    let of = |media_type| [(header::CONTENT_TYPE, media_type)];
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    let open = accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/openmetrics-text"));
    let written = move || {
        let page = metrics::encode(&health.registry).map_err(|error| error.to_string())?;
        Ok(if open { page } else { metrics::plain(&page) })
    };
    // Megabytes with thousands of policies: on a thread of its own, not on one that reconciles or renews a Lease.
    let page = tokio::task::spawn_blocking(written).await;
    match page.map_err(|error| error.to_string()).flatten() {
        Ok(page) if open => (StatusCode::OK, of(metrics::CONTENT_TYPE), page),
        Ok(page) => (StatusCode::OK, of(metrics::PLAIN), page),
        // An empty page would read as an operator that does nothing.
        Err(error) => {
            let words = format!("the metrics cannot be written: {error}\n");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                of("text/plain; charset=utf-8"),
                words,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::DescriptorEncoder;

    use super::*;

    #[derive(Debug)]
    struct Broken;

    impl Collector for Broken {
        fn encode(&self, _: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
            Err(std::fmt::Error)
        }
    }

    #[tokio::test]
    async fn metrics_that_cannot_be_written_are_an_error() {
        let status = async |registry| {
            let page = exposition(State(Health::new(registry)), HeaderMap::new()).await;
            page.into_response().status()
        };
        assert_eq!(status(Registry::default()).await, StatusCode::OK);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Broken));
        assert_eq!(status(registry).await, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[tokio::test]
    async fn the_page_has_the_format_that_is_asked_for() {
        let media_type = async |accept: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            let page = exposition(State(Health::new(Registry::default())), headers).await;
            page.into_response().headers()[header::CONTENT_TYPE].clone()
        };
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        assert_eq!(media_type(prometheus).await, metrics::CONTENT_TYPE);
        assert_eq!(media_type("*/*").await, metrics::PLAIN);
    }
}
