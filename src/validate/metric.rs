//! One metric of the spec: its source, and exactly one rule.

use super::problems::Problems;
use super::sources;
use crate::api::{Duration, Level, MetricSpec, ThresholdsSpec};
use crate::engine::policy::{Metric, Rule, Step, Thresholds};

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
