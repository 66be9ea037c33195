//! Which policies this process may act for: those of the shards that it leads.
//!
//! A policy belongs to the shard of its *target*, so that two policies of one target are judged by one process, and an edit of
//! anything but the target moves nothing. Without leader election there is one shard, which is always led.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use kube::{Client, ResourceExt};

use super::lease::{Fence, fenced};
use super::turns::hash;
use crate::api::ScalingPolicy;
use crate::clock;

/// The right to act for the policies of a shard, from one gain of its Lease to its loss.
#[derive(Clone)]
pub(super) struct Lead {
    /// What reconciles write with; nothing passes it once the Lease is lost.
    pub(super) client: Client,
    /// When it began.
    pub(super) since: Timestamp,
    /// None where there is no Lease.
    fence: Option<Arc<Fence>>,
}

impl Lead {
    /// Whether another process may have had it before.
    pub(super) fn elected(&self) -> bool {
        self.fence.is_some()
    }

    /// Whether it lasts still.
    pub(super) fn lasts(&self) -> bool {
        self.fence.as_ref().is_none_or(|fence| fence.until().is_some())
    }
}

/// The shards, and which of them this process leads.
pub struct Shards(Vec<RwLock<Option<Lead>>>);

impl Shards {
    /// One shard, led for good: there is no other process.
    pub fn alone(client: Client) -> Self {
        let since = clock::now();
        let fence = None;
        Shards(vec![RwLock::new(Some(Lead { client, since, fence }))])
    }

    /// So many shards, none of them led yet.
    pub fn elected(shards: u16) -> Self {
        Shards((0..shards.max(1)).map(|_| RwLock::default()).collect())
    }

    /// The policy's shard.
    pub fn of(&self, object: &ScalingPolicy) -> usize {
        let target = &object.spec.target_ref;
        let key = format!(
            "{}/{}/{}",
            object.namespace().unwrap_or_default(),
            target.kind,
            target.name
        );
        let shards = u64::try_from(self.0.len()).unwrap_or(1);
        usize::try_from(hash(&key) % shards).unwrap_or_default()
    }

    /// The right to act for this policy, where this process has it.
    pub(super) fn lead(&self, object: &ScalingPolicy) -> Option<Lead> {
        let seat = self.0.get(self.of(object))?;
        let lead = seat.read().unwrap_or_else(PoisonError::into_inner).clone();
        lead.filter(Lead::lasts)
    }

    /// The shard's Lease is held, from now on until the fence closes.
    pub fn gain(&self, shard: usize, client: &Client, fence: Arc<Fence>) {
        let lead = Lead {
            client: fenced(client, fence.clone()),
            since: clock::now(),
            fence: Some(fence),
        };
        self.set(shard, Some(lead));
    }

    /// It is not any more.
    pub fn lose(&self, shard: usize) {
        self.set(shard, None);
    }

    fn set(&self, shard: usize, lead: Option<Lead>) {
        if let Some(seat) = self.0.get(shard) {
            *seat.write().unwrap_or_else(PoisonError::into_inner) = lead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(namespace: &str, name: &str, target: &str) -> ScalingPolicy {
        let spec = format!("{{targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}, maxReplicas: 9}}");
        let mut object = ScalingPolicy::new(name, serde_yaml::from_str(&spec).unwrap());
        object.metadata.namespace = Some(namespace.into());
        object
    }

    #[test]
    fn a_target_has_one_shard_and_shards_are_even() {
        for shards in [1, 2, 3, 7, 16] {
            let all = Shards::elected(shards);
            let mut counts = vec![0_usize; usize::from(shards)];
            for i in 0..1600 {
                let (namespace, target) = (format!("team-{}", i % 40), format!("web-{i}"));
                let shard = all.of(&policy(&namespace, "a", &target));
                assert_eq!(shard, all.of(&policy(&namespace, "b", &target)), "whoever scales it");
                counts[shard] += 1;
            }
            let even = 1600 / usize::from(shards);
            assert!(counts.iter().all(|n| n.abs_diff(even) <= even / 3), "{counts:?}");
        }
    }

    #[test]
    fn a_namespace_is_a_part_of_the_target() {
        let all = Shards::elected(64);
        let shards: std::collections::HashSet<_> =
            (0..20).map(|i| all.of(&policy(&format!("n{i}"), "a", "web"))).collect();
        assert!(shards.len() > 10, "{shards:?}");
    }
}
