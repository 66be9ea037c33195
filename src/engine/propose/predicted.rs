//! The forecast's proposal: ⌈bound ÷ target⌉, as a candidate (ScaleOut) or for show (Preview); or its plan, in place of the
//! metric's own target (Adaptive).
//!
//! A forecast that is missing or not trusted abstains and blocks nothing: the reactive metrics rule. So does a plan, and
//! the metric that it would have replaced has its say.

use super::super::decision::{Abstention, Basis, Outcome, Proposal};
use super::super::forecast::{self, Forecast, Plan, Trust};
use super::super::policy::{Metric, Policy, PredictionMode, Target};
use super::ceil_replicas;

/// The largest share of ready capacity that a plan may leave used: 97 %, the margin's own floor and no more, so that a plan
/// that knows the newest load is never moved by it.
const FULLEST: f64 = 1.0 / 1.03;

/// What the forecast proposes while `current` replicas are asked for.
pub(super) fn propose(
    policy: &Policy,
    mode: PredictionMode,
    metric: &Metric,
    target: Target,
    forecast: Option<&Forecast>,
    current: u32,
) -> Outcome {
    let Some(forecast) = forecast else {
        return Outcome::Abstains(Abstention::NoForecast);
    };
    if mode == PredictionMode::Adaptive {
        return match (&forecast.plan, &forecast.trust) {
            (Some(plan), _) => planned(policy, metric, plan, current),
            (None, Trust::Abstains(reason)) => Outcome::Abstains(Abstention::Forecast(reason.clone())),
            (None, Trust::Trusted) => Outcome::Abstains(Abstention::NoForecast),
        };
    }
    if let Some(reason) = doubt(&forecast.trust, forecast.upper) {
        return Outcome::Abstains(Abstention::Forecast(reason));
    }
    // validate.rs refuses a prediction on an average; were it let through, dividing would still be a sane count.
    let (Target::AverageValue(target)
    | Target::Value(target)
    | Target::Utilization(target)
    | Target::PodAverage(target)) = target;
    let value = forecast.upper;
    let idle = idle(policy, metric, value);
    let replicas = if idle { 0 } else { ceil_replicas(value / target) };
    if mode == PredictionMode::Preview {
        return Outcome::Preview { replicas, value };
    }
    Outcome::Replicas {
        replicas,
        value,
        basis: if idle { Basis::Idle } else { Basis::Proportion },
    }
}

/// What a plan proposes in mode Adaptive while `current` replicas are asked for, if it may be acted upon.
pub fn planned(policy: &Policy, metric: &Metric, plan: &Plan, current: u32) -> Outcome {
    let (value, capacity) = (plan.upper, plan.capacity.in_use);
    // A capacity that is none makes no number of any load.
    let usable = if capacity > 0.0 && capacity.is_finite() {
        value
    } else {
        f64::NAN
    };
    if let Some(reason) = doubt(&plan.trust, usable) {
        return Outcome::Abstains(Abstention::Forecast(reason));
    }
    // What is expected, without the margin: a constant one would keep an idle target awake for ever.
    if idle(policy, metric, plan.value.max(plan.load)) {
        return Outcome::Replicas {
            replicas: 0,
            value,
            basis: Basis::Idle,
        };
    }
    // Where the policy may rest at zero, whoever is not idle needs somebody there: no rounding leaves it without.
    let least = u32::from(policy.bounds.min == 0);
    Outcome::Replicas {
        replicas: plan.replicas(current).clamp(least, i32::MAX as u32),
        value,
        basis: Basis::Planned {
            capacity,
            margin: plan.margin,
        },
    }
}

/// A plan that is never behind its metric: what was just measured fits into 97 % of what is asked for, whatever was learnt
/// before a clock went back or a sample was missed.
pub(super) fn covering(plan: Outcome, metric: &Outcome) -> Outcome {
    match (plan, metric) {
        (
            Outcome::Replicas {
                replicas,
                value,
                basis: basis @ Basis::Planned { capacity, .. },
            },
            Outcome::Replicas { value: measured, .. },
        ) => Outcome::Replicas {
            replicas: replicas.max(ceil_replicas(measured / (FULLEST * capacity))),
            value,
            basis,
        },
        (plan, _) => plan,
    }
}

/// Takes the metric's own proposal out of the maximum where a plan stands in for it. Without a value it stays what it is
/// and blocks the way down; and a plan that needs nobody puts no metric to rest that is awake.
pub(super) fn replace(metric: &mut Proposal, plan: &Outcome) {
    let rules = matches!(
        plan,
        Outcome::Replicas {
            basis: Basis::Planned { .. },
            ..
        }
    );
    if let (true, &Outcome::Replicas { replicas, value, basis }) = (rules, &metric.outcome) {
        metric.outcome = Outcome::Replaced { replicas, value, basis };
    }
}

/// What the metric itself would not wake for, its forecast does not either.
fn idle(policy: &Policy, metric: &Metric, load: f64) -> bool {
    policy.bounds.min == 0 && load <= metric.activation
}

/// Why a bound is not to be acted upon.
fn doubt(trust: &Trust, bound: f64) -> Option<forecast::Abstention> {
    match trust {
        Trust::Abstains(reason) => Some(reason.clone()),
        Trust::Trusted if bound.is_finite() && bound >= 0.0 => None,
        Trust::Trusted => Some(forecast::Abstention::NotFinite { value: bound }),
    }
}
