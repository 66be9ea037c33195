//! What a run cost and how short it was: sums over ticks, in `summary.json` and on the page.
//!
//! [`Tally`] takes in ticks (and decisions, where there are any) and knows neither plant nor files.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::compare::{Comparison, Sweep};
use super::money::Money;
use super::suggest::Suggestion;
use super::timeline::Tick;
use crate::engine::decision::Decision;

/// Where the ticks come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// A trace, replayed on the modelled plant; each tick is a decision.
    #[default]
    Replay,
    /// A cluster that was watched; ticks are looks at it.
    Live,
}

/// The numbers of one run. Shares are from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The policy's name.
    pub policy: String,
    /// Where the ticks come from.
    pub origin: Origin,
    /// The first tick.
    pub from: Timestamp,
    /// The last tick.
    pub to: Timestamp,
    /// Seconds between two ticks.
    pub tick_seconds: f64,
    /// Ticks; in a replay, decisions.
    pub ticks: u64,
    /// Decisions per second of wall time, reading and writing included; absent where it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions_per_second: Option<f64>,
    /// What one replica can carry, in the load's unit.
    pub replica_capacity: f64,
    /// Seconds from the asking for a replica to its being ready.
    pub startup_seconds: f64,
    /// Seconds by which metrics are late.
    pub metric_delay_seconds: f64,
    /// Replicas × hours, billed from the asking.
    pub replica_hours: f64,
    /// What they cost, where a price was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// Replicas on average.
    pub mean_replicas: f64,
    /// Most replicas asked for at any tick.
    pub peak_replicas: u32,
    /// Share of ticks in which the load exceeded the ready capacity.
    pub short_share: f64,
    /// Minutes of it, in all.
    pub short_minutes: f64,
    /// Minutes of it, a day on average.
    pub short_minutes_per_day: f64,
    /// Seconds of the longest run of it.
    pub longest_short_seconds: f64,
    /// When that began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_short_at: Option<Timestamp>,
    /// Share of the load that found no capacity.
    pub lost_load_share: f64,
    /// Scale-ups.
    pub scale_ups: u64,
    /// Scale-downs.
    pub scale_downs: u64,
    /// Share of ticks won by each source, as `metric/requests`; the rest had no proposal.
    pub winners: BTreeMap<String, f64>,
    /// Decisions that each rule changed, by the rule's name.
    pub limits: BTreeMap<String, u64>,
    /// The forecast, where the policy has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastSummary>,
    /// The policy beside its baselines, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What other settings would have come to, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Which values of the policy meet an objective at the least cost, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Suggestion>,
    /// What to know when reading the numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How the forecast did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForecastSummary {
    /// Preview or ScaleOut.
    pub mode: String,
    /// How far ahead it looked, in seconds.
    pub lead_seconds: f64,
    /// Share of ticks in which it was trusted.
    pub trusted_share: f64,
    /// Its own mean error as a share of the load, out of sample and weighted to the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_error: Option<f64>,
    /// The same of the best of last value, yesterday's and last week's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub naive_error: Option<f64>,
}

/// Adds ticks up.
#[derive(Clone, Debug)]
pub struct Tally {
    tick: SignedDuration,
    first: Option<Timestamp>,
    last: Timestamp,
    ticks: u64,
    replica_ticks: u64,
    peak: u32,
    desired: Option<u32>,
    ups: u64,
    downs: u64,
    short: u64,
    run: u64,
    longest: (u64, Timestamp),
    load: f64,
    lost: f64,
    trusted: u64,
    winners: Vec<(String, u64)>,
    limits: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Nothing yet; ticks are `tick` apart.
    pub fn new(tick: SignedDuration) -> Self {
        Tally {
            tick,
            first: None,
            last: Timestamp::UNIX_EPOCH,
            ticks: 0,
            replica_ticks: 0,
            peak: 0,
            desired: None,
            ups: 0,
            downs: 0,
            short: 0,
            run: 0,
            longest: (0, Timestamp::UNIX_EPOCH),
            load: 0.0,
            lost: 0.0,
            trusted: 0,
            winners: Vec::new(),
            limits: BTreeMap::new(),
        }
    }

