//! From the Leases to the reconcile loop: who is woken when one is gained, and what is forgotten when it is lost.
//!
//! A Lease is stood for only once every cache is filled and every policy known, so that whoever takes it acts at once.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::Api;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::context::Context;
use super::error::Error;
use super::lease::{Elector, LeaderArgs, Load, News, Phase};
use super::shards::Shards;
use super::watches::{Wake, wake_all};
use crate::report::metrics::Metrics;

/// Who stands for the shards' Leases.
pub(super) struct Leading {
    electors: Vec<Elector>,
    pub(super) shards: Arc<Shards>,
    client: Client,
    metrics: Metrics,
}

impl Leading {
    /// Nobody stands yet.
    ///
    /// # Errors
    /// [`Error::Lease`]: a clear error now is better than a standby that can never lead.
    pub(super) async fn prepare(args: &LeaderArgs, client: &Client, metrics: &Metrics) -> Result<Leading, Error> {
        let namespace = args.lease_namespace.as_deref().unwrap_or(client.default_namespace());
        let (identity, load) = (identity(args.identity.as_deref()), Arc::<Load>::default());
        let elector = |lease| Elector {
            lease,
            namespace: namespace.to_owned(),
            identity: identity.clone(),
            timing: args.lease_duration,
            client: client.clone(),
            load: load.clone(),
        };
        let leases = names(&args.lease_name, args.shards);
        let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
        for lease in &leases {
            api.get_opt(lease).await.map_err(|source| Error::Lease {
                name: lease.clone(),
                namespace: namespace.to_owned(),
                source: Box::new(source),
            })?;
            metrics.lease(lease, false);
        }
        Ok(Leading {
            electors: leases.into_iter().map(elector).collect(),
            shards: Arc::new(Shards::elected(args.shards)),
            client: client.clone(),
            metrics: metrics.clone(),
        })
    }

    /// Stands for the Leases until the last phase, for these parts of the cluster.
    pub(super) fn stand(self, parts: &[(Arc<Context>, Wake)], phase: &watch::Receiver<Phase>) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for (shard, elector) in self.electors.into_iter().enumerate() {
            let (shards, client, metrics) = (self.shards.clone(), self.client.clone(), self.metrics.clone());
            let (parts, lease) = (parts.to_vec(), elector.lease.clone());
            let news = move |news| match news {
                News::Gained(fence) => {
                    metrics.lease(&lease, true);
                    shards.gain(shard, &client, fence);
                    for (context, wake) in &parts {
                        wake_all(wake, context.of_shard(shard));
                    }
                }
                News::Lost => {
                    metrics.lease(&lease, false);
                    shards.lose(shard);
                    for (context, _) in &parts {
                        context.of_shard(shard).iter().for_each(|policy| context.leave(policy));
                    }
                }
            };
            running.spawn(elector.run(news, phase.clone()));
        }
        running
    }
}

/// The Leases' names.
fn names(name: &str, shards: u16) -> Vec<String> {
    match shards {
        1 => vec![name.to_owned()],
        shards => (0..shards).map(|shard| format!("{name}-{shard}")).collect(),
    }
}

/// A name that no other process has, nor the next one of the same pod: what a container that was killed left behind is not
/// this one's.
fn identity(given: Option<&str>) -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = given.map_or_else(host, str::to_owned);
    let name = match name.trim() {
        "" => "headroom",
        name => name,
    };
    // std seeds each of these from the system's randomness; nothing is hashed.
    let random = RandomState::new().hash_one(());
    format!("{name}_{random:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_have_the_names_that_rights_are_given_for() {
        assert_eq!(names("headroom", 1), ["headroom"]);
        assert_eq!(names("headroom", 3), ["headroom-0", "headroom-1", "headroom-2"]);
    }

    #[test]
    fn an_identity_tells_who_and_is_nobody_else_s() {
        let (one, other) = (identity(Some("pod-a")), identity(Some("pod-a")));
        assert!(one.starts_with("pod-a_") && one != other, "{one} {other}");
        assert!(!identity(None).starts_with('_'));
        assert!(!identity(Some("")).starts_with('_'));
    }
}
