//! Spans as OTLP over HTTP, where `--otlp-endpoint` asks for them.
//!
//! Only spans of the target [`SPANS`] are sent, none of a library. They wait in a bounded queue (2,048, then they are
//! dropped) that a thread of its own empties every 5 s, so a collector that is slow or gone costs a reconcile nothing; it is
//! told once a minute at most. Without an endpoint nobody asks for the target, and a span costs one comparison.
//! Sampling, queue and resource attributes are set by OpenTelemetry's own variables (`OTEL_…`); see docs/operate.md.

use std::env;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use super::SPANS;
use crate::address::{names_user, shown};

/// Longest wait for the collector's answer: OTLP's default.
const ANSWER: Duration = Duration::from_secs(10);
/// Longest wait at the end for what is still in the queue. A pod has 30 s to stop, and its decisions come first.
const LAST: Duration = Duration::from_secs(3);
/// Time between two warnings of a collector that takes nothing.
const REMIND: Duration = Duration::from_secs(60);
/// Longest answer read, in bytes: a collector's says how many spans it refused.
const MAX_ANSWER: usize = 64 * 1024;

/// An endpoint that no spans can be sent to.
#[derive(Debug, thiserror::Error)]
#[error(
    "--otlp-endpoint {endpoint:?}: {problem}; give http://HOST:4318 or https://HOST:4318 (OTLP over HTTP, not gRPC)"
)]
pub struct BadEndpoint {
    endpoint: String,
    problem: String,
}

/// Spans on their way.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends what is left, for at most three seconds. Blocks, and the runtime has to be alive meanwhile.
    pub fn flush(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces were not delivered");
        }
    }
}

/// A layer that sends spans to `endpoint`, the collector's base address, and the handle that ends it. To be called within
/// a runtime, which sends them.
///
/// # Errors
/// [`BadEndpoint`] for what is no address, or one with a password.
pub fn layer<S>(endpoint: &str) -> Result<(impl Layer<S> + Send + Sync + use<S>, Traces), BadEndpoint>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let bad = |problem: String| BadEndpoint {
        endpoint: shown(endpoint),
        problem,
    };
    let url = reqwest::Url::parse(endpoint).map_err(|e| bad(e.to_string()))?;
    if names_user(endpoint) {
        let problem = "it holds a user or a password, which everybody could read who sees the operator's command line; \
                       leave it out, and give what the collector wants in OTEL_EXPORTER_OTLP_HEADERS, from a Secret \
                       (authorization=Basic%20…; --prometheus-basic-auth is for Prometheus servers)";
        return Err(bad(problem.to_owned()));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("{} is no scheme that spans are sent by", url.scheme())));
    }
    // The same provider as everywhere; set already where a caller did.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(ANSWER).build();
    let post = Post {
        client: client.map_err(|e| bad(e.to_string()))?,
        runtime: Handle::current(),
        told: Mutex::default(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(post)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|e| bad(e.to_string()))?;
    let provider = SdkTracerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(exporter)
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
        // Where in the source a span begins, and on which thread, says nothing to an admin and doubles its size.
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false);
    let ours = Targets::new().with_target(SPANS, LevelFilter::INFO);
    Ok((spans.with_filter(ours), Traces(provider)))
}

/// Who sends: `headroom` and its version, unless the environment says otherwise.
fn resource() -> Resource {
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    match env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource.build(),
        None => resource.with_service_name(env!("CARGO_PKG_NAME")).build(),
    }
}

/// The exporter's client: its thread has no runtime, so the program's own sends.
#[derive(Debug)]
struct Post {
    client: reqwest::Client,
    runtime: Handle,
    /// When a failure was told last.
    told: Mutex<Option<Instant>>,
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let to = request.uri().clone();
        let sent = self.runtime.spawn(send(self.client.clone(), request)).await;
        let answer = sent.map_err(HttpError::from).flatten();
        match &answer {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.tell(&format!("{to} answers {}", response.status())),
            Err(error) => self.tell(&format!("{to}: {error}")),
        }
        answer
    }
}

impl Post {
    /// Warns, unless that was done a short while ago.
    fn tell(&self, problem: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= REMIND) {
            *told = Some(Instant::now());
            tracing::warn!(problem, "traces are not delivered; decisions go on without them");
        }
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(format!("the answer is longer than {MAX_ANSWER} bytes").into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response::builder().status(answer.status()).body(body.into())?)
}
