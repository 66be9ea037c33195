//! Which shadow acts, with which margin: the one that costs least at the share of time that may be exceeded.
//!
//! Candidates are compared by their own past, at the same share, and one replaces another only where it is clearly
//! cheaper: a choice that flaps moves the bound. What a candidate could not help counts against it, mildly: one that foresees
//! the spikes that leave others helpless is worth more than its price says.
//!
//! A forecast that lost the load lately is out at once.
//!
//! Neighbours: `shadow` holds the candidates, `mod` asks for the one in use.

use std::sync::Arc;

use super::super::plan::{Basis, Price};
use super::shadow::{Shadow, Shape};
use super::{FADE, WINDOWS};

/// Seconds between two looks at the margins.
const REFRESH: i64 = 300;
/// A candidate takes over below this share of the cost of the one in use.
const CHEAPER: f64 = 0.98;
/// A candidate is compared once it has been observed for half as long as the one observed longest, up to this.
const OBSERVED: f64 = 86_400.0;
/// What twice the objective's shortfall is worth, as an exponent of cost: 2^0.3 is 23 %. Measured: between what tuning an
/// HPA costs on smooth load (3 % for half the shortfall) and on bursts (double for half).
const WORTH: f64 = 0.3;
/// The objectives of the price curve.
const PRICED: [f64; 6] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03];

/// The forecasts, by basis, that are out of the choice: they lost the load, or say nothing.
pub(super) type Out = [bool; Basis::ALL.len()];

/// The candidate in use and the margins of all.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    shadow: usize,
    shape: Shape,
    margin: f64,
    refreshed: Option<i64>,
    chosen: Option<i64>,
    /// What objectives cost, as of the last choice.
    price: Arc<[Price]>,
    /// Whether any candidate could meet the objective within the allowed margin.
    reachable: bool,
}

impl Choice {
    /// The first candidate, the trend, without a margin.
    pub(super) fn new() -> Self {
        Self {
            shadow: 0,
            shape: Shape::Proportional,
            margin: 0.0,
            refreshed: None,
            chosen: None,
            price: [].into(),
            reachable: true,
        }
    }

    /// Looks again where it is time to: `share` may be exceeded, `objective` is what the admin accepts, `mean` the mean load.
    pub(super) fn tick(&mut self, at: i64, shadows: &[Shadow], out: &Out, share: f64, objective: f64, mean: f64) {
        let lost = out[self.basis() as usize];
        if !lost && self.refreshed.is_some_and(|refreshed| at - refreshed < REFRESH) {
            return;
        }
        self.refreshed = Some(at);
        if lost || self.chosen.is_none_or(|chosen| at - chosen >= FADE) {
            self.chosen = Some(at);
            self.choose(shadows, out, share, objective, mean);
        }
        self.margin = shadows[self.shadow].needs(self.shape).margin(share);
    }

    fn choose(&mut self, shadows: &[Shadow], out: &Out, share: f64, objective: f64, mean: f64) {
        let longest = shadows.iter().map(|shadow| shadow.observed).fold(0.0, f64::max);
        let score = |index: usize, shape: Shape| {
            let shadow = &shadows[index];
            if shadow.observed < 0.5 * longest.min(OBSERVED) || out[index / WINDOWS.len()] {
                return f64::INFINITY;
            }
            let needs = shadow.needs(shape);
            let short = (share + needs.helpless()) / objective;
            shadow.cost(shape, needs.margin(share)) * short.max(1.0).powf(WORTH)
        };
        let mut best = CHEAPER * score(self.shadow, self.shape);
        let mut prices = [f64::INFINITY; PRICED.len()];
        self.reachable = false;
        for (index, shadow) in shadows.iter().enumerate() {
            for shape in Shape::ALL {
                let candidate = score(index, shape);
                if candidate < best {
                    (best, self.shadow, self.shape) = (candidate, index, shape);
                }
                if candidate.is_finite() {
                    let needs = shadow.needs(shape);
                    self.reachable |= needs.helpless() <= objective;
                    for (price, share) in prices.iter_mut().zip(PRICED) {
                        if needs.helpless() <= share {
                            *price = price.min(shadow.cost(shape, needs.margin(share - needs.helpless())));
                        }
                    }
                }
            }
        }
        self.price = priced(prices, mean);
    }

    /// The shadow in use, how its margin is added, and the margin.
    pub(super) fn current<'a>(&self, shadows: &'a [Shadow]) -> (&'a Shadow, Shape, f64) {
        (&shadows[self.shadow], self.shape, self.margin)
    }

    /// What the shadow in use forecasts by.
    pub(super) fn basis(&self) -> Basis {
        Basis::ALL[self.shadow / WINDOWS.len()]
    }

    /// Whether any candidate could meet the objective within the allowed margin.
    pub(super) fn reachable(&self) -> bool {
        self.reachable
    }

    /// What objectives would cost, as mean replicas over the mean load, less 1; those out of reach are left out.
    pub(super) fn price(&self) -> Arc<[Price]> {
        self.price.clone()
    }
}

/// The least mean replicas by objective over the mean load `mean`, less 1.
fn priced(prices: [f64; PRICED.len()], mean: f64) -> Arc<[Price]> {
    let points = PRICED
        .iter()
        .zip(prices)
        .filter(|(_, cost)| cost.is_finite() && mean > 0.0);
    points
        .map(|(&shortfall, cost)| Price {
            shortfall,
            margin: cost / mean - 1.0,
        })
        .collect()
}
