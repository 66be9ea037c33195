//! What a forecast may know, and what a bad one may do: replays of a load of our own with predictions in all modes that act.
//!
//! No leakage: whatever comes after an instant may not change, bit for bit, what was forecast and decided before it. Lies:
//! a forecast that says anything in the place of the honest one may not leave the target shorter than its fixed target
//! does; `make bench-traces` has the same lies on real loads, with what they cost.

use std::hash::{DefaultHasher, Hash, Hasher};

use headroom::engine::forecast::{Forecast, Lie, Objective};
use headroom::engine::policy::{
    Behavior, Bounds, Lead, Metric, Mode, Policy, Prediction, PredictionMode, Rule, Target, WarmUp,
};
use headroom::simulate::contest;
use headroom::simulate::example;
use headroom::simulate::figures::Meter;
use headroom::simulate::random::Random;
use headroom::simulate::replay::{Replay, Setup};
use headroom::simulate::senses::Experiment;
use headroom::simulate::series::Series;
use jiff::{SignedDuration, Timestamp};

const TICK: i64 = 15;
const DELAY: i64 = 30;
const ACTS: [PredictionMode; 2] = [PredictionMode::ScaleOut, PredictionMode::Adaptive];

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// The example's load over 15 days of history and some minutes of its last week, with `prediction`.
fn setup(mode: Option<PredictionMode>, minutes: i64) -> (Setup, Vec<(Timestamp, f64)>) {
    let start = example::start();
    let (from, end) = (start - secs(15 * 86_400), start + secs(60 * minutes));
    let rows = example::series(3).filter(|(at, _)| (from..=end).contains(at)).collect();
    let prediction = mode.map(|mode| Prediction {
        metric: 0,
        mode,
        lead: Lead::Auto,
        history: secs(28 * 86_400),
        objective: Some(Objective {
            capacity: example::REPLICA_CAPACITY,
            target: 0.7 * example::REPLICA_CAPACITY,
            shortfall: 0.001,
            max_margin: 1.0,
        }),
        signal: Some(0.5),
    });
    let policy = Policy {
        bounds: Bounds { min: 1, max: 100 },
        interval: secs(TICK),
        mode: Mode::Active,
        metrics: vec![Metric {
            name: "load".into(),
            rule: Rule::Target(Target::AverageValue(0.7 * example::REPLICA_CAPACITY)),
            activation: 0.0,
            pods: None,
        }],
        schedules: Vec::new(),
        prediction,
        fallback: None,
        behavior: Behavior::default(),
        warm_up: WarmUp::default(),
    };
    let setup = Setup {
        policy,
        capacity: example::REPLICA_CAPACITY,
        startup: secs(180),
        delay: secs(DELAY),
        tick: secs(TICK),
        start,
        end,
    };
    (setup, rows)
}

/// Every digit of a value, in 64 bits.
fn digest(value: &impl std::fmt::Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Debug writes as many digits as tell a float from all others.
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}

/// Digests of forecast and decision at each tick, and how many forecasts were trusted.
fn history(setup: &Setup, series: &Series) -> (Vec<(u64, u64)>, usize) {
    let (mut forecasts, mut trusted) = (Vec::new(), 0);
    let listen = Experiment {
        listener: Some(Box::new(|_, forecast: &Forecast| {
            forecasts.push(digest(forecast));
            trusted += usize::from(forecast.trust.is_trusted());
        })),
        ..Experiment::default()
    };
    let decisions: Vec<u64> = Replay::with(setup, series, listen)
        .map(|s| digest(&s.decision))
        .collect();
    (forecasts.into_iter().zip(decisions).collect(), trusted)
}

#[test]
fn what_comes_after_an_instant_changes_nothing_before_it() {
    let mut random = Random::new(11);
    for mode in ACTS {
        for _ in 0..4 {
            // From the second hour on; the morning's ramp is at seven.
            let cut = 60 + (random.uniform() * 600.0) as i64;
            let (setup, rows) = setup(Some(mode), cut + 30);
            let instant = setup.start + secs(60 * cut);
            let noise = |(at, load): &(Timestamp, f64)| {
                let later = *load * 4.0 * random.uniform() * f64::from(u8::from(random.uniform() < 0.8));
                (*at, if *at > instant { later } else { *load })
            };
            let spoilt = Series::new(rows.iter().map(noise).collect::<Vec<_>>()).unwrap();
            let (before, trusted) = history(&setup, &Series::new(rows).unwrap());
            let (after, _) = history(&setup, &spoilt);
            // What metrics know at an instant is `DELAY` old.
            let known = ((60 * cut + DELAY) / TICK + 1) as usize;
            assert!(
                trusted > known / 2,
                "{mode:?}: {trusted} of {known} forecasts were trusted"
            );
            assert_eq!(before[..known], after[..known], "{mode:?}, cut at {instant}");
            assert_ne!(
                before[known..],
                after[known..],
                "{mode:?}, cut at {instant}: the noise was to show"
            );
        }
    }
}

const LIES: [Lie; 5] = [
    Lie::Zero,
    Lie::NotANumber,
    Lie::TenTimes,
    Lie::HalfADayAgo,
    Lie::Shuffled,
];

#[test]
fn a_lie_leaves_the_target_no_shorter_than_its_fixed_target() {
    // Three days: the first half of one is what the twelve hours need, and one onset is to be diluted by what follows.
    let minutes = 72 * 60;
    let (fixed, rows) = setup(None, minutes);
    let series = Series::new(rows).unwrap();
    let fixed = contest::replay(&fixed, &series);
    assert!(
        fixed.short_minutes > 1.0,
        "{fixed:?}: the ramp was to leave the fixed target short"
    );
    for mode in ACTS {
        let (setup, _) = setup(Some(mode), minutes);
        let honest = contest::replay(&setup, &series);
        for lie in LIES {
            let experiment = Experiment {
                lie: Some(lie),
                ..Experiment::default()
            };
            let mut meter = Meter::new(setup.tick, setup.capacity);
            for step in Replay::with(&setup, &series, experiment) {
                meter.tick(step.tick.load, step.tick.desired, step.tick.ready);
            }
            let lied = meter.finish();
            assert!(
                lied.short_minutes <= 1.05 * fixed.short_minutes,
                "{mode:?}, forecast {lie:?}: short for {} min, the fixed target for {}",
                lied.short_minutes,
                fixed.short_minutes
            );
            let dearest = 1.1 * honest.replica_hours.max(fixed.replica_hours);
            assert!(
                lied.replica_hours <= dearest,
                "{mode:?}, forecast {lie:?}: {} replica-hours, at most {dearest}",
                lied.replica_hours
            );
        }
    }
}
