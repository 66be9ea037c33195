//! Plans as the forecaster makes them: when they are trusted, and what they never do.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::gate::{Abstention, Trust};
use super::super::plan::{Objective, Plan, Witness};
use super::super::{Forecaster, Settings};

const DAY: i64 = 86_400;

fn settings() -> Settings {
    Settings {
        lead: SignedDuration::from_secs(225),
        history: SignedDuration::from_hours(28 * 24),
        objective: Some(Objective {
            capacity: 100.0,
            target: 70.0,
            shortfall: 0.001,
            max_margin: 1.0,
        }),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A day that swings between 500 and 1,500, with a little noise that repeats.
fn load(second: i64) -> f64 {
    let phase = second.rem_euclid(DAY) as f64 / DAY as f64;
    let noise = (second.rem_euclid(9_973) as f64 / 9_973.0 - 0.5) * 20.0;
    1_000.0 - 500.0 * (std::f64::consts::TAU * phase).cos() + noise
}

/// A forecaster that was given `days` of history up to second 0.
fn known(days: i64) -> Forecaster {
    let mut forecaster = Forecaster::new(settings());
    forecaster.backfill((-days * 1_440..=0).map(|minute| (at(60 * minute), load(60 * minute))));
    forecaster
}

fn witness(ready: u32, short: Option<bool>) -> Witness {
    Witness {
        ready: Some(ready),
        signal: true,
        short,
        acts: true,
    }
}

/// Observes from `from` to `to` every 15 s what `seen` says, and returns the last plan.
fn watch(forecaster: &mut Forecaster, from: i64, to: i64, seen: impl Fn(i64) -> (f64, Witness)) -> Plan {
    for second in (from..=to).step_by(15) {
        let (load, witness) = seen(second);
        forecaster.witness(at(second), load, witness);
    }
    forecaster.forecast(at(to)).plan.unwrap()
}

#[test]
fn a_day_of_load_is_needed() {
    let plan = known(7).forecast(at(0)).plan.unwrap();
    assert_eq!(plan.trust, Trust::Trusted);
    let early = Forecaster::new(settings()).forecast(at(0)).plan;
    assert_eq!(early, None);
    let mut forecaster = Forecaster::new(settings());
    // A day of nothing is no load.
    forecaster.backfill((-2 * 1_440..-600).map(|minute| (at(60 * minute), 0.0)));
    let plan = watch(&mut forecaster, -30_000, 0, |second| (load(second), Witness::default()));
    assert!(
        matches!(plan.trust, Trust::Abstains(Abstention::TooLittleHistory(_))),
        "{plan:?}"
    );
}

#[test]
fn a_plan_covers_what_comes_and_little_more() {
    let mut forecaster = known(14);
    let (mut short, mut planned, mut needed) = (0, 0.0, 0.0);
    // What is asked for now is ready after the lead time.
    let mut asked = std::collections::VecDeque::from([20_u32; 15]);
    for second in (15..2 * DAY).step_by(15) {
        forecaster.witness(at(second), load(second), Witness::default());
        let plan = forecaster.forecast(at(second)).plan.unwrap();
        let ready = asked.pop_front().unwrap();
        asked.push_back(plan.replicas(asked.back().copied().unwrap_or(ready)));
        short += u32::from(load(second) > 100.0 * f64::from(ready));
        planned += f64::from(ready);
        needed += load(second) / 100.0;
    }
    assert!(short < 24, "short for {short} of 11,520 ticks");
    assert!(planned / needed < 1.2, "{}", planned / needed);
}

#[test]
fn a_silent_signal_ends_trust_and_its_word_brings_it_back() {
    let mut forecaster = known(7);
    // Never heard of.
    let plan = watch(&mut forecaster, 15, 60, |second| (load(second), witness(10, None)));
    assert_eq!(plan.trust, Trust::Abstains(Abstention::NoSignal { since: None }));
    let plan = watch(&mut forecaster, 75, 75, |second| {
        (load(second), witness(10, Some(false)))
    });
    assert_eq!(plan.trust, Trust::Trusted);
    let plan = watch(&mut forecaster, 90, 660, |second| (load(second), witness(10, None)));
    assert_eq!(plan.trust, Trust::Trusted, "ten minutes are given");
    let plan = watch(&mut forecaster, 675, 690, |second| (load(second), witness(10, None)));
    assert_eq!(
        plan.trust,
        Trust::Abstains(Abstention::NoSignal { since: Some(at(75)) })
    );
}

#[test]
fn while_the_target_is_short_nothing_is_taken_away() {
    let mut forecaster = known(7);
    let plan = watch(&mut forecaster, 15, 600, |second| {
        (load(second), witness(40, Some(false)))
    });
    assert!(plan.replicas(40) < 40, "{plan:?}");
    let plan = watch(&mut forecaster, 615, 615, |second| {
        (load(second), witness(40, Some(true)))
    });
    assert_eq!(plan.replicas(40), 40);
}

#[test]
fn a_target_that_is_short_at_half_its_capacity_is_no_matter_of_margins() {
    let mut forecaster = known(7);
    // 5 of load for 40 replicas of 100, and short.
    let plan = watch(&mut forecaster, 15, 1_200, |second| {
        (load(second), witness(40, Some(true)))
    });
    assert!(matches!(
        plan.trust,
        Trust::Abstains(Abstention::CapacityFarOff | Abstention::ShortOfTarget { .. })
    ));
    assert_eq!(plan.capacity.in_use, 50.0);
}

#[test]
fn a_saturated_load_is_taken_as_higher() {
    let mut forecaster = known(7);
    let busy = watch(&mut forecaster, 15, 15, |_| (590.0, witness(6, None)));
    assert!((busy.load / (590.0 * super::LIFT) - 1.0).abs() < 1e-9, "{busy:?}");
    let idle = watch(&mut forecaster, 30, 30, |_| (580.0, witness(6, None)));
    assert!((idle.load / 580.0 - 1.0).abs() < 1e-9, "{idle:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_comes_in_a_plan_is_a_number_of_replicas(
        lead in 0_i64..5_000,
        loads in prop::collection::vec((1_i64..700, prop_oneof![8 => 0.0..1e4_f64, 1 => any::<f64>()], any::<Option<bool>>(), 0_u32..50), 1..400),
    ) {
        let mut forecaster = Forecaster::new(Settings { lead: SignedDuration::from_secs(lead), ..settings() });
        let mut second = 0;
        for (step, load, short, ready) in loads {
            second += step;
            forecaster.witness(at(second), load, witness(ready, short));
            if let Some(plan) = forecaster.forecast(at(second)).plan {
                prop_assert!(plan.upper.is_finite() && plan.upper >= 1.029 * plan.load, "{plan:?}");
                prop_assert!(plan.held >= plan.upper && plan.margin.is_finite());
                prop_assert!((50.0..=100.0).contains(&plan.capacity.in_use));
                // It grows where it must and shrinks only where it may.
                let need = (plan.upper / plan.capacity.in_use - 1e-9).ceil().min(f64::from(u32::MAX));
                for current in [0, ready, 1_000_000] {
                    prop_assert!(f64::from(plan.replicas(current)) >= need, "{plan:?} {current}");
                }
            }
        }
    }
}
