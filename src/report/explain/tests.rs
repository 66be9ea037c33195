//! Explanations as people see them: real decisions of real policies, written to a status and read back.

use insta::assert_snapshot;
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, Time};

use proptest::prelude::*;

mod adaptive;
mod pods;
mod rivals;
mod rules;
mod truth;

use super::*;
use crate::api::status::ScalingPolicyStatus;
use crate::engine::observation::Cause;
use crate::report::fixtures::{
    NOW, REQUESTS, SILENT, Scene, Value, after, at, change, failure, forecast, policy, status,
};
use crate::report::status::Situation;

const UP_2_PODS: &str = "behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}}";
const OFFICE: &str = "
schedules:
- {name: office, timeZone: Europe/Zurich, start: '0 8 * * MON-FRI', end: '0 18 * * MON-FRI', minReplicas: 10}
- {name: night, timeZone: Europe/Zurich, start: '0 23 * * *', duration: 6h, maxReplicas: 3}
";
const LATENCY: &str = "
- name: latency
  prometheus: {query: 'avg(latency_milliseconds)'}
  target: {value: '80'}
";

/// The policy with more of its YAML, whose status is this one.
fn object(more: &str, status: Option<ScalingPolicyStatus>) -> ScalingPolicy {
    let spec = serde_yaml::from_str(&format!("{REQUESTS}{more}")).unwrap();
    let mut object = ScalingPolicy::new("checkout", spec);
    object.metadata.namespace = Some("shop".to_owned());
    object.metadata.generation = Some(3);
    object.status = status;
    object
}

fn scene(more: &str, current: u32, load: f64) -> Scene {
    Scene::new(policy(more), &[], current, Ok(load), at(NOW))
}

/// The page twelve seconds after the decision, without its styles; no line is too long.
#[track_caller]
fn page(object: &ScalingPolicy, now: Timestamp) -> String {
    let explanation = explain(object, now);
    // What is printed as JSON is what is read back.
    let json = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap(), explanation);
    let page = anstream::adapter::strip_str(&text(&explanation)).to_string();
    for line in page.lines() {
        assert!(line.chars().count() <= usize::from(text::WIDTH), "too long: {line}");
        assert_eq!(line, line.trim_end());
    }
    page
}

fn seen(more: &str, scene: &Scene) -> String {
    page(&object(more, Some(scene.status(None))), after(12))
}

#[test]
fn steady() {
    assert_snapshot!(seen("", &scene("", 4, 780.0)));
}

#[test]
fn steady_since_its_last_change() {
    let scene = Scene::new(policy(""), &[change(-1800, 3, 4)], 4, Ok(860.0), at(NOW));
    assert_snapshot!(seen("", &scene));
}

#[test]
fn a_metric_scaled_up() {
    assert_snapshot!(seen("", &scene("", 4, 1530.0)));
}

#[test]
fn two_metrics_hold_the_count() {
    let policy = policy(LATENCY);
    let samples = vec![Ok(1150.0), Ok(78.0)];
    let scene = Scene::observing(policy, &[], 6, samples, None, at(NOW));
    assert_snapshot!(seen(LATENCY, &scene));
}

#[test]
fn held_by_stabilisation() {
    assert_snapshot!(seen("", &scene("", 8, 780.0)));
}

#[test]
fn held_by_a_cooldown() {
    let more = "behavior: {scaleUp: {cooldownSeconds: 60}, scaleDown: {cooldownSeconds: 120}}";
    let scene = Scene::new(policy(more), &[change(-30, 2, 4)], 4, Ok(1600.0), at(NOW));
    assert_snapshot!(seen(more, &scene));
}

#[test]
fn rate_limited() {
    assert_snapshot!(seen(UP_2_PODS, &scene(UP_2_PODS, 4, 1530.25)));
}

