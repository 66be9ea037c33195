//! The restricted Pod Security standard: enforced where the operator runs, and the operator runs.

use anyhow::{Context, bail, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::install::REPLICAS;
use crate::stage::{SYSTEM, Stage};

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    // That it is enforced is shown by a pod that it refuses; without that, pods that run would show nothing.
    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), SYSTEM);
    let careless = serde_json::from_value(json!({
        "metadata": {"name": "careless"},
        "spec": {"containers": [{"name": "one", "image": "headroom.local/none:1"}]},
    }))?;
    match pods.create(&PostParams::default(), &careless).await {
        Err(kube::Error::Api(status)) if status.message.contains("violates PodSecurity \"restricted") => {}
        other => bail!("a pod without any restriction was not refused: {other:?}"),
    }

    let operators = stage.operators().await?;
    ensure!(
        operators.len() == REPLICAS as usize,
        "{} operator pods",
        operators.len()
    );
    for pod in operators {
        let name = pod.metadata.name.unwrap_or_default();
        let statuses = pod
            .status
            .and_then(|status| status.container_statuses)
            .unwrap_or_default();
        ensure!(
            !statuses.is_empty() && statuses.iter().all(|s| s.ready),
            "{name} is not ready"
        );
        let spec = pod.spec.context("no spec")?;
        for container in spec.containers {
            let security = container.security_context.unwrap_or_default();
            // Beyond the standard, and promised by the chart.
            ensure!(
                security.read_only_root_filesystem == Some(true),
                "{name} may write to its root"
            );
        }
    }
    Ok("a careless pod is refused, the operator's run with a read-only root".into())
}
