//! HPA v2: a total, an `averageValue` target, and HPA's own behaviour.
//!
//! Nothing here is a model of HPA. The policy goes to our own `decide`, which `make parity` holds against the controller
//! of Kubernetes, scenario by scenario (docs/parity.md).

use jiff::SignedDuration;

use crate::engine::policy::{
    Behavior, Bounds, Lead, Metric, Mode, Policy, Prediction, PredictionMode, Rule, Target, WarmUp,
};
use crate::simulate::replay::Setup;

/// The utilisation that HPA aims at where nobody said anything else.
pub const USUAL: f64 = 0.7;

/// HPA aiming at `target`, a share of what a replica carries, within the policy's bounds: the highest ceiling of its
/// windows counts as `maxReplicas`, and HPA cannot rest at zero.
pub fn policy(setup: &Setup, target: f64) -> Policy {
    let bounds = setup.policy.bounds;
    let ceilings = setup.policy.schedules.iter().filter_map(|s| s.ceiling.max(s.floor));
    Policy {
        bounds: Bounds {
            min: bounds.min.max(1),
            max: ceilings.fold(bounds.max, u32::max).max(1),
        },
        interval: setup.tick,
        mode: Mode::Active,
        metrics: vec![total("load", target * setup.capacity)],
        schedules: Vec::new(),
        prediction: None,
        fallback: None,
        behavior: Behavior::default(),
        warm_up: WarmUp::default(),
    }
}

/// HPA with one more candidate in its maximum, which no tolerance holds back.
pub(super) fn with_forecast(setup: &Setup, target: f64) -> Policy {
    Policy {
        prediction: Some(Prediction {
            metric: 0,
            mode: PredictionMode::ScaleOut,
            lead: Lead::Auto,
            history: SignedDuration::ZERO,
            objective: None,
            signal: None,
        }),
        ..policy(setup, target)
    }
}

/// The policy with its first metric only: what runs at the beginning is what the load asks for.
pub(super) fn alone(policy: &Policy) -> Policy {
    let mut alone = policy.clone();
    alone.metrics.truncate(1);
    alone
}

/// A metric whose query returns a total.
pub(super) fn total(name: &str, each: f64) -> Metric {
    Metric {
        name: name.into(),
        rule: Rule::Target(Target::AverageValue(each)),
        activation: 0.0,
        pods: None,
    }
}

/// The utilisation that the policy itself aims at, as a share of what a replica carries: of the metric that is forecast,
/// else of the first one with a proportional target, else [`USUAL`].
pub fn own_target(policy: &Policy, capacity: f64) -> f64 {
    let predicted = policy.prediction.as_ref().and_then(|p| policy.metrics.get(p.metric));
    let target = predicted
        .into_iter()
        .chain(&policy.metrics)
        .find_map(|m| m.rule.target());
    let share = match target {
        Some(Target::AverageValue(each) | Target::PodAverage(each)) => each / capacity,
        Some(Target::Value(percent) | Target::Utilization(percent)) => percent / 100.0,
        None => USUAL,
    };
    if share.is_finite() && share > 0.0 { share } else { USUAL }
}
