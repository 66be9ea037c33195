//! The validated policy: what `decide` obeys.
//!
//! `validate.rs` is the only place that builds one from the API's types; whatever is here is already checked,
//! so nothing downstream re-reads the spec. Durations are [`SignedDuration`]s and never negative.
//! Neighbours: `observation.rs` (what was seen), `state.rs` (what is remembered), `decision.rs` (what comes out).

use std::sync::Arc;

use croner::Cron;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::forecast::{Forecast, Objective, Witness};
use super::observation::{Sample, usable};
use super::reading::PodMetric;

/// Start-up time assumed for a lead time of `auto` until a pod was seen to become ready: a minute covers an image that is
/// on the node and a service that warms up. Too much costs a minute of replicas per window, too little costs readiness.
pub const ASSUMED_STARTUP: SignedDuration = SignedDuration::from_secs(60);

/// One validated `ScalingPolicy`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The admin's limits on the replica count.
    pub bounds: Bounds,
    /// Time between two decisions.
    pub interval: SignedDuration,
    /// Whether decisions are written.
    pub mode: Mode,
    /// Reactive evidence, in the order of the spec.
    pub metrics: Vec<Metric>,
    /// Scheduled evidence, in the order of the spec.
    pub schedules: Vec<Schedule>,
    /// Predicted evidence.
    pub prediction: Option<Prediction>,
    /// What is wanted of a target whose metric has failed for long.
    pub fallback: Option<Fallback>,
    /// How fast and how eagerly the replica count may move.
    pub behavior: Behavior,
    /// How long a pod's processor time is doubted.
    pub warm_up: WarmUp,
}

/// How long a starting pod's processor time is doubted; HPA's two settings of the whole cluster, here per policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp {
    /// A pod that became unready within this time of its start, and is so since, was never ready.
    pub initial_readiness_delay: SignedDuration,
    /// Within this time of its start a pod's sample counts only if it is ready and was so throughout the sample.
    pub cpu_initialization_period: SignedDuration,
}

impl Default for WarmUp {
    /// HPA's defaults.
    fn default() -> Self {
        WarmUp {
            initial_readiness_delay: SignedDuration::from_secs(30),
            cpu_initialization_period: SignedDuration::from_mins(5),
        }
    }
}

/// `spec.minReplicas` and `spec.maxReplicas`; min ≤ max, and min may be 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Never fewer than this.
    pub min: u32,
    /// Never more than this, unless an active window says otherwise.
    pub max: u32,
}

/// What happens with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is written to the target.
    Active,
    /// Everything but the write.
    DryRun,
    /// The present count is held; evidence is still collected and shown.
    Paused,
    /// It would be written, if nothing else scaled the target: as DryRun, until the rival is gone (`others.rs`).
    Conflicted,
}

/// One reactive metric: a name and the rule that turns its value into replicas.
#[derive(Clone, Debug)]
pub struct Metric {
    /// `spec.metrics[].name`.
    pub name: Arc<str>,
    /// How its value becomes a replica count.
    pub rule: Rule,
    /// At or below this value a policy whose `minReplicas` is 0 needs no replica for this metric.
    pub activation: f64,
    /// What it is of the target's pods; `None` for one number that is there without any pod.
    pub pods: Option<PodMetric>,
}

/// How a metric's value becomes a replica count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// In proportion to a target.
    Target(Target),
    /// A step up or down at a threshold.
    Thresholds(Thresholds),
}

impl Rule {
    /// The proportional rule's target.
    pub fn target(&self) -> Option<Target> {
        match self {
            Rule::Target(target) => Some(*target),
            Rule::Thresholds(_) => None,
        }
    }
}

/// Fixed steps at thresholds. Between them nothing moves; `down.at < up.at`, so a step cannot undo the one before at the
/// same value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Above this value it grows.
    pub up: Step,
    /// Below this value it shrinks; without it the rule never asks for less, nor keeps others from it.
    pub down: Option<Step>,
}

/// One threshold and what happens beyond it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The threshold, in the metric's unit.
    pub at: f64,
    /// How many replicas a step adds or removes; at least 1.
    pub by: u32,
    /// The rule's own cooldown in this direction (see `propose::threshold`).
    pub cooldown: SignedDuration,
}

