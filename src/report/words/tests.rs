//! Tables of numbers and sentences.

use super::*;
use crate::engine::decision::ScaleEvent;
use crate::engine::observation::Cause;
use crate::report::fixtures::{NOW, Scene, Value, after, at, change, failure, plan, policy};

#[test]
fn lengths_of_time() {
    for (seconds, expected) in [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (149, "2m"),
        (150, "3m"),
        (7169, "119m"),
        (7170, "2h"),
        (9000, "2h 30m"),
        (172_800, "2d"),
        (180_000, "2d 2h"),
    ] {
        assert_eq!(span(SignedDuration::from_secs(seconds)), expected);
    }
}

#[test]
fn numbers_for_people() {
    for (value, expected) in [
        (0.0, "0"),
        (7.0, "7"),
        (1530.0, "1 530"),
        (1530.4, "1 530"),
        (999.97, "1 000"),
        (153.04, "153"),
        (12.5, "12.5"),
        (0.0421, "0.042"),
        (0.00042, "0.00042"),
        (1_234_567_890.0, "1 234 567 890"),
        (-1530.0, "-1 530"),
        (1.5e18, "1.500e18"),
        (1e18, "1e18"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(number(value), expected);
    }
}

#[test]
fn clipping_keeps_characters_whole() {
    assert_eq!(clip("short", 5), "short");
    assert_eq!(clip("shorter", 6), "sho…");
    assert_eq!(clip("ääää", 6), "ä…");
}

#[test]
fn instants_name_the_day_only_where_it_is_another() {
    let now = at(NOW);
    assert_eq!(instant(at("2026-11-20T10:00:15.9Z"), now), "10:00:15Z");
    assert_eq!(instant(at("2026-11-21T00:00:00Z"), now), "2026-11-21 00:00:00Z");
}

/// The sentence of a decision at [`NOW`] for a target of `current` replicas.
#[track_caller]
fn check(more: &str, current: u32, sample: Value, expected: &str) {
    let scene = Scene::new(policy(more), &[change(-30, 3, current)], current, sample, at(NOW));
    assert_eq!(sentence(&scene.policy, &scene.decision), expected);
}

#[test]
fn sentences() {
    const DAY: &str = "schedules: [{name: day, start: '0 8 * * *', duration: 10h, replicas: 10}]";
    const SLOW: &str = "behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}}";
    check(
        "",
        4,
        Ok(780.0),
        "stays at 4: requests wants 4 (780, within tolerance of target 200 per replica)",
    );
    check(
        "",
        4,
        Ok(1530.0),
        "scaled from 4 to 8: requests wants 8 (1 530, target 200 per replica)",
    );
    check(
        SLOW,
        4,
        Ok(1530.0),
        "scaled from 4 to 5: requests wants 8 (1 530, target 200 per replica); limited to 5 by the scale-up rate \
         limit (2 pods in 1m) until 10:00:30Z",
    );
    check(
        "behavior: {scaleUp: {selectPolicy: Disabled}}",
        4,
        Ok(1530.0),
        "stays at 4: requests wants 8 (1 530, target 200 per replica); held at 4 by selectPolicy Disabled: \
         scale-up is switched off",
    );
    check(
        "",
        8,
        Ok(780.0),
        "stays at 8: requests wants 4 (780, target 200 per replica); held at 8 by scale-down stabilisation (5m) \
         until 10:04:00Z",
    );
    check(
        "",
        4,
        Ok(1e9),
        "scaled from 4 to 8: requests wants 5000000 (1 000 000 000, target 200 per replica); limited to 20 by \
         maxReplicas; limited to 8 by the scale-up rate limit (100 % in 15s or 4 pods in 15s, whichever is more)",
    );
    check(
        DAY,
        4,
        Ok(780.0),
        "scaled from 4 to 10: schedule day wants 10 until 18:00:00Z",
    );
    check(
        DAY,
        4,
        Ok(3000.0),
        "scaled from 4 to 10: requests wants 15 (3 000, target 200 per replica); limited to 10 by schedule day, which \
         closes at 18:00:00Z; limited to 8 by the scale-up rate limit (100 % in 15s or 4 pods in 15s, whichever is more); \
         raised to 10 by schedule day, which closes at 18:00:00Z",
    );
    check(
        "mode: DryRun",
        4,
        Ok(1530.0),
        "would scale from 4 to 8 (dry run): requests wants 8 (1 530, target 200 per replica)",
    );
    check(
        "mode: Paused",
        4,
        Ok(1530.0),
        "paused at 4: requests wants 8 (1 530, target 200 per replica); held at 4 instead of 8 while the policy \
         is paused",
    );
    check(
        "",
        0,
        Ok(1530.0),
        "the target is at 0 replicas, so autoscaling is off until somebody scales it up",
    );
    check(
        "",
        4,
        failure(Cause::Timeout, "no answer in 5 s"),
        "stays at 4: nobody proposes a count; requests has no usable value (Timeout)",
    );
    check(
        "schedules: [{name: day, start: '0 8 * * *', duration: 10h, minReplicas: 3}]",
        4,
        failure(Cause::Empty, "nothing"),
        "stays at 4: schedule day wants 3 until 18:00:00Z; held at 4: nothing is scaled down while requests has \
         no usable value (Empty)",
    );
}

#[test]
fn a_window_that_warms_up_says_when_it_opens_and_how_early_it_is() {
    let slow = "behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 60}]}}\ninterval: 20s";
    // A start-up of 42 s was measured; with the interval of 20 s the floor acts from 09:59:58 on.
    let day = |lead| {
        format!(
            "{slow}\nschedules: [{{name: day, start: '1 10 * * *', duration: 1h, minReplicas: 10, leadTime: {lead}}}]"
        )
    };
    let opens = "opens at 10:01:00Z; its replicas are asked for from 09:59:58Z on";
    check(
        &day("auto"),
        4,
        Ok(780.0),
        &format!("scaled from 4 to 10: schedule day wants 10 ({opens})"),
    );
    check(
        &day("59s"),
        4,
        Ok(780.0),
        "stays at 4: requests wants 4 (780, within tolerance of target 200 per replica)",
    );
    let scene = Scene::new(policy(&day("auto")), &[], 4, Ok(780.0), at(NOW));
    let reasons = |decision: &Decision| -> Vec<String> {
        let each = decision.proposals.iter();
        each.map(|p| proposal(&scene.policy, decision, p)).collect()
    };
    assert_eq!(reasons(&scene.decision)[1], format!("window {opens}: at least 10"));
    let mut unmeasured = scene.decision.clone();
    if let Some(early) = &mut unmeasured.windows[0].early {
        early.assumed = true;
    }
    let assumed = format!("window {opens}, since no start-up was measured yet and 1m is assumed: at least 10");
    assert_eq!(reasons(&unmeasured)[1], assumed);
}

#[test]
fn a_failure_names_the_error_first() {
    let scene = Scene::new(policy(""), &[], 4, Ok(1530.0), after(0));
    assert_eq!(
        failed(&scene.policy, &scene.decision, "409\n"),
        "could not scale from 4 to 8 (409): requests wants 8 (1 530, target 200 per replica)"
    );
}

/// The reason of the first proposal, for a metric with thresholds 300 and 1000, two up and one down, three minutes each.
#[track_caller]
fn steps(value: f64, won: Option<i64>, expected: &str) {
    let mut policy = policy("");
    let step = |at, by| Step {
        at,
        by,
        cooldown: SignedDuration::from_secs(180),
    };
    policy.metrics[0].rule = Rule::Thresholds(Thresholds {
        up: step(1000.0, 2),
        down: Some(step(300.0, 1)),
    });
    let events = won.map(|seconds| ScaleEvent {
        rule: Some("requests".into()),
        ..change(seconds, 3, 4)
    });
    let scene = Scene::new(policy, events.as_slice(), 4, Ok(value), at(NOW));
    assert_eq!(
        proposal(&scene.policy, &scene.decision, &scene.decision.proposals[0]),
        expected
    );
}

#[test]
fn threshold_rules_say_which_side_they_are_on() {
    steps(1530.0, None, "1 530, above 1 000: 2 more");
    steps(0.0, None, "0, below 300: 1 fewer");
    steps(500.0, None, "500, between 300 and 1 000");
    let cooling = "1 530, beyond its threshold; the rule's own cooldown runs until 10:02:00Z";
    steps(1530.0, Some(-60), cooling);
}

#[test]
fn a_fallback_says_from_when_it_counts() {
    let more = "fallback: {replicas: 10, after: 3m}";
    let failing = |seconds: i64| {
        let sample = Err(Failure {
            since: Some(after(-seconds)),
            ..Failure::new(Cause::Timeout, "no answer")
        });
        Scene::new(policy(more), &[], 4, sample, at(NOW))
    };
    let early = failing(60);
    let said = proposal(&early.policy, &early.decision, &early.decision.proposals[1]);
    assert_eq!(said, "counts from 10:02:00Z, unless the metric has a value before");
    let late = failing(180);
    assert_eq!(
        sentence(&late.policy, &late.decision),
        "scaled from 4 to 8: the fallback wants 10; limited to 8 by the scale-up rate limit (100 % in 15s or 4 pods in \
         15s, whichever is more); requests has no usable value (Timeout since 09:57:00Z)"
    );
    let status = late.status(None);
    assert_eq!(
        status.metrics[0]
            .error
            .as_ref()
            .unwrap()
            .fallback_at
            .as_ref()
            .unwrap()
            .0,
        at(NOW)
    );
}

#[test]
fn a_target_that_rests_says_why() {
    let mut policy = policy("behavior: {scaleDown: {stabilizationWindowSeconds: 0}}");
    policy.bounds.min = 0;
    policy.metrics[0].activation = 5.0;
    let scene = Scene::new(policy, &[], 1, Ok(3.0), at(NOW));
    assert_eq!(
        sentence(&scene.policy, &scene.decision),
        "scaled from 1 to 0: requests wants 0 (3, idle: no replica is needed)"
    );
    assert!(scene.status(None).damping.unwrap().scaled_to_zero);
}

#[test]
fn what_became_of_pods_is_said() {
    let metrics = "metrics: [{name: cpu, resource: {name: cpu}, target: {averageUtilization: 70}}]";
    let text = crate::report::fixtures::REQUESTS.split("metrics:").next().unwrap();
    let spec = serde_yaml::from_str(&format!("{text}{metrics}")).unwrap();
    let policy = crate::validate::policy(&spec).unwrap();
    let scene = Scene::new(policy.clone(), &[], 4, Ok(83.0), at(NOW));
    let says = |value: f64, (pods, basis): (PodCount, Basis), expected: &str| {
        let outcome = Outcome::Replicas {
            replicas: 4,
            value,
            basis,
        };
        let told = Proposal {
            source: Source::Metric("cpu".into()),
            outcome,
            pods: Some(pods),
        };
        let said = proposal(&policy, &scene.decision, &told);
        assert_eq!(said, expected);
    };
    let count = |unready, missing, held| {
        let pods = PodCount {
            sampled: 3,
            unready,
            missing,
            by_selector: false,
        };
        (pods, if held { Basis::Held } else { Basis::Proportion })
    };
    says(83.0, count(0, 0, false), "83 % of requests, target 70 %");
    says(83.0, count(1, 0, false), "83 % of requests, target 70 %; 1 pod starts");
    says(
        83.0,
        count(2, 1, true),
        "83 % of requests, target 70 %; 2 pods start, 1 pod has no sample, so nothing moves",
    );
    let (pods, basis) = count(0, 2, false);
    let by_selector = PodCount {
        by_selector: true,
        ..pods
    };
    says(
        83.0,
        (by_selector, basis),
        "83 % of requests, target 70 %; 2 pods have no sample; pods are counted by the selector, for no chain of owners \
         leads to the target",
    );
}

#[test]
fn a_plan_says_its_margin_its_capacity_and_what_the_target_would_say() {
    let says = |in_use: f64, expected: &str| {
        let mut forecast = plan(1600.0);
        if let Some(plan) = &mut forecast.plan {
            plan.capacity.in_use = in_use;
        }
        let scene = Scene::adaptive(forecast, 4, 1420.0, Ok(0.1));
        assert_eq!(sentence(&scene.policy, &scene.decision), expected);
    };
    says(
        250.0,
        "scaled from 4 to 7: the forecast of requests wants 7 (load up to 1 600 with a margin of 12 %, 250 per replica); \
         the fixed target would say 8",
    );
    // A correction is told; rounding is none.
    says(
        220.0,
        "scaled from 4 to 8: the forecast of requests wants 8 (load up to 1 600 with a margin of 12 %, 220 per replica, not \
         250 as spec.prediction.capacity says); the fixed target would say 8",
    );
    says(
        249.9,
        "scaled from 4 to 7: the forecast of requests wants 7 (load up to 1 600 with a margin of 12 %, 249.9 per replica); \
         the fixed target would say 8",
    );
}
