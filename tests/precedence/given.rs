//! What a row is given: a calm target that is exactly right, and one call for each thing that differs from it.
//!
//! Each call changes policy, state or observation and says so in words, so that the page cannot tell another story than
//! the test.

mod plans;

use std::str::FromStr;

use croner::Cron;
use headroom::engine::decide;
use headroom::engine::decision::{Decision, ScaleEvent};
use headroom::engine::forecast::{Abstention, Bound, Forecast, Model, Samples, Trust};
use headroom::engine::observation::{Cause, Failure, Observation, Replicas, Sample};
use headroom::engine::policy::{
    Amount, Behavior, Bounds, End, Fallback, Lead, Metric, Mode, Policy, Prediction, PredictionMode, RatePolicy,
    Recurrence, Rule, Schedule, SelectPolicy, Step, Target, Thresholds, WarmUp, When,
};
use headroom::engine::reading::PodMetric;
use headroom::engine::state::{Remembered, RuleTimes, State};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A policy, a history and an observation, with words for what is not as usual.
pub struct Given {
    policy: Policy,
    current: u32,
    samples: Vec<Sample>,
    forecast: Option<Forecast>,
    events: Vec<ScaleEvent>,
    /// What was recommended last, and how many seconds ago; `None`: the present count, an hour ago.
    recommended: Option<(u32, i64)>,
    obeyed: Option<u32>,
    rules: Vec<RuleTimes>,
    zeroed: bool,
    words: Vec<String>,
}

const WARMING: &str = "a window within its lead time";

/// A Friday noon.
fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

/// The usual case that every row starts from.
pub fn given() -> Given {
    Given {
        policy: Policy {
            bounds: Bounds { min: 2, max: 50 },
            interval: SignedDuration::from_secs(15),
            mode: Mode::Active,
            metrics: vec![metric("requests")],
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: Behavior::default(),
            warm_up: WarmUp::default(),
        },
        current: 10,
        samples: vec![Ok(1000.0.into())],
        forecast: None,
        events: Vec::new(),
        recommended: None,
        obeyed: Some(50),
        rules: Vec::new(),
        zeroed: false,
        words: Vec::new(),
    }
}

fn metric(name: &str) -> Metric {
    Metric {
        name: name.into(),
        rule: Rule::Target(Target::AverageValue(100.0)),
        activation: 0.0,
        pods: None,
    }
}

fn failure() -> Failure {
    Failure::new(Cause::Empty, "the query returned nothing")
}

impl Given {
    pub fn decide(&self) -> Decision {
        let known = Remembered {
            events: self.events.clone(),
            obeyed_max: self.obeyed,
            rules: self.rules.clone(),
            zeroed: self.zeroed,
        };
        let (seed, at) = self.recommended.map_or((self.current, ago(3600)), |(r, s)| (r, ago(s)));
        let state = State::restore(known, seed, at);
        let observation = Observation {
            signal: None,
            replicas: Replicas {
                spec: self.current,
                ready: Some(self.current),
            },
            samples: self.samples.clone(),
            forecast: self.forecast.clone(),
            startup: None,
        };
        decide(&self.policy, &state, &observation, now())
    }

    pub fn words(&self) -> String {
        if self.words.is_empty() {
            "nothing else".into()
        } else {
            self.words.join("; ")
        }
    }

    fn say(mut self, words: impl Into<String>) -> Self {
        self.words.push(words.into());
        self
    }

    pub fn paused(mut self) -> Self {
        self.policy.mode = Mode::Paused;
        self.say("mode: Paused")
    }

    pub fn conflicted(mut self) -> Self {
        self.policy.mode = Mode::Conflicted;
        self.say("an HPA scales the same target")
    }

    pub fn dry_run(mut self) -> Self {
        self.policy.mode = Mode::DryRun;
        self.say("mode: DryRun")
    }

    pub fn replicas(mut self, n: u32) -> Self {
        self.current = n;
        self.say(if n == 1 {
            "1 replica".into()
        } else {
            format!("{n} replicas")
        })
    }

    pub fn load(mut self, load: f64) -> Self {
        self.samples[0] = Ok(load.into());
        self.say(format!("load {load}"))
    }

    pub fn failing(mut self) -> Self {
        self.samples[0] = Err(failure());
        self.say("the metric's query returns nothing")
    }

    pub fn second_metric(mut self, load: f64) -> Self {
        self.policy.metrics.push(metric("jobs"));
        self.samples.push(Ok(load.into()));
        self.say(format!("a second metric with load {load}"))
    }

    pub fn second_failing(mut self) -> Self {
        self.policy.metrics.push(metric("jobs"));
        self.samples.push(Err(failure()));
        self.say("a second metric whose query returns nothing")
    }

    pub fn no_metrics(mut self) -> Self {
        self.policy.metrics.clear();
        self.samples.clear();
        self.say("no metrics")
    }

