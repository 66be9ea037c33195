//! The replay: a policy, a trace and a plant, one decision a tick.
//!
//! ```text
//! plant.advance → senses (late, averaged) → forecast → decide → plant.scale → Step
//! ```
//! Calls the same `decide` as the operator, keeps the same `State`, feeds the same forecaster. Pure: no files, no clock,
//! and nothing beyond the trace's row that follows a tick can change it (between rows the load is a straight line; the
//! summary notes where that is longer than metrics are late). An iterator, so that a year of ticks need not be held.

use jiff::{SignedDuration, Timestamp};

use super::observe::Lens;
use super::plant::Plant;
use super::senses::{self, Experiment, Senses};
use super::series::{Holes, Series};
use super::timeline::{Band, Evidence, Tick};
use crate::engine;
use crate::engine::decision::Decision;
use crate::engine::forecast::{Errors, Forecast, Forecaster, Settings};
use crate::engine::observation::{Observation, Replicas};
use crate::engine::policy::Policy;
use crate::engine::reading::Reading;
use crate::engine::state::{Remembered, State};

/// What is replayed, and on what.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The policy; its mode is obeyed, so make it Active to see replicas move.
    pub policy: Policy,
    /// What one replica can carry, in the trace's unit; above 0.
    pub capacity: f64,
    /// From the asking for a replica to its being ready.
    pub startup: SignedDuration,
    /// How late metrics are.
    pub delay: SignedDuration,
    /// Time between two decisions; at least 1 s.
    pub tick: SignedDuration,
    /// The first tick.
    pub start: Timestamp,
    /// The last tick is at or before it.
    pub end: Timestamp,
}

impl Setup {
    /// Ticks that the replay will have.
    pub fn ticks(&self) -> u64 {
        let tick = self.tick.as_secs().max(1);
        u64::try_from(self.end.duration_since(self.start).as_secs() / tick + 1).unwrap_or(0)
    }

    /// How far ahead the forecast is to look: as the operator's, with a tick for an interval.
    pub fn lead(&self) -> Option<SignedDuration> {
        let prediction = self.policy.prediction.as_ref()?;
        Some(prediction.horizon(Some(self.startup), self.delay, self.tick))
    }
}

/// One tick and the decision made at it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is recorded.
    pub tick: Tick,
    /// Why.
    pub decision: Decision,
    /// Whether the forecast, in mode Adaptive its plan, was trusted, where the policy has one.
    pub trusted: Option<bool>,
    /// What the forecast said, where there is one: what the objective needs, where it has one.
    pub band: Option<Band>,
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay<'a> {
    setup: &'a Setup,
    lens: Lens<'a>,
    holes: Holes,
    plant: Plant,
    state: State,
    forecaster: Option<Forecaster>,
    senses: Senses<'a>,
    /// The next tick.
    now: Timestamp,
    left: u64,
}

impl<'a> Replay<'a> {
    /// A replay that begins at `setup.start` with ⌈load ÷ target⌉ ready replicas, as an operator that has just started
    /// would find them; what lies before is the forecast's history.
    pub fn new(setup: &'a Setup, series: &'a Series) -> Self {
        Self::with(setup, series, Experiment::default())
    }

    /// The same, with something wrong on purpose: for benchmarks and tests.
    pub fn with(setup: &'a Setup, series: &'a Series, experiment: Experiment<'a>) -> Self {
        let lens = Lens {
            series,
            capacity: setup.capacity,
            delay: setup.delay,
        };
        let replicas = lens.initial(&setup.policy, setup.start);
        let forecaster = setup.policy.prediction.as_ref().zip(setup.lead()).map(|(p, lead)| {
            let mut forecaster = Forecaster::new(Settings {
                objective: p.objective,
                lead,
                history: p.history,
            });
            forecaster.backfill(lens.history(setup.start, p.history));
            if let Some(lie) = experiment.lie {
                forecaster.deceive(lie);
            }
            forecaster
        });
        let known = Remembered {
            obeyed_max: Some(setup.policy.bounds.max),
            // Whatever is at zero in a replay, nobody put there by hand.
            zeroed: replicas == 0,
            ..Remembered::default()
        };
        Replay {
            setup,
            lens,
            holes: series.holes(),
            plant: Plant::new(setup.startup, replicas),
            state: State::restore(known, replicas, setup.start),
            forecaster,
            senses: Senses::new(experiment, setup.capacity),
            now: setup.start,
            left: setup.ticks(),
        }
    }

    /// The lead time that the forecast uses, which has limits.
    pub fn lead(&self) -> Option<SignedDuration> {
        let seconds = self.forecaster.as_ref()?.settings().lead_seconds();
        Some(SignedDuration::from_secs(seconds))
    }

    /// The forecast's out-of-sample errors so far, where there is one.
    pub fn forecast_errors(&self) -> Option<Errors> {
        self.forecaster.as_ref().and_then(|f| f.forecast(self.now).error)
    }

    fn step(&mut self) -> Step {
        let (policy, now) = (&self.setup.policy, self.now);
        self.plant.advance(now);
        let (current, ready) = (self.plant.billed(), self.plant.ready());
        let seen = self.senses.look(&self.lens, now, ready);
        let samples = self.lens.samples_of(policy, seen.load, ready);
        let threshold = policy.prediction.as_ref().and_then(|p| p.signal);
        let signal = threshold.map(|threshold| senses::signal(seen, threshold));
        let forecast = match (&mut self.forecaster, &policy.prediction) {
            (Some(forecaster), Some(prediction)) => {
                let sample = samples.get(prediction.metric).and_then(|s| s.as_ref().ok());
                if let Some(load) = sample.and_then(Reading::number)
                    && self.lens.measured(now, &self.holes)
                {
                    forecaster.witness(now, load, prediction.witness(Some(ready), signal.as_ref()));
                }
                let forecast = forecaster.forecast(now);
                self.senses.tell(now, &forecast);
                Some(forecast)
            }
            _ => None,
        };
        let trusted = policy
            .prediction
            .as_ref()
            .zip(forecast.as_ref())
            .map(|(p, f)| p.trusts(f));
        let band = forecast.as_ref().and_then(band);
        let observation = Observation {
            signal,
            replicas: Replicas {
                spec: current,
                ready: Some(ready),
            },
            samples,
            forecast,
            startup: Some(self.setup.startup),
        };
        let decision = engine::decide(policy, &self.state, &observation, now);
        self.state.record(policy, &decision);
        if let Some(event) = decision.change() {
            self.plant.scale(now, event.to);
            self.state.scaled(event);
        }
        let ready = self.plant.ready();
        let tick = Tick {
            at: now,
            load: self.lens.series.load(now),
            capacity: f64::from(ready) * self.setup.capacity,
            desired: self.plant.billed(),
            ready,
            evidence: Evidence::of(&decision),
            window: decision.windows.iter().position(|w| w.active),
        };
        Step {
            tick,
            decision,
            trusted,
            band,
        }
    }
}

/// A forecast as the page draws it; nothing before there is a fit.
fn band(forecast: &Forecast) -> Option<Band> {
    let upper = forecast.plan.as_ref().map_or(forecast.upper, |plan| plan.upper);
    (forecast.error.is_some() && upper.is_finite()).then_some(Band {
        value: forecast.value,
        upper,
    })
}

impl Iterator for Replay<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.left = self.left.checked_sub(1)?;
        let step = self.step();
        self.now = self.now.checked_add(self.setup.tick).unwrap_or(Timestamp::MAX);
        Some(step)
    }
}
