//! Forecasts that are wrong on purpose, for tests and benchmarks of the gates.
//!
//! A lie stands where the models speak (growth, the regressions, the point forecasts), before anything scores, calibrates or
//! judges them: the gates have to find out. The last load, its slope and its movement are no models. The operator never
//! tells one. Neighbours: `mod` asks it at every observation where one was ordered.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::Forecaster;
use super::margin::forecasts::Forecasts;
use super::plan::Basis;

/// What becomes of every model's forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nothing will come.
    Zero,
    /// No number.
    NotANumber,
    /// Ten times as much will come.
    TenTimes,
    /// What was forecast twelve hours ago.
    HalfADayAgo,
    /// What was forecast at some instant of the last twelve hours.
    Shuffled,
}

/// Forecasts under the margin and, last, the point forecast; NaN where there is none.
type Told = [f64; SLOTS];
const SLOTS: usize = Basis::ALL.len() + 1;

const HALF_A_DAY: i64 = 43_200;

#[derive(Clone, Debug)]
pub(super) struct Liar {
    lie: Lie,
    past: VecDeque<(i64, Told)>,
    /// Of a linear congruential generator: the same lies each time.
    random: u64,
    /// The newest lie.
    told: Told,
}

impl Liar {
    pub(super) fn new(lie: Lie) -> Self {
        Self {
            lie,
            past: VecDeque::new(),
            random: 1,
            told: [f64::NAN; SLOTS],
        }
    }

    /// What is told in the place of every point forecast but the last value.
    pub(super) fn point(&self) -> f64 {
        self.told[SLOTS - 1]
    }

    /// What is told at `at` (Unix seconds) in the place of `honest`.
    pub(super) fn tell(&mut self, at: i64, honest: Told) -> Told {
        self.past.push_back((at, honest));
        while self.past.get(1).is_some_and(|(then, _)| *then <= at - HALF_A_DAY) {
            self.past.pop_front();
        }
        // Knuth's MMIX constants.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let shuffled = (self.random >> 33) as usize % self.past.len();
        let mut told = match self.lie {
            Lie::Zero => [0.0; SLOTS],
            Lie::NotANumber => [f64::NAN; SLOTS],
            Lie::TenTimes => honest.map(|value| 10.0 * value),
            Lie::HalfADayAgo => self.past[0].1,
            Lie::Shuffled => self.past[shuffled].1,
        };
        for honestly in [Basis::Trend, Basis::Volatility] {
            told[honestly as usize] = honest[honestly as usize];
        }
        self.told = told;
        told
    }
}

impl Forecaster {
    /// From now on a lie stands in for what every model says: for tests and benchmarks of the gates, which must find out.
    pub fn deceive(&mut self, lie: Lie) {
        self.liar = Some(Box::new(Liar::new(lie)));
    }

    pub(super) fn lie(&mut self, at: Timestamp, forecasts: Forecasts) -> Forecasts {
        let value = self.honest(at).value;
        let mut honest: Told = [value; SLOTS];
        honest
            .iter_mut()
            .zip(forecasts)
            .for_each(|(slot, forecast)| *slot = forecast.unwrap_or(f64::NAN));
        let Some(liar) = &mut self.liar else { return forecasts };
        let told = liar.tell(at.as_second(), honest);
        std::array::from_fn(|i| Some(told[i]))
    }
}
