//! `kubectl scale` by hand: the new count is what the next decision starts from; zero switches the policy off.

use crate::harness::{Stage, condition};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 2s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
behavior: {scaleDown: {stabilizationWindowSeconds: 3600}}
";

fn scale(stage: &Stage, replicas: u32) {
    let to = format!("--replicas={replicas}");
    let status = stage
        .cluster
        .kubectl()
        .args(["scale", "deployment/web", &to, "-n", &stage.namespace])
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_count_is_the_new_starting_point() {
    let stage = Stage::set("manual").await;
    stage.metrics.says(500.0);
    stage.deployment("web", 5).await;
    let operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    operator.decides(1.0).await;
    // Too few: raised again at once, without waiting for anything.
    scale(&stage, 1);
    stage.until_replicas("web", 5).await;
    // More than needed: brought back like any scale-down, and no recommendation of the window was higher than five.
    scale(&stage, 8);
    stage.until_replicas("web", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_a_person_put_to_zero_stays_there() {
    let stage = Stage::set("zero").await;
    stage.metrics.says(500.0);
    stage.deployment("web", 5).await;
    let operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    operator.decides(1.0).await;
    scale(&stage, 0);
    let disabled = |p: &headroom::api::ScalingPolicy| {
        condition(p, "ScalingActive")
            .is_some_and(|(status, reason, _)| status == "False" && reason == "ScalingDisabled")
    };
    stage.until_policy("web", "switched off", disabled).await;
    operator.decides(3.0).await;
    assert_eq!(stage.replicas("web").await, 0);
    scale(&stage, 1);
    stage.until_replicas("web", 5).await;
}
