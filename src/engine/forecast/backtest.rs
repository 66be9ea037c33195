//! How well forecasts did, out of sample: every bucket is predicted before it is learnt, and scored when it is known.
//!
//! Keeps decayed errors of all models on the same instants, chooses the one in use by them, and keeps for each a
//! decayed histogram of actual / forecast, whose quantile makes the upper bound. It never sees a forecast that knew its
//! outcome: `mod` queues forecasts when they are made and scores them once the whole lead time is observed.
//!
//! Neighbours: `mod` scores, `gate` judges the errors, `features` names the naive forecasts.

use std::fmt;

use super::decay::Decay;
use super::features::Naive;

/// Age at which an error weighs half: two days see a change of habits by its second evening.
const ERROR_HALF_LIFE: f64 = 2.0 * 86_400.0;
/// Age at which a ratio weighs half: a week holds every weekday, and hundreds of points lie above the 90 % quantile.
const RATIO_HALF_LIFE: f64 = 7.0 * 86_400.0;
/// Bins of ln(actual / forecast), [`WIDTH`] wide, centred on 0: a third to three times the forecast.
const BINS: usize = 111;
/// 2 %: finer than the error in any capacity.
const WIDTH: f64 = 0.02;

/// A model takes over when its error is below this share of that of the one in use: less is luck, and each change moves
/// the bound. It lies closer to 1 than the gate's 2 %, so that a better model is tried before trust ends.
const BETTER: f64 = 0.99;

/// What makes a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Ridge regression on seasons, recent load and lags.
    LinearRegression,
    /// As yesterday at this time: the best there is for a load that repeats to the minute.
    SeasonalDaily,
    /// As a week ago at this time.
    SeasonalWeekly,
    /// The last load goes on: what is said before there is a fit. Never trusted.
    LastValue,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinearRegression => "linear-regression",
            Self::SeasonalDaily => "seasonal-naive-1d",
            Self::SeasonalWeekly => "seasonal-naive-7d",
            Self::LastValue => "last-value",
        })
    }
}

/// The models to choose from; the first where they tie.
const CANDIDATES: [Model; 3] = [Model::LinearRegression, Model::SeasonalDaily, Model::SeasonalWeekly];

/// Errors of the model in use and of the best naive forecast on the same instants: Σ|forecast − actual| / Σ actual
/// (WAPE), recent instants weighing more. 0.1 is 10 % off on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// The model's in use.
    pub model: f64,
    /// The best of last value, same time yesterday, and same time last week.
    pub naive: f64,
}

/// What the upper bound rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Share of time the load is meant to stay at or below `upper`.
    pub level: f64,
    /// What `value` is multiplied by to make `upper`, before its cap; at least 1.
    pub ratio: f64,
}

/// What is known of one model.
#[derive(Clone, Debug)]
struct Record {
    /// Σ w |forecast − actual|.
    error: f64,
    /// Weights of actual / forecast.
    bins: [f32; BINS],
}

/// The running evaluation. About 3 kB.
#[derive(Clone, Debug)]
pub(super) struct Backtest {
    errors: Decay,
    actual: f64,
    /// Σ w |last value − actual|.
    last: f64,
    ratios: Decay,
    total: f64,
    records: [Record; CANDIDATES.len()],
    /// Index of the model in use.
    chosen: usize,
}

impl Backtest {
    pub(super) fn new() -> Self {
        Self {
            errors: Decay::new(ERROR_HALF_LIFE),
            actual: 0.0,
            last: 0.0,
            ratios: Decay::new(RATIO_HALF_LIFE),
            total: 0.0,
            records: CANDIDATES.map(|_| Record {
                error: 0.0,
                bins: [0.0; BINS],
            }),
            chosen: 0,
        }
    }

    /// Scores what was forecast at `at` (Unix seconds) for a lead time whose peak turned out to be `actual`.
    pub(super) fn score(&mut self, at: i64, regression: f64, naive: Naive, actual: f64) {
        let (weight, rebase) = self.errors.rebase(at);
        if let Some(factor) = rebase {
            self.actual *= factor;
            self.last *= factor;
            self.records.iter_mut().for_each(|record| record.error *= factor);
        }
        let (ratio_weight, rebase) = self.ratios.rebase(at);
        if let Some(factor) = rebase {
            self.records
                .iter_mut()
                .flat_map(|record| &mut record.bins)
                .for_each(|bin| *bin *= factor as f32);
            self.total *= factor;
        }
        self.actual += weight * actual;
        self.last += weight * (naive.last - actual).abs();
        self.total += ratio_weight;
        for (record, forecast) in self.records.iter_mut().zip([regression, naive.daily, naive.weekly]) {
            record.error += weight * (forecast - actual).abs();
            record.bins[bin(actual, forecast)] += ratio_weight as f32;
        }
        for challenger in 0..CANDIDATES.len() {
            if self.records[challenger].error < BETTER * self.records[self.chosen].error {
                self.chosen = challenger;
            }
        }
    }

    /// The model in use.
    pub(super) fn model(&self) -> Model {
        CANDIDATES[self.chosen]
    }

