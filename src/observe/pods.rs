//! Which pods are ready, how long they took, and what metrics of them need (`member.rs`): an index of pods, fed by one
//! shared watch, a few words a pod.
//!
//! How long a pod took is `startup.rs`: in short, a first Ready that was watched is measured, whatever was ready before
//! it was seen is doubted, and a pod that was never ready (unschedulable, blocked by a quota) is left out rather than
//! averaged in. What was answered for a selector is kept until a pod that it selects changes, so that a turn costs a
//! look-up and not a walk over all pods of the namespace.

mod limits;
mod member;
mod startup;
#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::{Stream, StreamExt, future};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::core::{Selector, SelectorExt};
use kube::runtime::watcher::{self, Event};

pub use self::member::{Member, Requests};
use self::startup::Startup;

/// Selectors remembered per namespace; at about 300 bytes each, as many as one operator is meant to have policies. More
/// come only of policies that were deleted or changed.
const CACHED_SELECTORS: usize = 10_000;

/// The index of pods.
#[derive(Default)]
pub struct Pods {
    namespaces: RwLock<HashMap<String, Namespace>>,
}

#[derive(Default)]
struct Namespace {
    /// By uid.
    pods: HashMap<String, Known>,
    /// Each set of requests once, however many pods have it.
    requests: HashSet<Arc<Requests>>,
    /// Answers, by the selector's text; each is dropped when a pod changes that it selects.
    summaries: Mutex<HashMap<String, (Selector, Summary)>>,
    /// The same for what metrics of pods need; only for targets that have such.
    members: Mutex<HashMap<String, (Selector, Members)>>,
}

/// The pods that a selector selects, by name.
pub type Members = Arc<[Arc<Member>]>;

/// What is kept of a pod.
#[derive(PartialEq)]
struct Known {
    labels: BTreeMap<String, String>,
    ready: bool,
    startup: Startup,
    member: Arc<Member>,
}

/// What is asked of the pods that a selector selects.
#[derive(Clone, Copy, Default)]
struct Summary {
    selected: u32,
    ready: u32,
    /// The 90th percentile of what was measured.
    measured: Option<SignedDuration>,
    /// The shortest of what is plausible.
    plausible: Option<SignedDuration>,
}