#[test]
fn a_metric_fails() {
    let fail = |seconds| {
        let sample = failure(Cause::Timeout, SILENT);
        Scene::new(policy(LATENCY), &[], 4, sample, after(seconds))
    };
    let samples = vec![failure(Cause::Timeout, SILENT), Ok(50.0)];
    let scene = Scene::observing(policy(LATENCY), &[], 4, samples, None, after(90));
    let status = scene.status(Some(&fail(0).status(None)));
    assert_snapshot!(page(&object(LATENCY, Some(status)), after(100)));
}

#[test]
fn no_metric_has_a_value() {
    let sample = failure(Cause::Empty, "the query returned no series");
    let scene = Scene::new(policy(""), &[], 4, sample, at(NOW));
    assert_snapshot!(seen("", &scene));
}

#[test]
fn a_window_floor_acts() {
    let more = format!("{OFFICE}{UP_2_PODS}");
    assert_snapshot!(seen(&more, &scene(&more, 4, 780.0)));
}

#[test]
fn a_window_ceiling_holds() {
    let more = "schedules: [{name: sale, start: '0 8 * * *', duration: 10h, maxReplicas: 6}]";
    assert_snapshot!(seen(more, &scene(more, 6, 1900.0)));
}

#[test]
fn a_window_will_open() {
    // A Saturday.
    let scene = Scene::new(policy(OFFICE), &[], 4, Ok(780.0), after(86_400));
    assert_snapshot!(page(&object(OFFICE, Some(scene.status(None))), after(86_412)));
}

#[test]
fn max_replicas_is_reached() {
    assert_snapshot!(seen("", &scene("", 20, 6000.0)));
}

fn forecasting(more: &str, trusted: bool) -> Scene {
    // Four days of a load that never moves are forecast well; an hour and a half is too little.
    let told = forecast(if trusted { 4 * 288 } else { 18 });
    assert_eq!(told.trust.is_trusted(), trusted);
    Scene::forecasting(policy(more), &[], 4, Ok(780.0), Some(told), at(NOW))
}

#[test]
fn a_forecast_wins() {
    let more = "prediction: {metric: requests, mode: ScaleOut}";
    assert_snapshot!(seen(more, &forecasting(more, true)));
}

#[test]
fn a_forecast_is_previewed() {
    let more = "prediction: {metric: requests}";
    assert_snapshot!(seen(more, &forecasting(more, true)));
}

#[test]
fn a_forecast_abstains() {
    let more = "prediction: {metric: requests, mode: ScaleOut}";
    assert_snapshot!(seen(more, &forecasting(more, false)));
}

#[test]
fn paused() {
    assert_snapshot!(seen("mode: Paused", &scene("mode: Paused", 4, 1530.0)));
}

#[test]
fn dry_run() {
    assert_snapshot!(seen("mode: DryRun", &scene("mode: DryRun", 4, 1530.0)));
}

#[test]
fn at_zero_by_a_person() {
    let sample = failure(Cause::Empty, "the query returned no series");
    let scene = Scene::new(policy(""), &[change(-3600, 5, 4)], 0, sample, at(NOW));
    assert_snapshot!(seen("", &scene));
}

#[test]
fn a_write_failed() {
    let scene = scene("", 4, 1530.0).failed(
        "the API server refused to scale the target: deployments.apps \"checkout\" is forbidden: User \
         \"system:serviceaccount:headroom:headroom\" cannot patch resource \"deployments/scale\" in API group \"apps\" \
         in the namespace \"shop\"",
    );
    assert_snapshot!(seen("", &scene));
}

#[test]
fn the_spec_is_invalid() {
    let last = scene("", 4, 780.0).status(None);
    let text = REQUESTS.replace("'200'", "'-1'");
    let spec = serde_yaml::from_str(&text).unwrap();
    let invalid = crate::validate::policy(&spec).unwrap_err();
    let mut object = object(
        "",
        Some(status(Situation::InvalidSpec(&invalid), after(30), Some(&last))),
    );
    object.spec = spec;
    assert_snapshot!(page(&object, after(7200)));
}

