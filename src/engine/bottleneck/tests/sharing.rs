//! Whether use falls with the load of each pod: over a growth, between pods, after a restart.

use super::*;

/// Four pods, then eight for so long that each counts; `before` and `after` are what each pod uses and its load.
fn grown(limits: Limits, before: (f64, f64, f64), after: (f64, f64, f64)) -> Bottleneck {
    let mut state = State::default();
    let look = |count: usize, (cpu, memory, load): (f64, f64, f64), now| Look {
        load: each(&vec![load; count], now),
        ..look(&vec![cpu; count], &vec![memory; count], now)
    };
    state.look(&limits, &look(4, before, 0), at(0));
    let mut young = look(8, after, 60);
    for pod in &mut young.pods[4..] {
        *pod = self::pod(&pod.name, 30);
    }
    state.look(&limits, &young, at(60));
    let told = (0..=4).map(|i| {
        let now = 200 + 15 * i;
        let mut look = look(8, after, now);
        look.pods = young.pods.clone();
        state.look(&limits, &look, at(now))
    });
    told.last().unwrap()
}

#[test]
fn use_that_does_not_fall_with_the_load_of_each_pod_asks_for_bigger_pods() {
    // Memory stayed where it was while the load of each halved.
    let told = grown(LIMITS, (70.0, 92.0, 100.0), (35.0, 91.0, 50.0));
    let verdict = &told.verdict;
    assert_eq!(
        (verdict.finding, verdict.resource),
        (Finding::UseNotShared, Some(Resource::Memory))
    );
    let Some(Evidence::Seen(trial)) = &verdict.evidence else {
        panic!("{verdict:?}")
    };
    assert_eq!((trial.by, trial.pods, trial.load), (Proxy::Load, Some((4, 8)), 0.5));
    assert!((trial.shared() - (1.0 - 91.0 / 92.0) / 0.5).abs() < 1e-9);

    // Half of it is shared, and hardly so: at a half more replicas still help.
    let low = Limits([Some(80.0), Some(50.0), None, None]);
    assert_eq!(
        grown(low, (70.0, 80.0, 100.0), (35.0, 60.0, 50.0)).verdict.finding,
        Finding::MoreReplicasHelp
    );
    assert_eq!(
        grown(low, (70.0, 80.0, 100.0), (35.0, 60.5, 50.0)).verdict.finding,
        Finding::UseNotShared
    );

    // cpu too; but where the load doubled as well it is no wonder that use stayed.
    assert_eq!(
        grown(LIMITS, (95.0, 40.0, 100.0), (90.0, 40.0, 50.0)).verdict.finding,
        Finding::UseNotShared
    );
    assert_eq!(
        grown(LIMITS, (95.0, 40.0, 100.0), (95.0, 40.0, 100.0)).verdict.finding,
        Finding::MoreReplicasHelp
    );
    // A load that fell by less than a fifth shows nothing: of memory it is still not known.
    assert_eq!(
        grown(LIMITS, (70.0, 92.0, 100.0), (60.0, 92.0, 81.0)).verdict.finding,
        Finding::NotYetSeen
    );
}

#[test]
fn without_a_load_cpu_stands_for_it_and_for_cpu_the_policy_s_own_metric() {
    let look = |count: usize, cpu: f64, memory: f64, total: Option<f64>, now| Look {
        total,
        ..look(&vec![cpu; count], &vec![memory; count], now)
    };
    let told = |before: (f64, f64), after: (f64, f64), total: Option<(f64, f64)>| {
        let mut state = State::default();
        state.look(&LIMITS, &look(4, before.0, before.1, total.map(|t| t.0), 0), at(0));
        lasting(&mut state, 300, |now| {
            look(8, after.0, after.1, total.map(|t| t.1), now)
        })
        .verdict
    };
    let verdict = told((70.0, 92.0), (35.0, 92.0), None);
    assert_eq!(verdict.finding, Finding::UseNotShared);
    assert!(matches!(&verdict.evidence, Some(Evidence::Seen(t)) if t.by == Proxy::Cpu));
    // cpu cannot be held against itself.
    assert_eq!(
        told((95.0, 40.0), (95.0, 40.0), None).finding,
        Finding::MoreReplicasHelp
    );
    let verdict = told((95.0, 40.0), (94.0, 40.0), Some((1000.0, 1000.0)));
    assert_eq!(
        (verdict.finding, verdict.resource),
        (Finding::UseNotShared, Some(Resource::Cpu))
    );
    assert!(matches!(&verdict.evidence, Some(Evidence::Seen(t)) if t.by == Proxy::Total));
    assert_eq!(
        told((95.0, 40.0), (94.0, 40.0), Some((1000.0, 2000.0))).finding,
        Finding::MoreReplicasHelp
    );
}

#[test]
fn pods_that_were_replaced_or_compared_too_late_show_nothing() {
    let told = |rename: bool, later: i64| {
        let mut state = State::default();
        state.look(&LIMITS, &look(&[70.0; 4], &[92.0; 4], 0), at(0));
        lasting(&mut state, later, |now| {
            // Too little less for two pods to be compared, enough for a growth.
            let mut look = look(&[50.0; 8], &[92.0; 8], now);
            if rename {
                // As a StatefulSet does it: the same name, another start.
                look.pods[0].started = Some(at(-1000));
            }
            look
        })
        .verdict
        .finding
    };
    assert_eq!(told(false, 300), Finding::UseNotShared);
    assert_eq!(told(true, 300), Finding::NotYetSeen);
    assert_eq!(told(false, 31 * 60), Finding::NotYetSeen);
}