    /// Takes in the next tick. The first scale action is seen by the count before the first tick only where
    /// [`decision`](Self::decision) comes with it.
    pub fn tick(&mut self, tick: &Tick) {
        self.first.get_or_insert(tick.at);
        self.last = tick.at;
        self.ticks += 1;
        self.replica_ticks += u64::from(tick.desired);
        self.peak = self.peak.max(tick.desired);
        let before = self.desired.replace(tick.desired).unwrap_or(tick.desired);
        self.ups += u64::from(tick.desired > before);
        self.downs += u64::from(tick.desired < before);
        if tick.load.is_finite() {
            self.load += tick.load;
            self.lost += (tick.load - tick.capacity).max(0.0);
        }
        if tick.short() {
            self.short += 1;
            self.run += 1;
            if self.run > self.longest.0 {
                let began = i32::try_from(self.run - 1).unwrap_or(i32::MAX);
                let began = self.tick.checked_mul(began).and_then(|d| tick.at.checked_sub(d).ok());
                self.longest = (self.run, began.unwrap_or(tick.at));
            }
        } else {
            self.run = 0;
        }
    }

    /// Takes in the decision of the next tick; call it before that tick's [`tick`](Self::tick).
    pub fn decision(&mut self, decision: &Decision, trusted: Option<bool>) {
        self.desired.get_or_insert(decision.current);
        self.trusted += u64::from(trusted == Some(true));
        if let Some(index) = decision.winner
            && let Some(source) = decision.winner_source()
        {
            // By index, so that a tick does not build a name; the sources of a policy are always in the same order.
            while self.winners.len() <= index {
                self.winners.push((String::new(), 0));
            }
            if let Some((name, count)) = self.winners.get_mut(index) {
                if name.is_empty() {
                    *name = format!("{}/{}", source.kind(), source.name());
                }
                *count += 1;
            }
        }
        for limit in &decision.limits {
            *self.limits.entry(limit.kind.as_str()).or_default() += 1;
        }
    }

    /// Ticks so far.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// The share of ticks in which the forecast was trusted.
    pub fn trusted_share(&self) -> f64 {
        self.share(self.trusted as f64)
    }

    /// The sums, without what only the caller knows (names, settings, forecast, notes, wall time).
    pub fn finish(&self) -> Summary {
        let tick = self.tick.as_secs_f64();
        let days = (self.ticks as f64 * tick / 86_400.0).max(f64::MIN_POSITIVE);
        let short_minutes = self.short as f64 * tick / 60.0;
        let winners = self.winners.iter().filter(|(_, count)| *count > 0);
        Summary {
            from: self.first.unwrap_or(self.last),
            to: self.last,
            tick_seconds: tick,
            ticks: self.ticks,
            replica_hours: self.replica_ticks as f64 * tick / 3600.0,
            mean_replicas: self.share(self.replica_ticks as f64),
            peak_replicas: self.peak,
            short_share: self.share(self.short as f64),
            short_minutes,
            short_minutes_per_day: short_minutes / days,
            longest_short_seconds: self.longest.0 as f64 * tick,
            longest_short_at: (self.longest.0 > 0).then_some(self.longest.1),
            lost_load_share: if self.load > 0.0 { self.lost / self.load } else { 0.0 },
            scale_ups: self.ups,
            scale_downs: self.downs,
            winners: winners.map(|(n, c)| (n.clone(), self.share(*c as f64))).collect(),
            limits: self.limits.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            ..Summary::default()
        }
    }

    fn share(&self, of: f64) -> f64 {
        if self.ticks == 0 { 0.0 } else { of / self.ticks as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::timeline::Evidence;

    #[test]
    fn sums_by_hand() {
        let mut tally = Tally::new(SignedDuration::from_secs(60));
        // load, desired, ready; a replica carries 10
        let ticks = [
            (10.0, 1, 1),
            (15.0, 2, 1),
            (20.0, 2, 1),
            (20.0, 2, 2),
            (30.0, 2, 2),
            (5.0, 1, 1),
        ];
        for (i, (load, desired, ready)) in ticks.into_iter().enumerate() {
            tally.tick(&Tick {
                at: Timestamp::from_second(60 * i as i64).unwrap(),
                load,
                capacity: 10.0 * f64::from(ready),
                desired,
                ready,
                evidence: Evidence::Metric,
                window: None,
            });
        }
        let s = tally.finish();
        assert_eq!((s.ticks, s.peak_replicas, s.scale_ups, s.scale_downs), (6, 2, 1, 1));
        assert_eq!(s.replica_hours, 10.0 / 60.0);
        assert_eq!(s.short_minutes, 3.0);
        assert_eq!(s.short_share, 0.5);
        assert_eq!(s.short_minutes_per_day, 720.0);
        assert_eq!(s.longest_short_seconds, 120.0);
        assert_eq!(s.longest_short_at, Some(Timestamp::from_second(60).unwrap()));
        assert_eq!(s.lost_load_share, 25.0 / 100.0);
    }
}
