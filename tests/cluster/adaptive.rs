//! Adaptive on a real API server: a signal that fails, and a plan that is trusted because a real Prometheus knows the load.

use std::fmt::Write as _;

use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, Prometheus, PrometheusOptions};

use crate::harness::{Stage, condition, is};

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

/// Three days of a load around 1,000 a second that ends now, with a latency far below its limit, a sample a minute. The
/// last one stands for five minutes: longer than the test.
fn history(until: i64) -> String {
    let mut text = String::new();
    let times = || (0..3 * 1_440).rev().map(|minute| until - 60 * minute);
    let load = |at: i64| {
        let day = (at.rem_euclid(86_400) as f64 / 86_400.0 * std::f64::consts::TAU).sin();
        // No two minutes are alike, by one percent either way.
        let noise = ((at as f64 * 12.9898).sin() * 43_758.545).fract();
        1_000.0 + 20.0 * day + 10.0 * noise
    };
    let series: [(&str, &dyn Fn(i64) -> f64); 2] = [("requests", &load), ("latency", &|_| 0.1)];
    for (name, value) in series {
        let _ = writeln!(text, "# TYPE {name} gauge");
        times().for_each(|at| {
            let _ = writeln!(text, "{name} {} {at}", value(at));
        });
    }
    text + "# EOF\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_plan_replaces_the_target_and_rules_again_after_a_restart() {
    let stage = Stage::set("planned").await;
    let file = stage.directory.path().join("history.om");
    std::fs::write(&file, history(headroom::clock::now().as_second())).unwrap();
    let binaries = Binaries::ensure(headroom_cluster::console()).await.unwrap();
    let options = PrometheusOptions {
        backfill: vec![file],
        ..PrometheusOptions::default()
    };
    let prometheus = Prometheus::start(&binaries, options).await.unwrap();
    let servers = format!("default={}", prometheus.url());
    stage.deployment("web", 10).await;
    let mut operator = stage.operator_with(&servers).await;
    let spec = SPEC
        .replace(", server: nobody", "")
        .replace("mode: Adaptive", "mode: Adaptive\n  leadTime: 60s");
    let spec = format!("{spec}behavior:\n  scaleDown: {{stabilizationWindowSeconds: 0}}\n");
    stage.policy("web", &spec).await;
    // About 1,000 ÷ 100 are ten or eleven; at 140 a replica and a margin of a few percent, eight.
    stage.until_replicas("web", 8).await;
    let replaced = |p: &ScalingPolicy| {
        let decision = p.status.as_ref().and_then(|s| s.decision.as_ref());
        decision.is_some_and(|d| {
            let of = |source: &str| d.proposals.iter().find(|p| p.source == source);
            of("metric").is_some_and(|m| m.replaced && m.replicas >= Some(10))
                && of("forecast").is_some_and(|f| f.replicas == Some(8))
        })
    };
    let policy = stage.until_policy("web", "ruled by its plan", replaced).await;
    assert!(is(&policy, "ForecastTrusted", "True"), "{:?}", policy.status);

    // The count of the fixed target, which is all that is known until the history was read, is not asked for meanwhile.
    let generation = stage.generation("web").await;
    operator.process.kill().unwrap();
    let operator = stage.operator_with(&servers).await;
    operator.decides(3.0).await;
    assert_eq!(
        (stage.replicas("web").await, stage.generation("web").await),
        (8, generation)
    );
}
