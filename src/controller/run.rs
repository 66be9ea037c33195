//! Wiring: clients, HTTP server, one reconcile loop for each part of the cluster, leader election, shutdown.
//!
//! Policies are looked at only once the watch caches are filled: before that, "not in the cache" would read as "does
//! not exist". On SIGTERM no reconcile is begun, those under way finish, then Leases are given back and everything stops.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{StreamExt, future};
use jiff::SignedDuration;
use kube::Client;
use kube::api::ListParams;
use kube::client::ClientBuilder;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::timeout::TimeoutLayer;

use super::args::Args;
use super::context::Context;
use super::error::Error;
use super::leading::Leading;
use super::lease::{Fence, Phase, fenced};
use super::reconcile::{error_policy, reconcile};
use super::requests::Count;
use super::watches::{self, CACHES, Scope, Wake, first, policies};
use crate::api::ScalingPolicy;
use crate::observe::Servers;
use crate::report::metrics::Metrics;
use crate::server::{self, Health};

/// Reconciles under way at once, in each part of the cluster. Each waits for Prometheus most of its time; a hanging server
/// must not hold up those of another, so this is well above the places in one server's queue.
const CONCURRENCY: u16 = 256;
/// Longest wait for the API server's answer. Its own limit is a minute; a turn that waits so long holds up its policy, and
/// a shutdown. A write without an answer counts as perhaps made.
const ANSWER: Duration = Duration::from_secs(10);

/// A part of the cluster with a reconcile loop of its own: everything, or one namespace. A policy, its target and its rivals
/// lie in one namespace, so parts have nothing to tell each other.
struct Part {
    scope: Scope,
    context: Arc<Context>,
    wake: Wake,
    woken: mpsc::UnboundedReceiver<ObjectRef<ScalingPolicy>>,
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
    let servers = args.access.servers(&args.prometheus)?;
    let servers = Arc::new(Servers::with_access(servers, args.prometheus_timeout, observe)?);
    let (client, watching) = clients(&metrics).await.map_err(|e| Error::Client(Box::new(e)))?;
    let scopes = scopes(&watching, &args);
    // A clear error now is better than a watch that retries for ever.
    let mut one = ListParams::default().limit(1);
    one.label_selector.clone_from(&args.policy_selector);
    for scope in &scopes {
        let listed = scope.api::<ScalingPolicy>().list(&one).await;
        listed.map_err(|e| Error::Policies(Box::new(e)))?;
    }
    let leading = match args.leader.leader_elect {
        true => Some(Leading::prepare(&args.leader, &client, &metrics).await?),
        false => None,
    };
    let listening = |source| Error::Listen {
        address: args.listen,
        source,
    };
    let listener = TcpListener::bind(args.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;

    let (phase, stop) = watch::channel(Phase::Running);
    let phase = Arc::new(phase);
    let stopping = phase.clone();
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping: no new decisions; those under way finish");
        stopping.send_replace(Phase::Stopping);
    });

    let health = Health::new(registry);
    let http = tokio::spawn(server::serve(listener, health.clone(), stopped(stop.clone())));
    tracing::info!(
        %address, servers = args.prometheus.len(), namespaces = ?args.namespaces, selector = args.policy_selector,
        leader_elect = args.leader.leader_elect, shards = args.leader.shards, "started"
    );
    let refresh = SignedDuration::try_from(args.status_refresh).unwrap_or(SignedDuration::MAX);
    let part = |scope| {
        let (wake, woken) = mpsc::unbounded();
        let context = match &leading {
            // Nothing but a leader's own client writes.
            Some(leading) => Context::new(
                fenced(&client, Fence::shut()),
                servers.clone(),
                metrics.clone(),
                refresh,
            )
            .led_by(leading.shards.clone()),
            None => Context::new(client.clone(), servers.clone(), metrics.clone(), refresh),
        };
        Part {
            scope,
            context: Arc::new(context),
            wake,
            woken,
        }
    };
    let parts: Vec<Part> = scopes.into_iter().map(part).collect();
    let (known, mut all_known) = watch::channel(0);
    let contexts: Vec<_> = parts.iter().map(|p| (p.context.clone(), p.wake.clone())).collect();
    let standing = async {
        let all = u32::try_from(contexts.len()).unwrap_or(u32::MAX);
        tokio::select! {
            _ = all_known.wait_for(|known| *known >= all) => {}
            () = stopped(stop.clone()) => return None,
        }
        health.set_ready(true);
        Some(leading?.stand(&contexts, &stop))
    };
    let controlled = async {
        future::try_join_all(parts.into_iter().map(|part| control(part, known.clone(), stop.clone()))).await?;
        // No reconcile is under way any more.
        phase.send_replace(Phase::Releasing);
        Ok(())
    };
    let led = async {
        match standing.await {
            Some(electors) => ended("an elector", electors).await,
            None => Ok(()),
        }
    };
    future::try_join(controlled, led).await?;
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

