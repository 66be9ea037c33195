//! What is known of Deployments and StatefulSets: a trimmed index, fed by one shared watch each.
//!
//! A sync reads it instead of asking the API server; a change of someone's `spec.replicas`, a creation or a deletion
//! is told to whoever listens, so that a policy reacts at once and not at its next interval. Of two versions in a row it
//! tells who rewrote our count (`owners.rs`). Other kinds are not watched: `scale.rs` asks for them.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use futures::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::Selector;
use kube::runtime::watcher::{self, Event};
use kube::{Resource, ResourceExt};

use super::managers::Managers;
use crate::engine::others::Rewrites;

/// The version of `apps` that is watched.
pub const WATCHED_VERSION: &str = "v1";

/// Identifies a target: API group and kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetKey {
    /// `apps` for Deployments.
    pub group: String,
    /// For example `Deployment`.
    pub kind: String,
    /// The policy's namespace.
    pub namespace: String,
    /// The target's name.
    pub name: String,
}

/// What a decision needs to know of a workload.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Guards the write: a target deleted and created again is another one.
    pub uid: String,
    /// `spec.replicas`; the API server defaults it to 1.
    pub replicas: u32,
    /// `status.readyReplicas`.
    pub ready: u32,
    /// Selects its pods; `None` if the selector cannot be read.
    pub selector: Option<Selector>,
    /// Who manages `spec.replicas`.
    pub owners: Managers,
    /// Rewrites of our value by others, as far as they were watched.
    pub rewrites: Rewrites,
}

/// The index of watched workloads.
#[derive(Default)]
pub struct Targets {
    known: RwLock<HashMap<TargetKey, Workload>>,
}

/// The kinds that are watched.
pub trait Watched: Resource<DynamicType = ()> + Send + 'static {
    /// The object reduced to what is kept.
    fn workload(&self) -> Workload;
}

impl Watched for Deployment {
    fn workload(&self) -> Workload {
        let spec = self.spec.as_ref();
        let ready = self.status.as_ref().and_then(|s| s.ready_replicas);
        workload(
            &self.metadata,
            spec.and_then(|s| s.replicas),
            ready,
            spec.map(|s| &s.selector),
        )
    }
}

impl Watched for StatefulSet {
    fn workload(&self) -> Workload {
        let spec = self.spec.as_ref();
        let ready = self.status.as_ref().and_then(|s| s.ready_replicas);
        workload(
            &self.metadata,
            spec.and_then(|s| s.replicas),
            ready,
            spec.map(|s| &s.selector),
        )
    }
}

fn workload(
    metadata: &ObjectMeta,
    replicas: Option<i32>,
    ready: Option<i32>,
    selector: Option<&LabelSelector>,
) -> Workload {
    let count = |n: Option<i32>, missing| n.map_or(missing, |n| u32::try_from(n).unwrap_or(0));
    Workload {
        uid: metadata.uid.clone().unwrap_or_default(),
        replicas: count(replicas, 1),
        ready: count(ready, 0),
        selector: selector.and_then(|s| Selector::try_from(s.clone()).ok()),
        owners: Managers::of(metadata.managed_fields.as_deref().unwrap_or_default()),
        rewrites: Rewrites::default(),
    }
}

impl Targets {
    /// Whether this kind is watched, in [`WATCHED_VERSION`], so that absence from the index means absence from the
    /// cluster.
    pub fn watches(key: &TargetKey) -> bool {
        key.group == "apps" && matches!(key.kind.as_str(), "Deployment" | "StatefulSet")
    }

    /// What is known of a target.
    pub fn get(&self, key: &TargetKey) -> Option<Workload> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// Keeps the index true to a watch, and yields the targets that appeared, went, or were asked for another count.
    /// `synced` is called once the first list is complete.
    pub fn follow<K: Watched>(
        &self,
        events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
        synced: impl Fn(),
    ) -> impl Stream<Item = TargetKey> {
        let kind = K::kind(&()).into_owned();
        let mut listed: Option<HashMap<TargetKey, Workload>> = None;
        events.flat_map(move |event| {
            let changed = match event {
                Ok(Event::Init) => {
                    listed = Some(HashMap::new());
                    Vec::new()
                }
                Ok(Event::InitApply(object)) => {
                    if let Some(listed) = &mut listed {
                        listed.insert(key_of(&object), object.workload());
                    }
                    Vec::new()
                }
                Ok(Event::InitDone) => {
                    let changed = self.replace(&kind, listed.take().unwrap_or_default());
                    synced();
                    changed
                }
                Ok(Event::Apply(object)) => self.insert(key_of(&object), object.workload()),
                Ok(Event::Delete(object)) => self.remove(&key_of(&object)),
                Err(error) => {
                    tracing::warn!(%kind, error = %error, "the watch broke; it will be taken up again");
                    Vec::new()
                }
            };
            futures::stream::iter(changed)
        })
    }

    fn insert(&self, key: TargetKey, workload: Workload) -> Vec<TargetKey> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let changed = replace(&mut known, key.clone(), workload);
        changed.then_some(key).into_iter().collect()
    }

    fn remove(&self, key: &TargetKey) -> Vec<TargetKey> {
        let removed = self.known.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        removed.map(|_| key.clone()).into_iter().collect()
    }

    fn replace(&self, kind: &str, listed: HashMap<TargetKey, Workload>) -> Vec<TargetKey> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let gone = known.extract_if(|key, _| key.kind == kind && !listed.contains_key(key));
        let mut changed: Vec<TargetKey> = gone.map(|(key, _)| key).collect();
        for (key, workload) in listed {
            if replace(&mut known, key.clone(), workload) {
                changed.push(key);
            }
        }
        changed
    }
}

/// Puts the newer version in the older one's place; whether it is new, or asked for another count.
fn replace(known: &mut HashMap<TargetKey, Workload>, key: TargetKey, mut workload: Workload) -> bool {
    let before = known.get(&key).filter(|before| before.uid == workload.uid);
    if let Some(before) = before {
        workload.rewrites = before.rewrites.clone();
        if before.replicas != workload.replicas
            && let Some(rewrite) = before.owners.rewritten(&workload.owners)
        {
            workload.rewrites.add(rewrite);
        }
    }
    let replicas = workload.replicas;
    known.insert(key, workload).is_none_or(|b| b.replicas != replicas)
}

fn key_of<K: Watched>(object: &K) -> TargetKey {
    TargetKey {
        group: K::group(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}
