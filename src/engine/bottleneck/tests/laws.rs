//! What holds of any sequence of looks.

use proptest::prelude::*;

use super::*;

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.0..150.0_f64,
        1 => prop::sample::select(vec![0.0, f64::NAN, f64::INFINITY, -1.0, f64::MAX, f64::MIN_POSITIVE]),
    ]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let sample = prop::option::weighted(0.9, (any_value(), any_value(), -400..10_i64));
    let sample = sample.prop_map(|s| {
        s.map(|(used, percent, ago)| PodUse {
            used,
            percent,
            from: at(ago - 15),
            at: at(ago),
        })
    });
    prop_oneof![
        6 => prop::collection::vec(sample, 0..6).prop_map(|each| Ok(Told::Each(each))),
        1 => any_value().prop_map(|v| Ok(Told::Whole(v))),
        1 => Just(Err(Failure::new(Cause::Timeout, "no answer"))),
    ]
}

fn any_look() -> impl Strategy<Value = Look> {
    let phase = prop::sample::select(vec![Phase::Running, Phase::Running, Phase::Pending, Phase::Leaving]);
    let pods = prop::collection::vec((phase, any::<bool>(), -4000..100_i64), 0..6).prop_map(|all| {
        let each = all.into_iter().enumerate().map(|(i, (phase, holds, ready))| {
            let mut pod = pod(&format!("web-{i}"), ready);
            pod.phase = phase;
            pod.ready = Some(Ready {
                holds,
                since: at(ready),
            });
            pod
        });
        each.collect::<Vec<_>>()
    });
    let uses = prop::array::uniform4(prop::option::weighted(0.8, any_seen()));
    let load = prop::option::of(any_seen());
    let counts = (0..9_u32, 0..9_u32, prop::option::of(any_value()));
    (pods, uses, load, counts).prop_map(|(pods, uses, load, (current, ceiling, total))| Look {
        pods,
        uses,
        load,
        total,
        current,
        ceiling,
    })
}

proptest! {
    /// Whatever is seen: numbers that are told are numbers, and trouble is told only with something near its limit.
    #[test]
    fn any_look_is_judged(looks in prop::collection::vec((any_look(), -10..40_i64), 1..12)) {
        let limits = Limits([Some(80.0), Some(85.0), Some(90.0), Some(75.0)]);
        let (mut state, mut now) = (State::default(), 0);
        for (look, later) in looks {
            now += later;
            let told = state.look(&limits, &look, at(now));
            for (_, _, standing) in &told.uses {
                if let Standing::Each(s) = standing {
                    prop_assert!(s.pods > 0 && s.highest.is_finite() && s.mean >= 0.0);
                    prop_assert!(s.mean <= s.highest * (1.0 + 1e-9), "{s:?}");
                    prop_assert!(s.imbalance().is_none_or(|i| i >= 1.0 - 1e-9));
                    prop_assert!(!s.hottest.is_empty());
                }
            }
            let verdict = &told.verdict;
            if verdict.finding.bottlenecked() == Some(true) {
                let near = match verdict.standing.as_ref().unwrap() {
                    Standing::Each(spread) => spread.highest,
                    Standing::Whole(percent) => *percent,
                    Standing::Unknown(_) => 0.0,
                };
                prop_assert!(near > verdict.threshold * 0.93, "{verdict:?}");
            }
            prop_assert_eq!(verdict.finding == Finding::UseNotShared, verdict.evidence.is_some());
        }
    }
}
