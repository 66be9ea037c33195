//! The load forecast: what the highest load over the next lead time will be, how high it may get, and whether to
//! believe it.
//!
//! [`Forecaster::observe`] learns, [`Forecaster::forecast`] answers. Once in five minutes the lead time that follows is
//! predicted, and when it has passed, scored and learnt (so errors are out of sample; `judge`), in this order through the folder:
//! `history` (buckets) → `features` (a row) → `outcomes` (what came) → `ridge` (linear regression) → `backtest` (errors,
//! choice), `bound` → `gate` (trust). Beside them `ramps` judges growth as on earlier days. `answer` asks them all.
//!
//! The linear regression competes with its half, "as yesterday" and "as a week ago". Where the best of them is worse than
//! the last value, that speaks, and nothing is trusted.
//!
//! Pure and total: time is an argument, any number may come in, and doubt is a value ([`Trust::Abstains`]). It must
//! never see replicas: training on one's own scaling learns the autoscaler, not the load.
//!
//! With an objective, [`margin`] finds how much more than the forecast must be ready, and [`Forecast::plan`] says it.
//!
//! Cost of a policy with four weeks of history, measured in release mode on one core (`make bench`): state 50 KiB at most (24
//! kB of it buckets); without a margin 10 ns an observation, 0.4 µs a forecast, 1 µs a closed bucket, 50 µs a refit, 13 ms a
//! backfill of four weeks; with one 3.5 µs an observation, 0.9 µs a forecast, 0.1 s a backfill.

mod answer;
mod backfill;
mod backtest;
mod bound;
mod decay;
mod features;
mod gate;
mod history;
mod judge;
mod lie;
mod margin;
mod outcomes;
mod packed;
mod plan;
mod ramps;
mod ridge;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

pub use self::answer::{Effects, Forecast};
pub use self::backtest::{Errors, Model};
pub use self::bound::Bound;
pub use self::features::Feature;
pub use self::gate::{Abstention, Samples, Trust};
pub use self::lie::Lie;
pub use self::plan::{Basis, Capacity, Objective, Plan, Price, Shortfall, Witness};

use self::backtest::Backtest;
use self::decay::DecayedMean;
use self::features::{COLUMNS, Row};
use self::gate::Gate;
use self::history::{BUCKET, Bucket, DAY, History};
use self::lie::Liar;
use self::margin::Margin;
use self::margin::forecasts::{Forecasts, Inputs};
use self::outcomes::Outcomes;
use self::ramps::Ramps;
use self::ridge::{Coefficients, Gram};

/// Buckets learnt before a forecast may be trusted: two days, so that "as yesterday" was tested for a day.
const NEED: u64 = 2 * DAY as u64;
/// Buckets learnt before the first fit: one day, a sample of every hour.
const FIRST_FIT: u64 = DAY as u64;
/// Buckets learnt before the fit uses columns of the week: two periods, as for any season. A curve fitted to a part of
/// a week runs away in the rest of it (the tests' weekly load, refitted daily: 10 % of error in its second week instead
/// of 3 %).
const WEEKLY_FROM: u64 = 14 * DAY as u64;
/// Closed buckets between refits: an hour of data moves two weeks' worth of sums by 0.2 %, and 10,000 policies cost 0.6
/// s an hour.
const REFIT: u32 = 12;
/// Age of the newest observation beyond which the forecast abstains, in seconds: two buckets, so that load sampled
/// every five minutes is never stale.
const STALE: i64 = 2 * BUCKET;
/// A forecast is at most this multiple of the highest load in history: half again leaves room for a record day, and
/// keeps the exponential of an odd row from asking for a fleet.
const BEYOND_PEAK: f64 = 1.5;
/// Age at which a residual weighs half in what is usual: two days, as for errors.
const RESIDUAL_HALF_LIFE: f64 = 2.0 * 86_400.0;
/// Larger loads are errors of a query (bytes a second of the whole internet are 1e15), and squares of them must fit
/// f64.
const LARGEST_LOAD: f64 = 1e30;

/// What a policy asks of its forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How far ahead replicas must be asked for; taken as at least 30 s and at most 1 h.
    pub lead: SignedDuration,
    /// How much history to keep; taken as at least 3 d and at most 35 d.
    pub history: SignedDuration,
    /// What a margin is calibrated for, where one is asked for.
    pub objective: Option<Objective>,
}

