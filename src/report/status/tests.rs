//! Statuses as people see them (snapshots), and what is worth a write; `adaptive` has plans, `bottleneck` the pods, `laws` what a
//! restart gets back.

mod adaptive;
mod bottleneck;
mod laws;

use jiff::SignedDuration;

use super::*;
use crate::api::ScalingPolicySpec;
use crate::api::status::{DampingStatus, ScaleEventStatus};
use crate::engine::forecast::Trust;
use crate::engine::observation::Cause;
use crate::engine::others::{Others, Rival, Scaler, Unseen};
use crate::engine::state::Remembered;
use crate::report::fixtures::{
    NOW, REQUESTS, SILENT, Scene, TARGET, Value, after, at, change, failure, forecast, fought_over, policy, status,
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
        let sample = failure(Cause::Timeout, SILENT);
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
fn a_window_within_its_lead_time_is_warming() {
    let day = |lead| {
        format!("schedules: [{{name: day, start: '0 11 * * *', duration: 1h, minReplicas: 4, leadTime: {lead}}}]")
    };
    let shown = |lead| scene(&day(lead), 4, 780.0).status(None);
    let (cold, warm) = (shown("30m"), shown("2h"));
    let json = |status: &ScalingPolicyStatus| serde_json::to_value(&status.schedules).unwrap();
    let start = "2026-11-20T11:00:00Z";
    assert_eq!(
        json(&cold),
        serde_json::json!([{"name": "day", "active": false, "nextStart": start, "warmingFrom": "2026-11-20T10:30:00Z"}])
    );
    assert_eq!(
        json(&warm),
        serde_json::json!([
            {"name": "day", "active": false, "nextStart": start, "warming": true, "warmingFrom": "2026-11-20T09:00:00Z"}
        ])
    );
    let mut begun = cold.clone();
    begun.schedules.clone_from(&warm.schedules);
    assert!(material(&cold, &begun), "its beginning is worth a write");
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
fn a_rival_scales_the_target() {
    let scene = Scene::rivalled(4, 1530.0, Scaler::HorizontalPodAutoscaler, "web");
    check("conflicted", &scene.status(None));
}

#[test]
fn argo_cd_rewrites_the_count() {
    let mut scene = scene("", 4, 1530.0);
    scene.others.rewrites = Some(fought_over(0));
    scene.others.owners = vec!["argocd-controller".into(), "kubectl".into()];
    check("contested", &scene.status(None));
}

/// `Conflicted`'s status and reason for what is known of others, and words that its message has to have.
#[test]
fn rivals_have_their_reasons_and_remedies() {
    let rival = |scaler| {
        vec![Rival {
            scaler,
            name: "that".into(),
        }]
    };
    let unseen = || {
        vec![Unseen {
            scaler: Scaler::ScaledObject,
            why: "ScaledObjects may not be listed".into(),
        }]
    };
    for (rivals, unseen, is, why, words) in [
        (vec![], vec![], "False", reason::NO_RIVAL, "nothing else"),
        (vec![], unseen(), "Unknown", reason::RIVALS_UNSEEN, "may not be listed"),
        (
            rival(Scaler::HorizontalPodAutoscaler),
            unseen(),
            "True",
            "HorizontalPodAutoscaler",
            "HorizontalPodAutoscaler that",
        ),
        (
            rival(Scaler::ScaledObject),
            vec![],
            "True",
            "ScaledObject",
            "ScaledObject that (KEDA)",
        ),
        (
            rival(Scaler::ScalingPolicy),
            vec![],
            "True",
            reason::OLDER_POLICY,
            "ScalingPolicy that is older",
        ),
    ] {
        let others = Others {
            rivals,
            unseen,
            ..Others::default()
        };
        let restrained = !others.rivals.is_empty();
        let mut scene = Scene::new(others.restrain(policy("")), &[], 4, Ok(1530.0), at(NOW));
        scene.others = others;
        let status = scene.status(None);
        let conflict = condition(&status, CONFLICTED).unwrap();
        assert_eq!((&*conflict.status, &*conflict.reason), (is, why));
        assert!(conflict.message.contains(words), "{}", conflict.message);
        // Whoever waits for Ready waits for the end of the conflict; not to know is no conflict.
        let ready = condition(&status, READY).unwrap();
        assert_eq!(ready.status == "False", restrained, "{ready:?}");
        assert!(
            condition(&status, REPLICAS_CONTESTED).is_none(),
            "nobody watches the field"
        );
    }
    // Who writes nothing anyhow is ready, and is told all the same.
    let mut scene = scene("mode: DryRun", 4, 1530.0);
    scene.others.rivals = rival(Scaler::HorizontalPodAutoscaler);
    let status = scene.status(None);
    assert_eq!(condition(&status, CONFLICTED).unwrap().status, "True");
    assert_eq!(condition(&status, READY).unwrap().status, "True");
}

#[test]
fn who_the_rival_is_and_who_owns_the_field_is_material() {
    let rivalled = |name| Scene::rivalled(4, 780.0, Scaler::HorizontalPodAutoscaler, name).status(None);
    assert!(material(&rivalled("a"), &rivalled("b")));
    let owned = |owner: &str| {
        let mut scene = scene("", 4, 780.0);
        scene.others.owners = vec![owner.into()];
        scene.status(None)
    };
    assert!(material(&owned("kubectl"), &owned("argocd-controller")));
    // A contest's instants are not.
    let fought = |seconds| {
        let mut scene = Scene::new(policy(""), &[], 4, Ok(780.0), after(60));
        scene.others.rewrites = Some(fought_over(seconds));
        scene.status(None)
    };
    assert!(!material(&fought(0), &fought(30)));
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
