//! Forecasts that wait for their outcome: one row a bucket, scored and learnt once its lead time has passed.
//!
//! The outcome is the highest load observed in (made, made + lead], sample by sample: the window that a forecast speaks of,
//! no more. (Whole buckets are up to ten minutes long: a model that learns their peaks is half as far off again as the last
//! value over a lead time of three minutes.) Rows are made at another second of each bucket, as forecasts are asked for at
//! any. A lead time with a hole in it has no known outcome.
//!
//! Neighbours: `mod` makes rows and passes on every load; `backtest` scores, `ridge` learns.

use std::collections::VecDeque;

use super::backtest::Candidates;
use super::bound::LEVELS;
use super::features::Row;
use super::history::BUCKET;

/// Seconds without a load that make a hole: half a bucket more than the slowest cadence.
pub(super) const HOLE: i64 = BUCKET + BUCKET / 2;

/// What was said when a row was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foretold {
    /// By each model; before there was a fit, the last value by all that need one.
    pub(super) models: Candidates,
    /// Whether there was a fit: before, no model is compared.
    pub(super) fitted: bool,
    /// The bounds over the model in use.
    pub(super) bounds: [f64; LEVELS.len()],
}

/// A row that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    made: i64,
    pub(super) row: Row,
    /// `None` where the models said no number.
    pub(super) foretold: Option<Foretold>,
    /// The highest load since.
    peak: Option<f64>,
}

/// The rows that wait, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Outcomes {
    lead: i64,
    waiting: VecDeque<Waiting>,
    /// The bucket whose row is made next.
    owed: i64,
}

impl Outcomes {
    /// For forecasts of the `lead` seconds that follow them.
    pub(super) fn new(lead: i64) -> Self {
        Self {
            lead,
            // As many as a lead time holds, and no spare ones: a row is half a kilobyte.
            waiting: VecDeque::with_capacity(usize::try_from(lead / BUCKET + 2).unwrap_or(0)),
            owed: i64::MIN,
        }
    }

    /// Takes in a load at `at` (Unix seconds); after a hole, no outcome of what waited will be known.
    pub(super) fn see(&mut self, at: i64, load: f64, hole: bool) {
        if hole {
            self.waiting.clear();
        }
        for waiting in &mut self.waiting {
            // Where loads are further apart than the lead time, the first one after it stands for it.
            if at <= waiting.made + self.lead || waiting.peak.is_none() {
                waiting.peak = Some(waiting.peak.map_or(load, |peak| peak.max(load)));
            }
        }
    }

    /// The next row whose lead time has passed at `at`, and its outcome.
    pub(super) fn next(&mut self, at: i64) -> Option<(Waiting, f64)> {
        let due = self.waiting.front()?;
        let peak = due.peak.filter(|_| due.made + self.lead <= at)?;
        self.waiting.pop_front().map(|due| (due, peak))
    }

    /// Whether a row is to be made of a load at `at`: once a bucket, or at the first load after that.
    pub(super) fn is_due(&mut self, at: i64) -> bool {
        if at < self.owed.saturating_mul(BUCKET).saturating_add(phase(self.owed)) {
            return false;
        }
        self.owed = self.owed.saturating_add(1).max(at.div_euclid(BUCKET));
        true
    }

    /// Keeps a row that was made at `made`.
    pub(super) fn push(&mut self, made: i64, row: Row, foretold: Option<Foretold>) {
        self.waiting.push_back(Waiting {
            made,
            row,
            foretold,
            peak: None,
        });
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
    }
}

/// The second of bucket `bucket` at which its row is made: nineteen steps of 15 s in turn. Nineteen is prime, so that the same
/// bucket of the day has another one each day, too.
fn phase(bucket: i64) -> i64 {
    15 * bucket.wrapping_mul(7).rem_euclid(19)
}

#[cfg(test)]
mod tests {
    use super::super::history::{Bucket, History};
    use super::*;

    fn row() -> Row {
        let mut history = History::new(10);
        history.close(0, Some(Bucket::new(1.0)));
        Row::at(&history, BUCKET, 1.0, 60).unwrap()
    }

    /// The outcome of a row made at 300 s, of loads at these seconds.
    fn outcome(lead: i64, loads: &[(i64, f64)]) -> Option<f64> {
        let mut outcomes = Outcomes::new(lead);
        outcomes.push(300, row(), None);
        let mut before = 300;
        loads.iter().find_map(|&(at, load)| {
            outcomes.see(at, load, at - before > HOLE);
            before = at;
            outcomes.next(at).map(|(_, peak)| peak)
        })
    }

    #[test]
    fn the_outcome_is_the_highest_load_of_the_lead_time_and_of_nothing_else() {
        let every_15_s = [(315, 2.0), (330, 5.0), (345, 3.0), (360, 4.0), (375, 9.0)];
        assert_eq!(outcome(60, &every_15_s), Some(5.0), "375 s lies beyond");
        assert_eq!(outcome(75, &every_15_s), Some(9.0), "its end is within");
        assert_eq!(outcome(300, &every_15_s), None, "not yet known");
        // Off the grid: what comes after the end ends it and does not count.
        assert_eq!(outcome(60, &[(320, 2.0), (380, 9.0)]), Some(2.0));
    }

    #[test]
    fn loads_further_apart_than_the_lead_time_stand_for_it_and_a_hole_for_nothing() {
        assert_eq!(outcome(60, &[(600, 7.0), (900, 9.0)]), Some(7.0));
        assert_eq!(outcome(60, &[(300 + HOLE + 1, 7.0)]), None);
    }

    #[test]
    fn one_row_a_bucket_whatever_the_cadence_at_every_second_of_it_in_turn() {
        for cadence in [15, 60, 300] {
            let mut outcomes = Outcomes::new(60);
            let loads = (0..200 * BUCKET).step_by(cadence);
            let made: Vec<i64> = loads.filter(|at| outcomes.is_due(*at)).collect();
            assert!((199..=201).contains(&made.len()), "{cadence}: {}", made.len());
            let mut phases: Vec<i64> = made[1..].iter().map(|at| at.rem_euclid(BUCKET)).collect();
            phases.sort_unstable();
            phases.dedup();
            assert_eq!(phases.len() as i64, (BUCKET / cadence as i64).min(19), "{cadence}");
        }
    }
}
