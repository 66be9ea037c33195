//! Which pods count for what, and what comes of it: the situations that HPA documents, and where we differ.

use super::*;
use crate::engine::observation::usable;
use crate::engine::policy::{Bounds, Mode};
use crate::engine::reading::{Reading, Ready};

/// What comes out.
#[derive(Debug, PartialEq)]
enum Out {
    /// A count, from this value.
    Wants(u32, f64),
    /// The present count, within tolerance.
    Within,
    /// The present count, for want of knowledge about some pods.
    Held,
    Invalid(Cause),
}
use Out::{Held, Invalid, Wants, Within};

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// A pod that has served for an hour, requests one core and uses so many thousandths of it, as of 15 s ago.
fn uses(value: i64) -> PodReading {
    PodReading {
        phase: Phase::Running,
        started: Some(ago(3600)),
        ready: Some(Ready {
            holds: true,
            since: ago(3590),
        }),
        request: 1000,
        sample: Some(PodSample {
            value,
            at: ago(15),
            window: SignedDuration::from_secs(30),
        }),
    }
}

/// The same without a sample.
fn silent() -> PodReading {
    PodReading {
        sample: None,
        ..uses(0)
    }
}

fn pending() -> PodReading {
    PodReading {
        phase: Phase::Pending,
        started: None,
        ready: None,
        ..silent()
    }
}

/// It runs for 20 s, and is not ready yet.
fn cold(value: i64) -> PodReading {
    PodReading {
        started: Some(ago(20)),
        ready: Some(Ready {
            holds: false,
            since: ago(20),
        }),
        ..uses(value)
    }
}

fn leaving(value: i64) -> PodReading {
    PodReading {
        phase: Phase::Leaving,
        ..uses(value)
    }
}

fn stale(value: i64) -> PodReading {
    let mut pod = uses(value);
    pod.sample = pod.sample.map(|s| PodSample { at: ago(181), ..s });
    pod
}

fn requesting(request: i64, pod: PodReading) -> PodReading {
    PodReading { request, ..pod }
}

fn policy() -> Policy {
    Policy {
        bounds: Bounds { min: 1, max: 1000 },
        interval: SignedDuration::from_secs(15),
        mode: Mode::Active,
        metrics: Vec::new(),
        schedules: Vec::new(),
        prediction: None,
        fallback: None,
        behavior: Behavior::default(),
        warm_up: WarmUp::default(),
    }
}

fn metrics(kind: PodMetric, pods: &[(usize, PodReading)]) -> PodMetrics {
    let each = pods.iter().flat_map(|(times, pod)| vec![pod.clone(); *times]);
    PodMetrics {
        kind,
        pods: each.collect(),
        unrequested: None,
        by_selector: false,
    }
}

/// What the rule makes of so many of each pod, with `spec` replicas asked for.
#[track_caller]
fn of(kind: PodMetric, target: Target, spec: u32, pods: &[(usize, PodReading)], expected: Out) {
    let (outcome, _) = propose(target, &policy(), &metrics(kind, pods), spec, now());
    let got = match outcome {
        Outcome::Invalid(failure) => Invalid(failure.cause),
        Outcome::Replicas {
            basis: Basis::Tolerance,
            ..
        } => Within,
        Outcome::Replicas {
            replicas,
            basis: Basis::Held,
            ..
        } => {
            assert_eq!(replicas, spec);
            Held
        }
        Outcome::Replicas { replicas, value, .. } => Wants(replicas, value),
        other => panic!("{other:?}"),
    };
    assert_eq!(got, expected, "{kind:?} {target:?} spec {spec} {pods:?}");
}

/// The same for cpu and a utilisation.
#[track_caller]
fn check(target: f64, spec: u32, pods: &[(usize, PodReading)], expected: Out) {
    of(PodMetric::Cpu, Target::Utilization(target), spec, pods, expected);
}

