//! `status.bottleneck`: how near its limits the target's pods are, how evenly they are used, and what to do about it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pods against their limits. A recommendation, never an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BottleneckStatus {
    /// The resource that is nearest its limit, measured by its threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// Each watched resource: cpu, memory, disk, network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 4))]
    pub resources: Vec<ResourceUseStatus>,
    /// How evenly the load spreads, where spec.bottleneck.load is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<PodLoadStatus>,
    /// What to do, where more replicas will not help: BiggerPods, BalanceLoad or RaiseMaxReplicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Of which resource the condition Bottlenecked speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What showed that more replicas will not help, in words, where that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Since when the condition Bottlenecked has had its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// One resource of the target's pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceUseStatus {
    /// cpu, memory, disk or network.
    pub name: String,
    /// Above this percentage a pod is near its limit.
    pub threshold: i32,
    /// What the pod uses that is nearest its limit, in percent of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<i32>,
    /// That pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hottest_pod: Option<String>,
    /// What the pods use on average, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<i32>,
    /// The hottest pod over the mean: 1 is even.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<String>,
    /// Standard deviation over the mean: how uneven the other pods are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variation: Option<String>,
    /// Pods that counted: ready, with a sample of the time since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<i32>,
    /// Why nothing is known: the class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How evenly the load spreads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodLoadStatus {
    /// The load of the pod that has most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<String>,
    /// That pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hottest_pod: Option<String>,
    /// The load of a pod on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<String>,
    /// The one over the other: 1 is even.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<String>,
    /// Standard deviation over the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variation: Option<String>,
    /// Why nothing is known: the class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
