//! `status`: the last decision, what each source said, the conditions, and what a restart needs.
//!
//! Numbers that are not integers are strings, as the API conventions ask. Built by `report/status.rs` from the typed
//! decision; written only on change.

mod bottleneck;
mod forecast;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use bottleneck::{BottleneckStatus, PodLoadStatus, ResourceUseStatus};
pub use forecast::{
    AdaptiveStatus, CapacityStatus, FeatureStatus, ForecastErrorStatus, ForecastStatus, PriceStatus, SampleCount,
    ShortfallStatus,
};

/// What was seen, what was decided, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicyStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Replicas that the target was asked for when this was written (spec.replicas).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<i32>,
    /// Pods of the target that are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// Replicas that the last decision wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<i32>,
    /// When the target was last scaled by this policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_time: Option<Time>,
    /// Field managers of the target's spec.replicas besides the operator, the latest first. No conflict: see
    /// docs/rivals.md before one of them lets go of the field. Only for Deployments and StatefulSets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub replicas_owners: Vec<String>,
    /// Ready, ScalingActive, AbleToScale, ScalingLimited, Conflicted; for Deployments and StatefulSets
    /// ReplicasContested; with a prediction ForecastTrusted, with a capacity ObjectiveMet; with spec.bottleneck
    /// Bottlenecked; and MetricsSuitable=False where a metric's query hardly fits its rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Each metric's value and proposal, or its error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub metrics: Vec<MetricStatus>,
    /// Each schedule's state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub schedules: Vec<ScheduleStatus>,
    /// The forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastStatus>,
    /// The target's pods against their limits, where spec.bottleneck asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<BottleneckStatus>,
    /// Measured start-up time of the target's pods: the 90th percentile of first Ready − created, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_seconds: Option<i64>,
    /// The last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionStatus>,
    /// What a restart or a new leader needs to know; not for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<DampingStatus>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricStatus {
    /// The metric's name.
    pub name: String,
    /// Its last value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The replicas it proposes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Why it has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<MetricErrorStatus>,
}

/// Why a metric has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricErrorStatus {
    /// The class of the failure: Unreachable, Timeout, BadAnswer, BadQuery, Empty, Ambiguous, NotFinite, Negative, …
    pub cause: String,
    /// What happened.
    pub message: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When spec.fallback begins, or began, to count because of it; while the metric fails, nothing is scaled down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_at: Option<Time>,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// The schedule's name.
    pub name: String,
    /// Whether its window is open.
    pub active: bool,
    /// When the open window closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// When the closed window opens next; absent where it never does again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_start: Option<Time>,
    /// Whether its replicas are asked for already, so that they are ready at nextStart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warming: bool,
    /// From when they are: nextStart less the lead time, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warming_from: Option<Time>,
}

/// The last decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionStatus {
    /// When it was made.
    pub time: Time,
    /// The winning source: `metric/NAME`, `schedule/NAME`, `forecast/METRIC`, `fallback/replicas` or
    /// `baseline/minReplicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// The decision in one sentence.
    pub message: String,
    /// What each source proposed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<ProposalStatus>,
    /// Each limit that changed the number, in the order it was applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitStatus>,
    /// The earliest instants of the next change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_eligible: Option<NextEligibleStatus>,
}

/// What one source proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposalStatus {
    /// metric, schedule, forecast, fallback or baseline.
    pub source: String,
    /// The name of the metric or schedule; for fallback and baseline the field of the spec that gives the count.
    pub name: String,
    /// The proposed replicas; absent where it abstains or has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Whether an Adaptive forecast has taken its place, so that its count is shown and does not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// From what, or why not.
    pub reason: String,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitStatus {
    /// The limit: ScaleDownStabilized, ScaleUpLimit, TooManyReplicas, …
    pub reason: String,
    /// The number it was given.
    pub before: i32,
    /// The number it made of it.
    pub after: i32,
    /// When it may let more through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// The earliest instants of the next change; absent: now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextEligibleStatus {
    /// Growing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Time>,
    /// Shrinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Time>,
}

/// What a restart or a new leader needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DampingStatus {
    /// The uid of the target that was scaled: another target has nothing to remember.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_uid: Option<String>,
    /// A change that was announced before it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_scale: Option<ScaleEventStatus>,
    /// The last changes, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub scale_events: Vec<ScaleEventStatus>,
    /// `spec.maxReplicas` that the target last obeyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<i32>,
    /// When each threshold rule last won a change: its own cooldown runs from then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub rules: Vec<RuleStatus>,
    /// The target is at zero because this policy scaled it there; another zero is a person's, and left alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scaled_to_zero: bool,
}

/// When a threshold rule last won a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleStatus {
    /// The metric's name.
    pub name: String,
    /// The last growth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Time>,
    /// The last shrinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Time>,
}

/// A change of the replica count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScaleEventStatus {
    /// When.
    pub at: Time,
    /// Replicas before.
    pub from: i32,
    /// Replicas after.
    pub to: i32,
    /// A floor forced it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// The metric whose threshold rule asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}
