//! Statuses as people see them (snapshots), and the laws of conditions, changes and damping.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::api::ScalingPolicySpec;
use crate::api::status::{DampingStatus, ScaleEventStatus};
use crate::engine::observation::Cause;
use crate::report::fixtures::{
    NOW, REQUESTS, Scene, TARGET, Value, after, at, change, failure, forecast, policy, status,
};

/// The status against its snapshot, and the bounds that hold for each.
#[track_caller]
fn check(name: &str, status: &ScalingPolicyStatus) {
    for c in &status.conditions {
        assert!(c.message.len() <= words::MESSAGE_BYTES && !c.reason.is_empty(), "{c:?}");
        assert_eq!(c.observed_generation, Some(3), "{c:?}");
    }
    insta::assert_yaml_snapshot!(name, status);
}

fn scene(more: &str, current: u32, load: f64) -> Scene {
    Scene::new(policy(more), &[], current, Ok(load), at(NOW))
}

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const UP_2_PODS: &str = "behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}}";
const DAY_SHIFT: &str = "schedules: [{name: day, start: '0 8 * * *', duration: 10h, minReplicas: 10, maxReplicas: 30}]";
const PREVIEW: &str = "prediction: {metric: requests}";

fn target() -> TargetRef {
    TargetRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: "checkout".into(),
    }
}

fn invalid() -> Invalid {
    let text = REQUESTS.replace("'200'", "'-1'");
    let spec: ScalingPolicySpec = serde_yaml::from_str(&text).unwrap();
    crate::validate::policy(&spec).unwrap_err()
}

#[test]
fn steady() {
    check("steady", &scene("", 4, 780.0).status(None));
}

#[test]
fn scale_up_is_rate_limited() {
    check("rate_limited", &scene(UP_2_PODS, 4, 1530.25).status(None));
}

#[test]
fn scale_down_is_stabilised() {
    check("stabilised", &scene("", 8, 780.0).status(None));
}

#[test]
fn a_cooldown_holds_both_directions() {
    let behavior = "behavior: {scaleUp: {cooldownSeconds: 60}, scaleDown: {cooldownSeconds: 120}}";
    let scene = Scene::new(policy(behavior), &[change(-30, 2, 4)], 4, Ok(1600.0), at(NOW));
    check("cooldown", &scene.status(None));
}

#[test]
fn a_metric_fails_and_stays_failing() {
    let fail = |seconds| {
        let sample = failure(Cause::Timeout, "default did not answer in 5 s");
        Scene::new(policy(""), &[], 4, sample, after(seconds))
    };
    let first = fail(0).status(None);
    let second = fail(90).status(Some(&first));
    assert_eq!(second.metrics[0].error.as_ref().unwrap().since, Some(Time(at(NOW))));
    check("metric_failing", &second);
}

#[test]
fn a_window_floor_acts_at_once() {
    let more = format!("{DAY_SHIFT}\n{UP_2_PODS}");
    check("window_floor", &scene(&more, 4, 780.0).status(None));
}

#[test]
fn paused_holds() {
    check("paused", &scene("mode: Paused", 4, 1530.0).status(None));
}

#[test]
fn dry_run_writes_nothing() {
    check("dry_run", &scene("mode: DryRun", 4, 1530.0).status(None));
}

#[test]
fn a_target_at_zero_is_left_alone() {
    let sample = failure(Cause::Empty, "the query returned nothing");
    let scene = Scene::new(policy(""), &[], 0, sample, at(NOW));
    check("at_zero", &scene.status(None));
}

#[test]
fn a_failed_write_is_told() {
    let scene = scene("", 4, 1530.0).failed("403 Forbidden: deployments/scale");
    check("failed_write", &scene.status(None));
}

#[test]
fn an_invalid_spec_keeps_the_last_decision() {
    let last = scene(PREVIEW, 4, 780.0).status(None);
    check(
        "invalid_spec",
        &status(Situation::InvalidSpec(&invalid()), after(30), Some(&last)),
    );
}

#[test]
fn a_missing_target_keeps_only_damping() {
    let last = scene("", 4, 1530.0).status(None);
    check(
        "target_missing",
        &status(Situation::TargetNotFound(&target()), after(30), Some(&last)),
    );
}

#[test]
fn a_forecast_abstains() {
    let scene = Scene::forecasting(policy(PREVIEW), &[], 4, Ok(780.0), Some(forecast(18)), at(NOW));
    check("forecast_abstains", &scene.status(None));
}

#[test]
fn a_trusted_forecast_wins() {
    let mut forecast = forecast(18);
    (forecast.trust, forecast.value, forecast.upper) = (Trust::Trusted, 1200.0, 1399.5);
    let more = "prediction: {metric: requests, mode: ScaleOut}";
    let scene = Scene::forecasting(policy(more), &[], 4, Ok(780.0), Some(forecast), at(NOW));
    check("forecast_wins", &scene.status(None));
}