impl Pods {
    /// Keeps the index true to the watch until it ends; `synced` is called once the first list is complete.
    pub async fn follow(&self, events: impl Stream<Item = Result<Event<Pod>, watcher::Error>>, synced: impl Fn()) {
        // Pods are reduced as they come, also from a list: only who was on it is remembered until its end.
        let mut listed: HashMap<String, HashSet<String>> = HashMap::new();
        let each = events.for_each(|event| {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(pod)) => {
                    let uids = listed.entry(pod.namespace().unwrap_or_default()).or_default();
                    uids.extend(pod.uid());
                    self.insert(&pod);
                }
                Ok(Event::InitDone) => {
                    self.retain(&std::mem::take(&mut listed));
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

    /// How long the selected pods take to become ready: the 90th percentile of what was measured, by nearest rank.
    /// Before any was, what is `known` from earlier (a restart forgets pods, the status does not), and without that the
    /// shortest plausible time of pods that were ready when first seen.
    pub fn startup(
        &self,
        namespace: &str,
        selector: &Selector,
        known: Option<SignedDuration>,
    ) -> Option<SignedDuration> {
        let summary = self.summary(namespace, selector);
        summary.measured.or(known).or(summary.plausible)
    }

    /// How many of the selected pods are ready; `None` where the selector selects none at all: then its target's
    /// replicas are no pods, or its selector is wrong, and nothing is known of them.
    pub fn ready(&self, namespace: &str, selector: &Selector) -> Option<u32> {
        let summary = self.summary(namespace, selector);
        (summary.selected > 0).then_some(summary.ready)
    }

    /// The selected pods, by name.
    pub fn members(&self, namespace: &str, selector: &Selector) -> Members {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces
            .get(namespace)
            .map_or_else(Arc::default, |known| known.members(selector))
    }

    fn summary(&self, namespace: &str, selector: &Selector) -> Summary {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces
            .get(namespace)
            .map_or_else(Summary::default, |known| known.summary(selector))
    }

    fn insert(&self, pod: &Pod) {
        let Some(uid) = pod.uid() else { return };
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let namespace = namespaces.entry(pod.namespace().unwrap_or_default()).or_default();
        let startup = match namespace.pods.get(&uid) {
            Some(before) => before.startup.next(pod),
            None => Startup::first(pod),
        };
        let known = Known {
            labels: pod.metadata.labels.clone().unwrap_or_default(),
            ready: startup::serves(pod),
            startup,
            member: Arc::new(Member::of(pod, namespace.shared(Requests::of(pod)))),
        };
        // Most changes of a pod are none of ours: a probe's message, an annotation.
        if namespace.pods.get(&uid) != Some(&known) {
            namespace.forget(&known.labels);
            if let Some(before) = namespace.pods.insert(uid, known) {
                namespace.forget(&before.labels);
                namespace.unshare(&before);
            }
        }
    }

    fn remove(&self, pod: &Pod) {
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let name = pod.namespace().unwrap_or_default();
        let (Some(namespace), Some(uid)) = (namespaces.get_mut(&name), pod.uid()) else {
            return;
        };
        if let Some(before) = namespace.pods.remove(&uid) {
            namespace.forget(&before.labels);
            namespace.unshare(&before);
        }
        if namespace.pods.is_empty() {
            namespaces.remove(&name);
        }
    }

    /// Drops whoever is not listed any more, by namespace and uid.
    fn retain(&self, listed: &HashMap<String, HashSet<String>>) {
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        namespaces.retain(|name, namespace| {
            let listed = listed.get(name);
            let gone = namespace
                .pods
                .extract_if(|uid, _| !listed.is_some_and(|l| l.contains(uid)));
            let gone: Vec<Known> = gone.map(|(_, known)| known).collect();
            for known in gone {
                namespace.forget(&known.labels);
                namespace.unshare(&known);
            }
            !namespace.pods.is_empty()
        });
    }
}

impl Namespace {
    /// The requests as other pods have them, where one does.
    fn shared(&mut self, requests: Requests) -> Arc<Requests> {
        if let Some(known) = self.requests.get(&requests) {
            return known.clone();
        }
        let requests = Arc::new(requests);
        self.requests.insert(requests.clone());
        requests
    }

    /// Forgets the requests of a pod that is gone, unless others have them: they, the set and the pod make three.
    fn unshare(&mut self, gone: &Known) {
        if Arc::strong_count(&gone.member.requests) <= 2 {
            self.requests.remove(&gone.member.requests);
        }
    }

    fn members(&self, selector: &Selector) -> Members {
        let text = selector.to_string();
        let mut kept = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, members)) = kept.get(&text) {
            return members.clone();
        }
        let selected = self.pods.values().filter(|p| selector.matches(&p.labels));
        let mut members: Vec<_> = selected.map(|p| p.member.clone()).collect();
        // In one order, whatever the map's: what is said of the first one is not to change at each turn.
        members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let members: Members = members.into();
        if kept.len() >= CACHED_SELECTORS {
            kept.clear();
        }
        kept.insert(text, (selector.clone(), members.clone()));
        members
    }

    fn summary(&self, selector: &Selector) -> Summary {
        let text = selector.to_string();
        // Pods cannot change in between: whoever calls holds the index for reading.
        let mut summaries = self.summaries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, summary)) = summaries.get(&text) {
            return *summary;
        }
        let summary = Summary::of(self.pods.values().filter(|p| selector.matches(&p.labels)));
        if summaries.len() >= CACHED_SELECTORS {
            summaries.clear();
        }
        summaries.insert(text, (selector.clone(), summary));
        summary
    }

    /// Drops the answers that a pod with these labels has part in.
    fn forget(&mut self, labels: &BTreeMap<String, String>) {
        let summaries = self.summaries.get_mut().unwrap_or_else(PoisonError::into_inner);
        summaries.retain(|_, (selector, _)| !selector.matches(labels));
        let members = self.members.get_mut().unwrap_or_else(PoisonError::into_inner);
        members.retain(|_, (selector, _)| !selector.matches(labels));
    }
}

impl Summary {
    fn of<'a>(pods: impl Iterator<Item = &'a Known>) -> Summary {
        let mut summary = Summary::default();
        let mut times = Vec::new();
        for pod in pods {
            summary.selected += 1;
            summary.ready += u32::from(pod.ready);
            match pod.startup {
                Startup::Measured(took) => times.push(took),
                Startup::Plausible(took) => {
                    summary.plausible = Some(summary.plausible.map_or(took, |shortest| shortest.min(took)));
                }
                Startup::Awaited | Startup::Unknown => {}
            }
        }
        times.sort_unstable();
        let rank = (times.len() * 9).div_ceil(10);
        summary.measured = rank.checked_sub(1).and_then(|i| times.get(i)).copied();
        summary
    }
}