#[test]
fn the_sum_of_use_is_divided_by_the_sum_of_requests() {
    check(
        30.0,
        3,
        &[(1, uses(300)), (1, uses(500)), (1, uses(700))],
        Wants(5, 50.0),
    );
    check(50.0, 5, &[(5, uses(100))], Wants(1, 10.0));
    check(50.0, 4, &[(4, uses(0))], Wants(0, 0.0));
    check(50.0, 4, &[(4, uses(540))], Within);
    // Requests weigh: 900 of 3000 requested.
    let pods = [(1, requesting(2000, uses(300))), (1, uses(600))];
    check(60.0, 2, &pods, Wants(1, 30.0));
    // Whole percent, as HPA: 77.9 % is 77 %, which is 1.1 times 70 %.
    check(70.0, 10, &[(10, uses(779))], Within);
    check(70.0, 10, &[(10, uses(780))], Wants(12, 78.0));
}

#[test]
fn averages_are_whole_thousandths() {
    let custom = |target, spec, pods: &[_], expected| of(PodMetric::Custom, target, spec, pods, expected);
    custom(Target::PodAverage(10.0), 3, &[(3, uses(20_000))], Wants(6, 20.0));
    custom(
        Target::PodAverage(10.0),
        3,
        &[(2, uses(5_001)), (1, uses(5_000))],
        Wants(2, 5.0),
    );
    custom(Target::PodAverage(0.3), 3, &[(3, uses(330))], Within);
    // Missing pods are at the target on the way down, idle on the way up.
    let some = [(2, uses(4_000)), (2, silent())];
    custom(Target::PodAverage(10.0), 4, &some, Wants(3, 4.0));
    let some = [(2, uses(40_000)), (2, silent())];
    custom(Target::PodAverage(10.0), 4, &some, Wants(8, 40.0));
    // Processor time in cores: start-up is doubted here as well.
    let cores = [(2, uses(900)), (1, cold(2_000))];
    of(PodMetric::Cpu, Target::PodAverage(0.5), 3, &cores, Wants(4, 0.9));
}

#[test]
fn pods_that_leave_count_for_nothing() {
    check(50.0, 3, &[(3, uses(800)), (2, leaving(0))], Wants(5, 80.0));
    check(50.0, 4, &[(4, uses(200)), (3, leaving(1000))], Wants(2, 20.0));
}

#[test]
fn starting_pods_are_idle_on_the_way_up_and_left_out_on_the_way_down() {
    for starting in [pending(), cold(1000), PodReading { ready: None, ..cold(9) }] {
        // Alone 2.0; with an idle third 33 ÷ 25.
        let pods = [(1, uses(400)), (1, uses(600)), (1, starting.clone())];
        check(25.0, 3, &pods, Wants(4, 50.0));
        // With two idle ones 13 ÷ 30: the other side.
        check(30.0, 3, &[(1, uses(400)), (2, starting.clone())], Held);
        // 80 ÷ 3 = 26, within 10 % of 25.
        check(25.0, 3, &[(2, uses(400)), (1, starting.clone())], Held);
        check(50.0, 4, &[(3, uses(100)), (1, starting)], Wants(1, 10.0));
    }
    // Memory is used from the first moment.
    let pods = [(2, uses(900)), (1, cold(900))];
    of(PodMetric::Memory, Target::Utilization(60.0), 3, &pods, Wants(5, 90.0));
}