    fn schedule(mut self, state: &str, floor: Option<u32>, ceiling: Option<u32>) -> Self {
        let start = if state == "a window" { "0 8 * * *" } else { "0 20 * * *" };
        let recurrence = Recurrence {
            start: Cron::from_str(start).unwrap(),
            end: End::After(SignedDuration::from_hours(10)),
            except: Vec::new(),
        };
        let lead = Lead::Fixed(SignedDuration::from_hours(9));
        self.policy.schedules.push(Schedule {
            name: "hours".into(),
            zone: TimeZone::UTC,
            when: When::Recurring(Box::new(recurrence)),
            lead: Some(lead).filter(|_| state == WARMING),
            floor,
            ceiling,
        });
        let field = |name, limit: Option<u32>| limit.map(|n| format!("{name}: {n}"));
        let fields: Vec<_> = match (floor, ceiling) {
            (Some(f), Some(c)) if f == c => vec![format!("replicas: {f}")],
            _ => [field("minReplicas", floor), field("maxReplicas", ceiling)]
                .into_iter()
                .flatten()
                .collect(),
        };
        self.say(format!("{state} with {}", fields.join(", ")))
    }

    pub fn floor(self, n: u32) -> Self {
        self.schedule("a window", Some(n), None)
    }

    pub fn ceiling(self, n: u32) -> Self {
        self.schedule("a window", None, Some(n))
    }

    pub fn exactly(self, n: u32) -> Self {
        self.schedule("a window", Some(n), Some(n))
    }

    pub fn closed(self, floor: u32) -> Self {
        self.schedule("a closed window", Some(floor), None)
    }

    /// Closed, and within its lead time.
    pub fn warming(self, floor: u32) -> Self {
        self.schedule(WARMING, Some(floor), None)
    }

    pub fn warming_exactly(self, n: u32) -> Self {
        self.schedule(WARMING, Some(n), Some(n))
    }

    fn predicted(mut self, mode: PredictionMode, forecast: Option<Forecast>) -> Self {
        self.policy.prediction = Some(Prediction {
            objective: None,
            signal: None,
            metric: 0,
            mode,
            lead: Lead::Auto,
            history: SignedDuration::from_hours(28 * 24),
        });
        self.forecast = forecast;
        self
    }

    pub fn forecast(self, upper: f64) -> Self {
        self.predicted(PredictionMode::ScaleOut, Some(prophecy(upper, Trust::Trusted)))
            .say(format!("a forecast of {upper} (ScaleOut)"))
    }

    pub fn preview(self, upper: f64) -> Self {
        self.predicted(PredictionMode::Preview, Some(prophecy(upper, Trust::Trusted)))
            .say(format!("a forecast of {upper} (Preview)"))
    }

    pub fn untrusted(self, upper: f64) -> Self {
        let trust = Trust::Abstains(Abstention::Stale { since: None });
        self.predicted(PredictionMode::ScaleOut, Some(prophecy(upper, trust)))
            .say(format!("a forecast of {upper} that is not trusted"))
    }

    /// A change that Headroom made.
    pub fn scaled(mut self, from: u32, to: u32, seconds: i64) -> Self {
        self.events.push(ScaleEvent {
            at: ago(seconds),
            from,
            to,
            forced: false,
            rule: None,
        });
        self.say(format!("scaled from {from} to {to} {seconds} s ago"))
    }

    /// A change that a floor forced.
    pub fn forced(mut self, from: u32, to: u32, seconds: i64) -> Self {
        self.events.push(ScaleEvent {
            at: ago(seconds),
            from,
            to,
            forced: true,
            rule: None,
        });
        self.say(format!("a floor raised it from {from} to {to} {seconds} s ago"))
    }

    pub fn recommended(mut self, n: u32, seconds: i64) -> Self {
        self.recommended = Some((n, seconds));
        self.say(format!("{n} were recommended {seconds} s ago"))
    }

    /// The metric steps at thresholds instead: above 1200 two more, below 300 one less, each with its own cooldown.
    pub fn steps(mut self, cooldown: i64) -> Self {
        let step = |at, by| Step {
            at,
            by,
            cooldown: SignedDuration::from_secs(cooldown),
        };
        self.policy.metrics[0].rule = Rule::Thresholds(Thresholds {
            up: step(1200.0, 2),
            down: Some(step(300.0, 1)),
        });
        self.say(format!(
            "thresholds instead of a target (above 1200: 2 more, below 300: 1 fewer, cooldown {cooldown} s)"
        ))
    }

    /// The same without a lower threshold.
    pub fn steps_up(mut self) -> Self {
        self = self.steps(300);
        self.words.pop();
        if let Rule::Thresholds(rule) = &mut self.policy.metrics[0].rule {
            rule.down = None;
        }
        self.say("an upper threshold instead of a target (above 1200: 2 more)")
    }