    /// The errors, or `None` before any load was scored.
    pub(super) fn errors(&self) -> Option<Errors> {
        let [_, daily, weekly] = &self.records;
        (self.actual > 0.0).then(|| Errors {
            model: self.records[self.chosen].error / self.actual,
            naive: self.last.min(daily.error).min(weekly.error) / self.actual,
        })
    }

    /// The bound that outcomes exceeded with a share of 1 − `level` (0 < level < 1). Rounded up to the bin's border.
    pub(super) fn bound(&self, level: f64) -> Bound {
        let mut above = 0.0;
        let allowed = (1.0 - level) * self.total;
        let mut ratio = 1.0;
        for (index, weight) in self.records[self.chosen].bins.iter().enumerate().rev() {
            above += f64::from(*weight);
            if above > allowed {
                ratio = (WIDTH * (index as f64 + 0.5 - (BINS / 2) as f64)).exp();
                break;
            }
        }
        Bound {
            level,
            ratio: ratio.max(1.0),
        }
    }
}

/// The bin of actual / forecast. A forecast of nothing that was right is a ratio of 1; one that was wrong the largest.
fn bin(actual: f64, forecast: f64) -> usize {
    let middle = (BINS / 2) as f64;
    let position = if actual <= forecast && actual <= 0.0 {
        middle
    } else {
        middle + (actual / forecast).ln() / WIDTH
    };
    if position.is_nan() {
        BINS / 2
    } else {
        position.round().clamp(0.0, (BINS - 1) as f64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(pairs: impl IntoIterator<Item = (f64, f64)>) -> Backtest {
        let mut backtest = Backtest::new();
        for (model, actual) in pairs {
            backtest.score(
                0,
                model,
                Naive {
                    last: 90.0,
                    daily: 1e9,
                    weekly: 1e9,
                },
                actual,
            );
        }
        backtest
    }

    #[test]
    fn errors_are_shares_of_the_load_and_the_best_naive_forecast_counts() {
        assert_eq!(scored([]).errors(), None);
        assert_eq!(
            scored([(95.0, 100.0), (105.0, 100.0)]).errors(),
            Some(Errors {
                model: 0.05,
                naive: 0.1
            })
        );
        assert_eq!(scored([(0.0, 0.0)]).errors(), None);
    }

    #[test]
    fn the_model_with_the_least_error_is_used_and_a_tie_changes_nothing() {
        let mut backtest = Backtest::new();
        for (regression, daily, weekly, expected) in [
            (100.0, 100.0, 100.0, Model::LinearRegression),
            (90.0, 90.05, 90.0, Model::LinearRegression), // within 1 %
            (90.0, 95.0, 90.0, Model::SeasonalDaily),
            (95.0, 90.0, 90.0, Model::SeasonalDaily), // equal again
            (100.0, 80.0, 80.0, Model::LinearRegression),
            (0.0, 0.0, 100.0, Model::SeasonalWeekly),
        ] {
            backtest.score(
                0,
                regression,
                Naive {
                    last: 0.0,
                    daily,
                    weekly,
                },
                100.0,
            );
            assert_eq!(backtest.model(), expected, "after {regression}, {daily}, {weekly}");
        }
    }

    #[test]
    fn old_errors_fade() {
        let mut backtest = scored([(0.0, 100.0)]);
        backtest.score(
            4 * 86_400,
            100.0,
            Naive {
                last: 0.0,
                daily: 0.0,
                weekly: 0.0,
            },
            100.0,
        );
        // Two half-lives: a weight of 1/4 against 1.
        assert!((backtest.errors().unwrap().model - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_bound_leaves_the_share_above_it() {
        // Outcomes spread evenly from 1.00 to 1.99 times the forecast.
        let backtest = scored((0..1_000).map(|i| (100.0, 100.0 + f64::from(i % 100))));
        for (level, expected) in [(0.5, 1.5), (0.9, 1.9), (0.99, 1.99)] {
            let bound = backtest.bound(level);
            assert!((bound.ratio / expected - 1.0).abs() < WIDTH, "{level}: {bound:?}");
            assert!(bound.ratio >= expected - 0.01, "rounded up: {bound:?}");
        }
        assert_eq!(scored([]).bound(0.9).ratio, 1.0);
    }

    #[test]
    fn the_bound_is_never_below_the_forecast() {
        assert_eq!(scored((0..500).map(|_| (100.0, 40.0))).bound(0.9).ratio, 1.0);
    }

    #[test]
    fn every_pair_has_a_bin() {
        let values = [0.0, 1e-300, 1.0, 1e300, f64::INFINITY, f64::NAN];
        for (actual, forecast) in values.iter().flat_map(|a| values.map(|f| (*a, f))) {
            assert!(bin(actual, forecast) < BINS, "{actual} {forecast}");
        }
        assert_eq!(
            (bin(0.0, 0.0), bin(1.0, 0.0), bin(1.0, 1.0)),
            (BINS / 2, BINS - 1, BINS / 2)
        );
    }
}
