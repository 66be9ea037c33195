//! Strategies: whole policies, observations with every kind of nonsense, and steps of a run.
//!
//! Policies obey what `validate.rs` guarantees (min ≤ max, positive targets, a floor without a ceiling of its own within
//! `maxReplicas`); observations and clocks obey nothing.

use std::str::FromStr;

use croner::Cron;
use headroom::engine::forecast::{
    Abstention, Basis, Bound, Capacity, Forecast, Model, Plan, Samples, Shortfall, Trust,
};
use headroom::engine::observation::{Cause, Failure, Sample};
use headroom::engine::policy::{
    Amount, Behavior, Bounds, End, Fallback, Lead, Metric, Mode, Policy, Prediction, PredictionMode, RatePolicy,
    Recurrence, Rule, ScalingRules, Schedule, SelectPolicy, Step as StepRule, Target, Thresholds, WarmUp, When,
};
use headroom::engine::reading::PodMetric;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::pods::{pods, silent_pods};
use crate::run::Step;

/// Where runs begin: a Friday morning, an hour before business hours in Zurich.
pub fn start() -> Timestamp {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

pub fn seconds(choices: &'static [i64]) -> impl Strategy<Value = SignedDuration> {
    select(choices).prop_map(SignedDuration::from_secs)
}

pub fn cron(text: &str) -> Cron {
    Cron::from_str(text).unwrap()
}

/// Zones with whole-hour, half-hour and midnight transitions, and none.
pub fn zone() -> impl Strategy<Value = TimeZone> {
    select(vec![
        "UTC",
        "Europe/Zurich",
        "America/New_York",
        "America/St_Johns",
        "Africa/Cairo",
        "America/Nuuk",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
    ])
    .prop_map(|name| TimeZone::get(name).unwrap())
}

/// A rule and an activation value.
fn rule() -> impl Strategy<Value = (Rule, f64)> {
    let step = || (1..5_u32, seconds(&[1, 60, 300]));
    let thresholds = (0.0..2000.0, 0.0..1.0, any::<bool>(), step(), step()).prop_map(|(at, share, down, up, less)| {
        let step = |at, (by, cooldown)| StepRule { at, by, cooldown };
        Rule::Thresholds(Thresholds {
            up: step(at + 1.0, up),
            down: down.then_some(step(at * share, less)),
        })
    });
    let rule = prop_oneof![3 => target().prop_map(Rule::Target), 1 => thresholds];
    (rule, select(vec![0.0, 0.0, 5.0, 700.0]))
}

fn fallback(bounds: Bounds) -> impl Strategy<Value = Option<Fallback>> {
    let fallback = (bounds.min.max(1)..=bounds.max.max(1), seconds(&[15, 180, 3600]));
    option::of(fallback.prop_map(|(replicas, after)| Fallback { replicas, after }))
}

fn target() -> impl Strategy<Value = Target> {
    let quantity = select(vec![0.1, 0.7, 1.0, 30.0, 100.0, 1000.0]);
    let kind = select(vec![
        Target::AverageValue as fn(f64) -> Target,
        Target::Value,
        Target::Utilization,
        Target::PodAverage,
    ]);
    (kind, quantity).prop_map(|(kind, q)| kind(q))
}

/// A window that opens and closes within minutes, so that runs see edges.
pub fn schedule(max: u32) -> impl Strategy<Value = Schedule> {
    let start = select(vec!["*/10 * * * *", "7,29 * * * *", "0 8 * * MON-FRI", "*/3 6-9 * * *"]);
    let end = prop_oneof![
        select(vec!["5-59/10 * * * *", "*/15 * * * *", "0 18 * * *"]).prop_map(|e| End::At(Box::new(cron(e)))),
        seconds(&[60, 240, 1800, 36_000]).prop_map(End::After),
    ];
    let limits = prop_oneof![
        (1..=max).prop_map(|floor| (Some(floor), None)),
        (1..2 * max).prop_map(|ceiling| (None, Some(ceiling))),
        (1..2 * max, 0..20_u32).prop_map(|(floor, more)| (Some(floor), Some(floor + more))),
    ];
    let lead = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Lead::Auto)),
        1 => seconds(&[30, 300, 40_000]).prop_map(|lead| Some(Lead::Fixed(lead))),
    ];
    let dates = vec((20..27_i8).prop_map(|day| jiff::civil::date(2026, 11, day)), 0..3);
    let recurring = (start, end, dates).prop_map(|(start, end, except)| {
        When::Recurring(Box::new(Recurrence {
            start: cron(start),
            end,
            except,
        }))
    });
    let once = (-60..600_i64, 1..600_i64).prop_map(|(from, lasts)| {
        let from = jiff::civil::datetime(2026, 11, 20, 6, 0, 0, 0).saturating_add(SignedDuration::from_mins(from));
        let until = from.saturating_add(SignedDuration::from_mins(lasts));
        When::Once { from, until }
    });
    let when = prop_oneof![4 => recurring, 1 => once];
    (zone(), when, lead, limits).prop_map(|(zone, when, lead, (floor, ceiling))| Schedule {
        name: "w".into(),
        zone,
        when,
        lead: lead.filter(|_| floor.is_some()),
        floor,
        ceiling,
    })
}