#[test]
fn pods_without_a_sample_are_taken_for_what_moves_least() {
    for missing in [silent(), stale(0)] {
        // Down: as if they used what they request. 1300 of 4000.
        check(50.0, 4, &[(3, uses(100)), (1, missing.clone())], Wants(3, 10.0));
        // 1850 of 3000 is more than the target.
        check(50.0, 3, &[(1, uses(400)), (1, uses(450)), (1, missing.clone())], Held);
        // Up: as if idle. 1700 of 3000.
        check(
            50.0,
            3,
            &[(1, uses(800)), (1, uses(900)), (1, missing.clone())],
            Wants(4, 85.0),
        );
        check(50.0, 2, &[(1, uses(800)), (1, missing.clone())], Held);
        check(50.0, 3, &[(2, uses(500)), (1, missing)], Within);
    }
    // A target above what is requested: as if at the target. 1900 of 3000 would be 63 %, 2200 are 73 %.
    check(
        150.0,
        3,
        &[(1, uses(300)), (1, uses(400)), (1, silent())],
        Wants(2, 35.0),
    );
    check(300.0, 3, &[(2, uses(2000)), (1, silent())], Wants(3, 200.0));
    // Both kinds at once: 1600 of 4000.
    check(
        30.0,
        4,
        &[(2, uses(800)), (1, silent()), (1, pending())],
        Wants(6, 80.0),
    );
    // On the way down only the missing one is filled in: 1200 of 3000, three pods.
    check(
        60.0,
        4,
        &[(2, uses(100)), (1, silent()), (1, pending())],
        Wants(2, 10.0),
    );
}

#[test]
fn overload_never_asks_for_less_nor_idleness_for_more() {
    // Four of ten pods are there, at 80 %: HPA asks for five.
    check(70.0, 10, &[(4, uses(800))], Wants(10, 80.0));
    // A rollout's surge below the target: HPA asks for twelve, again and again (kubernetes#72775).
    check(50.0, 10, &[(13, uses(430))], Wants(10, 43.0));
    // Beyond that, the load of all pods counts, whatever their number.
    check(50.0, 10, &[(13, uses(300))], Wants(8, 30.0));
    check(50.0, 10, &[(13, uses(600))], Wants(16, 60.0));
}

#[test]
fn a_surge_that_starts_does_not_hold_growth_up() {
    // 8800 over the ten that stay are 88 %; over all thirteen they are 67 %, and HPA holds.
    check(70.0, 10, &[(8, uses(1100)), (5, pending())], Wants(13, 110.0));
    check(70.0, 13, &[(8, uses(1100)), (5, pending())], Held);
}

#[test]
fn nothing_to_go_by_is_a_failure() {
    check(50.0, 3, &[], Invalid(Cause::NoPods));
    check(50.0, 3, &[(3, silent())], Invalid(Cause::Empty));
    check(50.0, 3, &[(3, pending())], Invalid(Cause::Empty));
    check(50.0, 3, &[(3, leaving(500))], Invalid(Cause::Empty));
    check(50.0, 3, &[(2, stale(500)), (1, silent())], Invalid(Cause::Stale));
    check(50.0, 3, &[(2, uses(500)), (1, uses(-1))], Invalid(Cause::Negative));
    check(50.0, 3, &[(3, requesting(0, uses(500)))], Invalid(Cause::NoRequest));
    check(
        50.0,
        3,
        &[(3, requesting(i64::MIN, uses(500)))],
        Invalid(Cause::NoRequest),
    );
    let mut unrequested = metrics(PodMetric::Cpu, &[(3, uses(500))]);
    unrequested.unrequested = Some("container app of pod web-1 has no cpu request".into());
    let (outcome, _) = propose(Target::Utilization(50.0), &policy(), &unrequested, 3, now());
    assert!(matches!(&outcome, Outcome::Invalid(f) if f.cause == Cause::NoRequest && f.message.contains("web-1")));
    // An average needs no request.
    let (outcome, _) = propose(Target::PodAverage(0.25), &policy(), &unrequested, 3, now());
    assert!(matches!(outcome, Outcome::Replicas { replicas: 6, .. }), "{outcome:?}");
}

