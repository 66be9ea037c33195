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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::policy::{Behavior, Bounds, Mode, WarmUp};
    use crate::engine::{decide, observation};
    use jiff::SignedDuration;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn ago(seconds: i64) -> Timestamp {
        now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
    }

    /// Windows of 60 s in both directions; a policy without metrics recommends its `minReplicas`.
    fn policy(recommends: u32) -> Policy {
        let mut behavior = Behavior::default();
        behavior.up.stabilization = SignedDuration::from_secs(60);
        behavior.down.stabilization = SignedDuration::from_secs(60);
        Policy {
            bounds: Bounds {
                min: recommends,
                max: 100,
            },
            interval: SignedDuration::from_secs(15),
            mode: Mode::DryRun,
            metrics: Vec::new(),
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior,
            warm_up: WarmUp::default(),
        }
    }

    /// A state that has seen these recommendations (seconds ago, count), oldest first.
    fn state(known: &[(i64, u32)]) -> State {
        let mut state = State::default();
        for &(seconds, count) in known {
            let policy = policy(count);
            let observation = observation::Observation {
                signal: None,
                replicas: observation::Replicas {
                    spec: count,
                    ready: None,
                },
                samples: Vec::new(),
                forecast: None,
                startup: None,
            };
            state.record(&policy, &decide(&policy, &state, &observation, ago(seconds)));
        }
        state
    }

    /// What becomes of a recommendation.
    #[track_caller]
    fn check(known: &[(i64, u32)], current: u32, recommended: u32, expected: u32) {
        let limit = apply(&policy(1), &state(known), current, recommended, now());
        assert_eq!(
            limit.map_or(recommended, |l| l.after),
            expected,
            "{known:?}, {recommended} at {current}"
        );
    }

    #[test]
    fn down_to_the_highest_of_the_window() {
        check(&[(50, 8), (30, 6), (10, 7)], 10, 3, 8);
        check(&[(70, 9), (50, 6), (10, 7)], 10, 3, 7);
        check(&[(50, 8)], 10, 9, 9);
        check(&[(60, 8)], 10, 3, 3); // as old as the window is out of it
        check(&[(59, 8)], 10, 3, 8);
    }

    #[test]
    fn up_to_the_lowest_of_the_window() {
        check(&[(50, 14), (30, 16), (10, 13)], 10, 20, 13);
        check(&[(50, 14)], 10, 12, 12);
        check(&[(60, 11)], 10, 20, 20);
    }

    #[test]
    fn a_window_never_turns_a_move_round() {
        check(&[(30, 20)], 10, 5, 10);
        check(&[(30, 5)], 10, 20, 10);
        check(&[(30, 20), (10, 5)], 10, 10, 10);
    }

    #[test]
    fn knowing_nothing_holds_the_present_count() {
        check(&[], 10, 5, 10);
        check(&[], 10, 20, 10);
        let mut at_once = policy(1);
        at_once.behavior.up.stabilization = SignedDuration::ZERO;
        assert_eq!(apply(&at_once, &State::default(), 10, 20, now()), None);
    }

    #[test]
    fn says_when_the_extreme_drops_out() {
        let limit = apply(&policy(1), &state(&[(50, 8), (30, 6)]), 10, 3, now()).unwrap();
        assert_eq!(limit.until, now().checked_add(SignedDuration::from_secs(10)).ok());
    }
}
