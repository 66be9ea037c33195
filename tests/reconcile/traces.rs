//! What a collector of traces is sent of a reconcile.

use headroom::telemetry::{SPANS, traces};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

use super::collector::{Collector, attributes};
use super::*;

// The runtime's other threads send while this one waits for the last of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_a_span_with_its_steps_below_it() {
    let collector = Collector::default();
    let (layer, traces) = traces::layer(&collector.listen().await).unwrap();
    // Of the whole process, for callsites that another thread reaches first would be taken for unwanted; the other tests'
    // reconciles are told apart by the span around this one.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    let mine = tracing::info_span!(target: SPANS, "mine");
    let (context, mut server) = stage();
    let reconciled = async {
        reconcile(policy("Active"), context.clone()).await.unwrap();
        drop(context);
    };
    let part = async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        server.takes("POST", EVENTS, json!({})).await;
        server.stores("Active").await;
        server.ends().await;
    };
    tokio::join!(reconciled.instrument(mine.clone()), part);
    drop(mine);
    tokio::task::spawn_blocking(|| traces.flush()).await.unwrap();

    let spans = collector.spans();
    let mine = spans.iter().find(|s| s.name == "mine").expect("the test's own span");
    let spans: Vec<_> = spans.iter().filter(|s| s.trace_id == mine.trace_id).collect();
    let root = spans.iter().find(|s| s.name == "reconcile").expect("a reconcile");
    let text = |value: &str| format!("StringValue({value:?})");
    let told = attributes(root);
    assert_eq!(told["namespace"], text("shop"));
    assert_eq!(told["policy"], text("web"));
    assert_eq!(told["winner"], text("schedule"));
    assert_eq!(told["desired"], "IntValue(5)");
    let mut steps: Vec<_> = spans.iter().filter(|s| s.parent_span_id == root.span_id).collect();
    steps.sort_by_key(|s| s.start_time_unix_nano);
    let names: Vec<&str> = steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["observe", "decide", "actuate", "report"]);
    assert_eq!(spans.len(), 6, "and none of a library: {spans:#?}");
}

#[test]
fn an_endpoint_that_is_none_is_refused_with_the_remedy() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    for endpoint in [
        "collector:4318",
        "grpc://collector:4317",
        "4318",
        "http://me:pa55@collector:4318",
        "http://me:pa55@collector:port",
    ] {
        let refused = traces::layer::<tracing_subscriber::Registry>(endpoint);
        let message = refused.err().expect(endpoint).to_string();
        assert!(
            message.contains("--otlp-endpoint") && message.contains("give http://HOST:4318"),
            "{message}"
        );
        assert!(!message.contains("pa55"), "{message}");
    }
    let refused = traces::layer::<tracing_subscriber::Registry>("https://me@collector:4318");
    let message = refused.err().expect("refused").to_string();
    assert!(message.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{message}");
}
