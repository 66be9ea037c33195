//! Where a metric's value comes from: Prometheus, or one of the three metrics APIs that HPA v2 knows, with its names.
//!
//! Names of metrics and objects become parts of a request's path: whatever could lead to another path is refused here
//! and again by `validate.rs`. Neighbour: `spec.rs`, which has the rule that there is exactly one source.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::{JsonSchema, json_schema};
use serde::{Deserialize, Serialize};

use super::scalar::{Duration, inline_schema};

/// A PromQL query and the server that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusSource {
    /// Must return a scalar or exactly one series, finite and not negative.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// The name of a server from the operator's configuration (`--prometheus NAME=URL`). Default `default`.
    #[serde(default = "default_server")]
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(min = 1, max = 63))]
    pub server: String,
}

/// The cpu or memory of the target's pods, from metrics.k8s.io (metrics-server).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSource {
    /// cpu or memory.
    pub name: ResourceName,
    /// This container of each pod alone; without it all of them together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub container: Option<String>,
}

/// A resource that containers request and use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResourceName {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
}

/// A metric of each of the target's pods, from custom.metrics.k8s.io (an adapter).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodsSource {
    /// Which metric.
    pub metric: MetricIdentifier,
}

/// A metric of one object, from custom.metrics.k8s.io (an adapter).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectSource {
    /// The object, in the policy's namespace.
    pub described_object: DescribedObject,
    /// Which metric.
    pub metric: MetricIdentifier,
}

/// A metric from outside the cluster, from external.metrics.k8s.io (an adapter); several values are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSource {
    /// Which metric.
    pub metric: MetricIdentifier,
}

/// A metric's name at its adapter, and labels that narrow it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricIdentifier {
    /// As the adapter knows it.
    #[schemars(regex(pattern = r"^[^/%\s.][^/%\s]*$"), length(min = 1, max = 253))]
    pub name: String,
    /// Labels that the metric must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<MetricSelector>,
}

/// The object that a metric describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DescribedObject {
    /// For example networking.k8s.io/v1. Default v1.
    #[serde(default = "core")]
    #[schemars(regex(pattern = r"^[a-z0-9.-]+(/[a-z0-9]+)?$"), length(min = 1, max = 253))]
    pub api_version: String,
    /// For example Ingress.
    #[schemars(regex(pattern = r"^[A-Za-z0-9]+$"), length(min = 1, max = 63))]
    pub kind: String,
    /// Its name, in the policy's namespace.
    #[schemars(regex(pattern = r"^[^/%\s.][^/%\s]*$"), length(min = 1, max = 253))]
    pub name: String,
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSelector {
    /// Labels with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub match_labels: BTreeMap<String, LabelValue>,
    /// Requirements, all of which must be met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub match_expressions: Vec<LabelRequirement>,
}

/// One requirement of a label selector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)")
    .message(Message::Expression("'operator ' + self.operator + ' of label ' + self.key + ': In and NotIn need values, Exists and DoesNotExist take none'".into())))]
pub struct LabelRequirement {
    /// The label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// In, NotIn, Exists or DoesNotExist.
    pub operator: LabelOperator,
    /// For In and NotIn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub values: Vec<LabelValue>,
}

/// What is required of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LabelOperator {
    /// Its value is one of these.
    In,
    /// It has none of these values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

/// A label's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelValue(pub String);

inline_schema!(LabelValue, json_schema!({"type": "string", "maxLength": 63}));

/// How long a starting pod's processor time is doubted, because starting up costs some that says nothing of the load:
/// HPA's two settings, which it has for the whole cluster. They matter to resource metrics on cpu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarmUpSpec {
    /// A pod that is not ready, and was not since this time after its start, counts as never ready. From 1s to 1h.
    /// Default 30s.
    #[serde(default = "half_a_minute")]
    #[x_kube(validation = Rule::new("!self.matches('[dw]|[0-9]{7}') && duration(self) >= duration('1s') && duration(self) <= duration('1h')")
        .message(Message::Expression("'initialReadinessDelay must be from 1s to 1h, such as 30s; got ' + self".into())))]
    pub initial_readiness_delay: Duration,
    /// For this time after its start a pod counts only while it is ready, and with a sample that began after it became
    /// so. From 1s to 1h. Default 5m.
    #[serde(default = "five_minutes")]
    #[x_kube(validation = Rule::new("!self.matches('[dw]|[0-9]{7}') && duration(self) >= duration('1s') && duration(self) <= duration('1h')")
        .message(Message::Expression("'cpuInitializationPeriod must be from 1s to 1h, such as 5m; got ' + self".into())))]
    pub cpu_initialization_period: Duration,
}

impl Default for WarmUpSpec {
    fn default() -> Self {
        WarmUpSpec {
            initial_readiness_delay: half_a_minute(),
            cpu_initialization_period: five_minutes(),
        }
    }
}

fn default_server() -> String {
    "default".into()
}

fn core() -> String {
    "v1".into()
}

fn half_a_minute() -> Duration {
    "30s".into()
}

fn five_minutes() -> Duration {
    "5m".into()
}
