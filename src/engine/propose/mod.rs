//! Proposals: each source says how many replicas it wants, or abstains, or is invalid, always with a reason.
//!
//! Sources do not know each other, nor what becomes of their proposals.

pub mod band;
pub mod predicted;
pub mod scheduled;
pub mod target;

use super::decision::{Outcome, Proposal, Source, Window};
use super::observation::Observation;
use super::policy::Policy;

/// Every source's proposal: metrics, then schedules, then the forecast, each in the spec's order; for a policy
/// without any metric `minReplicas` comes last, so that it rests there outside its windows (as KEDA's cron scaler does).
pub(super) fn all(policy: &Policy, windows: &[Window], observation: &Observation) -> Vec<Proposal> {
    let mut proposals = Vec::with_capacity(policy.metrics.len() + policy.schedules.len() + 1);
    for (i, metric) in policy.metrics.iter().enumerate() {
        proposals.push(Proposal {
            source: Source::Metric(metric.name.clone()),
            outcome: target::propose(
                metric.target,
                &policy.behavior,
                observation.samples.get(i),
                observation.replicas,
            ),
        });
    }
    for (schedule, window) in policy.schedules.iter().zip(windows) {
        proposals.push(Proposal {
            source: Source::Schedule(schedule.name.clone()),
            outcome: scheduled::propose(schedule, window),
        });
    }
    if let Some(prediction) = &policy.prediction
        && let Some(metric) = policy.metrics.get(prediction.metric)
    {
        proposals.push(Proposal {
            source: Source::Forecast(metric.name.clone()),
            outcome: predicted::propose(prediction.mode, metric.target, observation.forecast.as_ref()),
        });
    }
    if policy.metrics.is_empty() {
        proposals.push(Proposal {
            source: Source::Baseline,
            outcome: Outcome::Replicas {
                replicas: policy.bounds.min,
                value: f64::from(policy.bounds.min),
                within_tolerance: false,
            },
        });
    }
    proposals
}

/// ⌈x⌉ as a replica count: 0 for anything that is not a positive number, `i32::MAX` (the API's own limit) for more.
fn ceil_replicas(x: f64) -> u32 {
    // First of all, because an infinite quotient less its own slack is not a number.
    if x >= f64::from(i32::MAX) {
        return i32::MAX as u32;
    }
    // `x.ceil()` alone would turn 3.0000000000000004, a rounding error of 3, into 4; one part in 10⁹ is far above
    // rounding and far below anything that a metric can tell.
    let slack = x.abs() * 1e-9;
    let up = (x - slack).ceil();
    if up.is_nan() || up <= 0.0 { 0 } else { up as u32 }
}
