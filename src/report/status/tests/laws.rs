//! What a restart gets back, and the laws of conditions, changes and damping over random reconciles.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

#[test]
fn another_target_has_nothing_to_remember() {
    let mut status = scene("", 4, 1600.0).status(None);
    announce(&mut status, &change(0, 4, 6));
    let (known, pending) = restore(Some(&status), TARGET);
    assert_eq!(
        (known.events.len(), pending, known.obeyed_max),
        (1, Some(change(0, 4, 6)), Some(20))
    );
    assert_eq!(restore(Some(&status), "another"), (Remembered::default(), None));
    // Written before uids were kept: believed.
    status.damping.as_mut().unwrap().target_uid = None;
    assert_eq!(restore(Some(&status), "another").0.events.len(), 1);
}

#[test]
fn restore_survives_nonsense() {
    assert_eq!(restore(None, TARGET), (Remembered::default(), None));
    let mut status = ScalingPolicyStatus::default();
    assert_eq!(restore(Some(&status), TARGET), (Remembered::default(), None));
    let event = |seconds, from, to| ScaleEventStatus {
        at: Time(after(seconds)),
        from,
        to,
        forced: false,
        rule: None,
    };
    status.damping = Some(DampingStatus {
        target_uid: None,
        pending_scale: Some(event(0, -1, 3)),
        scale_events: vec![event(20, 4, 5), event(0, -4, 4), event(5, 4, 4), event(10, 2, 4)],
        max_replicas: Some(-7),
        rules: Vec::new(),
        scaled_to_zero: false,
    });
    let expected = Remembered {
        events: vec![change(10, 2, 4), change(20, 4, 5)],
        ..Remembered::default()
    };
    assert_eq!(restore(Some(&status), TARGET), (expected, None));
    let many = (0..100).map(|i| event(i, 1, 2)).collect();
    status.damping.as_mut().unwrap().scale_events = many;
    let events = restore(Some(&status), TARGET).0.events;
    assert_eq!((events.len(), events[0].at), (64, after(36)));
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
            let events = restore(previous, TARGET).0.events;
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
        gaps in prop::collection::vec((1..60_000i64, 0..50u32, 51..90u32, any::<bool>(), 0..6_usize), 0..20),
        pending in any::<bool>(),
    ) {
        let mut when = at(NOW);
        let events: Vec<ScaleEvent> = gaps
            .into_iter()
            .map(|(millis, from, to, forced, rule)| {
                when += SignedDuration::from_millis(millis);
                // Half of them shrink, some to zero.
                let (from, to) = if rule % 2 == 0 { (to, from) } else { (from, to) };
                let rule = ["a", "b"].get(rule).map(|name| Arc::from(*name));
                ScaleEvent { at: when, from, to, forced, rule }
            })
            .collect();
        let mut scene = scene("", 4, 780.0);
        let known = Remembered { events: events.clone(), obeyed_max: Some(20), ..Remembered::default() };
        scene.state = State::restore(known, 4, when);
        let zeroed = scene.state.zeroed();
        let decided = Decided { pending: pending.then(|| change(0, 4, 6)), ..scene.decided() };
        let status = status(Situation::Decided(decided), when, None);
        let (known, announced) = restore(Some(&status), TARGET);
        prop_assert_eq!(announced, pending.then(|| change(0, 4, 6)));
        prop_assert_eq!((known.events.len(), known.obeyed_max), (events.len(), Some(20)));
        prop_assert_eq!(known.zeroed, zeroed);
        let again = State::restore(known.clone(), 4, when);
        prop_assert_eq!(again.rules(), &known.rules[..]);
        prop_assert_eq!(again.zeroed(), zeroed);
        for (is, was) in known.events.iter().zip(&events) {
            prop_assert_eq!((is.from, is.to, is.forced, &is.rule), (was.from, was.to, was.forced, &was.rule));
            // To the next whole second: a cooldown is never shorter for a restart.
            let shift = is.at.duration_since(was.at);
            prop_assert!(!shift.is_negative() && shift < SignedDuration::from_secs(1));
        }
    }
}
