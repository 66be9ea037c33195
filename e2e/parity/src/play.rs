//! One scenario, played: two Deployments in a namespace, one scaled by HPA and one by the side that is compared with it.
//!
//! Set first ([`Stage::set`]), played later ([`Stage::play`]), so that all scenarios begin together, at the same distance
//! from metrics-server's looks. Must never judge: [`crate::compare`] does.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use headroom::api::ScalingPolicy;
use headroom_cluster::ControlPlane;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::Against;
use crate::compare::Track;
use crate::scenario::{Scenario, Step};
use crate::{load, objects};

/// The Deployments' names: the one that HPA scales, and the one that is compared with it.
pub const SIDES: [&str; 2] = ["hpa", "other"];

/// A scenario whose Deployments are there and under the load of its first step.
pub struct Stage {
    pub scenario: Scenario,
    pub namespace: String,
    client: Client,
    step: watch::Sender<Step>,
    begun: OnceLock<Instant>,
    tracks: Mutex<[Track; 2]>,
}

impl Stage {
    /// Creates namespace and Deployments.
    pub async fn set(plane: &ControlPlane, scenario: Scenario) -> anyhow::Result<Stage> {
        let client = plane.client()?;
        let namespace = plane.namespace(&scenario.name).await?;
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
        for side in SIDES {
            let deployment = serde_json::from_value(objects::deployment(&scenario, side))?;
            deployments
                .create(&PostParams::default(), &deployment)
                .await
                .with_context(|| format!("{}: no Deployment", scenario.name))?;
        }
        let first = scenario.load.first().context("a scenario without load")?.clone();
        Ok(Stage {
            scenario,
            namespace,
            client,
            step: watch::Sender::new(first),
            begun: OnceLock::new(),
            tracks: Mutex::default(),
        })
    }

    /// Pods that it has at the start.
    pub fn pods(&self) -> usize {
        SIDES.len() * usize::try_from(self.scenario.replicas).unwrap_or_default()
    }

    /// Keeps the load on the pods and the record of replicas; never ends but by an error.
    pub async fn run(&self) -> anyhow::Result<()> {
        let [one, other] =
            SIDES.map(|side| load::keep(self.client.clone(), &self.namespace, side, self.step.subscribe()));
        tokio::try_join!(one, other, self.record())?;
        Ok(())
    }

    /// Applies both sides' objects, lets the load take its course and yields both records.
    pub async fn play(&self, begun: Instant, against: Against) -> anyhow::Result<[Track; 2]> {
        // Nobody else sets it.
        let _ = self.begun.set(begun);
        let hpa = ApiResource::erase::<HorizontalPodAutoscaler>(&());
        let [name, other] = SIDES;
        self.create(&hpa, objects::autoscaler(&self.scenario, name)).await?;
        match against {
            Against::Hpa => self.create(&hpa, objects::autoscaler(&self.scenario, other)).await?,
            Against::Headroom => {
                let policy = ApiResource::erase::<ScalingPolicy>(&());
                self.create(&policy, objects::policy(&self.scenario, other)).await?;
            }
        }
        for step in &self.scenario.load {
            sleep_until(begun + Duration::from_secs(step.at)).await;
            self.step.send_replace(step.clone());
            if step.rollout {
                self.roll_out().await?;
            }
        }
        sleep_until(begun + self.scenario.length()).await;
        Ok(self
            .tracks
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone())
    }

    async fn create(&self, resource: &ApiResource, object: Value) -> anyhow::Result<()> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, resource);
        api.create(&PostParams::default(), &serde_json::from_value(object)?)
            .await
            .with_context(|| format!("{}: the API server refuses the {}", self.scenario.name, resource.kind))?;
        Ok(())
    }

    /// Notes every change of replicas.
    async fn record(&self) -> anyhow::Result<()> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let changes = watcher(api, watcher::Config::default())
            .default_backoff()
            .applied_objects();
        let mut changes = std::pin::pin!(changes);
        while let Some(changed) = changes.next().await {
            // An error is followed by another watch.
            let Ok(deployment) = changed else { continue };
            let Some(side) = SIDES.iter().position(|side| deployment.name_any() == *side) else {
                continue;
            };
            let replicas = deployment.spec.and_then(|spec| spec.replicas).unwrap_or_default();
            let at = self.begun.get().map(Instant::elapsed).unwrap_or_default();
            self.tracks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[side].note(at, replicas);
        }
        bail!("the watch of Deployments ended")
    }

    async fn roll_out(&self) -> anyhow::Result<()> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let annotations = json!({"parity/revision": "2"});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        for side in SIDES {
            api.patch(side, &PatchParams::default(), &Patch::Merge(&patch))
                .await
                .with_context(|| format!("{}: no rollout", self.scenario.name))?;
        }
        Ok(())
    }
}
