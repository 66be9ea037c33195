//! Cooldowns: the least time between changes, from the changes that were really made.
//!
//! Down: from the last change in either direction. Up: from the last scale-up. A change that a floor forced starts a
//! cooldown like any other and never waits for one.

use jiff::{SignedDuration, Timestamp};

use super::super::decision::{Limit, LimitKind};
use super::super::policy::{Policy, ScalingRules};
use super::super::state::State;

/// The limit, where a cooldown still runs.
pub(super) fn apply(policy: &Policy, state: &State, current: u32, recommended: u32, now: Timestamp) -> Option<Limit> {
    let (kind, until) = if recommended > current {
        (LimitKind::ScaleUpCooldown, up_until(&policy.behavior.up, state, now))
    } else if recommended < current {
        (
            LimitKind::ScaleDownCooldown,
            down_until(&policy.behavior.down, state, now),
        )
    } else {
        return None;
    };
    until.map(|until| Limit {
        kind,
        before: recommended,
        after: current,
        until: Some(until),
    })
}

/// Until when growth waits, where it does.
pub fn up_until(rules: &ScalingRules, state: &State, now: Timestamp) -> Option<Timestamp> {
    until(state.last_up(), rules.cooldown, now)
}

/// Until when shrinking waits, where it does.
pub fn down_until(rules: &ScalingRules, state: &State, now: Timestamp) -> Option<Timestamp> {
    until(state.last_change(), rules.cooldown, now)
}

fn until(last: Option<Timestamp>, cooldown: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    // A change that seems to lie ahead (the clock went back) counts as made now: the wait is never longer than one cooldown.
    let end = last?.min(now).checked_add(cooldown).ok()?;
    (end > now).then_some(end)
}
