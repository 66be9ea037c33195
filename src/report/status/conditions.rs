//! The conditions: HPA's types and reasons where HPA has one, plus `Ready`, those of the forecast
//! (`conditions/forecast.rs`), of the pods (`conditions/bottleneck.rs`) and those of `others.rs`; without a decision those of `conditions/undecided.rs`.
//!
//! `Ready` answers `kubectl wait --for=condition=Ready` after an apply: the spec is valid, the target can be scaled,
//! every metric has a value. It stays True while a person holds the policy (Paused, DryRun, target at zero). Details
//! are in the others. `lastTransitionTime` moves only when `status` flips. Neighbour: `words.rs` has the sentences.

mod bottleneck;
mod forecast;
mod undecided;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Actuation, Decided, Report, Situation, others, reason, time};
use crate::api::status::{MetricStatus, ScalingPolicyStatus};
use crate::engine::decision::{Action, LimitKind};
use crate::engine::policy::Mode;
use crate::report::words::{self, MESSAGE_BYTES, clip, instant};

/// The policy is in force, and nothing needs a person.
pub const READY: &str = "Ready";
/// The count may be changed, and there are values to change it by.
pub const SCALING_ACTIVE: &str = "ScalingActive";
/// A change could be made now.
pub const ABLE_TO_SCALE: &str = "AbleToScale";
/// A bound or a rate limit changed the number.
pub const SCALING_LIMITED: &str = "ScalingLimited";
/// The forecast may be acted upon; only with a prediction.
pub const FORECAST_TRUSTED: &str = "ForecastTrusted";
/// Load exceeds ready capacity no longer than is accepted; only with a capacity to judge it by.
pub const OBJECTIVE_MET: &str = "ObjectiveMet";
/// Each metric's query fits its rule; shown only where one hardly does.
pub const METRICS_SUITABLE: &str = "MetricsSuitable";
/// Something else than more replicas is needed; only where the pods are watched.
pub const BOTTLENECKED: &str = "Bottlenecked";
/// Something else scales the target, so nothing is written.
pub const CONFLICTED: &str = "Conflicted";
/// Somebody rewrites our count again and again; only for Deployments and StatefulSets.
pub const REPLICAS_CONTESTED: &str = "ReplicasContested";

/// The condition of this type.
pub fn condition<'a>(status: &'a ScalingPolicyStatus, type_: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|c| c.type_ == type_)
}

