//! What the forecaster says at an instant: the highest load to come, its bound, what carried it, and whether to believe it.
//!
//! Neighbours: `mod` has learnt what it is made from, `margin` makes the plan.

use jiff::{SignedDuration, Timestamp};

use super::backtest::{Errors, Model};
use super::bound::Bound;
use super::features::{COLUMNS, Feature, Row, group};
use super::gate::{Abstention, Samples, Trust};
use super::history::BUCKET;
use super::plan::Plan;
use super::ridge::Coefficients;
use super::{Forecaster, NEED, STALE};

/// A forecast made at one instant. Loads are in the unit that was observed, finite and never negative.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a forecast that is not read was made for nothing"]
pub struct Forecast {
    /// The end of the lead time that the forecast covers.
    pub at: Timestamp,
    /// The highest load expected between now and `at`.
    pub value: f64,
    /// What replicas are asked for by: the first of `bounds`, or a ramp that earlier days had at this time, where that has been
    /// more right than the last value. Never below `value`, and beyond it at most half again of the highest load in history.
    pub upper: f64,
    /// How the first of `bounds` was found.
    pub bound: Bound,
    /// The loads that are exceeded in one lead time of ten, and in one of a hundred.
    pub bounds: [f64; 2],
    /// Whether it may be acted on.
    pub trust: Trust,
    /// What made `value`.
    pub model: Model,
    /// How much history there is.
    pub samples: Samples,
    /// Out-of-sample errors; `None` before any forecast was scored.
    pub error: Option<Errors>,
    /// What carried `value`, where the linear regression made it, damped or not.
    pub effects: Option<Effects>,
    /// What must be ready for the objective, where there is one.
    pub plan: Option<Plan>,
}

/// What carried a prediction of the linear regression: growths over the present load as logarithms, so that they add up to
/// ln(predicted / present) before the forecast is kept within its bounds or damped (a small offset stands in for an idle load).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effects {
    /// The growth at an average instant of what was learnt.
    pub usual: f64,
    /// What each feature adds to that now, as in [`Feature::ALL`].
    pub of: [f64; Feature::ALL.len()],
}

impl Effects {
    fn of(fit: &Coefficients<COLUMNS>, row: &Row) -> Self {
        let (usual, of) = fit.parts(&row.columns, |column| group(column) as usize);
        Self { usual, of }
    }
}

/// A point forecast.
pub(super) struct Said {
    pub(super) value: f64,
    model: Model,
    /// Why the model had nothing to say.
    failed: Option<Abstention>,
    effects: Option<Effects>,
}

impl Forecaster {
    /// Forecasts the highest load between `now` and `now` + lead.
    pub fn forecast(&self, now: Timestamp) -> Forecast {
        let samples = Samples {
            have: self.gram.rows(),
            need: NEED,
        };
        let error = self.backtest.errors();
        let Said {
            value,
            model,
            failed,
            effects,
        } = self.said(now);
        let [bound, rare] = self.backtest.bounds(model);
        // What acts is the bound, so the cap must hold for it too.
        let most = self.most().max(value);
        let bounds = [bound.ratio, rare.ratio.max(bound.ratio)].map(|ratio| (value * ratio).min(most));
        let ramp = self
            .ramps
            .are_foreseen()
            .then(|| self.ramp(self.within(now)?))
            .flatten();
        let trust = self
            .untimely(now)
            .or_else(|| (samples.have < samples.need).then_some(Abstention::TooLittleHistory(samples)))
            .or(failed)
            .or_else(|| self.gate.objection(error).filter(|_| !self.ramps.are_foreseen()))
            .map_or(Trust::Trusted, Trust::Abstains);
        let lead = SignedDuration::from_secs(self.settings.lead_seconds());
        Forecast {
            at: now.checked_add(lead).unwrap_or(Timestamp::MAX),
            value,
            upper: ramp.map_or(bounds[0], |ramp| ramp.max(bounds[0])),
            bound,
            bounds,
            trust,
            model,
            samples,
            error,
            effects,
            plan: self.margin.as_ref().and_then(|margin| margin.plan(self.untimely(now))),
        }
    }

    /// Why `now` is no instant to forecast at.
    fn untimely(&self, now: Timestamp) -> Option<Abstention> {
        let Some(newest) = self.newest else {
            return Some(Abstention::Stale { since: None });
        };
        let age = now.as_second() - newest.as_second();
        if age > STALE {
            return Some(Abstention::Stale { since: self.newest });
        }
        // Two readers of one clock may differ by a tick, not by buckets.
        (age < -STALE).then_some(Abstention::ClockWentBack { newest })
    }

