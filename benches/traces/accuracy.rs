//! The point forecast against the naive ones, and how often its bounds are exceeded.
//!
//! WAPE is Σ|forecast − actual| ÷ Σ actual, on the same instants for all. Everything is judged twice: by what the forecast is
//! of, the highest value of the *metric* after now and until the end of the lead time; and by the highest *load* from now until
//! then, which no query shows: the metric is a mean of the last minute, half a minute late, and the lead time counts that in.
//! What touches a hole of the trace is not judged: nobody knows what the load was.

use headroom::engine::forecast::{Errors, Forecast};
use headroom::simulate::observe::Lens;
use headroom::simulate::replay::Setup;
use headroom::simulate::series::Series;
use jiff::{SignedDuration, Timestamp};

/// Seconds between two instants that are judged: a tick more than the step of many traces, so that every phase between two
/// of their rows is met (the line from row to row turns at the rows alone).
const EVERY: i64 = 315;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What a metric averages over.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// The bounds' levels: shares of time that they leave out.
pub const LEVELS: [f64; 2] = [0.1, 0.01];

/// What was said at an instant.
#[derive(Clone, Copy)]
pub struct Said {
    now: Timestamp,
    until: Timestamp,
    value: f64,
    /// By [`LEVELS`].
    bounds: [f64; LEVELS.len()],
    own: Option<Errors>,
}

impl Said {
    pub fn new(now: Timestamp, forecast: &Forecast) -> Self {
        Said {
            now,
            until: forecast.at,
            value: forecast.value,
            bounds: forecast.bounds,
            own: forecast.error,
        }
    }
}

/// How it did, by one measure.
#[derive(Clone, Copy, Default)]
pub struct Score {
    /// WAPE of the point forecast.
    pub model: f64,
    /// WAPE of the last value, of a day ago, and of a week ago (a day ago, where that is not known).
    pub last: f64,
    pub daily: f64,
    pub weekly: f64,
    /// The share of instants at which each bound was exceeded.
    pub exceeded: [f64; LEVELS.len()],
}

impl Score {
    /// WAPE over the best naive one's.
    pub fn against_naive(&self) -> f64 {
        self.model / self.last.min(self.daily).min(self.weekly)
    }
}

/// How it did.
pub struct Accuracy {
    pub metric: Score,
    pub load: Score,
    /// What the forecaster itself says at the end, weighted to the last days.
    pub own: Option<Errors>,
}

/// Sums on their way to a score.
#[derive(Default)]
struct Sums {
    errors: [f64; 4],
    actual: f64,
    exceeded: [u64; LEVELS.len()],
    count: u64,
}

impl Sums {
    fn add(&mut self, said: &Said, naive: [f64; 3], actual: f64) {
        let [last, daily, weekly] = naive;
        for (error, forecast) in self.errors.iter_mut().zip([said.value, last, daily, weekly]) {
            *error += (forecast - actual).abs();
        }
        for (exceeded, bound) in self.exceeded.iter_mut().zip(said.bounds) {
            *exceeded += u64::from(actual > bound);
        }
        self.actual += actual;
        self.count += 1;
    }

    fn score(&self) -> Score {
        let [model, last, daily, weekly] = self.errors.map(|e| e / self.actual);
        Score {
            model,
            last,
            daily,
            weekly,
            exceeded: self.exceeded.map(|e| e as f64 / self.count as f64),
        }
    }
}

/// Judges what was said; `None` where nothing was, or a day ago is never known.
pub fn score(setup: &Setup, series: &Series, said: &[Said]) -> Option<Accuracy> {
    let lens = Lens {
        series,
        capacity: setup.capacity,
        delay: setup.delay,
    };
    let holes = series.holes();
    let highest = |from: Timestamp, lead: SignedDuration, see: &dyn Fn(Timestamp) -> f64, first: i64| {
        let ticks = lead.as_secs() / setup.tick.as_secs().max(1);
        (first..=ticks)
            .map(|i| see(from + setup.tick * i as i32))
            .fold(0.0, f64::max)
    };
    let (mut metric, mut load) = (Sums::default(), Sums::default());
    for s in said {
        let whole = s.now.duration_since(setup.start).as_secs() % EVERY == 0;
        let lead = s.until.duration_since(s.now);
        let unknown = || holes.touch(s.until, lead + setup.delay + MINUTE);
        if !whole || s.until > setup.end || s.now - DAY < series.first() || unknown() {
            continue;
        }
        let week = if s.now - WEEK < series.first() { DAY } else { WEEK };
        let last = lens.load(s.now);
        let judge = |sums: &mut Sums, see: &dyn Fn(Timestamp) -> f64, first: i64| {
            let then = |back: SignedDuration| highest(s.now - back, lead, see, first);
            sums.add(s, [last, then(DAY), then(week)], then(SignedDuration::ZERO));
        };
        // What the metric shows now is known; the load now is not.
        judge(&mut metric, &|at| lens.load(at), 1);
        judge(&mut load, &|at| series.load(at), 0);
    }
    (metric.actual > 0.0 && load.actual > 0.0).then(|| Accuracy {
        metric: metric.score(),
        load: load.score(),
        own: said.last().and_then(|s| s.own),
    })
}