/// A condition before it has times.
pub(super) struct Verdict {
    pub(super) type_: &'static str,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Every condition. `status` is the new one, of which metrics and forecast are read; `previous` gives the times.
pub(super) fn all(
    report: &Report<'_>,
    status: &ScalingPolicyStatus,
    previous: Option<&ScalingPolicyStatus>,
) -> Vec<Condition> {
    let verdicts = match &report.situation {
        Situation::Decided(decided) => self::decided(decided, &status.metrics, previous),
        other => undecided::all(other, previous),
    };
    let stamped = verdicts.into_iter().map(|v| {
        let known = previous
            .and_then(|p| condition(p, v.type_))
            .filter(|c| c.status == v.status);
        Condition {
            last_transition_time: known.map_or_else(|| time(report.now), |c| c.last_transition_time.clone()),
            message: clip(v.message, MESSAGE_BYTES),
            observed_generation: report.generation,
            reason: v.reason.to_owned(),
            status: v.status.to_owned(),
            type_: v.type_.to_owned(),
        }
    });
    stamped.collect()
}

fn decided(d: &Decided<'_>, metrics: &[MetricStatus], previous: Option<&ScalingPolicyStatus>) -> Vec<Verdict> {
    let failing = failing(d, metrics);
    let mut verdicts = vec![
        ready(d, failing.as_deref()),
        active(d, failing),
        able(d),
        limited(d),
        others::conflicted(d),
    ];
    verdicts.extend(others::contested(d));
    verdicts.extend(forecast::trusted(d));
    verdicts.extend(forecast::objective(d, previous));
    verdicts.extend(bottleneck::bottlenecked(d, previous));
    verdicts.extend(suitable(d));
    verdicts
}

fn ready(d: &Decided<'_>, failing: Option<&str>) -> Verdict {
    let action = d.decision.action;
    let (status, reason, message) = match (d.actuation, failing) {
        (Actuation::Failed(error), _) => (
            "False",
            reason::FAILED_UPDATE_SCALE,
            words::failed(d.policy, d.decision, error),
        ),
        (Actuation::Nothing | Actuation::Scaled, _) if d.policy.mode == Mode::Conflicted => {
            ("False", reason::CONFLICTED, others::rivals(d))
        }
        // A service without pods has no metrics, and that is nobody's fault.
        (_, Some(failing)) if action != Action::Disabled => ("False", reason::METRIC_FAILING, failing.to_owned()),
        _ => (
            "True",
            reason::RECONCILE_SUCCEEDED,
            match (action, d.policy.mode) {
                (Action::Disabled, _) => "in force; the target is at 0 replicas, which is left alone",
                (_, Mode::Active | Mode::Conflicted) => "in force",
                (_, Mode::DryRun) => "in force as a dry run: nothing is written to the target",
                (_, Mode::Paused) => "paused: the present count is held",
            }
            .to_owned(),
        ),
    };
    Verdict {
        type_: READY,
        status,
        reason,
        message,
    }
}

fn active(d: &Decided<'_>, failing: Option<String>) -> Verdict {
    let (status, reason, message) = match (d.decision.action, failing, d.policy.mode) {
        (Action::Disabled, _, _) => ("False", reason::SCALING_DISABLED, words::sentence(d.policy, d.decision)),
        (_, _, Mode::Conflicted) => (
            "False",
            reason::CONFLICTED,
            format!("something else scales the target, see {CONFLICTED}: decisions are shown, not written"),
        ),
        (_, Some(failing), _) => ("False", reason::FAILED_GET_METRIC, failing),
        (_, None, Mode::Paused) => (
            "False",
            reason::PAUSED,
            "spec.mode is Paused: the present count is held".to_owned(),
        ),
        (_, None, Mode::DryRun) => (
            "False",
            reason::DRY_RUN,
            "spec.mode is DryRun: decisions are shown, not written".to_owned(),
        ),
        (_, None, Mode::Active) if d.policy.metrics.is_empty() => (
            "True",
            reason::SCHEDULES_ONLY,
            "the policy has schedules and no metrics".to_owned(),
        ),
        (_, None, Mode::Active) => (
            "True",
            reason::VALID_METRIC_FOUND,
            "every metric has a usable value".to_owned(),
        ),
    };
    Verdict {
        type_: SCALING_ACTIVE,
        status,
        reason,
        message,
    }
}

/// Each failing metric with cause and since when, and what that means.
fn failing(d: &Decided<'_>, metrics: &[MetricStatus]) -> Option<String> {
    let each = metrics.iter().filter_map(|m| {
        let error = m.error.as_ref()?;
        let since = error
            .since
            .as_ref()
            .map(|s| format!(" since {}", instant(s.0, d.decision.at)));
        let since = since.unwrap_or_default();
        // Every metric is named, however long the first one's error is.
        Some(format!(
            "{} ({}{since}: {})",
            m.name,
            error.cause,
            clip(&*error.message, 160)
        ))
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| {
        let none = each.len() == metrics.len();
        let up = if none {
            "schedules, bounds and a trusted forecast may still raise the count"
        } else {
            "the other metrics may still scale up"
        };
        let up = format!("{up}{}", fallback(d, metrics));
        format!("nothing is scaled down, {up}; no usable value: {}", each.join(", "))
    })
}

/// ` and from 10:02:00Z the fallback (10)`, where there is one.
fn fallback(d: &Decided<'_>, metrics: &[MetricStatus]) -> String {
    let begins = metrics
        .iter()
        .filter_map(|m| Some(m.error.as_ref()?.fallback_at.as_ref()?.0))
        .min();
    match d.policy.fallback.zip(begins) {
        Some((fallback, at)) if at > d.decision.at => {
            format!(
                ", and from {} the fallback ({})",
                instant(at, d.decision.at),
                fallback.replicas
            )
        }
        Some((fallback, _)) => format!(", and so may the fallback ({})", fallback.replicas),
        None => String::new(),
    }
}

fn able(d: &Decided<'_>) -> Verdict {
    let decision = d.decision;
    let damped = decision.limits.iter().rev().find(|l| is_delay(l.kind));
    let next = decision.next_eligible;
    let both = next.up.zip(next.down).filter(|_| decision.action == Action::Hold);
    let (status, reason, message) = match (d.actuation, decision.action, damped) {
        (Actuation::Failed(error), ..) => (
            "False",
            reason::FAILED_UPDATE_SCALE,
            words::failed(d.policy, decision, error),
        ),
        (Actuation::Scaled, ..) => (
            "True",
            reason::SUCCEEDED_RESCALE,
            format!("the target was asked for {} replicas", decision.desired),
        ),
        _ if both.is_some() => {
            let at = |at: Option<_>| at.map_or(String::new(), |at| instant(at, decision.at));
            let (up, down) = (at(next.up), at(next.down));
            let message = format!("neither direction may move yet: up from {up}, down from {down}");
            ("False", reason::BACKOFF_BOTH, message)
        }
        (Actuation::Nothing, _, Some(limit)) => ("True", limit.kind.as_str(), words::limit(d.policy, decision, limit)),
        (Actuation::Nothing, Action::Scale { to, .. }, None) => (
            "True",
            reason::READY_FOR_NEW_SCALE,
            format!("the change to {to} is decided again, because the target or the policy changed in between"),
        ),
        (Actuation::Nothing, _, None) => (
            "True",
            reason::READY_FOR_NEW_SCALE,
            "no stabilisation window or cooldown is in the way".to_owned(),
        ),
    };
    Verdict {
        type_: ABLE_TO_SCALE,
        status,
        reason,
        message,
    }
}

/// What delays a change, as against what bounds it.
fn is_delay(kind: LimitKind) -> bool {
    match kind {
        LimitKind::ScaleUpStabilized
        | LimitKind::ScaleDownStabilized
        | LimitKind::ScaleUpCooldown
        | LimitKind::ScaleDownCooldown => true,
        LimitKind::MetricInvalid
        | LimitKind::ScaleUpLimit
        | LimitKind::ScaleDownLimit
        | LimitKind::MinReplicas
        | LimitKind::MaxReplicas
        | LimitKind::WindowFloor
        | LimitKind::WindowCeiling
        | LimitKind::Paused => false,
    }
}

/// Advice, where there is any: it changes no decision.
fn suitable(d: &Decided<'_>) -> Option<Verdict> {
    let first = d.advice.first()?;
    let each: Vec<String> = d.advice.iter().map(ToString::to_string).collect();
    Some(Verdict {
        type_: METRICS_SUITABLE,
        status: "False",
        reason: first.misfit.as_str(),
        message: each.join("; "),
    })
}

fn limited(d: &Decided<'_>) -> Verdict {
    let decision = d.decision;
    let bounds = |kind| !is_delay(kind) && kind != LimitKind::Paused;
    // The last one is the one that binds.
    let (status, reason, message) = match decision.limits.iter().rev().find(|l| bounds(l.kind)) {
        Some(limit) => ("True", limit.kind.as_str(), words::limit(d.policy, decision, limit)),
        None if decision.action == Action::Disabled => (
            "False",
            reason::SCALING_DISABLED,
            "autoscaling is off while the target is at 0 replicas".to_owned(),
        ),
        None => (
            "False",
            reason::DESIRED_WITHIN_RANGE,
            format!("within {} to {} replicas", decision.range.floor, decision.range.ceiling),
        ),
    };
    Verdict {
        type_: SCALING_LIMITED,
        status,
        reason,
        message,
    }
}
