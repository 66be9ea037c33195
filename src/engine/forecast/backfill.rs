//! Learning from history: what Prometheus still has is replayed in order, and what was missed is asked for again.
//!
//! A replay is the same learning as live, sample by sample, so that a restart comes to the same model and the same margin.
//! It takes 13 ms for four weeks, 0.1 s with a margin: not on a thread that others wait for.
//!
//! Neighbours: `mod` learns; `controller/history.rs` asks for what is [`missing`](Forecaster::missing) and brings it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::history::{BUCKET, Bucket, DAY, History};
use super::plan::Witness;
use super::{Forecaster, bucket_of, is_load, timestamp};

/// Closed buckets between refits while history is replayed, a quarter of a day: four weeks are then 112 fits, 6 ms. With one a
/// day the regression looks worse in hindsight than it is live.
const REFIT_REPLAYED: u32 = DAY as u32 / 4;

impl Forecaster {
    /// Learns from history: `samples` in any order (a cadence of one minute shows peaks that five hide). Those after the newest
    /// observation are left out.
    ///
    /// The first time, all is learnt anew from them; what was observed meanwhile goes on from there. Later ones fill a gap:
    /// what followed on other days is then known again, and models, errors and margin keep what they learnt.
    ///
    /// Call it with whatever came back for [`missing`](Self::missing), even nothing: it is then not asked for again.
    pub fn backfill(&mut self, samples: impl IntoIterator<Item = (Timestamp, f64)>) {
        let known_until = self.newest;
        let usable = |(at, load): &(Timestamp, f64)| is_load(*load) && known_until.is_none_or(|newest| *at <= newest);
        let mut samples: Vec<_> = samples.into_iter().filter(usable).collect();
        samples.sort_unstable_by_key(|(at, _)| *at);
        if self.backfilled && self.gram.rows() > 0 {
            self.fill(&samples);
        } else {
            self.replay(&samples);
        }
    }

    /// Learns anew.
    fn replay(&mut self, samples: &[(Timestamp, f64)]) {
        let newest = self.newest.max(samples.last().map(|(at, _)| *at));
        let oldest = newest.map_or(i64::MIN, |newest| newest.as_second() - self.settings.history_seconds());
        let mut rebuilt = self.anew();
        for (at, load) in samples.iter().filter(|(at, _)| at.as_second() >= oldest) {
            rebuilt.learn(*at, *load, Witness::default(), REFIT_REPLAYED);
        }
        // What was observed since: buckets, of which no sample is kept.
        let known_to = rebuilt.history.open().map_or(i64::MIN, |(open, _)| open);
        let since = self.history.observed().chain(self.history.open());
        for (index, bucket) in since.filter(|(index, _)| *index > known_to) {
            rebuilt.begin(index, bucket, REFIT_REPLAYED);
        }
        if let Some(at) = self
            .newest
            .filter(|newest| rebuilt.newest.is_none_or(|read| read < *newest))
        {
            let silent = rebuilt.newest.map_or(0, |read| at.as_second() - read.as_second());
            rebuilt.conclude(at.as_second(), silent, self.last);
            (rebuilt.newest, rebuilt.last) = (Some(at), self.last);
        }
        if let (Some(margin), Some(live)) = (&mut rebuilt.margin, &self.margin) {
            margin.adopt(live);
        }
        (rebuilt.backfilled, rebuilt.gap) = (true, None);
        rebuilt.refit();
        *self = rebuilt;
    }

    /// Puts what was missed into its place.
    fn fill(&mut self, samples: &[(Timestamp, f64)]) {
        let mut buckets = BTreeMap::<i64, Bucket>::new();
        for (at, load) in samples {
            let bucket = buckets.entry(bucket_of(*at));
            bucket
                .and_modify(|bucket| bucket.add(*load))
                .or_insert_with(|| Bucket::new(*load));
        }
        buckets.extend(self.history.observed());
        let open = self.history.open();
        let last = open.map_or(i64::MIN, |(open, _)| open);
        let capacity = self.settings.history_seconds() / BUCKET;
        let mut history = History::new(usize::try_from(capacity).unwrap_or(0));
        let mut next = None;
        for (index, bucket) in buckets.range(last.saturating_sub(capacity)..last) {
            (next.unwrap_or(*index)..*index).for_each(|missed| history.close(missed, None));
            history.close(*index, Some(*bucket));
            next = Some(index + 1);
        }
        (next.unwrap_or(last)..last).for_each(|missed| history.close(missed, None));
        history.set_open(open);
        (self.history, self.gap) = (history, None);
        self.refit();
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
