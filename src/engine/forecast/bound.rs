//! How far loads went beyond their forecasts, and the bounds that this makes: exceeded with their share of the time.
//!
//! A decayed histogram of actual ÷ forecast per model gives a quantile; which quantile is found in closed loop. Yesterday's
//! errors need not be today's, so the share that a bound leaves out moves against what was really exceeded (adaptive
//! conformal inference, arXiv 2106.00170): over any long stretch the bound is exceeded as often as it says.
//!
//! Neighbours: `backtest` keeps a histogram per model and adapts the shares, `answer` asks.

/// Bins of ln(actual ÷ forecast), centred on 0.
const BINS: usize = 71;
/// Bins grow outwards as the hyperbolic sine does: 0.04 % wide at the centre, where the errors of a smooth load lie (its
/// 90 % bound is half a percent above the forecast), and a fifth of the error further out, up to 3 times the forecast.
const FINEST: f64 = 0.002;
const WIDTH: f64 = 0.2;

/// Shares of the time that the load is meant to stay at or below a bound.
pub(super) const LEVELS: [f64; 2] = [0.9, 0.99];
/// How far a share moves per unit of surprise. An outcome in five minutes: a bound that fails altogether finds its place
/// within a day, and one that is right wanders by a tenth of its share.
const ADAPT: [f64; LEVELS.len()] = [0.01, 0.002];
/// The multiples of a level's share between which it stays: beyond, a quiet night would leave no bound for the morning.
const WANDER: (f64, f64) = (0.1, 2.0);
/// Rounding is no excess.
const ROUNDING: f64 = 1e-9;

/// What an upper bound rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Share of time the load is meant to stay at or below `upper`.
    pub level: f64,
    /// What `value` is multiplied by to make `upper`, before its cap; at least 1.
    pub ratio: f64,
}

/// Weights of actual ÷ forecast of one model.
#[derive(Clone, Debug)]
pub(super) struct Ratios([f32; BINS]);

impl Ratios {
    pub(super) fn new() -> Self {
        Self([0.0; BINS])
    }

    pub(super) fn add(&mut self, actual: f64, forecast: f64, weight: f64) {
        self.0[bin(actual, forecast)] += weight as f32;
    }

    /// Multiplies all that is known with `factor`.
    pub(super) fn scale(&mut self, factor: f64) {
        self.0.iter_mut().for_each(|bin| *bin *= factor as f32);
    }

    /// The ratio that was exceeded with this share of the `total` weight; within a bin, ratios are taken as spread evenly.
    fn exceeded(&self, share: f64, total: f64) -> f64 {
        let (allowed, mut above) = (share * total, 0.0);
        // From the centre down the load did not exceed the forecast, but by rounding.
        for (index, weight) in self.0.iter().enumerate().skip(BINS / 2 + 1).rev() {
            let weight = f64::from(*weight);
            if above + weight > allowed {
                let position = index as f64 + 0.5 - (allowed - above) / weight;
                return (FINEST * (WIDTH * (position - (BINS / 2) as f64)).sinh()).exp();
            }
            above += weight;
        }
        1.0
    }
}

/// The share of the time that each level leaves out now.
#[derive(Clone, Debug)]
pub(super) struct Shares([f64; LEVELS.len()]);

impl Shares {
    pub(super) fn new() -> Self {
        Self(LEVELS.map(|level| 1.0 - level))
    }

    /// Learns that `actual` came where `bounds` had been said.
    pub(super) fn adapt(&mut self, bounds: &[f64; LEVELS.len()], actual: f64) {
        for (index, share) in self.0.iter_mut().enumerate() {
            let nominal = 1.0 - LEVELS[index];
            let excess = f64::from(u8::from(actual > bounds[index] * (1.0 + ROUNDING)));
            *share = (*share + ADAPT[index] * (nominal - excess)).clamp(WANDER.0 * nominal, WANDER.1 * nominal);
        }
    }

    /// The bounds over a model with these `ratios` of `total` weight.
    pub(super) fn bounds(&self, ratios: &Ratios, total: f64) -> [Bound; LEVELS.len()] {
        std::array::from_fn(|index| Bound {
            level: LEVELS[index],
            ratio: ratios.exceeded(self.0[index], total).max(1.0),
        })
    }
}

/// The bin of actual ÷ forecast. A forecast of nothing that was right is a ratio of 1; one that was wrong the largest.
fn bin(actual: f64, forecast: f64) -> usize {
    let middle = (BINS / 2) as f64;
    let position = if actual <= forecast && actual <= 0.0 {
        middle
    } else {
        middle + ((actual / forecast).ln() / FINEST).asinh() / WIDTH
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

    fn ratios(outcomes: impl IntoIterator<Item = f64>) -> (Ratios, f64) {
        let (mut ratios, mut total) = (Ratios::new(), 0.0);
        for outcome in outcomes {
            ratios.add(outcome, 100.0, 1.0);
            total += 1.0;
        }
        (ratios, total)
    }

    #[test]
    fn a_share_of_the_outcomes_lies_above() {
        // Spread evenly from 1 to 2 times the forecast, and from 1 to 1.02 times.
        for spread in [100.0, 2.0] {
            let (ratios, total) = ratios((0..1_000).map(|i| 100.0 + spread * f64::from(i) / 1_000.0));
            for (share, expected) in [(0.5, 0.5), (0.1, 0.9), (0.01, 0.99)] {
                let above = (ratios.exceeded(share, total) - 1.0) * 100.0 / spread;
                // To within a bin.
                assert!((above - expected).abs() < WIDTH, "{spread}, {share}: {above}");
            }
        }
        assert_eq!(Ratios::new().exceeded(0.1, 0.0), 1.0);
    }

    #[test]
    fn a_bound_is_never_below_the_forecast() {
        let (ratios, total) = ratios((0..500).map(|_| 40.0));
        assert!(
            Shares::new()
                .bounds(&ratios, total)
                .iter()
                .all(|bound| bound.ratio == 1.0)
        );
    }

    #[test]
    fn a_bound_that_is_exceeded_too_often_moves_out_and_one_never_exceeded_moves_in() {
        // Outcomes as learnt, then all of them a tenth higher or lower: the quantile alone would be exceeded always or never.
        let (ratios, total) = ratios((0..1_000).map(|i| 100.0 + f64::from(i) / 10.0));
        let after = |factor: f64| {
            let mut shares = Shares::new();
            let mut exceeded = 0;
            for i in 0..2_000 {
                let actual = factor * (100.0 + f64::from((i * 617) % 1_000) / 10.0);
                let bounds = shares.bounds(&ratios, total).map(|bound| 100.0 * bound.ratio);
                exceeded += i32::from(actual > bounds[0]);
                shares.adapt(&bounds, actual);
            }
            f64::from(exceeded) / 2_000.0
        };
        for factor in [0.96, 1.0, 1.03] {
            let exceeded = after(factor);
            assert!((0.07..0.13).contains(&exceeded), "{factor}: {exceeded}");
        }
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
