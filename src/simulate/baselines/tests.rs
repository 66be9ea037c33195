//! Each baseline by hand, HPA against the replay, and none of them against the future.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::engine::forecast::Objective;
use crate::engine::policy::{Behavior, Bounds, Lead, Mode, Prediction, PredictionMode, WarmUp};
use crate::simulate::compare::Point;
use crate::simulate::contest;
use crate::simulate::example;
use crate::simulate::timeline::Column;
use crate::{api, validate};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Wednesday, 2025-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_735_689_600;

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// So many seconds after the new year.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NEW_YEAR + second).unwrap()
}

/// A replay of a policy that aims at 70 of 100, from one instant to the other.
fn setup(start: Timestamp, end: Timestamp) -> Setup {
    let mut setup = Setup {
        policy: Policy {
            bounds: Bounds { min: 1, max: 500 },
            interval: secs(15),
            mode: Mode::Active,
            metrics: Vec::new(),
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: Behavior::default(),
            warm_up: WarmUp::default(),
        },
        capacity: 100.0,
        startup: secs(180),
        delay: secs(30),
        tick: secs(15),
        start,
        end,
    };
    setup.policy.metrics = vec![hpa::total("load", 70.0)];
    setup
}

/// 200 minutes of the example from a Monday morning on, after nine days of it; its loads in replicas of 100 each.
fn monday(spoilt_from: Option<Timestamp>) -> (Setup, Series) {
    let start = example::start() + secs(6 * HOUR);
    let (from, end) = (start - secs(9 * DAY), start + secs(200 * 60));
    let rows = example::series(1).filter(|(at, _)| (from..=end).contains(at));
    let spoil = |(i, (at, load)): (usize, (Timestamp, f64))| match spoilt_from {
        Some(cut) if at > cut => (at, [0.0, 9e4, 3.0 * load][i % 3]),
        _ => (at, load),
    };
    (setup(start, end), Series::new(rows.enumerate().map(spoil)).unwrap())
}

fn columns(course: &Course<'_>, baseline: Baseline) -> Vec<Column> {
    let mut timeline = Timeline::new(course.setup.ticks(), Vec::new());
    match Rival::all(baseline, course).last() {
        Some(rival) => course.run(rival, 0.7, Some(&mut timeline)),
        None => oracle::run(course, Some(&mut timeline)),
    };
    timeline.columns().to_vec()
}

/// The spec of `make parity`'s scenarios (e2e/parity/src/objects.rs), with a total for a metric.
#[test]
fn hpa_is_the_policy_that_parity_compares_with_hpa() {
    let spec: api::ScalingPolicySpec = serde_yaml::from_str(
        "{targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, interval: 15s, minReplicas: 1, maxReplicas: 500, \
         metrics: [{name: load, prometheus: {query: up}, target: {averageValue: 70}}]}",
    )
    .unwrap();
    let parity = validate::policy(&spec).unwrap();
    let ours = hpa::policy(&setup(at(0), at(60)), 0.7);
    assert_eq!(format!("{ours:?}"), format!("{parity:?}"));
}

#[test]
fn hpa_is_the_replay_of_its_policy() {
    let (setup, series) = monday(None);
    let course = Course::new(&setup, &series);
    let figures = course.run(&Rival::Hpa, 0.7, None);
    assert_eq!(figures, contest::replay(&setup, &series));
    assert!(figures.actions > 5 && figures.short_share > 0.0, "{figures:?}");
}

#[test]
fn a_policy_s_own_target_is_a_share_of_the_capacity() {
    let mut policy = setup(at(0), at(60)).policy;
    assert_eq!(hpa::own_target(&policy, 100.0), 0.7);
    assert_eq!(hpa::own_target(&policy, 140.0), 0.5);
    policy.metrics.clear();
    assert_eq!(hpa::own_target(&policy, 140.0), hpa::USUAL);
}

#[test]
fn nobody_but_the_oracle_knows_the_future() {
    let (setup, series) = monday(None);
    let course = Course::new(&setup, &series);
    for minute in [31, 95] {
        let cut = setup.start + secs(60 * minute);
        let (_, spoilt) = monday(Some(cut));
        let spoilt = Course::new(&setup, &spoilt);
        for baseline in Baseline::ALL {
            let (before, after) = (columns(&course, baseline), columns(&spoilt, baseline));
            let seen = before.iter().take_while(|c| c.at <= cut).count();
            let known = |columns: &[Column]| columns[..seen].iter().map(|c| c.desired).collect::<Vec<_>>();
            assert_eq!(seen as i64, 4 * minute + 1);
            assert_eq!(
                known(&before) == known(&after),
                baseline != Baseline::Oracle,
                "{baseline}"
            );
            assert_ne!(before[seen..], after[seen..], "{baseline}: the noise was to show");
        }
    }
}

