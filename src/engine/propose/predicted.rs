//! The forecast's proposal: ⌈bound ÷ target⌉, as a candidate (ScaleOut) or for show (Preview).
//!
//! A forecast that is missing or not trusted abstains and blocks nothing: the reactive metrics rule.

use super::super::decision::{Abstention, Basis, Outcome};
use super::super::forecast::{self, Forecast, Trust};
use super::super::policy::{Metric, Policy, PredictionMode, Target};
use super::ceil_replicas;

/// What the forecast proposes.
pub(super) fn propose(
    policy: &Policy,
    mode: PredictionMode,
    metric: &Metric,
    target: Target,
    forecast: Option<&Forecast>,
) -> Outcome {
    let Some(forecast) = forecast else {
        return Outcome::Abstains(Abstention::NoForecast);
    };
    if let Trust::Abstains(reason) = &forecast.trust {
        return Outcome::Abstains(Abstention::Forecast(reason.clone()));
    }
    if !(forecast.upper.is_finite() && forecast.upper >= 0.0) {
        let nonsense = forecast::Abstention::NotFinite { value: forecast.upper };
        return Outcome::Abstains(Abstention::Forecast(nonsense));
    }
    // validate.rs refuses a prediction on an average; were it let through, dividing would still be a sane count.
    let (Target::AverageValue(target)
    | Target::Value(target)
    | Target::Utilization(target)
    | Target::PodAverage(target)) = target;
    let value = forecast.upper;
    // What the metric itself would not wake for, its forecast does not either.
    let idle = policy.bounds.min == 0 && value <= metric.activation;
    let replicas = if idle { 0 } else { ceil_replicas(value / target) };
    match mode {
        PredictionMode::Preview => Outcome::Preview { replicas, value },
        PredictionMode::ScaleOut | PredictionMode::Adaptive => Outcome::Replicas {
            replicas,
            value,
            basis: if idle { Basis::Idle } else { Basis::Proportion },
        },
    }
}
