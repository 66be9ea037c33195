//! The forecast, validated: a load that can be forecast and divided, and an objective with what it needs.
//!
//! Re-checks what schema and CEL say, for policies from files. Neighbours: `problems.rs` (scalars), `sources.rs` (queries).

use super::problems::Problems;
use super::sources;
use crate::api::{Duration, LeadTime, ObjectiveSpec, PredictionModeSpec, PredictionSpec};
use crate::engine::forecast::Objective;
use crate::engine::policy::{Lead, Metric, Prediction, PredictionMode, Target};

/// The forecast's part in the decision; `None` where its metric is not there, which is said.
pub(super) fn prediction(spec: &PredictionSpec, metrics: &[Metric], p: &mut Problems) -> Option<Prediction> {
    let metric = metrics.iter().position(|m| *m.name == *spec.metric);
    match metric.map(|i| metrics[i].rule.target()) {
        None => {
            let names: Vec<&str> = metrics.iter().map(|m| &*m.name).collect();
            p.add(
                "prediction.metric",
                format!(
                    "{:?} is not the name of a metric; there is: {}",
                    spec.metric,
                    names.join(", ")
                ),
            );
        }
        // What is said of its source suffices.
        Some(Some(Target::Utilization(_) | Target::PodAverage(_))) => {}
        Some(None | Some(Target::Value(_))) => p.add(
            "prediction.metric",
            format!(
                "{:?} has no averageValue target; a forecast needs one, on a total load that can be divided",
                spec.metric
            ),
        ),
        Some(Some(Target::AverageValue(_))) => {}
    }
    let history = p.duration("prediction.history", &spec.history, "3d", "35d");
    let lead = match &spec.lead_time {
        LeadTime(text) if text == "auto" => Lead::Auto,
        LeadTime(text) => Lead::Fixed(p.duration("prediction.leadTime", &Duration(text.clone()), "30s", "1h")),
    };
    let target = match metric.and_then(|i| metrics[i].rule.target()) {
        Some(Target::AverageValue(target)) => Some(target),
        _ => None,
    };
    let (objective, signal) = objective(spec, target, p);
    if let Some(objective) = objective
        && objective.target > objective.capacity
    {
        p.add(
            "prediction.capacity",
            format!(
                "{} is less than the averageValue target of {:?} ({}): what one replica is meant to carry cannot be more \
                 than it can; lower the target or measure capacity again",
                objective.capacity, spec.metric, objective.target
            ),
        );
    }
    Some(Prediction {
        objective,
        signal,
        metric: metric?,
        mode: match spec.mode {
            PredictionModeSpec::Preview => PredictionMode::Preview,
            PredictionModeSpec::ScaleOut => PredictionMode::ScaleOut,
            PredictionModeSpec::Adaptive => PredictionMode::Adaptive,
        },
        lead,
        history,
    })
}

/// The objective, where there is a capacity to find a margin for, and the signal's threshold.
fn objective(spec: &PredictionSpec, target: Option<f64>, p: &mut Problems) -> (Option<Objective>, Option<f64>) {
    let adaptive = spec.mode == PredictionModeSpec::Adaptive;
    if spec.capacity.is_none() && (adaptive || spec.objective.is_some()) {
        let who = if adaptive { "mode Adaptive" } else { "objective" };
        p.add(
            "prediction.capacity",
            format!(
                "is missing; {who} needs the most load that one replica can carry (docs/prediction.md says how to measure \
                 it)"
            ),
        );
    }
    let capacity = spec
        .capacity
        .as_ref()
        .and_then(|c| p.positive("prediction.capacity", &c.0));
    let given = spec.objective.clone().unwrap_or_default();
    if adaptive && given.signal.is_none() {
        p.add(
            "prediction.objective.signal",
            "is missing; mode Adaptive needs a query that tells when the target is short of capacity (latency, errors, a \
             queue)",
        );
    }
    let ObjectiveSpec {
        shortfall,
        max_margin,
        signal,
    } = &given;
    let shortfall = p.percent("prediction.objective.shortfall", shortfall, 0.01, 10.0);
    let max_margin = p.percent("prediction.objective.maxMargin", max_margin, 5.0, 1000.0);
    let above = signal.as_ref().and_then(|signal| {
        sources::query("prediction.objective.signal", &signal.prometheus, p);
        p.not_negative("prediction.objective.signal.above", &signal.above.0)
    });
    // Without a target there is no policy either: that is said already.
    let objective = capacity.zip(target).map(|(capacity, target)| Objective {
        capacity,
        target,
        shortfall,
        max_margin,
    });
    (objective, above)
}
