//! What people use today, on the same trace and plant and with the same observations as the policy that is replayed.
//!
//! ```text
//! Course (loads, as they are and as metrics see them) ─▶ Rival (hpa, cron, seasonal, phpa) ─▶ decide ─▶ plant ─▶ Figures
//!                                                     └▶ oracle ────────────────────────────────────────▶
//! ```
//! Every rival but the oracle is HPA v2, which our own `decide` is with HPA's rule and behaviour and nothing else
//! (docs/parity.md: the same replicas as Kubernetes' own controller), with at most one more candidate in the maximum. Each
//! has one knob, the utilisation it aims at, so that all can be tuned alike; floors have a margin as well. None may look past `now` − delay, but for the
//! oracle. Pure; `contest.rs` runs them in parallel.

mod ahead;
pub mod cron;
pub mod hpa;
pub mod oracle;
pub mod phpa;
pub mod seasonal;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::compare::Baseline;
use super::figures::{Figures, Meter};
use super::observe::Lens;
use super::plant::Plant;
use super::replay::Setup;
use super::series::Series;
use super::timeline::{Evidence, Tick, Timeline};
use crate::engine;
use crate::engine::forecast::{Bound, Forecast, Model, Samples, Trust};
use crate::engine::observation::{Observation, Replicas};
use crate::engine::policy::Policy;
use crate::engine::state::{Remembered, State};

/// A trace as every baseline meets it, worked out once for all of them.
#[derive(Debug)]
pub struct Course<'a> {
    setup: &'a Setup,
    series: &'a Series,
    /// The load at each tick.
    loads: Vec<f64>,
    /// What a query returns at each tick.
    seen: Vec<f64>,
    /// Whether a tick counts.
    counts: Vec<bool>,
}

impl<'a> Course<'a> {
    /// The course on which `setup` is replayed; of its policy only interval and bounds matter.
    pub fn new(setup: &'a Setup, series: &'a Series) -> Self {
        let lens = Lens {
            series,
            capacity: setup.capacity,
            delay: setup.delay,
        };
        let at = || (0..setup.ticks()).map(|i| tick_at(setup, i));
        Course {
            setup,
            series,
            loads: at().map(|now| series.load(now)).collect(),
            seen: at().map(|now| lens.load(now)).collect(),
            counts: at().map(|_| true).collect(),
        }
    }

    /// The same, but what is asked for in the trace's holes is not counted: nobody knows the load there.
    pub fn measured(mut self) -> Self {
        let holes = self.series.holes();
        let within = |i: usize| holes.touch(tick_at(self.setup, i as u64), SignedDuration::ZERO);
        self.counts = (0..self.loads.len()).map(|i| !within(i)).collect();
        self
    }

    /// Whether a tick counts; by its number.
    pub fn counts(&self, tick: usize) -> bool {
        self.counts.get(tick).copied().unwrap_or(false)
    }

