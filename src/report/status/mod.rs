//! The object's status, built from what the controller knows and what the status said before.
//!
//! [`build`] is pure. The previous status gives what outlives a decision: a condition's `lastTransitionTime`, since
//! when a metric fails, when the target was last scaled. `conditions` judges, each with its `reason`, and `others`
//! who else has a hand in the replicas; `forecast` is `status.forecast`, `bottleneck` `status.bottleneck`, `damping` is what a restart needs,
//! `change` tells what is worth a write. Times are whole seconds, as the API server stores them.

mod bottleneck;
mod change;
mod conditions;
mod damping;
mod forecast;
mod others;
pub mod reason;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::words;
use crate::api::TargetRef;
use crate::api::status::{
    DecisionStatus, LimitStatus, MetricErrorStatus, MetricStatus, NextEligibleStatus, ProposalStatus,
    ScalingPolicyStatus, ScheduleStatus,
};
use crate::engine::bottleneck::Bottleneck;
use crate::engine::decision::{Abstention, Action, Decision, Outcome, ScaleEvent, Source};
use crate::engine::forecast::Forecast;
use crate::engine::observation::{Failure, Sample};
use crate::engine::others::Others;
use crate::engine::policy::Policy;
use crate::engine::state::State;
use crate::validate::{Advice, Invalid};

pub use bottleneck::{bigger_pods_advised, looked_at};
pub use change::{material, worth_writing};
pub use conditions::{
    ABLE_TO_SCALE, BOTTLENECKED, CONFLICTED, FORECAST_TRUSTED, METRICS_SUITABLE, OBJECTIVE_MET, READY,
    REPLICAS_CONTESTED, SCALING_ACTIVE, SCALING_LIMITED, condition,
};
pub use damping::{announce, restore};
pub use forecast::learnt;
pub(super) use others::contesters;

/// The API's own bounds of `spec.metrics` and `spec.schedules`; a policy from an older CRD may have more.
const MOST_METRICS: usize = 16;
const MOST_SCHEDULES: usize = 64;
/// Metrics, schedules, a forecast and the fallback.
const MOST_PROPOSALS: usize = MOST_METRICS + MOST_SCHEDULES + 2;
/// Most bytes of a metric's error: the server's own words, of which the first lines matter.
const ERROR_BYTES: usize = 500;
/// Most bytes of a field manager's name: the API server's own bound.
const NAME_BYTES: usize = 128;

/// What the controller knows after a reconcile.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// `metadata.generation` of the policy that was read.
    pub generation: Option<i64>,
    /// The instant of the report; for a decision, the decision's.
    pub now: Timestamp,
    /// How far the reconcile came.
    pub situation: Situation<'a>,
}

