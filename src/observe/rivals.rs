//! Who else scales which target: HorizontalPodAutoscalers and KEDA's ScaledObjects, an index fed by one shared watch each.
//!
//! Of each object only its name and its target are kept. Whoever's claim changes is told to whoever listens, so that a
//! policy stops and goes on at once. A kind that may not be listed is said to be unseen, once, and is no reason to stop.
//! Older policies are rivals too: the controller knows these itself. What a rival means is `engine::others`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use futures::{Stream, StreamExt};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, Event};

use super::targets::TargetKey;
use crate::engine::others::{Rival, Scaler, Unseen};

/// KEDA's API group.
const KEDA: &str = "keda.sh";
/// Most rivals told of one target and kind: an admin has to remove them one by one anyhow.
const MOST: usize = 4;

/// What is known of both kinds.
pub struct Rivals {
    /// HorizontalPodAutoscalers.
    pub hpas: Claims,
    /// ScaledObjects; empty where KEDA is not installed.
    pub scaled_objects: Claims,
}

/// One object's claim on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it scales.
    pub target: TargetKey,
    /// Who it is, or who made it.
    pub rival: Rival,
}

/// The claims of one kind.
pub struct Claims {
    scaler: Scaler,
    known: RwLock<Known>,
}

/// Namespace and name.
type Id = (String, String);

#[derive(Default)]
struct Known {
    by_object: HashMap<Id, Claim>,
    /// How many objects make the same claim: KEDA's own HPA counts as its ScaledObject.
    by_target: HashMap<TargetKey, BTreeMap<Rival, u32>>,
    /// Why the kind cannot be listed.
    unseen: Option<Arc<str>>,
}

impl Default for Rivals {
    fn default() -> Self {
        Rivals {
            hpas: Claims::new(Scaler::HorizontalPodAutoscaler),
            scaled_objects: Claims::new(Scaler::ScaledObject),
        }
    }
}

impl Rivals {
    /// Who claims the target, and which kind cannot be seen.
    pub fn of(&self, target: &TargetKey) -> (Vec<Rival>, Vec<Unseen>) {
        let (mut rivals, mut unseen) = (Vec::new(), Vec::new());
        for claims in [&self.hpas, &self.scaled_objects] {
            let known = claims.known.read().unwrap_or_else(PoisonError::into_inner);
            rivals.extend(
                known
                    .by_target
                    .get(target)
                    .into_iter()
                    .flat_map(|by| by.keys().take(MOST).cloned()),
            );
            unseen.extend(known.unseen.iter().map(|why| Unseen {
                scaler: claims.scaler,
                why: why.clone(),
            }));
        }
        // A ScaledObject and its HPA are one rival.
        rivals.sort_unstable();
        rivals.dedup();
        (rivals, unseen)
    }
}

impl Claims {
    fn new(scaler: Scaler) -> Claims {
        Claims {
            scaler,
            known: RwLock::default(),
        }
    }

    /// Keeps the index true to a watch, and yields the targets whose claims changed. `synced` is called once it is known
    /// what there is, or that it cannot be known.
    pub fn follow<K: ResourceExt>(
        &self,
        events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
        claim: impl Fn(&K) -> Option<Claim>,
        synced: impl Fn(),
    ) -> impl Stream<Item = TargetKey> {
        let mut listed = HashMap::new();
        events.flat_map(move |event| {
            let changed = match event {
                Ok(Event::Init) => {
                    listed.clear();
                    Vec::new()
                }
                Ok(Event::InitApply(object)) => {
                    listed.extend(claim(&object).map(|c| (id(&object), c)));
                    Vec::new()
                }
                Ok(Event::InitDone) => {
                    let changed = self.replace(std::mem::take(&mut listed));
                    synced();
                    changed
                }
                Ok(Event::Apply(object)) => self.set(id(&object), claim(&object)),
                Ok(Event::Delete(object)) => self.set(id(&object), None),
                Err(error) => {
                    match forbidden(&error) {
                        Some(words) => {
                            self.unseen(words);
                            synced();
                        }
                        None => {
                            tracing::warn!(kind = self.scaler.as_str(), %error, "the watch broke; it will be taken up again");
                        }
                    }
                    Vec::new()
                }
            };
            futures::stream::iter(changed)
        })
    }

    /// The kind does not exist (any more); yields the targets that had a claim.
    pub fn none(&self) -> Vec<TargetKey> {
        self.replace(HashMap::new())
    }

    /// The kind cannot be looked for. What was known stays known; told once.
    pub fn unseen(&self, words: &str) {
        let kind = self.scaler.as_str();
        let why = format!(
            "{kind}s may not be listed; grant the operator's account list and watch on them, as the chart's role does ({words})"
        );
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.unseen.is_none() {
            tracing::warn!(kind, "{why}; policies are obeyed meanwhile as if there were none");
        }
        known.unseen = Some(why.into());
    }

