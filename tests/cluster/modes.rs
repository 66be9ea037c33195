//! DryRun and Paused write nothing and tell everything.

use crate::harness::{Stage, condition};

fn spec(mode: &str) -> String {
    format!(
        "
minReplicas: 2
maxReplicas: 20
interval: 1s
mode: {mode}
metrics:
  - name: requests
    prometheus: {{query: requests}}
    target: {{averageValue: '100'}}
schedules:
  - {{name: always, start: '* * * * *', duration: 1h, minReplicas: 4}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let stage = Stage::set("dryrun").await;
    stage.metrics.says(900.0);
    stage.deployment("web", 3).await;
    let generation = stage.generation("web").await;
    let operator = stage.operator().await;
    stage.policy("web", &spec("DryRun")).await;
    let policy = stage
        .until_policy("web", "decided", |p| {
            p.status.as_ref().is_some_and(|s| s.desired_replicas.is_some())
        })
        .await;
    let status = policy.status.unwrap();
    assert_eq!(
        (status.current_replicas, status.desired_replicas),
        (Some(3), Some(7)),
        "from 3 by at most 4 pods in 15 s"
    );
    assert!(status.decision.unwrap().message.contains("would"));
    operator.decides(3.0).await;
    assert_eq!(stage.generation("web").await, generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_policy_holds_even_against_a_window() {
    let stage = Stage::set("paused").await;
    stage.metrics.says(900.0);
    stage.deployment("web", 3).await;
    let generation = stage.generation("web").await;
    let operator = stage.operator().await;
    stage.policy("web", &spec("Paused")).await;
    operator.decides(3.0).await;
    let policy = stage
        .until_policy("web", "reported", |p| {
            p.status.as_ref().is_some_and(|s| s.decision.is_some())
        })
        .await;
    assert_eq!(stage.generation("web").await, generation);
    assert_eq!(policy.status.as_ref().unwrap().desired_replicas, Some(3));
    assert!(
        condition(&policy, "ScalingActive").is_some_and(|(status, reason, _)| status == "False" && reason == "Paused")
    );
    // Resumed, it acts.
    stage.policy("web", &spec("Active")).await;
    stage.until_replicas("web", 7).await;
}
