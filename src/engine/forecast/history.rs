//! The load as the forecast remembers it: 5-minute buckets of mean and maximum over the configured history.
//!
//! Gaps stay gaps (they are never filled with invented load). Times only go forward: what comes out of order is the
//! caller's to drop. Nothing here looks ahead: [`History::level`] and [`History::peak_between`] see what was pushed, no
//! more.
//!
//! Neighbours: `features` reads it, `mod` pushes into it and rebuilds it after a backfill.

use std::collections::VecDeque;

use super::decay::DecayedMean;
use super::packed::Packed;

/// Length of a bucket in seconds. Half a bucket is the error in the time of a daily ramp; with 5 minutes, four weeks
/// are 8,064 buckets, and Prometheus answers them in one query (limit 11,000 points).
pub(super) const BUCKET: i64 = 300;
/// Buckets in a day.
pub(super) const DAY: i64 = 86_400 / BUCKET;

/// What was observed in one bucket while it is being filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    sum: f64,
    count: u32,
    max: f64,
}

impl Bucket {
    /// A bucket with its first sample.
    pub(super) fn new(load: f64) -> Self {
        Self {
            sum: load,
            count: 1,
            max: load,
        }
    }

    /// Adds one more sample.
    pub(super) fn add(&mut self, load: f64) {
        self.sum += load;
        self.count = self.count.saturating_add(1);
        self.max = self.max.max(load);
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }

    pub(super) fn max(&self) -> f64 {
        self.max
    }
}

/// The ring of closed buckets plus the one that is still filling.
#[derive(Clone, Debug)]
pub(super) struct History {
    capacity: usize,
    /// Index (Unix seconds / [`BUCKET`]) of `closed`'s first bucket.
    first: i64,
    closed: VecDeque<Packed>,
    open: Option<(i64, Bucket)>,
    /// Mean over about a week: the yardstick for "how much is little".
    week: DecayedMean,
    /// Mean over about a day: what the level has been, whatever the hour.
    day: DecayedMean,
}