#[test]
fn the_target_is_missing() {
    let last = scene("", 4, 1530.0).status(None);
    let mut object = object("", None);
    let target = object.spec.target_ref.clone();
    object.status = Some(status(Situation::TargetNotFound(&target), after(30), Some(&last)));
    assert_snapshot!(page(&object, after(42)));
}

#[test]
fn nobody_has_looked_at_it() {
    assert_snapshot!(page(&object("", None), after(12)));
}

#[test]
fn the_operator_is_silent() {
    let object = object("", Some(scene("", 4, 780.0).status(None)));
    assert_snapshot!(page(&object, after(8000)));
}

#[test]
fn the_end_of_a_window_went_unnoticed() {
    let scene = Scene::new(policy(OFFICE), &[], 10, Ok(780.0), at(NOW));
    let object = object(OFFICE, Some(scene.status(None)));
    assert_snapshot!(page(&object, after(8 * 3600)));
}

#[test]
fn as_json() {
    let of = |scene: &Scene, more: &str| explain(&object(more, Some(scene.status(None))), after(12));
    insta::assert_json_snapshot!("json_stabilised", of(&scene("", 8, 780.0), ""));
    let office = of(&scene(OFFICE, 4, 780.0), OFFICE);
    insta::assert_json_snapshot!("json_window", office);
}

/// The verdict on a status that was written at [`NOW`], seen so many seconds later.
#[track_caller]
fn check_freshness(more: &str, current: u32, sample: Value, seconds: i64, expected: Verdict) {
    let scene = Scene::new(policy(more), &[], current, sample, at(NOW));
    let object = object(more, Some(scene.status(None)));
    let freshness = explain(&object, after(seconds)).freshness;
    assert_eq!(freshness.verdict, expected, "{more} after {seconds} s: {freshness:?}");
    assert_eq!(freshness.message.is_none(), expected == Verdict::Fresh);
}

#[test]
fn age_alone_proves_nothing() {
    let none = || failure(Cause::Empty, "nothing");
    check_freshness("", 4, Ok(780.0), 180, Verdict::Fresh);
    check_freshness("", 4, Ok(780.0), 181, Verdict::Doubtful);
    check_freshness("interval: 5m", 4, Ok(780.0), 900, Verdict::Fresh);
    check_freshness("interval: 5m", 4, Ok(780.0), 901, Verdict::Doubtful);
    // Without load, and without an answer, nothing moves.
    check_freshness("", 2, Ok(0.0), 86_400, Verdict::Quiet);
    check_freshness("", 4, none(), 86_400, Verdict::Quiet);
    // The clock of whoever asks is behind the operator's.
    check_freshness("", 4, Ok(780.0), -600, Verdict::Fresh);
}

#[test]
fn what_passed_unnoticed_is_proof() {
    let none = || failure(Cause::Empty, "nothing");
    let day = "schedules: [{name: day, start: '0 8 * * *', duration: 3h, maxReplicas: 9}]";
    check_freshness(day, 4, none(), 3600 + 180, Verdict::Quiet);
    check_freshness(day, 4, none(), 3600 + 181, Verdict::Stale);
    let slow = "behavior: {scaleUp: {stabilizationWindowSeconds: 600}}";
    check_freshness(slow, 4, Ok(1600.0), 540 + 180, Verdict::Doubtful);
    check_freshness(slow, 4, Ok(1600.0), 540 + 181, Verdict::Stale);
}

#[test]
fn an_edit_is_answered_soon() {
    let mut object = object("", Some(scene("", 4, 780.0).status(None)));
    object.metadata.generation = Some(4);
    let verdict = |object: &ScalingPolicy, seconds| explain(object, after(seconds)).freshness.verdict;
    assert_eq!(verdict(&object, 12), Verdict::Edited);
    assert_eq!(verdict(&object, 9999), Verdict::Edited, "nobody knows since when");
    let written = |seconds, subresource: Option<&str>| ManagedFieldsEntry {
        time: Some(Time(after(seconds))),
        subresource: subresource.map(str::to_owned),
        ..ManagedFieldsEntry::default()
    };
    // The status' own writes are no edits.
    object.metadata.managed_fields = Some(vec![written(100, None), written(900, Some("status"))]);
    assert_eq!(verdict(&object, 280), Verdict::Edited);
    assert_eq!(verdict(&object, 281), Verdict::Stale);
}

