//! The workload: an HTTP server that burns as much processor time as it is asked to, and says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;

/// How the server behaves.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Seconds from the start until /ready says yes.
    #[arg(long, env = "READY_AFTER", default_value_t = 0, value_name = "SECONDS")]
    ready_after: u64,
}

struct App {
    registry: Registry,
    requests: Counter,
    inflight: Gauge,
    load: Gauge<f64, AtomicU64>,
    ready_at: Instant,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let ready_at = Instant::now() + Duration::from_secs(options.ready_after);
    crate::listen_with(options.listen, router(ready_at)).await
}

fn router(ready_at: Instant) -> Router {
    let mut registry = Registry::default();
    let (requests, inflight, load) = (Counter::default(), Gauge::default(), Gauge::default());
    registry.register("http_requests", "Requests of work that were answered", requests.clone());
    registry.register("http_requests_inflight", "Requests of work under way", inflight.clone());
    registry.register("app_load", "The last value of /set?load=", load.clone());
    let app = App {
        registry,
        requests,
        inflight,
        load,
        ready_at,
    };
    Router::new()
        .route("/work", get(work))
        .route("/set", get(set))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(app))
}

#[derive(Debug, Deserialize)]
struct Work {
    /// Milliseconds of processor time.
    ms: u64,
}

async fn work(State(app): State<Arc<App>>, Query(work): Query<Work>) -> Result<&'static str, StatusCode> {
    app.inflight.inc();
    // Off the runtime's threads, which answer the probes.
    let burnt = tokio::task::spawn_blocking(move || burn(Duration::from_millis(work.ms))).await;
    app.inflight.dec();
    app.requests.inc();
    burnt.map(|()| "done\n").map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Uses processor time, not time: on a busy machine a wait would be less load than was asked for.
fn burn(time: Duration) {
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let end = used() + time;
    while used() < end {
        std::hint::spin_loop();
    }
}

#[derive(Debug, Deserialize)]
struct Set {
    load: f64,
}

async fn set(State(app): State<Arc<App>>, Query(set): Query<Set>) -> String {
    app.load.set(set.load);
    format!("{}\n", set.load)
}

async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    if Instant::now() >= app.ready_at {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Result<String, StatusCode> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &app.registry)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(ready_after: Duration) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(Instant::now() + ready_after);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn work_takes_processor_time_and_is_counted() {
        let address = start(Duration::ZERO).await;
        let begun = Instant::now();
        let answer = ask(address, "/work?ms=30").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(begun.elapsed() >= Duration::from_millis(30));
        let metrics = ask(address, "/metrics").await;
        assert!(metrics.contains("http_requests_total 1"), "{metrics}");
        assert!(metrics.contains("http_requests_inflight 0"), "{metrics}");
    }

    #[tokio::test]
    async fn the_load_is_what_was_set_last() {
        let address = start(Duration::ZERO).await;
        ask(address, "/set?load=12.5").await;
        let metrics = ask(address, "/metrics").await;
        assert!(metrics.contains("app_load 12.5"), "{metrics}");
    }

    #[tokio::test]
    async fn it_is_not_ready_before_its_time() {
        let late = start(Duration::from_secs(3600)).await;
        assert!(ask(late, "/ready").await.starts_with("HTTP/1.1 503"));
        let prompt = start(Duration::ZERO).await;
        assert!(ask(prompt, "/ready").await.starts_with("HTTP/1.1 200"));
    }
}
