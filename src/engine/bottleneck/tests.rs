//! Findings over looks: near, even, shared, stored, and what is not known; then what any look may do.

mod laws;
mod sharing;

use super::*;
use crate::engine::observation::Cause;

const START: &str = "2026-11-20T10:00:00Z";
/// As in the spec.
const LIMITS: Limits = Limits([Some(80.0), Some(85.0), None, None]);

fn at(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// Pods that have been ready for an hour.
fn pods(count: usize) -> Vec<Pod> {
    (0..count).map(|i| pod(&format!("web-{i}"), -3600)).collect()
}

fn pod(name: &str, ready: i64) -> Pod {
    Pod {
        name: name.into(),
        phase: Phase::Running,
        started: Some(at(ready - 5)),
        ready: Some(Ready {
            holds: true,
            since: at(ready),
        }),
    }
}

/// Fresh samples of 15 s in percent of a limit of 100.
fn each(values: &[f64], now: i64) -> Option<Seen> {
    let sample = |value: &f64| {
        Some(PodUse {
            used: *value,
            percent: *value,
            from: at(now - 20),
            at: at(now - 5),
        })
    };
    Some(Ok(Told::Each(values.iter().map(sample).collect())))
}

/// cpu and memory of as many pods, of which as many are asked for, of twenty at most.
fn look(cpu: &[f64], memory: &[f64], now: i64) -> Look {
    Look {
        pods: pods(cpu.len()),
        uses: [each(cpu, now), each(memory, now), None, None],
        current: u32::try_from(cpu.len()).unwrap(),
        ceiling: 20,
        ..Look::default()
    }
}

/// What is told once `look`, seen every 15 s from `from` on, has lasted.
fn lasting(state: &mut State, from: i64, look: impl Fn(i64) -> Look) -> Bottleneck {
    let looks = (0..=4).map(|i| from + 15 * i);
    looks
        .map(|now| state.look(&LIMITS, &look(now), at(now)))
        .last()
        .unwrap()
}

#[track_caller]
fn check(cpu: &[f64], memory: &[f64], expected: Finding, of: Resource) {
    let told = lasting(&mut State::default(), 0, |now| look(cpu, memory, now));
    let verdict = &told.verdict;
    assert_eq!((verdict.finding, verdict.resource), (expected, Some(of)), "{verdict:?}");
}

#[test]
fn one_look_is_judged_by_how_near_and_how_even_it_is() {
    use Finding::*;
    use Resource::*;
    check(&[50.0, 60.0], &[40.0, 40.0], WithinLimits, Cpu);
    check(&[50.0, 60.0], &[70.0, 40.0], WithinLimits, Memory);
    // Exactly at the threshold is not above it.
    check(&[80.0, 80.0], &[40.0, 40.0], WithinLimits, Cpu);
    check(&[81.0, 75.0], &[40.0, 40.0], MoreReplicasHelp, Cpu);
    // The mean is a fifth below the threshold, and hardly so.
    check(&[85.0, 42.0], &[40.0, 40.0], LoadUnbalanced, Cpu);
    check(&[85.0, 43.0], &[40.0, 40.0], MoreReplicasHelp, Cpu);
    check(&[99.0, 20.0, 20.0], &[90.0, 90.0, 90.0], LoadUnbalanced, Cpu);
    // What is stored has to be seen first.
    check(&[50.0, 60.0], &[90.0, 88.0], NotYetSeen, Memory);
    check(&[50.0, 60.0], &[95.0, 20.0], LoadUnbalanced, Memory);
    check(&[95.0], &[40.0], OnePod, Cpu);
    check(&[70.0], &[40.0], WithinLimits, Cpu);
}

#[test]
fn at_the_maximum_it_is_in_the_way() {
    let full = |now| Look {
        current: 3,
        ceiling: 3,
        ..look(&[95.0, 90.0, 85.0], &[40.0; 3], now)
    };
    let told = lasting(&mut State::default(), 0, full);
    assert_eq!(
        (told.verdict.finding, told.verdict.ceiling),
        (Finding::AtMaxReplicas, 3)
    );
    // A hot pod alone is not helped by a higher maximum.
    let uneven = |now| Look {
        uses: [each(&[95.0, 20.0, 20.0], now), each(&[40.0; 3], now), None, None],
        ..full(now)
    };
    let told = lasting(&mut State::default(), 0, uneven);
    assert_eq!(told.verdict.finding, Finding::LoadUnbalanced);
}

#[test]
fn numbers_of_a_spread() {
    let told = lasting(&mut State::default(), 0, |now| {
        look(&[20.0, 60.0, 40.0], &[0.0; 3], now)
    });
    let Some(Standing::Each(cpu)) = told.standing(Resource::Cpu) else {
        panic!("{told:?}")
    };
    assert_eq!((cpu.pods, cpu.highest, &*cpu.hottest), (3, 60.0, "web-1"));
    assert!((cpu.mean - 40.0).abs() < 1e-9);
    assert!((cpu.imbalance().unwrap() - 1.5).abs() < 1e-9);
    // Deviations of 20, 20 and 0: the root of 800 / 3, over 40.
    assert!((cpu.variation - 0.40825).abs() < 1e-5, "{}", cpu.variation);
    let Some(Standing::Each(memory)) = told.standing(Resource::Memory) else {
        panic!("{told:?}")
    };
    assert_eq!(
        (memory.imbalance(), memory.variation, &*memory.hottest),
        (None, 0.0, "web-0")
    );
    assert_eq!(told.nearest(), Some(Resource::Cpu));
}

#[test]
fn who_starts_leaves_or_is_silent_does_not_count() {
    let now = 0;
    let mut look = look(&[50.0, 99.0, 99.0, 99.0, 60.0], &[40.0; 5], now);
    look.pods[1] = pod("web-1", -10); // the sample began before it was ready
    look.pods[2].phase = Phase::Leaving;
    look.pods[3].ready = Some(Ready {
        holds: false,
        since: at(-100),
    });
    let spread = |look: &Look| match State::default().look(&LIMITS, look, at(now)).standing(Resource::Cpu) {
        Some(Standing::Each(spread)) => spread.clone(),
        other => panic!("{other:?}"),
    };
    let cpu = spread(&look);
    assert_eq!((cpu.pods, cpu.unready, cpu.missing, cpu.highest), (2, 2, 0, 60.0));
    // Without a sample: the new pod is not known yet, of the old one it is missing.
    for i in [1, 4] {
        let Some(Ok(Told::Each(samples))) = &mut look.uses[0] else {
            panic!()
        };
        samples[i] = None;
    }
    let cpu = spread(&look);
    assert_eq!((cpu.pods, cpu.unready, cpu.missing), (1, 2, 1));
    // A sample that cannot be, and one of long ago.
    for change in [
        |s: &mut PodUse| s.percent = f64::NAN,
        |s: &mut PodUse| s.used = -1.0,
        |s: &mut PodUse| (s.from, s.at) = (at(-300), at(-200)),
    ] {
        let mut look = self::look(&[50.0, 60.0], &[40.0; 2], now);
        let Some(Ok(Told::Each(samples))) = &mut look.uses[0] else {
            panic!()
        };
        change(samples[1].as_mut().unwrap());
        assert_eq!((spread(&look).pods, spread(&look).missing), (1, 1));
    }
}

#[test]
fn what_is_not_known_is_told_with_its_reason() {
    let failing = |now| {
        let mut look = look(&[50.0, 60.0], &[40.0; 2], now);
        look.uses[1] = Some(Err(Failure::new(Cause::NoRequest, "pod web-0: no limit")));
        look
    };
    let told = lasting(&mut State::default(), 0, failing);
    let verdict = &told.verdict;
    assert_eq!(
        (verdict.finding, verdict.resource),
        (Finding::SamplesMissing, Some(Resource::Memory))
    );
    assert!(matches!(&verdict.standing, Some(Standing::Unknown(f)) if f.cause == Cause::NoRequest));
    // Trouble that is known goes before what is not.
    let hot = |now| {
        let mut look = failing(now);
        look.uses[0] = each(&[99.0, 10.0], now);
        look
    };
    let told = lasting(&mut State::default(), 0, hot);
    assert_eq!(told.verdict.finding, Finding::LoadUnbalanced);
    // A pod without a sample may be the hot one.
    let silent = |now| {
        let mut look = look(&[50.0, 60.0], &[40.0; 2], now);
        if let Some(Ok(Told::Each(samples))) = &mut look.uses[0] {
            samples[1] = None;
        }
        look
    };
    let told = lasting(&mut State::default(), 0, silent);
    assert_eq!(told.verdict.finding, Finding::SamplesMissing);
    let none = |_| Look {
        uses: [0, 1]
            .map(|_| Some(Ok(Told::Each(vec![]))))
            .into_iter()
            .chain([None, None])
            .collect::<Vec<_>>()
            .try_into()
            .unwrap(),
        ..Look::default()
    };
    let told = lasting(&mut State::default(), 0, none);
    assert!(matches!(&told.verdict.standing, Some(Standing::Unknown(f)) if f.cause == Cause::NoPods));
}

#[test]
fn a_finding_is_told_once_it_has_lasted_and_so_is_its_end() {
    let mut state = State::default();
    let mut told = |cpu: f64, now: i64| {
        let told = state.look(&LIMITS, &look(&[cpu, 20.0], &[40.0; 2], now), at(now));
        (told.verdict.finding, told.since)
    };
    assert_eq!(told(50.0, 0), (Finding::TooEarly, at(0)));
    assert_eq!(told(50.0, 44), (Finding::TooEarly, at(0)));
    assert_eq!(told(50.0, 45), (Finding::WithinLimits, at(0)));
    // One odd sample.
    assert_eq!(told(99.0, 60), (Finding::WithinLimits, at(0)));
    assert_eq!(told(50.0, 75), (Finding::WithinLimits, at(0)));
    assert_eq!(told(99.0, 90), (Finding::WithinLimits, at(0)));
    assert_eq!(told(95.0, 120), (Finding::WithinLimits, at(0)));
    assert_eq!(told(99.0, 135), (Finding::LoadUnbalanced, at(90)));
    // Hardly below the threshold is not the end of it: 75.2 would be.
    assert_eq!(told(76.0, 150), (Finding::LoadUnbalanced, at(90)));
    assert_eq!(told(76.0, 300), (Finding::LoadUnbalanced, at(90)));
    assert_eq!(told(75.0, 315), (Finding::LoadUnbalanced, at(90)));
    assert_eq!(told(75.0, 360), (Finding::WithinLimits, at(315)));
    // A clock that goes back makes nobody wait for it.
    assert_eq!(told(99.0, 400), (Finding::WithinLimits, at(315)));
    assert_eq!(told(99.0, 100), (Finding::WithinLimits, at(315)));
    assert_eq!(told(99.0, 145), (Finding::LoadUnbalanced, at(100)));
}

#[test]
fn two_that_are_equally_bad_are_told_as_soon_as_one() {
    let mut state = State::default();
    // cpu and memory of one pod hover around the same part of their thresholds, and change places at each look.
    let seen = |state: &mut State, i: i64| {
        let (cpu, memory) = if i % 2 == 0 { (91.0, 95.0) } else { (90.0, 97.0) };
        state.look(&LIMITS, &look(&[cpu, 10.0], &[memory, 10.0], 15 * i), at(15 * i))
    };
    let told: Vec<Verdict> = (0..12).map(|i| seen(&mut state, i).verdict).collect();
    let said = |v: &Verdict| (v.finding, v.resource);
    assert_eq!(
        said(&told[3]),
        (Finding::LoadUnbalanced, Some(Resource::Cpu)),
        "after 45 s"
    );
    assert!(told[3..].iter().all(|v| said(v) == said(&told[3])), "{told:?}");
    // One that is clearly worse takes its place.
    let worse = lasting(&mut state, 300, |now| look(&[85.0, 10.0], &[100.0, 10.0], now));
    assert_eq!(said(&worse.verdict), (Finding::LoadUnbalanced, Some(Resource::Memory)));
}

#[test]
fn an_answer_that_is_missing_for_once_changes_nothing() {
    let mut state = State::default();
    let told = lasting(&mut state, 0, |now| look(&[20.0, 60.0], &[90.0, 91.0], now));
    assert_eq!(told.verdict.finding, Finding::UseNotShared);
    let mut silent = look(&[20.0, 60.0], &[90.0, 91.0], 75);
    silent.uses = silent
        .uses
        .map(|seen| seen.map(|_| Err(Failure::new(Cause::Timeout, "no answer"))));
    let told = state.look(&LIMITS, &silent, at(75));
    assert_eq!(told.verdict.finding, Finding::UseNotShared);
    assert!(matches!(told.standing(Resource::Memory), Some(Standing::Unknown(_))));
    // Below its threshold, and not yet by enough; with loads that are alike, so that nothing new is seen.
    let told = lasting(&mut state, 90, |now| look(&[40.0, 42.0], &[82.0, 83.0], now));
    assert_eq!((told.verdict.finding, told.since), (Finding::UseNotShared, at(0)));
    assert!(matches!(&told.verdict.evidence, Some(Evidence::Seen(trial)) if trial.pods.is_none()));
}

#[test]
fn a_query_with_one_value_for_all_pods_tells_how_near_and_not_how_even() {
    let limits = Limits([Some(80.0), Some(85.0), Some(90.0), Some(75.0)]);
    let told = |disk: f64, network: f64| {
        let mut state = State::default();
        let look = |now| Look {
            uses: [
                each(&[20.0; 2], now),
                each(&[20.0; 2], now),
                Some(Ok(Told::Whole(disk))),
                Some(Ok(Told::Whole(network))),
            ],
            ..look(&[20.0; 2], &[20.0; 2], now)
        };
        let looks = (0..=4).map(|i| state.look(&limits, &look(15 * i), at(15 * i)));
        let verdict = looks.last().unwrap().verdict;
        (verdict.finding, verdict.resource.unwrap())
    };
    assert_eq!(told(50.0, 74.0), (Finding::WithinLimits, Resource::Network));
    assert_eq!(told(50.0, 76.0), (Finding::MoreReplicasHelp, Resource::Network));
    assert_eq!(told(95.0, 10.0), (Finding::NotYetSeen, Resource::Disk));
    assert_eq!(told(f64::NAN, 10.0), (Finding::SamplesMissing, Resource::Disk));
}
