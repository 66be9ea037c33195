//! A metric that crosses its target, and how soon the target is scaled.

use jiff::SignedDuration;

use crate::harness::{Stage, condition, is, polled};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 5s
metrics:
  - name: requests
    prometheus: {query: 'sum(rate(http_requests_total[1m]))'}
    target: {averageValue: '100'}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_that_crosses_its_target_scales_within_one_interval_and_two_seconds() {
    let stage = Stage::set("reaction").await;
    stage.metrics.says(190.0);
    stage.deployment("web", 2).await;
    let _operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    stage.until_policy("web", "ready", |p| is(p, "Ready", "True")).await;
    assert_eq!(
        stage.replicas("web").await,
        2,
        "190 / 100 is within tolerance of 2 replicas"
    );

    let crossed = headroom::clock::now();
    stage.metrics.says(450.0);
    stage.until_replicas("web", 5).await;

    let policy = stage
        .until_policy("web", "reported", |p| {
            p.status.as_ref().is_some_and(|s| s.current_replicas == Some(5))
        })
        .await;
    let status = policy.status.unwrap();
    let decision = status.decision.unwrap();
    assert_eq!(decision.winner.as_deref(), Some("metric/requests"));
    assert!(decision.message.contains("requests"), "{}", decision.message);
    assert_eq!(status.damping.unwrap().pending_scale, None);
    // By the operator's clock, in whole seconds: how long a busy machine takes to show the change is another matter.
    let took = status.last_scale_time.unwrap().0.duration_since(crossed);
    assert!(
        took <= SignedDuration::from_secs(5 + 2),
        "one interval + 2 s are promised, it took {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_action_is_an_event_and_says_why() {
    let stage = Stage::set("event").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let _operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    let describe = async || {
        let output = stage
            .cluster
            .kubectl()
            .args(["describe", "spol", "web", "-n", &stage.namespace])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.contains("SuccessfulRescale").then_some(text)
    };
    let text = polled("kubectl describe shows the event", describe).await;
    assert!(text.contains("requests"), "the event names the winner: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_policies_of_one_query_are_one_request() {
    let stage = Stage::set("dedup").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    stage.deployment("api", 2).await;
    let operator = stage.operator().await;
    let api = format!("{SPEC}\ntargetRef: {{apiVersion: apps/v1, kind: Deployment, name: api}}");
    stage.policy("web", &SPEC.replace("5s", "1h")).await;
    stage.policy("api", &api.replace("5s", "1h")).await;
    stage.until_replicas("web", 5).await;
    stage.until_replicas("api", 5).await;
    let asked = operator.count("headroom_metric_query_duration_seconds_count").await;
    assert_eq!(asked, 1.0, "{}", operator.page().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_cannot_be_obeyed_says_so_and_scales_nothing() {
    let stage = Stage::set("invalid").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let before = stage.generation("web").await;
    let _operator = stage.operator().await;
    let schedules = "
schedules:
  - {name: office, start: '0 99 * * *', duration: 1h, minReplicas: 9}
";
    stage.policy("web", &format!("{SPEC}{schedules}")).await;
    let policy = stage.until_policy("web", "refused", |p| is(p, "Ready", "False")).await;
    let (_, reason, message) = condition(&policy, "Ready").unwrap();
    assert_eq!(reason, "InvalidSpec");
    for part in ["schedules[office].start", "0 99 * * *", "five fields"] {
        assert!(message.contains(part), "{part:?} is missing in {message:?}");
    }
    assert_eq!(stage.generation("web").await, before);
    // Mended, it is obeyed.
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
}
