//! `/metrics`, `/healthz` and `/readyz` over HTTP.
//!
//! Healthy as long as it answers; ready once every watch cache is filled. It shows state and can change none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
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

async fn exposition(State(health): State<Health>) -> impl IntoResponse {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    // Writing to a string cannot fail; were it to, an empty page is the honest answer.
    let page = metrics::encode(&health.registry).unwrap_or_default();
    ([(header::CONTENT_TYPE, OPENMETRICS)], page)
}
