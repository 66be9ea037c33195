//! The threshold rule: a fixed step above one value, a fixed step down below another, each with a cooldown of its own.
//!
//! Between the thresholds, and while a cooldown runs, it proposes the present count, so it also keeps others from
//! shrinking; without a lower threshold it abstains unless it is above. Cooldowns are those of `behavior`, per rule: up
//! from the last growth that this rule won, down from the last change in either direction that it won.
//! The policy's damping follows as for any proposal.

use jiff::{SignedDuration, Timestamp};

use super::super::decision::{Abstention, Basis, Outcome};
use super::super::policy::{Step, Thresholds};
use super::super::state::RuleTimes;

/// What the rule makes of a value.
pub(super) fn propose(rule: &Thresholds, value: f64, current: u32, won: Option<&RuleTimes>, now: Timestamp) -> Outcome {
    let outcome = |replicas, basis| Outcome::Replicas { replicas, value, basis };
    let up = won.and_then(|w| w.up);
    let last = up.max(won.and_then(|w| w.down));
    match rule {
        Thresholds { up: step, .. } if value > step.at => match cooling(step, up, now) {
            Some(until) => outcome(current, Basis::Cooling { until }),
            None => outcome(current.saturating_add(step.by), Basis::Above),
        },
        Thresholds { down: Some(step), .. } if value < step.at => match cooling(step, last, now) {
            Some(until) => outcome(current, Basis::Cooling { until }),
            None => outcome(current.saturating_sub(step.by), Basis::Below),
        },
        Thresholds { down: Some(_), .. } => outcome(current, Basis::Band),
        Thresholds { down: None, .. } => Outcome::Abstains(Abstention::NotAbove { value }),
    }
}

/// Until when the step's cooldown runs, where it does.
fn cooling(step: &Step, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    // A clock that went back must not lengthen the wait: what lies ahead counts as now.
    let until = last?.min(now).checked_add(step.cooldown).ok()?;
    (now < until && step.cooldown > SignedDuration::ZERO).then_some(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn ago(seconds: i64) -> Timestamp {
        now() - SignedDuration::from_secs(seconds)
    }

    fn step(at: f64, by: u32, cooldown: i64) -> Step {
        let cooldown = SignedDuration::from_secs(cooldown);
        Step { at, by, cooldown }
    }

    /// Above 1000 two more, below 300 one less, three minutes each.
    fn rule() -> Thresholds {
        Thresholds {
            up: step(1000.0, 2, 180),
            down: Some(step(300.0, 1, 180)),
        }
    }

    /// Last growth and last shrinking that the rule won, in seconds ago.
    #[track_caller]
    fn check(value: f64, current: u32, won: (Option<i64>, Option<i64>), replicas: u32, basis: Basis) {
        let won = RuleTimes {
            name: "requests".into(),
            up: won.0.map(ago),
            down: won.1.map(ago),
        };
        let outcome = propose(&rule(), value, current, Some(&won), now());
        assert_eq!(
            outcome,
            Outcome::Replicas { replicas, value, basis },
            "{value} at {current}"
        );
    }

    #[test]
    fn steps_at_thresholds_and_stands_between_them() {
        let never = (None, None);
        check(1001.0, 4, never, 6, Basis::Above);
        check(1000.0, 4, never, 4, Basis::Band);
        check(300.0, 4, never, 4, Basis::Band);
        check(299.0, 4, never, 3, Basis::Below);
        check(0.0, 0, never, 0, Basis::Below);
        check(1e300, u32::MAX, never, u32::MAX, Basis::Above);
    }

    #[test]
    fn each_direction_has_its_own_cooldown() {
        let until = |seconds| Basis::Cooling {
            until: now() + SignedDuration::from_secs(seconds),
        };
        check(1001.0, 4, (Some(100), None), 4, until(80));
        check(1001.0, 4, (Some(180), None), 6, Basis::Above);
        check(1001.0, 4, (None, Some(10)), 6, Basis::Above); // growth does not wait for a shrinking
        check(299.0, 4, (None, Some(100)), 4, until(80));
        check(299.0, 4, (Some(100), Some(150)), 4, until(80)); // shrinking waits for either
        check(299.0, 4, (Some(180), Some(200)), 3, Basis::Below);
        check(500.0, 4, (Some(1), Some(1)), 4, Basis::Band);
        check(1001.0, 4, (Some(-999), None), 4, until(180)); // the clock went back
    }

    #[test]
    fn without_a_lower_threshold_it_keeps_nobody_from_shrinking() {
        let rule = Thresholds { down: None, ..rule() };
        let abstains = |value| Outcome::Abstains(Abstention::NotAbove { value });
        assert_eq!(propose(&rule, 5.0, 4, None, now()), abstains(5.0));
        assert_eq!(propose(&rule, 1000.0, 4, None, now()), abstains(1000.0));
        assert!(matches!(
            propose(&rule, 1001.0, 4, None, now()),
            Outcome::Replicas { replicas: 6, .. }
        ));
    }
}
