//! `spec.prediction`: which load is forecast, how far ahead, whether the forecast acts, and what risk is accepted.
//!
//! What it has to do with `spec.metrics` are rules of the whole spec and stand in `spec.rs`. Neighbours: `scalar.rs`,
//! `source.rs`.

use kube::KubeSchema;
use kube::core::{Message, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{Duration, LeadTime, Level, Percent, Quantity};
use super::source::PrometheusSource;

/// The forecast of one metric's load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.mode != 'Adaptive' || has(self.capacity)")
        .message("mode Adaptive needs capacity, the most load that one replica can carry (docs/prediction.md says how to measure it); give it, or use mode Preview or ScaleOut")
        .field_path(".capacity"),
    validation = Rule::new("self.mode != 'Adaptive' || has(self.objective) && has(self.objective.signal)")
        .message("mode Adaptive needs objective.signal, a query that tells when the target is short of capacity (latency, errors, a queue): without it a capacity that is believed too high goes unnoticed; give it, or use mode Preview or ScaleOut")
        .field_path(".objective"),
    validation = Rule::new("!has(self.objective) || has(self.capacity)")
        .message("objective needs capacity, the most load that one replica can carry; give it, or leave objective out")
        .field_path(".capacity")
)]
pub struct PredictionSpec {
    /// The name of the metric whose load is forecast; its target must be an averageValue.
    #[schemars(length(min = 1, max = 63))]
    pub metric: String,
    /// Preview: computed and reported, does nothing. ScaleOut: one more candidate, so it can only raise. Adaptive: while
    /// trusted it takes the place of the metric's target, with the margin that the objective needs and no more; it needs
    /// capacity and objective.signal. Default Preview.
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
    /// The most load that one replica can carry, in the metric's unit; at least the metric's averageValue. With it the
    /// margin that the objective needs is found in every mode, and status tells what Adaptive would ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Quantity>,
    /// What risk is accepted, and what may be paid for less. Default with a capacity: shortfall 0.1%, maxMargin 100%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<ObjectiveSpec>,
}

/// What risk is accepted, and what may be paid for less.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectiveSpec {
    /// The share of time in which load may exceed what the ready replicas carry, from 0.01% to 10%. Default 0.1%, which
    /// is a minute and a half a day.
    #[serde(default = "a_thousandth")]
    #[x_kube(validation = percent("shortfall", "0.01", "10", "0.1%"))]
    pub shortfall: Percent,
    /// The most margin to pay for it, relative to the point forecast, from 5% to 1000%. Default 100%: at most twice what
    /// is expected. Where it does not suffice, the condition ObjectiveMet says what would.
    #[serde(default = "as_much_again")]
    #[x_kube(validation = percent("maxMargin", "5", "1000", "100%"))]
    pub max_margin: Percent,
    /// What being short of capacity looks like. It counts as shortfall, and corrects a capacity that is believed too
    /// high; without a value it tells nothing, least of all that all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalSpec>,
}

impl Default for ObjectiveSpec {
    fn default() -> Self {
        ObjectiveSpec {
            shortfall: a_thousandth(),
            max_margin: as_much_again(),
            signal: None,
        }
    }
}

/// A query, and the value above which the target is short of capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalSpec {
    /// A PromQL query that returns one number that rises as replicas run short: a high quantile of latency, the share of
    /// errors, the length of a queue.
    pub prometheus: PrometheusSource,
    /// Above this value the target is short.
    pub above: Level,
}

/// Whether the forecast acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PredictionModeSpec {
    /// Computed and reported, never acted upon.
    #[default]
    Preview,
    /// One more candidate in the maximum: it can only raise.
    ScaleOut,
    /// While trusted, it takes the place of the metric's target; it may lower the margin.
    Adaptive,
}

/// The rule of a percentage within limits. The pattern stands before the number, whose error would be shown instead.
fn percent(field: &str, least: &str, most: &str, such_as: &str) -> Rule {
    Rule::new(format!(
        "self.matches('^[0-9]{{1,4}}([.][0-9]{{1,4}})?%$') && double(self.replace('%', '')) >= double('{least}') && double(self.replace('%', '')) <= double('{most}')"
    ))
    .message(Message::Expression(format!(
        "'{field} must be a percentage from {least}% to {most}%, such as {such_as}; got ' + self"
    )))
}

fn a_thousandth() -> Percent {
    "0.1%".into()
}

fn as_much_again() -> Percent {
    "100%".into()
}

fn four_weeks() -> Duration {
    "28d".into()
}

fn auto() -> LeadTime {
    LeadTime("auto".into())
}