#[test]
fn the_oracle_by_hand() {
    // 100 until a minute, then 250 for a minute; ready after 30 s, in ticks of 15.
    let rows = [
        (0, 100.0),
        (59, 100.0),
        (60, 250.0),
        (119, 250.0),
        (120, 100.0),
        (180, 100.0),
    ];
    let series = Series::new(rows.map(|(s, load)| (at(s), load))).unwrap();
    let mut setup = setup(at(0), at(180));
    setup.startup = secs(30);
    let course = Course::new(&setup, &series);
    let desired: Vec<f64> = columns(&course, Baseline::Oracle)
        .iter()
        .map(|c| c.desired.max)
        .collect();
    assert_eq!(
        desired,
        [1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    );
    let ready: Vec<f64> = columns(&course, Baseline::Oracle).iter().map(|c| c.ready.max).collect();
    assert_eq!(ready, [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
}

#[test]
fn the_oracle_is_never_short_and_nobody_who_is_not_is_cheaper() {
    let (setup, series) = monday(None);
    let course = Course::new(&setup, &series);
    let oracle = oracle::run(&course, None);
    assert_eq!((oracle.short_share, oracle.cost), (0.0, Some(1.0)));
    for baseline in Baseline::ALL {
        for rival in Rival::all(baseline, &course) {
            let figures = course.run(&rival, 0.4, None);
            assert!(
                figures.short_share > 0.0 || figures.replica_hours > oracle.replica_hours,
                "{baseline}: {figures:?}"
            );
        }
    }
}

/// 2025-01-01 is a Wednesday. Two days of history, with 500 from 08:30 to 09:30 on Thursday, then Friday to Saturday.
#[test]
fn cron_floors_are_what_the_hour_needed() {
    let peak = DAY + 8 * HOUR + 1_800;
    let rows = [
        (0, 50.0),
        (peak - 1, 50.0),
        (peak, 500.0),
        (peak + HOUR, 500.0),
        (peak + HOUR + 1, 50.0),
        (5 * DAY, 50.0),
    ];
    let series = Series::new(rows.map(|(s, load)| (at(s), load))).unwrap();
    let setup = setup(at(2 * DAY), at(4 * DAY));
    let course = Course::new(&setup, &series);
    let floors = cron::floors(&course);
    let floor = |second: i64| floors[usize::try_from(second / 15).unwrap()];
    // Ready three minutes and a tick later, so it acts as long before 08:00.
    let cases = [
        (7 * HOUR, 50.0),
        (8 * HOUR - 210, 50.0),
        (8 * HOUR - 195, 500.0),
        (9 * HOUR + 3_585, 500.0),
        (10 * HOUR, 50.0),
        // Saturday: history has no weekend.
        (DAY + 8 * HOUR, 0.0),
    ];
    for (second, expected) in cases {
        assert_eq!(floor(second), expected, "at {second} s");
    }
    let desired = columns(&course, Baseline::Cron);
    let at_nine = desired.iter().rfind(|c| c.at <= at(2 * DAY + 9 * HOUR)).unwrap();
    // 1.25 × 500 ÷ 100 is 6.25; the load itself needs one.
    assert_eq!(at_nine.desired.last, 7.0);
}

#[test]
fn seasonal_looks_a_week_back_else_a_day() {
    // 100, but 700 for ten minutes at noon of the first day.
    let noon = 12 * HOUR;
    let rows = [
        (0, 100.0),
        (noon - 1, 100.0),
        (noon, 700.0),
        (noon + 600, 700.0),
        (noon + 601, 100.0),
        (9 * DAY, 100.0),
    ];
    let series = Series::new(rows.map(|(s, load)| (at(s), load))).unwrap();
    let loads = |start: i64| {
        let setup = setup(at(start), at(start + HOUR));
        let course = Course::new(&setup, &series);
        let loads = seasonal::loads(&course);
        move |second: i64| loads[usize::try_from((second - start) / 15).unwrap()]
    };
    // start of the replay, instant, load
    let cases = [
        (noon - HOUR, noon - HOUR, 0.0),
        (DAY + noon - 1_800, DAY + noon - 210, 100.0),
        (DAY + noon - 1_800, DAY + noon - 195, 700.0),
        (DAY + noon - 1_800, DAY + noon + 600, 700.0),
        (DAY + noon - 1_800, DAY + noon + 615, 100.0),
        (2 * DAY + noon - 1_800, 2 * DAY + noon, 100.0),
        (7 * DAY + noon - 1_800, 7 * DAY + noon, 700.0),
    ];
    for (start, second, expected) in cases {
        assert_eq!(loads(start)(second), expected, "at {second} s");
    }
}

#[test]
fn phpa_s_line_goes_on_for_the_lead_time() {
    // Lead time: 180 + 30 + 15 s are 15 ticks.
    let run = |needs: &[f64]| {
        let mut regression = phpa::Regression::new(&setup(at(0), at(60)));
        let steps = needs.iter().enumerate();
        // Far from what is asked for, so that no tolerance holds it.
        steps
            .map(|(i, need)| regression.next(at(15 * i as i64), *need, 100))
            .last()
    };
    assert_eq!(run(&[3.0]), Some(3.0));
    assert_eq!(run(&[3.0, 3.2]), Some(4.0 + 15.0));
    assert_eq!(run(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Some(6.0 + 15.0));
    // Only six count.
    assert_eq!(run(&[90.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Some(6.0 + 15.0));
    assert_eq!(run(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]), Some(0.0));
    // Within tolerance of what is asked for, that is the count.
    assert_eq!(run(&[91.0]), Some(100.0));
}

#[test]
fn a_sweep_has_the_objectives_of_an_adaptive_policy_and_hpa_s_targets() {
    let (mut setup, series) = monday(None);
    let knobs = |setup: &Setup| {
        let sweep = contest::sweep(setup, &series);
        let knobs = |points: Vec<Point>| points.iter().map(|p| p.knob).collect::<Vec<_>>();
        (knobs(sweep.objective), knobs(sweep.hpa))
    };
    assert_eq!(knobs(&setup).0, [0.0; 0]);
    setup.policy.prediction = Some(Prediction {
        metric: 0,
        mode: PredictionMode::Adaptive,
        lead: Lead::Auto,
        history: secs(9 * DAY),
        objective: Some(Objective {
            capacity: setup.capacity,
            target: 0.7 * setup.capacity,
            shortfall: 0.5,
            max_margin: 1.0,
        }),
        signal: None,
    });
    let (objectives, targets) = knobs(&setup);
    assert_eq!(objectives, [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03]);
    assert_eq!(
        targets,
        [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    );
}
