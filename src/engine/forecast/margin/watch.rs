//! What really happened: how often the target was short, what that says of the objective, and of the capacity.
//!
//! Shadows are calibrated on load alone; this is the feedback from the world. Shortness comes from the objective's signal
//! where there is one, else from load above ready capacity.
//!
//! Neighbours: `mod` ticks it, `needs` is asked for the share of time that it allows.

use jiff::Timestamp;

use super::super::gate::Abstention;
use super::super::plan::{Capacity, Objective, Witness};
use super::sliding::Sliding;

/// Seconds of which the objective's share is a budget: a week holds every weekday.
const WEEK: f64 = 7.0 * 86_400.0;
/// The allowed share stays within these multiples of the objective.
const SHARE: (f64, f64) = (0.05, 2.0);
/// Hours of the achieved share: seven days.
const HOURS: usize = 168;
/// Seconds short in a row before the capacity is doubted: a spike of a minute is a spike.
const DOUBT: f64 = 60.0;
/// Seconds by which load and signal may lag behind what is ready: a minute's mean, half a minute late.
const LATE: i64 = 90;
/// How fast the capacity in use follows what was seen, a second: 20 % a tick of 15 s.
const FOLLOW: f64 = 0.2 / 15.0;
/// The capacity in use is at least this share of the believed one. A capacity that is off by more than half is no
/// capacity, and a signal that is on for other reasons must not ask for a fleet.
const LEAST: f64 = 0.5;
/// Seconds in which half of a correction is forgotten while the target is not short: a slow database is no smaller pod.
const FORGET: f64 = 14.0 * 86_400.0;
/// Seconds over which the usual load is a mean, and the share of it below which a shortage says nothing of capacity: a
/// backlog without load is not too little of it.
const USUAL: f64 = 86_400.0;
const LITTLE: f64 = 0.5;
/// Seconds that the signal may be silent.
const SILENT: i64 = 600;

/// Feedback from the target.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    objective: f64,
    /// Whether a signal is asked.
    signal: bool,
    /// The share of time that needed margins may exceed the margin in force.
    share: f64,
    /// Seconds short beyond the objective's share of the time since `share` last changed; negative where fewer.
    overspent: f64,
    /// When the signal was last heard.
    heard: Option<i64>,
    /// The newest word of it.
    short: bool,
    /// The mean load, in its own unit.
    usual: f64,
    /// Seconds short in a row, and not short though loaded.
    in_a_row: Option<f64>,
    carried: Option<f64>,
    /// Of the replicas ready, and of their negative: the most and the least that the load may have met.
    most: Sliding,
    least: Sliding,
    capacity: Capacity,
    /// Seconds (short, watched) by hour modulo [`HOURS`].
    hours: Box<[(f32, f32); HOURS]>,
    hour: Option<i64>,
}

impl Watch {
    pub(super) fn new(objective: Objective) -> Self {
        Self {
            objective: objective.shortfall,
            signal: false,
            share: objective.shortfall,
            overspent: 0.0,
            heard: None,
            short: false,
            usual: 0.0,
            in_a_row: None,
            carried: None,
            most: Sliding::new(LATE),
            least: Sliding::new(LATE),
            capacity: Capacity {
                believed: objective.capacity,
                in_use: objective.capacity,
            },
            hours: Box::new([(0.0, 0.0); HOURS]),
            hour: None,
        }
    }

    /// Counts with a capacity in use that was learnt before a restart, within its bounds; nonsense is left out.
    pub(super) fn restore(&mut self, in_use: f64) {
        if in_use.is_finite() {
            self.capacity.in_use = in_use.clamp(LEAST * self.capacity.believed, self.capacity.believed);
        }
    }

    /// Learns what was ready for a load of `load`, in the load's unit, in the `seconds` before `at`.
    pub(super) fn tick(&mut self, at: i64, seconds: f64, load: f64, witness: Witness) {
        let share = if self.usual > 0.0 {
            (seconds / USUAL).min(1.0)
        } else {
            1.0
        };
        self.usual += share * (load - self.usual);
        self.signal = witness.signal;
        self.short = witness.short == Some(true);
        if witness.short.is_some() {
            self.heard = Some(at);
        }
        let carries = witness.ready.map(|ready| f64::from(ready) * self.capacity.in_use);
        let Some(short) = witness.short.or_else(|| carries.map(|carries| load > carries)) else {
            return;
        };
        self.count(at, seconds, short);
        // A week's budget overspent halves what is allowed, a week's budget unspent doubles it.
        if witness.acts {
            self.overspent += seconds * (f64::from(u8::from(short)) - self.objective);
        }
        let budget = self.objective * WEEK;
        if self.overspent.abs() >= budget {
            let factor = if self.overspent > 0.0 { 0.5 } else { 2.0 };
            self.share = (self.share * factor).clamp(SHARE.0 * self.objective, SHARE.1 * self.objective);
            self.overspent = 0.0;
        }
        if let (Some(short), Some(ready)) = (witness.short, witness.ready) {
            self.correct(at, seconds, load, f64::from(ready), short);
        }
    }

