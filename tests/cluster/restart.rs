//! `kill -9` in the middle of a scale-down: no extra write, cooldown and stabilisation kept.

use std::time::{Duration, Instant};

use crate::harness::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_operator_forgets_no_cooldown() {
    let stage = Stage::set("cooldown").await;
    stage.metrics.says(200.0);
    stage.deployment("web", 10).await;
    let mut operator = stage.operator().await;
    let spec = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
behavior:
  scaleDown: {stabilizationWindowSeconds: 0, cooldownSeconds: 20, policies: [{type: Pods, value: 3, periodSeconds: 1}]}
";
    stage.policy("web", spec).await;
    stage.until_replicas("web", 7).await;
    let first = Instant::now();
    let generation = stage.generation("web").await;
    operator.process.kill().unwrap();
    let operator = stage.operator().await;
    operator.decides(3.0).await;
    assert_eq!(
        stage.generation("web").await,
        generation,
        "no extra write after the restart"
    );
    stage.until_replicas("web", 4).await;
    let waited = first.elapsed();
    assert!(
        waited >= Duration::from_secs(18),
        "the cooldown of 20 s was kept: {waited:?}"
    );
    assert_eq!(
        stage.generation("web").await,
        generation + 1,
        "one more step, one more write"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_operator_keeps_the_stabilisation_window() {
    let stage = Stage::set("stabilise").await;
    stage.metrics.says(1000.0);
    stage.deployment("web", 10).await;
    let mut operator = stage.operator().await;
    let spec = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
behavior:
  scaleDown: {stabilizationWindowSeconds: 15}
";
    stage.policy("web", spec).await;
    operator.decides(2.0).await;
    stage.metrics.says(300.0);
    operator.decides(2.0).await;
    operator.process.kill().unwrap();
    let restarted = Instant::now();
    let operator = stage.operator().await;
    operator.decides(2.0).await;
    assert_eq!(stage.replicas("web").await, 10);
    stage.until_replicas("web", 3).await;
    assert!(
        restarted.elapsed() >= Duration::from_secs(14),
        "a full window from the restart: {:?}",
        restarted.elapsed()
    );
}

/// What a crash leaves behind: ten replicas of which two are needed, a policy with a cooldown of an hour, and a change
/// that was announced.
async fn crashed(name: &str, from: u32, to: u32) -> Stage {
    let stage = Stage::set(name).await;
    stage.metrics.says(200.0);
    stage.deployment("web", 10).await;
    let spec = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
behavior:
  scaleDown: {stabilizationWindowSeconds: 0, cooldownSeconds: 3600}
";
    stage.policy("web", spec).await;
    let now = headroom::clock::now();
    let pending = serde_json::json!({"status": {"damping": {"pendingScale": {"at": now, "from": from, "to": to}}}});
    let (parameters, pending) = (kube::api::PatchParams::default(), kube::api::Patch::Merge(pending));
    let patched = stage.policies().patch_status("web", &parameters, &pending).await;
    patched.unwrap();
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_announcement_and_write_counts_as_no_change() {
    let stage = crashed("pending", 10, 2).await;
    let _operator = stage.operator().await;
    // No change was made, so no cooldown runs.
    stage.until_replicas("web", 2).await;
    // It was made once; from here on the cooldown holds.
    stage
        .until_policy("web", "done with the announcement", |p| {
            let damping = p.status.as_ref().and_then(|s| s.damping.as_ref());
            damping.is_some_and(|d| d.pending_scale.is_none() && d.scale_events.len() == 1)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_write_and_report_keeps_the_cooldown() {
    let stage = crashed("made", 20, 10).await;
    let operator = stage.operator().await;
    operator.decides(3.0).await;
    assert_eq!(
        stage.replicas("web").await,
        10,
        "the change was made, so the cooldown runs"
    );
    let policy = stage.policies().get("web").await.unwrap();
    let events = policy.status.unwrap().damping.unwrap_or_default().scale_events;
    assert_eq!((events.len(), events[0].from, events[0].to), (1, 20, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_operator_in_order() {
    let stage = Stage::set("sigterm").await;
    stage.metrics.says(500.0);
    stage.deployment("web", 2).await;
    let mut operator = stage.operator().await;
    stage.policy("web", "{minReplicas: 2, maxReplicas: 9, interval: 1s, metrics: [{name: m, prometheus: {query: q}, target: {averageValue: 100}}]}").await;
    stage.until_replicas("web", 5).await;
    operator.process.ask_to_stop();
    let log = operator.log.clone();
    drop(operator); // waits for the end
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.trim_end().ends_with("stopped"),
        "the last line is the operator's own: {log}"
    );
}
