//! `spec.behavior`: HPA v2's shape and defaults, so that people can paste their block, plus a cooldown per direction.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::Tolerance;

/// How fast and how eagerly the replica count may move: HPA v2's `behavior`, plus `cooldownSeconds`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyBehavior {
    /// Rules for growing. Default: no stabilisation, at most 100 % or 4 pods in 15 s, whichever is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<HpaScalingRules>,
    /// Rules for shrinking. Default: 300 s of stabilisation, at most 100 % in 15 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<HpaScalingRules>,
}

/// The rules of one direction. What is not given has HPA v2's default for that direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HpaScalingRules {
    /// Recommendations of this many seconds are considered: the highest of them on the way down, the lowest on the
    /// way up. 0 follows the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub stabilization_window_seconds: Option<i32>,
    /// Rate limits: at most so many pods or percent within a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    pub policies: Option<Vec<HpaPolicy>>,
    /// Which of several rate limits counts: the one that allows the most (Max), the least (Min), or none: this
    /// direction is switched off (Disabled). Default Max.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select_policy: Option<HpaSelectPolicy>,
    /// Relative deviation of a metric from its target below which nothing moves in this direction. Default 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
    /// Least seconds between the last change and the next in this direction. On the way down it runs from the last
    /// change in either direction, on the way up from the last scale-up. A window's floor never waits for it.
    /// Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub cooldown_seconds: Option<i32>,
}

/// One rate limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HpaPolicy {
    /// What is counted.
    #[serde(rename = "type")]
    pub kind: HpaPolicyType,
    /// How many pods, or how many percent of the count at the period's start.
    #[schemars(range(min = 1, max = 1000000))]
    pub value: i32,
    /// The period in seconds.
    #[schemars(range(min = 1, max = 1800))]
    pub period_seconds: i32,
}

/// What a rate limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HpaPolicyType {
    /// Pods.
    Pods,
    /// Percent of the count at the period's start.
    Percent,
}

/// Which of several rate limits counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HpaSelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: the direction is switched off.
    Disabled,
}
