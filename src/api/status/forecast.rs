//! `status.forecast`: what is expected, whether it is believed, and what the objective costs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastStatus {
    /// The instant up to which the load was forecast: now + lead time.
    pub at: Time,
    /// Lead time in seconds.
    pub lead_seconds: i64,
    /// The model of the point forecast; what a plan rests on is `basis`.
    pub model: String,
    /// Expected highest load until `at`; in mode Adaptive that of `basis`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its calibrated upper bound; this is what replicas are computed from. In mode Adaptive with the margin in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<String>,
    /// The replicas that the bound needs: by the metric's target, in mode Adaptive by the capacity in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Whether the forecast is trusted.
    pub trusted: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Five-minute samples of history the model has, and needs before it is trusted.
    pub samples: SampleCount,
    /// Mean relative error out of sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ForecastErrorStatus>,
    /// What carried the linear regression's forecast, the largest effect first; only where that is the model, and only what
    /// makes a tenth of a percent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub features: Vec<FeatureStatus>,
    /// What the margin stands on: trend, growth, volatility, daily-regression or weekly-regression. This and what follows
    /// only where spec.prediction.capacity is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// The margin that the objective needs over the expected load, as a fraction ("0.12" is 12 %).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<String>,
    /// What one replica carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityStatus>,
    /// The share of time that was short, against what is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<ShortfallStatus>,
    /// Whether the margin that the objective needs is within maxMargin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_reach: Option<bool>,
    /// What other objectives would cost, from the strictest to the laxest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub price: Vec<PriceStatus>,
    /// What Adaptive would ask for, in the modes that do not act on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<AdaptiveStatus>,
}

/// A part of the linear regression's forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeatureStatus {
    /// time-of-day, day-of-week, recent-load or earlier-days (what followed at the same time on earlier days).
    pub name: String,
    /// By how much it makes the forecast larger or smaller than at an average moment, as a fraction ("0.12" is 12 % more).
    /// Effects multiply.
    pub effect: String,
}

/// What one replica carries, in the metric's unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityStatus {
    /// spec.prediction.capacity.
    pub believed: String,
    /// What is counted with: less than believed once the signal told of a shortage below it.
    pub in_use: String,
}

/// The share of time that was short, as fractions ("0.001" is 0.1 %).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShortfallStatus {
    /// What is accepted: spec.prediction.objective.shortfall.
    pub objective: String,
    /// What was: the share of the watched time in which the load exceeded what the ready replicas carry, or the signal
    /// said so. Absent before there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub achieved: Option<String>,
    /// How much time was watched, in seconds; at most the last seven days.
    pub watched_seconds: i64,
}

/// A point of the price curve, as fractions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceStatus {
    /// An objective.
    pub shortfall: String,
    /// The mean margin over the load that it would need.
    pub margin: String,
}

/// What Adaptive would ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdaptiveStatus {
    /// The load to be ready for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<String>,
    /// The replicas that it would take; absent while it is not trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Whether it would be acted upon.
    pub trusted: bool,
    /// Why it would not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Samples of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleCount {
    /// Present.
    pub have: i64,
    /// Needed.
    pub need: i64,
}

/// Mean relative errors out of sample, as fractions ("0.08" is 8 %).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastErrorStatus {
    /// The model's.
    pub model: String,
    /// The best naive forecast's (last value, or the same time one or seven days ago).
    pub naive: String,
}
