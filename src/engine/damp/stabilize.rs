//! The stabilisation window, HPA v2's: the highest recommendation of the window on the way down, the lowest on the
//! way up. Source: `stabilizeRecommendationWithBehaviors` in kubernetes `pkg/controller/podautoscaler/horizontal.go`.
//!
//! Recommendations are remembered within floor and ceiling, so a scale-down under way never turns into growth because
//! of an old number beyond the ceiling (kubernetes#98174).

use jiff::Timestamp;

use super::super::decision::{Limit, LimitKind};
use super::super::policy::Policy;
use super::super::state::State;

/// The limit, where the window changes the number.
pub(super) fn apply(policy: &Policy, state: &State, current: u32, recommended: u32, now: Timestamp) -> Option<Limit> {
    let (window, known, kind) = if recommended < current {
        let window = policy.behavior.down.stabilization;
        (window, &state.for_down, LimitKind::ScaleDownStabilized)
    } else if recommended > current {
        let window = policy.behavior.up.stabilization;
        (window, &state.for_up, LimitKind::ScaleUpStabilized)
    } else {
        return None;
    };
    // Where nothing is known yet, the present count was the last recommendation.
    let (at, extreme) = if known.is_empty() && window.is_positive() {
        (now, current)
    } else {
        known.within(now, window)?
    };
    // Never past the present count: the window delays a move, it does not start one in the other direction.
    let after = if recommended < current {
        extreme.clamp(recommended, current)
    } else {
        extreme.clamp(current, recommended)
    };
    (after != recommended).then(|| Limit {
        kind,
        before: recommended,
        after,
        until: at.checked_add(window).ok(),
    })
}
