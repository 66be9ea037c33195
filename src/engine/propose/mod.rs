//! Proposals: each source says how many replicas it wants, or abstains, or is invalid, always with a reason.
//!
//! Sources do not know each other, nor what becomes of their proposals.

pub mod fallback;
pub mod predicted;
pub mod scheduled;
pub mod target;
pub mod threshold;

use jiff::Timestamp;

use super::decision::{Basis, Outcome, Proposal, Source, Window};
use super::observation::{Observation, usable};
use super::policy::{Metric, Policy, Rule};
use super::state::State;

/// Every source's proposal: metrics, schedules, forecast, each in the spec's order, then the fallback; for a policy
/// without any metric `minReplicas` comes last, so that it rests there outside its windows (as KEDA's cron scaler does).
pub(super) fn all(
    policy: &Policy,
    state: &State,
    windows: &[Window],
    observation: &Observation,
    now: Timestamp,
) -> Vec<Proposal> {
    let mut proposals = Vec::with_capacity(policy.metrics.len() + policy.schedules.len() + 2);
    for (i, metric) in policy.metrics.iter().enumerate() {
        proposals.push(Proposal {
            source: Source::Metric(metric.name.clone()),
            outcome: self::metric(policy, metric, i, state, observation, now),
        });
    }
    // In front of what is no metric, and told last.
    let fallback = policy.fallback.map(|f| fallback::propose(f, &proposals, now));
    for (schedule, window) in policy.schedules.iter().zip(windows) {
        proposals.push(Proposal {
            source: Source::Schedule(schedule.name.clone()),
            outcome: scheduled::propose(schedule, window, now),
        });
    }
    if let Some(prediction) = &policy.prediction
        && let Some(metric) = policy.metrics.get(prediction.metric)
        && let Some(target) = metric.rule.target()
    {
        proposals.push(Proposal {
            source: Source::Forecast(metric.name.clone()),
            outcome: predicted::propose(prediction.mode, target, observation.forecast.as_ref()),
        });
    }
    if let Some(outcome) = fallback {
        proposals.push(Proposal {
            source: Source::Fallback,
            outcome,
        });
    }
    if policy.metrics.is_empty() {
        proposals.push(Proposal {
            source: Source::Baseline,
            outcome: Outcome::Replicas {
                replicas: policy.bounds.min,
                value: f64::from(policy.bounds.min),
                basis: Basis::Proportion,
            },
        });
    }
    proposals
}

/// One metric's proposal, by its rule. Where the policy may rest at zero, a value that does not exceed the activation
/// value needs nothing, and one that does needs at least one replica: no rounding and no tolerance leaves it without.
fn metric(
    policy: &Policy,
    metric: &Metric,
    index: usize,
    state: &State,
    observation: &Observation,
    now: Timestamp,
) -> Outcome {
    let value = match usable(observation.samples.get(index)) {
        Ok(value) => value,
        Err(failure) => return Outcome::Invalid(failure),
    };
    let may_rest = policy.bounds.min == 0;
    if may_rest && value <= metric.activation {
        return Outcome::Replicas {
            replicas: 0,
            value,
            basis: Basis::Idle,
        };
    }
    let outcome = match metric.rule {
        Rule::Target(target) => target::propose(target, &policy.behavior, value, observation.replicas),
        Rule::Thresholds(rule) => {
            let won = state.rules().iter().find(|r| r.name == metric.name);
            threshold::propose(&rule, value, observation.replicas.spec, won, now)
        }
    };
    match outcome {
        Outcome::Replicas {
            replicas: 0,
            value,
            basis,
        } if may_rest => Outcome::Replicas {
            replicas: 1,
            value,
            basis,
        },
        other => other,
    }
}

/// ⌈x⌉ as a replica count: 0 for anything that is not a positive number, `i32::MAX` (the API's own limit) for more.
fn ceil_replicas(x: f64) -> u32 {
    // `x.ceil()` alone would turn 3.0000000000000004, a rounding error of 3, into 4; one part in 10⁹ is far above
    // rounding and far below anything that a metric can tell.
    let slack = x.abs() * 1e-9;
    let up = (x - slack).ceil();
    if up.is_nan() || up <= 0.0 {
        0
    } else {
        // Saturating by definition of `as`; capped to what the scale subresource can carry.
        (up as u64).min(i32::MAX as u64) as u32
    }
}
