//! Threshold rules, scale to zero and back, and the fallback, on a real Deployment and across a `kill -9`.

use headroom::api::ScalingPolicy;

use crate::harness::{Stage, condition};
use crate::prometheus::Answer;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_rests_at_zero_and_wakes_also_after_a_restart() {
    let stage = Stage::set("rest").await;
    stage.metrics.says(3.0);
    stage.deployment("web", 2).await;
    let mut operator = stage.operator().await;
    let spec = "
minReplicas: 0
maxReplicas: 20
interval: 1s
metrics:
  - name: queue
    prometheus: {query: queue}
    target: {averageValue: '100'}
    activationValue: 5
behavior: {scaleDown: {stabilizationWindowSeconds: 2}}
";
    stage.policy("web", spec).await;
    stage.until_replicas("web", 0).await;
    let resting = |p: &ScalingPolicy| {
        let damping = p.status.as_ref().and_then(|s| s.damping.as_ref());
        damping.is_some_and(|d| d.scaled_to_zero && d.pending_scale.is_none())
    };
    stage.until_policy("web", "resting", resting).await;
    operator.process.kill().unwrap();
    let operator = stage.operator().await;
    operator.decides(2.0).await;
    assert_eq!(stage.replicas("web").await, 0, "5 are not exceeded");
    stage.metrics.says(250.0);
    stage.until_replicas("web", 3).await;
    let policy = stage
        .until_policy("web", "awake", |p| {
            p.status.as_ref().is_some_and(|s| s.current_replicas == Some(3))
        })
        .await;
    assert!(!policy.status.unwrap().damping.unwrap().scaled_to_zero);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_rule_steps_once_in_its_own_cooldown_also_across_a_restart() {
    let stage = Stage::set("steps").await;
    stage.metrics.says(900.0);
    stage.deployment("web", 2).await;
    let mut operator = stage.operator().await;
    let spec = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    thresholds:
      scaleUp: {above: 1000, by: 2, cooldown: 1h}
      scaleDown: {below: 300, by: 1, cooldown: 1h}
";
    stage.policy("web", spec).await;
    operator.decides(2.0).await;
    assert_eq!(stage.replicas("web").await, 2, "between the thresholds");
    stage.metrics.says(1200.0);
    stage.until_replicas("web", 4).await;
    let remembered = |p: &ScalingPolicy| {
        let damping = p.status.as_ref().and_then(|s| s.damping.as_ref());
        damping.is_some_and(|d| d.rules.iter().any(|r| r.name == "requests" && r.up.is_some()))
    };
    stage.until_policy("web", "remembered", remembered).await;
    operator.process.kill().unwrap();
    let operator = stage.operator().await;
    operator.decides(3.0).await;
    assert_eq!(stage.replicas("web").await, 4, "it cools down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_is_announced_and_then_counts() {
    let stage = Stage::set("fallback").await;
    stage.metrics.says(200.0);
    stage.deployment("web", 2).await;
    let operator = stage.operator().await;
    let spec = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
fallback: {replicas: 6, after: 15s}
";
    stage.policy("web", spec).await;
    operator.decides(1.0).await;
    stage.metrics.answers(Answer::InternalError);
    let announced = |p: &ScalingPolicy| {
        let status = p.status.as_ref();
        status.is_some_and(|s| {
            s.metrics
                .iter()
                .any(|m| m.error.as_ref().is_some_and(|e| e.fallback_at.is_some()))
        })
    };
    let policy = stage.until_policy("web", "announced", announced).await;
    let error = policy.status.unwrap().metrics[0].error.clone().unwrap();
    let (since, at) = (error.since.unwrap().0, error.fallback_at.unwrap().0);
    assert_eq!(at.duration_since(since).as_secs(), 15);
    assert_eq!(stage.replicas("web").await, 2, "not before its time");
    stage.until_replicas("web", 6).await;
    assert!(headroom::clock::now() >= at);
    // The metric is back, and the target is its own again once the window is over; the status says so at once.
    stage.metrics.says(200.0);
    let healthy = |p: &ScalingPolicy| condition(p, "Ready").is_some_and(|(status, ..)| status == "True");
    stage.until_policy("web", "healthy again", healthy).await;
}
