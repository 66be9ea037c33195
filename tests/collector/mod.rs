//! A collector of traces: it keeps what it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// The collector; it listens as long as the runtime lives.
#[derive(Clone, Default)]
pub struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Begins to listen, and yields its base address.
    pub async fn listen(&self) -> String {
        let app = Router::new().route("/v1/traces", post(keep)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// The spans so far.
    pub fn spans(&self) -> Vec<Span> {
        let kept = self.0.lock().unwrap();
        let scopes = kept.iter().flat_map(|k| &k.resource_spans).flat_map(|r| &r.scope_spans);
        scopes.flat_map(|s| &s.spans).cloned().collect()
    }
}

async fn keep(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    let sent = ExportTraceServiceRequest::decode(body).unwrap();
    collector.0.lock().unwrap().push(sent);
    StatusCode::OK
}

/// A span's attributes.
pub fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let attributes = span.attributes.iter();
    let value = |a: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        format!("{:?}", a.value.as_ref().and_then(|v| v.value.as_ref()).unwrap())
    };
    attributes.map(|a| (a.key.as_str(), value(a))).collect()
}
