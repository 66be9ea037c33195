//! Where metrics come from, validated: exactly one source, a target that fits it, names that lead nowhere else.
//!
//! Re-checks what schema and CEL say, for policies from files. Names become parts of a request's path, so a slash, a
//! percent sign or a leading dot in one must never reach `observe/`: with them a policy could read what its author may
//! not. Neighbours: `problems.rs` (scalars), `api/source.rs` (the types and their schema).

#[cfg(test)]
mod tests;

use super::problems::Problems;
use crate::api::{
    LabelOperator, LabelRequirement, MetricIdentifier, MetricSelector, MetricSpec, MetricTarget, PrometheusSource,
    ResourceName, TargetRef, WarmUpSpec,
};
use crate::engine::policy::{Target, WarmUp};
use crate::engine::reading::PodMetric;

/// Longest name of a metric or an object.
const NAME: usize = 253;
/// The schema's bound of averageUtilization.
const MOST_PERCENT: i32 = 10_000;

/// The kinds of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Prometheus,
    Resource,
    Pods,
    Object,
    External,
}

impl Source {
    /// What it is of the target's pods.
    pub(super) fn of_pods(self, spec: &MetricSpec) -> Option<PodMetric> {
        match self {
            Source::Prometheus | Source::Object | Source::External => None,
            Source::Pods => Some(PodMetric::Custom),
            Source::Resource => spec.resource.as_ref().map(|resource| match resource.name {
                ResourceName::Cpu => PodMetric::Cpu,
                ResourceName::Memory => PodMetric::Memory,
            }),
        }
    }
}

/// Complains of a query that says nothing; what it says is for Prometheus to judge.
pub(super) fn query(field: &str, source: &PrometheusSource, p: &mut Problems) {
    if source.query.trim().is_empty() {
        let remedy = "is empty; write a PromQL query that returns one number";
        p.add(format!("{field}.prometheus.query"), remedy);
    }
}

/// The metric's one source, where it has exactly one.
pub(super) fn source(field: &str, spec: &MetricSpec, p: &mut Problems) -> Option<Source> {
    let given = [
        spec.prometheus.as_ref().map(|_| Source::Prometheus),
        spec.resource.as_ref().map(|_| Source::Resource),
        spec.pods.as_ref().map(|_| Source::Pods),
        spec.object.as_ref().map(|_| Source::Object),
        spec.external.as_ref().map(|_| Source::External),
    ];
    if let Some(prometheus) = &spec.prometheus {
        query(field, prometheus, p);
    }
    if let Some(pods) = &spec.pods {
        identifier(&format!("{field}.pods.metric"), &pods.metric, p);
    }
    if let Some(object) = &spec.object {
        identifier(&format!("{field}.object.metric"), &object.metric, p);
        name(
            &format!("{field}.object.describedObject.name"),
            &object.described_object.name,
            p,
        );
        let described = &object.described_object;
        let word = |b: u8| b.is_ascii_alphanumeric();
        if described.kind.is_empty() || !described.kind.bytes().all(word) {
            let message = format!("{:?} is not a kind, such as Ingress", described.kind);
            p.add(format!("{field}.object.describedObject.kind"), message);
        }
        let parts = described.api_version.split('/').collect::<Vec<_>>();
        let fits = |part: &&str| !part.is_empty() && part.bytes().all(|b| word(b) || b == b'.' || b == b'-');
        if parts.len() > 2 || !parts.iter().all(fits) {
            let message = format!(
                "{:?} is not of the form group/version, such as networking.k8s.io/v1",
                described.api_version
            );
            p.add(format!("{field}.object.describedObject.apiVersion"), message);
        }
    }
    if let Some(external) = &spec.external {
        identifier(&format!("{field}.external.metric"), &external.metric, p);
    }
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(source), None) => Some(source),
        _ => {
            p.add(
                field,
                "must have exactly one source: prometheus, resource, pods, object or external",
            );
            None
        }
    }
}

/// The target, where there is exactly one and it fits the source.
pub(super) fn target(field: &str, source: Source, spec: &MetricTarget, p: &mut Problems) -> Option<Target> {
    let (value, average) = (format!("{field}.value"), format!("{field}.averageValue"));
    let pods = matches!(source, Source::Resource | Source::Pods);
    match (&spec.value, &spec.average_value, spec.average_utilization) {
        (Some(_), None, None) if pods => {
            let remedy = match source {
                Source::Resource => "averageUtilization (percent of what is requested) or averageValue (per pod)",
                _ => "averageValue (per pod)",
            };
            p.add(value, format!("does not fit a metric of pods; give {remedy}"));
            None
        }
        (Some(quantity), None, None) => Some(Target::Value(p.positive(&value, &quantity.0)?)),
        (None, Some(quantity), None) if pods => Some(Target::PodAverage(p.positive(&average, &quantity.0)?)),
        (None, Some(quantity), None) => Some(Target::AverageValue(p.positive(&average, &quantity.0)?)),
        (None, None, Some(percent)) => {
            let field = format!("{field}.averageUtilization");
            if source != Source::Resource {
                p.add(
                    field,
                    "is a target for a resource, which containers request; give value or averageValue",
                );
                return None;
            }
            if !(1..=MOST_PERCENT).contains(&percent) {
                p.add(
                    field,
                    format!("{percent} is out of range; give a percentage from 1 to {MOST_PERCENT}"),
                );
                return None;
            }
            Some(Target::Utilization(f64::from(percent)))
        }
        _ => {
            p.add(
                field,
                "must have exactly one of value, averageValue and averageUtilization",
            );
            None
        }
    }
}

