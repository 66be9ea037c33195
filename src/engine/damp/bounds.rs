//! Bounds: floor and ceiling from `minReplicas`, `maxReplicas` and the active windows.
//!
//! Two steps. [`recommend`] bounds the recommendation before damping, so that the way down to a lowered ceiling is
//! damped like any other. [`enforce`] comes last: a floor acts at once, growth stops at the ceiling at once, and an
//! edit that lowers `spec.maxReplicas` acts at once. A window's lower ceiling, or its end, never does.

use jiff::Timestamp;

use super::super::decision::{Limit, LimitKind, Outcome, Proposal, Range, Window};
use super::super::policy::Policy;
use super::super::state::State;

/// A bounded count, and whether a bound forced it past the damping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Bounded {
    pub(in super::super) replicas: u32,
    pub(in super::super) forced: bool,
}

/// Floor = the highest of `minReplicas` and the floors of windows that are active or warming up; ceiling = the highest
/// ceiling of the active windows that set one, else `maxReplicas`; floor beats ceiling.
pub fn range(policy: &Policy, windows: &[Window], now: Timestamp) -> Range {
    let mut range = Range {
        floor: policy.bounds.min,
        ceiling: policy.bounds.max,
        floor_by: None,
        ceiling_by: None,
    };
    for (i, (schedule, window)) in policy.schedules.iter().zip(windows).enumerate() {
        if let Some(floor) = schedule.floor
            && (window.active || window.warming(now))
            && floor > range.floor
        {
            range.floor = floor;
            range.floor_by = Some(i);
        }
        if let Some(ceiling) = schedule.ceiling
            && window.active
            && (range.ceiling_by.is_none() || ceiling > range.ceiling)
        {
            range.ceiling = ceiling;
            range.ceiling_by = Some(i);
        }
    }
    range.ceiling = range.ceiling.max(range.floor);
    range
}

/// The wanted count within floor and ceiling. While a metric has no value, the ceiling stops growth but lowers nothing.
pub(in super::super) fn recommend(
    wanted: u32,
    current: u32,
    range: Range,
    proposals: &[Proposal],
    limits: &mut Vec<Limit>,
) -> u32 {
    let blind = proposals.iter().any(|p| matches!(p.outcome, Outcome::Invalid(_)));
    let ceiling = if blind {
        range.ceiling.max(current)
    } else {
        range.ceiling
    };
    let (kind, after) = if wanted > ceiling {
        (ceiling_kind(range), ceiling)
    } else if wanted < range.floor {
        (floor_kind(range), range.floor)
    } else {
        return wanted;
    };
    limits.push(Limit {
        kind,
        before: wanted,
        after,
        until: None,
    });
    after
}

/// The damped count with floor and ceiling enforced at once where they may.
pub(in super::super) fn enforce(
    policy: &Policy,
    state: &State,
    damped: u32,
    current: u32,
    range: Range,
    limits: &mut Vec<Limit>,
) -> Bounded {
    // maxReplicas was edited downwards, and no window's ceiling governs instead.
    let edited = range.ceiling_by.is_none() && state.obeyed_max().is_some_and(|obeyed| policy.bounds.max < obeyed);
    let most = if edited {
        range.ceiling
    } else {
        range.ceiling.max(current)
    };
    let (kind, after) = if damped < range.floor {
        (floor_kind(range), range.floor)
    } else if damped > most {
        (ceiling_kind(range), most)
    } else {
        return Bounded {
            replicas: damped,
            forced: false,
        };
    };
    limits.push(Limit {
        kind,
        before: damped,
        after,
        until: None,
    });
    Bounded {
        replicas: after,
        forced: true,
    }
}

fn floor_kind(range: Range) -> LimitKind {
    if range.floor_by.is_some() {
        LimitKind::WindowFloor
    } else {
        LimitKind::MinReplicas
    }
}

fn ceiling_kind(range: Range) -> LimitKind {
    if range.ceiling_by.is_some() {
        LimitKind::WindowCeiling
    } else {
        LimitKind::MaxReplicas
    }
}