    /// Moves the capacity in use towards the load of a replica, where the signal contradicts it: down while the target is
    /// short below it, up while it is not short above it. Where the replicas just changed, both are given the benefit.
    fn correct(&mut self, at: i64, seconds: f64, load: f64, ready: f64, short: bool) {
        self.most.put(at, ready);
        self.least.put(at, -ready);
        let least = -self.least.max().unwrap_or(-ready);
        let most = self.most.max().unwrap_or(ready);
        if least <= 0.0 {
            return;
        }
        let in_use = self.capacity.in_use;
        // The first of a row tells of an instant, not of the time before it.
        let row = |so: bool, sum: Option<f64>| so.then(|| sum.map_or(0.0, |sum| sum + seconds));
        self.in_a_row = row(short, self.in_a_row);
        self.carried = row(!short && load / most > in_use, self.carried);
        let lasting = |row: Option<f64>| row.is_some_and(|seconds| seconds >= DOUBT);
        let step = if lasting(self.in_a_row) && load >= LITTLE * self.usual && load / least < in_use {
            (FOLLOW * seconds).min(0.5) * (load / least - in_use)
        } else if lasting(self.carried) {
            (FOLLOW * seconds).min(0.5) * (load / most - in_use)
        } else if short {
            0.0
        } else {
            (1.0 - (-seconds / FORGET).exp2()) * (self.capacity.believed - in_use)
        };
        let believed = self.capacity.believed;
        self.capacity.in_use = (in_use + step).clamp(LEAST * believed, believed);
    }

    fn count(&mut self, at: i64, seconds: f64, short: bool) {
        let hour = at.div_euclid(3_600);
        let slot = |hour: i64| hour.rem_euclid(HOURS as i64) as usize;
        let passed = self
            .hour
            .map_or(HOURS as i64, |newest| (hour - newest).clamp(0, HOURS as i64));
        for passed in 0..passed {
            self.hours[slot(hour - passed)] = (0.0, 0.0);
        }
        self.hour = Some(hour);
        let (short_seconds, watched) = &mut self.hours[slot(hour)];
        *watched += seconds as f32;
        if short {
            *short_seconds += seconds as f32;
        }
    }