impl Settings {
    /// The lead time in use, in seconds.
    pub fn lead_seconds(&self) -> i64 {
        self.lead.as_secs().clamp(30, 3_600)
    }

    fn history_seconds(&self) -> i64 {
        self.history.as_secs().clamp(3 * 86_400, 35 * 86_400)
    }
}

/// The forecast of one load. State: see the module.
#[derive(Clone, Debug)]
pub struct Forecaster {
    settings: Settings,
    history: History,
    newest: Option<Timestamp>,
    /// The newest load.
    last: f64,
    outcomes: Outcomes,
    ramps: Ramps,
    gram: Gram<COLUMNS>,
    /// How far off the regression usually is, out of sample, as growth.
    residual: DecayedMean,
    fit: Option<Box<Coefficients<COLUMNS>>>,
    /// The fit without columns of the week; only where there is a margin.
    daily: Option<Box<Coefficients<COLUMNS>>>,
    /// The calibrated margin, where there is an objective.
    margin: Option<Box<Margin>>,
    /// Who speaks for the models, in tests of the gates.
    liar: Option<Box<Liar>>,
    /// Closed buckets since the last fit.
    unfitted: u32,
    /// The highest load in history, as of the last fit and since.
    peak: f64,
    backtest: Backtest,
    gate: Gate,
    backfilled: bool,
    /// Buckets [first, last] that were missed and not asked for since.
    gap: Option<(i64, i64)>,
}

