//! Scenes for the tests of this folder: real decisions of real policies, so that no test invents what cannot happen.

use jiff::{SignedDuration, Timestamp};

use super::status::{Actuation, Decided, Report, Situation, View, build};
use crate::api::status::ScalingPolicyStatus;
use crate::engine::bottleneck::{self, Bottleneck, Look, Pod, PodUse, Told};
use crate::engine::decide;
use crate::engine::decision::{Action, Decision, ScaleEvent};
use crate::engine::forecast::{
    Basis, Capacity, Effects, Errors, Forecast, Forecaster, Model, Plan, Price, Settings, Shortfall, Trust,
};
use crate::engine::observation::{Cause, Failure, Observation, Replicas, Sample};
use crate::engine::others::{Others, Rewrite, Rewrites, Rival, Scaler};
use crate::engine::policy::Policy;
use crate::engine::reading::{Phase, Reading, Ready};
use crate::engine::state::{Remembered, State};
use crate::validate::Advice;

/// One metric with a target of 200 per replica, at most 20 replicas.
pub(super) const REQUESTS: &str = "
targetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
minReplicas: 2
maxReplicas: 20
metrics:
- name: requests
  prometheus: {query: 'sum(rate(http_requests_total[1m]))'}
  target: {averageValue: '200'}
";

/// A Friday.
pub(super) const NOW: &str = "2026-11-20T10:00:00Z";

/// An instant.
#[track_caller]
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `seconds` after [`NOW`].
pub(super) fn after(seconds: i64) -> Timestamp {
    at(NOW) + SignedDuration::from_secs(seconds)
}

/// A validated policy: [`REQUESTS`] with more of its YAML.
#[track_caller]
pub(super) fn policy(more: &str) -> Policy {
    let spec = serde_yaml::from_str(&format!("{REQUESTS}{more}")).unwrap();
    crate::validate::policy(&spec).unwrap()
}

/// One number, or why there is none.
pub(super) type Value = Result<f64, Failure>;

/// A metric's failure.
pub(super) fn failure(cause: Cause, message: &str) -> Value {
    Err(Failure::new(cause, message))
}

/// What is said where the Prometheus server `default` is silent.
pub(super) const SILENT: &str =
    "Prometheus server `default`: no answer within 5 s; check that it can be reached from the operator";

/// A change that was made `seconds` after [`NOW`].
pub(super) fn change(seconds: i64, from: u32, to: u32) -> ScaleEvent {
    ScaleEvent {
        at: after(seconds),
        from,
        to,
        forced: false,
        rule: None,
    }
}

/// What a forecaster says that has seen a flat load for this many buckets of five minutes until [`NOW`].
pub(super) fn forecast(buckets: i64) -> Forecast {
    let minutes = SignedDuration::from_mins;
    let mut forecaster = Forecaster::new(Settings {
        objective: None,
        lead: minutes(5),
        history: minutes(28 * 24 * 60),
    });
    for i in (0..buckets).rev() {
        forecaster.observe(at(NOW) - minutes(5 * i), 900.0);
    }
    forecaster.forecast(at(NOW))
}

/// A policy that has a plan made, or acts on it.
pub(super) fn planning(mode: &str) -> String {
    let signal = "{prometheus: {query: p99}, above: '0.5'}";
    format!("prediction: {{metric: requests, mode: {mode}, capacity: 250, objective: {{signal: {signal}}}}}")
}

/// A forecast with a plan for this load, a margin of 12 % included, which a week has proven.
pub(super) fn plan(upper: f64) -> Forecast {
    let mut forecast = forecast(18);
    (forecast.trust, forecast.value, forecast.upper) = (Trust::Trusted, 1210.0, 1399.5);
    forecast.samples.have = 600;
    forecast.model = Model::LinearRegression;
    // Growths of 12, 0, -3 and 5 %.
    forecast.effects = Some(Effects {
        usual: 0.01,
        of: [0.1133, 0.0001, -0.0305, 0.0488],
    });
    forecast.error = Some(Errors {
        model: 0.04,
        naive: 0.06,
    });
    let price = [(0.0001, 0.21), (0.001, 0.12), (0.01, 0.06)];
    forecast.plan = Some(Plan {
        upper,
        held: upper,
        value: upper / 1.12,
        short: false,
        load: 1100.0,
        basis: Basis::DailyRegression,
        margin: 0.12,
        capacity: Capacity {
            believed: 250.0,
            in_use: 250.0,
        },
        shortfall: Shortfall {
            objective: 0.001,
            achieved: Some(0.0004),
            watched: SignedDuration::from_hours(7 * 24),
            within_reach: true,
        },
        price: price.map(|(shortfall, margin)| Price { shortfall, margin }).into(),
        trust: Trust::Trusted,
    });
    forecast
}

/// Pods that use so much of a limit of 100: cpu (80 is near), memory (85), and their load where it is told; at most 20.
/// As it is told once it has lasted a minute until `seconds` after [`NOW`].
pub(super) fn pods(cpu: &[f64], memory: &[f64], load: Option<&[f64]>, seconds: i64) -> Bottleneck {
    let mut state = bottleneck::State::default();
    let limits = bottleneck::Limits([Some(80.0), Some(85.0), None, None]);
    let looks = [-60, -30, 0].map(|before| {
        let now = after(seconds + before);
        let each = |values: &[f64]| {
            let sample = |used: &f64| PodUse {
                used: *used,
                percent: *used,
                from: now - SignedDuration::from_secs(15),
                at: now,
            };
            Ok(Told::Each(values.iter().map(|v| Some(sample(v))).collect()))
        };
        let pod = |i: usize| Pod {
            name: format!("checkout-{i}").into(),
            phase: Phase::Running,
            started: None,
            ready: Some(Ready {
                holds: true,
                since: after(-3600),
            }),
        };
        let look = Look {
            pods: (0..cpu.len()).map(pod).collect(),
            uses: [Some(each(cpu)), Some(each(memory)), None, None],
            load: load.map(each),
            total: None,
            current: 4,
            ceiling: 20,
        };
        state.look(&limits, &look, now)
    });
    let [.., last] = looks;
    last
}

