//! Whose pods these are: the chain of owners from a pod to the target, over ReplicaSets, which one shared watch tells.
//!
//! A selector may select pods of others (kubernetes#124307): a pod that somebody ran by hand, another Deployment's with
//! labels too much alike, a Job's. Left out is only what is known to be foreign: a pod whose ReplicaSet the watch has not
//! brought yet is taken for the target's, since missing pods could read as less load. Where no pod's chain leads to the
//! target and its kind is none of those that own their pods so, all of them count, and that is said.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use futures::{Stream, StreamExt, future};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};

use super::pods::Member;
use super::targets::TargetKey;

/// An object's uid in 16 bytes instead of 36 and a block of memory: ten thousand Deployments keep a hundred thousand
/// ReplicaSets. It is a UUID; whatever else it may be is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uid(u128);

/// The controller of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    uid: Uid,
    replica_set: bool,
}

/// The index of ReplicaSets: who controls each.
#[derive(Default)]
pub struct Owners {
    replica_sets: RwLock<HashMap<Uid, Option<Uid>>>,
}

/// The pods of a target.
#[derive(Debug)]
pub struct Belonging {
    /// They, in the order given.
    pub pods: Vec<Arc<Member>>,
    /// No chain of owners leads from them to the target; all that its selector selects are here.
    pub by_selector: bool,
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let digits = text.bytes().filter(|b| *b != b'-');
        let hex = digits.map(|b| char::from(b).to_digit(16)).collect::<Option<Vec<u32>>>();
        match hex {
            Some(hex) if hex.len() == 32 => Uid(hex.into_iter().fold(0, |uid, digit| uid << 4 | u128::from(digit))),
            _ => {
                let half = |salt: u8| {
                    let mut hasher = DefaultHasher::new();
                    (salt, text).hash(&mut hasher);
                    u128::from(hasher.finish())
                };
                Uid(half(0) << 64 | half(1))
            }
        }
    }
}

impl Owner {
    /// The controller named in an object's metadata.
    pub(super) fn of(metadata: &ObjectMeta) -> Option<Owner> {
        let references = metadata.owner_references.as_ref()?;
        let controller: &OwnerReference = references.iter().find(|o| o.controller == Some(true))?;
        Some(Owner {
            uid: Uid::from(&*controller.uid),
            replica_set: controller.kind == "ReplicaSet" && controller.api_version.starts_with("apps/"),
        })
    }
}

impl Owners {
    /// Keeps the index true to the watch until it ends; `synced` is called once the first list is complete.
    pub async fn follow(
        &self,
        events: impl Stream<Item = Result<Event<PartialObjectMeta<ReplicaSet>>, watcher::Error>>,
        synced: impl Fn(),
    ) {
        let mut listed = HashSet::new();
        let each = events.for_each(|event| {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(set)) => listed.extend(self.insert(&set.metadata)),
                Ok(Event::InitDone) => {
                    let listed = std::mem::take(&mut listed);
                    let mut known = self.replica_sets.write().unwrap_or_else(PoisonError::into_inner);
                    known.retain(|uid, _| listed.contains(uid));
                    drop(known);
                    synced();
                }
                Ok(Event::Apply(set)) => {
                    self.insert(&set.metadata);
                }
                Ok(Event::Delete(set)) => {
                    let uid = set.metadata.uid.as_deref().map(Uid::from);
                    let mut known = self.replica_sets.write().unwrap_or_else(PoisonError::into_inner);
                    uid.and_then(|uid| known.remove(&uid));
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the watch on ReplicaSets broke; it will be taken up again")
                }
            }
            future::ready(())
        });
        each.await;
    }

    fn insert(&self, metadata: &ObjectMeta) -> Option<Uid> {
        let uid = Uid::from(metadata.uid.as_deref()?);
        let mut known = self.replica_sets.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(uid, Owner::of(metadata).map(|o| o.uid));
        Some(uid)
    }

    /// Whether a ReplicaSet is known to be another's: of a target that is known to own its pods by ReplicaSets.
    pub fn foreign(&self, replica_set: &str, key: &TargetKey, uid: &str) -> bool {
        let known = self.replica_sets.read().unwrap_or_else(PoisonError::into_inner);
        let (set, target) = (Uid::from(replica_set), Uid::from(uid));
        let owner = known.get(&set);
        owns_so(key) && set != target && owner.is_some_and(|above| *above != Some(target))
    }

    /// Those of the selected pods that are the target's.
    pub fn belonging(&self, selected: &[Arc<Member>], key: &TargetKey, uid: &str) -> Belonging {
        let target = Uid::from(uid);
        let known = self.replica_sets.read().unwrap_or_else(PoisonError::into_inner);
        let owned = |member: &Member| {
            let Some(owner) = member.owner else { return Some(false) };
            if owner.uid == target {
                return Some(true);
            }
            match owner.replica_set {
                true => known.get(&owner.uid).map(|above| *above == Some(target)),
                false => Some(false),
            }
        };
        let by_selector = !owns_so(key) && !selected.is_empty() && !selected.iter().any(|m| owned(m) == Some(true));
        let belongs = |member: &&Arc<Member>| by_selector || owned(member) != Some(false);
        Belonging {
            pods: selected.iter().filter(belongs).cloned().collect(),
            by_selector,
        }
    }
}