/// The parts of the cluster that are looked at: each namespace once, or all as one.
fn scopes(client: &Client, args: &Args) -> Vec<Scope> {
    let scope = |namespace| Scope {
        client: client.clone(),
        namespace,
        selector: args.policy_selector.clone(),
    };
    let named: BTreeSet<&String> = args.namespaces.iter().filter(|name| !name.is_empty()).collect();
    match named.is_empty() {
        true => vec![scope(None)],
        false => named.into_iter().map(|name| scope(Some(name.clone()))).collect(),
    }
}

/// Watches, waits for the caches, then reconciles until the process is to stop.
///
/// # Errors
/// [`Error::Ended`] where a watch does: what is decided by would be true no more.
async fn control(part: Part, known: watch::Sender<u32>, stop: watch::Receiver<Phase>) -> Result<(), Error> {
    let Part {
        scope,
        context,
        wake,
        woken,
    } = part;
    let (filled, mut caches) = watch::channel(0_u32);
    let watches = watches::start(&scope, &context, &wake, filled);
    let reconciled = async {
        tokio::select! {
            _ = caches.wait_for(|filled| *filled >= CACHES) => {}
            () = stopped(stop.clone()) => return,
        }
        let (reader, writer) = reflector::store();
        let events = policies(scope.watch_policies(), context.clone(), wake, first(known));
        let changed = reflector::reflector(writer, events)
            .applied_objects()
            // A new generation is a new spec; our own status writes wake nobody.
            .predicate_filter(predicates::generation, PredicateConfig::default());
        Controller::for_stream(changed, reader)
            .with_config(Config::default().concurrency(CONCURRENCY))
            .reconcile_on(woken)
            .graceful_shutdown_on(stopped(stop))
            .run(reconcile, error_policy, context)
            .for_each(|_| future::ready(()))
            .await;
    };
    tokio::select! {
        () = reconciled => Ok(()),
        Err(error) = ended("a watch", watches) => Err(error),
    }
}

/// Resolves once all of the tasks have ended.
///
/// # Errors
/// [`Error::Ended`] as soon as one panics: a process that went on would stand for no Lease, or decide by an old cache, and
/// look well.
async fn ended(what: &'static str, mut tasks: JoinSet<()>) -> Result<(), Error> {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|source| Error::Ended { what, source })?;
    }
    Ok(())
}

/// Resolves once stopping has begun.
async fn stopped(mut stop: watch::Receiver<Phase>) {
    // The sender lives as long as the process; were it gone, stopping would be right as well.
    let _ = stop.wait_for(|phase| *phase >= Phase::Stopping).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_noticed_while_others_go_on() {
        let mut tasks = JoinSet::new();
        tasks.spawn(future::pending());
        tasks.spawn(async {});
        tasks.spawn(async { panic!("the words of the panic") });
        let words = ended("an elector", tasks).await.unwrap_err().to_string();
        assert!(
            words.starts_with("an elector") && words.contains("the words of the panic"),
            "{words}"
        );
    }

    #[tokio::test]
    async fn tasks_that_come_to_their_end_are_no_error() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async {});
        tasks.spawn(tokio::task::yield_now());
        assert!(ended("an elector", tasks).await.is_ok());
    }
}