#[test]
fn obstacles_have_their_reasons() {
    let (target, invalid) = (target(), invalid());
    let message = "it broke";
    for (situation, ready, able) in [
        (Situation::InvalidSpec(&invalid), reason::INVALID_SPEC, "Unknown"),
        (Situation::TargetNotFound(&target), reason::TARGET_NOT_FOUND, "False"),
        (
            Situation::TargetNotScalable(message),
            reason::TARGET_NOT_SCALABLE,
            "False",
        ),
        (
            Situation::TargetForbidden {
                target: &target,
                message,
            },
            reason::TARGET_FORBIDDEN,
            "False",
        ),
        (
            Situation::TargetUnreadable {
                target: &target,
                message,
            },
            reason::TARGET_UNREADABLE,
            "False",
        ),
    ] {
        let status = status(situation, at(NOW), None);
        let is = condition(&status, READY).unwrap();
        assert_eq!((&*is.status, &*is.reason), ("False", ready));
        assert_eq!(condition(&status, ABLE_TO_SCALE).unwrap().status, able, "{ready}");
    }
}

#[test]
fn a_conflict_does_not_claim_a_change() {
    let scene = scene("", 4, 1530.0);
    let decided = Decided {
        actuation: Actuation::Nothing,
        ..scene.decided()
    };
    let status = status(Situation::Decided(decided), at(NOW), None);
    assert_eq!((status.current_replicas, status.desired_replicas), (Some(4), Some(8)));
    let message = &status.decision.unwrap().message;
    assert!(message.starts_with("about to scale from 4 to 8: "), "{message}");
}

#[test]
fn values_ride_along_once_a_minute_and_time_alone_never() {
    let old = scene("", 4, 780.0).status(None);
    let later = |seconds, load| Scene::new(policy(""), &[], 4, Ok(load), after(seconds)).status(Some(&old));
    for (seconds, load, expected) in [
        (15, 790.0, false),
        (59, 790.0, false),
        (60, 790.0, true),
        (600, 780.0, false), // nothing but time
        (15, 1600.0, true),  // material
        (-60, 790.0, true),  // the clock went back: no silence until it has caught up
    ] {
        let new = later(seconds, load);
        let got = worth_writing(Some(&old), &new, after(seconds), MINUTE);
        assert_eq!(got, expected, "{load} after {seconds} s");
    }
    assert!(worth_writing(None, &old, at(NOW), MINUTE));
    let gone = status(Situation::InvalidSpec(&invalid()), after(60), Some(&old));
    assert!(worth_writing(Some(&old), &gone, after(60), MINUTE));
    let still = status(Situation::InvalidSpec(&invalid()), after(600), Some(&gone));
    assert!(!worth_writing(Some(&gone), &still, after(600), MINUTE));
}

#[test]
fn another_target_has_nothing_to_remember() {
    let mut status = scene("", 4, 1600.0).status(None);
    announce(&mut status, change(0, 4, 6));
    let (events, pending, max) = restore(Some(&status), TARGET);
    assert_eq!((events.len(), pending, max), (1, Some(change(0, 4, 6)), Some(20)));
    assert_eq!(restore(Some(&status), "another"), (Vec::new(), None, None));
    // Written before uids were kept: believed.
    status.damping.as_mut().unwrap().target_uid = None;
    assert_eq!(restore(Some(&status), "another").0.len(), 1);
}

#[test]
fn restore_survives_nonsense() {
    assert_eq!(restore(None, TARGET), (Vec::new(), None, None));
    let mut status = ScalingPolicyStatus::default();
    assert_eq!(restore(Some(&status), TARGET), (Vec::new(), None, None));
    let event = |seconds, from, to| ScaleEventStatus {
        at: Time(after(seconds)),
        from,
        to,
        forced: false,
    };
    status.damping = Some(DampingStatus {
        target_uid: None,
        pending_scale: Some(event(0, -1, 3)),
        scale_events: vec![event(20, 4, 5), event(0, -4, 4), event(5, 4, 4), event(10, 2, 4)],
        max_replicas: Some(-7),
    });
    let expected = vec![change(10, 2, 4), change(20, 4, 5)];
    assert_eq!(restore(Some(&status), TARGET), (expected, None, None));
    let many = (0..100).map(|i| event(i, 1, 2)).collect();
    status.damping.as_mut().unwrap().scale_events = many;
    let (events, ..) = restore(Some(&status), TARGET);
    assert_eq!((events.len(), events[0].at), (64, after(36)));
}