fn rules() -> impl Strategy<Value = ScalingRules> {
    let amount = prop_oneof![
        (1..20_u32).prop_map(Amount::Pods),
        select(vec![1, 10, 50, 100, 300]).prop_map(Amount::Percent),
    ];
    let policy = (amount, seconds(&[1, 15, 60, 300, 1800])).prop_map(|(amount, period)| RatePolicy { amount, period });
    (
        seconds(&[0, 0, 15, 60, 300]),
        vec(policy, 1..4),
        select(vec![
            SelectPolicy::Max,
            SelectPolicy::Max,
            SelectPolicy::Min,
            SelectPolicy::Disabled,
        ]),
        select(vec![0.0, 0.1, 0.1, 0.5]),
        seconds(&[0, 0, 30, 300, 3600]),
    )
        .prop_map(|(stabilization, policies, select, tolerance, cooldown)| ScalingRules {
            stabilization,
            policies,
            select,
            tolerance,
            cooldown,
        })
}

pub fn behavior() -> impl Strategy<Value = Behavior> {
    prop_oneof![
        Just(Behavior::default()),
        (rules(), rules()).prop_map(|(up, down)| Behavior { up, down }),
    ]
}

/// Any policy that `validate.rs` lets through, in Active mode.
pub fn policy() -> impl Strategy<Value = Policy> {
    let least = prop_oneof![3 => 1..20_u32, 1 => Just(0)];
    let bounds = (least, 0..60_u32).prop_map(|(min, more)| Bounds {
        min,
        max: (min + more).max(1),
    });
    let mode = select(vec![
        PredictionMode::Preview,
        PredictionMode::ScaleOut,
        PredictionMode::Adaptive,
    ]);
    (bounds, vec(rule(), 0..4), behavior(), mode)
        .prop_flat_map(|(bounds, rules, behavior, mode)| {
            let more = (vec(schedule(bounds.max), 0..4), fallback(bounds));
            (Just(bounds), Just(rules), Just(behavior), Just(mode), more)
        })
        .prop_map(|(bounds, rules, behavior, mode, (schedules, fallback))| Policy {
            bounds,
            interval: SignedDuration::from_secs(15),
            mode: Mode::Active,
            fallback: fallback.filter(|_| !rules.is_empty()),
            prediction: rules
                .iter()
                .position(|(rule, _)| matches!(rule, Rule::Target(Target::AverageValue(_))))
                .map(|metric| Prediction {
                    objective: None,
                    signal: None,
                    metric,
                    mode,
                    lead: Lead::Auto,
                    history: SignedDuration::from_hours(28 * 24),
                }),
            metrics: rules
                .into_iter()
                .enumerate()
                .map(|(i, (rule, activation))| Metric {
                    name: format!("m{i}").into(),
                    rule,
                    activation,
                    pods: match rule {
                        Rule::Target(Target::Utilization(_)) => Some(PodMetric::Cpu),
                        Rule::Target(Target::PodAverage(_)) => Some(PodMetric::Custom),
                        _ => None,
                    },
                })
                .collect(),
            schedules,
            behavior,
            warm_up: WarmUp::default(),
        })
}

/// A load that a metric may really have.
pub fn load() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..50.0, 0.0..3000.0, 0.0..50_000.0]
}

