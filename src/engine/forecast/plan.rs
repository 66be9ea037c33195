//! What the calibrated margin asks for: the load that must be ready for, and what that costs and risks.
//!
//! Typed answers only; `margin/` finds them. Loads are in the unit that was observed, margins and shares are fractions
//! (0.1 is 10 %).
//!
//! Neighbours: `propose::predicted` turns a plan into replicas, `report` renders it.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;

use super::gate::Trust;
use super::margin::{GROW, SHRINK};

/// What an admin accepts, and what one replica carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The most load that one replica can carry; finite and positive.
    pub capacity: f64,
    /// What the metric's fixed target asks of one replica; finite and positive.
    pub target: f64,
    /// Share of time that load may exceed ready capacity, in (0, 1).
    pub shortfall: f64,
    /// The most margin to pay for it, relative to the point forecast; positive.
    pub max_margin: f64,
}

/// What was ready, and whether it sufficed, when a load was observed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Witness {
    /// Replicas that were ready, where known.
    pub ready: Option<u32>,
    /// Whether a signal is asked: without its word for ten minutes a plan is not trusted.
    pub signal: bool,
    /// What the objective's signal said: whether the target was short of capacity. `None` without a usable signal.
    pub short: Option<bool>,
    /// Whether plans are acted on (mode Adaptive): only then is what was short their doing.
    pub acts: bool,
}

/// The replicas that must be ready, as load, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The load to be ready for: the upper bound with the margin in force.
    pub upper: f64,
    /// The highest bound of the window that replicas are held for; at least `upper`.
    pub held: f64,
    /// The forecast under the margin.
    pub value: f64,
    /// The newest observed load, lifted where it was saturated.
    pub load: f64,
    /// Whether the signal says that the target is short now: then nothing is taken away.
    pub short: bool,
    /// What the bound rests on.
    pub basis: Basis,
    /// `upper` over the point forecast, less 1.
    pub margin: f64,
    /// What one replica carries.
    pub capacity: Capacity,
    /// How the objective is met.
    pub shortfall: Shortfall,
    /// What other objectives would cost, from the strictest to the laxest; looked at once an hour.
    pub price: Arc<[Price]>,
    /// Whether it may be acted on; a reason otherwise.
    pub trust: Trust,
}

/// What one replica carries, as believed and as corrected by the signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// `spec.prediction.capacity`.
    pub believed: f64,
    /// What is counted with; less than believed once the target was short below it.
    pub in_use: f64,
}

/// The share of time that was short, against what was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortfall {
    /// The share that is accepted.
    pub objective: f64,
    /// The share of the time watched in which load exceeded ready capacity or the signal said so; `None` before there
    /// was any.
    pub achieved: Option<f64>,
    /// How much time was watched, at most seven days.
    pub watched: SignedDuration,
    /// Whether the margin that the objective needs is within `max_margin`.
    pub within_reach: bool,
}

/// A point of the price curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// An objective.
    pub shortfall: f64,
    /// The mean margin over the load that it would need.
    pub margin: f64,
}

/// The forecast under the margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Basis {
    /// The last load and its slope go on.
    Trend,
    /// The load grows as it did on the last days at this time.
    Growth,
    /// The last load and twice its usual movement.
    Volatility,
    /// Half the last load, half the linear regression on the day's seasons and lags.
    DailyRegression,
    /// Half the last load, half the linear regression on the week's seasons and lags.
    WeeklyRegression,
}

impl Basis {
    /// All of them.
    pub const ALL: [Basis; 5] = [
        Basis::Trend,
        Basis::Growth,
        Basis::Volatility,
        Basis::DailyRegression,
        Basis::WeeklyRegression,
    ];

    /// Its name in status, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trend => "trend",
            Self::Growth => "growth",
            Self::Volatility => "volatility",
            Self::DailyRegression => "daily-regression",
            Self::WeeklyRegression => "weekly-regression",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Plan {
    /// The replicas to ask for while `current` are asked for.
    ///
    /// Small movements of the bound are not worth a pod: it grows to a little more than it must, and shrinks only where
    /// clearly more than is held for is less than what is there. The same dead band as its calibration's (`shadow`).
    pub fn replicas(&self, current: u32) -> u32 {
        let load = |load: f64| load / self.capacity.in_use;
        let replicas = banded(current, load(self.upper), load(self.held));
        if self.short { replicas.max(current) } else { replicas }
    }
}

/// The replicas to ask for while `current` are, where `upper` are needed and `held` were within the window.
pub(super) fn banded(current: u32, upper: f64, held: f64) -> u32 {
    // A billionth is rounding. Saturating by definition of `as`.
    let need = |replicas: f64| (replicas - 1e-9).ceil() as u32;
    if need(upper) > current {
        need(GROW * upper)
    } else if need(SHRINK * held) < current {
        need(GROW * held).max(need(upper)).min(current)
    } else {
        current
    }
}
