//! Ramps that come at the same time every day: what ScaleOut raises for, minutes early rather than late.
//!
//! History has buckets of five minutes, so it tells *that* the load triples within the next ones, and not in which minute. Over
//! a lead time of one minute that is wrong four times of five, and a model that is judged by it learns to say nothing. What
//! acts may be early: it costs some replicas for some minutes, and being late costs the ramp. So growth as on earlier days
//! is judged with the patience of a bucket, and only where it matters: where it says that the load grows, or the load does.
//! It counts while it has been less wrong there than the last value, which is never early.
//!
//! Neighbours: `margin/forecasts` says the growth, `mod` passes on every load, `answer` raises the bound to it.

use std::collections::VecDeque;

use super::decay::Decay;
use super::history::BUCKET;

/// Growth beyond this multiple of the load is a ramp: HPA's tolerance, below which no replica would be asked for.
const RAMP: f64 = 1.1;
/// Age at which an error weighs half: as the models' own.
const HALF_LIFE: f64 = 2.0 * 86_400.0;

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
            waiting: VecDeque::with_capacity(usize::try_from(patience / BUCKET + 2).unwrap_or(0)),
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

    /// Keeps what was said at `made`, when the load was `last`.
    pub(super) fn push(&mut self, made: i64, last: f64, growth: f64) {
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
    use super::*;

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