/// One more candidate once a metric has had no value for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// The count it proposes.
    pub replicas: u32,
    /// How long a metric must have failed.
    pub after: SignedDuration,
}

/// The proportional rule of HPA v2. Targets are finite and positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The query returns an average over the replicas (or a ratio): ready × value ÷ target.
    Value(f64),
    /// The query returns a total: total ÷ target.
    AverageValue(f64),
    /// Percent of what the pods request, on average: pods × percent ÷ target.
    Utilization(f64),
    /// The samples of the pods, on average: pods × average ÷ target.
    PodAverage(f64),
}

/// A window with a floor, a ceiling, or both (equal: an exact count).
#[derive(Clone, Debug)]
pub struct Schedule {
    /// `spec.schedules[].name`.
    pub name: Arc<str>,
    /// The zone on whose wall clock `when` is read.
    pub zone: TimeZone,
    /// When the window is open.
    pub when: When,
    /// How much before the window opens its floor acts; `None`: not before.
    pub lead: Option<Lead>,
    /// The least replicas while it is active.
    pub floor: Option<u32>,
    /// The most replicas while it is active.
    pub ceiling: Option<u32>,
}

/// When a window is open. Windows are half-open: [start, end).
#[derive(Clone, Debug)]
pub enum When {
    /// Time and again.
    Recurring(Box<Recurrence>),
    /// Once, from the one wall-clock time to the other.
    Once {
        /// When it opens.
        from: DateTime,
        /// When it closes; later than `from`.
        until: DateTime,
    },
}

/// A window that opens time and again.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// When it opens.
    pub start: Cron,
    /// When it closes.
    pub end: End,
    /// Dates on which it does not open; what opened before stays open.
    pub except: Vec<Date>,
}

/// How a recurring window ends.
#[derive(Clone, Debug)]
pub enum End {
    /// At the next occurrence of this expression.
    At(Box<Cron>),
    /// This long after its start.
    After(SignedDuration),
}

/// The forecast's part in the decision.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Index into [`Policy::metrics`] of the metric whose load is forecast; its target is an average value.
    pub metric: usize,
    /// Whether the forecast acts.
    pub mode: PredictionMode,
    /// How far ahead replicas must be asked for.
    pub lead: Lead,
    /// How much history the model may use.
    pub history: SignedDuration,
    /// What a margin is calibrated for: acted on in Adaptive, computed and shown in the other modes.
    pub objective: Option<Objective>,
    /// Above this value of the objective's signal the target is short of capacity.
    pub signal: Option<f64>,
}

/// A measured lead time's step in seconds: that of most intervals, so that a start-up that took a second longer is no other lead
/// time. With 30 s a lead time is 7 s longer on average, and replica-hours on the benchmark's loads are 1.5 % more.
const LEAD_STEP: i64 = 15;

impl Prediction {
    /// How far ahead the forecast is to look: as fixed, or start-up + metric delay + interval, in whole steps of 15 s and at most
    /// an hour.
    pub fn horizon(
        &self,
        startup: Option<SignedDuration>,
        delay: SignedDuration,
        interval: SignedDuration,
    ) -> SignedDuration {
        match self.lead {
            Lead::Fixed(lead) => lead,
            Lead::Auto => {
                let needed = startup.unwrap_or(ASSUMED_STARTUP) + delay + interval;
                let steps = (needed.as_secs() + LEAD_STEP - 1).div_euclid(LEAD_STEP);
                SignedDuration::from_secs((steps * LEAD_STEP).clamp(LEAD_STEP, 3_600))
            }
        }
    }

    /// Whether what acts in this mode may be acted upon: the plan in Adaptive, else the forecast.
    pub fn trusts(&self, forecast: &Forecast) -> bool {
        match self.mode {
            PredictionMode::Preview | PredictionMode::ScaleOut => forecast.trust.is_trusted(),
            PredictionMode::Adaptive => forecast.plan.as_ref().is_some_and(|plan| plan.trust.is_trusted()),
        }
    }

    /// What was `ready` for a load, and what the signal said of it.
    pub fn witness(&self, ready: Option<u32>, signal: Option<&Sample>) -> Witness {
        Witness {
            ready,
            signal: self.signal.is_some(),
            short: self.short(signal),
            acts: self.mode == PredictionMode::Adaptive,
        }
    }

