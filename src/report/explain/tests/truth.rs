//! What a page says will be so is so: the engine is asked at that instant, or at that value.

use super::*;
use crate::engine::decide;
use crate::engine::decision::Decision;
use crate::engine::observation::{Observation, Replicas};
use crate::engine::reading::Reading;

/// What is decided at `now` after the scene, with these samples, where all replicas are ready.
fn later(scene: &Scene, samples: &[f64], now: Timestamp) -> Decision {
    let spec = scene.decision.desired;
    let observation = Observation {
        signal: None,
        replicas: Replicas {
            spec,
            ready: Some(spec),
        },
        samples: samples.iter().map(|value| Ok(Reading::Number(*value))).collect(),
        forecast: scene.forecast.clone(),
        startup: Some(SignedDuration::from_secs(42)),
    };
    decide(&scene.policy, &scene.state, &observation, now)
}

/// The only thing of this kind that would change the result.
#[track_caller]
fn only(explanation: &Explanation, kind: ChangeKind) -> &Change {
    let found: Vec<&Change> = explanation.would_change.iter().filter(|c| c.kind == kind).collect();
    assert_eq!(found.len(), 1, "{kind:?}: {:?}", explanation.would_change);
    found[0]
}

/// The window closes when it is said to, and what is recommended then is what was told. A metric's failure aside.
#[track_caller]
fn check_closing(more: &str, current: u32, load: f64, seconds: i64) {
    let scene = Scene::new(policy(more), &[], current, Ok(load), after(seconds));
    let explanation = explain(&object(more, Some(scene.status(None))), after(seconds + 12));
    let change = only(&explanation, ChangeKind::WindowCloses);
    let closes = change.at.as_ref().unwrap().0;
    let before = later(&scene, &[load], closes - SignedDuration::from_secs(1));
    let then = later(&scene, &[load], closes);
    assert!(before.windows[0].active && !then.windows[0].active, "{more}: {closes}");
    assert_eq!(Some(then.recommended), change.replicas, "{more}: {}", change.sentence);
}

#[test]
fn what_follows_a_window() {
    let floor = "schedules: [{name: day, start: '0 8 * * *', duration: 10h, minReplicas: 10}]";
    for load in [0.0, 780.0, 1900.0, 2100.0] {
        check_closing(floor, 10, load, 0);
        check_closing(floor, 4, load, 0);
    }
    let ceiling = "schedules: [{name: day, start: '0 8 * * *', duration: 10h, maxReplicas: 6}]";
    check_closing(ceiling, 6, 1900.0, 0);
    check_closing(ceiling, 6, 9000.0, 0);
    // One that warms up tells when it closes, not when it opens.
    let early = "schedules: [{name: day, start: '1 10 * * *', duration: 1h, minReplicas: 12, leadTime: auto}]";
    check_closing(early, 4, 780.0, 5);
    let two = "schedules: [{name: day, start: '0 8 * * *', duration: 10h, minReplicas: 10}, \
               {name: week, start: '0 8 * * *', duration: 20h, minReplicas: 7}]";
    check_closing(two, 10, 780.0, 0);
}

/// What is told of a value beyond which more are asked for is so at the first value that a page can tell from it.
#[test]
fn what_a_metric_asks_for_just_beyond_its_boundary() {
    let floor = |n: u32| format!("schedules: [{{name: day, start: '0 8 * * *', duration: 10h, minReplicas: {n}}}]");
    for (count, boundary, replicas) in [(4, 880.0, 5), (9, 1980.0, 10), (10, 2200.0, 12), (12, 2640.0, 14)] {
        let more = floor(count);
        let scene = scene(&more, 4, 780.0);
        let explanation = explain(&object(&more, Some(scene.status(None))), after(12));
        let change = only(&explanation, ChangeKind::MetricAbove);
        assert_eq!((change.value, change.replicas), (Some(boundary), Some(replicas)));
        let asked = |load| later(&scene, &[load], after(15)).recommended;
        assert_eq!((asked(boundary), asked(boundary + 0.1)), (count, replicas));
    }
}

#[test]
fn a_forecast_holds_the_count_whatever_its_metric_asks_for() {
    let more = "prediction: {metric: requests, mode: ScaleOut}";
    let scene = forecasting(more, true);
    let explanation = explain(&object(more, Some(scene.status(None))), after(12));
    let why: Vec<&str> = explanation.blocked.down.iter().map(|b| &*b.why).collect();
    assert_eq!(why, ["the forecast of requests asks for 5"]);
    assert_eq!(later(&scene, &[10.0], after(15)).recommended, 5);
}

