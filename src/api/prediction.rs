//! `spec.prediction`: which load is forecast, how far ahead, and whether the forecast acts.
//!
//! What it may name in `spec.metrics` is a rule of the whole spec and stands in `spec.rs`. Neighbour: `scalar.rs`.

use kube::KubeSchema;
use kube::core::{Message, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{Duration, LeadTime};

/// The forecast of one metric's load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PredictionSpec {
    /// The name of the metric whose load is forecast; its target must be an averageValue.
    #[schemars(length(min = 1, max = 63))]
    pub metric: String,
    /// Preview: computed and reported, does nothing. ScaleOut: one more candidate, so it can only raise. Default Preview.
    #[serde(default)]
    pub mode: PredictionModeSpec,
    /// How much history the model may use, in whole days or weeks, from 3d to 35d. Default 28d.
    #[serde(default = "four_weeks")]
    #[x_kube(validation = Rule::new("self.matches('^([3-9]|[12][0-9]|3[0-5])d$|^[1-5]w$')")
        .message(Message::Expression("'history must be whole days or weeks, from 3d to 35d; got ' + self".into())))]
    pub history: Duration,
    /// How far ahead replicas must be asked for to be ready in time, from 30s to 1h; or auto: the measured start-up
    /// time of the target's pods, plus the metric's delay, plus the interval. Default auto.
    #[serde(default = "auto")]
    #[x_kube(validation = Rule::new("self == 'auto' || (!self.matches('[0-9]{7}') && duration(self) >= duration('30s') && duration(self) <= duration('1h'))")
        .message(Message::Expression("'leadTime must be auto, or from 30s to 1h; got ' + self".into())))]
    pub lead_time: LeadTime,
}

/// Whether the forecast acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PredictionModeSpec {
    /// Computed and reported, never acted upon.
    #[default]
    Preview,
    /// One more candidate in the maximum: it can only raise.
    ScaleOut,
}

fn four_weeks() -> Duration {
    "28d".into()
}

fn auto() -> LeadTime {
    LeadTime("auto".into())
}
