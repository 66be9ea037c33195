//! A closed loop: observe, decide, record, apply; with a log of everything, so that laws need not trust the state.

use headroom::engine::decide;
use headroom::engine::decision::{Decision, ScaleEvent};
use headroom::engine::forecast::Forecast;
use headroom::engine::observation::{Observation, Replicas, Sample};
use headroom::engine::policy::Policy;
use headroom::engine::state::State;
use jiff::{SignedDuration, Timestamp};

/// What happens at one tick.
#[derive(Clone, Debug)]
pub struct Step {
    /// Time since the last tick; negative where the clock goes back.
    pub dt: SignedDuration,
    pub samples: Vec<Sample>,
    pub ready: Option<u32>,
    pub forecast: Option<Forecast>,
    pub startup: Option<SignedDuration>,
    /// Somebody runs `kubectl scale` before the tick.
    pub manual: Option<u32>,
    /// Whether the API server takes the write.
    pub writes: bool,
}

/// One tick as it was.
#[derive(Clone, Debug)]
pub struct Tick {
    pub at: Timestamp,
    pub decision: Decision,
    /// The change that was made.
    pub change: Option<ScaleEvent>,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub policy: Policy,
    pub state: State,
    pub current: u32,
    pub now: Timestamp,
    pub log: Vec<Tick>,
}

impl Run {
    pub fn new(policy: Policy, current: u32, start: Timestamp) -> Self {
        let state = State::default();
        Run {
            policy,
            state,
            current,
            now: start,
            log: Vec::new(),
        }
    }

    /// The run after these steps.
    pub fn after(policy: Policy, current: u32, start: Timestamp, steps: &[Step]) -> Self {
        let mut run = Run::new(policy, current, start);
        steps.iter().for_each(|s| drop(run.tick(s)));
        run
    }

    pub fn observe(&mut self, step: &Step) -> Observation {
        self.now = self.now.checked_add(step.dt).unwrap_or(self.now);
        self.current = step.manual.unwrap_or(self.current);
        Observation {
            signal: None,
            replicas: Replicas {
                spec: self.current,
                ready: step.ready,
            },
            samples: step.samples.clone(),
            forecast: step.forecast.clone(),
            startup: step.startup,
        }
    }

    pub fn tick(&mut self, step: &Step) -> Decision {
        let observation = self.observe(step);
        let decision = decide(&self.policy, &self.state, &observation, self.now);
        self.apply(decision.clone(), step.writes);
        decision
    }

    pub fn apply(&mut self, decision: Decision, writes: bool) {
        self.state.record(&self.policy, &decision);
        let change = decision.change().filter(|_| writes);
        if let Some(event) = &change {
            self.state.scaled(event.clone());
            self.current = event.to;
        }
        self.log.push(Tick {
            at: self.now,
            decision,
            change,
        });
    }
}
