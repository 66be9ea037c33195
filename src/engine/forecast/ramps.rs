//! Ramps that come at the same time every day: what ScaleOut raises for, minutes early rather than late.
//!
//! History has buckets of five minutes, so it tells *that* the load triples within the next ones, and not in which minute. Over
//! a lead time of one minute that is wrong four times of five, and a model that is judged by it learns to say nothing. What
//! acts may be early: it costs some replicas for some minutes, and being late costs the ramp. So growth as on earlier days
//! is judged with the patience of a bucket, and only where it matters: where it says that the load grows, or the load does.
//! It counts while it has been less wrong there than the last value, which is never early.
//!
//! Neighbours: `history` remembers the days, `judge` passes on every load, `answer` raises the bound to it.

use std::collections::VecDeque;

use super::decay::Decay;
use super::history::{BUCKET, History};

/// Growth beyond this multiple of the load is a ramp: HPA's tolerance, below which no replica would be asked for.
const RAMP: f64 = 1.1;
/// Seconds between two judgements: the cadence of a history that is read, and no more than the shortest lead time of a pod that
/// has to start, so that each ramp is met by one of them, also where it comes on the hour as a bucket does.
const EVERY: i64 = 60;
/// Age at which an error weighs half: as the models' own.
const HALF_LIFE: f64 = 2.0 * 86_400.0;

/// Days back that ramps are taken from, in seconds; two of them at least must be known: one day alone is no habit.
const LAGS: [i64; 3] = [86_400, 2 * 86_400, 7 * 86_400];
/// How far today's load over that of then may scale a ramp: three times more or less is another regime, not a busier day.
const SCALE: (f64, f64) = (0.33, 3.0);

/// The load as it grew at this time on the last days and last week, at today's level: the mean of what each says, and `load`
/// where it was no ramp. `None` where fewer than two of those days are known, or the bucket before.
///
/// A day's ramp is what lies in the buckets that (at, at + lead] touches, above the one before them. That bucket is
/// over, today as then, so it is the same yardstick before the ramp comes and after it: the load itself would call for the same
/// growth once more, and a bucket in which the load fell for what it held before.
pub(super) fn growth(history: &History, at: i64, lead: i64, load: f64) -> Option<f64> {
    let before = |at: i64| {
        let border = at.div_euclid(BUCKET) * BUCKET;
        history.peak_between(border - BUCKET, border)
    };
    let today = before(at)?;
    let of = |lag: &i64| {
        let (peak, then) = history
            .peak_between(at - lag, at - lag + lead + 1)
            .zip(before(at - lag))?;
        let scale = if then > 0.0 { today / then } else { 1.0 };
        Some(if peak > RAMP * then {
            peak * scale.clamp(SCALE.0, SCALE.1)
        } else {
            load
        })
    };
    let (sum, count) = LAGS
        .iter()
        .filter_map(of)
        .fold((0.0, 0), |(sum, count), said| (sum + said, count + 1));
    (count >= 2).then(|| load.max(sum / f64::from(count)))
}

/// What was said at one instant.
#[derive(Clone, Copy, Debug)]
struct Said {
    made: i64,
    last: f64,
    growth: f64,
    peak: f64,
}

/// How growth as on earlier days has done.
#[derive(Clone, Debug)]
pub(super) struct Ramps {
    /// Seconds that growth has to come true.
    patience: i64,
    /// When growth was said last.
    made: i64,
    waiting: VecDeque<Said>,
    decay: Decay,
    /// Σ w |said − highest load that came|, of the growth and of the last value.
    growth: f64,
    last: f64,
}

impl Ramps {
    /// For forecasts of the `lead` seconds that follow them.
    pub(super) fn new(lead: i64) -> Self {
        let patience = lead + BUCKET;
        Self {
            patience,
            made: i64::MIN,
            waiting: VecDeque::with_capacity(usize::try_from(patience / EVERY + 2).unwrap_or(0)),
            decay: Decay::new(HALF_LIFE),
            growth: 0.0,
            last: 0.0,
        }
    }

    /// Takes in a load at `at` (Unix seconds); after a hole, nothing that waited will be known.
    pub(super) fn see(&mut self, at: i64, load: f64, hole: bool) {
        if hole {
            self.waiting.clear();
        }
        for said in &mut self.waiting {
            if at <= said.made + self.patience {
                said.peak = said.peak.max(load);
            }
        }
        while let Some(said) = self.waiting.front().filter(|said| said.made + self.patience <= at) {
            if said.growth.max(said.peak) > RAMP * said.last {
                let (weight, rebase) = self.decay.rebase(at);
                let factor = rebase.unwrap_or(1.0);
                self.growth = factor * self.growth + weight * (said.growth - said.peak).abs();
                self.last = factor * self.last + weight * (said.last - said.peak).abs();
            }
            self.waiting.pop_front();
        }
    }