    /// The share of time that needed margins may exceed the margin in force.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// What one replica carries.
    pub(super) fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(self.hours.as_ref())
    }

    /// Whether the newest word of the signal is that the target is short.
    pub(super) fn short(&self) -> bool {
        self.short
    }

    /// Why no plan is to be trusted at `at`, where the signal is a reason.
    pub(super) fn objection(&self, at: i64) -> Option<Abstention> {
        let silent = self.heard.is_none_or(|heard| at - heard > SILENT);
        if self.signal && silent {
            let since = self.heard.and_then(|heard| Timestamp::from_second(heard).ok());
            Some(Abstention::NoSignal { since })
        } else if self.short && self.capacity.in_use <= LEAST * self.capacity.believed {
            Some(Abstention::CapacityFarOff)
        } else {
            None
        }
    }

    /// Seconds (short, watched) of the last seven days.
    pub(super) fn achieved(&self) -> (f64, f64) {
        self.hours.iter().fold((0.0, 0.0), |(short, watched), hour| {
            (short + f64::from(hour.0), watched + f64::from(hour.1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        Watch::new(Objective {
            capacity: 100.0,
            target: 70.0,
            shortfall: 0.001,
            max_margin: 1.0,
        })
    }

    /// `ticks` of 15 s from `from` (Unix seconds) on; returns where it ended.
    fn run(watch: &mut Watch, from: i64, ticks: i64, load: f64, ready: u32, short: Option<bool>) -> i64 {
        for tick in 0..ticks {
            let witness = Witness {
                ready: Some(ready),
                signal: true,
                short,
                acts: true,
            };
            watch.tick(from + 15 * tick, 15.0, load, witness);
        }
        from + 15 * ticks
    }

    #[test]
    fn a_budget_overspent_halves_the_share_and_one_unspent_doubles_it() {
        let mut watch = watch();
        // A week's budget of 0.1 % is 604.8 s; each short tick spends 15 s less its own share.
        let at = run(&mut watch, 0, 40, 500.0, 4, None);
        assert_eq!(watch.share(), 0.001);
        let at = run(&mut watch, at, 1, 500.0, 4, None);
        assert_eq!(watch.share(), 0.0005);
        let at = run(&mut watch, at, 7 * 5_760 + 1, 300.0, 4, None);
        assert_eq!(watch.share(), 0.001);
        // What is within the objective changes nothing, however long it goes on.
        let mut at = at;
        for _ in 0..60 {
            at = run(&mut watch, at, 5, 500.0, 4, None);
            at = run(&mut watch, at, 4_995, 300.0, 4, None);
            assert_eq!(watch.share(), 0.001);
        }
        // Within bounds, whatever happens.
        let at = run(&mut watch, at, 41 * 9, 500.0, 4, None);
        assert_eq!(watch.share(), 0.00005);
        run(&mut watch, at, 70 * 5_760, 300.0, 4, None);
        assert_eq!(watch.share(), 0.002);
    }

    #[test]
    fn seven_days_are_achieved_and_no_more() {
        let mut watch = watch();
        assert_eq!(watch.achieved(), (0.0, 0.0));
        let at = run(&mut watch, 0, 240, 500.0, 4, None);
        assert_eq!(watch.achieved(), (3_600.0, 3_600.0));
        let at = run(&mut watch, at, 3 * 240, 300.0, 4, None);
        assert_eq!(watch.achieved(), (3_600.0, 4.0 * 3_600.0));
        run(&mut watch, at + 6 * 86_400, 240, 300.0, 4, None);
        assert_eq!(watch.achieved(), (3_600.0, 5.0 * 3_600.0));
        run(&mut watch, at + 30 * 86_400, 1, 300.0, 4, None);
        assert_eq!(watch.achieved(), (0.0, 15.0));
    }

    #[test]
    fn being_short_below_the_capacity_lowers_it_and_carrying_more_raises_it() {
        let mut watch = watch();
        // A minute may be a spike.
        let at = run(&mut watch, 0, 3, 320.0, 4, Some(true));
        assert_eq!(watch.capacity().in_use, 100.0);
        let at = run(&mut watch, at, 200, 320.0, 4, Some(true));
        assert!(
            (80.0..80.1).contains(&watch.capacity().in_use),
            "{:?}",
            watch.capacity()
        );
        // Short above it says nothing; not short below it neither.
        let at = run(&mut watch, at, 200, 400.0, 4, Some(true));
        let at = run(&mut watch, at, 200, 200.0, 4, Some(false));
        assert!(
            (80.0..80.1).contains(&watch.capacity().in_use),
            "{:?}",
            watch.capacity()
        );
        let at = run(&mut watch, at, 300, 360.0, 4, Some(false));
        assert!(
            (89.9..=90.0).contains(&watch.capacity().in_use),
            "{:?}",
            watch.capacity()
        );
        run(&mut watch, at, 500, 500.0, 4, Some(false));
        assert!(
            (99.0..=100.0).contains(&watch.capacity().in_use),
            "{:?}",
            watch.capacity()
        );
    }

    #[test]
    fn what_was_learnt_before_a_restart_is_where_it_goes_on() {
        let mut watch = watch();
        for (told, counted) in [(80.0, 80.0), (10.0, 50.0), (1e9, 100.0), (80.0, 80.0), (f64::NAN, 80.0)] {
            watch.restore(told);
            assert_eq!(watch.capacity().in_use, counted, "{told}");
        }
        run(&mut watch, 0, 500, 400.0, 4, Some(false));
        assert!(
            (99.0..=100.0).contains(&watch.capacity().in_use),
            "{:?}",
            watch.capacity()
        );
    }

    #[test]
    fn a_signal_that_is_always_on_asks_for_no_fleet() {
        let mut watch = watch();
        run(&mut watch, 0, 5_000, 10.0, 100, Some(true));
        assert_eq!(watch.capacity().in_use, 50.0);
    }

    #[test]
    fn without_a_witness_nothing_is_learnt() {
        let mut watch = watch();
        watch.tick(0, 15.0, 1e9, Witness::default());
        assert_eq!(watch.achieved(), (0.0, 0.0));
    }
}
