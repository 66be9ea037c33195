//! Wiring: client, watches, HTTP server, controller, shutdown.
//!
//! Policies are looked at only once the watch caches are filled: before that, "not in the cache" would read as "does
//! not exist". On SIGTERM no reconcile is begun, those under way finish, then everything stops.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, Once};
use std::time::Duration;

use futures::channel::mpsc;
use futures::{Stream, StreamExt, TryStreamExt, future};
use jiff::SignedDuration;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams};
use kube::client::ClientBuilder;
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::controller::{Config, Controller};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::timeout::TimeoutLayer;

use super::args::Args;
use super::context::Context;
use super::error::Error;
use super::reconcile::{error_policy, reconcile};
use super::requests::Count;
use super::rivals;
use crate::api::ScalingPolicy;
use crate::observe::targets::Watched;
use crate::observe::{Servers, TargetKey};
use crate::report::metrics::Metrics;
use crate::server::{self, Health};

/// Reconciles under way at once. Each waits for Prometheus most of its time; a hanging server must not hold up those
/// of another, so this is well above the places in one server's queue.
const CONCURRENCY: u16 = 256;
/// Longest wait for the API server's answer. Its own limit is a minute; a turn that waits so long holds up its policy, and
/// a shutdown. A write without an answer counts as perhaps made.
const ANSWER: Duration = Duration::from_secs(10);
/// Caches to be filled before the first decision: Deployments, StatefulSets, ReplicaSets, pods, HPAs, ScaledObjects. The
/// last two also count as filled where they cannot be: without KEDA, without rights.
const CACHES: u32 = 6;

/// What part of the cluster is looked at.
#[derive(Clone)]
struct Scope {
    client: Client,
    namespace: Option<String>,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
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

/// Runs the operator until SIGTERM or Ctrl-C.
///
/// # Errors
/// [`Error`] where it cannot start.
pub async fn run(args: Args) -> Result<(), Error> {
    // One TLS provider for the Kubernetes and the Prometheus client; set already where a caller did.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (metrics, registry) = Metrics::new();
    let observer = metrics.clone();
    let observe = Arc::new(move |server: &str, took, cause| observer.queried(server, took, cause));
    let servers = Servers::new(args.prometheus.clone(), args.prometheus_timeout, observe)?;
    let (client, watching) = clients(&metrics).await.map_err(|e| Error::Client(Box::new(e)))?;
    let scope = Scope {
        client: watching,
        namespace: args.namespace.clone(),
    };
    // A clear error now is better than a watch that retries for ever.
    let one = ListParams::default().limit(1);
    scope
        .api::<ScalingPolicy>()
        .list(&one)
        .await
        .map_err(|e| Error::Policies(Box::new(e)))?;
    let listening = |source| Error::Listen {
        address: args.listen,
        source,
    };
    let listener = TcpListener::bind(args.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;

    let (stopping, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping: no new decisions; those under way finish");
        stopping.send_replace(true);
    });

    let health = Health::new(registry);
    let http = tokio::spawn(server::serve(listener, health.clone(), stopped(stop.clone())));
    tracing::info!(%address, servers = args.prometheus.len(), namespace = args.namespace, "started");
    let refresh = SignedDuration::try_from(args.status_refresh).unwrap_or(SignedDuration::MAX);
    let context = Arc::new(Context::new(client, servers, metrics, refresh));
    control(&scope, &context, &health, stop).await;
    health.set_ready(false);
    if let Ok(Err(error)) = http.await {
        tracing::warn!(%error, "the HTTP server ended badly");
    }
    tracing::info!("stopped");
    Ok(())
}

/// A client for requests, which have a deadline, and one for watches, which have none (an idle one is renewed). What both
/// ask is counted.
async fn clients(metrics: &Metrics) -> Result<(Client, Client), kube::Error> {
    let config = kube::Config::infer().await.map_err(kube::Error::InferConfig)?;
    let requests = ClientBuilder::try_from(config.clone())?
        .with_layer(&TimeoutLayer::new(ANSWER))
        .with_layer(&Count(metrics.clone()))
        .build();
    let watches = ClientBuilder::try_from(config)?.with_layer(&Count(metrics.clone()));
    Ok((requests, watches.build()))
}

/// Watches, waits for the caches, then reconciles until `stop`.
async fn control(scope: &Scope, context: &Arc<Context>, health: &Health, stop: watch::Receiver<bool>) {
    let (wake, woken) = mpsc::unbounded();
    let (filled, mut caches) = watch::channel(0_u32);
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
    tokio::select! {
        _ = caches.wait_for(|filled| *filled >= CACHES) => {}
        () = stopped(stop.clone()) => return,
    }
    let (reader, writer) = reflector::store();
    let changed = reflector::reflector(writer, policies(scope.watch(), context.clone(), wake, health.clone()))
        .applied_objects()
        // A new generation is a new spec; our own status writes wake nobody.
        .predicate_filter(predicates::generation, PredicateConfig::default());
    Controller::for_stream(changed, reader)
        .with_config(Config::default().concurrency(CONCURRENCY))
        .reconcile_on(woken)
        .graceful_shutdown_on(stopped(stop))
        .run(reconcile, error_policy, context.clone())
        .for_each(|_| future::ready(()))
        .await;
}

type Wake = mpsc::UnboundedSender<ObjectRef<ScalingPolicy>>;

/// Feeds the index of one kind of workload, and wakes the policies whose target changed.
async fn workloads<K: Watched>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send,
    context: Arc<Context>,
    wake: Wake,
    filled: watch::Sender<u32>,
) {
    let changed = context.targets.follow(events, first(filled));
    let tell = |target| {
        wake_all(&wake, context.scaling(&target));
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
    let tell = |target| {
        wake_all(&wake, context.scaling(&target));
        future::ready(())
    };
    changed.for_each(tell).await;
}

/// The same of ScaledObjects, where there are any.
async fn scaled_objects(scope: Scope, context: Arc<Context>, wake: Wake, filled: watch::Sender<u32>) {
    let changed = |target: TargetKey| wake_all(&wake, context.scaling(&target));
    let watch = |kind: &ApiResource| scope.watch_discovered(kind);
    rivals::scaled_objects(watch, context.clone(), first(filled), changed).await;
}

fn wake_all(wake: &Wake, policies: Vec<ObjectRef<ScalingPolicy>>) {
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
fn first(filled: watch::Sender<u32>) -> impl Fn() + Send {
    let once = Once::new();
    move || once.call_once(|| filled.send_modify(|n| *n += 1))
}

/// The policies' watch: who scales what is known before any of them is decided, and whoever has to give way, or need not
/// any more, is woken. What is deleted is forgotten, also when the deletion was missed and a new list lacks it. Ready is
/// who knows the policies.
fn policies(
    events: impl Stream<Item = Result<Event<ScalingPolicy>, watcher::Error>> + Send,
    context: Arc<Context>,
    wake: Wake,
    health: Health,
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
                health.set_ready(true);
            }
            Event::Apply(policy) => wake_all(&wake, context.knows(policy)),
            Event::Delete(policy) => wake_all(&wake, context.forget(&ObjectRef::from_obj(policy))),
        })
        .inspect_err(|error| tracing::warn!(%error, "the watch on ScalingPolicies broke; it will be taken up again"))
}

/// Resolves once stopping has begun.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender lives as long as the process; were it gone, stopping would be right as well.
    let _ = stop.wait_for(|stopping| *stopping).await;
}
