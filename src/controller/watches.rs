//! The watches of one part of the cluster, and whom their news wake.
//!
//! Each feeds an index of the context. A cache counts as filled once its first list is in.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, Once};

use futures::channel::mpsc;
use futures::{Stream, StreamExt, TryStreamExt, future};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::context::Context;
use super::rivals;
use crate::api::ScalingPolicy;
use crate::observe::TargetKey;
use crate::observe::targets::Watched;

/// Caches to be filled before the first decision: Deployments, StatefulSets, ReplicaSets, pods, HPAs, ScaledObjects. The
/// last two also count as filled where they cannot be: without KEDA, without rights.
pub(super) const CACHES: u32 = 6;

/// What part of the cluster is looked at.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) client: Client,
    /// All where there is none.
    pub(super) namespace: Option<String>,
    /// Which policies, by their labels.
    pub(super) selector: Option<String>,
}

impl Scope {
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// A watch of one kind, taken up again with a growing pause whenever it breaks.
    fn watch<K>(&self) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + DeserializeOwned + Debug + Send + 'static,
    {
        watcher(self.api::<K>(), watcher::Config::default()).default_backoff()
    }

    /// A watch of the policies.
    pub(super) fn watch_policies(
        &self,
    ) -> impl Stream<Item = Result<Event<ScalingPolicy>, watcher::Error>> + Send + use<> {
        let mut config = watcher::Config::default();
        config.label_selector.clone_from(&self.selector);
        watcher(self.api::<ScalingPolicy>(), config).default_backoff()
    }

    /// The same of a kind that was discovered.
    fn watch_discovered(
        &self,
        kind: &ApiResource,
    ) -> impl Stream<Item = Result<Event<DynamicObject>, watcher::Error>> + Send + use<> {
        let api: Api<DynamicObject> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, kind),
            None => Api::all_with(self.client.clone(), kind),
        };
        watcher(api, watcher::Config::default()).default_backoff()
    }
}

/// Starts every watch but that of the policies; `filled` counts the caches.
pub(super) fn start(scope: &Scope, context: &Arc<Context>, wake: &Wake, filled: watch::Sender<u32>) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    watches.spawn(workloads(
        scope.watch::<Deployment>(),
        context.clone(),
        wake.clone(),
        filled.clone(),
    ));
    watches.spawn(workloads(
        scope.watch::<StatefulSet>(),
        context.clone(),
        wake.clone(),
        filled.clone(),
    ));
    watches.spawn(hpas(
        scope.watch::<HorizontalPodAutoscaler>(),
        context.clone(),
        wake.clone(),
        filled.clone(),
    ));
    watches.spawn(scaled_objects(
        scope.clone(),
        context.clone(),
        wake.clone(),
        filled.clone(),
    ));
    // Of ReplicaSets only the owner matters: metadata, without their pods' templates.
    watches.spawn(owners(
        scope.watch::<PartialObjectMeta<ReplicaSet>>(),
        context.clone(),
        filled.clone(),
    ));
    watches.spawn(pods(scope.watch::<Pod>(), context.clone(), filled));
    watches
}

/// Where policies that have to look again are named.
pub(super) type Wake = mpsc::UnboundedSender<ObjectRef<ScalingPolicy>>;

/// Feeds the index of one kind of workload, and wakes the policies whose target changed.
async fn workloads<K: Watched>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send,
    context: Arc<Context>,
    wake: Wake,
    filled: watch::Sender<u32>,
) {
    let changed = context.targets.follow(events, first(filled));
    wake_scaling(changed, &context, &wake).await;
}

/// Wakes the policies that scale what has changed.
async fn wake_scaling(changed: impl Stream<Item = TargetKey> + Send, context: &Context, wake: &Wake) {
    let tell = |target| {
        wake_all(wake, context.scaling(&target));
        future::ready(())
    };
    changed.for_each(tell).await;
}

/// Feeds the index of HPAs, and wakes the policies whose rivals changed.
async fn hpas(
    events: impl Stream<Item = Result<Event<HorizontalPodAutoscaler>, watcher::Error>> + Send,
    context: Arc<Context>,
    wake: Wake,
    filled: watch::Sender<u32>,
) {
    let changed = rivals::hpas(events, &context, first(filled));
    wake_scaling(changed, &context, &wake).await;
}

/// The same of ScaledObjects, where there are any.
async fn scaled_objects(scope: Scope, context: Arc<Context>, wake: Wake, filled: watch::Sender<u32>) {
    let changed = |target: TargetKey| wake_all(&wake, context.scaling(&target));
    let watch = |kind: &ApiResource| scope.watch_discovered(kind);
    rivals::scaled_objects(watch, context.clone(), first(filled), changed).await;
}

pub(super) fn wake_all(wake: &Wake, policies: Vec<ObjectRef<ScalingPolicy>>) {
    for policy in policies {
        // The receiver goes with the controller: at shutdown nobody needs waking.
        let _ = wake.unbounded_send(policy);
    }
}

/// Feeds the index of ReplicaSets.
async fn owners(
    events: impl Stream<Item = Result<Event<PartialObjectMeta<ReplicaSet>>, watcher::Error>> + Send,
    context: Arc<Context>,
    filled: watch::Sender<u32>,
) {
    context.owners.follow(events, first(filled)).await;
}

/// Feeds the index of pods.
async fn pods(
    events: impl Stream<Item = Result<Event<Pod>, watcher::Error>> + Send,
    context: Arc<Context>,
    filled: watch::Sender<u32>,
) {
    context.pods.follow(events, first(filled)).await;
}

/// Counts a cache once, however often it is listed again.
pub(super) fn first(filled: watch::Sender<u32>) -> impl Fn() + Send {
    let once = Once::new();
    move || once.call_once(|| filled.send_modify(|n| *n += 1))
}

/// The policies' watch: who scales what is known before any of them is decided, and whoever has to give way, or need not
/// any more, is woken. What is deleted is forgotten, also when the deletion was missed and a new list lacks it. `known` is
/// called whenever all policies are known.
pub(super) fn policies(
    events: impl Stream<Item = Result<Event<ScalingPolicy>, watcher::Error>> + Send,
    context: Arc<Context>,
    wake: Wake,
    known: impl Fn() + Send,
) -> impl Stream<Item = Result<Event<ScalingPolicy>, watcher::Error>> + Send {
    let mut listed = HashSet::new();
    events
        .modify(|policy| policy.managed_fields_mut().clear())
        .inspect_ok(move |event| match event {
            Event::Init => listed.clear(),
            Event::InitApply(policy) => {
                listed.insert(ObjectRef::from_obj(policy));
                wake_all(&wake, context.knows(policy));
            }
            Event::InitDone => {
                wake_all(&wake, context.forget_all_but(&listed));
                known();
            }
            Event::Apply(policy) => wake_all(&wake, context.knows(policy)),
            Event::Delete(policy) => wake_all(&wake, context.forget(&ObjectRef::from_obj(policy))),
        })
        .inspect_err(|error| tracing::warn!(%error, "the watch on ScalingPolicies broke; it will be taken up again"))
}