#[test]
fn a_cooldown_that_the_last_change_began_is_in_the_way() {
    let more = "behavior: {scaleUp: {cooldownSeconds: 60}, scaleDown: {cooldownSeconds: 120}}";
    let object = object(more, Some(scene(more, 4, 1530.0).status(None)));
    let blocked = explain(&object, after(12)).blocked;
    let until = |blocks: &[Block]| blocks.iter().map(|b| b.until.clone().unwrap().0).collect::<Vec<_>>();
    assert_eq!(until(&blocked.up), [after(60)]);
    assert_eq!(until(&blocked.down), [after(120)]);
    let blocked = explain(&object, after(121)).blocked;
    assert_eq!(blocked, Blocked::default());
}

#[test]
fn a_status_of_a_later_release_is_shown_as_it_stands() {
    let mut status = scene("", 8, 780.0).status(None);
    let decision = status.decision.as_mut().unwrap();
    decision.proposals[0].source = "oracle".into();
    decision.winner = Some("oracle/requests".into());
    decision.limits[0].reason = "MoonPhase".into();
    let explanation = explain(&object("", Some(status)), after(12));
    let told = &explanation.proposals[0];
    assert!(told.winner && told.kind == "oracle" && told.note.as_deref() == Some(&*told.reason));
    assert_eq!(explanation.limits[0].why, "MoonPhase");
    assert!(explanation.answer.contains("8 replicas"), "{}", explanation.answer);
}

#[test]
fn a_terminal_is_not_commanded_by_a_server_s_words() {
    let scene = scene("", 4, 1530.0).failed("\x1b[2J\x07 no");
    let page = text(&explain(&object("", Some(scene.status(None))), after(12)));
    assert!(
        page.contains("\u{FFFD}[2J\u{FFFD} no") && !page.contains("\x1b[2J"),
        "{page}"
    );
}

#[test]
fn the_decision_is_read_back() {
    for (more, current, load) in [
        ("", 4, 780.0),
        ("", 8, 780.0),
        (UP_2_PODS, 4, 1530.0),
        (OFFICE, 4, 780.0),
    ] {
        let scene = scene(more, current, load);
        let object = object(more, Some(scene.status(None)));
        let view = View::new(&object, after(12));
        let mut read = view.known().unwrap().decision;
        // Only the instant at which a window's state was found is not told.
        for (read, written) in read.windows.iter_mut().zip(&scene.decision.windows) {
            read.evaluated = written.evaluated;
        }
        if let crate::engine::decision::Action::Scale { forced, .. } = &mut read.action {
            *forced |= scene.decision.change().is_some_and(|e| e.forced);
        }
        assert_eq!(read, scene.decision, "{more} at {current}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever was decided, and whatever a server said, has a page that fits, with an answer.
    #[test]
    fn whatever_happened_can_be_told(
        current in 0..25u32,
        load in prop::option::of(0.0..9000.0_f64),
        more in prop::sample::select(vec!["", OFFICE, UP_2_PODS, "mode: Paused", "mode: DryRun"]),
        words in "[ -~äé]{0,300}",
        failed in any::<bool>(),
        seconds in -60..90_000i64,
    ) {
        let sample = load.map_or_else(|| failure(Cause::BadAnswer, &words), Ok);
        let mut scene = Scene::new(policy(more), &[], current, sample, at(NOW));
        if failed && scene.decision.change().is_some() {
            scene = scene.failed(words.clone());
        }
        let object = object(more, Some(scene.status(None)));
        let page = page(&object, after(seconds));
        prop_assert!(page.contains("Deployment checkout") && page.contains("WHAT WOULD CHANGE IT"));
    }
}
