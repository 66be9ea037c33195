//! How long pods take to become ready: an index of pods, fed by one shared watch, reduced to a few words a pod.
//!
//! Only the first Ready counts, so that a flapping pod does not stretch the start-up time; a pod that was never ready
//! (unschedulable, blocked by a quota) is left out rather than averaged in.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use futures::{Stream, StreamExt, future};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::core::{Selector, SelectorExt};
use kube::runtime::watcher::{self, Event};

/// The index of pods, by namespace and uid.
#[derive(Default)]
pub struct Pods {
    known: RwLock<HashMap<String, HashMap<String, Known>>>,
}

struct Known {
    labels: BTreeMap<String, String>,
    startup: Option<SignedDuration>,
}

impl Pods {
    /// Keeps the index true to the watch until it ends; `synced` is called once the first list is complete.
    pub async fn follow(&self, events: impl Stream<Item = Result<Event<Pod>, watcher::Error>>, synced: impl Fn()) {
        let mut listed: Option<Vec<Pod>> = None;
        let each = events.for_each(|event| {
            match event {
                Ok(Event::Init) => listed = Some(Vec::new()),
                Ok(Event::InitApply(pod)) => listed.get_or_insert_default().push(pod),
                Ok(Event::InitDone) => {
                    self.replace(listed.take().unwrap_or_default());
                    synced();
                }
                Ok(Event::Apply(pod)) => self.insert(&pod),
                Ok(Event::Delete(pod)) => self.remove(&pod),
                Err(error) => tracing::warn!(error = %error, "the watch on pods broke; it will be taken up again"),
            }
            future::ready(())
        });
        each.await;
    }

    /// The 90th percentile of first Ready − created over the selected pods, by nearest rank; `None` before any was ready.
    pub fn startup(&self, namespace: &str, selector: &Selector) -> Option<SignedDuration> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let pods = known.get(namespace)?.values();
        let mut times: Vec<SignedDuration> = pods
            .filter(|p| selector.matches(&p.labels))
            .filter_map(|p| p.startup)
            .collect();
        times.sort_unstable();
        let rank = (times.len() * 9).div_ceil(10);
        times.get(rank.checked_sub(1)?).copied()
    }

    fn replace(&self, listed: Vec<Pod>) {
        let mut seen: HashMap<String, Vec<String>> = HashMap::new();
        for pod in &listed {
            let uids = seen.entry(pod.namespace().unwrap_or_default()).or_default();
            uids.extend(pod.uid());
            self.insert(pod);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (namespace, pods) in known.iter_mut() {
            let seen = seen.remove(namespace).unwrap_or_default();
            let seen: std::collections::HashSet<String> = seen.into_iter().collect();
            pods.retain(|uid, _| seen.contains(uid));
        }
        known.retain(|_, pods| !pods.is_empty());
    }

    fn insert(&self, pod: &Pod) {
        let Some(uid) = pod.uid() else { return };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let pods = known.entry(pod.namespace().unwrap_or_default()).or_default();
        let before = pods.get(&uid).and_then(|p| p.startup);
        pods.insert(
            uid,
            Known {
                labels: pod.metadata.labels.clone().unwrap_or_default(),
                startup: before.or_else(|| startup(pod)),
            },
        );
    }

    fn remove(&self, pod: &Pod) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let namespace = pod.namespace().unwrap_or_default();
        if let (Some(pods), Some(uid)) = (known.get_mut(&namespace), pod.uid()) {
            pods.remove(&uid);
            if pods.is_empty() {
                known.remove(&namespace);
            }
        }
    }
}

/// Ready − created, where the pod is ready now.
fn startup(pod: &Pod) -> Option<SignedDuration> {
    let created: Timestamp = pod.metadata.creation_timestamp.as_ref()?.0;
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|c| c.type_ == "Ready" && c.status == "True")?;
    let took = ready.last_transition_time.as_ref()?.0.duration_since(created);
    (!took.is_negative()).then_some(took)
}
