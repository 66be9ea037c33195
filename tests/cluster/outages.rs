//! Everything that a Prometheus can do wrong: never a scale-down, a condition that names metric and cause, recovery by itself.

use std::time::{Duration, Instant};

use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, Prometheus, PrometheusOptions};

use crate::harness::{Operator, Stage, condition, free_address, is};
use crate::prometheus::{Answer, Scripted};

fn spec(query: &str) -> String {
    format!(
        "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {{query: '{query}'}}
    target: {{averageValue: '100'}}
behavior: {{scaleDown: {{stabilizationWindowSeconds: 0}}}}
"
    )
}

/// While the metric fails, the condition says so and nothing is written.
async fn fails(stage: &Stage, operator: &Operator, cause: &'static str) {
    let generation = stage.generation("web").await;
    let failing = move |p: &ScalingPolicy| {
        condition(p, "ScalingActive").is_some_and(|(status, _, message)| {
            status == "False" && message.contains("requests") && message.contains(cause)
        })
    };
    let policy = stage
        .until_policy("web", &format!("failing with {cause}"), failing)
        .await;
    let error = policy
        .status
        .unwrap()
        .metrics
        .into_iter()
        .find_map(|m| m.error)
        .unwrap();
    assert_eq!(error.cause, cause);
    assert!(error.since.is_some(), "since when is told");
    operator.decides(2.0).await;
    assert_eq!(stage.generation("web").await, generation, "{cause}: nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_failing_and_malformed_answers_never_scale_down() {
    let stage = Stage::set("answers").await;
    stage.metrics.says(1000.0);
    stage.deployment("web", 10).await;
    let operator = stage.operator().await;
    stage.policy("web", &spec("requests")).await;
    let cases = [
        (Answer::InternalError, "BadAnswer"),
        (Answer::Malformed, "BadAnswer"),
        (Answer::Html, "BadAnswer"),
        (Answer::Hang, "Timeout"),
        (Answer::Value(f64::NAN), "NotFinite"),
        (Answer::Value(f64::INFINITY), "NotFinite"),
        (Answer::Value(-5.0), "Negative"),
    ];
    for (answer, cause) in cases {
        stage
            .until_policy("web", "healthy", |p| is(p, "ScalingActive", "True"))
            .await;
        stage.metrics.answers(answer);
        fails(&stage, &operator, cause).await;
        assert_eq!(stage.replicas("web").await, 10);
        stage.metrics.says(1000.0);
    }
    // Recovered by itself: low load scales down again.
    stage.metrics.says(300.0);
    stage.until_replicas("web", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_metric_blocks_the_way_down_and_not_the_way_up() {
    let stage = Stage::set("blind").await;
    stage.metrics.says(700.0);
    stage.deployment("web", 5).await;
    let dead = free_address();
    let operator = stage
        .operator_with(&format!("default={},dead=http://{dead}", stage.metrics.url()))
        .await;
    let second = "
  - name: queue
    prometheus: {query: queue, server: dead}
    target: {averageValue: '10'}
behavior:";
    stage
        .policy("web", &spec("requests").replace("\nbehavior:", second))
        .await;
    stage.until_replicas("web", 7).await;
    stage.metrics.says(200.0);
    operator.decides(3.0).await;
    assert_eq!(stage.replicas("web").await, 7);
    let limited = |p: &ScalingPolicy| {
        let decision = p.status.as_ref().and_then(|s| s.decision.as_ref());
        decision.is_some_and(|d| d.limits.iter().any(|l| l.reason == "MetricInvalid"))
    };
    stage
        .until_policy("web", "held because a metric is invalid", limited)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_prometheus_may_say_or_not() {
    let stage = Stage::set("real").await;
    let binaries = Binaries::ensure(headroom_cluster::console()).await.unwrap();
    let mut prometheus = Prometheus::start(&binaries, PrometheusOptions::default())
        .await
        .unwrap();
    stage.deployment("web", 10).await;
    let operator = stage.operator_with(&format!("default={}", prometheus.url())).await;
    let cases = [
        ("vector(0) / 0", "NotFinite"),
        ("vector(1) > 2", "Empty"),
        (
            "label_replace(vector(1), \"a\", \"b\", \"\", \"\") or vector(2)",
            "Ambiguous",
        ),
        ("sum(rate(x[1m])", "BadQuery"),
        ("up[5m]", "BadQuery"),
        ("vector(-3)", "Negative"),
    ];
    for (query, cause) in cases {
        stage.policy("web", &spec("vector(1000)")).await;
        stage
            .until_policy("web", "healthy", |p| is(p, "ScalingActive", "True"))
            .await;
        stage.policy("web", &spec(query)).await;
        fails(&stage, &operator, cause).await;
    }
    stage.policy("web", &spec("vector(1000)")).await;
    stage
        .until_policy("web", "healthy", |p| is(p, "ScalingActive", "True"))
        .await;
    prometheus.kill().unwrap();
    fails(&stage, &operator, "Unreachable").await;
    assert_eq!(stage.replicas("web").await, 10);
    prometheus.restart().await.unwrap();
    stage
        .until_policy("web", "healthy again", |p| is(p, "ScalingActive", "True"))
        .await;
    assert_eq!(stage.replicas("web").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_server_holds_up_only_those_who_ask_it() {
    let stage = Stage::set("hanging").await;
    let hanging = Scripted::start().await;
    hanging.answers(Answer::Hang);
    stage.metrics.says(200.0);
    stage.deployment("web", 2).await;
    stage.deployment("idle", 1).await;
    let _operator = stage
        .operator_with(&format!("default={},hanging={}", stage.metrics.url(), hanging.url()))
        .await;
    // More than there are reconciles under way at once.
    for i in 0..300 {
        let target = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: idle}";
        let query = format!("{{query: 'q{i}', server: hanging}}");
        let spec = spec("q").replace("{query: 'q'}", &query);
        stage.policy(&format!("idle-{i}"), &format!("{spec}{target}")).await;
    }
    stage.policy("web", &spec("requests")).await;
    stage
        .until_policy("web", "healthy", |p| is(p, "ScalingActive", "True"))
        .await;
    stage
        .until_policy("idle-299", "failing", |p| is(p, "ScalingActive", "False"))
        .await;
    let begun = Instant::now();
    stage.metrics.says(500.0);
    stage.until_replicas("web", 5).await;
    let took = begun.elapsed();
    // The interval is a second; the same bound as for a metric that crosses its target alone.
    assert!(took < Duration::from_secs(3), "{took:?}");
}
