//! The forecasts under the margin: what the highest load over the lead time is likely to be, said in five ways.
//!
//! None is the best everywhere: a burst has its slope, a working day its yesterday, a batch its minute, and where nothing
//! helps the last load and its usual movement remain. More than these cost more than they gain: fourteen forecasts in three
//! shapes did 4 % worse than five in two, because a choice among many is a choice among lucky ones.
//!
//! Neighbours: `history` and `features` hold the load, `ridge` the regression, `shadow` tries each out.

use super::super::features::{COLUMNS, Row};
use super::super::history::{BUCKET, History};
use super::super::plan::Basis;
use super::super::ridge::Coefficients;

/// Seconds beyond the lead time over which the slope goes on: half the two means that the slope is taken from lie behind.
const BEHIND: f64 = 120.0;
/// The trend stays within this much of the last load: twice or half within a lead time is a burst, not a trend.
const TREND: (f64, f64) = (0.5, 2.0);
/// Days back that growth is taken from; two of them at least.
const LAGS: [i64; 3] = [86_400, 2 * 86_400, 7 * 86_400];
/// How far the level of now over that of then may scale the load of then.
const RATIO: (f64, f64) = (0.33, 3.0);
/// How many of its usual movements a load is expected to move.
const MOVEMENTS: f64 = 2.0;

/// The five, by [`Basis`], in the load's unit; `None` where there is too little history.
pub(crate) type Forecasts = [Option<f64>; Basis::ALL.len()];

/// What the five are made from, at one instant.
pub(crate) struct Inputs<'a> {
    pub history: &'a History,
    /// The row at `at`, where the regression is used at all.
    pub row: Option<&'a Row>,
    /// The regression without and with the week's terms, where it has learnt enough.
    pub daily: Option<&'a Coefficients<COLUMNS>>,
    pub weekly: Option<&'a Coefficients<COLUMNS>>,
    /// The largest load that may be forecast.
    pub most: f64,
}

impl Inputs<'_> {
    /// Forecasts at `at` (Unix seconds) for the `lead` seconds that follow, after a load of `load` that moves by
    /// `movement` within a lead time.
    pub(crate) fn forecasts(&self, at: i64, lead: i64, load: f64, movement: f64) -> Forecasts {
        let regression = |fit: Option<&Coefficients<COLUMNS>>| {
            let (row, fit) = self.row.zip(fit)?;
            let value = row.load(fit.predict(&row.columns));
            // Half the last load: it halves the harm of a fit that went wrong, and costs next to nothing where it is right.
            value.is_finite().then(|| 0.5 * (load + value.clamp(0.0, self.most)))
        };
        Basis::ALL.map(|basis| match basis {
            Basis::Trend => Some(self.trend(at, lead, load)),
            Basis::Growth => growth(self.history, at, lead, load),
            Basis::Volatility => Some(load + MOVEMENTS * movement),
            Basis::DailyRegression => regression(self.daily),
            Basis::WeeklyRegression => regression(self.weekly),
        })
    }

    /// Half the slope of the last two 5-minute means goes on: a whole one overshoots at every turn.
    fn trend(&self, at: i64, lead: i64, load: f64) -> f64 {
        let slope = match (self.history.level(at), self.history.level(at - BUCKET)) {
            (Some(now), Some(before)) => (now - before) / BUCKET as f64,
            _ => 0.0,
        };
        let load_ahead = load + 0.5 * slope * (lead as f64 + BEHIND);
        load_ahead.clamp(TREND.0 * load, TREND.1 * load)
    }
}

/// The mean of what followed this time of day on the last days and last week, at today's level and never below `load`: the
/// highest load of the `lead` seconds after `at`, but for the five minutes of a bucket on either side. `None` where fewer than
/// two of those days are known.
fn growth(history: &History, at: i64, lead: i64, load: f64) -> Option<f64> {
    let level = |at: i64| match (history.level(at), history.level(at - BUCKET)) {
        (Some(late), Some(early)) => Some(0.5 * (late + early)),
        (one, other) => one.or(other),
    };
    let now = level(at)?;
    let (mut sum, mut count) = (0.0, 0);
    for lag in LAGS {
        let peak = history.peak_between(at - lag, at - lag + lead);
        if let Some((peak, then)) = peak.zip(level(at - lag)) {
            let ratio = if then > 0.0 { now / then } else { 1.0 };
            sum += peak * ratio.clamp(RATIO.0, RATIO.1);
            count += 1;
        }
    }
    (count >= 2).then(|| load.max(sum / f64::from(count)))
}

#[cfg(test)]
mod tests {
    use super::super::super::history::Bucket;
    use super::*;

    /// A history of one value a bucket that ends at bucket `end`.
    fn history(end: i64, load: impl Fn(i64) -> f64) -> History {
        let mut history = History::new(8_064);
        for index in end - 3_000..end {
            history.close(index, Some(Bucket::new(load(index))));
        }
        history
    }

    fn said(history: &History, at: i64, load: f64, movement: f64) -> Forecasts {
        let inputs = Inputs {
            history,
            row: None,
            daily: None,
            weekly: None,
            most: 1e9,
        };
        inputs.forecasts(at, 180, load, movement)
    }

    #[test]
    fn a_slope_goes_on_by_half_and_within_bounds() {
        // +10 a bucket: half of 10/300 over 180 + 120 s.
        let ramp = history(4_000, |index| 10.0 * (index - 3_900).max(0) as f64);
        let trend = said(&ramp, 4_000 * BUCKET, 990.0, 0.0)[0].unwrap();
        assert!((trend - 995.0).abs() < 1.5, "{trend}");
        let cliff = history(4_000, |index| if index < 3_999 { 0.0 } else { 1_000.0 });
        assert_eq!(said(&cliff, 4_000 * BUCKET, 10.0, 0.0)[0], Some(20.0));
    }

    #[test]
    fn growth_is_what_followed_on_other_days_at_todays_level() {
        // Each day the load is 100 but for one bucket, in which it is 300; today everything is twice that.
        let daily = history(4_000, |index| {
            let today = if index > 3_900 { 2.0 } else { 1.0 };
            today
                * if (index - 4_000).rem_euclid(288) == 0 {
                    300.0
                } else {
                    100.0
                }
        });
        let growth = said(&daily, 4_000 * BUCKET, 200.0, 0.0)[1].unwrap();
        assert!((growth - 600.0).abs() < 6.0, "{growth}");
        // One day alone is no habit.
        let mut short = History::new(8_064);
        (0..300).for_each(|index| short.close(index, Some(Bucket::new(1.0))));
        assert_eq!(said(&short, 300 * BUCKET, 1.0, 0.0)[1], None);
    }

    #[test]
    fn volatility_is_twice_the_movement_and_no_regression_says_nothing() {
        let flat = history(4_000, |_| 100.0);
        assert_eq!(said(&flat, 4_000 * BUCKET, 100.0, 7.0)[2..], [Some(114.0), None, None]);
    }
}
