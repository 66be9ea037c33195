//! Rate policies, HPA v2's: at most so many pods or percent within a period, counted from the period's start.
//!
//! Source: `calculateScaleUpLimitWithScalingRules` and its twin in kubernetes `pkg/controller/podautoscaler/horizontal.go`:
//! the count at the period's start is current − added + removed; percent growth rounds up, percent shrinking truncates
//! the remainder. `Min` takes the smallest allowed change by `min` over the policies (a fold from zero would block
//! everything). Changes forced by a floor do not count.

use jiff::Timestamp;

use super::super::decision::{Limit, LimitKind};
use super::super::policy::{Amount, Policy, RatePolicy, ScalingRules, SelectPolicy};
use super::super::state::State;

/// The limit, where the rate policies allow less than recommended.
pub(super) fn apply(policy: &Policy, state: &State, current: u32, recommended: u32, now: Timestamp) -> Option<Limit> {
    let up = recommended > current;
    let (rules, kind) = if up {
        (&policy.behavior.up, LimitKind::ScaleUpLimit)
    } else if recommended < current {
        (&policy.behavior.down, LimitKind::ScaleDownLimit)
    } else {
        return None;
    };
    let allowed = allowed(rules, state, current, up, now);
    let after = if up {
        recommended.min(allowed)
    } else {
        recommended.max(allowed)
    };
    (after != recommended).then(|| Limit {
        kind,
        before: recommended,
        after,
        until: free_at(rules, state, now),
    })
}

/// The furthest count that the rules allow from `current` at `now`; `current` itself where they allow nothing.
fn allowed(rules: &ScalingRules, state: &State, current: u32, up: bool, now: Timestamp) -> u32 {
    let each = rules.policies.iter().map(|p| one(*p, state, current, up, now));
    let chosen = match (rules.select, up) {
        (SelectPolicy::Disabled, _) => None,
        (SelectPolicy::Max, true) | (SelectPolicy::Min, false) => each.max(),
        (SelectPolicy::Min, true) | (SelectPolicy::Max, false) => each.min(),
    };
    let chosen = chosen.unwrap_or(current);
    if up { chosen.max(current) } else { chosen.min(current) }
}

/// The count that one rate policy allows.
fn one(policy: RatePolicy, state: &State, current: u32, up: bool, now: Timestamp) -> u32 {
    let mut start = i64::from(current);
    for event in state
        .events()
        .filter(|e| !e.forced && now.duration_since(e.at) < policy.period)
    {
        start -= i64::from(event.to) - i64::from(event.from);
    }
    let start = start.max(0);
    let limit = match (policy.amount, up) {
        (Amount::Pods(n), true) => start + i64::from(n),
        (Amount::Pods(n), false) => start - i64::from(n),
        // Integers throughout: 10 × 1.1 in floating point is 11.000000000000002, which rounds up to 12.
        (Amount::Percent(p), true) => start + (start * i64::from(p) + 99) / 100,
        (Amount::Percent(p), false) => start * (100 - i64::from(p).min(100)) / 100,
    };
    u32::try_from(limit.max(0)).unwrap_or(u32::MAX)
}

/// When the oldest change that still counts drops out of its period; nothing for a direction that is switched off.
fn free_at(rules: &ScalingRules, state: &State, now: Timestamp) -> Option<Timestamp> {
    if rules.select == SelectPolicy::Disabled {
        return None;
    }
    let ends = rules.policies.iter().flat_map(|p| {
        let counted = state
            .events()
            .filter(|e| !e.forced && now.duration_since(e.at) < p.period);
        counted.filter_map(|e| e.at.checked_add(p.period).ok())
    });
    ends.min()
}
