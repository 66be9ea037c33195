//! Adaptive on a real API server: what is refused, and a signal that fails.

use headroom::api::ScalingPolicy;

use crate::harness::{Stage, condition};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
prediction:
  metric: requests
  mode: Adaptive
  capacity: 140
  objective:
    signal: {prometheus: {query: latency, server: nobody}, above: '0.5'}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_signal_is_said_and_the_fixed_target_rules() {
    let stage = Stage::set("adaptive").await;
    stage.metrics.says(300.0);
    stage.deployment("web", 2).await;
    let operator = stage.operator().await;
    let taken = stage.policy("web", SPEC).await;
    let objective = taken.spec.prediction.and_then(|p| p.objective).unwrap();
    assert_eq!(
        (&*objective.shortfall.0, &*objective.max_margin.0),
        ("0.1%", "100%"),
        "the API server fills in the objective"
    );
    // The scripted server has no history, so there is no plan to trust: the target of 100 rules.
    stage.until_replicas("web", 3).await;
    let told = |p: &ScalingPolicy| {
        condition(p, "ObjectiveMet").is_some_and(|(status, reason, message)| {
            status == "Unknown" && reason == "SignalFailing" && message.contains("UnknownServer")
        })
    };
    let policy = stage.until_policy("web", "told that its signal fails", told).await;
    let (trusted, ..) = condition(&policy, "ForecastTrusted").unwrap();
    assert_ne!(trusted, "True");
    // A signal is no metric: it keeps nobody from scaling down, nor from being ready.
    assert!(condition(&policy, "Ready").is_some_and(|(status, ..)| status == "True"));
    let page = operator.page().await;
    assert!(!page.contains("headroom_policy_objective_met{"), "unknown is not shown");
}