impl Forecaster {
    /// A forecaster that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        let capacity = settings.history_seconds() / BUCKET;
        Self {
            settings,
            history: History::new(usize::try_from(capacity).unwrap_or(0)),
            newest: None,
            last: 0.0,
            outcomes: Outcomes::new(settings.lead_seconds()),
            ramps: Ramps::new(settings.lead_seconds()),
            gram: Gram::new(),
            residual: DecayedMean::new(RESIDUAL_HALF_LIFE),
            fit: None,
            daily: None,
            liar: None,
            margin: settings
                .objective
                .map(|objective| Box::new(Margin::new(objective, settings.lead_seconds()))),
            unfitted: 0,
            peak: 0.0,
            backtest: Backtest::new(),
            gate: Gate::default(),
            backfilled: false,
            gap: None,
        }
    }

    /// One of the same settings that knows nothing but what a replica carries, which no history tells.
    pub fn anew(&self) -> Self {
        let mut fresh = Self::new(self.settings);
        if let Some(capacity) = self.capacity() {
            fresh.restore(capacity.in_use);
        }
        fresh
    }

    /// What one replica carries, as far as the signal has told; `None` without an objective.
    pub fn capacity(&self) -> Option<Capacity> {
        self.margin.as_ref().map(|margin| margin.capacity())
    }

    /// Counts with a capacity that was learnt before, within what could have been learnt. Without an objective it has no use.
    pub fn restore(&mut self, in_use: f64) {
        if let Some(margin) = &mut self.margin {
            margin.restore(in_use);
        }
    }

    /// What it was made with.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Learns that the load was `load` at `at`, at any cadence up to five minutes. What is not later than the newest
    /// observation, or no load (NaN, infinite, negative), is ignored.
    pub fn observe(&mut self, at: Timestamp, load: f64) {
        self.witness(at, load, Witness::default());
    }

    /// As [`observe`](Self::observe), and learns what was ready for that load: realised shortfall moves the margin, and
    /// a shortage that the capacity does not explain corrects it.
    pub fn witness(&mut self, at: Timestamp, load: f64, witness: Witness) {
        self.learn(at, load, witness, REFIT);
    }

    fn learn(&mut self, at: Timestamp, seen: f64, witness: Witness, refit_every: u32) {
        let load = self.margin.as_ref().map_or(seen, |margin| margin.lifted(seen, witness));
        if !is_load(load) || self.newest.is_some_and(|newest| at <= newest) {
            return;
        }
        let second = at.as_second();
        let silent = self.newest.map_or(0, |newest| second - newest.as_second());
        self.conclude(second, silent, load);
        (self.newest, self.last) = (Some(at), load);
        let index = bucket_of(at);
        match self.history.open() {
            Some((open, mut bucket)) if open == index => {
                bucket.add(load);
                self.history.set_open(Some((open, bucket)));
            }
            _ => self.begin(index, Bucket::new(load), refit_every),
        }
        if self.outcomes.is_due(second) {
            self.foretell(second);
        }
        if self.ramps.is_due(second)
            && let Some(growth) = self.ramp(second)
        {
            self.ramps.push(second, load, growth);
        }
        let movement = self.margin.as_ref().map_or(0.0, |margin| margin.movement());
        let mut forecasts = match &self.margin {
            Some(_) => self.forecasts(second, load, movement),
            None => Forecasts::default(),
        };
        if self.liar.is_some() {
            forecasts = self.lie(at, forecasts);
        }
        if let Some(margin) = &mut self.margin {
            margin.tick(second, load, &forecasts, seen, witness);
        }
    }

    /// What may lie under the margin, at the newest observation.
    fn forecasts(&self, at: i64, load: f64, movement: f64) -> Forecasts {
        let lead = self.settings.lead_seconds();
        let row = (self.gram.rows() >= NEED)
            .then(|| Row::at(&self.history, at, load, lead))
            .flatten();
        let weekly = self.gram.rows() >= WEEKLY_FROM;
        let inputs = Inputs {
            history: &self.history,
            row: row.as_ref(),
            daily: self.daily.as_deref(),
            weekly: self.fit.as_deref().filter(|_| weekly),
            most: self.most(),
        };
        inputs.forecasts(at, lead, load, movement)
    }

    /// Memory held, in bytes: what the map above promises.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.history.heap_bytes()
            + self.gram.heap_bytes()
            + self.fit.as_ref().map_or(0, |fit| size_of_val(fit.as_ref()))
            + self.daily.as_ref().map_or(0, |fit| size_of_val(fit.as_ref()))
            + self.margin.as_ref().map_or(0, |margin| margin.bytes())
            + self.outcomes.heap_bytes()
            + self.ramps.heap_bytes()
    }

    /// The largest load that may be forecast.
    fn most(&self) -> f64 {
        let open = self.history.open().map_or(0.0, |(_, bucket)| bucket.max());
        BEYOND_PEAK * open.max(self.peak)
    }

    /// The fit's forecast within [0, `most`], or what it said where that is no number.
    fn predict(&self, row: &Row, fit: &Coefficients<COLUMNS>) -> Result<f64, f64> {
        let value = row.load(fit.predict(&row.columns));
        if !value.is_finite() {
            return Err(value);
        }
        Ok(value.clamp(0.0, self.most()))
    }

    /// Closes what lies before bucket `index` and makes that the filling one.
    fn begin(&mut self, index: i64, bucket: Bucket, refit_every: u32) {
        if let Some((open, closing)) = self.history.open() {
            if index - open >= self.settings.history_seconds() / BUCKET {
                // Nothing of what was known lies within the history any more.
                let mut fresh = self.anew();
                (fresh.newest, fresh.last) = (self.newest, self.last);
                *self = fresh;
            } else {
                self.history.set_open(None);
                self.close(open, Some(closing), refit_every);
                for missed in open + 1..index {
                    self.close(missed, None, refit_every);
                }
                // One missed bucket is jitter of a 5-minute cadence; two are a gap.
                if index - open > 2 {
                    let first = self.gap.map_or(open + 1, |(first, _)| first);
                    self.gap = Some((first, index - 1));
                }
            }
        }
        self.history.set_open(Some((index, bucket)));
    }

    fn close(&mut self, index: i64, bucket: Option<Bucket>, refit_every: u32) {
        self.history.close(index, bucket);
        self.peak = self.peak.max(bucket.map_or(0.0, |bucket| bucket.max()));
        self.unfitted = self.unfitted.saturating_add(1);
        if self.unfitted >= refit_every && self.gram.rows() >= FIRST_FIT {
            self.refit();
        }
    }

    fn refit(&mut self) {
        self.unfitted = 0;
        self.peak = self.history.peak();
        if self.gram.rows() >= FIRST_FIT {
            let weekly = self.gram.rows() >= WEEKLY_FROM;
            if self.margin.is_some() {
                self.daily = self.gram.fit(|column| !features::is_weekly(column)).map(Box::new);
            }
            self.fit = self
                .gram
                .fit(|column| weekly || !features::is_weekly(column))
                .map(Box::new);
        }
    }
}

fn is_load(load: f64) -> bool {
    (0.0..=LARGEST_LOAD).contains(&load)
}

fn bucket_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(BUCKET)
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
