//! What a replay's queries return at one tick, and what an experiment does to it.
//!
//! Without an experiment metrics see the offered load as the mean of the last minute, and a shortage signal (latency,
//! errors, a queue) whether the load exceeded the ready capacity in the last tick: both late. An [`Experiment`] makes
//! metrics saturate or noisy, or makes the models lie; only benchmarks and tests set one. It must never look past `now` less
//! the delay, as `observe.rs`, which it asks.

use std::collections::VecDeque;
use std::fmt;

use jiff::Timestamp;

use super::observe::{Lens, WINDOW};
use super::random::Random;
use crate::engine::forecast::{Forecast, Lie};
use crate::engine::observation::{Cause, Failure, Sample};
use crate::engine::reading::Reading;

/// Somebody who is told each forecast.
pub type Listener<'a> = Box<dyn FnMut(Timestamp, &Forecast) + Send + 'a>;

/// What goes wrong on purpose; nothing by default.
#[derive(Default)]
pub struct Experiment<'a> {
    /// Metrics see what was served, at most ready × capacity, instead of what was offered.
    pub served: bool,
    /// Standard deviation of white noise on every observation, as a share of it.
    pub noise: f64,
    /// The noise's seed.
    pub seed: u64,
    /// What the models say instead of what they mean.
    pub lie: Option<Lie>,
    /// Who hears each forecast.
    pub listener: Option<Listener<'a>>,
}

impl fmt::Debug for Experiment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment")
            .field("served", &self.served)
            .field("noise", &self.noise)
            .field("seed", &self.seed)
            .field("lie", &self.lie)
            .finish()
    }
}

/// What queries return at one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The load, in the trace's unit.
    pub load: f64,
    /// Whether the load exceeded the ready capacity in the last tick that is known; `None` before there is one.
    pub short: Option<bool>,
}

/// The value of a signal with this threshold, in whatever unit: 1 where the last tick was short (twice the threshold where
/// that is more), else 0.
pub fn signal(seen: Seen, threshold: f64) -> Sample {
    match seen.short {
        Some(true) => Ok(Reading::Number((2.0 * threshold).max(1.0))),
        Some(false) => Ok(Reading::Number(0.0)),
        None => Err(Failure::new(Cause::Empty, "the replay has just begun")),
    }
}

/// One tick, until metrics have forgotten it.
#[derive(Clone, Copy, Debug)]
struct Past {
    at: Timestamp,
    served: f64,
    short: bool,
}

/// The senses of a replay.
#[derive(Debug)]
pub struct Senses<'a> {
    experiment: Experiment<'a>,
    random: Random,
    capacity: f64,
    past: VecDeque<Past>,
}

impl<'a> Senses<'a> {
    /// Senses that have seen nothing yet; one replica carries `capacity`.
    pub fn new(experiment: Experiment<'a>, capacity: f64) -> Self {
        Senses {
            random: Random::new(experiment.seed),
            experiment,
            capacity,
            past: VecDeque::new(),
        }
    }

    /// What queries return at `now`, while `ready` replicas serve. Call it once a tick.
    pub fn look(&mut self, lens: &Lens<'_>, now: Timestamp, ready: u32) -> Seen {
        let (offered, carried) = (lens.series.load(now), f64::from(ready) * self.capacity);
        self.past.push_back(Past {
            at: now,
            served: offered.min(carried),
            short: offered > carried,
        });
        let until = now.checked_sub(lens.delay).unwrap_or(Timestamp::MIN);
        let from = until.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
        // One tick at least is kept: where ticks are further apart than a query looks back, the newest known counts.
        while self.past.len() > 1 && self.past[0].at <= from && self.past[1].at <= until {
            self.past.pop_front();
        }
        let known = || self.past.iter().filter(|p| p.at <= until);
        let short = known().next_back().map(|p| p.short);
        let mut load = if self.experiment.served && short.is_some() {
            known().map(|p| p.served).sum::<f64>() / known().count() as f64
        } else {
            lens.load(now)
        };
        if self.experiment.noise > 0.0 {
            load *= (1.0 + self.experiment.noise * self.random.normal()).max(0.0);
        }
        Seen { load, short }
    }

    /// Tells the listener.
    pub fn tell(&mut self, now: Timestamp, forecast: &Forecast) {
        if let Some(listener) = &mut self.experiment.listener {
            listener(now, forecast);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::simulate::series::Series;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    /// What is seen each 15 s from 0 on, 30 s late, of a load of 10 that is 40 from 60 s on, with one replica of 20.
    fn seen(experiment: Experiment<'_>, ticks: i64) -> Vec<Seen> {
        let rows = [(0, 10.0), (59, 10.0), (60, 40.0), (600, 40.0)];
        let series = Series::new(rows.map(|(s, load)| (second(s), load))).unwrap();
        let lens = Lens {
            series: &series,
            capacity: 20.0,
            delay: SignedDuration::from_secs(30),
        };
        let mut senses = Senses::new(experiment, 20.0);
        (0..ticks).map(|i| senses.look(&lens, second(15 * i), 1)).collect()
    }

    #[test]
    fn being_short_is_told_late() {
        let short: Vec<_> = seen(Experiment::default(), 12).iter().map(|s| s.short).collect();
        // Nothing is known for 30 s; what begins at 60 s is first seen at 90 s.
        let told = |short, ticks| std::iter::repeat_n(short, ticks);
        let expected: Vec<_> = told(None, 2)
            .chain(told(Some(false), 4))
            .chain(told(Some(true), 6))
            .collect();
        assert_eq!(short, expected);
    }

    #[test]
    fn a_signal_lies_on_its_side_of_any_threshold() {
        for threshold in [0.0, 0.5, 800.0] {
            let signal = |short| signal(Seen { load: 1.0, short }, threshold);
            assert!(signal(Some(true)).unwrap().number().unwrap() > threshold);
            assert_eq!(signal(Some(false)).unwrap(), 0.0.into());
            assert_eq!(signal(None).unwrap_err().cause, Cause::Empty);
        }
    }

    #[test]
    fn served_load_ends_at_the_ready_capacity() {
        let served = Experiment {
            served: true,
            ..Experiment::default()
        };
        assert_eq!(seen(served, 12).last().unwrap().load, 20.0);
        assert_eq!(seen(Experiment::default(), 12).last().unwrap().load, 40.0);
    }

    #[test]
    fn noise_is_seeded() {
        let noisy = |seed| {
            let experiment = Experiment {
                noise: 0.05,
                seed,
                ..Experiment::default()
            };
            seen(experiment, 40).iter().map(|s| s.load).collect::<Vec<_>>()
        };
        assert_eq!(noisy(1), noisy(1));
        assert_ne!(noisy(1), noisy(2));
        // Six standard deviations.
        assert!(noisy(1)[12..].iter().all(|load| (load / 40.0 - 1.0).abs() < 0.3));
    }
}
