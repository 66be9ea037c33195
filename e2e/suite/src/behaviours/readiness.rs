//! Pods that take their time: what is measured of the ready ones is not multiplied by those that only start.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::scene::{Scene, WEB};
use crate::stage::Stage;
use crate::until::{Look, until};

/// Seconds from a pod's start until it is ready: several decisions long.
const START_UP: u32 = 12;

/// An average over the ready pods, twice as high as it should be. One ready pod is worth two, two ready ones are worth
/// four: were starting pods counted, the second decision would already ask for four.
const POLICY: &str = "  interval: 1s
  maxReplicas: 4
  metrics:
    - name: load
      prometheus: {query: 'max(app_load{namespace=\"$NAMESPACE\",app=\"dial\"})'}
      target: {value: 10}
";

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    let scene = Scene::set(stage, "readiness", START_UP).await?;
    scene.dial(20).await?;
    scene.policy(POLICY).await?;
    scene.until_replicas(2, Duration::from_secs(30)).await?;
    let asked = Instant::now();
    until("growth beyond two", Duration::from_secs(90), async || {
        let (replicas, ready) = (scene.replicas().await?, scene.ready_replicas().await?);
        ensure!(
            replicas <= 2 || ready >= 2,
            "{replicas} replicas were asked for with {ready} ready"
        );
        Ok(Look::whether(
            replicas > 2,
            format!("{replicas} replicas, {ready} ready"),
        ))
    })
    .await?;
    let waited = asked.elapsed();
    ensure!(
        waited >= Duration::from_secs(START_UP.into()),
        "grew again after {waited:?}, before the second pod can have been ready"
    );
    scene.until_replicas(4, Duration::from_secs(30)).await?;
    stage.ready(&scene.namespace, WEB, 4).await?;
    scene.wrote(&[2, 4])?;
    Ok(format!(
        "asked for more {:.1} s later, once the second pod was ready ({START_UP} s)",
        waited.as_secs_f64()
    ))
}
