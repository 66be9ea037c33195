//! Laws of clocks and windows: a clock that goes back, decisions that remember windows, and cron's two directions.

use headroom::engine::decide;
use headroom::engine::policy::{Amount, Policy, RatePolicy, Rule, SelectPolicy, Target};
use headroom::engine::propose::scheduled;
use headroom::engine::reading::Reading;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generate::{healthy_step, policy, schedule, start, step};
use crate::run::{Run, Step};

/// A policy whose way down only windows of recommendations and cooldowns can hold up: no schedules (they follow the wall
/// clock by design), no threshold rules (a rule that cools down longer asks for less meanwhile, which the window then
/// remembers), no rest at zero (whose zero it is within a minute of our own change is told by the clock), and a rate that
/// lets everything through.
fn windows_and_cooldowns_only() -> impl Strategy<Value = Policy> {
    policy().prop_map(|mut policy| {
        policy.schedules.clear();
        policy.bounds.min = policy.bounds.min.max(1);
        for metric in &mut policy.metrics {
            if metric.rule.target().is_none() {
                metric.rule = Rule::Target(Target::AverageValue(100.0));
            }
        }
        let down = &mut policy.behavior.down;
        down.policies = vec![RatePolicy {
            amount: Amount::Percent(100),
            period: SignedDuration::from_secs(15),
        }];
        down.select = SelectPolicy::Max;
        policy
    })
}

/// An instant around a change of clocks in the zone, or anywhere in the year.
fn around(zone: &TimeZone, seed: i64) -> Timestamp {
    let year = 366 * 86_400;
    let anywhere = start()
        .checked_add(SignedDuration::from_secs(seed.rem_euclid(year)))
        .unwrap();
    match zone.following(anywhere).next() {
        Some(transition) if seed % 4 != 0 => {
            let near = seed.rem_euclid(2 * 86_400) - 86_400;
            transition
                .timestamp()
                .checked_add(SignedDuration::from_secs(near))
                .unwrap()
        }
        _ => anywhere,
    }
}

/// The step without samples of pods: they carry instants of their own, which two clocks judge differently.
fn timeless(mut step: Step) -> Step {
    step.samples.retain(|s| !matches!(s, Ok(Reading::Pods(_))));
    step
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The same run by two clocks, one of which goes back: it may hold where the other scales down, never the reverse.
    #[test]
    fn a_clock_that_goes_back_never_scales_down_earlier(
        policy in windows_and_cooldowns_only(),
        current in 1..80_u32,
        steps in vec((step().prop_map(timeless), prop::option::weighted(0.05, 1..5_000_000_i64)), 20..120),
    ) {
        let mut run = Run::new(policy, current, start());
        let mut jumped = run.state.clone();
        let mut behind = SignedDuration::ZERO;
        for (step, back) in &steps {
            behind += SignedDuration::from_millis(back.unwrap_or(0));
            let observation = run.observe(step);
            let first = decide(&run.policy, &run.state, &observation, run.now);
            let d = decide(&run.policy, &jumped, &observation, run.now.checked_sub(behind).unwrap());
            prop_assert!(d.desired >= d.current || first.desired < first.current, "{} of {}", d.desired, d.current);
            jumped.record(&run.policy, &d);
            let now = d.at;
            if let Some(event) = first.change().filter(|_| step.writes) {
                jumped.scaled(headroom::engine::decision::ScaleEvent { at: now, ..event });
            }
            run.apply(first, step.writes);
        }
    }

    /// However far it goes back: once load is gone, a window and a cooldown later the count is on its way down.
    #[test]
    fn a_clock_that_goes_back_extends_no_wait_beyond_one_window_and_cooldown(
        policy in windows_and_cooldowns_only(),
        steps in vec(healthy_step(), 1..60),
        back in 1..50_000_000_i64,
    ) {
        let mut run = Run::after(policy, 60, start(), &steps);
        let quiet = |dt: SignedDuration| Step { dt, samples: vec![Ok(0.0.into()); 4], ready: None, forecast: None, startup: None, manual: Some(ABOVE), writes: false };
        let _ = run.tick(&quiet(SignedDuration::from_secs(-back)));
        let down = &run.policy.behavior.down;
        let wait = down.stabilization.max(down.cooldown);
        let last = run.tick(&quiet(wait));
        prop_assert!(last.desired < last.current, "{:?}", last.limits);
    }

    #[test]
    fn remembered_windows_are_the_true_ones(policy in policy(), steps in vec((step(), prop::option::weighted(0.1, 1..100_000_i64)), 1..60)) {
        let mut run = Run::new(policy, 10, start());
        for (step, back) in steps {
            let dt = back.map_or(step.dt, |b| SignedDuration::from_secs(-b));
            let d = run.tick(&Step { dt, ..step });
            for (schedule, known) in run.policy.schedules.iter().zip(&d.windows) {
                let fresh = scheduled::window(schedule, d.at);
                prop_assert_eq!(known.active, fresh.active);
                // Windows of a duration that overlap go on one by one: what is remembered may end before what is known now.
                prop_assert!(known.until <= fresh.until && known.until.is_none_or(|u| d.at < u));
            }
        }
    }

    /// "When does it change" and "is it open" are asked of cron in opposite directions; they have to agree, also where
    /// clocks change.
    #[test]
    fn a_window_s_state_holds_until_it_says(schedule in schedule(50), seed in any::<i64>(), share in 0.0..1.0_f64) {
        let now = around(&schedule.zone, seed);
        let window = scheduled::window(&schedule, now);
        if let Some(until) = window.until {
            prop_assert!(until > now);
            let between = now.checked_add(until.duration_since(now).mul_f64(share)).unwrap();
            let still = scheduled::window(&schedule, between.min(until));
            if still.evaluated < until {
                prop_assert_eq!(still.active, window.active, "from {} to {}", now, between);
                prop_assert!(still.until >= window.until, "{:?} after {:?}", still, window);
            }
            let then = scheduled::window(&schedule, until);
            // An open window may go on where another start falls on, or before, its end; a closed one opens.
            prop_assert!(window.active || then.active, "closed at {} until {}", now, until);
        }
    }
}

/// A count above every ceiling of the generator, so that neither tolerance nor bounds keep it.
const ABOVE: u32 = 200;
