//! What an explanation consists of: the JSON of `headroom explain --output json`.
//!
//! Stable: fields are added, never renamed or removed. `docs/explain.md` is generated from here. Sentences are for
//! people and may be worded otherwise at any time; scripts read the other fields.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::prediction::PredictionModeSpec;
use crate::api::spec::{PolicyMode, TargetRef};
use crate::api::status::{BottleneckStatus, ForecastStatus};

/// Why a target has the replicas that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The instant from which this is told.
    pub at: Time,
    /// The policy's namespace.
    pub namespace: String,
    /// The policy's name.
    pub name: String,
    /// What it scales.
    pub target: TargetRef,
    /// `spec.mode`.
    pub mode: PolicyMode,
    /// How far the status can be believed.
    pub freshness: Freshness,
    /// The answer in one sentence: how many, who decided, since when.
    pub answer: String,
    /// The counts.
    pub replicas: Counts,
    /// When the last decision was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Time>,
    /// The decision in the words of the status and of the Events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The last change that this policy made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scaled: Option<Scaled>,
    /// What each source asks for, in the order of the spec.
    pub proposals: Vec<Proposal>,
    /// Each limit that changed the number, in the order it was applied.
    pub limits: Vec<Limit>,
    /// What is in the way of a change.
    pub blocked: Blocked,
    /// The conditions that are not as in a policy at rest: what is broken, and what a person or a limit holds.
    pub conditions: Vec<Condition>,
    /// The forecast, where the policy asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// The target's pods against their limits, where the policy watches them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<Pods>,
    /// The schedules, in the order of the spec.
    pub schedules: Vec<Schedule>,
    /// What would make the next decision another one.
    pub would_change: Vec<Change>,
}

/// How far the status can be believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Freshness {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, and what to do; absent where the status is fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether the operator seems to be at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// The status is recent.
    Fresh,
    /// The spec was edited a moment ago; the status speaks of the spec before.
    Edited,
    /// The status is old, and nothing that it shows has to have changed since.
    Quiet,
    /// The status is old although it shows values, which rarely stand still: the operator may not be running.
    Doubtful,
    /// Something should have been written and was not: the operator does not run, or cannot write.
    Stale,
}

/// The counts as of the last decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Replicas that the target was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<i32>,
    /// Pods that were ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<i32>,
    /// Replicas that the decision wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<i32>,
}

/// A change of the replica count that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scaled {
    /// When.
    pub at: Time,
    /// Replicas before.
    pub from: i32,
    /// Replicas after.
    pub to: i32,
}

/// What one source asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// The kind of evidence: metric, schedule, forecast or baseline (minReplicas, for a policy without metrics).
    pub kind: String,
    /// The name of the metric or schedule.
    pub name: String,
    /// The metric's value, or the load that the forecast allows for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What the value is compared with, or what the schedule sets, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The replicas that it asks for; absent where it asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Whether it is the largest, which wins.
    pub winner: bool,
    /// From what, or why not, in the words of the status.
    pub reason: String,
    /// What a person ought to know beyond the numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A rule that changed the number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// The rule's stable name: ScaleDownStabilized, ScaleUpLimit, TooManyReplicas, …
    pub reason: String,
    /// The number it was given.
    pub before: i32,
    /// The number it made of it.
    pub after: i32,
    /// When it may let more through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The rule in words.
    pub why: String,
}

/// What is in the way of a change, in each direction; empty: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    /// Growing.
    pub up: Vec<Block>,
    /// Shrinking.
    pub down: Vec<Block>,
}

/// One thing that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Until when; absent: as long as it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// What it is.
    pub why: String,
}

/// The forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The metric whose load is forecast.
    pub metric: String,
    /// `spec.prediction.mode`.
    pub mode: PredictionModeSpec,
    /// What it says and whether it is trusted, in sentences.
    pub sentences: Vec<String>,
    /// `status.forecast`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ForecastStatus>,
}

/// The target's pods against their limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pods {
    /// Whether more replicas would help, and what is not known, in sentences.
    pub sentences: Vec<String>,
    /// `status.bottleneck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<BottleneckStatus>,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Whether its window was open at the last decision.
    pub active: bool,
    /// Whether its floor acted already at the last decision, so that replicas are ready when it opens.
    #[serde(default)]
    pub warming: bool,
    /// What it sets while it is open, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sets: Option<String>,
    /// When it opens or closes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_change: Option<Time>,
    /// The same in the schedule's own time zone, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
}

/// Something that would make the next decision another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What kind of thing.
    pub kind: ChangeKind,
    /// In one sentence.
    pub sentence: String,
    /// The metric or schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The metric's value beyond which it would be so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The replicas that would be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// When it comes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// The kinds of things that would change the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChangeKind {
    /// The operator has to run.
    Operator,
    /// The spec has to be corrected.
    Spec,
    /// The target has to exist, and to be within reach.
    Target,
    /// Somebody has to scale the target up from zero.
    FromZero,
    /// `spec.mode` has to be Active.
    Mode,
    /// Nothing else may scale the target, or set its count back.
    Rival,
    /// The write has to be accepted.
    Write,
    /// A metric has to have a usable value.
    MetricValue,
    /// A metric rises above a value.
    MetricAbove,
    /// A metric falls below a value.
    MetricBelow,
    /// A wait ends.
    WaitOver,
    /// A bound of the spec would have to be another.
    Bound,
    /// A schedule's window opens.
    WindowOpens,
    /// A schedule's window closes.
    WindowCloses,
    /// The forecast would have to be acted upon, or to ask for less.
    Forecast,
}
