//! One metric of the spec: its source, and exactly one rule; and what rest at zero needs of all of them.

use super::problems::Problems;
use super::sources;
use crate::api::{Duration, Level, MetricSpec, ScalingPolicySpec, ThresholdsSpec};
use crate::engine::policy::{Bounds, Metric, Rule, Step, Thresholds};

/// The metric, or problems.
pub(super) fn metric(spec: &MetricSpec, p: &mut Problems) -> Option<Metric> {
    let field = format!("metrics[{}]", spec.name);
    let source = sources::source(&field, spec, p);
    let activation = match &spec.activation_value {
        None => 0.0,
        Some(Level(level)) => p.not_negative(&format!("{field}.activationValue"), level)?,
    };
    let rule = match (&spec.target, &spec.thresholds) {
        (Some(spec), None) => Rule::Target(sources::target(&format!("{field}.target"), source?, spec, p)?),
        (None, Some(spec)) => Rule::Thresholds(thresholds(&format!("{field}.thresholds"), spec, p)?),
        _ => {
            p.add(
                format!("{field}.target"),
                "must have exactly one of target (the proportional rule) and thresholds (fixed steps)",
            );
            return None;
        }
    };
    Some(Metric {
        name: spec.name.as_str().into(),
        rule,
        activation,
        pods: source?.of_pods(spec),
    })
}

/// What a target that may rest at zero needs of its metrics: one to wake it; and activation values only where they act.
pub(super) fn rest(spec: &ScalingPolicySpec, bounds: Bounds, p: &mut Problems) {
    for metric in spec.metrics.iter().filter(|m| m.activation_value.is_some()) {
        let field = format!("metrics[{}].activationValue", metric.name);
        if bounds.min > 0 {
            let message = format!("acts only where minReplicas is 0; it is {}", bounds.min);
            p.add(field.clone(), message);
        }
        if metric.resource.is_some() || metric.pods.is_some() {
            let message = "has no effect on a metric of pods (resource, pods): at zero there are none";
            p.add(field, message);
        }
    }
    let wakes = |m: &MetricSpec| m.prometheus.is_some() || m.object.is_some() || m.external.is_some();
    if bounds.min == 0 && !spec.metrics.is_empty() && !spec.metrics.iter().any(wakes) {
        p.add(
            "minReplicas",
            "0 needs a metric that is there without pods, to wake the target: prometheus, object or external",
        );
    }
}

fn thresholds(field: &str, spec: &ThresholdsSpec, p: &mut Problems) -> Option<Thresholds> {
    let mut step = |field: &str, name: &str, level: &Level, by: i32, cooldown: &Duration| {
        let at = p.not_negative(&format!("{field}.{name}"), &level.0);
        let by = p.replicas(format!("{field}.by"), by);
        let cooldown = p.duration(format!("{field}.cooldown"), cooldown, "1s", "1d");
        at.map(|at| Step { at, by, cooldown })
    };
    let up = &spec.scale_up;
    let up = step(&format!("{field}.scaleUp"), "above", &up.above, up.by, &up.cooldown);
    let down = match &spec.scale_down {
        None => None,
        Some(down) => Some(step(
            &format!("{field}.scaleDown"),
            "below",
            &down.below,
            down.by,
            &down.cooldown,
        )?),
    };
    let up = up?;
    if let Some(down) = down.filter(|down| down.at >= up.at) {
        p.add(
            format!("{field}.scaleDown.below"),
            format!(
                "{} must be less than scaleUp.above ({}), or each step would undo the other",
                down.at, up.at
            ),
        );
    }
    Some(Thresholds { up, down })
}