    /// What is replayed, and on what.
    pub fn setup(&self) -> &'a Setup {
        self.setup
    }

    /// The loads at the ticks.
    pub fn loads(&self) -> &[f64] {
        &self.loads
    }

    /// What the replicas asked for at a tick are ready for at the latest: start-up and one tick, in ticks.
    fn horizon(&self) -> usize {
        let ticks = self.setup.startup.as_secs_f64() / self.setup.tick.as_secs_f64();
        ticks.ceil() as usize + 1
    }

    /// Runs `rival`, aiming at `target` (a share of what a replica carries), and draws into `timeline` where there is one.
    pub fn run(&self, rival: &Rival, target: f64, timeline: Option<&mut Timeline>) -> Figures {
        let share = target * self.setup.capacity;
        match rival {
            Rival::Hpa => self.drive(&hpa::policy(self.setup, target), timeline, |_| Beside::Nothing),
            Rival::Cron { floors, margin } => self.drive(&cron::policy(self.setup, target), timeline, |look| {
                Beside::Metric((floors[look.tick] * margin / self.setup.capacity).ceil())
            }),
            Rival::Seasonal(loads) => self.drive(&hpa::with_forecast(self.setup, target), timeline, |look| {
                Beside::Forecast(loads[look.tick])
            }),
            Rival::Phpa => {
                let mut regression = phpa::Regression::new(self.setup);
                self.drive(&hpa::with_forecast(self.setup, target), timeline, |look| {
                    let replicas = regression.next(look.at, look.load / share, look.replicas);
                    Beside::Forecast(replicas * share)
                })
            }
        }
    }

    /// `decide` in a loop, with whatever a rival knows beside HPA's metric.
    fn drive(
        &self,
        policy: &Policy,
        mut timeline: Option<&mut Timeline>,
        mut beside: impl FnMut(Look) -> Beside,
    ) -> Figures {
        let setup = self.setup;
        let mut meter = Meter::new(setup.tick, setup.capacity);
        let lens = Lens {
            series: self.series,
            capacity: setup.capacity,
            delay: setup.delay,
        };
        let replicas = lens.initial(&hpa::alone(policy), setup.start);
        let known = Remembered {
            obeyed_max: Some(policy.bounds.max),
            ..Remembered::default()
        };
        let mut plant = Plant::new(setup.startup, replicas);
        let mut state = State::restore(known, replicas, setup.start);
        for (tick, (load, seen)) in self.loads.iter().zip(&self.seen).enumerate() {
            let now = tick_at(setup, tick as u64);
            plant.advance(now);
            let replicas = Replicas {
                spec: plant.billed(),
                ready: Some(plant.ready()),
            };
            let look = Look {
                tick,
                at: now,
                load: *seen,
                replicas: replicas.spec,
            };
            let mut samples = vec![Ok((*seen).into())];
            let mut forecast = None;
            match beside(look) {
                Beside::Nothing => {}
                Beside::Metric(value) => samples.push(Ok(value.into())),
                Beside::Forecast(load) => forecast = Some(certain(now, load)),
            }
            let observation = Observation {
                replicas,
                samples,
                forecast,
                signal: None,
                startup: Some(setup.startup),
            };
            let decision = engine::decide(policy, &state, &observation, now);
            state.record(policy, &decision);
            if let Some(event) = decision.change() {
                plant.scale(now, event.to);
                state.scaled(event);
            }
            if self.counts(tick) {
                meter.tick(*load, plant.billed(), plant.ready());
            }
            if let Some(timeline) = timeline.as_deref_mut() {
                timeline.push(&self.tick(now, *load, &plant, Evidence::of(&decision)));
            }
        }
        meter.finish()
    }

    fn tick(&self, at: Timestamp, load: f64, plant: &Plant, evidence: Evidence) -> Tick {
        Tick {
            at,
            load,
            capacity: f64::from(plant.ready()) * self.setup.capacity,
            desired: plant.billed(),
            ready: plant.ready(),
            evidence,
            window: None,
        }
    }
}

/// A baseline that aims at a utilisation, with what it has learnt from history.
#[derive(Clone, Debug)]
pub enum Rival {
    /// HPA v2.
    Hpa,
    /// Floors.
    Cron {
        /// The most that history had at the hour of each tick, as a load.
        floors: Arc<[f64]>,
        /// Replicas for so many times that load.
        margin: f64,
    },
    /// The highest load of the last season ahead of each tick.
    Seasonal(Vec<f64>),
    /// The regression on replicas.
    Phpa,
}

impl Rival {
    /// The rivals that `baseline` may be: one, with cron one for each of [`cron::MARGINS`]; none for the oracle.
    pub fn all(baseline: Baseline, course: &Course<'_>) -> Vec<Self> {
        match baseline {
            Baseline::Hpa | Baseline::HpaTuned => vec![Rival::Hpa],
            Baseline::Cron => {
                let floors: Arc<[f64]> = cron::floors(course).into();
                let rival = |margin| Rival::Cron {
                    floors: floors.clone(),
                    margin,
                };
                cron::MARGINS.map(rival).to_vec()
            }
            Baseline::Seasonal => vec![Rival::Seasonal(seasonal::loads(course))],
            Baseline::Phpa => vec![Rival::Phpa],
            Baseline::Oracle => Vec::new(),
        }
    }

    /// The margin of its floors, where it has floors.
    pub fn margin(&self) -> Option<f64> {
        match self {
            Rival::Cron { margin, .. } => Some(*margin),
            Rival::Hpa | Rival::Seasonal(_) | Rival::Phpa => None,
        }
    }
}

/// What a rival may look at.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// The tick's number.
    tick: usize,
    at: Timestamp,
    /// The load as a query returns it.
    load: f64,
    /// What is asked for.
    replicas: u32,
}

/// What a rival knows beside HPA's metric.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Nothing,
    /// A second metric's value.
    Metric(f64),
    /// A load to be ready for.
    Forecast(f64),
}

/// A forecast as `decide` takes it, from somebody who has no doubts.
fn certain(now: Timestamp, load: f64) -> Forecast {
    Forecast {
        at: now,
        value: load,
        upper: load,
        bound: Bound { level: 1.0, ratio: 1.0 },
        bounds: [load; 2],
        trust: Trust::Trusted,
        model: Model::LastValue,
        samples: Samples { have: 0, need: 0 },
        error: None,
        effects: None,
        plan: None,
    }
}

/// The instant of a tick.
fn tick_at(setup: &Setup, tick: u64) -> Timestamp {
    let seconds = setup
        .tick
        .as_secs()
        .saturating_mul(i64::try_from(tick).unwrap_or(i64::MAX));
    setup
        .start
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