/// Argo CD rewrote our value at `seconds` after [`NOW`], and twice in the two minutes before.
pub(super) fn fought_over(seconds: i64) -> Rewrites {
    let mut rewrites = Rewrites::default();
    for before in [120, 60, 0] {
        rewrites.add(Rewrite {
            at: after(seconds - before),
            manager: "argocd-controller".into(),
        });
    }
    rewrites
}

/// The target's uid.
pub(super) const TARGET: &str = "target-uid";

/// The measured start-up time of its pods.
const STARTUP: SignedDuration = SignedDuration::from_secs(42);

/// A decision with all that surrounds it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) policy: Policy,
    pub(super) state: State,
    pub(super) decision: Decision,
    pub(super) forecast: Option<Forecast>,
    pub(super) signal: Option<Sample>,
    pub(super) others: Others,
    pub(super) bottleneck: Option<Bottleneck>,
    /// Whether the pods are watched and were not seen yet.
    pub(super) awaited: bool,
    /// What is hardly meant in the policy.
    pub(super) advice: Vec<Advice>,
    error: Option<String>,
    /// The state without the change.
    before: State,
}

impl Scene {
    /// Decides at `now` for a target of `current` replicas whose count was recommended a minute ago, and makes the
    /// change.
    pub(super) fn new(policy: Policy, events: &[ScaleEvent], current: u32, sample: Value, now: Timestamp) -> Scene {
        Scene::forecasting(policy, events, current, sample, None, now)
    }

    /// The same with a forecast.
    pub(super) fn forecasting(
        policy: Policy,
        events: &[ScaleEvent],
        current: u32,
        sample: Value,
        forecast: Option<Forecast>,
        now: Timestamp,
    ) -> Scene {
        Scene::observing(policy, events, current, vec![sample], forecast, now)
    }

    /// The same with a sample for each metric.
    pub(super) fn observing(
        policy: Policy,
        events: &[ScaleEvent],
        current: u32,
        samples: Vec<Value>,
        forecast: Option<Forecast>,
        now: Timestamp,
    ) -> Scene {
        let seeded = now - SignedDuration::from_secs(60);
        let known = Remembered {
            events: events.to_vec(),
            ..Remembered::default()
        };
        let mut state = State::restore(known, current, seeded);
        let observation = Observation {
            signal: None,
            replicas: Replicas {
                spec: current,
                ready: Some(current),
            },
            samples: samples.into_iter().map(|s| s.map(Reading::Number)).collect(),
            forecast: forecast.clone(),
            startup: Some(STARTUP),
        };
        let decision = decide(&policy, &state, &observation, now);
        state.record(&policy, &decision);
        let before = state.clone();
        if let Some(event) = decision.change() {
            state.scaled(event);
        }
        Scene {
            policy,
            state,
            decision,
            forecast,
            signal: None,
            others: Others {
                rewrites: Some(Rewrites::default()),
                ..Others::default()
            },
            bottleneck: None,
            awaited: false,
            advice: Vec::new(),
            error: None,
            before,
        }
    }

    /// With a plan in mode Adaptive, whose signal says this.
    pub(super) fn adaptive(forecast: Forecast, current: u32, load: f64, signal: Value) -> Scene {
        let policy = policy(&planning("Adaptive"));
        let mut scene = Scene::forecasting(policy, &[], current, Ok(load), Some(forecast), at(NOW));
        scene.signal = Some(signal.map(Reading::Number));
        scene
    }

    /// The same policy and load where this rival scales the target as well.
    pub(super) fn rivalled(current: u32, load: f64, scaler: Scaler, name: &str) -> Scene {
        let others = Others {
            rivals: vec![Rival {
                scaler,
                name: name.into(),
            }],
            ..Others::default()
        };
        let mut scene = Scene::new(others.restrain(policy("")), &[], current, Ok(load), at(NOW));
        scene.others = others;
        scene
    }

    /// The same decision, of which the write failed.
    pub(super) fn failed(mut self, error: impl Into<String>) -> Scene {
        self.error = Some(error.into());
        self.state.clone_from(&self.before);
        self
    }

    pub(super) fn decided(&self) -> Decided<'_> {
        Decided {
            target_uid: TARGET,
            others: &self.others,
            policy: &self.policy,
            advice: &self.advice,
            decision: &self.decision,
            state: &self.state,
            forecast: self.forecast.as_ref(),
            signal: self.signal.as_ref(),
            bottleneck: match &self.bottleneck {
                Some(seen) => Some(View::Seen(seen)),
                None => self.awaited.then_some(View::Awaited),
            },
            startup: Some(STARTUP),
            pending: None,
            actuation: match (&self.error, self.decision.action) {
                (Some(error), _) => Actuation::Failed(error),
                (None, Action::Scale { .. }) => Actuation::Scaled,
                (None, _) => Actuation::Nothing,
            },
        }
    }

    pub(super) fn status(&self, previous: Option<&ScalingPolicyStatus>) -> ScalingPolicyStatus {
        status(Situation::Decided(self.decided()), self.decision.at, previous)
    }
}

/// The status of generation 3.
pub(super) fn status(
    situation: Situation<'_>,
    now: Timestamp,
    previous: Option<&ScalingPolicyStatus>,
) -> ScalingPolicyStatus {
    let report = Report {
        generation: Some(3),
        now,
        situation,
    };
    build(&report, previous)
}
