//! Laws over whole runs: rate limits, cooldowns, stabilisation and restarts, counted from the log and not the state.

use headroom::engine::decide;
use headroom::engine::decision::{Action, ScaleEvent};
use headroom::engine::policy::{Amount, RatePolicy, SelectPolicy};
use headroom::engine::state::{Remembered, State};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generate::{behavior, healthy_step, policy, start, step};
use crate::run::{Run, Step, Tick};

/// A run of some hundred ticks; half of them with healthy samples throughout, so that they really move.
fn run() -> impl Strategy<Value = Run> {
    let steps = prop_oneof![vec(step(), 50..200), vec(healthy_step(), 150..400)];
    (policy(), behavior(), 1..80_u32, steps).prop_map(|(mut policy, behavior, current, steps)| {
        policy.behavior = behavior;
        Run::after(policy, current, start(), &steps)
    })
}

/// The change that the rate policies had to allow, with the log before it.
fn free_changes(run: &Run) -> impl Iterator<Item = (&ScaleEvent, &[Tick])> {
    let changes = run
        .log
        .iter()
        .enumerate()
        .filter_map(|(i, t)| Some((t.change.as_ref()?, &run.log[..i])));
    changes.filter(|(c, _)| !c.forced)
}

/// What HPA's rule gives: the net free change in the period that ends with this change, this one included, is no more
/// than the policy's share of the count at the period's start (the count now less that net change). It does not give
/// the same for periods that end elsewhere: growth that only takes back a recent shrinking is free.
fn within(policy: RatePolicy, change: &ScaleEvent, before: &[Tick]) -> bool {
    let counted = |t: &&Tick| change.at.duration_since(t.at) < policy.period;
    let earlier = before
        .iter()
        .filter(counted)
        .filter_map(|t| t.change.as_ref())
        .filter(|c| !c.forced);
    let net: i64 = earlier
        .chain([change])
        .map(|c| i64::from(c.to) - i64::from(c.from))
        .sum();
    let at_start = (i64::from(change.to) - net).max(0);
    let to = i64::from(change.to);
    match (policy.amount, change.up()) {
        (Amount::Pods(n), true) => to <= at_start + i64::from(n),
        (Amount::Pods(n), false) => to >= at_start - i64::from(n),
        // Up to the next whole replica, from nothing to one, and down by whole replicas of what is left.
        (Amount::Percent(p), true) => (to - at_start - 1) * 100 < (at_start * i64::from(p)).max(1),
        (Amount::Percent(p), false) => (to + 1) * 100 > at_start * (100 - i64::from(p)),
    }
}

