//! The leader goes, twenty times: half of them by the deletion of its pod, which says farewell, half by SIGKILL, which
//! does not. Each time the load changes at that moment, and the time is taken until the change is acted upon.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams};

use super::install::REPLICAS;
use crate::scene::Scene;
use crate::stage::{RELEASE, SYSTEM, Stage, TOOLS};
use crate::until::{Look, until};

/// How often the leader goes.
const KILLS: usize = 20;
/// A lease of 15 s runs out, the standby takes it, decides within an interval, and its decision is seen.
const FAILOVER: Duration = Duration::from_secs(60);

const POLICY: &str = "  interval: 2s
  maxReplicas: 8
  metrics:
    - name: load
      prometheus: {query: 'max(app_load{namespace=\"$NAMESPACE\",app=\"dial\"})'}
      target: {averageValue: 10}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
";

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    let scene = Scene::set(stage, "failover", 0).await?;
    scene.dial(20).await?;
    scene.policy(POLICY).await?;
    scene.until_replicas(2, FAILOVER).await?;
    let mut wanted = vec![2];
    let (mut deleted, mut killed) = (Vec::new(), Vec::new());
    for round in 0..KILLS {
        let replicas = if round % 2 == 0 { 4 } else { 2 };
        let by_deletion = round < KILLS / 2;
        let leader = stage.leader().await?;
        let holder = stage.holder().await?;
        let begun = Instant::now();
        if by_deletion {
            delete(stage, &leader).await?;
        } else {
            kill(stage, &leader).await?;
        }
        scene.dial(replicas * 10).await?;
        scene.until_replicas(replicas, FAILOVER).await?;
        let times = if by_deletion { &mut deleted } else { &mut killed };
        times.push(begun.elapsed());
        wanted.push(replicas);
        another_leads(stage, holder).await?;
        if !by_deletion {
            // Its container is started again ever later after each death; a new pod starts at once. Where the container
            // was back in time to take the Lease itself, one more leader goes, uncounted.
            delete(stage, &leader).await?;
        }
        until("the pod's end", FAILOVER, async || {
            let pods = stage.operators().await?;
            let gone = pods.iter().all(|pod| pod.metadata.uid != leader.metadata.uid);
            Ok(Look::whether(gone, "it is still there"))
        })
        .await?;
        stage.ready(SYSTEM, RELEASE, REPLICAS).await?;
    }
    scene.wrote(&wanted)?;
    let witness = if stage.audit.is_some() {
        "by the audit log"
    } else {
        "by what was seen (no audit log)"
    };
    Ok(format!(
        "{KILLS} leaders gone, {} changes, none twice or lost {witness}; to the next decision: deleted {}, killed {}",
        wanted.len(),
        figures(deleted),
        figures(killed)
    ))
}

async fn delete(stage: &Stage, pod: &Pod) -> anyhow::Result<()> {
    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), SYSTEM);
    let name = pod.metadata.name.as_deref().context("a pod without a name")?;
    pods.delete(name, &DeleteParams::default()).await?;
    Ok(())
}

async fn kill(stage: &Stage, pod: &Pod) -> anyhow::Result<()> {
    let uid = pod.metadata.uid.as_deref().context("a pod without a uid")?;
    let answer = stage
        .ask(TOOLS, "killer", &format!("/kill?name=headroom&pod={uid}"))
        .await?;
    ensure!(answer.trim() == "1", "{answer} processes were killed");
    Ok(())
}

/// Waits until the Lease has another holder: another process, which may be of the same pod.
async fn another_leads(stage: &Stage, gone: Option<String>) -> anyhow::Result<()> {
    until("another leader", FAILOVER, async || {
        let holder = stage.holder().await?;
        let other = holder.is_some() && holder != gone;
        Ok(Look::whether(other, format!("holder {holder:?}")))
    })
    .await
}

/// Median and worst.
fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    format!("{:.1} s (worst {:.1} s)", median.as_secs_f64(), worst.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_worst_are_those_of_the_sorted_times() {
        let seconds = |values: &[u64]| values.iter().copied().map(Duration::from_secs).collect();
        assert_eq!(figures(seconds(&[9, 1, 3])), "3.0 s (worst 9.0 s)");
        assert_eq!(figures(seconds(&[4])), "4.0 s (worst 4.0 s)");
    }
}