#[test]
fn decimals() {
    for (value, expected) in [
        (0.0, "0"),
        (1530.25, "1530"),
        (153.02, "153"),
        (15.302, "15.3"),
        (0.07512, "0.0751"),
        (0.000123, "0.000123"),
        (1e18, "1.000e18"),
        (1e-9, "1.000e-9"),
    ] {
        assert_eq!(decimal(value), expected);
        assert!((decimal(value).parse::<f64>().unwrap() - value).abs() <= value * 0.01);
    }
}

/// One reconcile of a sequence.
#[derive(Clone, Debug)]
enum Step {
    Decide { current: u32, sample: Value, paused: bool },
    Invalid,
    Missing,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let sample = prop_oneof![
        3 => (0.0..5000.0).prop_map(Ok),
        1 => Just(failure(Cause::Empty, "the query returned nothing")),
    ];
    let decide = (0..25u32, sample, any::<bool>()).prop_map(|(current, sample, paused)| Step::Decide {
        current,
        sample,
        paused,
    });
    let step = prop_oneof![6 => decide, 1 => Just(Step::Invalid), 1 => Just(Step::Missing)];
    prop::collection::vec((1..400i64, step), 1..8)
}

fn run(step: &Step, now: Timestamp, previous: Option<&ScalingPolicyStatus>) -> ScalingPolicyStatus {
    match step {
        Step::Decide {
            current,
            sample,
            paused,
        } => {
            let more = if *paused { "mode: Paused" } else { PREVIEW };
            let (events, ..) = restore(previous, TARGET);
            Scene::new(policy(more), &events, *current, sample.clone(), now).status(previous)
        }
        Step::Invalid => status(Situation::InvalidSpec(&invalid()), now, previous),
        Step::Missing => status(Situation::TargetNotFound(&target()), now, previous),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transition_times_move_only_when_the_status_flips(steps in steps()) {
        let mut now = at(NOW);
        let mut last: Option<ScalingPolicyStatus> = None;
        for (seconds, step) in steps {
            now += SignedDuration::from_secs(seconds);
            let new = run(&step, now, last.as_ref());
            for c in &new.conditions {
                let before = last.as_ref().and_then(|l| condition(l, &c.type_)).filter(|b| b.status == c.status);
                let expected = before.map_or(Time(now), |b| b.last_transition_time.clone());
                prop_assert_eq!(&c.last_transition_time, &expected, "{:?}", c);
            }
            // Damping is never forgotten, whatever happens in between.
            if let Some(last) = &last {
                prop_assert!(new.damping.is_some() || last.damping.is_none());
                prop_assert!(new.last_scale_time >= last.last_scale_time);
            }
            // What is built is what is read back.
            let json = serde_json::to_value(&new).unwrap();
            prop_assert_eq!(&serde_json::from_value::<ScalingPolicyStatus>(json).unwrap(), &new);
            prop_assert!(!material(&new, &new.clone()));
            last = Some(new);
        }
    }

    #[test]
    fn a_value_alone_is_not_material(one in 721.0..879.0, other in 721.0..879.0, seconds in 1..3600i64) {
        let old = scene("", 4, one).status(None);
        let new = Scene::new(policy(""), &[], 4, Ok(other), after(seconds)).status(Some(&old));
        prop_assert!(!material(&old, &new));
        prop_assert!(!worth_writing(Some(&old), &new, after(seconds), MINUTE) || seconds >= 60);
    }

    #[test]
    fn events_survive_a_restart(
        gaps in prop::collection::vec((1..60_000i64, 1..50u32, 51..90u32, any::<bool>()), 0..20),
        pending in any::<bool>(),
    ) {
        let mut when = at(NOW);
        let events: Vec<ScaleEvent> = gaps
            .into_iter()
            .map(|(millis, from, to, forced)| {
                when += SignedDuration::from_millis(millis);
                ScaleEvent { at: when, from, to, forced }
            })
            .collect();
        let mut scene = scene("", 4, 780.0);
        scene.state = State::restore(events.iter().copied(), 4, Some(20), when);
        let decided = Decided { pending: pending.then(|| change(0, 4, 6)), ..scene.decided() };
        let status = status(Situation::Decided(decided), when, None);
        let (restored, announced, max) = restore(Some(&status), TARGET);
        prop_assert_eq!(announced, pending.then(|| change(0, 4, 6)));
        prop_assert_eq!((restored.len(), max), (events.len(), Some(20)));
        for (is, was) in restored.iter().zip(&events) {
            prop_assert_eq!((is.from, is.to, is.forced), (was.from, was.to, was.forced));
            // To the next whole second: a cooldown is never shorter for a restart.
            let shift = is.at.duration_since(was.at);
            prop_assert!(!shift.is_negative() && shift < SignedDuration::from_secs(1));
        }
    }
}
