//! `helm uninstall`: the operator goes, and nothing else does.

use anyhow::ensure;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, ListParams};

use crate::scene::Scene;
use crate::stage::{PATIENCE, RELEASE, SYSTEM, Stage};
use crate::until::{Look, until};

const POLICY: &str = "  interval: 2s
  maxReplicas: 8
  metrics:
    - name: load
      prometheus: {query: 'max(app_load{namespace=\"$NAMESPACE\",app=\"dial\"})'}
      target: {averageValue: 10}
";

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    let scene = Scene::set(stage, "uninstall", 0).await?;
    scene.dial(30).await?;
    scene.policy(POLICY).await?;
    scene.until_replicas(3, PATIENCE).await?;
    let before = scene.status().await?;

    stage
        .tools
        .helm(&["uninstall", RELEASE, "--namespace", SYSTEM, "--wait", "--timeout=2m"])
        .await?;
    until("the operator's end", PATIENCE, async || {
        let pods = stage.operators().await?;
        Ok(Look::whether(pods.is_empty(), format!("{} pods", pods.len())))
    })
    .await?;
    // Nobody is left to act on it.
    scene.dial(80).await?;

    let selector = ListParams::default().labels("app.kubernetes.io/instance=headroom");
    let roles = Api::<ClusterRole>::all(stage.client.clone()).list(&selector).await?;
    let bindings = Api::<ClusterRoleBinding>::all(stage.client.clone())
        .list(&selector)
        .await?;
    ensure!(
        roles.items.is_empty() && bindings.items.is_empty(),
        "roles are left: {:?}",
        roles
            .items
            .iter()
            .filter_map(|role| role.metadata.name.as_deref())
            .collect::<Vec<_>>()
    );
    let after = scene.status().await?;
    ensure!(after.metadata.uid == before.metadata.uid, "the policy is another one");
    ensure!(
        after.metadata.deletion_timestamp.is_none(),
        "the policy is on its way out"
    );
    ensure!(
        scene.replicas().await? == 3,
        "{} replicas, not 3",
        scene.replicas().await?
    );
    scene.wrote(&[3])?;
    Ok("3 replicas before and after; the policy and its definition are still there, no role is".into())
}