/// From when the count falls after a window is told to within an interval of when the engine lets it fall.
#[track_caller]
fn check_falling(more: &str, told: &str) {
    let mut scene = scene(more, 4, 780.0);
    let count = scene.decision.desired;
    let explanation = explain(&object(more, Some(scene.status(None))), after(12));
    let sentence = &only(&explanation, ChangeKind::WindowCloses).sentence;
    assert!(sentence.contains(told), "{sentence}");
    let fallen = (1..).map(|turn| after(15 * turn + 7)).find(|now| {
        let decision = later(&scene, &[780.0], *now);
        let policy = scene.policy.clone();
        scene.state.record(&policy, &decision);
        decision.desired < count
    });
    let expected = at(&format!(
        "2026-11-20T{}",
        told.split_whitespace().find(|w| w.ends_with('Z')).unwrap()
    ));
    let off = fallen.unwrap().duration_since(expected).as_secs();
    assert!((-15..=15).contains(&off), "{more}: {off} s");
}

#[test]
fn from_when_the_count_falls_after_a_window() {
    let day = "schedules: [{name: day, start: '0 8 * * *', duration: 3h, minReplicas: 10}]";
    check_falling(day, "from about 11:05:00Z on (scale-down stabilisation 5m)");
    let soon = "schedules: [{name: day, start: '0 8 * * *', duration: 2h5m, minReplicas: 10}]";
    let cooled = "behavior: {scaleDown: {stabilizationWindowSeconds: 60, cooldownSeconds: 900}}";
    check_falling(
        &format!("{soon}\n{cooled}"),
        "from about 10:15:00Z on (scale-down cooldown 15m)",
    );
    let at_once = "behavior: {scaleDown: {stabilizationWindowSeconds: 0}}";
    check_falling(&format!("{day}\n{at_once}"), "closes 11:00:00Z");
}

#[test]
fn what_a_rule_asks_for_once_its_own_cooldown_is_over() {
    let more = "
- name: latency
  prometheus: {query: 'avg(latency_seconds)'}
  thresholds: {scaleUp: {above: '0.5', by: 2}, scaleDown: {below: '0.1', by: 3}}
";
    for latency in [0.8, 0.05] {
        // The decision that steps begins the cooldown.
        let samples = vec![Ok(0.0), Ok(latency)];
        let mut policy = policy(more);
        policy.behavior.down.stabilization = SignedDuration::ZERO;
        let scene = Scene::observing(policy, &[], 9, samples, None, at(NOW));
        assert_ne!(scene.decision.desired, 9);
        let explanation = explain(&object(more, Some(scene.status(None))), after(12));
        let change = only(&explanation, ChangeKind::WaitOver);
        let over = change.at.as_ref().unwrap().0;
        let before = later(&scene, &[0.0, latency], over - SignedDuration::from_secs(1));
        let then = later(&scene, &[0.0, latency], over);
        assert_eq!(before.recommended, scene.decision.desired, "{latency}");
        assert_eq!(Some(then.recommended), change.replicas, "{latency}");
    }
}

const STEPS: &str = "
- name: latency
  prometheus: {query: 'avg(latency_seconds)'}
  thresholds: {scaleUp: {above: '0.5', by: 2}, scaleDown: {below: '0.1', by: 3}}
";

/// Latency stepped up a minute ago and is this now; until when its own cooldown is in the way, up and down.
fn cools(latency: f64) -> (Scene, Vec<Timestamp>, Vec<Timestamp>) {
    let mut policy = policy(STEPS);
    policy.behavior.down.stabilization = SignedDuration::ZERO;
    let event = crate::engine::decision::ScaleEvent {
        rule: Some("latency".into()),
        ..change(-60, 7, 9)
    };
    let samples = vec![Ok(1750.0), Ok(latency)];
    let scene = Scene::observing(policy, &[event], 9, samples, None, at(NOW));
    assert_eq!(scene.decision.desired, 9);
    let blocked = explain(&object(STEPS, Some(scene.status(None))), after(12)).blocked;
    let until = |blocks: Vec<Block>| blocks.into_iter().filter_map(|b| Some(b.until?.0)).collect();
    (scene, until(blocked.up), until(blocked.down))
}