#[test]
fn extremes_neither_panic_nor_wrap() {
    let most = i32::MAX as u32;
    check(
        1.0,
        3,
        &[(3, uses(i64::MAX))],
        Wants(most, (i128::from(i64::MAX) / 10) as f64),
    );
    let percent = (i128::from(i64::MAX) / 10) as f64;
    check(f64::MAX, 3, &[(2, uses(i64::MAX)), (1, silent())], Wants(1, percent));
    let custom = |target, pods: &[_], expected| of(PodMetric::Custom, Target::PodAverage(target), 3, pods, expected);
    custom(f64::MIN_POSITIVE, &[(3, uses(1_000))], Wants(3000, 1.0));
    custom(f64::MAX, &[(2, uses(1_000)), (2, silent())], Wants(1, 1.0));
    let mut odd = uses(500);
    odd.started = Some(Timestamp::MAX);
    odd.ready = odd.ready.map(|r| Ready {
        since: Timestamp::MAX,
        ..r
    });
    check(50.0, 1, &[(1, odd)], Invalid(Cause::Empty));
}

/// Whether a pod's sample is left out as start-up: seconds ago it started, whether and since when it is (un)ready, and
/// the sample's end; its window is 30 s.
#[track_caller]
fn starts(started: i64, holds: bool, since: i64, sampled: i64, expected: bool) {
    let mut pod = uses(500);
    pod.started = Some(ago(started));
    pod.ready = Some(Ready {
        holds,
        since: ago(since),
    });
    pod.sample = pod.sample.map(|s| PodSample { at: ago(sampled), ..s });
    let got = starting(&pod, &pod.sample.unwrap(), WarmUp::default(), now());
    assert_eq!(
        got, expected,
        "started {started} ago, ready {holds} since {since}, sampled {sampled}"
    );
}

#[test]
fn start_up_is_told_by_readiness() {
    // Within five minutes of the start: ready, and so throughout the sample.
    starts(299, false, 299, 10, true);
    starts(299, false, 100, 10, true); // it flapped
    starts(100, true, 60, 30, false);
    starts(100, true, 60, 31, true);
    starts(100, true, 39, 10, true);
    // Later: only what was never ready.
    starts(300, true, 5, 10, false);
    starts(300, false, 290, 10, true);
    starts(300, false, 271, 10, true);
    starts(300, false, 270, 10, false);
    starts(3600, false, 10, 10, false);
}

#[test]
fn a_reading_is_one_number_for_thresholds() {
    let level = |metrics: PodMetrics| {
        Groups::of(&metrics, WarmUp::default(), now())
            .level(&metrics)
            .map_err(|f| f.cause)
    };
    let pods = |kind, pods: &[_]| metrics(kind, pods);
    assert_eq!(usable(Some(&Ok(Reading::Number(0.5)))), Ok(0.5));
    let some = [(1, uses(300)), (1, uses(500)), (1, cold(5_000)), (1, silent())];
    assert_eq!(level(pods(PodMetric::Cpu, &some)), Ok(40.0));
    assert_eq!(level(pods(PodMetric::Memory, &some)), Ok(193.0));
    assert_eq!(level(pods(PodMetric::Custom, &some[..2])), Ok(0.4));
    assert_eq!(level(pods(PodMetric::Custom, &[])), Err(Cause::NoPods));
    assert_eq!(level(pods(PodMetric::Cpu, &[(2, pending())])), Err(Cause::Empty));
}

/// One idle pod and nine of which nothing is known are no reason to remove any: they may be the busy ones.
#[test]
fn a_step_down_waits_for_pods_without_a_sample() {
    let step = |replicas, basis| Outcome::Replicas {
        replicas,
        value: 10.0,
        basis,
    };
    let held = |outcome, pods: &[(usize, PodReading)]| {
        let metrics = metrics(PodMetric::Cpu, pods);
        by_level(&policy(), &metrics, 10, now(), |_| outcome).0
    };
    let partly = [(1, uses(100)), (9, silent())];
    let down = step(9, Basis::Below);
    assert_eq!(held(down.clone(), &partly), step(10, Basis::Held));
    assert_eq!(held(down.clone(), &[(10, uses(100))]), down.clone());
    // Pods that start are no reason to wait, and growth never waits.
    assert_eq!(held(down.clone(), &[(9, uses(100)), (1, pending())]), down);
    let up = step(12, Basis::Above);
    assert_eq!(held(up.clone(), &partly), up);
}
