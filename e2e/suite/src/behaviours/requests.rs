//! A real load through a real Service, counted by the workload, scraped by Prometheus, decided by the operator.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::scene::{Scene, WEB};
use crate::stage::Stage;

/// 10 requests a second for each replica. The way down is not stabilised, or the behaviour would take five minutes more.
const POLICY: &str = "  interval: 2s
  maxReplicas: 8
  metrics:
    - name: requests
      prometheus: {query: 'sum(rate(http_requests_total{namespace=\"$NAMESPACE\",app=\"web\"}[10s]))'}
      target: {averageValue: 10}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
";

/// Until a rate over 10 s has all of its window, and a decision or two, within the limit of 4 pods in 15 s.
const FOLLOW: Duration = Duration::from_secs(90);

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    let scene = Scene::set(stage, "requests", 0).await?;
    // 37, between 31 and 40: a rate that is a little off is still four replicas' worth.
    scene.load(37, "/work?ms=1").await?;
    let begun = Instant::now();
    scene.policy(POLICY).await?;
    scene.until_replicas(4, FOLLOW).await?;
    stage.ready(&scene.namespace, WEB, 4).await?;
    let up = begun.elapsed();

    scene.load(7, "/work?ms=1").await?;
    let begun = Instant::now();
    scene.until_replicas(1, FOLLOW).await?;
    stage.ready(&scene.namespace, WEB, 1).await?;
    let down = begun.elapsed();
    let policy = scene.status().await?;
    let events = policy
        .status
        .and_then(|status| status.damping)
        .map(|damping| damping.scale_events);
    ensure!(
        events
            .as_ref()
            .and_then(|events| events.last())
            .is_some_and(|event| event.to == 1),
        "the status does not tell the last change: {events:?}"
    );
    let (up, down) = (up.as_secs_f64(), down.as_secs_f64());
    Ok(format!("1 to 4 ready pods in {up:.1} s, back in {down:.1} s"))
}
