//! Proposals: each source says how many replicas it wants, or abstains, or is invalid, always with a reason.
//!
//! Sources do not know each other, nor what becomes of their proposals.

pub mod band;
pub mod fallback;
pub mod pods;
pub mod predicted;
pub mod scheduled;
pub mod target;
pub mod threshold;

use jiff::Timestamp;

use super::decision::{Abstention, Basis, Outcome, PodCount, Proposal, Source, Window};
use super::observation::{Observation, Replicas, Sample, usable};
use super::policy::{Metric, Policy, PredictionMode, Rule};
use super::reading::Reading;
use super::state::{RuleTimes, State};

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
        let sample = observation.samples.get(i);
        let (outcome, pods) = self::metric(policy, metric, sample, state, observation.replicas, now);
        proposals.push(Proposal {
            source: Source::Metric(metric.name.clone()),
            outcome,
            pods,
        });
    }
    let_rest(policy, &mut proposals);
    // In front of what is no metric, and told last.
    let fallback = policy.fallback.map(|f| fallback::propose(f, &proposals, now));
    for (schedule, window) in policy.schedules.iter().zip(windows) {
        proposals.push(Proposal {
            source: Source::Schedule(schedule.name.clone()),
            outcome: scheduled::propose(schedule, window, now),
            pods: None,
        });
    }
    if let Some(prediction) = &policy.prediction
        && let Some(metric) = policy.metrics.get(prediction.metric)
        && let Some(target) = metric.rule.target()
    {
        let (forecast, current) = (observation.forecast.as_ref(), observation.replicas.spec);
        let outcome = predicted::propose(policy, prediction.mode, metric, target, forecast, current);
        let outcome = predicted::covering(outcome, &proposals[prediction.metric].outcome);
        if prediction.mode == PredictionMode::Adaptive {
            predicted::replace(&mut proposals[prediction.metric], &outcome);
        }
        proposals.push(Proposal {
            source: Source::Forecast(metric.name.clone()),
            outcome,
            pods: None,
        });
    }
    if let Some(outcome) = fallback {
        proposals.push(Proposal {
            source: Source::Fallback,
            outcome,
            pods: None,
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
            pods: None,
        });
    }
    proposals
}

/// One metric's proposal, by its rule.
fn metric(
    policy: &Policy,
    metric: &Metric,
    sample: Option<&Sample>,
    state: &State,
    replicas: Replicas,
    now: Timestamp,
) -> (Outcome, Option<PodCount>) {
    if metric.pods.is_some() && replicas.spec == 0 {
        return (Outcome::Abstains(Abstention::NoPods), None);
    }
    let at = |value| number(policy, metric, value, state.rules(), replicas, now);
    match (metric.rule, sample) {
        (Rule::Target(target), Some(Ok(Reading::Pods(metrics)))) => {
            let (outcome, pods) = pods::propose(target, policy, metrics, replicas.spec, now);
            (awake(policy, outcome), pods)
        }
        (Rule::Thresholds(_), Some(Ok(Reading::Pods(metrics)))) => {
            pods::by_level(policy, metrics, replicas.spec, now, at)
        }
        (_, sample) => (usable(sample).map_or_else(Outcome::Invalid, at), None),
    }
}

/// What a metric proposes at one number.
fn number(
    policy: &Policy,
    metric: &Metric,
    value: f64,
    won: &[RuleTimes],
    replicas: Replicas,
    now: Timestamp,
) -> Outcome {
    if policy.bounds.min == 0 && metric.pods.is_none() && value <= metric.activation {
        return Outcome::Replicas {
            replicas: 0,
            value,
            basis: Basis::Idle,
        };
    }
    let won = won.iter().find(|r| r.name == metric.name);
    let outcome = match metric.rule {
        Rule::Target(target) => target::propose(target, &policy.behavior, value, replicas),
        Rule::Thresholds(rule) => threshold::propose(&rule, value, replicas.spec, won, now),
    };
    match outcome {
        // Nothing to add is not nothing to do: somebody has to be there.
        Outcome::Abstains(Abstention::NotAbove { value }) if policy.bounds.min == 0 && metric.pods.is_none() => {
            Outcome::Replicas {
                replicas: 1,
                value,
                basis: Basis::Awake,
            }
        }
        outcome => awake(policy, outcome),
    }
}

/// Where the policy may rest at zero, a metric that is not idle needs at least one replica: no rounding leaves it without.
fn awake(policy: &Policy, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Replicas {
            replicas: 0,
            value,
            basis,
        } if policy.bounds.min == 0 && basis != Basis::Idle => Outcome::Replicas {
            replicas: 1,
            value,
            basis,
        },
        other => other,
    }
}

/// What the pods use keeps no target from zero: they always use a little. So they have no say once every metric that is
/// there without them is idle.
fn let_rest(policy: &Policy, proposals: &mut [Proposal]) {
    let idle = |p: &Proposal| matches!(p.outcome, Outcome::Replicas { basis: Basis::Idle, .. });
    let mut waking = policy.metrics.iter().zip(&*proposals).filter(|(m, _)| m.pods.is_none());
    if policy.bounds.min > 0 || waking.clone().next().is_none() || !waking.all(|(_, p)| idle(p)) {
        return;
    }
    for (_, proposal) in policy.metrics.iter().zip(proposals).filter(|(m, _)| m.pods.is_some()) {
        if matches!(proposal.outcome, Outcome::Replicas { .. }) {
            proposal.outcome = Outcome::Abstains(Abstention::MayRest);
        }
    }
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
