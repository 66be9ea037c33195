//! A window's floor acts at once, and ahead of its start by the lead time; its end is damped.

use jiff::{SignedDuration, Timestamp};

use crate::harness::{Stage, wanted};

/// The next full minute that leaves time to set the stage.
fn next_minute() -> Timestamp {
    let now = headroom::clock::now().as_second();
    Timestamp::from_second((now + 15).div_euclid(60) * 60 + 60).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_acts_at_once_and_its_end_is_damped() {
    let stage = Stage::set("window").await;
    stage.metrics.says(150.0);
    stage.deployment("web", 2).await;
    let _operator = stage.operator().await;
    let start = next_minute();
    let cron = start
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%M %H * * *")
        .to_string();
    let spec = format!(
        "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {{query: requests}}
    target: {{averageValue: '100'}}
schedules:
  - {{name: sale, start: '{cron}', duration: 1m, minReplicas: 9}}
behavior:
  scaleUp: {{cooldownSeconds: 600, policies: [{{type: Pods, value: 1, periodSeconds: 600}}]}}
  scaleDown: {{stabilizationWindowSeconds: 20}}
"
    );
    stage.policy("web", &spec).await;
    stage
        .until_policy("web", "waiting for the window", |p| {
            p.status
                .as_ref()
                .is_some_and(|s| s.schedules.iter().any(|w| !w.active && w.next_start.is_some()))
        })
        .await;

    let up = stage.until_replicas("web", 9).await;
    // By the operator's clock, in whole seconds: how long a busy machine takes to show it is another matter.
    let reported = stage
        .until_policy("web", "reported", |p| {
            p.status.as_ref().is_some_and(|s| s.current_replicas == Some(9))
        })
        .await;
    let rose = reported.status.unwrap().last_scale_time.unwrap().0;
    assert!(rose >= start, "not before the window");
    assert!(
        rose <= start + SignedDuration::from_secs(1 + 2),
        "at once, whatever limits growth: {rose} for {start}"
    );
    assert_eq!(wanted(&up), 9, "in one step");

    let end = start + SignedDuration::from_secs(60);
    stage.until_replicas("web", 2).await;
    let fell = headroom::clock::now();
    // The last recommendation of nine is as old as the last decision within the window, up to an interval before its end.
    let least = end + SignedDuration::from_secs(20 - 2);
    assert!(
        fell >= least,
        "the way down is damped by 20 s after {end}: it was {fell}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_acts_ahead_of_a_window_that_is_open_once() {
    let stage = Stage::set("lead").await;
    stage.metrics.says(150.0);
    stage.deployment("web", 2).await;
    let _operator = stage.operator().await;
    let start = next_minute() + SignedDuration::from_secs(30);
    let end = start + SignedDuration::from_secs(3600);
    let wall = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    // One turn an hour: only the edge itself can wake it in time.
    let spec = format!(
        "
minReplicas: 2
maxReplicas: 20
interval: 1h
metrics:
  - name: requests
    prometheus: {{query: requests}}
    target: {{averageValue: '100'}}
schedules:
  - {{name: sale, from: '{}', until: '{}', leadTime: 20s, minReplicas: 9}}
",
        wall(start),
        wall(end)
    );
    stage.policy("web", &spec).await;
    stage.until_replicas("web", 9).await;
    let rose = headroom::clock::now();
    let early = start - SignedDuration::from_secs(20);
    assert!(rose >= early, "not before its lead time");
    assert!(
        rose <= early + SignedDuration::from_secs(1 + 2),
        "when its lead time begins: {rose} for {early}"
    );
    stage
        .until_policy("web", "warming up", |p| {
            let schedules = p.status.as_ref().map(|s| &s.schedules);
            schedules.is_some_and(|s| s.iter().any(|w| w.warming && !w.active && w.next_start.is_some()))
        })
        .await;
}
