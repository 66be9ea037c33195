//! What the operator tells of itself: its metrics page, as `promtool` reads it, and its traces.

use std::io::Write;
use std::process::{Command, Stdio};

use headroom_cluster::Binaries;

use crate::collector::{Collector, attributes};
use crate::harness::{Stage, polled};

/// A threshold rule that fails, a forecast that shows, a window that is always open, and a limit that holds.
const SPEC: &str = "
minReplicas: 1
maxReplicas: 4
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
  - name: queue
    prometheus: {query: queue, server: nobody}
    thresholds: {scaleUp: {above: 80, by: 1}}
schedules: [{name: always, start: '* * * * *', duration: 1h, minReplicas: 2, maxReplicas: 3}]
prediction: {metric: requests}
";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_sound_and_tells_what_a_dashboard_asks() {
    let stage = Stage::set("telemetry").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 3).await;
    operator.decides(3.0).await;

    let page = operator.page().await;
    let policy = format!("namespace=\"{}\",policy=\"web\"", stage.namespace);
    for sample in [
        format!("headroom_policy_min_replicas{{{policy}}} 2.0"),
        format!("headroom_policy_max_replicas{{{policy}}} 3.0"),
        format!("headroom_policy_load{{{policy}}} 450.0"),
        format!("headroom_policy_proposed_replicas{{{policy},source=\"metric\"}} 5.0"),
        format!("headroom_policy_proposed_replicas{{{policy},source=\"schedule\"}} 2.0"),
        format!("headroom_policy_metric_failing{{{policy},metric=\"requests\"}} 0.0"),
        format!("headroom_policy_metric_failing{{{policy},metric=\"queue\"}} 1.0"),
        format!("headroom_policy_held{{{policy},reason=\"WindowCeiling\"}} 1.0"),
    ] {
        assert!(page.contains(&sample), "{sample} is not in\n{page}");
    }
    // Three replicas for about a second each time; fewer before the first change.
    let asked_for = operator.count("headroom_policy_replica_seconds_total").await;
    assert!(asked_for >= 3.0, "{asked_for}");
    assert!(operator.count("headroom_reconcile_lag_seconds_count").await >= 3.0);
    for request in [
        r#"verb="list",resource="pods",code="200""#,
        r#"verb="watch",resource="deployments",code="200""#,
        r#"verb="patch",resource="deployments/scale",code="200""#,
        r#"verb="patch",resource="scalingpolicies/status",code="200""#,
        r#"verb="create",resource="events",code="201""#,
    ] {
        assert!(
            page.contains(&format!("headroom_api_requests_total{{{request}}}")),
            "{request} is not in\n{page}"
        );
    }

    let promtool = Binaries::ensure_prometheus(|_| {}).await.unwrap().promtool;
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    let words = [told.stdout, told.stderr].map(|w| String::from_utf8_lossy(&w).into_owned());
    assert!(
        told.status.success() && words.iter().all(String::is_empty),
        "{words:?}\n{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_reach_a_collector_before_the_operator_ends() {
    let stage = Stage::set("traces").await;
    stage.metrics.says(250.0);
    stage.deployment("web", 2).await;
    let collector = Collector::default();
    let url = collector.listen().await;
    let prometheus = format!("default={}", stage.metrics.url());
    let options = ["--namespace", &stage.namespace, "--otlp-endpoint", &url];
    let mut operator = stage.spawn("operator", &prometheus, stage.cluster.kubeconfig(), &options);
    operator.ready().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 3).await;
    operator.process.ask_to_stop();
    // The queue is emptied every five seconds; what it holds at the end is sent all the same.
    let scaled = || {
        let spans = collector.spans();
        let root = spans
            .iter()
            .find(|s| s.name == "reconcile" && attributes(s)["desired"] == "IntValue(3)")?;
        let below = spans
            .iter()
            .filter(|s| s.trace_id == root.trace_id)
            .cloned()
            .collect::<Vec<_>>();
        Some((root.clone(), below))
    };
    let (root, below) = polled("a change is traced", async || scaled()).await;
    assert_eq!(attributes(&root)["policy"], "StringValue(\"web\")");
    let query = |metric: &str| {
        let wanted = format!("StringValue({metric:?})");
        below
            .iter()
            .find(|s| s.name == "query" && attributes(s)["metric"] == wanted)
            .expect("a query")
    };
    assert!(!attributes(query("requests")).contains_key("error"));
    assert_eq!(attributes(query("queue"))["error"], "StringValue(\"UnknownServer\")");
}