/// Every kind of sample that must never scale down.
pub fn invalid() -> impl Strategy<Value = Sample> {
    let number = select(vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1.0,
        -f64::MIN_POSITIVE,
        f64::MIN,
    ]);
    let cause = select(Cause::ALL.to_vec());
    prop_oneof![
        2 => number.prop_map(|n| Ok(n.into())),
        2 => cause.prop_map(|c| Err(Failure::new(c, "made up"))),
        1 => silent_pods().prop_map(Ok),
    ]
}

pub fn sample() -> impl Strategy<Value = Sample> {
    let extreme = select(vec![f64::MAX, f64::MIN_POSITIVE, 1e-300, 1e18, -0.0]);
    prop_oneof![
        12 => load().prop_map(|load| Ok(load.into())),
        1 => extreme.prop_map(|load| Ok(load.into())),
        3 => pods().prop_map(Ok),
        1 => invalid(),
    ]
}

pub fn forecast() -> impl Strategy<Value = Option<Forecast>> {
    let upper = prop_oneof![
        8 => load(),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -5.0, f64::MAX]),
    ];
    let forecast = (upper, any::<bool>(), option::of(plan()));
    option::of(forecast.prop_map(|(upper, trusted, plan)| Forecast {
        plan,
        ..prophecy(upper, trusted)
    }))
}

/// A plan, usable or not.
pub fn plan() -> impl Strategy<Value = Plan> {
    let nonsense = || select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -5.0, 0.0, f64::MAX]);
    let upper = prop_oneof![8 => load(), 1 => nonsense()];
    let capacity = prop_oneof![8 => 0.1..2000.0, 1 => nonsense()];
    (upper, capacity, any::<bool>()).prop_map(|(upper, capacity, trusted)| planned(upper, capacity, trusted))
}

/// The plan for this load at this capacity.
pub fn planned(upper: f64, capacity: f64, trusted: bool) -> Plan {
    Plan {
        upper,
        held: upper,
        value: upper,
        short: false,
        load: upper,
        basis: Basis::Growth,
        margin: 0.1,
        capacity: Capacity {
            believed: capacity,
            in_use: capacity,
        },
        shortfall: Shortfall {
            objective: 0.001,
            achieved: None,
            watched: SignedDuration::ZERO,
            within_reach: true,
        },
        price: [].into(),
        trust: trust(trusted),
    }
}

fn trust(trusted: bool) -> Trust {
    if trusted {
        Trust::Trusted
    } else {
        Trust::Abstains(Abstention::Stale { since: None })
    }
}

/// A forecast with this bound.
pub fn prophecy(upper: f64, trusted: bool) -> Forecast {
    Forecast {
        plan: None,
        at: start(),
        value: upper,
        upper,
        bound: Bound { level: 0.9, ratio: 1.0 },
        bounds: [upper; 2],
        trust: trust(trusted),
        model: Model::LastValue,
        samples: Samples { have: 600, need: 576 },
        error: None,
        effects: None,
    }
}

/// A step with time going forward, mostly by an interval.
pub fn step() -> impl Strategy<Value = Step> {
    let dt = prop_oneof![6 => Just(15_000), 2 => 1_i64..60_000, 1 => 60_000_i64..2_000_000];
    let manual = prop_oneof![30 => Just(None), 1 => (1..100_u32).prop_map(Some), 1 => Just(Some(0))];
    let ready = prop_oneof![2 => Just(None), 1 => (0..80_u32).prop_map(Some)];
    // One sample too few or too many now and then: lists of any length may come.
    let samples = vec(sample(), 0..5);
    let startup = option::of((0..600_i64).prop_map(SignedDuration::from_secs));
    (
        dt,
        samples,
        ready,
        forecast(),
        startup,
        manual,
        prop::bool::weighted(0.95),
    )
        .prop_map(|(dt, samples, ready, forecast, startup, manual, writes)| Step {
            dt: SignedDuration::from_millis(dt),
            samples,
            ready,
            forecast,
            startup,
            manual,
            writes,
        })
}

/// A step whose samples are all there, for laws that need evidence to move by.
pub fn healthy_step() -> impl Strategy<Value = Step> {
    (step(), vec(load(), 4)).prop_map(|(step, loads)| Step {
        samples: loads.into_iter().map(|load| Ok(load.into())).collect(),
        ..step
    })
}
