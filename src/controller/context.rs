//! What all reconciles share: clients, watch caches, metrics, and each policy's memory.
//!
//! Locks here are held for a map look-up, never across a request.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::runtime::reflector::ObjectRef;

use super::memory::Memory;
use super::seniority::Seniority;
use crate::api::ScalingPolicy;
use crate::clock;
use crate::observe::scale::Kinds;
use crate::observe::{Apis, Owners, Pods, Rivals, Servers, TargetKey, Targets};
use crate::report::metrics::Metrics;

/// Shared by all reconciles.
pub struct Context {
    /// Talks to the API server.
    pub client: Client,
    /// Talks to Prometheus.
    pub servers: Arc<Servers>,
    /// Talks to the metrics APIs of the cluster.
    pub apis: Apis,
    /// Deployments and StatefulSets.
    pub targets: Targets,
    /// Pods.
    pub pods: Pods,
    /// ReplicaSets, by which pods belong to Deployments.
    pub owners: Owners,
    /// Other kinds.
    pub kinds: Kinds,
    /// HPAs and ScaledObjects.
    pub rivals: Rivals,
    /// Own metrics.
    pub metrics: Metrics,
    /// Values that no material change carries along are written to a status this often at most.
    pub status_refresh: SignedDuration,
    /// When this process began to look at policies.
    pub(super) began: Timestamp,
    policies: Mutex<Policies>,
}

/// One memory per policy, and which policies scale which target.
#[derive(Default)]
struct Policies {
    memories: HashMap<ObjectRef<ScalingPolicy>, Arc<tokio::sync::Mutex<Memory>>>,
    seniority: Seniority,
}

impl Context {
    /// Nothing is watched yet; `run` feeds the caches.
    pub fn new(client: Client, servers: Servers, metrics: Metrics, status_refresh: SignedDuration) -> Self {
        let observer = metrics.clone();
        let observe = Arc::new(move |api: &str, took, cause| observer.queried(api, took, cause));
        Context {
            apis: Apis::new(client.clone(), observe),
            client,
            servers: Arc::new(servers),
            targets: Targets::default(),
            pods: Pods::default(),
            owners: Owners::default(),
            kinds: Kinds::default(),
            rivals: Rivals::default(),
            metrics,
            status_refresh,
            began: clock::now(),
            policies: Mutex::default(),
        }
    }

    /// The policy's memory; empty the first time.
    pub(super) fn memory(&self, policy: &ObjectRef<ScalingPolicy>) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.memories.entry(policy.clone()).or_default().clone()
    }

    /// Whether this is still the policy's memory; not once the policy was deleted.
    pub(super) fn remembers(
        &self,
        policy: &ObjectRef<ScalingPolicy>,
        memory: &Arc<tokio::sync::Mutex<Memory>>,
    ) -> bool {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.memories.get(policy).is_some_and(|m| Arc::ptr_eq(m, memory))
    }

    /// Takes in a policy as the watch shows it, and yields the policies that have to look again.
    pub fn knows(&self, object: &ScalingPolicy) -> Vec<ObjectRef<ScalingPolicy>> {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.seniority.take_in(object)
    }

    /// The policies that scale this target.
    pub(super) fn scaling(&self, target: &TargetKey) -> Vec<ObjectRef<ScalingPolicy>> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.seniority.scaling(target).cloned().collect()
    }

    /// The older policy that scales the target of this one, where there is one.
    pub(super) fn elder(&self, policy: &ObjectRef<ScalingPolicy>) -> Option<ObjectRef<ScalingPolicy>> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.seniority.elder(policy).cloned()
    }

    /// Forgets a deleted policy, and yields the policies that have to look again. Its target keeps the replicas that it
    /// has.
    pub(super) fn forget(&self, policy: &ObjectRef<ScalingPolicy>) -> Vec<ObjectRef<ScalingPolicy>> {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.memories.remove(policy);
        self.metrics
            .forget_policy(policy.namespace.as_deref().unwrap_or_default(), &policy.name);
        policies.seniority.forget(policy)
    }

    /// Forgets every policy that is not listed any more.
    pub(super) fn forget_all_but(&self, listed: &HashSet<ObjectRef<ScalingPolicy>>) -> Vec<ObjectRef<ScalingPolicy>> {
        let known = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.memories.keys().chain(known.seniority.all());
        let gone: HashSet<_> = all.filter(|p| !listed.contains(*p)).cloned().collect();
        drop(known);
        gone.iter().flat_map(|policy| self.forget(policy)).collect()
    }
}
