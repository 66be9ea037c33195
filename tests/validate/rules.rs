//! Threshold rules, activation values and the fallback.

use super::{METRIC, check};

#[test]
fn thresholds() {
    let metric = |t: &str| format!("maxReplicas: 9\nmetrics: [{{name: a, prometheus: {{query: up}}, {t}}}]");
    let rule = |t: &str| metric(&format!("thresholds: {t}"));
    check(
        &metric("activationValue: 5, target: {value: 1}"),
        "metrics[a].activationValue",
        &["minReplicas is 0; it is 1"],
    );
    check(
        &metric(""),
        "metrics[a].target",
        &["exactly one of target", "thresholds"],
    );
    let both = metric("target: {value: 1}, thresholds: {scaleUp: {above: 1}}");
    check(&both, "metrics[a].target", &["exactly one of target", "thresholds"]);
    let field = |name: &str| format!("metrics[a].thresholds.{name}");
    check(
        &rule("{scaleUp: {above: 5}, scaleDown: {below: '5'}}"),
        &field("scaleDown.below"),
        &["5 must be less than scaleUp.above (5)"],
    );
    check(
        &rule("{scaleUp: {above: many}}"),
        &field("scaleUp.above"),
        &["\"many\"", "quantity from 0 up"],
    );
    check(
        &rule("{scaleUp: {above: 1, by: 0}}"),
        &field("scaleUp.by"),
        &["0 is not a replica count"],
    );
    check(
        &rule("{scaleUp: {above: 1, cooldown: 2d}}"),
        &field("scaleUp.cooldown"),
        &["\"2d\"", "from 1s to 1d"],
    );
}

#[test]
fn fallbacks() {
    let more = |t: &str| format!("{METRIC}minReplicas: 2\nmaxReplicas: 9\nfallback: {t}");
    check(
        &more("{replicas: 10}"),
        "fallback.replicas",
        &["10 is not from minReplicas to maxReplicas (2 to 9)"],
    );
    check(&more("{replicas: 1}"), "fallback.replicas", &["1 is not from"]);
    check(
        &more("{replicas: 5, after: 3d}"),
        "fallback.after",
        &["\"3d\"", "from 15s to 1d"],
    );
    let windows = "maxReplicas: 9\nfallback: {replicas: 5}\nschedules: [{name: w, start: '0 8 * * *', duration: 1h, replicas: 5}]";
    check(windows, "fallback", &["needs a metric"]);
}

#[test]
fn zero_needs_a_metric_that_is_there_without_pods() {
    let cpu = "{name: cpu, resource: {name: cpu}, target: {averageUtilization: 70}}";
    let zero = |metrics: &str| format!("minReplicas: 0\nmaxReplicas: 9\nmetrics: [{metrics}]");
    check(
        &zero(cpu),
        "minReplicas",
        &["without pods", "prometheus, object or external"],
    );
    let idle = cpu.replace("target", "activationValue: 5, target");
    let requests = "{name: requests, prometheus: {query: up}, target: {averageValue: 100}}";
    check(
        &zero(&format!("{idle}, {requests}")),
        "metrics[cpu].activationValue",
        &["no effect on a metric of pods"],
    );
}
