//! What is said of others with a hand in the target's replicas: `Conflicted`, `ReplicasContested`.
//!
//! `Conflicted` is about who else *scales* the target, and nothing is written meanwhile. `ReplicasContested` is about who
//! *rewrites* what we wrote, such as a GitOps tool that applies a fixed count; scaling goes on, for giving way would
//! leave the target at that count. docs/rivals.md says what to do about either.

use super::conditions::Verdict;
use super::{CONFLICTED, Decided, REPLICAS_CONTESTED, condition, reason};
use crate::api::status::ScalingPolicyStatus;
use crate::engine::others::{Rival, Scaler};
use crate::engine::policy::Mode;
use crate::report::words::instant;

/// Between who rewrites our count and how often. Beside the words that are written, because `explain` reads them back.
const REWROTE: &str = " rewrote the target's spec.replicas ";

/// Whether something else scales the target; always there.
pub(super) fn conflicted(d: &Decided<'_>) -> Verdict {
    let (status, reason, message) = match (&*d.others.rivals, &*d.others.unseen) {
        ([first, ..], _) => ("True", because(first), rivals(d)),
        ([], [first, ..]) => (
            "Unknown",
            reason::RIVALS_UNSEEN,
            format!(
                "the policy is obeyed as if nothing else scaled its target: {}",
                first.why
            ),
        ),
        ([], []) => ("False", reason::NO_RIVAL, "nothing else scales the target".to_owned()),
    };
    Verdict {
        type_: CONFLICTED,
        status,
        reason,
        message,
    }
}

/// Whether our count is rewritten again and again; only where the field is watched.
pub(super) fn contested(d: &Decided<'_>) -> Option<Verdict> {
    d.others.rewrites.as_ref()?;
    let now = d.decision.at;
    let (status, reason, message) = match d.others.contest(now) {
        Some(contest) => (
            "True",
            reason::REWRITTEN,
            format!(
                "{}{REWROTE}three times or more, last at {}; let it leave the field out (docs/rivals.md says how without a fall to 1 replica). Over at {} if it does not happen again",
                contest.managers.join(" and "),
                instant(contest.last, now),
                instant(contest.until, now)
            ),
        ),
        None => (
            "False",
            reason::NOT_REWRITTEN,
            "nobody rewrites the target's spec.replicas again and again".to_owned(),
        ),
    };
    Some(Verdict {
        type_: REPLICAS_CONTESTED,
        status,
        reason,
        message,
    })
}

/// Who rewrites our count again and again: the managers that [`contested`] names.
pub(in crate::report) fn contesters(status: &ScalingPolicyStatus) -> Option<&str> {
    let told = condition(status, REPLICAS_CONTESTED).filter(|c| c.status == "True")?;
    Some(told.message.split_once(REWROTE)?.0)
}

/// Who scales the target, what that means for this policy, and what to do.
pub(super) fn rivals(d: &Decided<'_>) -> String {
    let each = d.others.rivals.iter().map(|rival| {
        let (kind, name) = (rival.scaler.as_str(), &rival.name);
        match rival.scaler {
            Scaler::HorizontalPodAutoscaler => format!("{kind} {name} scales the same target; delete it, or point it elsewhere"),
            Scaler::ScaledObject => {
                format!("{kind} {name} (KEDA) scales the same target, also while it is paused; delete it, or point it elsewhere")
            }
            Scaler::ScalingPolicy => {
                format!("{kind} {name} is older and scales the same target; delete one of the two, or put one in mode DryRun")
            }
        }
    });
    let consequence = match d.policy.mode {
        Mode::Active | Mode::Conflicted => "nothing is written until then",
        Mode::DryRun | Mode::Paused => "this policy writes nothing anyhow, and could not",
    };
    format!("{}; {consequence}", each.collect::<Vec<_>>().join("; "))
}

fn because(rival: &Rival) -> &'static str {
    match rival.scaler {
        Scaler::HorizontalPodAutoscaler | Scaler::ScaledObject => rival.scaler.as_str(),
        Scaler::ScalingPolicy => reason::OLDER_POLICY,
    }
}
