//! The point forecast against the naive ones, and how often its bound is exceeded.
//!
//! WAPE is Σ|forecast − actual| ÷ Σ actual, on the same instants for all; actual is the highest load from now until the end
//! of the lead time. The bound is judged at the one level that `Forecast::bound` has; once the forecaster tells others
//! (90 and 99 %), they belong into `Said` and `Accuracy::exceeded`.

use headroom::engine::forecast::{Errors, Forecast};
use headroom::simulate::observe::Lens;
use headroom::simulate::replay::Setup;
use headroom::simulate::series::Series;
use jiff::{SignedDuration, Timestamp};

/// Seconds between two instants that are judged: the forecaster's own bucket.
const EVERY: i64 = 300;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was said at an instant.
#[derive(Clone, Copy)]
pub struct Said {
    now: Timestamp,
    until: Timestamp,
    value: f64,
    upper: f64,
    level: f64,
    own: Option<Errors>,
}

impl Said {
    pub fn new(now: Timestamp, forecast: &Forecast) -> Self {
        Said {
            now,
            until: forecast.at,
            value: forecast.value,
            upper: forecast.upper,
            level: forecast.bound.level,
            own: forecast.error,
        }
    }
}

/// How it did.
pub struct Accuracy {
    /// WAPE of the point forecast.
    pub model: f64,
    /// WAPE of the last value, of a day ago, and of a week ago (a day ago, where that is not known).
    pub last: f64,
    pub daily: f64,
    pub weekly: f64,
    /// The bound's level, and the share of instants at which the load went above the bound.
    pub level: f64,
    pub exceeded: f64,
    /// What the forecaster itself says at the end, of the loads that it observes and weighted to the last days.
    pub own: Option<Errors>,
}

impl Accuracy {
    /// The best naive WAPE.
    pub fn naive(&self) -> f64 {
        self.last.min(self.daily).min(self.weekly)
    }
}

/// Judges what was said; `None` where nothing was, or a day ago is never known.
pub fn score(setup: &Setup, series: &Series, said: &[Said]) -> Option<Accuracy> {
    let lens = Lens {
        series,
        capacity: setup.capacity,
        delay: setup.delay,
    };
    let highest = |from: Timestamp, length: SignedDuration| {
        let ticks = length.as_secs() / setup.tick.as_secs().max(1);
        (0..=ticks)
            .map(|i| series.load(from + setup.tick * i as i32))
            .fold(0.0, f64::max)
    };
    let (mut sum, mut count, mut exceeded) = (0.0, 0_u64, 0_u64);
    let mut errors = [0.0; 4];
    let mut level = None;
    for s in said {
        let whole = s.now.duration_since(setup.start).as_secs() % EVERY == 0;
        if !whole || s.until > setup.end || s.now - DAY < series.first() {
            continue;
        }
        let lead = s.until.duration_since(s.now);
        let actual = highest(s.now, lead);
        let daily = highest(s.now - DAY, lead);
        let weekly = if s.now - WEEK < series.first() {
            daily
        } else {
            highest(s.now - WEEK, lead)
        };
        for (error, forecast) in errors.iter_mut().zip([s.value, lens.load(s.now), daily, weekly]) {
            *error += (forecast - actual).abs();
        }
        sum += actual;
        count += 1;
        exceeded += u64::from(actual > s.upper);
        level = Some(s.level);
    }
    let [model, last, daily, weekly] = errors.map(|e| e / sum);
    (sum > 0.0).then_some(Accuracy {
        model,
        last,
        daily,
        weekly,
        level: level?,
        exceeded: exceeded as f64 / count as f64,
        own: said.last().and_then(|s| s.own),
    })
}
