//! The load: what each pod of a Deployment uses, told to kwok by annotations, whatever pods come and go.
//!
//! The scenario tells the load of the whole; it is spread evenly over the pods that are ready, as a Service would. So both
//! sides have the same load and not the same usage: who has more pods uses less in each. Must never touch replicas.

use std::sync::Arc;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::scenario::Step;

/// Pods changed at once, and events that are taken in together: all pods of a scenario change within a moment.
const AT_ONCE: usize = 16;
const CPU: &str = "kwok.x-k8s.io/usage-cpu";
const MEMORY: &str = "kwok.x-k8s.io/usage-memory";

/// Keeps the pods labelled `app` as the present step wants them, for as long as it is polled.
pub async fn keep(client: Client, namespace: &str, app: &str, mut step: watch::Receiver<Step>) -> anyhow::Result<()> {
    let api: Api<Pod> = Api::namespaced(client, namespace);
    let (pods, writer) = reflector::store();
    let config = watcher::Config::default().labels(&format!("app={app}"));
    let changes = watcher(api.clone(), config).default_backoff().reflect(writer);
    let mut changes = std::pin::pin!(changes.ready_chunks(AT_ONCE));
    loop {
        tokio::select! {
            // An error is followed by another watch.
            changed = changes.next() => {
                changed.context("the watch of pods ended")?;
            }
            changed = step.changed() => changed.context("the scenario ended")?,
        }
        let present = step.borrow_and_update().clone();
        let wanted = changes_of(&pods.state(), &present);
        stream::iter(wanted)
            .map(|change| apply(&api, change))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
}

/// What is to be changed about one pod.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    /// Its usage: both annotations, or neither.
    Usage(String, Value),
    /// Whether it is ready.
    Ready(String, bool),
}

async fn apply(api: &Api<Pod>, change: Change) -> anyhow::Result<()> {
    let parameters = PatchParams::default();
    let done = match &change {
        Change::Usage(pod, annotations) => {
            let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
            api.patch(pod, &parameters, &patch).await
        }
        Change::Ready(pod, ready) => {
            let status = if *ready { "True" } else { "False" };
            let now = Time(headroom::clock::now());
            let condition = json!({"type": "Ready", "status": status, "lastTransitionTime": now});
            let patch = Patch::Strategic(json!({"status": {"conditions": [condition]}}));
            api.patch_status(pod, &parameters, &patch).await
        }
    };
    match done {
        // A pod that has gone meanwhile needs nothing.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()).with_context(|| format!("{change:?}")),
    }
}

/// Pure: what is to be changed about these pods in this step.
fn changes_of(pods: &[Arc<Pod>], step: &Step) -> Vec<Change> {
    let mut running: Vec<&Pod> = pods.iter().map(Arc::as_ref).filter(|pod| is_running(pod)).collect();
    // The oldest first: a new pod never changes which of the others are chosen.
    running.sort_by_key(|pod| (pod.creation_timestamp().map(|time| time.0), pod.name_any()));
    let (unready, serving) = running.split_at(step.unready.min(running.len()));
    let among = u64::try_from(serving.len().max(1)).unwrap_or(u64::MAX);
    let usage = |cpu: u64| {
        // Microcores and bytes: no remainder that matters.
        json!({CPU: format!("{}u", cpu * 1000 / among), MEMORY: (step.memory * 1024 * 1024 / among).to_string()})
    };
    let silence = json!({CPU: null, MEMORY: null});

    let idle = unready.iter().map(|pod| (*pod, false, usage(0)));
    let busy = serving.iter().enumerate().map(|(index, pod)| {
        let usage = if index < step.silent {
            silence.clone()
        } else {
            usage(step.cpu)
        };
        (*pod, true, usage)
    });
    let mut changes = Vec::new();
    for (pod, ready, usage) in idle.chain(busy) {
        let annotations = pod.annotations();
        let has = |key: &str| annotations.get(key).map(|value| json!(value)).unwrap_or_default();
        if json!({CPU: has(CPU), MEMORY: has(MEMORY)}) != usage {
            changes.push(Change::Usage(pod.name_any(), usage));
        }
        if is_ready(pod) != ready {
            changes.push(Change::Ready(pod.name_any(), ready));
        }
    }
    changes
}

fn is_running(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, created: u32, phase: &str, ready: &str, usage: Value) -> Arc<Pod> {
        let pod = json!({
            "metadata": {
                "name": name, "creationTimestamp": format!("2026-11-20T12:00:{created:02}Z"), "annotations": usage,
            },
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
        });
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    fn step(unready: usize, silent: usize) -> Step {
        Step {
            at: 0,
            cpu: 300,
            memory: 3,
            unready,
            silent,
            rollout: false,
        }
    }

    fn used(cpu: &str, memory: u64) -> Value {
        json!({CPU: cpu, MEMORY: memory.to_string()})
    }

    #[test]
    fn the_load_is_spread_over_what_runs() {
        let pods = [
            pod("b", 2, "Running", "True", json!({})),
            pod("a", 1, "Running", "True", used("150000u", 3 * 512 * 1024)),
            pod("c", 3, "Pending", "False", json!({})),
        ];
        let expected = vec![Change::Usage("b".into(), used("150000u", 3 * 512 * 1024))];
        assert_eq!(changes_of(&pods, &step(0, 0)), expected);
        assert_eq!(changes_of(&[], &step(0, 0)), vec![]);
    }

    #[test]
    fn the_oldest_are_the_unready_and_the_next_are_the_silent() {
        let third = used("150000u", 3 * 512 * 1024);
        let pods = [
            pod("a", 1, "Running", "True", json!({})),
            pod("b", 2, "Running", "True", third.clone()),
            pod("c", 3, "Running", "True", third),
        ];
        let expected = vec![
            Change::Usage("a".into(), used("0u", 3 * 512 * 1024)),
            Change::Ready("a".into(), false),
            Change::Usage("b".into(), json!({CPU: null, MEMORY: null})),
        ];
        assert_eq!(changes_of(&pods, &step(1, 1)), expected);
    }

    #[test]
    fn what_was_unready_is_ready_again() {
        let pods = [pod("a", 1, "Running", "False", used("300000u", 3 * 1024 * 1024))];
        assert_eq!(changes_of(&pods, &step(0, 0)), vec![Change::Ready("a".into(), true)]);
    }
}
