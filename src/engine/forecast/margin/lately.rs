//! How far each forecast was off lately: a model that has lost the load is out of the choice within minutes.
//!
//! Costs and needs remember days, which is right for a choice and far too long for a model that fails at once: a level that
//! shifted, a habit that ended, a lie. So every forecast is compared, one lead time later, with the highest load that came,
//! and errors fade within the hour. The trend cannot be off for long: it is what others are measured against, and what
//! remains.
//!
//! Neighbours: `mod` ticks it, `choose` leaves out what it objects to.

use std::collections::VecDeque;

use super::super::plan::Basis;
use super::forecasts::Forecasts;
use super::sliding::Sliding;

/// Forecasts kept over a lead time.
const KEPT: i64 = 16;
/// Age at which an error weighs half, in seconds.
const HALF_LIFE: f64 = 1_800.0;
/// A model is out when it is off by this many times what the trend is off by, and this share of the load more …
const LOST: (f64, f64) = (3.0, 0.3);
/// … and in again below this.
const FOUND: (f64, f64) = (1.5, 0.15);

/// Recent errors by forecast.
#[derive(Clone, Debug)]
pub(super) struct Lately {
    lead: i64,
    /// The highest load of the last lead time.
    peak: Sliding,
    said: VecDeque<(i64, Forecasts)>,
    scored: Option<i64>,
    /// Decayed sums of |forecast − peak|, and of the peaks on the same instants.
    errors: [f64; Basis::ALL.len()],
    peaks: [f64; Basis::ALL.len()],
    lost: [bool; Basis::ALL.len()],
}

impl Lately {
    pub(super) fn new(lead: i64) -> Self {
        Self {
            lead,
            peak: Sliding::new(lead),
            said: VecDeque::new(),
            scored: None,
            errors: [0.0; Basis::ALL.len()],
            peaks: [0.0; Basis::ALL.len()],
            lost: [false; Basis::ALL.len()],
        }
    }

    /// Learns the load at `at` and what was said of the lead time that follows; both in one unit.
    pub(super) fn tick(&mut self, at: i64, load: f64, said: &Forecasts) {
        self.peak.put(at, load);
        while let Some((then, forecasts)) = self.said.front().filter(|(then, _)| *then + self.lead <= at) {
            let since = self.scored.map_or(0, |scored| then - scored);
            let fade = (-(since as f64) / HALF_LIFE).exp2();
            if let Some(peak) = self.peak.max().filter(|_| self.peak.is_full(at)) {
                for (index, forecast) in forecasts.iter().enumerate() {
                    self.errors[index] *= fade;
                    self.peaks[index] *= fade;
                    if let Some(forecast) = forecast {
                        self.errors[index] += (forecast - peak).abs();
                        self.peaks[index] += peak;
                    }
                }
            }
            self.scored = Some(*then);
            self.said.pop_front();
            self.judge();
        }
        let spacing = (self.lead / KEPT).max(1);
        if self.said.back().is_none_or(|(newest, _)| at - newest >= spacing) {
            self.said.push_back((at, *said));
        }
    }

    fn judge(&mut self) {
        let error = |index: usize| self.errors[index] / self.peaks[index];
        let trend = error(Basis::Trend as usize);
        for basis in [Basis::Growth, Basis::DailyRegression, Basis::WeeklyRegression] {
            let index = basis as usize;
            let (times, more) = if self.lost[index] { FOUND } else { LOST };
            // A comparison with NaN, where there is no load, is no objection.
            self.lost[index] = error(index) > times * trend + more;
        }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.said.capacity() * size_of::<(i64, Forecasts)>()
    }

    /// Whether a forecast is out of the choice.
    pub(super) fn lost(&self, basis: Basis) -> bool {
        self.lost[basis as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_loses_the_load_is_out_within_minutes_and_comes_back() {
        let mut lately = Lately::new(180);
        let mut at = 0;
        let mut run = |lately: &mut Lately, minutes: i64, daily: Option<f64>| {
            for _ in 0..4 * minutes {
                at += 15;
                lately.tick(at, 10.0, &[Some(10.0), Some(11.0), Some(30.0), daily, None]);
            }
        };
        run(&mut lately, 120, Some(10.5));
        assert!(Basis::ALL.iter().all(|basis| !lately.lost(*basis)));
        for (wrong, minutes) in [(Some(0.0), 30), (Some(100.0), 10)] {
            run(&mut lately, minutes, wrong);
            assert!(lately.lost(Basis::DailyRegression), "{wrong:?}");
            // A volatile load is forecast high on purpose.
            assert!(!lately.lost(Basis::Growth) && !lately.lost(Basis::Volatility));
            run(&mut lately, 240, Some(10.5));
            assert!(!lately.lost(Basis::DailyRegression), "{wrong:?}");
        }
    }
}