/// The target's reference: its parts become parts of a request's path.
pub(super) fn target_ref(spec: &TargetRef, p: &mut Problems) {
    let word = |b: u8| b.is_ascii_alphanumeric();
    let named = |text: &str, more: &[u8]| {
        text.bytes().next().is_some_and(word) && text.bytes().all(|b| word(b) || more.contains(&b))
    };
    if !named(&spec.name, b"-_.:") {
        p.add(
            "targetRef.name",
            format!("{:?} is not the name of an object", spec.name),
        );
    }
    if !named(&spec.kind, b"") {
        p.add(
            "targetRef.kind",
            format!("{:?} is not a kind, such as Deployment", spec.kind),
        );
    }
    let parts: Vec<&str> = spec.api_version.split('/').collect();
    if parts.len() > 2 || !parts.iter().all(|part| named(part, b"-.")) {
        let message = format!(
            "{:?} is not of the form group/version, such as apps/v1",
            spec.api_version
        );
        p.add("targetRef.apiVersion", message);
    }
}

/// A forecast needs history, which Prometheus alone keeps.
pub(super) fn forecastable(metric: &str, metrics: &[MetricSpec], p: &mut Problems) {
    if metrics.iter().any(|m| m.name == metric && m.prometheus.is_none()) {
        let message = format!(
            "{metric:?} has no prometheus source; a forecast needs weeks of history, and no other source keeps any"
        );
        p.add("prediction.metric", message);
    }
}

/// How long a starting pod's processor time is doubted.
pub(super) fn warm_up(spec: &WarmUpSpec, p: &mut Problems) -> WarmUp {
    let (delay, period) = (&spec.initial_readiness_delay, &spec.cpu_initialization_period);
    WarmUp {
        initial_readiness_delay: p.duration("warmUp.initialReadinessDelay", delay, "1s", "1h"),
        cpu_initialization_period: p.duration("warmUp.cpuInitializationPeriod", period, "1s", "1h"),
    }
}

fn identifier(field: &str, metric: &MetricIdentifier, p: &mut Problems) {
    name(&format!("{field}.name"), &metric.name, p);
    if let Some(selector) = &metric.selector {
        labels(&format!("{field}.selector"), selector, p);
    }
}

fn name(field: &str, name: &str, p: &mut Problems) {
    let elsewhere = |c: char| c == '/' || c == '%' || c.is_whitespace();
    if name.is_empty() || name.len() > NAME || name.starts_with('.') || name.contains(elsewhere) {
        let message =
            format!("{name:?} is not a name: {NAME} characters at most, no slash, % or space, no dot in front");
        p.add(field, message);
    }
}

fn labels(field: &str, selector: &MetricSelector, p: &mut Problems) {
    for (key, value) in &selector.match_labels {
        label(&format!("{field}.matchLabels"), key, Some(&value.0), p);
    }
    for LabelRequirement { key, operator, values } in &selector.match_expressions {
        let field = format!("{field}.matchExpressions");
        label(&field, key, None, p);
        values.iter().for_each(|value| label(&field, key, Some(&value.0), p));
        let needed = matches!(operator, LabelOperator::In | LabelOperator::NotIn);
        if needed == values.is_empty() {
            let message = format!("label {key:?}: In and NotIn need values, Exists and DoesNotExist take none");
            p.add(field, message);
        }
    }
}

/// What Kubernetes takes for a label, so that no selector can be read as another one.
fn label(field: &str, key: &str, value: Option<&str>, p: &mut Problems) {
    let fits = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    if key.is_empty() || key.len() > 317 || !fits(key, b"-_./") {
        p.add(
            field,
            format!("{key:?} is not a label's name, such as app.kubernetes.io/name"),
        );
    }
    if let Some(value) = value.filter(|v| v.len() > 63 || !fits(v, b"-_.")) {
        let remedy = "use letters, digits, dashes, underscores and dots, 63 at most";
        p.add(field, format!("{value:?} is not a label's value; {remedy}"));
    }
}
