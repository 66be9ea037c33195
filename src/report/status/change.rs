//! What is worth a write: ten thousand policies that are at rest must not write at all.

use jiff::{SignedDuration, Timestamp};

use super::{CONFLICTED, condition};
use crate::api::status::{DampingStatus, ScalingPolicyStatus};

/// Whether something changed that somebody acts upon: counts, winner, limits, conditions, rivals, errors, windows,
/// damping, trust, advice. A value, a message, an instant alone is not.
pub fn material(old: &ScalingPolicyStatus, new: &ScalingPolicyStatus) -> bool {
    counts(old) != counts(new)
        || conditions(old) != conditions(new)
        || rivals(old) != rivals(new)
        || failures(old) != failures(new)
        || bottleneck(old) != bottleneck(new)
        || windows(old) != windows(new)
        || verdict(old) != verdict(new)
        || old.forecast.as_ref().map(|f| f.trusted) != new.forecast.as_ref().map(|f| f.trusted)
        || remembers_more(old.damping.as_ref(), new.damping.as_ref())
}

/// Whether `new` is to be written over `old`, the status as last written: on a material change at once, for other
/// values `refresh` after the last write at the earliest, for a mere passing of time never.
pub fn worth_writing(
    old: Option<&ScalingPolicyStatus>,
    new: &ScalingPolicyStatus,
    now: Timestamp,
    refresh: SignedDuration,
) -> bool {
    let Some(old) = old else { return true };
    if material(old, new) {
        return true;
    }
    // The last write carries the instant of the decision it spoke of. Without a newer decision there is nothing newer
    // to tell, and after the clock went back the wait starts anew.
    let written = old.decision.as_ref().map(|d| d.time.0);
    let decided = new.decision.as_ref().map(|d| d.time.0);
    let due = match (written, decided) {
        (Some(written), Some(decided)) => decided != written && now.duration_since(written).abs() >= refresh,
        (written, decided) => written != decided,
    };
    due && timeless(old) != timeless(new)
}

fn counts(s: &ScalingPolicyStatus) -> impl PartialEq {
    let replicas = [s.current_replicas, s.ready_replicas, s.desired_replicas];
    (s.observed_generation, replicas, s.last_scale_time.clone())
}

fn conditions(s: &ScalingPolicyStatus) -> Vec<(&str, &str, &str, Option<i64>)> {
    let each = s.conditions.iter();
    each.map(|c| (&*c.type_, &*c.status, &*c.reason, c.observed_generation))
        .collect()
}

/// Who they are, and who owns the field: names alone, so that nothing changes here but what somebody did.
fn rivals(s: &ScalingPolicyStatus) -> (Option<&str>, &[String]) {
    (condition(s, CONFLICTED).map(|c| &*c.message), &s.replicas_owners)
}

fn failures(s: &ScalingPolicyStatus) -> Vec<(&str, Option<&str>)> {
    let each = s.metrics.iter();
    each.map(|m| (&*m.name, m.error.as_ref().map(|e| &*e.cause))).collect()
}

/// What is known and what is advised; the rest of it moves all the time. Its condition says why.
fn bottleneck(s: &ScalingPolicyStatus) -> impl PartialEq {
    let told = s.bottleneck.as_ref()?;
    let each = told.resources.iter().map(|r| (&*r.name, r.cause.as_deref()));
    let load = told.load.as_ref().and_then(|l| l.cause.as_deref());
    Some((each.collect::<Vec<_>>(), load, &told.advice, &told.evidence))
}

fn windows(s: &ScalingPolicyStatus) -> Vec<(&str, bool, bool)> {
    s.schedules.iter().map(|w| (&*w.name, w.active, w.warming)).collect()
}

fn verdict(s: &ScalingPolicyStatus) -> Option<(Option<&str>, Vec<&str>)> {
    let decision = s.decision.as_ref()?;
    let limits = decision.limits.iter().map(|l| &*l.reason).collect();
    Some((decision.winner.as_deref(), limits))
}

/// Events that merely expired need no write: they would be ignored after a restart too.
fn remembers_more(old: Option<&DampingStatus>, new: Option<&DampingStatus>) -> bool {
    let (Some(old), Some(new)) = (old, new) else {
        return old.is_some() != new.is_some();
    };
    old.pending_scale != new.pending_scale
        || old.max_replicas != new.max_replicas
        || new.scale_events.iter().any(|e| !old.scale_events.contains(e))
}

/// The status without the instants that pass on their own.
fn timeless(s: &ScalingPolicyStatus) -> ScalingPolicyStatus {
    let mut s = s.clone();
    let never = || Timestamp::UNIX_EPOCH.into();
    if let Some(decision) = &mut s.decision {
        decision.time = never();
    }
    if let Some(forecast) = &mut s.forecast {
        forecast.at = never();
    }
    s
}