/// How far the reconcile came.
#[derive(Clone, Debug)]
pub enum Situation<'a> {
    /// A decision was made.
    Decided(Decided<'a>),
    /// The spec cannot be obeyed.
    InvalidSpec(&'a Invalid),
    /// The target does not exist.
    TargetNotFound(&'a TargetRef),
    /// The target's kind has no scale subresource, or there is no such kind; in words for the admin.
    TargetNotScalable(&'a str),
    /// The operator may not read the target's scale.
    TargetForbidden {
        /// The target.
        target: &'a TargetRef,
        /// The API server's words.
        message: &'a str,
    },
    /// The target's scale could not be read for another reason.
    TargetUnreadable {
        /// The target.
        target: &'a TargetRef,
        /// What happened.
        message: &'a str,
    },
}

/// A decision with what surrounds it.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    /// The policy that was obeyed.
    pub policy: &'a Policy,
    /// What is hardly meant in it.
    pub advice: &'a [Advice],
    /// The decision.
    pub decision: &'a Decision,
    /// The state after it: [`State::record`]ed and, where the change was made, [`State::scaled`].
    pub state: &'a State,
    /// The forecast that was observed, where the policy asks for one.
    pub forecast: Option<&'a Forecast>,
    /// What the objective's signal said, where the policy has one.
    pub signal: Option<&'a Sample>,
    /// The target's pods against their limits, where the policy asks for it.
    pub bottleneck: Option<View<'a>>,
    /// Measured start-up time of the target's pods.
    pub startup: Option<SignedDuration>,
    /// The target's uid.
    pub target_uid: &'a str,
    /// Who else has a hand in its replicas.
    pub others: &'a Others,
    /// A change that was announced and of which it is not known whether it was made.
    pub pending: Option<ScaleEvent>,
    /// What became of it.
    pub actuation: Actuation<'a>,
}

/// The view on the target's pods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View<'a> {
    /// This process has not seen them yet: what was told of the same target stands.
    Awaited,
    /// What was seen.
    Seen(&'a Bottleneck),
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actuation<'a> {
    /// Nothing was to be written, or a conflict put the write off to the next decision.
    Nothing,
    /// The target was asked for the desired count.
    Scaled,
    /// The write failed.
    Failed(&'a str),
}

/// The status to show. `previous` is the status as last read or written.
pub fn build(report: &Report<'_>, previous: Option<&ScalingPolicyStatus>) -> ScalingPolicyStatus {
    let mut status = match &report.situation {
        Situation::Decided(decided) => decided_status(decided, report.now, previous),
        // The target is gone: whatever was said about it is no longer so. Damping outlives it, for it may come back.
        Situation::TargetNotFound(_) | Situation::TargetNotScalable(_) => ScalingPolicyStatus {
            last_scale_time: previous.and_then(|p| p.last_scale_time.clone()),
            damping: previous.and_then(|p| p.damping.clone()),
            ..ScalingPolicyStatus::default()
        },
        // Nothing new is known: the last decision stands, and the conditions say why there is no newer one.
        Situation::InvalidSpec(_) | Situation::TargetForbidden { .. } | Situation::TargetUnreadable { .. } => {
            previous.cloned().unwrap_or_default()
        }
    };
    status.observed_generation = report.generation;
    status.conditions = conditions::all(report, &status, previous);
    status
}

fn decided_status(d: &Decided<'_>, now: Timestamp, previous: Option<&ScalingPolicyStatus>) -> ScalingPolicyStatus {
    let decision = d.decision;
    let asked = match d.actuation {
        Actuation::Scaled => decision.desired,
        Actuation::Nothing | Actuation::Failed(_) => decision.current,
    };
    let scaled = [
        d.state.last_change().map(|at| time(at.min(now))),
        previous.and_then(|p| p.last_scale_time.clone()),
    ];
    ScalingPolicyStatus {
        observed_generation: None,
        current_replicas: Some(count(asked)),
        ready_replicas: decision.ready.map(count),
        desired_replicas: Some(count(decision.desired)),
        last_scale_time: scaled.into_iter().flatten().max(),
        replicas_owners: d
            .others
            .owners
            .iter()
            .map(|name| words::clip(&**name, NAME_BYTES))
            .collect(),
        conditions: Vec::new(),
        metrics: metrics(d, now, previous),
        schedules: schedules(d),
        forecast: d
            .policy
            .prediction
            .as_ref()
            .and(d.forecast)
            .map(|f| forecast::status(f, d)),
        bottleneck: d
            .bottleneck
            .and_then(|view| bottleneck::status(view, d.target_uid, previous)),
        startup_seconds: d
            .startup
            .map(|s| s.as_secs())
            .or(previous.and_then(|p| p.startup_seconds)),
        decision: Some(decision_status(d, now)),
        damping: Some(damping::status(d.state, d.pending.as_ref(), d.target_uid)),
    }
}

fn decision_status(d: &Decided<'_>, now: Timestamp) -> DecisionStatus {
    let Decided { policy, decision, .. } = d;
    let proposals = decision.proposals.iter().take(MOST_PROPOSALS).map(|p| ProposalStatus {
        source: p.source.kind().to_owned(),
        name: p.source.name().to_owned(),
        replicas: proposed(&p.outcome),
        replaced: matches!(p.outcome, Outcome::Replaced { .. }),
        reason: words::proposal(policy, decision, p),
    });
    let limits = decision.limits.iter().map(|l| LimitStatus {
        reason: l.kind.as_str().to_owned(),
        before: count(l.before),
        after: count(l.after),
        until: l.until.map(time),
    });
    let ahead = |at: Option<Timestamp>| at.filter(|at| *at > now).map(time);
    let next = NextEligibleStatus {
        up: ahead(decision.next_eligible.up),
        down: ahead(decision.next_eligible.down),
    };
    DecisionStatus {
        time: time(decision.at),
        winner: words::winner(decision),
        message: match (d.actuation, decision.action) {
            (Actuation::Failed(error), _) => words::failed(policy, decision, error),
            (Actuation::Nothing, Action::Scale { .. }) => words::put_off(policy, decision),
            (Actuation::Nothing | Actuation::Scaled, _) => words::sentence(policy, decision),
        },
        proposals: proposals.collect(),
        limits: limits.collect(),
        next_eligible: (next != NextEligibleStatus::default()).then_some(next),
    }
}

fn metrics(d: &Decided<'_>, now: Timestamp, previous: Option<&ScalingPolicyStatus>) -> Vec<MetricStatus> {
    let metrics = d.decision.proposals.iter().filter_map(|p| match &p.source {
        Source::Metric(name) => Some((name, &p.outcome)),
        _ => None,
    });
    let each = metrics.take(MOST_METRICS).map(|(name, outcome)| {
        let known = previous.and_then(|p| p.metrics.iter().find(|m| *m.name == **name));
        let failing_since = known.and_then(|m| m.error.as_ref()?.since.clone());
        MetricStatus {
            name: name.to_string(),
            value: match outcome {
                Outcome::Replicas { value, .. }
                | Outcome::Preview { value, .. }
                | Outcome::Replaced { value, .. }
                | Outcome::Abstains(Abstention::NotAbove { value }) => Some(decimal(*value)),
                Outcome::Abstains(_) | Outcome::Invalid(_) => None,
            },
            replicas: proposed(outcome),
            error: match outcome {
                Outcome::Invalid(failure) => Some(failed(d, failure, failing_since, now)),
                _ => None,
            },
        }
    });
    each.collect()
}

/// A metric's failure: since when, and what will come of it when.
fn failed(d: &Decided<'_>, failure: &Failure, known: Option<Time>, now: Timestamp) -> MetricErrorStatus {
    let since = failure.since.map(time).or(known).unwrap_or_else(|| time(now));
    let fallback = d.policy.fallback;
    MetricErrorStatus {
        cause: failure.cause.as_str().to_owned(),
        message: words::clip(&*failure.message, ERROR_BYTES),
        fallback_at: fallback.and_then(|f| Some(time(since.0.checked_add(f.after).ok()?))),
        since: Some(since),
    }
}

fn schedules(d: &Decided<'_>) -> Vec<ScheduleStatus> {
    let windows = d.policy.schedules.iter().zip(&d.decision.windows).take(MOST_SCHEDULES);
    let each = windows.map(|(schedule, window)| ScheduleStatus {
        name: schedule.name.to_string(),
        active: window.active,
        until: window.until.filter(|_| window.active).map(time),
        next_start: window.until.filter(|_| !window.active).map(time),
        warming: window.warming(d.decision.at),
        warming_from: window.early.map(|early| time(early.from)),
    });
    each.collect()
}

fn proposed(outcome: &Outcome) -> Option<i32> {
    match outcome {
        Outcome::Replicas { replicas, .. } | Outcome::Preview { replicas, .. } | Outcome::Replaced { replicas, .. } => {
            Some(count(*replicas))
        }
        Outcome::Abstains(_) | Outcome::Invalid(_) => None,
    }
}

/// A replica count as the API has it.
fn count(replicas: u32) -> i32 {
    i32::try_from(replicas).unwrap_or(i32::MAX)
}

/// Whole seconds, which is all that survives the way to the API server: what is built equals what is read back.
pub(super) fn time(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

fn finite(value: f64) -> Option<String> {
    value.is_finite().then(|| decimal(value))
}

/// A number for machines that people read too: four significant digits, or all of the whole part.
fn decimal(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 => 0,
        s if !(1e-6..1e15).contains(&s) => return format!("{value:.3e}"),
        s if s >= 1000.0 => 0,
        s if s >= 100.0 => 1,
        s if s >= 10.0 => 2,
        s if s >= 1.0 => 3,
        s if s >= 0.01 => 4,
        _ => 8,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
