//! How well forecasts did, out of sample: every bucket is predicted before it is learnt, and scored when it is known.
//!
//! Keeps decayed errors of the model and of the naive forecasts on the same instants, and a decayed histogram of
//! actual / forecast, whose quantile makes the upper bound. It never sees a forecast that knew its outcome: `mod` queues
//! forecasts when they are made and scores them once the whole lead time is observed.
//!
//! Neighbours: `mod` scores, `gate` judges the errors, `features` names the naive forecasts.

use super::decay::Decay;
use super::features::Naive;

/// Age at which an error weighs half: two days see a change of habits by its second evening.
const ERROR_HALF_LIFE: f64 = 2.0 * 86_400.0;
/// Age at which a ratio weighs half: a week holds every weekday, and 200 points beyond the 90 % quantile.
const RATIO_HALF_LIFE: f64 = 7.0 * 86_400.0;
/// Bins of ln(actual / forecast), [`WIDTH`] wide, centred on 0: a third to three times the forecast.
const BINS: usize = 111;
/// 2 %: finer than the error in any capacity.
const WIDTH: f64 = 0.02;
/// With fewer (effective) observations above the quantile than this, the bound is marked as extrapolated: the relative error of
/// a tail's share from n points is about 1/√n, here a third.
const THIN: f64 = 10.0;

/// Errors of the model and of the best naive forecast on the same instants: Σ|forecast − actual| / Σ actual (WAPE), recent
/// instants weighing more. 0.1 is 10 % off on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// The regression's.
    pub model: f64,
    /// The best of last value, same time yesterday, and same time last week.
    pub naive: f64,
}

/// What the upper bound rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Share of time the load is meant to stay at or below `upper`.
    pub level: f64,
    /// `upper` / `value`; at least 1.
    pub ratio: f64,
    /// Whether too few outcomes lay above the bound to know it well.
    pub extrapolated: bool,
}

/// The running evaluation. About 1 kB.
#[derive(Clone, Debug)]
pub(super) struct Backtest {
    errors: Decay,
    actual: f64,
    model: f64,
    naive: [f64; 3],
    ratios: Decay,
    bins: [f64; BINS],
    total: f64,
    total_squared: f64,
}

impl Backtest {
    pub(super) fn new() -> Self {
        Self {
            errors: Decay::new(ERROR_HALF_LIFE),
            actual: 0.0,
            model: 0.0,
            naive: [0.0; 3],
            ratios: Decay::new(RATIO_HALF_LIFE),
            bins: [0.0; BINS],
            total: 0.0,
            total_squared: 0.0,
        }
    }

    /// Scores what was forecast at `at` (Unix seconds) for a lead time whose peak turned out to be `actual`.
    pub(super) fn score(&mut self, at: i64, model: f64, naive: Naive, actual: f64) {
        let (weight, rebase) = self.errors.rebase(at);
        if let Some(factor) = rebase {
            self.actual *= factor;
            self.model *= factor;
            self.naive.iter_mut().for_each(|sum| *sum *= factor);
        }
        self.actual += weight * actual;
        self.model += weight * (model - actual).abs();
        for (sum, forecast) in self.naive.iter_mut().zip([naive.last, naive.daily, naive.weekly]) {
            *sum += weight * (forecast - actual).abs();
        }
        let (weight, rebase) = self.ratios.rebase(at);
        if let Some(factor) = rebase {
            self.bins.iter_mut().for_each(|bin| *bin *= factor);
            self.total *= factor;
            self.total_squared *= factor * factor;
        }
        self.bins[bin(actual, model)] += weight;
        self.total += weight;
        self.total_squared += weight * weight;
    }

    /// The errors, or `None` before any load was scored.
    pub(super) fn errors(&self) -> Option<Errors> {
        (self.actual > 0.0).then(|| Errors {
            model: self.model / self.actual,
            naive: self.naive.iter().copied().fold(f64::INFINITY, f64::min) / self.actual,
        })
    }

    /// The bound that outcomes exceeded with a share of 1 − `level` (0 < level < 1). Rounded up to the bin's border.
    pub(super) fn bound(&self, level: f64) -> Bound {
        let mut above = 0.0;
        let allowed = (1.0 - level) * self.total;
        let mut ratio = 1.0;
        for (index, weight) in self.bins.iter().enumerate().rev() {
            above += weight;
            if above > allowed {
                ratio = (WIDTH * (index as f64 + 0.5 - (BINS / 2) as f64)).exp();
                break;
            }
        }
        // Kish's effective number of observations, times the tail's share.
        let tail = if self.total_squared > 0.0 {
            (1.0 - level) * self.total * self.total / self.total_squared
        } else {
            0.0
        };
        Bound {
            level,
            ratio: ratio.max(1.0),
            extrapolated: tail < THIN,
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
                    daily: 80.0,
                    weekly: 50.0,
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
    fn old_errors_fade() {
        let mut backtest = scored([(0.0, 100.0)]);
        backtest.score(
            4 * 86_400,
            100.0,
            Naive {
                last: 100.0,
                daily: 100.0,
                weekly: 100.0,
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
        assert!(!backtest.bound(0.9).extrapolated);
        assert!(backtest.bound(0.999).extrapolated, "one point in a thousand");
        assert!(scored([]).bound(0.9).extrapolated);
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
