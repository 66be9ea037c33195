//! How well forecasts did, out of sample: every lead time is predicted before it is learnt, and scored when it is known.
//!
//! Keeps decayed errors of all models on the same instants, chooses the best by them, and keeps for each how far loads went
//! beyond it. It never sees a forecast that knew its outcome: `outcomes` holds them until the whole lead time is observed.
//!
//! Neighbours: `mod` scores, `gate` judges the errors, `features` names the naive forecasts, `bound` makes the bounds.

use std::fmt;

use super::bound::{Bound, LEVELS, Ratios, Shares};
use super::decay::Decay;
use super::features::Naive;
use super::outcomes::Foretold;

/// Age at which an error weighs half: two days see a change of habits by its second evening.
const ERROR_HALF_LIFE: f64 = 2.0 * 86_400.0;
/// Age at which a ratio weighs half: a week holds every weekday, and hundreds of points lie above the 90 % quantile.
const RATIO_HALF_LIFE: f64 = 7.0 * 86_400.0;

/// A model takes over when its error is below this share of that of the one in use: less is luck, and each change moves
/// the bound. It lies closer to 1 than the gate's 2 %, so that a better model is tried before trust ends.
const BETTER: f64 = 0.99;

/// What makes a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Ridge regression on seasons, recent load and lags.
    LinearRegression,
    /// Half of it, and half the last load: where the regression sees what comes, but too much of it.
    DampedRegression,
    /// As yesterday at this time: the best there is for a load that repeats to the minute.
    SeasonalDaily,
    /// As a week ago at this time.
    SeasonalWeekly,
    /// The last load goes on: what is said before there is a fit, and while no model does better.
    LastValue,
}

impl Model {
    /// What it says, where the regression says `regression`.
    pub(super) fn value(self, regression: f64, naive: Naive) -> f64 {
        match self {
            Self::LinearRegression => regression,
            Self::DampedRegression => 0.5 * (regression + naive.last),
            Self::SeasonalDaily => naive.daily,
            Self::SeasonalWeekly => naive.weekly,
            Self::LastValue => naive.last,
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinearRegression => "linear-regression",
            Self::DampedRegression => "damped-regression",
            Self::SeasonalDaily => "seasonal-naive-1d",
            Self::SeasonalWeekly => "seasonal-naive-7d",
            Self::LastValue => "last-value",
        })
    }
}

/// All that are scored; of those to choose from, the first where they tie. The last value is no choice: it speaks where the
/// best of the others is worse than naive.
pub(super) const CANDIDATES: [Model; 5] = [
    Model::LinearRegression,
    Model::DampedRegression,
    Model::SeasonalDaily,
    Model::SeasonalWeekly,
    Model::LastValue,
];
const CHOICES: usize = CANDIDATES.len() - 1;

/// What each of [`CANDIDATES`] says.
pub(super) type Candidates = [f64; CANDIDATES.len()];

/// Errors of the best model and of the best naive forecast on the same instants: Σ|forecast − actual| / Σ actual (WAPE),
/// recent instants weighing more. 0.1 is 10 % off on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// The best model's; where it is worse than naive, the last value speaks in its place.
    pub model: f64,
    /// The best of last value, same time yesterday, and same time last week.
    pub naive: f64,
}

/// What is known of one model.
#[derive(Clone, Debug)]
struct Record {
    /// Σ w |forecast − actual|.
    error: f64,
    ratios: Ratios,
}

/// The running evaluation. About 3 kB.
#[derive(Clone, Debug)]
pub(super) struct Backtest {
    errors: Decay,
    actual: f64,
    ratios: Decay,
    total: f64,
    records: [Record; CANDIDATES.len()],
    /// Index of the best model.
    chosen: usize,
    shares: Shares,
}

impl Backtest {
    pub(super) fn new() -> Self {
        Self {
            errors: Decay::new(ERROR_HALF_LIFE),
            actual: 0.0,
            ratios: Decay::new(RATIO_HALF_LIFE),
            total: 0.0,
            records: CANDIDATES.map(|_| Record {
                error: 0.0,
                ratios: Ratios::new(),
            }),
            chosen: 0,
            shares: Shares::new(),
        }
    }

