//! `helm upgrade` in the middle of a cooldown: the new pods go by what the old ones decided.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use headroom::api::ScalingPolicy;
use jiff::Timestamp;

use super::install::{REPLICAS, arguments, as_str};
use crate::scene::Scene;
use crate::stage::{RELEASE, SYSTEM, Stage};
use crate::until::{Look, until};

/// Longer than an upgrade takes, on slow machines too.
const COOLDOWN: Duration = Duration::from_secs(150);

const POLICY: &str = "  interval: 2s
  maxReplicas: 8
  metrics:
    - name: load
      prometheus: {query: 'max(app_load{namespace=\"$NAMESPACE\",app=\"dial\"})'}
      target: {averageValue: 10}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0, cooldownSeconds: 150}
";

pub(super) async fn show(stage: &Stage) -> anyhow::Result<String> {
    let scene = Scene::set(stage, "upgrade", 0).await?;
    scene.dial(40).await?;
    scene.policy(POLICY).await?;
    scene.until_replicas(4, Duration::from_secs(30)).await?;
    scene.dial(10).await?;
    let before = scene
        .until_policy("a cooldown that holds", |policy| held_until(policy).is_some())
        .await?;
    let before = held_until(&before).context("no cooldown")?;
    let old: Vec<_> = stage
        .operators()
        .await?
        .into_iter()
        .map(|pod| pod.metadata.uid)
        .collect();

    let begun = Instant::now();
    let mut words = arguments("upgrade", stage);
    words.push("--set-string=podAnnotations.upgraded=yes".into());
    stage.tools.helm(&as_str(&words)).await?;
    stage.ready(SYSTEM, RELEASE, REPLICAS).await?;
    let took = begun.elapsed();
    until("new pods alone", COOLDOWN, async || {
        let pods = stage.operators().await?;
        let new = pods.len() == REPLICAS as usize && pods.iter().all(|pod| !old.contains(&pod.metadata.uid));
        Ok(Look::whether(new, format!("{} pods", pods.len())))
    })
    .await?;
    let leader = stage.leader().await?;
    ensure!(!old.contains(&leader.metadata.uid), "an old pod leads");
    ensure!(
        took < COOLDOWN,
        "the upgrade took {took:?}: longer than the cooldown, it shows nothing"
    );

    // What it decides changes nothing, so that its status stays as it is; its metrics tell that it decided.
    until("the new leader's decision", COOLDOWN, async || {
        let metrics = stage.metrics(&leader).await?;
        let held = metrics.lines().find(|line| {
            line.starts_with("headroom_policy_held{") && line.contains(&format!("namespace=\"{}\"", scene.namespace))
        });
        let value = held.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        let cooldown = value == Some(1.0) && held.is_some_and(|line| line.contains("ScaleDownCooldown"));
        Ok(Look::whether(cooldown, format!("{held:?}")))
    })
    .await?;
    let after = scene.status().await?;
    let after = held_until(&after).context("the new leader's cooldown is not in the status")?;
    // What is remembered is rounded up to whole seconds, so that no cooldown is cut short.
    let late = after.duration_since(before).as_secs_f64();
    ensure!(
        (0.0..=1.0).contains(&late),
        "the cooldown was to end at {before}, and now at {after}"
    );
    ensure!(
        scene.replicas().await? == 4,
        "the cooldown holds, and there are not 4 replicas"
    );
    scene.wrote(&[4])?;

    scene.until_replicas(1, COOLDOWN + Duration::from_secs(30)).await?;
    scene.wrote(&[4, 1])?;
    // The status remembers a change once it is made, a moment after the count shows it.
    let down = |policy: &ScalingPolicy| {
        let damping = policy.status.as_ref()?.damping.as_ref()?;
        damping
            .scale_events
            .iter()
            .find(|event| event.to == 1)
            .map(|event| event.at.0)
    };
    let remembered = scene
        .until_policy("the way down is remembered", |policy| down(policy).is_some())
        .await?;
    let at = down(&remembered).context("no change is remembered")?;
    ensure!(at >= before, "came down at {at}, before the cooldown's end at {before}");
    Ok(format!(
        "rolled over in {:.1} s; the cooldown held, to the second",
        took.as_secs_f64()
    ))
}

/// The instant until which a cooldown holds the way down, where one does.
fn held_until(policy: &ScalingPolicy) -> Option<Timestamp> {
    let decision = policy.status.as_ref()?.decision.as_ref()?;
    let cooldown = decision.limits.iter().find(|limit| limit.reason.contains("Cooldown"))?;
    Some(cooldown.until.as_ref()?.0)
}
