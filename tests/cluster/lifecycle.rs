//! Targets that are missing, come, and go; policies that are deleted.

use kube::api::DeleteParams;

use crate::harness::{Stage, condition, is, polled};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 5s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
behavior: {scaleDown: {stabilizationWindowSeconds: 0}, scaleUp: {cooldownSeconds: 3600}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_target_may_come_after_its_policy_and_go_before_it() {
    let stage = Stage::set("target").await;
    stage.metrics.says(450.0);
    let _operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    let missing = |p: &headroom::api::ScalingPolicy| {
        condition(p, "Ready").is_some_and(|(status, reason, _)| status == "False" && reason == "TargetNotFound")
    };
    let policy = stage.until_policy("web", "without target", missing).await;
    let (_, _, message) = condition(&policy, "Ready").unwrap();
    assert!(message.contains("web"), "{message}");

    stage.deployment("web", 2).await;
    stage.until_replicas("web", 5).await;
    stage.until_policy("web", "ready", |p| is(p, "Ready", "True")).await;

    stage
        .deployments()
        .delete("web", &DeleteParams::default())
        .await
        .unwrap();
    stage.until_policy("web", "without target again", missing).await;

    // Created again it is another target: the cooldown of an hour that the first one's growth began does not hold it.
    stage.deployment("web", 2).await;
    stage.until_replicas("web", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_policy_leaves_its_target_as_it_is() {
    let stage = Stage::set("deleted").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    // Goes on deciding, so that "nothing was decided any more" can be told from "not yet".
    stage.deployment("witness", 1).await;
    let target = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: witness}";
    stage
        .policy("witness", &format!("{}{target}", SPEC.replace("5s", "1s")))
        .await;
    stage.until_replicas("web", 5).await;
    let series = format!("policy=\"{}\"", "web");
    assert!(operator.page().await.contains(&series));
    stage.delete_policy("web").await;
    let forgotten = async || (!operator.page().await.contains(&series)).then_some(());
    polled("its series are gone", forgotten).await;
    let generation = stage.generation("web").await;
    stage.metrics.says(100.0);
    operator.decides(7.0).await; // seven seconds: the deleted policy's turn would have come
    assert_eq!(
        (stage.replicas("web").await, stage.generation("web").await),
        (5, generation)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_does_not_exist_is_said_to_be_unknown() {
    let stage = Stage::set("kind").await;
    let _operator = stage.operator().await;
    let target = "targetRef: {apiVersion: example.com/v1, kind: Gizmo, name: web}";
    stage.policy("web", &format!("{SPEC}{target}")).await;
    let policy = stage.until_policy("web", "refused", |p| is(p, "Ready", "False")).await;
    let (_, _, message) = condition(&policy, "Ready").unwrap();
    assert!(message.contains("Gizmo"), "{message}");
}