#[test]
fn until_when_a_rules_own_cooldown_is_in_the_way_of_either_direction() {
    for (latency, up, down) in [(0.8, 1, 1), (0.3, 1, 0), (0.05, 1, 1)] {
        let (scene, ups, downs) = cools(latency);
        assert_eq!((ups.len(), downs.len()), (up, down), "{latency}");
        let asked = |load, latency, now| later(&scene, &[load, latency], now).recommended;
        let second = SignedDuration::from_secs(1);
        for over in ups {
            assert_eq!((asked(0.0, 0.8, over - second), asked(0.0, 0.8, over)), (9, 11));
        }
        for over in downs {
            assert_eq!((asked(0.0, 0.05, over - second), asked(0.0, 0.05, over)), (9, 6));
        }
    }
}

/// What is decided about a count that a person set while requests fails and latency, if asked for, is this.
fn by_hand(latency: Option<f64>, count: u32) -> u32 {
    let mut policy = policy(if latency.is_some() { LATENCY } else { "" });
    policy.behavior.down.stabilization = SignedDuration::ZERO;
    let failed = || failure(Cause::Timeout, SILENT);
    let samples = |latency: Option<f64>| [failed()].into_iter().chain(latency.map(Ok)).collect::<Vec<_>>();
    let before = Scene::observing(policy.clone(), &[], 4, samples(latency), None, at(NOW));
    assert_eq!(before.decision.desired, 4);
    let observation = Observation {
        signal: None,
        replicas: Replicas {
            spec: count,
            ready: Some(count),
        },
        samples: samples(latency).into_iter().map(|s| s.map(Reading::Number)).collect(),
        forecast: None,
        startup: None,
    };
    decide(&policy, &before.state, &observation, after(15)).desired
}

#[test]
fn what_becomes_of_a_count_that_a_person_sets_while_a_metric_fails() {
    for count in [2, 3, 4, 9, 20] {
        assert_eq!(by_hand(None, count), count, "nobody asks for a count");
    }
    assert_eq!(by_hand(None, 1), 2, "minReplicas holds");
    assert_eq!((by_hand(Some(60.0), 9), by_hand(Some(60.0), 20)), (9, 20), "raised");
    assert_eq!(by_hand(Some(78.0), 3), 3);
    let hot = Scene::observing(
        policy(LATENCY),
        &[],
        2,
        vec![failure(Cause::Timeout, SILENT), Ok(120.0)],
        None,
        at(NOW),
    );
    assert_eq!(hot.decision.desired, 3, "lowered to 2, and raised again");
}

#[test]
fn what_a_rule_asks_for_beyond_its_thresholds_once_it_may() {
    let more = "
- name: latency
  prometheus: {query: 'avg(latency_seconds)'}
  thresholds: {scaleUp: {above: '0.5', by: 2}}
";
    let scene = Scene::observing(policy(more), &[], 4, vec![Ok(780.0), Ok(0.3)], None, at(NOW));
    let explanation = explain(&object(more, Some(scene.status(None))), after(12));
    let mut above = explanation.would_change.iter();
    let above = above.find(|c| c.kind == ChangeKind::MetricAbove && c.source.as_deref() == Some("latency"));
    let (value, replicas) = (above.unwrap().value.unwrap(), above.unwrap().replicas);
    // Seven digits of the first float beyond: the threshold itself.
    assert_eq!(value, 0.5);
    let then = later(&scene, &[780.0, value.next_up()], after(15));
    assert_eq!(Some(then.recommended), replicas);
    assert_eq!(later(&scene, &[780.0, value], after(15)).recommended, 4);
}

#[test]
fn limits_that_a_floor_undid_are_not_shown() {
    let shown = |more: &str, load| {
        let scene = Scene::new(policy(more), &[], 4, Ok(load), at(NOW));
        let limits = scene.decision.limits.len();
        let page = text(&explain(&object(more, Some(scene.status(None))), after(12)));
        (limits, page.contains("LIMITS that changed"))
    };
    let floor = "schedules: [{name: day, start: '0 8 * * *', duration: 10h, minReplicas: 10}]";
    assert_eq!(
        shown(floor, 780.0),
        (2, false),
        "10, at most 8 by the rate, 10 by the floor"
    );
    assert_eq!(
        shown(floor, 3000.0),
        (2, true),
        "15, at most 8 by the rate, 10 by the floor"
    );
}