    fn set(&self, id: Id, claim: Option<Claim>) -> Vec<TargetKey> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.set(id, claim)
    }

    fn replace(&self, mut listed: HashMap<Id, Claim>) -> Vec<TargetKey> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.unseen.take().is_some() {
            tracing::info!(kind = self.scaler.as_str(), "can be looked for again");
        }
        let before: Vec<Id> = known.by_object.keys().cloned().collect();
        let mut changed = Vec::new();
        for id in before {
            let claim = listed.remove(&id);
            changed.extend(known.set(id, claim));
        }
        for (id, claim) in listed {
            changed.extend(known.set(id, Some(claim)));
        }
        changed
    }
}

impl Known {
    /// Takes in what an object claims now, and yields the targets for which that is news.
    fn set(&mut self, id: Id, claim: Option<Claim>) -> Vec<TargetKey> {
        let before = match &claim {
            Some(claim) => self.by_object.insert(id, claim.clone()),
            None => self.by_object.remove(&id),
        };
        if before == claim {
            return Vec::new();
        }
        if let Some(before) = &before {
            self.withdraw(before);
        }
        if let Some(claim) = &claim {
            let of_target = self.by_target.entry(claim.target.clone()).or_default();
            *of_target.entry(claim.rival.clone()).or_default() += 1;
        }
        let mut changed: Vec<TargetKey> = before.into_iter().chain(claim).map(|c| c.target).collect();
        changed.dedup();
        changed
    }

    fn withdraw(&mut self, claim: &Claim) {
        let Some(of_target) = self.by_target.get_mut(&claim.target) else {
            return;
        };
        if let Some(count) = of_target.get_mut(&claim.rival) {
            *count -= 1;
            if *count == 0 {
                of_target.remove(&claim.rival);
            }
        }
        if of_target.is_empty() {
            self.by_target.remove(&claim.target);
        }
    }
}

/// What an HPA scales. One that KEDA made is named as the ScaledObject that owns it: deleting it would not help.
pub fn of_hpa(hpa: &HorizontalPodAutoscaler) -> Option<Claim> {
    let target = &hpa.spec.as_ref()?.scale_target_ref;
    let by_keda = hpa
        .owner_references()
        .iter()
        .find(|owner| owner.kind == Scaler::ScaledObject.as_str() && group(&owner.api_version) == KEDA);
    Some(Claim {
        target: TargetKey {
            group: group(target.api_version.as_deref().unwrap_or_default()).to_owned(),
            kind: target.kind.clone(),
            namespace: hpa.namespace()?,
            name: target.name.clone(),
        },
        rival: match by_keda {
            Some(owner) => Rival {
                scaler: Scaler::ScaledObject,
                name: owner.name.as_str().into(),
            },
            None => Rival {
                scaler: Scaler::HorizontalPodAutoscaler,
                name: hpa.name_any().into(),
            },
        },
    })
}

/// What a ScaledObject scales. One that is paused is a rival all the same: it holds the count, and may wake at any time.
pub fn of_scaled_object(object: &DynamicObject) -> Option<Claim> {
    let target = object.data.pointer("/spec/scaleTargetRef")?;
    let text = |field: &str| {
        target
            .get(field)
            .and_then(|v| v.as_str())
            .filter(|text| !text.is_empty())
    };
    Some(Claim {
        target: TargetKey {
            group: group(text("apiVersion").unwrap_or("apps/v1")).to_owned(),
            kind: text("kind").unwrap_or("Deployment").to_owned(),
            namespace: object.namespace()?,
            name: text("name")?.to_owned(),
        },
        rival: Rival {
            scaler: Scaler::ScaledObject,
            name: object.name_any().into(),
        },
    })
}

/// The kind that KEDA's users write.
pub fn scaled_object() -> GroupVersionKind {
    GroupVersionKind::gvk(KEDA, "v1alpha1", Scaler::ScaledObject.as_str())
}

/// The API server does not know the kind (any more).
pub fn is_unknown(error: &watcher::Error) -> bool {
    status(error).is_some_and(|status| status.code == 404)
}

fn forbidden(error: &watcher::Error) -> Option<&str> {
    status(error)
        .filter(|status| status.code == 403)
        .map(|status| &*status.message)
}

fn status(error: &watcher::Error) -> Option<&kube::core::Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

/// `apps` of `apps/v1`; of `v1` the core group's empty name.
fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

fn id<K: ResourceExt>(object: &K) -> Id {
    (object.namespace().unwrap_or_default(), object.name_any())
}