    /// Scores what was foretold of a lead time that ended at `at` (Unix seconds) and whose peak turned out to be `actual`.
    pub(super) fn score(&mut self, at: i64, foretold: &Foretold, actual: f64) {
        let (weight, rebase) = self.errors.rebase(at);
        if let Some(factor) = rebase {
            self.actual *= factor;
            self.records.iter_mut().for_each(|record| record.error *= factor);
        }
        let (ratio_weight, rebase) = self.ratios.rebase(at);
        if let Some(factor) = rebase {
            self.records.iter_mut().for_each(|record| record.ratios.scale(factor));
            self.total *= factor;
        }
        self.shares.adapt(&foretold.bounds, actual);
        self.total += ratio_weight;
        for (record, forecast) in self.records.iter_mut().zip(foretold.models) {
            record.ratios.add(actual, forecast, ratio_weight);
        }
        if !foretold.fitted {
            return;
        }
        self.actual += weight * actual;
        for (record, forecast) in self.records.iter_mut().zip(foretold.models) {
            record.error += weight * (forecast - actual).abs();
        }
        for challenger in 0..CHOICES {
            if self.records[challenger].error < BETTER * self.records[self.chosen].error {
                self.chosen = challenger;
            }
        }
    }

    /// The best model.
    pub(super) fn model(&self) -> Model {
        CANDIDATES[self.chosen]
    }

    /// The errors, or `None` before any load was scored.
    pub(super) fn errors(&self) -> Option<Errors> {
        let [_, _, naive @ ..] = &self.records;
        let naive = naive.iter().map(|record| record.error).fold(f64::INFINITY, f64::min);
        (self.actual > 0.0).then(|| Errors {
            model: self.records[self.chosen].error / self.actual,
            naive: naive / self.actual,
        })
    }

    /// The bounds over what `model` says, by [`LEVELS`].
    pub(super) fn bounds(&self, model: Model) -> [Bound; LEVELS.len()] {
        let ratios = &self.records[model as usize].ratios;
        self.shares.bounds(ratios, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foretold(models: Candidates) -> Foretold {
        Foretold {
            models,
            fitted: true,
            bounds: [f64::INFINITY; LEVELS.len()],
        }
    }

    fn scored(pairs: impl IntoIterator<Item = (f64, f64)>) -> Backtest {
        let mut backtest = Backtest::new();
        for (model, actual) in pairs {
            backtest.score(0, &foretold([model, 1e9, 1e9, 1e9, 90.0]), actual);
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
            // The last value is right, and never the choice.
            backtest.score(0, &foretold([regression, 0.0, daily, weekly, 100.0]), 100.0);
            assert_eq!(backtest.model(), expected, "after {regression}, {daily}, {weekly}");
        }
    }

    #[test]
    fn every_model_is_scored_by_its_own_word() {
        let naive = Naive {
            last: 90.0,
            daily: 80.0,
            weekly: 70.0,
        };
        assert_eq!(
            CANDIDATES.map(|model| model.value(100.0, naive)),
            [100.0, 95.0, 80.0, 70.0, 90.0]
        );
        let positions: Vec<usize> = CANDIDATES.iter().map(|model| *model as usize).collect();
        assert_eq!(positions, [0, 1, 2, 3, 4], "`bounds` goes by it");
    }

    #[test]
    fn before_there_is_a_fit_bounds_are_learnt_and_no_model_is_compared() {
        let mut backtest = Backtest::new();
        for _ in 0..500 {
            let early = Foretold {
                fitted: false,
                ..foretold([100.0; 5])
            };
            backtest.score(0, &early, 110.0);
        }
        assert_eq!(backtest.errors(), None);
        let [bound, _] = backtest.bounds(Model::LastValue);
        assert!((bound.ratio - 1.1).abs() < 0.02, "{bound:?}");
    }

    #[test]
    fn old_errors_fade() {
        let mut backtest = scored([(0.0, 100.0)]);
        backtest.score(4 * 86_400, &foretold([100.0, 0.0, 0.0, 0.0, 0.0]), 100.0);
        // Two half-lives: a weight of 1/4 against 1.
        assert!((backtest.errors().unwrap().model - 0.2).abs() < 1e-12);
    }

    #[test]
    fn bounds_are_those_of_the_model_that_is_asked_for() {
        // The regression is a tenth too low, the last value a fifth above what comes.
        let mut backtest = Backtest::new();
        for _ in 0..500 {
            backtest.score(0, &foretold([100.0, 1e9, 1e9, 1e9, 132.0]), 110.0);
        }
        for bound in backtest.bounds(Model::LinearRegression) {
            assert!((bound.ratio - 1.1).abs() < 0.02, "{bound:?}");
        }
        assert!(backtest.bounds(Model::LastValue).iter().all(|bound| bound.ratio == 1.0));
    }
}
