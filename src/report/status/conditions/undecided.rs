//! The conditions where no decision was made: what was in the way, and that the rest is unknown.

use super::super::{Situation, condition};
use super::{
    ABLE_TO_SCALE, BOTTLENECKED, CONFLICTED, FORECAST_TRUSTED, OBJECTIVE_MET, READY, REPLICAS_CONTESTED,
    SCALING_ACTIVE, SCALING_LIMITED, Verdict, reason,
};
use crate::api::TargetRef;
use crate::api::status::ScalingPolicyStatus;

/// The conditions of a reconcile that did not come to a decision.
pub(super) fn all(situation: &Situation<'_>, previous: Option<&ScalingPolicyStatus>) -> Vec<Verdict> {
    let (reason, message) = obstacle(situation);
    let invalid = matches!(situation, Situation::InvalidSpec(_));
    let mut verdicts = Vec::with_capacity(9);
    let mut say = |type_, status, reason, message: &str| {
        verdicts.push(Verdict {
            type_,
            status,
            reason,
            message: message.to_owned(),
        });
    };
    let unknown = format!("not evaluated: {reason}, see {READY}");
    say(READY, "False", reason, &message);
    say(SCALING_ACTIVE, "False", reason, &message);
    if invalid {
        say(ABLE_TO_SCALE, "Unknown", reason::NOT_EVALUATED, &unknown);
    } else {
        say(ABLE_TO_SCALE, "False", reason::FAILED_GET_SCALE, &message);
    }
    say(SCALING_LIMITED, "Unknown", reason::NOT_EVALUATED, &unknown);
    say(CONFLICTED, "Unknown", reason::NOT_EVALUATED, &unknown);
    for type_ in [REPLICAS_CONTESTED, FORECAST_TRUSTED, OBJECTIVE_MET, BOTTLENECKED] {
        if previous.and_then(|p| condition(p, type_)).is_some() {
            say(type_, "Unknown", reason::NOT_EVALUATED, &unknown);
        }
    }
    verdicts
}

/// Why there is no decision, and what to do about it.
fn obstacle(situation: &Situation<'_>) -> (&'static str, String) {
    let named = |t: &TargetRef| format!("{} {} ({})", t.kind, t.name, t.api_version);
    match situation {
        // Only for completeness: a decision is no obstacle.
        Situation::Decided(_) => (reason::RECONCILE_SUCCEEDED, String::new()),
        Situation::InvalidSpec(invalid) => (
            reason::INVALID_SPEC,
            format!("nothing is scaled until the spec is corrected: {invalid}"),
        ),
        Situation::TargetNotFound(target) => (
            reason::TARGET_NOT_FOUND,
            format!(
                "{} does not exist in this namespace; it will be scaled once it does",
                named(target)
            ),
        ),
        Situation::TargetNotScalable(message) => (reason::TARGET_NOT_SCALABLE, (*message).to_owned()),
        Situation::TargetForbidden { target, message } => (
            reason::TARGET_FORBIDDEN,
            format!(
                "the operator may not read the scale of {}; grant its service account get and patch on that kind's scale subresource: {message}",
                named(target)
            ),
        ),
        Situation::TargetUnreadable { target, message } => (
            reason::TARGET_UNREADABLE,
            format!("the scale of {} could not be read: {message}", named(target)),
        ),
    }
}
