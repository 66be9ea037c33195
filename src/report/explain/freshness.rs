//! How far the status can be believed: whether the operator that wrote it still seems to be at work.
//!
//! Age alone proves nothing: a status is written when something changed, so that of a policy at rest is old and right.
//! Proof is a moment that has passed without being noticed: the end of a window or of a wait, an edit of the spec.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::types::{Freshness, Verdict};
use super::view::{Standing, View};
use crate::report::status::{READY, condition};
use crate::report::words::{ago, instant, span};

/// What a running operator may take to write what changed without consequence: `--status-refresh`'s default.
const REFRESH: SignedDuration = SignedDuration::from_mins(1);
/// Intervals, or refreshes where these are longer, after which a missing write is remarkable: one may fail, one may be
/// late, the third is due.
const GRACE: i32 = 3;

pub(super) fn of(view: &View<'_>) -> Freshness {
    let grace = grace(view);
    let told = view.status.decision.as_ref().map(|d| d.time.0);
    if view.edited() {
        return edited(view, grace);
    }
    // Without a decision there is nothing that has to be renewed: the obstacle is told until it is gone.
    let Some(decided) =
        told.filter(|_| !matches!(view.standing, Standing::Unseen | Standing::Invalid | Standing::NoTarget))
    else {
        return obstructed(view, grace);
    };
    if let Some((what, at)) = overdue(view).filter(|(_, at)| view.now.duration_since(*at) > grace) {
        let message = format!(
            "{what} at {} ({}), and the status does not know of it, so the operator does not seem to run. What follows is \
             as of {} ({}). {}",
            instant(at, view.now),
            ago(at, view.now),
            instant(decided, view.now),
            ago(decided, view.now),
            check(view),
        );
        return Freshness {
            verdict: Verdict::Stale,
            message: Some(message),
        };
    }
    if view.now.duration_since(decided) <= grace {
        return Freshness {
            verdict: Verdict::Fresh,
            message: None,
        };
    }
    let age = ago(decided, view.now);
    if moving(view) {
        let message = format!(
            "The status was last written at {} ({age}), and what follows is as of then. A running operator writes it every {} \
             or so while a value moves: either no value has moved since, or the operator does not run. {}",
            instant(decided, view.now),
            span(grace / GRACE),
            check(view),
        );
        return Freshness {
            verdict: Verdict::Doubtful,
            message: Some(message),
        };
    }
    let message = format!(
        "The status was last written at {} ({age}); nothing that it shows need have changed since.",
        instant(decided, view.now)
    );
    Freshness {
        verdict: Verdict::Quiet,
        message: Some(message),
    }
}

fn grace(view: &View<'_>) -> SignedDuration {
    let interval = view.policy.as_ref().map_or(REFRESH, |p| p.interval);
    interval.max(REFRESH) * GRACE
}

/// How to see whether the operator is at work.
pub(super) fn check(view: &View<'_>) -> String {
    let namespace = view.object.namespace().unwrap_or_default();
    format!(
        "To see whether it runs: `kubectl get pods -A | grep headroom`, then `/readyz` on port 8080 of that pod, then its log: \
         does it look at namespace {namespace}, may it patch scalingpolicies/status?"
    )
}

/// Whether what the status says is told in the past tense.
pub(super) fn is_past(view: &View<'_>) -> bool {
    matches!(of(view).verdict, Verdict::Stale | Verdict::Doubtful)
}

/// An obstacle is written once and stays as it is until it is gone, so its age tells nothing of the operator.
fn obstructed(view: &View<'_>, grace: SignedDuration) -> Freshness {
    let since = condition(&view.status, READY).map(|c| c.last_transition_time.0);
    let old = since.filter(|at| view.now.duration_since(*at) > grace && view.standing != Standing::Unseen);
    let message = old.map(|at| {
        format!(
            "The condition Ready is not True since {} ({}). The operator does not write that again while nothing changes, so the status \
             alone does not tell whether it still runs. {}",
            instant(at, view.now),
            ago(at, view.now),
            check(view)
        )
    });
    Freshness {
        verdict: if message.is_some() {
            Verdict::Quiet
        } else {
            Verdict::Fresh
        },
        message,
    }
}

/// The spec is newer than what the status speaks of.
fn edited(view: &View<'_>, grace: SignedDuration) -> Freshness {
    let spec = view.object.metadata.generation.unwrap_or_default();
    let seen = view.status.observed_generation.unwrap_or_default();
    let what =
        format!("The spec (generation {spec}) is newer than what the operator has answered to (generation {seen})");
    match edited_at(view).filter(|at| view.now.duration_since(*at) > grace) {
        Some(at) => Freshness {
            verdict: Verdict::Stale,
            message: Some(format!("{what}, and was edited {}. {}", ago(at, view.now), check(view))),
        },
        None => Freshness {
            verdict: Verdict::Edited,
            message: Some(format!("{what}; ask again in a moment.")),
        },
    }
}

/// When somebody last wrote the object itself: the latest of its managers' times, status aside.
fn edited_at(view: &View<'_>) -> Option<Timestamp> {
    let managers = view.object.metadata.managed_fields.iter().flatten();
    let spec = managers.filter(|m| m.subresource.is_none());
    spec.filter_map(|m| m.time.as_ref().map(|t| t.0)).max()
}

/// The earliest moment at which something that the status shows has to change.
fn overdue(view: &View<'_>) -> Option<(String, Timestamp)> {
    let status = &view.status;
    let decision = status.decision.as_ref()?;
    let windows = status.schedules.iter().filter_map(|s| {
        let closes = s
            .until
            .as_ref()
            .map(|t| (format!("Schedule {} was to close", s.name), t.0));
        let opens = s
            .next_start
            .as_ref()
            .map(|t| (format!("Schedule {} was to open", s.name), t.0));
        closes.or(opens)
    });
    let waits = decision.limits.iter().filter_map(|l| {
        let until = l.until.as_ref()?.0;
        Some((format!("The limit {} was to be over", l.reason), until))
    });
    windows.chain(waits).min_by_key(|(_, at)| *at)
}

/// Whether the status shows a value that hardly ever stands still. A service without load does.
fn moving(view: &View<'_>) -> bool {
    let values = view.status.metrics.iter().filter_map(|m| m.value.as_deref());
    values.into_iter().any(|v| v != "0")
}