    /// The instant that is spoken of: just after the newest bucket has ended nothing newer is known, and it is the border.
    fn within(&self, now: Timestamp) -> Option<i64> {
        let (open, _) = self.history.open()?;
        Some(now.as_second().clamp(open * BUCKET, (open + 1) * BUCKET))
    }

    fn said(&self, now: Timestamp) -> Said {
        let honest = self.honest(now);
        match &self.liar {
            Some(liar) if honest.model != Model::LastValue => {
                let told = liar.point();
                let no_number = (!told.is_finite()).then_some(Abstention::NotFinite { value: told });
                Said {
                    value: told.clamp(0.0, self.most()),
                    failed: honest.failed.or(no_number),
                    effects: None,
                    ..honest
                }
            }
            _ => honest,
        }
    }

    pub(super) fn honest(&self, now: Timestamp) -> Said {
        let said = |value, model| Said {
            value,
            model,
            failed: None,
            effects: None,
        };
        let Some(at) = self.within(now) else {
            return said(0.0, Model::LastValue);
        };
        let row = Row::at(&self.history, at, self.last, self.settings.lead_seconds());
        let last = |why| Said {
            failed: Some(why),
            ..said(self.last, Model::LastValue)
        };
        let Some(row) = row else {
            return last(Abstention::Gap);
        };
        // Before the first fit there is too little history, which is said first; later the sums overflowed.
        let Some(fit) = &self.fit else {
            return last(Abstention::NotFinite { value: f64::NAN });
        };
        let model = self.model();
        match (model, self.predict(&row, fit)) {
            (Model::LinearRegression | Model::DampedRegression, Ok(regression)) => Said {
                effects: Some(Effects::of(fit, &row)),
                ..said(model.value(regression, row.naive), model)
            },
            (Model::LinearRegression | Model::DampedRegression, Err(value)) => last(Abstention::NotFinite { value }),
            (naive, _) => said(naive.value(f64::NAN, row.naive), naive),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::forecast::Settings;

    /// 2024-01-01T00:00:00Z, a Monday.
    const MONDAY: i64 = 1_704_067_200;
    const HOUR: i64 = 3_600;

    /// On workdays the load triples towards the afternoon, on weekends it rests; with noise, so that no day repeats.
    fn office(second: i64) -> f64 {
        let turns = (second - MONDAY) as f64 / (24 * HOUR) as f64;
        let busy = if turns.rem_euclid(7.0) < 5.0 { 1.0 } else { 0.1 };
        let noise = ((second as f64 * 12.9898).sin() * 43_758.545).fract();
        100.0 * (1.0 + busy * (1.0 - (turns * std::f64::consts::TAU).cos())) * (1.0 + 0.05 * noise)
    }

    /// What is said ten minutes before nine on the day with this number.
    fn before_nine(day: i64) -> (Forecast, Effects, f64) {
        let mut forecaster = Forecaster::new(Settings {
            lead: SignedDuration::from_secs(900),
            history: SignedDuration::from_hours(28 * 24),
            objective: None,
        });
        let until = MONDAY + (day * 24 + 9) * HOUR - 600;
        for second in (MONDAY..=until).step_by(300) {
            forecaster.observe(Timestamp::from_second(second).unwrap(), office(second));
        }
        let forecast = forecaster.forecast(Timestamp::from_second(until).unwrap());
        let row = Row::at(&forecaster.history, until, forecaster.last, 900).unwrap();
        let effects = forecast.effects.unwrap_or_else(|| panic!("{forecast:?}"));
        (forecast.clone(), effects, row.growth(forecast.value))
    }

    #[test]
    fn what_carried_a_forecast_adds_up_to_it() {
        for day in [3, 15, 19, 20, 22] {
            let (forecast, effects, growth) = before_nine(day);
            assert_eq!(forecast.model, Model::LinearRegression);
            let sum = effects.usual + effects.of.iter().sum::<f64>();
            assert!((sum - growth).abs() < 1e-9, "{effects:?} {growth}");
        }
    }

    #[test]
    fn a_weekday_carries_once_weeks_are_known() {
        let of = |day: i64| before_nine(day).1.of[Feature::DayOfWeek as usize];
        assert_eq!(of(3), 0.0, "no columns of the week yet");
        let (friday, saturday) = (of(18), of(19));
        assert!(saturday < -0.02 && saturday < friday - 0.02, "{friday} {saturday}");
    }
}