    /// Whether growth is to be said at `at`.
    pub(super) fn is_due(&self, at: i64) -> bool {
        at.saturating_sub(self.made) >= EVERY
    }

    /// Keeps what was said at `made`, when the load was `last`.
    pub(super) fn push(&mut self, made: i64, last: f64, growth: f64) {
        self.made = made;
        self.waiting.push_back(Said {
            made,
            last,
            growth,
            peak: 0.0,
        });
    }

    /// Whether ramps come as on earlier days.
    pub(super) fn are_foreseen(&self) -> bool {
        self.growth < self.last
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Said>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::Bucket;
    use super::*;

    /// From bucket 100 to bucket 124 of each day 300, else 100: mean and maximum of buckets in whose middle it steps.
    fn days() -> History {
        let mut history = History::new(3_000);
        for index in 0..10 * 288 {
            let mut bucket = Bucket::new(if (101..=124).contains(&(index % 288)) {
                300.0
            } else {
                100.0
            });
            match index % 288 {
                100 => bucket.add(300.0),
                124 => bucket.add(100.0),
                _ => {}
            }
            history.close(index, Some(bucket));
        }
        history
    }

    #[test]
    fn the_day_s_ramp_is_said_until_it_has_come_and_its_end_is_none() {
        let history = days();
        for (bucket, second, load, said) in [
            (98, 200, 100.0, 100.0),  // not yet
            (99, 239, 100.0, 100.0),  // the next 60 s are the same bucket's
            (99, 240, 100.0, 300.0),  // the next second is not
            (100, 10, 100.0, 300.0),  // in some minute of this one
            (100, 200, 300.0, 300.0), // it has come
            (101, 10, 300.0, 300.0),
            (110, 10, 300.0, 300.0),
            (124, 10, 300.0, 300.0), // the end
            (124, 200, 100.0, 100.0),
            (125, 10, 100.0, 100.0),
        ] {
            let at = (9 * 288 + bucket) * BUCKET + second;
            // A maximum is remembered to a percent or so.
            let got = growth(&history, at, 60, load).unwrap();
            assert!(
                (got / said - 1.0).abs() < 0.02,
                "bucket {bucket}, second {second}: {got}"
            );
        }
        assert_eq!(growth(&history, (288 + 100) * BUCKET, 60, 100.0), None, "one day alone");
    }

    /// Says `growth` of a load of 100 at second 0, and sees these loads.
    fn judged(growth: f64, loads: &[(i64, f64)]) -> (f64, f64) {
        let mut ramps = Ramps::new(60);
        ramps.push(0, 100.0, growth);
        loads.iter().for_each(|&(at, load)| ramps.see(at, load, false));
        (ramps.growth, ramps.last)
    }

    #[test]
    fn a_ramp_may_come_within_a_bucket_after_the_lead_time() {
        assert_eq!(judged(300.0, &[(60, 100.0), (350, 300.0), (360, 300.0)]), (0.0, 200.0));
        assert_eq!(judged(300.0, &[(60, 100.0), (360, 100.0), (375, 300.0)]), (200.0, 0.0));
        assert_eq!(judged(300.0, &[(60, 100.0), (345, 300.0)]), (0.0, 0.0), "not over yet");
    }

    #[test]
    fn only_ramps_count_said_or_come() {
        assert_eq!(judged(105.0, &[(360, 108.0)]), (0.0, 0.0));
        assert_eq!(judged(100.0, &[(360, 150.0)]), (50.0, 50.0), "not foreseen");
    }

    #[test]
    fn they_are_foreseen_while_growth_is_less_wrong_than_the_last_value() {
        let mut ramps = Ramps::new(60);
        assert!(!ramps.are_foreseen(), "nothing is known");
        for (growth, peak, foreseen) in [(300.0, 280.0, true), (300.0, 100.0, false), (300.0, 300.0, true)] {
            ramps.push(0, 100.0, growth);
            ramps.see(360, peak, false);
            assert_eq!(ramps.are_foreseen(), foreseen, "{ramps:?}");
        }
        ramps.push(0, 100.0, 9e9);
        ramps.see(360, 100.0, true);
        assert!(ramps.are_foreseen(), "nothing came of it after a hole");
    }
}
