//! One behaviour's namespace, under the restricted Pod Security standard: a workload, a dial that says what load there is
//! supposed to be, and a policy.

use std::time::Duration;

use anyhow::{Context, ensure};
use headroom::api::ScalingPolicy;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::Api;

use crate::audit::{ScaleWrite, scale_writes};
use crate::images;
use crate::stage::{OPERATOR, PATIENCE, Stage};
use crate::until::{Look, until};

pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) namespace: String,
    deployments: Api<Deployment>,
    policies: Api<ScalingPolicy>,
}

/// The workload's name, and its policy's.
pub(crate) const WEB: &str = "web";

impl<'a> Scene<'a> {
    /// Makes the namespace with a ready workload and a dial at 0. The workload's pods are ready after `ready_after`
    /// seconds and ask for a tenth of a processor.
    pub(crate) async fn set(stage: &'a Stage, name: &str, ready_after: u32) -> anyhow::Result<Self> {
        let namespace = format!("headroom-e2e-{name}");
        let (image, ready_after) = (images::name("app"), ready_after.to_string());
        let values = [
            ("NAMESPACE", namespace.as_str()),
            ("IMAGE", &image),
            ("READY_AFTER", &ready_after),
        ];
        stage
            .tools
            .apply(include_str!("../manifests/workload.yaml"), &values)
            .await?;
        stage.ready(&namespace, "dial", 1).await?;
        stage.ready(&namespace, WEB, 1).await?;
        Ok(Self {
            stage,
            deployments: Api::namespaced(stage.client.clone(), &namespace),
            policies: Api::namespaced(stage.client.clone(), &namespace),
            namespace,
        })
    }

    /// Applies a policy for the workload; `spec` is YAML, indented by two, with `$NAMESPACE`.
    pub(crate) async fn policy(&self, spec: &str) -> anyhow::Result<()> {
        let head = format!(
            "apiVersion: headroom.dev/v1alpha1\nkind: ScalingPolicy\nmetadata: {{name: {WEB}, namespace: $NAMESPACE}}\n\
             spec:\n  targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {WEB}}}\n"
        );
        let values = [("NAMESPACE", self.namespace.as_str())];
        self.stage.tools.apply(&(head + spec), &values).await
    }

    /// Says what load there is; Prometheus knows a second later.
    pub(crate) async fn dial(&self, load: i32) -> anyhow::Result<()> {
        let answer = self
            .stage
            .ask(&self.namespace, "dial", &format!("/set?load={load}"))
            .await?;
        ensure!(answer.trim() == load.to_string(), "the dial says {answer:?}");
        Ok(())
    }

    /// Has the workload asked for `path` so many times a second by a pod of its own.
    pub(crate) async fn load(&self, rate: u32, path: &str) -> anyhow::Result<()> {
        let to = self.stage.service_address(&self.namespace, WEB).await?;
        let (image, rate) = (images::name("app"), rate.to_string());
        let values = [
            ("NAMESPACE", self.namespace.as_str()),
            ("IMAGE", &image),
            ("RATE", &rate),
            ("TO", &to),
            ("PATH", path),
        ];
        self.stage
            .tools
            .apply(include_str!("../manifests/load.yaml"), &values)
            .await?;
        self.stage.ready(&self.namespace, "load", 1).await
    }

    /// Replicas that the workload is asked for.
    pub(crate) async fn replicas(&self) -> anyhow::Result<i32> {
        let spec = self.deployments.get(WEB).await?.spec.context("no spec")?;
        Ok(spec.replicas.unwrap_or(1))
    }

    /// Ready pods of the workload.
    pub(crate) async fn ready_replicas(&self) -> anyhow::Result<i32> {
        let status = self.deployments.get(WEB).await?.status.unwrap_or_default();
        Ok(status.ready_replicas.unwrap_or(0))
    }

    /// Waits until the workload is asked for exactly so many replicas.
    pub(crate) async fn until_replicas(&self, wanted: i32, patience: Duration) -> anyhow::Result<()> {
        until(
            &format!("{wanted} replicas in {}", self.namespace),
            patience,
            async || {
                let replicas = self.replicas().await?;
                Ok(Look::whether(replicas == wanted, format!("{replicas} replicas")))
            },
        )
        .await
    }

    /// The policy as it is now.
    pub(crate) async fn status(&self) -> anyhow::Result<ScalingPolicy> {
        Ok(self.policies.get(WEB).await?)
    }

    /// Waits until a decision was told after `change` was made: until the policy's status is of its present spec and
    /// `holds`.
    pub(crate) async fn until_policy(
        &self,
        what: &str,
        holds: impl Fn(&ScalingPolicy) -> bool,
    ) -> anyhow::Result<ScalingPolicy> {
        until(&format!("{what} in {}", self.namespace), PATIENCE, async || {
            let policy = self.status().await?;
            let status = policy.status.as_ref();
            let current = status.is_some_and(|status| status.observed_generation == policy.metadata.generation);
            if current && holds(&policy) {
                return Ok(Look::Here(policy));
            }
            let decision = status.and_then(|status| status.decision.as_ref());
            let seen = decision.map_or("no decision".into(), |decision| decision.message.clone());
            Ok(Look::Not(seen))
        })
        .await
    }

    /// What the operator wrote to the workload's scale, by the audit log; `None` where there is none.
    pub(crate) fn writes(&self) -> anyhow::Result<Option<Vec<ScaleWrite>>> {
        let Some(log) = &self.stage.audit else { return Ok(None) };
        scale_writes(log, OPERATOR, &self.namespace, WEB).map(Some)
    }

    /// Fails unless the operator's writes were exactly these counts, in this order, each accepted.
    pub(crate) fn wrote(&self, counts: &[i32]) -> anyhow::Result<()> {
        let Some(writes) = self.writes()? else { return Ok(()) };
        let accepted = writes.iter().filter(|write| write.code == 200);
        let found: Vec<i64> = accepted.map(|write| write.replicas).collect();
        let wanted: Vec<i64> = counts.iter().copied().map(i64::from).collect();
        ensure!(
            found == wanted,
            "the audit log has the counts {found:?}, not {wanted:?}: {writes:?}"
        );
        Ok(())
    }
}
