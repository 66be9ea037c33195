//! What all reconciles share: clients, watch caches, metrics, and each policy's memory.
//!
//! Locks here are held for a map look-up, never across a request.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use kube::Client;
use kube::runtime::reflector::ObjectRef;

use super::memory::Memory;
use super::seniority::Seniority;
use super::shards::Shards;
use crate::api::ScalingPolicy;
use crate::observe::scale::Kinds;
use crate::observe::{Apis, Owners, Pods, Rivals, Servers, TargetKey, Targets};
use crate::report::metrics::Metrics;

/// Shared by all reconciles.
pub struct Context {
    /// Reads from the API server. Writes go through the client of the shard's lead.
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
    /// Which policies this process may act for.
    pub(super) shards: Arc<Shards>,
    policies: Mutex<Policies>,
}

/// One memory per policy that was looked at; each policy's shard, and which policies scale which target.
#[derive(Default)]
struct Policies {
    shards: HashMap<ObjectRef<ScalingPolicy>, usize>,
    memories: HashMap<ObjectRef<ScalingPolicy>, Arc<tokio::sync::Mutex<Memory>>>,
    seniority: Seniority,
}

impl Context {
    /// Nothing is watched yet; `run` feeds the caches. This process acts for every policy.
    pub fn new(
        client: Client,
        servers: impl Into<Arc<Servers>>,
        metrics: Metrics,
        status_refresh: SignedDuration,
    ) -> Self {
        let observer = metrics.clone();
        let observe = Arc::new(move |api: &str, took, cause| observer.queried(api, took, cause));
        Context {
            apis: Apis::new(client.clone(), observe),
            shards: Arc::new(Shards::alone(client.clone())),
            client,
            servers: servers.into(),
            targets: Targets::default(),
            pods: Pods::default(),
            owners: Owners::default(),
            kinds: Kinds::default(),
            rivals: Rivals::default(),
            metrics,
            status_refresh,
            policies: Mutex::default(),
        }
    }

    /// The same, but acting only for the policies of shards that are led.
    #[must_use]
    pub fn led_by(self, shards: Arc<Shards>) -> Self {
        Context { shards, ..self }
    }

    fn policies(&self) -> MutexGuard<'_, Policies> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The policy's memory; empty the first time.
    pub(super) fn memory(&self, policy: &ObjectRef<ScalingPolicy>) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut policies = self.policies();
        policies.memories.entry(policy.clone()).or_default().clone()
    }

    /// Whether this is still the policy's memory; not once the policy was deleted.
    pub(super) fn remembers(
        &self,
        policy: &ObjectRef<ScalingPolicy>,
        memory: &Arc<tokio::sync::Mutex<Memory>>,
    ) -> bool {
        let policies = self.policies();
        policies.memories.get(policy).is_some_and(|m| Arc::ptr_eq(m, memory))
    }

    /// Takes in a policy as the watch shows it, and yields the policies that have to look again.
    pub fn knows(&self, object: &ScalingPolicy) -> Vec<ObjectRef<ScalingPolicy>> {
        let mut policies = self.policies();
        policies
            .shards
            .insert(ObjectRef::from_obj(object), self.shards.of(object));
        policies.seniority.take_in(object)
    }

    /// How many policies there are, of all shards.
    pub(super) fn count(&self) -> usize {
        self.policies().shards.len()
    }

    /// The policies of a shard.
    pub fn of_shard(&self, shard: usize) -> Vec<ObjectRef<ScalingPolicy>> {
        let policies = self.policies();
        let of_shard = policies.shards.iter().filter(|(_, of)| **of == shard);
        of_shard.map(|(policy, _)| policy.clone()).collect()
    }

    /// What this process remembers and shows of a policy that another acts for now: nothing. Should it come back, it begins
    /// with what the status says, as after a restart.
    pub fn leave(&self, policy: &ObjectRef<ScalingPolicy>) {
        let mut policies = self.policies();
        policies.memories.remove(policy);
        drop(policies);
        // It takes a lock of each family; whoever waits for the policies' must not wait for those.
        self.metrics
            .forget_policy(policy.namespace.as_deref().unwrap_or_default(), &policy.name);
    }

    /// The policies that scale this target.
    pub(super) fn scaling(&self, target: &TargetKey) -> Vec<ObjectRef<ScalingPolicy>> {
        let policies = self.policies();
        policies.seniority.scaling(target).cloned().collect()
    }

    /// The older policy that scales the target of this one, where there is one.
    pub(super) fn elder(&self, policy: &ObjectRef<ScalingPolicy>) -> Option<ObjectRef<ScalingPolicy>> {
        let policies = self.policies();
        policies.seniority.elder(policy).cloned()
    }

    /// Forgets a deleted policy, and yields the policies that have to look again. Its target keeps the replicas that it
    /// has.
    pub(super) fn forget(&self, policy: &ObjectRef<ScalingPolicy>) -> Vec<ObjectRef<ScalingPolicy>> {
        self.leave(policy);
        let mut policies = self.policies();
        policies.shards.remove(policy);
        policies.seniority.forget(policy)
    }

    /// Forgets every policy that is not listed any more.
    pub(super) fn forget_all_but(&self, listed: &HashSet<ObjectRef<ScalingPolicy>>) -> Vec<ObjectRef<ScalingPolicy>> {
        let known = self.policies();
        let all = known.memories.keys().chain(known.shards.keys());
        let gone: HashSet<_> = all.filter(|p| !listed.contains(*p)).cloned().collect();
        drop(known);
        gone.iter().flat_map(|policy| self.forget(policy)).collect()
    }
}
