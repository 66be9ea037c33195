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
        // Integers throughout: 10 × (1 − 0.8) in floating point is 1.9999999999999996, which truncates to 1.
        // At least one: no percentage of zero would ever wake a target.
        (Amount::Percent(p), true) => start + ((start * i64::from(p) + 99) / 100).max(1),
        (Amount::Percent(p), false) => start * (100 - i64::from(p).min(100)) / 100,
    };
    u32::try_from(limit.max(0)).unwrap_or(u32::MAX)
}

/// When the oldest change that still counts drops out of its period; nothing for a direction that is switched off.
pub fn free_at(rules: &ScalingRules, state: &State, now: Timestamp) -> Option<Timestamp> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decision::ScaleEvent;
    use crate::engine::policy::{Behavior, Bounds, Mode, WarmUp};
    use jiff::SignedDuration;

    /// Amount and period in seconds.
    type Limits<'a> = &'a [(Amount, i64)];
    /// Seconds ago, from, to.
    type Changes<'a> = &'a [(i64, u32, u32)];

    const NONE: Changes = &[];

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn policy(limits: Limits, select: SelectPolicy) -> Policy {
        let policies = limits.iter().map(|&(amount, seconds)| RatePolicy {
            amount,
            period: SignedDuration::from_secs(seconds),
        });
        let rules = ScalingRules {
            policies: policies.collect(),
            select,
            ..Behavior::default().up
        };
        Policy {
            bounds: Bounds { min: 1, max: 1000 },
            interval: SignedDuration::from_secs(15),
            mode: Mode::Active,
            metrics: Vec::new(),
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: Behavior {
                up: rules.clone(),
                down: rules,
            },
            warm_up: WarmUp::default(),
        }
    }

    fn state(changes: Changes, forced: bool) -> State {
        let mut state = State::default();
        for &(seconds, from, to) in changes {
            let at = now().checked_sub(SignedDuration::from_secs(seconds)).unwrap();
            state.scaled(ScaleEvent {
                at,
                from,
                to,
                forced,
                rule: None,
            });
        }
        state
    }

    /// What is let through of a move from `current` to as far as one likes.
    #[track_caller]
    fn check(up: bool, limits: Limits, select: SelectPolicy, current: u32, changes: Changes, expected: u32) {
        let wanted = if up { 1_000_000 } else { 0 };
        let limit = apply(&policy(limits, select), &state(changes, false), current, wanted, now());
        let got = limit.map_or(wanted, |l| l.after);
        assert_eq!(got, expected, "{limits:?} {select:?} from {current} after {changes:?}");
    }

    use Amount::{Percent, Pods};
    use SelectPolicy::{Disabled, Max, Min};

    #[test]
    fn percent_up_rounds_up() {
        for (percent, current, expected) in [
            (100, 7, 14),
            (50, 3, 5),   // 4.5
            (10, 10, 11), // exactly
            (10, 11, 13), // 12.1
            (1, 1, 2),    // never stuck at small counts
            (1, 100, 101),
            (250, 2, 7),
            (100, 0, 1), // from zero at least one
        ] {
            check(true, &[(Percent(percent), 60)], Max, current, NONE, expected);
        }
    }

    #[test]
    fn percent_down_truncates_what_is_left() {
        for (percent, current, expected) in [
            (100, 7, 0),
            (50, 7, 3), // 3.5
            (10, 10, 9),
            (10, 11, 9), // 9.9
            (10, 1, 0),  // 0.9: bounds hold the rest
            (1, 2, 1),   // 1.98: never stuck at small counts
            (300, 5, 0),
        ] {
            check(false, &[(Percent(percent), 60)], Max, current, NONE, expected);
        }
    }

    #[test]
    fn pods_are_pods() {
        check(true, &[(Pods(4), 60)], Max, 10, NONE, 14);
        check(false, &[(Pods(4), 60)], Max, 10, NONE, 6);
        check(false, &[(Pods(4), 60)], Max, 3, NONE, 0);
    }

    #[test]
    fn counted_from_the_period_s_start() {
        // 10 at the start, 3 added: one of four is left.
        check(true, &[(Pods(4), 60)], Max, 13, &[(30, 10, 13)], 14);
        // 50 % of 10, not of 13.
        check(true, &[(Percent(50), 60)], Max, 13, &[(30, 10, 13)], 15);
        // All used up: the present count.
        check(true, &[(Pods(4), 60)], Max, 14, &[(50, 10, 12), (20, 12, 14)], 14);
        // A change as old as the period is out of it.
        check(true, &[(Pods(4), 60)], Max, 14, &[(60, 10, 14)], 18);
        check(true, &[(Pods(4), 60)], Max, 14, &[(59, 10, 14)], 14);
        // Down: 20 at the start, 2 removed, 10 % of 20 are 2.
        check(false, &[(Percent(10), 60)], Max, 18, &[(30, 20, 18)], 18);
        check(false, &[(Pods(5), 60)], Max, 18, &[(30, 20, 18)], 15);
        // Growth and shrinking in one period: net.
        check(true, &[(Pods(4), 60)], Max, 10, &[(40, 10, 14), (20, 14, 10)], 14);
        // What was removed meanwhile may come back, and four more.
        check(true, &[(Pods(4), 60)], Max, 10, &[(20, 16, 10)], 20);
    }

    #[test]
    fn each_policy_has_its_own_period() {
        let two: Limits = &[(Pods(4), 15), (Pods(10), 600)];
        // 8 added a minute ago: nothing in 15 s, 2 of 10 left in ten minutes.
        check(true, two, Max, 18, &[(60, 10, 18)], 22);
        check(true, two, Min, 18, &[(60, 10, 18)], 20);
    }

    #[test]
    fn max_min_and_disabled() {
        let two: Limits = &[(Percent(50), 60), (Pods(4), 60)];
        check(true, two, Max, 4, NONE, 8);
        check(true, two, Min, 4, NONE, 6);
        check(true, two, Max, 20, NONE, 30);
        check(true, two, Min, 20, NONE, 24);
        check(true, two, Disabled, 20, NONE, 20);
        check(false, two, Max, 20, NONE, 10);
        check(false, two, Min, 20, NONE, 16);
        check(false, two, Disabled, 20, NONE, 20);
    }

    #[test]
    fn a_limit_never_turns_a_move_round() {
        // More was added than the policy allows (it was edited meanwhile): hold, not shrink.
        check(true, &[(Pods(1), 60)], Max, 30, &[(30, 10, 30)], 30);
        check(false, &[(Pods(1), 60)], Max, 10, &[(30, 30, 10)], 10);
        // By hand from 40 to 5 after growth of 30: the start cannot be below nothing.
        check(true, &[(Pods(6), 60)], Max, 5, &[(30, 10, 40)], 6);
    }

    #[test]
    fn forced_changes_do_not_count() {
        let limit = apply(
            &policy(&[(Pods(4), 60)], Max),
            &state(&[(30, 10, 20)], true),
            20,
            100,
            now(),
        );
        assert_eq!(limit.map(|l| l.after), Some(24));
    }

    #[test]
    fn says_when_the_oldest_change_drops_out() {
        let until = |seconds| now().checked_add(SignedDuration::from_secs(seconds)).ok();
        let changes = state(&[(50, 10, 12), (20, 12, 14)], false);
        let limit = apply(&policy(&[(Pods(4), 60)], Max), &changes, 14, 100, now()).unwrap();
        assert_eq!((limit.after, limit.until), (14, until(10)));
        let limit = apply(&policy(&[(Pods(4), 60)], Disabled), &changes, 14, 100, now()).unwrap();
        assert_eq!((limit.after, limit.until), (14, None));
    }
}
