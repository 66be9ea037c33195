//! Learning from history: what Prometheus still has is replayed in order, and what was missed is asked for again.
//!
//! A replay is the same learning as live, sample by sample, so that a restart comes to the same model and the same margin.
//!
//! Neighbours: `mod` learns; `controller/history.rs` asks for what is [`missing`](Forecaster::missing) and brings it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::history::{BUCKET, Bucket, DAY};
use super::plan::Witness;
use super::{Forecaster, bucket_of, is_load, timestamp};

/// Closed buckets between refits while history is replayed: four weeks are then 28 fits.
const REFIT_REPLAYED: u32 = DAY as u32;

/// What a backfill has of a bucket.
enum Found {
    /// It was observed before.
    Known(Bucket),
    /// It is new.
    Samples(Vec<(Timestamp, f64)>),
}

impl Forecaster {
    /// Learns from history: rebuilds the model from `samples` (any order; a cadence of one minute shows peaks that five
    /// hide) and what is known already, which wins bucket by bucket. Samples after the newest observation are left out.
    ///
    /// Call it with whatever came back for [`missing`](Self::missing), even nothing: it is then not asked for again.
    pub fn backfill(&mut self, samples: impl IntoIterator<Item = (Timestamp, f64)>) {
        let known_until = self.newest;
        let mut buckets = BTreeMap::<i64, Found>::new();
        for (at, load) in samples {
            if is_load(load) && known_until.is_none_or(|newest| at <= newest) {
                self.newest = self.newest.max(Some(at));
                let found = buckets
                    .entry(bucket_of(at))
                    .or_insert_with(|| Found::Samples(Vec::new()));
                if let Found::Samples(samples) = found {
                    samples.push((at, load));
                }
            }
        }
        let known = self.history.observed().chain(self.history.open());
        buckets.extend(known.map(|(index, bucket)| (index, Found::Known(bucket))));
        let mut rebuilt = self.anew();
        // A margin that has been at work keeps what it knows: nobody else knows what was ready at the time.
        let at_work = self.backfilled.then(|| self.margin.take()).flatten();
        if at_work.is_some() {
            rebuilt.margin = None;
        }
        let last = buckets.last_key_value().map_or(0, |(index, _)| *index);
        let oldest = last - self.settings.history_seconds() / BUCKET;
        for (index, found) in buckets.range_mut(oldest..) {
            match found {
                Found::Known(bucket) => rebuilt.begin(*index, *bucket, REFIT_REPLAYED),
                Found::Samples(samples) => {
                    samples.sort_unstable_by_key(|(at, _)| *at);
                    for (at, load) in samples {
                        rebuilt.learn(*at, *load, Witness::default(), REFIT_REPLAYED);
                    }
                }
            }
        }
        (rebuilt.newest, rebuilt.backfilled) = (self.newest, true);
        if let (Some(margin), Some(live)) = (&mut rebuilt.margin, &self.margin) {
            margin.adopt(live);
        }
        rebuilt.margin = at_work.or(rebuilt.margin);
        rebuilt.gap = None;
        rebuilt.refit();
        *self = rebuilt;
    }

    /// The range that a backfill should ask for: all of history at first, then what was missed in between or since the
    /// newest observation (more than two buckets). The caller limits how often it asks for what nobody has.
    pub fn missing(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let oldest = now.as_second().saturating_sub(self.settings.history_seconds());
        let (from, to) = match self.newest {
            Some(newest) if self.backfilled => {
                let silent = now.as_second() - newest.as_second() > 2 * BUCKET;
                let tail = silent.then(|| (newest.as_second(), now.as_second()));
                let gap = self.gap.map(|(first, last)| (first * BUCKET, (last + 1) * BUCKET));
                match (gap, tail) {
                    (Some((from, _)), Some((_, to))) => (from, to),
                    (one, other) => one.or(other)?,
                }
            }
            _ => (oldest, now.as_second()),
        };
        let (from, to) = (timestamp(from.max(oldest)), timestamp(to.min(now.as_second())));
        (from < to).then_some((from, to))
    }
}