    /// The threshold rule won a change.
    pub fn stepped(mut self, from: u32, to: u32, seconds: i64) -> Self {
        self.events.push(ScaleEvent {
            at: ago(seconds),
            from,
            to,
            forced: false,
            rule: Some("requests".into()),
        });
        self.say(format!("its rule scaled from {from} to {to} {seconds} s ago"))
    }

    pub fn fallback(mut self, replicas: u32) -> Self {
        self.policy.fallback = Some(Fallback {
            replicas,
            after: SignedDuration::from_secs(180),
        });
        self.say(format!("fallback: {replicas} replicas after 3 min"))
    }

    /// As [`Given::failing`], since so many seconds.
    pub fn failing_for(mut self, seconds: i64) -> Self {
        self.samples[0] = Err(Failure {
            since: Some(ago(seconds)),
            ..failure()
        });
        self.say(format!("the metric's query has returned nothing for {seconds} s"))
    }

    pub fn min_zero(mut self) -> Self {
        self.policy.bounds.min = 0;
        self.say("minReplicas: 0")
    }

    pub fn activation(mut self, value: f64) -> Self {
        self.policy.metrics[0].activation = value;
        self.say(format!("activationValue: {value}"))
    }

    /// A second metric, of the pods' processor time, which is always a little.
    pub fn cpu(mut self, percent: f64) -> Self {
        self.policy.metrics.push(Metric {
            rule: Rule::Target(Target::Utilization(70.0)),
            pods: Some(PodMetric::Cpu),
            ..metric("cpu")
        });
        self.samples.push(Ok(percent.into()));
        self.say(format!("a second metric, cpu at {percent} % (target 70 %)"))
    }

    /// This policy scaled it to zero.
    pub fn resting(mut self) -> Self {
        self.current = 0;
        self.zeroed = true;
        self.recommended = Some((0, 3600));
        self.say("Headroom scaled it to zero")
    }

    /// The operator was started just now.
    pub fn restarted(mut self) -> Self {
        self.recommended = Some((self.current, 0));
        self.say("the operator has just started")
    }

    /// The first decision of a policy.
    pub fn new_policy(mut self) -> Self {
        self.obeyed = None;
        self.say("the policy is new")
    }

    /// `spec.maxReplicas` was just edited to this.
    pub fn edited_max(mut self, max: u32) -> Self {
        self.policy.bounds.max = max;
        self.say(format!("maxReplicas was just edited from 50 to {max}"))
    }

    pub fn up_cooldown(mut self, seconds: i64) -> Self {
        self.policy.behavior.up.cooldown = SignedDuration::from_secs(seconds);
        self.say(format!("scaleUp.cooldownSeconds: {seconds}"))
    }

    pub fn down_cooldown(mut self, seconds: i64) -> Self {
        self.policy.behavior.down.cooldown = SignedDuration::from_secs(seconds);
        self.say(format!("scaleDown.cooldownSeconds: {seconds}"))
    }

    pub fn up_window(mut self, seconds: i64) -> Self {
        self.policy.behavior.up.stabilization = SignedDuration::from_secs(seconds);
        self.say(format!("scaleUp.stabilizationWindowSeconds: {seconds}"))
    }

    pub fn up_pods(mut self, n: u32) -> Self {
        let period = SignedDuration::from_secs(60);
        self.policy.behavior.up.policies = vec![RatePolicy {
            amount: Amount::Pods(n),
            period,
        }];
        self.say(format!("scaleUp at most {n} pods in 60 s"))
    }

    pub fn up_percent(mut self, n: u32) -> Self {
        self.policy.behavior.up.policies = vec![RatePolicy {
            amount: Amount::Percent(n),
            period: SignedDuration::from_secs(60),
        }];
        self.say(format!("scaleUp.policies: {n} % in 60 s"))
    }

    pub fn down_percent(mut self, n: u32) -> Self {
        let period = SignedDuration::from_secs(60);
        self.policy.behavior.down.policies = vec![RatePolicy {
            amount: Amount::Percent(n),
            period,
        }];
        self.say(format!("scaleDown at most {n} % in 60 s"))
    }

    pub fn up_disabled(mut self) -> Self {
        self.policy.behavior.up.select = SelectPolicy::Disabled;
        self.say("scaleUp.selectPolicy: Disabled")
    }

    pub fn down_disabled(mut self) -> Self {
        self.policy.behavior.down.select = SelectPolicy::Disabled;
        self.say("scaleDown.selectPolicy: Disabled")
    }
}

fn prophecy(upper: f64, trust: Trust) -> Forecast {
    Forecast {
        plan: None,
        at: now(),
        value: upper,
        upper,
        bound: Bound { level: 0.9, ratio: 1.0 },
        bounds: [upper; 2],
        trust,
        model: Model::LinearRegression,
        samples: Samples { have: 600, need: 576 },
        error: None,
        effects: None,
    }
}