/// The instants of changes before this one.
fn last(before: &[Tick], any: fn(&ScaleEvent) -> bool) -> Option<Timestamp> {
    let changes = before.iter().rev().filter_map(|t| t.change.as_ref());
    changes.filter(|c| any(c)).map(|c| c.at).next()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn rate_limits_hold_over_any_period_that_ends_with_a_change(run in run()) {
        for (change, before) in free_changes(&run) {
            let rules = if change.up() { &run.policy.behavior.up } else { &run.policy.behavior.down };
            let mut each = rules.policies.iter().map(|p| within(*p, change, before));
            let allowed = match rules.select {
                SelectPolicy::Max => each.any(|ok| ok),
                SelectPolicy::Min => each.all(|ok| ok),
                SelectPolicy::Disabled => false,
            };
            prop_assert!(allowed, "{change:?} by {rules:?}");
        }
    }

    #[test]
    fn cooldowns_hold(run in run()) {
        for (change, before) in free_changes(&run) {
            let (cooldown, since) = if change.up() {
                (run.policy.behavior.up.cooldown, last(before, ScaleEvent::up))
            } else {
                (run.policy.behavior.down.cooldown, last(before, |_| true))
            };
            if let Some(since) = since {
                prop_assert!(change.at.duration_since(since) >= cooldown, "{change:?}, last at {since}");
            }
        }
    }

    #[test]
    fn stabilisation_follows_the_window_s_extreme(run in run()) {
        for (change, before) in free_changes(&run) {
            // A target at zero begins anew.
            let since = before.iter().rposition(|t| t.decision.action == Action::Disabled).map_or(0, |i| i + 1);
            let recommended = |window: SignedDuration| {
                let known = before[since..].iter().filter(move |t| change.at.duration_since(t.at) < window);
                known.map(|t| t.decision.recommended)
            };
            let behavior = &run.policy.behavior;
            if change.up() {
                let least = recommended(behavior.up.stabilization).min();
                prop_assert!(least.is_none_or(|l| change.to <= l.max(change.from)), "{change:?} {least:?}");
            } else {
                let most = recommended(behavior.down.stabilization).max();
                prop_assert!(most.is_none_or(|m| change.to >= m.min(change.from)), "{change:?} {most:?}");
            }
        }
    }

    #[test]
    fn a_state_that_knows_nothing_waits_a_window_before_scaling_down(run in run()) {
        // From the start, and again whenever the target comes back from zero: the count that is found then holds.
        let mut found = None;
        for tick in &run.log {
            if tick.decision.action == Action::Disabled {
                found = None;
                continue;
            }
            let (since, count) = *found.get_or_insert((tick.at, tick.decision.current));
            if let Some(c) = &tick.change && !c.forced && c.at.duration_since(since) < run.policy.behavior.down.stabilization {
                prop_assert!(c.up() || c.to >= count.min(c.from));
            }
        }
    }

    /// A second state is restored at a random tick from what status carries, and then sees what the first sees. It may
    /// hold where the first scales down, never the other way round. (Nobody scales by hand here: a count that is raised by
    /// hand after the restart is above all that the second state knows. Nor does the measured start-up time change: a
    /// floor that began to act early by a longer one is not known to the second state.)
    #[test]
    fn a_restart_never_scales_down_earlier(
        policy in policy(),
        current in 1..80_u32,
        steps in vec(step(), 20..150),
        restarts in vec(0..150_usize, 1..4),
    ) {
        let mut run = Run::new(policy, current, start());
        let mut restarted: Option<State> = None;
        for (i, step) in steps.iter().enumerate() {
            let step = &Step { manual: None, startup: steps[0].startup, ..step.clone() };
            let observation = run.observe(step);
            if restarts.contains(&i) {
                let known = restarted.as_ref().unwrap_or(&run.state);
                restarted = Some(State::restore(remembered(known), run.current, run.now));
            }
            let first = decide(&run.policy, &run.state, &observation, run.now);
            if let Some(second) = &mut restarted {
                let d = decide(&run.policy, second, &observation, run.now);
                prop_assert!(d.desired >= first.desired.min(d.current), "{} where {} was due", d.desired, first.desired);
                second.record(&run.policy, &d);
                if let Some(event) = first.change().filter(|_| step.writes) {
                    second.scaled(event);
                }
            }
            run.apply(first, step.writes);
        }
    }
}

/// Status carries 64 changes; a policy with an interval of a second can make more within a rate policy's period.
#[test]
fn more_changes_than_status_carries_are_remembered_while_they_matter() {
    let mut run = flapping();
    for i in 0..1800_u32 {
        let load = if i % 3 < 2 { 100_000.0 } else { 0.0 };
        let _ = run.tick(&Step {
            dt: SignedDuration::from_secs(1),
            samples: vec![Ok(load.into())],
            ready: None,
            forecast: None,
            startup: None,
            manual: None,
            writes: true,
        });
        if let Some(c) = &run.log[i as usize].change {
            let rules = if c.up() {
                &run.policy.behavior.up
            } else {
                &run.policy.behavior.down
            };
            assert!(
                rules.policies.iter().all(|p| within(*p, c, &run.log[..i as usize])),
                "{c:?}"
            );
        }
    }
    assert!(run.log.iter().filter(|t| t.change.is_some()).count() > 100);
}

/// One metric; ten pods up or down within half an hour of one-second ticks: growth has to be made room for by shrinking.
fn flapping() -> Run {
    use headroom::engine::policy::*;
    let rules = |n| ScalingRules {
        stabilization: SignedDuration::ZERO,
        policies: vec![RatePolicy {
            amount: Amount::Pods(n),
            period: SignedDuration::from_mins(30),
        }],
        select: SelectPolicy::Max,
        tolerance: 0.1,
        cooldown: SignedDuration::ZERO,
    };
    let policy = Policy {
        bounds: Bounds { min: 1, max: 1000 },
        interval: SignedDuration::from_secs(1),
        mode: Mode::Active,
        metrics: vec![Metric {
            name: "m".into(),
            rule: Rule::Target(Target::AverageValue(100.0)),
            activation: 0.0,
            pods: None,
        }],
        schedules: Vec::new(),
        prediction: None,
        fallback: None,
        behavior: Behavior {
            up: rules(10),
            down: rules(10),
        },
        warm_up: WarmUp::default(),
    };
    Run::new(policy, 100, start())
}

/// What status carries of a state.
fn remembered(state: &State) -> Remembered {
    Remembered {
        events: state.events().cloned().collect(),
        obeyed_max: state.obeyed_max(),
        rules: state.rules().to_vec(),
        zeroed: state.zeroed(),
    }
}
