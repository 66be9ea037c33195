//! Sources and their targets: what each becomes, and what is refused, with field, value and remedy.

use jiff::SignedDuration;

use crate::engine::policy::{Policy, Rule, Target};
use crate::validate::{self, Invalid};

fn policy(more: &str) -> Result<Policy, Invalid> {
    let text = format!("targetRef: {{apiVersion: apps/v1, kind: Deployment, name: a}}\nmaxReplicas: 9\n{more}");
    validate::policy(&serde_yaml::from_str(&text).unwrap())
}

/// A policy with one metric that has this source and target.
fn metric(source: &str, target: &str) -> String {
    format!("metrics: [{{name: a, {source}, target: {target}}}]\n")
}

/// What a metric with this source and target becomes.
#[track_caller]
fn becomes(source: &str, target: &str, expected: Target) {
    let got = policy(&metric(source, target)).unwrap().metrics[0].rule;
    assert_eq!(got, Rule::Target(expected), "{source} {target}");
}

/// The field that is at fault, and words that are said of it.
#[track_caller]
fn refuses(more: &str, field: &str, words: &[&str]) {
    let Invalid(problems) = policy(more).unwrap_err();
    let fits = |p: &validate::Problem| p.field == field && words.iter().all(|w| p.message.contains(w));
    assert!(problems.iter().any(fits), "{field} {words:?} not in {problems:?}");
}

const CPU: &str = "resource: {name: cpu}";
const PODS: &str = "pods: {metric: {name: sessions}}";
const OBJECT: &str = "object: {describedObject: {kind: Service, name: web}, metric: {name: hits}}";
const EXTERNAL: &str = "external: {metric: {name: queue}}";

#[test]
fn each_source_has_the_targets_that_fit_it() {
    becomes(CPU, "{averageUtilization: 70}", Target::Utilization(70.0));
    let memory = "resource: {name: memory, container: app}";
    becomes(memory, "{averageValue: 1Ki}", Target::PodAverage(1024.0));
    becomes(PODS, "{averageValue: 500m}", Target::PodAverage(0.5));
    for source in [OBJECT, EXTERNAL, "prometheus: {query: up}"] {
        becomes(source, "{value: 2}", Target::Value(2.0));
        becomes(source, "{averageValue: 2}", Target::AverageValue(2.0));
    }
}

#[test]
fn a_target_that_does_not_fit_is_refused() {
    let value = "metrics[a].target.value";
    refuses(
        &metric(CPU, "{value: 1}"),
        value,
        &["averageUtilization", "averageValue"],
    );
    refuses(&metric(PODS, "{value: 1}"), value, &["give averageValue"]);
    let utilization = "metrics[a].target.averageUtilization";
    for source in [PODS, OBJECT, EXTERNAL, "prometheus: {query: up}"] {
        let text = metric(source, "{averageUtilization: 70}");
        refuses(&text, utilization, &["for a resource", "value"]);
    }
    for percent in ["0", "-1", "10001"] {
        let text = metric(CPU, &format!("{{averageUtilization: {percent}}}"));
        refuses(&text, utilization, &[percent, "from 1 to 10000"]);
    }
    let both = metric(CPU, "{averageUtilization: 70, averageValue: 1}");
    refuses(&both, "metrics[a].target", &["exactly one of"]);
}

#[test]
fn there_is_exactly_one_source() {
    let none = "metrics: [{name: a, target: {value: 1}}]";
    refuses(none, "metrics[a]", &["exactly one source", "external"]);
    let two = metric(&format!("{CPU}, {EXTERNAL}"), "{averageValue: 1}");
    refuses(&two, "metrics[a]", &["exactly one source"]);
}

#[test]
fn names_lead_nowhere_else() {
    let long = "x".repeat(254);
    for name in ["../secrets", "a/b", "%2e%2e", "..", "with space", "", &long] {
        let external = metric(&format!("external: {{metric: {{name: {name:?}}}}}"), "{value: 1}");
        refuses(&external, "metrics[a].external.metric.name", &[name, "no slash"]);
        let pods = metric(&format!("pods: {{metric: {{name: {name:?}}}}}"), "{averageValue: 1}");
        refuses(&pods, "metrics[a].pods.metric.name", &["is not a name"]);
        let described = format!("describedObject: {{kind: Service, name: {name:?}}}");
        let object = metric(&format!("object: {{{described}, metric: {{name: m}}}}"), "{value: 1}");
        refuses(&object, "metrics[a].object.describedObject.name", &["is not a name"]);
    }
    let described = |what: &str| {
        let source = format!("object: {{describedObject: {{{what}, name: x}}, metric: {{name: m}}}}");
        metric(&source, "{value: 1}")
    };
    let kind = "metrics[a].object.describedObject.kind";
    refuses(&described("kind: a/b"), kind, &["\"a/b\"", "Ingress"]);
    let version = "metrics[a].object.describedObject.apiVersion";
    refuses(
        &described("kind: X, apiVersion: a/b/c"),
        version,
        &["a/b/c", "group/version"],
    );
    refuses(&described("kind: X, apiVersion: /v1"), version, &["group/version"]);
}

#[test]
fn selectors_are_labels() {
    let with = |selector: &str| {
        let source = format!("external: {{metric: {{name: m, selector: {selector}}}}}");
        metric(&source, "{value: 1}")
    };
    let labels = "metrics[a].external.metric.selector.matchLabels";
    refuses(
        &with("{matchLabels: {'a,b': c}}"),
        labels,
        &["a,b", "not a label's name"],
    );
    refuses(
        &with("{matchLabels: {a: 'b,c=d'}}"),
        labels,
        &["b,c=d", "not a label's value"],
    );
    let expressions = "metrics[a].external.metric.selector.matchExpressions";
    for expression in ["{key: a, operator: In}", "{key: a, operator: Exists, values: [b]}"] {
        let text = with(&format!("{{matchExpressions: [{expression}]}}"));
        refuses(&text, expressions, &["need values"]);
    }
}

#[test]
fn a_forecast_needs_history() {
    for (source, target) in [(EXTERNAL, "{averageValue: 1}"), (CPU, "{averageUtilization: 1}")] {
        let text = format!("{}prediction: {{metric: a}}", metric(source, target));
        refuses(&text, "prediction.metric", &["no prometheus source", "history"]);
    }
}

#[test]
fn warm_up_has_hpa_s_defaults_and_bounds() {
    let cpu = metric(CPU, "{averageUtilization: 70}");
    let times = |more: &str| {
        let warm_up = policy(&format!("{cpu}{more}")).unwrap().warm_up;
        (warm_up.initial_readiness_delay, warm_up.cpu_initialization_period)
    };
    let secs = SignedDuration::from_secs;
    assert_eq!(times(""), (secs(30), secs(300)));
    assert_eq!(times("warmUp: {initialReadinessDelay: 5s}"), (secs(5), secs(300)));
    for bad in ["0s", "61m", "soon"] {
        let text = format!("{cpu}warmUp: {{cpuInitializationPeriod: {bad}}}");
        refuses(&text, "warmUp.cpuInitializationPeriod", &[bad]);
    }
}