impl History {
    /// `capacity` in buckets.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            first: 0,
            closed: VecDeque::new(),
            open: None,
            // Half-lives: seven days see every weekday about equally; twelve hours weigh yesterday a quarter.
            week: DecayedMean::new(7.0 * 86_400.0),
            day: DecayedMean::new(43_200.0),
        }
    }

    /// The bucket that is still filling.
    pub(super) fn open(&self) -> Option<(i64, Bucket)> {
        self.open
    }

    /// Puts the filling bucket in place. Its index must lie after every closed bucket.
    pub(super) fn set_open(&mut self, open: Option<(i64, Bucket)>) {
        self.open = open;
    }

    /// Closes bucket `index` (`None`: nothing was observed in it). Indices must come in order, without holes.
    pub(super) fn close(&mut self, index: i64, bucket: Option<Bucket>) {
        if self.closed.is_empty() {
            self.first = index;
        }
        if self.closed.len() >= self.capacity {
            self.closed.pop_front();
            self.first += 1;
        }
        // VecDeque doubles: without this, four weeks would hold 16,384 slots for 8,064 buckets.
        if self.closed.len() == self.closed.capacity() {
            let more = self
                .closed
                .len()
                .max(64)
                .min(self.capacity.saturating_sub(self.closed.len()));
            self.closed.reserve_exact(more);
        }
        self.closed
            .push_back(bucket.map_or(Packed::MISSING, |b| Packed::new(b.mean(), b.max())));
        if let Some(bucket) = bucket {
            self.week.add(index * BUCKET, bucket.mean());
            self.day.add(index * BUCKET, bucket.mean());
        }
    }

    /// All closed buckets that were observed: index, mean, maximum.
    pub(super) fn observed(&self) -> impl Iterator<Item = (i64, Bucket)> {
        let known = |(index, packed): (i64, &Packed)| {
            // One sample's worth of sum keeps the mean; more detail is not kept.
            let (sum, max) = packed.get()?;
            Some((index, Bucket { sum, count: 1, max }))
        };
        (self.first..).zip(&self.closed).filter_map(known)
    }

    /// Mean over about the last week of closed buckets.
    pub(super) fn week(&self) -> f64 {
        self.week.mean().unwrap_or(0.0)
    }

    /// Mean over about the last day of closed buckets.
    pub(super) fn day(&self) -> f64 {
        self.day.mean().unwrap_or(0.0)
    }

    /// The highest load in history. Reads every bucket (about 5 µs for four weeks): for refits, not for forecasts.
    pub(super) fn peak(&self) -> f64 {
        let closed = self.closed.iter().filter_map(|packed| packed.get());
        let open = self.open.map_or(0.0, |(_, bucket)| bucket.max());
        closed.fold(open, |peak, (_, max)| peak.max(max))
    }

    fn get(&self, index: i64) -> Option<(f64, f64)> {
        if let Some((open, bucket)) = self.open
            && open == index
        {
            return Some((bucket.mean(), bucket.max()));
        }
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.closed.get(at)?.get()
    }

    /// Mean load of the five minutes that end at `at` (Unix seconds): the bucket `at` falls into and the one before,
    /// each by its share. Where one is missing, the other stands in.
    pub(super) fn level(&self, at: i64) -> Option<f64> {
        let index = at.div_euclid(BUCKET);
        let share = at.rem_euclid(BUCKET) as f64 / BUCKET as f64;
        let before = self.get(index - 1).map(|(mean, _)| mean);
        if share == 0.0 {
            return before;
        }
        let now = self.get(index).map(|(mean, _)| mean);
        match (before, now) {
            (Some(before), Some(now)) => Some(before + share * (now - before)),
            (one, other) => one.or(other),
        }
    }

    /// The highest load in the buckets that [from, to) touches, or `None` where none was observed.
    pub(super) fn peak_between(&self, from: i64, to: i64) -> Option<f64> {
        let indices = from.div_euclid(BUCKET)..=(to - 1).div_euclid(BUCKET);
        indices
            .filter_map(|index| self.get(index))
            .map(|(_, max)| max)
            .reduce(f64::max)
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.closed.capacity() * size_of::<Packed>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(means: &[Option<f64>]) -> History {
        let mut history = History::new(4);
        for (index, mean) in (10..).zip(means) {
            history.close(index, mean.map(Bucket::new));
        }
        history
    }

    #[test]
    fn the_level_blends_the_two_buckets_that_five_minutes_touch() {
        let mut history = filled(&[Some(10.0), Some(20.0), None]);
        history.set_open(Some((13, Bucket::new(50.0))));
        for (at, expected) in [
            (11 * BUCKET, Some(10.0)),       // on the border: the bucket before, whole
            (11 * BUCKET + 150, Some(15.0)), // half and half
            (12 * BUCKET + 150, Some(20.0)), // the second half is missing
            (13 * BUCKET + 150, Some(50.0)), // the first half is missing; the open bucket counts
            (10 * BUCKET, None),
            (i64::MIN / 2, None),
            (i64::MAX / 2, None),
        ] {
            assert_eq!(history.level(at), expected, "at {at}");
        }
    }

    #[test]
    fn a_window_counts_every_bucket_that_it_touches() {
        let history = filled(&[Some(1.0), Some(9.0), None, Some(2.0)]);
        for (from, to, expected) in [
            (10 * BUCKET, 11 * BUCKET, Some(1.0)),
            (10 * BUCKET, 11 * BUCKET + 1, Some(9.0)),
            (12 * BUCKET, 13 * BUCKET, None),
            (12 * BUCKET, 14 * BUCKET, Some(2.0)),
        ] {
            assert_eq!(history.peak_between(from, to), expected, "[{from}, {to})");
        }
    }

    #[test]
    fn the_ring_forgets_the_oldest_and_holds_no_spare_memory() {
        let mut history = filled(&[Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0)]);
        assert_eq!(
            history.observed().map(|(index, _)| index).collect::<Vec<_>>(),
            [11, 12, 13, 14]
        );
        assert_eq!(history.peak(), 5.0);
        history = History::new(8_064);
        for index in 0..9_000 {
            history.close(index, None);
        }
        assert!(history.heap_bytes() <= 8_064 * 8 * 5 / 4, "{}", history.heap_bytes());
    }
}