#[test]
fn growth_in_small_steps_is_compared_with_where_it_began() {
    let mut state = State::default();
    let mut told = None;
    for (i, count) in [10_usize, 11, 12, 13].into_iter().enumerate() {
        let cpu = 700.0 / count as f64;
        let from = 300 * i64::try_from(i).unwrap();
        told = Some(lasting(&mut state, from, |now| {
            look(&vec![cpu; count], &vec![92.0; count], now)
        }));
    }
    let verdict = told.unwrap().verdict;
    assert!(
        matches!(&verdict.evidence, Some(Evidence::Seen(t)) if t.pods == Some((10, 13))),
        "{verdict:?}"
    );
}

#[test]
fn memory_that_is_full_at_any_load_asks_for_bigger_pods() {
    let mut state = State::default();
    // Both pods are near their limit, one of them with a third of the other's work.
    let told = lasting(&mut state, 0, |now| look(&[20.0, 60.0], &[90.0, 91.0], now));
    let Some(Evidence::Seen(trial)) = &told.verdict.evidence else {
        panic!("{told:?}")
    };
    assert_eq!((trial.pods, trial.by), (None, Proxy::Cpu));
    assert_eq!(told.verdict.finding, Finding::UseNotShared);
    // The same of one pod over time.
    let mut state = State::default();
    lasting(&mut state, 0, |now| look(&[60.0], &[91.0], now));
    let told = lasting(&mut state, 900, |now| look(&[25.0], &[90.0], now));
    assert_eq!(told.verdict.finding, Finding::UseNotShared);
    // Loads too much alike show nothing.
    let told = lasting(&mut State::default(), 0, |now| look(&[40.0, 60.0], &[90.0, 91.0], now));
    assert_eq!(told.verdict.finding, Finding::NotYetSeen);
}

#[test]
fn what_was_told_outlives_a_restart_until_the_contrary_is_seen() {
    let restored = || {
        let evidence = Some(Arc::from("memory stayed as it was"));
        State::restore(Finding::UseNotShared, Some(Resource::Memory), evidence, at(-5000))
    };
    let near = |now| look(&[50.0, 50.0], &[90.0, 90.0], now);
    let told = lasting(&mut restored(), 0, near);
    assert_eq!((told.verdict.finding, told.since), (Finding::UseNotShared, at(-5000)));
    assert!(matches!(&told.verdict.evidence, Some(Evidence::Told(words)) if &**words == "memory stayed as it was"));
    // Pods with a higher limit.
    let told = lasting(&mut restored(), 0, |now| look(&[50.0, 50.0], &[60.0, 60.0], now));
    assert_eq!((told.verdict.finding, told.since), (Finding::WithinLimits, at(0)));
    // The contrary: with half the load of each it is a little more than half.
    let mut state = restored();
    lasting(&mut state, 0, near);
    let told = lasting(&mut state, 300, |now| look(&[25.0; 4], &[50.0; 4], now));
    assert_eq!(told.verdict.finding, Finding::WithinLimits);
    let told = lasting(&mut state, 400, |now| look(&[50.0; 4], &[92.0; 4], now));
    assert_eq!(told.verdict.finding, Finding::MoreReplicasHelp);
}

#[test]
fn pods_of_two_rollouts_are_not_compared() {
    let mut state = State::default();
    let with = |pods: Vec<Pod>, memory: f64, load: f64, now: i64| Look {
        pods,
        load: each(&[load; 2], now),
        ..look(&[50.0; 2], &[memory; 2], now)
    };
    let rolled = |i: i64| vec![pod("new-a", -300 + i), pod("new-b", -300 + i)];
    // Near the limit at a high load before, and as near at a third of it after: the new ones need more for the same.
    let told = lasting(&mut state, 0, |now| with(pods(2), 92.0, 90.0, now));
    assert_eq!(told.verdict.finding, Finding::NotYetSeen);
    let told = lasting(&mut state, 600, |now| with(rolled(600), 92.0, 30.0, now));
    assert_eq!(told.verdict.finding, Finding::NotYetSeen, "{:?}", told.verdict);
    // One that stayed is one end of its own, and two of the same rollout are compared.
    let told = lasting(&mut state, 700, |now| with(rolled(600), 91.0, 90.0, now));
    assert_eq!(told.verdict.finding, Finding::UseNotShared, "{:?}", told.verdict);

    // Half of a rollout: what the pod that went had shown goes with it.
    let mut state = State::default();
    let of = |pods: [Pod; 2], loads: [f64; 2], now: i64| Look {
        pods: pods.to_vec(),
        load: each(&loads, now),
        ..look(&[50.0; 2], &[92.0; 2], now)
    };
    let [a, b, c] = ["a", "b", "c"].map(|name| pod(name, -3600));
    let told = lasting(&mut state, 0, |now| of([a.clone(), b.clone()], [90.0, 80.0], now));
    assert_eq!(told.verdict.finding, Finding::NotYetSeen);
    let told = lasting(&mut state, 100, |now| of([b.clone(), c.clone()], [80.0, 42.0], now));
    assert_eq!(told.verdict.finding, Finding::NotYetSeen, "42 is more than half of 80");
}
