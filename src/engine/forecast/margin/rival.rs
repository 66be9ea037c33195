//! Never worse than the fixed target: the plan and the metric's own target, both in the shadow, on the same load.
//!
//! Each would have had so many replicas ready; the seconds in which either was short fade by the hour. Once the plan was
//! short for clearly longer than the target, trust ends and the target rules; both shadows go on, so trust comes back by
//! itself. It knows neither what was done nor why a forecast was wrong: level shifts, lies and bad luck end alike.
//!
//! Neighbours: `mod` ticks it and asks.

use super::super::gate::Abstention;
use super::sliding::Sliding;

/// HPA's default stabilisation of the way down, in seconds: what the target's shadow holds.
const HOLD: i64 = 300;
/// Age at which a short second weighs half.
const HALF_LIFE: f64 = 3_600.0;
/// Trust ends when the plan was short for so many seconds longer than the target. Five minutes: a jump that outran both
/// is no difference, a start-up time that only the plan lacked is.
const WORSE: f64 = 300.0;
/// … and returns when no more than this is left of it, an hour or two later.
const AS_GOOD: f64 = 200.0;

/// Short seconds of the plan and of the target.
#[derive(Clone, Debug)]
pub(super) struct Rival {
    held: Sliding,
    /// Of −replicas, over the lead time.
    target: Sliding,
    plan: Sliding,
    short_plan: f64,
    short_target: f64,
    worse: bool,
    /// Seconds that the target has ruled, and after which a shortage is its own: what it asks for takes a lead time, and the
    /// signal some minutes.
    ruled: f64,
    inherited: f64,
}

impl Rival {
    pub(super) fn new(lead: i64) -> Self {
        Self {
            held: Sliding::new(HOLD),
            target: Sliding::new(lead),
            plan: Sliding::new(lead),
            short_plan: 0.0,
            short_target: 0.0,
            worse: false,
            ruled: 0.0,
            inherited: lead as f64 + HOLD as f64,
        }
    }

    /// Learns that the load is `load`, that the target asks for `asked` and the plan for `planned` from `at` on, all in
    /// replicas, and whether the signal says `short`: that is the doing of whoever rules, of the plan only where it asks
    /// for less than the target would.
    pub(super) fn tick(&mut self, at: i64, seconds: f64, load: f64, asked: f64, planned: f64, signal: Option<bool>) {
        let fade = (-seconds / HALF_LIFE).exp2();
        self.held.put(at, asked);
        let target = self.held.max().unwrap_or(0.0).ceil();
        let short = |ready: &mut Sliding, asked: f64| {
            ready.put(at, -asked);
            ready.is_full(at) && ready.max().is_some_and(|ready| load > -ready)
        };
        let of_target = short(&mut self.target, target) | (self.ruled > self.inherited && signal == Some(true));
        let blamed = !self.worse && signal == Some(true) && planned.ceil() < target;
        let of_plan = short(&mut self.plan, planned.ceil()) | blamed;
        for (sum, short) in [(&mut self.short_target, of_target), (&mut self.short_plan, of_plan)] {
            *sum = fade * *sum + if short { seconds } else { 0.0 };
        }
        let limit = if self.worse { AS_GOOD } else { WORSE };
        self.worse = self.short_plan - self.short_target > limit;
        self.ruled = if self.worse { self.ruled + seconds } else { 0.0 };
    }

    /// Why the target is to rule, where it is.
    pub(super) fn objection(&self) -> Option<Abstention> {
        self.worse.then_some(Abstention::ShortOfTarget {
            plan: self.short_plan,
            target: self.short_target,
        })
    }

    /// What the target asks for, in replicas.
    pub(super) fn target(&self) -> f64 {
        self.held.max().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_ends_within_minutes_of_being_worse_and_comes_back() {
        let mut rival = Rival::new(180);
        let mut at = 0;
        let mut run = |rival: &mut Rival, ticks: i64, load: f64, planned: f64| {
            for _ in 0..ticks {
                at += 15;
                rival.tick(at, 15.0, load, load / 0.7, planned, None);
            }
        };
        run(&mut rival, 100, 10.0, 12.0);
        assert_eq!(rival.objection(), None);
        // The plan takes away what the load needs: short after its window, and found out five minutes later.
        run(&mut rival, 20, 10.0, 8.0);
        assert_eq!(rival.objection(), None);
        run(&mut rival, 4, 10.0, 8.0);
        assert!(
            matches!(rival.objection(), Some(Abstention::ShortOfTarget { plan, target }) if plan > 300.0 && target == 0.0)
        );
        // Right again: within two hours, not at once.
        run(&mut rival, 240, 10.0, 12.0);
        assert!(rival.objection().is_some());
        run(&mut rival, 240, 10.0, 12.0);
        assert_eq!(rival.objection(), None);
    }

    #[test]
    fn what_outruns_both_is_no_fault_of_the_plan() {
        let mut rival = Rival::new(180);
        (0..100).for_each(|tick| rival.tick(15 * tick, 15.0, 10.0, 14.2, 12.0, None));
        // Three times the load: both are short until their replicas are there, and then neither.
        (100..300).for_each(|tick| rival.tick(15 * tick, 15.0, 30.0, 42.8, 33.0, None));
        assert_eq!(rival.objection(), None);
        assert!(rival.short_plan > 0.0 && rival.short_plan == rival.short_target);
    }

    #[test]
    fn a_target_that_is_really_short_is_no_refuge() {
        let mut rival = Rival::new(180);
        (0..140).for_each(|tick| rival.tick(15 * tick, 15.0, 10.0, 14.2, 8.0, None));
        assert!(rival.objection().is_some());
        let returned = (140..500).any(|tick| {
            rival.tick(15 * tick, 15.0, 10.0, 14.2, 12.0, Some(true));
            rival.objection().is_none()
        });
        assert!(returned);
    }

    #[test]
    fn a_signal_that_the_shadow_cannot_explain_is_the_plan_s_doing_where_it_asks_for_less() {
        for (planned, trusted) in [(12.0, false), (15.0, true)] {
            let mut rival = Rival::new(180);
            (0..100).for_each(|tick| rival.tick(15 * tick, 15.0, 10.0, 14.2, planned, Some(false)));
            (100..130).for_each(|tick| rival.tick(15 * tick, 15.0, 10.0, 14.2, planned, Some(true)));
            assert_eq!(rival.objection().is_none(), trusted, "{planned}");
        }
    }
}