    /// Whether the target is short of capacity, by the objective's signal. Without a usable value nobody knows, and that
    /// is not the same as no.
    fn short(&self, signal: Option<&Sample>) -> Option<bool> {
        Some(usable(signal).ok()? > self.signal?)
    }
}

/// Whether the forecast acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionMode {
    /// Computed and reported, never acted upon.
    Preview,
    /// One more candidate in the maximum: it can only raise.
    ScaleOut,
    /// While trusted, the calibrated bound takes the place of the metric's own target; it may lower the margin.
    Adaptive,
}

/// How much earlier than they are needed replicas are asked for, so that they are ready in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// Measured: the start-up time of the target's pods + one interval; for the forecast + the metric's delay as well.
    Auto,
    /// Fixed by the admin.
    Fixed(SignedDuration),
}

/// HPA v2's `behavior`, plus a cooldown per direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Behavior {
    /// Rules for growing.
    pub up: ScalingRules,
    /// Rules for shrinking.
    pub down: ScalingRules,
}

/// The rules of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingRules {
    /// Recommendations of this long are considered before moving; zero looks at the last only.
    pub stabilization: SignedDuration,
    /// Rate limits; never empty unless `select` is [`SelectPolicy::Disabled`].
    pub policies: Vec<RatePolicy>,
    /// Which of the rate limits counts.
    pub select: SelectPolicy,
    /// Relative deviation of a metric from its target below which nothing moves in this direction.
    pub tolerance: f64,
    /// Least time between the last change and the next in this direction (see `damp::cooldown`).
    pub cooldown: SignedDuration,
}

/// At most `amount` within any `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePolicy {
    /// Pods or percent, and how many.
    pub amount: Amount,
    /// The window over which changes are added up; 1 s to 30 min.
    pub period: SignedDuration,
}

/// The size of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Replicas.
    Pods(u32),
    /// Percent of the count at the period's start.
    Percent(u32),
}

/// Which of several rate limits counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: this direction is switched off.
    Disabled,
}

impl Default for Behavior {
    /// HPA v2's defaults: up at once, by 100 % or 4 pods in 15 s; down after 300 s, by 100 % in 15 s; tolerance 10 %.
    fn default() -> Self {
        let rate = |amount| RatePolicy {
            amount,
            period: SignedDuration::from_secs(15),
        };
        Behavior {
            up: ScalingRules {
                stabilization: SignedDuration::ZERO,
                policies: vec![rate(Amount::Percent(100)), rate(Amount::Pods(4))],
                select: SelectPolicy::Max,
                tolerance: 0.1,
                cooldown: SignedDuration::ZERO,
            },
            down: ScalingRules {
                stabilization: SignedDuration::from_secs(300),
                policies: vec![rate(Amount::Percent(100))],
                select: SelectPolicy::Max,
                tolerance: 0.1,
                cooldown: SignedDuration::ZERO,
            },
        }
    }
}

impl Policy {
    /// The longest period of any rate policy: how long a scale event matters to the rate limits.
    pub fn longest_rate_period(&self) -> SignedDuration {
        let rules = [&self.behavior.up, &self.behavior.down];
        let periods = rules.iter().flat_map(|r| r.policies.iter().map(|p| p.period));
        periods.max().unwrap_or(SignedDuration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::super::observation::{Cause, Failure};
    use super::*;

    #[test]
    fn a_signal_without_a_value_is_never_not_short() {
        let prediction = |signal| Prediction {
            metric: 0,
            mode: PredictionMode::Adaptive,
            lead: Lead::Auto,
            history: SignedDuration::ZERO,
            objective: None,
            signal,
        };
        let failed = Err(Failure::new(Cause::Empty, "nothing"));
        for (sample, expected) in [
            (Some(Ok(0.51.into())), Some(true)),
            (Some(Ok(0.5.into())), Some(false)),
            (Some(Ok(0.0.into())), Some(false)),
            (Some(Ok(f64::NAN.into())), None),
            (Some(Ok(f64::INFINITY.into())), None),
            (Some(Ok((-1.0).into())), None),
            (Some(failed), None),
            (None, None),
        ] {
            let got = prediction(Some(0.5)).short(sample.as_ref());
            assert_eq!(got, expected, "{sample:?}");
        }
        assert_eq!(prediction(None).short(Some(&Ok(9.0.into()))), None);
    }
}
