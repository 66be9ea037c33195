//! `spec.bottleneck`: which resources of the target's pods are watched, and how near its limit a pod may come.
//!
//! A view, never an action: nothing here changes a replica count. What is made of it is `status.bottleneck`
//! (`status/bottleneck.rs`); docs/bottleneck.md says how to read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is watched of the target's pods, to tell when more replicas will not help.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BottleneckSpec {
    /// Processor time, from metrics.k8s.io.
    #[serde(default)]
    pub cpu: CpuLimitSpec,
    /// Memory, from metrics.k8s.io.
    #[serde(default)]
    pub memory: MemoryLimitSpec,
    /// Space on disk. Default: not watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskLimitSpec>,
    /// Network traffic. Default: not watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkLimitSpec>,
    /// The load of each pod: how evenly it spreads, and what a pod's use is compared with. Default: cpu stands for it,
    /// where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<PodLoadSpec>,
}

/// When a pod's processor time is near its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CpuLimitSpec {
    /// Above this percentage of its limit a pod is near it; where no container has a limit, of what the pod requests,
    /// which may be more than 100. Default 80.
    #[serde(default = "eighty")]
    #[schemars(range(min = 1, max = 1000))]
    pub above: i32,
}

/// When a pod's memory is near its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryLimitSpec {
    /// Above this percentage of its limit a pod is near it; where no container has a limit, of what the pod requests,
    /// which may be more than 100. Default 85.
    #[serde(default = "eighty_five")]
    #[schemars(range(min = 1, max = 1000))]
    pub above: i32,
}

/// How full a pod's disk is, and how full is too full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiskLimitSpec {
    /// Returns percent of what there is.
    pub prometheus: PodQuery,
    /// Above this percentage a pod is near its limit. Default 90.
    #[serde(default = "ninety")]
    #[schemars(range(min = 1, max = 100))]
    pub above: i32,
}

/// How busy a pod's network is, and how busy is too busy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkLimitSpec {
    /// Returns percent of what can be carried.
    pub prometheus: PodQuery,
    /// Above this percentage a pod is near its limit. Default 75.
    #[serde(default = "seventy_five")]
    #[schemars(range(min = 1, max = 100))]
    pub above: i32,
}

/// The load of each pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodLoadSpec {
    /// Returns each pod's load, in any unit.
    pub prometheus: PodQuery,
}

/// A PromQL query about the target's pods and the server that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodQuery {
    /// Must return one series for each pod, told apart by the label `pod`, 2,000 at most; or, but for the load, one value
    /// for all of them. Series of pods that are not the target's are left out.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// The name of a server from the operator's configuration (`--prometheus NAME=URL`). Default `default`.
    #[serde(default = "default_server")]
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(min = 1, max = 63))]
    pub server: String,
}

impl Default for CpuLimitSpec {
    fn default() -> Self {
        CpuLimitSpec { above: eighty() }
    }
}

impl Default for MemoryLimitSpec {
    fn default() -> Self {
        MemoryLimitSpec { above: eighty_five() }
    }
}

fn default_server() -> String {
    "default".into()
}

fn seventy_five() -> i32 {
    75
}

fn eighty() -> i32 {
    80
}

fn eighty_five() -> i32 {
    85
}

fn ninety() -> i32 {
    90
}