/// Whether a kind is known to own its pods, itself or by a ReplicaSet.
fn owns_so(key: &TargetKey) -> bool {
    match (&*key.group, &*key.kind) {
        ("apps", kind) => matches!(kind, "Deployment" | "ReplicaSet" | "StatefulSet"),
        ("", kind) => kind == "ReplicationController",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::stream;
    use serde_json::json;

    use super::*;

    fn set(uid: &str, owner: Option<&str>) -> PartialObjectMeta<ReplicaSet> {
        let owners =
            owner.map(|uid| json!([{"apiVersion": "x/v1", "kind": "X", "name": "x", "uid": uid, "controller": true}]));
        let metadata = json!({"name": uid, "namespace": "shop", "uid": uid, "ownerReferences": owners});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    fn member(owner: Option<(&str, &str)>) -> Arc<Member> {
        let references = owner.map(
            |(kind, uid)| json!([{"apiVersion": "apps/v1", "kind": kind, "name": uid, "uid": uid, "controller": true}]),
        );
        let pod = json!({"metadata": {"name": "p", "ownerReferences": references}});
        Arc::new(Member::of(&serde_json::from_value(pod).unwrap(), Arc::default()))
    }

    /// How many of these pods (by kind and uid of their owner) are those of a target, and whether the selector decides.
    fn check(group: &str, kind: &str, pods: &[Option<(&str, &str)>], expected: (usize, bool)) {
        let owners = Owners::default();
        let listed = [
            set("rs-old", Some("gone")),
            set("rs-1", Some("web")),
            set("rs-2", Some("web")),
        ];
        let list = std::iter::once(Event::Init).chain(listed.into_iter().map(Event::InitApply));
        let later = [
            Event::InitDone,
            Event::Apply(set("rs-other", Some("other"))),
            Event::Apply(set("rs-free", None)),
            Event::Delete(set("rs-2", Some("web"))),
        ];
        block_on(owners.follow(stream::iter(list.chain(later).map(Ok)), || {}));
        let key = TargetKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let selected: Vec<_> = pods.iter().map(|owner| member(*owner)).collect();
        let found = owners.belonging(&selected, &key, "web");
        assert_eq!((found.pods.len(), found.by_selector), expected, "{kind} {pods:?}");
    }

    #[test]
    fn only_what_is_known_to_be_foreign_is_left_out() {
        let own = Some(("ReplicaSet", "rs-1"));
        let foreign = [
            None,
            Some(("Job", "j")),
            Some(("ReplicaSet", "rs-other")),
            Some(("ReplicaSet", "rs-free")),
        ];
        let unknown = Some(("ReplicaSet", "rs-new"));
        check("apps", "Deployment", &[own, own, unknown], (3, false));
        for foreign in foreign {
            check("apps", "Deployment", &[own, foreign], (1, false));
            check("apps", "Deployment", &[foreign], (0, false));
            check("argoproj.io", "Rollout", &[own, foreign], (1, false));
        }
        check(
            "apps",
            "StatefulSet",
            &[Some(("StatefulSet", "web")), own, None],
            (2, false),
        );
        check("apps", "Deployment", &[Some(("ReplicaSet", "rs-2"))], (1, false)); // deleted: not known any more
    }

    #[test]
    fn where_no_chain_leads_to_the_target_its_selector_decides() {
        let other = Some(("StatefulSet", "db-0"));
        check("db.example", "Cluster", &[other, other, None], (3, true));
        check("db.example", "Cluster", &[Some(("Cluster", "web")), other], (1, false));
        check("db.example", "Cluster", &[], (0, false));
    }

    #[test]
    fn a_replica_set_of_another_deployment_is_foreign() {
        let owners = Owners::default();
        owners.insert(&set("set-a", Some("web")).metadata);
        owners.insert(&set("set-b", Some("api")).metadata);
        let key = |kind: &str, group: &str| TargetKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let deployment = key("Deployment", "apps");
        assert!(!owners.foreign("set-a", &deployment, "web"));
        assert!(owners.foreign("set-b", &deployment, "web"));
        assert!(!owners.foreign("not-seen-yet", &deployment, "web"));
        // A kind that may own Deployments which own ReplicaSets: nothing is known.
        assert!(!owners.foreign("set-b", &key("App", "example.com"), "web"));
    }

    #[test]
    fn a_uuid_is_kept_as_it_is() {
        assert_eq!(Uid::from("00000000-0000-0000-0000-0000000000ff"), Uid(255));
        assert_ne!(Uid::from("a"), Uid::from("b"));
    }
}
