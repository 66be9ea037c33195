//! Proposals: each source says how many replicas it wants, or abstains, or is invalid, always with a reason.
//!
//! Sources do not know each other, nor what becomes of their proposals.

pub mod pods;
pub mod predicted;
pub mod scheduled;
pub mod target;

use jiff::Timestamp;

use super::decision::{Outcome, PodCount, Proposal, Source, Window};
use super::observation::{Observation, Sample};
use super::policy::{Policy, Target};
use super::reading::Reading;

/// Every source's proposal: metrics, then schedules, then the forecast, each in the spec's order; for a policy
/// without any metric `minReplicas` comes last, so that it rests there outside its windows (as KEDA's cron scaler does).
pub(super) fn all(policy: &Policy, windows: &[Window], observation: &Observation, now: Timestamp) -> Vec<Proposal> {
    let mut proposals = Vec::with_capacity(policy.metrics.len() + policy.schedules.len() + 1);
    for (i, metric) in policy.metrics.iter().enumerate() {
        let sample = observation.samples.get(i);
        let (outcome, pods) = proportional(policy, metric.target, sample, observation, now);
        proposals.push(Proposal {
            source: Source::Metric(metric.name.clone()),
            outcome,
            pods,
        });
    }
    for (schedule, window) in policy.schedules.iter().zip(windows) {
        proposals.push(Proposal {
            source: Source::Schedule(schedule.name.clone()),
            outcome: scheduled::propose(schedule, window),
            pods: None,
        });
    }
    if let Some(prediction) = &policy.prediction
        && let Some(metric) = policy.metrics.get(prediction.metric)
    {
        proposals.push(Proposal {
            source: Source::Forecast(metric.name.clone()),
            outcome: predicted::propose(prediction.mode, metric.target, observation.forecast.as_ref()),
            pods: None,
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
            pods: None,
        });
    }
    proposals
}

/// The proportional rule for one number or for samples of pods, whichever was read.
fn proportional(
    policy: &Policy,
    target: Target,
    sample: Option<&Sample>,
    observation: &Observation,
    now: Timestamp,
) -> (Outcome, Option<PodCount>) {
    let replicas = observation.replicas;
    match sample {
        Some(Ok(Reading::Pods(metrics))) => pods::propose(target, policy, metrics, replicas.spec, now),
        _ => (target::propose(target, &policy.behavior, sample, replicas), None),
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
