//! Processor time that pods really burn, as kubelet measures it and metrics-server tells it.

use std::time::{Duration, Instant};

use crate::scene::{Scene, WEB};
use crate::stage::Stage;

/// Each pod asks for 100m of a processor and may use all of it.
const POLICY: &str = "  interval: 5s
  maxReplicas: 6
  metrics:
    - name: cpu
      resource: {name: cpu}
      target: {averageUtilization: 100}
  warmUp: {cpuInitializationPeriod: 1s, initialReadinessDelay: 1s}
";

/// metrics-server looks every 10 s, and tells of a pod after two looks; a kubelet measures every 10 s.
const FOLLOW: Duration = Duration::from_secs(150);

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    let scene = Scene::set(stage, "cpu", 0).await?;
    // 8 × 30 ms in a second, and a little for each request beside that: more than two pods and less than three.
    scene.load(8, "/work?ms=30").await?;
    let begun = Instant::now();
    scene.policy(POLICY).await?;
    scene.until_replicas(3, FOLLOW).await?;
    stage.ready(&scene.namespace, WEB, 3).await?;
    let took = begun.elapsed().as_secs_f64();
    Ok(format!("0.25 processors are three pods of 0.1 after {took:.1} s"))
}
