//! Pages of what is not HPA's: threshold rules, the fallback, a target that rests, a window that warms up.

use super::*;
use crate::engine::decision::ScaleEvent;
use crate::engine::observation::Failure;

const STEPS: &str = "
- name: latency
  prometheus: {query: 'histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m])))'}
  thresholds: {scaleUp: {above: '0.5', by: 2}, scaleDown: {below: '0.1'}}
";

/// The same without a way down: below its threshold it has nothing to say.
const STEPS_UP: &str = "
- name: latency
  prometheus: {query: 'histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m])))'}
  thresholds: {scaleUp: {above: '0.5', by: 2}}
";

/// Latency stepped up a minute ago, and is this now.
fn stepped(latency: f64) -> String {
    let event = ScaleEvent {
        rule: Some("latency".into()),
        ..change(-60, 2, 4)
    };
    let samples = vec![Ok(780.0), Ok(latency)];
    seen(
        STEPS,
        &Scene::observing(policy(STEPS), &[event], 4, samples, None, at(NOW)),
    )
}

#[test]
fn a_threshold_rule_cools_down() {
    assert_snapshot!(stepped(0.8));
}

#[test]
fn a_threshold_rule_is_in_its_band() {
    assert_snapshot!(stepped(0.3));
}

#[test]
fn a_threshold_rule_has_no_way_down() {
    let samples = vec![Ok(780.0), Ok(0.3)];
    let scene = Scene::observing(policy(STEPS_UP), &[], 4, samples, None, at(NOW));
    assert_snapshot!(seen(STEPS_UP, &scene));
}

#[test]
fn a_rule_that_made_the_change_waits_from_then_on() {
    let scene = Scene::observing(policy(STEPS), &[], 4, vec![Ok(780.0), Ok(0.8)], None, at(NOW));
    let explanation = explain(&object(STEPS, Some(scene.status(None))), after(12));
    assert!(explanation.answer.contains("from 4 to 6"), "{}", explanation.answer);
    let [block] = &*explanation.blocked.up else {
        panic!("{:?}", explanation.blocked)
    };
    assert_eq!(block.until.as_ref().unwrap().0, after(300));
    let waits = explanation.would_change.iter().find(|c| c.kind == ChangeKind::WaitOver);
    assert_eq!(waits.and_then(|c| c.replicas), Some(8));
    // Five minutes later nothing is in the way.
    let later = explain(&object(STEPS, Some(scene.status(None))), after(300));
    assert!(later.would_change.iter().all(|c| c.kind != ChangeKind::WaitOver));
}

#[test]
fn a_fallback_is_to_come() {
    let more = "fallback: {replicas: 10, after: 3m}";
    let sample = Err(Failure {
        since: Some(after(-60)),
        ..Failure::new(Cause::Timeout, SILENT)
    });
    assert_snapshot!(seen(more, &Scene::new(policy(more), &[], 4, sample, at(NOW))));
}

#[test]
fn a_window_warms_up() {
    // A start-up of 42 s was measured; with an interval the floor acts 57 s early, and the decision is the first since.
    let more = "schedules: [{name: sale, start: '1 10 * * *', duration: 1h, minReplicas: 12, leadTime: auto}]";
    let scene = Scene::new(policy(more), &[], 4, Ok(780.0), after(5));
    assert_snapshot!(page(&object(more, Some(scene.status(None))), after(17)));
}

/// The page of a policy that may rest, twelve seconds after its decision without stabilisation.
fn may_rest(current: u32, load: f64) -> String {
    let text = REQUESTS.replace("minReplicas: 2", "minReplicas: 0");
    let spec = serde_yaml::from_str(&text).unwrap();
    let mut policy = crate::validate::policy(&spec).unwrap();
    policy.behavior.down.stabilization = SignedDuration::ZERO;
    let scene = Scene::new(policy, &[], current, Ok(load), at(NOW));
    let mut object = object("", Some(scene.status(None)));
    object.spec = spec;
    page(&object, after(12))
}

#[test]
fn a_target_rests_at_zero() {
    assert_snapshot!(may_rest(1, 0.0));
}

#[test]
fn a_target_may_rest_once_it_is_idle() {
    assert_snapshot!(may_rest(1, 90.0));
}
