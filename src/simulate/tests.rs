//! The replay as a whole: by hand, against `decide` itself, against look-ahead, and frozen.

use jiff::{SignedDuration, Timestamp};

use super::example;
use super::input::read_policy;
use super::moments::Moments;
use super::observe::Lens;
use super::replay::{Replay, Setup};
use super::series::Series;
use super::summary::Tally;
use super::timeline::Tick;
use crate::engine;
use crate::engine::forecast::{Forecaster, Settings};
use crate::engine::observation::{Observation, Replicas};
use crate::engine::policy::{Behavior, Bounds, Metric, Mode, Policy, Rule, Target, WarmUp};
use crate::engine::reading::Reading;
use crate::engine::state::{Remembered, State};

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn example_policy() -> Policy {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.yaml");
    std::fs::write(&path, example::POLICY).unwrap();
    read_policy(&path, &mut Vec::new()).unwrap().1
}

/// The example, but only so many minutes of its last week, and so many days of history.
fn example_setup(history_days: i64, minutes: i64) -> (Setup, Series) {
    let start = example::start();
    let (from, end) = (start - secs(history_days * 86_400), start + secs(60 * minutes));
    let series = example::series(1).filter(|(at, _)| (from..=end).contains(at));
    let setup = Setup {
        policy: example_policy(),
        capacity: example::REPLICA_CAPACITY,
        startup: secs(180),
        delay: secs(30),
        tick: secs(15),
        start,
        end,
    };
    (setup, Series::new(series).unwrap())
}

fn ticks(setup: &Setup, series: &Series) -> Vec<Tick> {
    Replay::new(setup, series).map(|s| s.tick).collect()
}

/// A load of 10 that becomes 40 within the second after 08:01, target 10 each, start-up one minute.
#[test]
fn a_step_by_hand() {
    let series = Series::new([
        (second(0), 10.0),
        (second(60), 10.0),
        (second(61), 40.0),
        (second(180), 40.0),
    ])
    .unwrap();
    let setup = Setup {
        policy: Policy {
            bounds: Bounds { min: 1, max: 10 },
            interval: secs(30),
            mode: Mode::Active,
            metrics: vec![Metric {
                name: "load".into(),
                rule: Rule::Target(Target::AverageValue(10.0)),
                activation: 0.0,
                pods: None,
            }],
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: Behavior::default(),
            warm_up: WarmUp::default(),
        },
        capacity: 10.0,
        startup: secs(60),
        delay: secs(0),
        tick: secs(30),
        start: second(0),
        end: second(180),
    };
    let rows = ticks(&setup, &series);
    let rows: Vec<_> = rows
        .iter()
        .map(|t| (t.at.as_second(), t.load, t.desired, t.ready))
        .collect();
    let expected = [
        (0, 10.0, 1, 1),
        (30, 10.0, 1, 1),
        (60, 10.0, 1, 1),
        (90, 40.0, 3, 1),  // the mean over [30, 90] is 24.75
        (120, 40.0, 4, 1), // over [60, 120]: 39.75
        (150, 40.0, 4, 3), // the two of 90 are ready
        (180, 40.0, 4, 4),
    ];
    assert_eq!(rows, expected);
}

/// The replay, rebuilt from its parts: replicas as a list of birthdays, `decide` called in a plain loop.
#[test]
fn a_replay_is_decide_in_a_loop() {
    let (setup, series) = example_setup(5, 600);
    let policy = &setup.policy;
    let lens = Lens {
        series: &series,
        capacity: setup.capacity,
        delay: setup.delay,
    };
    let prediction = policy.prediction.as_ref().unwrap();
    let mut forecaster = Forecaster::new(Settings {
        objective: None,
        lead: secs(180 + 30 + 15),
        history: prediction.history,
    });
    forecaster.backfill(lens.history(setup.start, prediction.history));
    let long_ago = setup.start - secs(86_400);
    let mut born = vec![long_ago; lens.initial(policy, setup.start) as usize];
    let known = Remembered {
        obeyed_max: Some(policy.bounds.max),
        ..Remembered::default()
    };
    let mut state = State::restore(known, born.len() as u32, setup.start);
    let mut changes = 0;
    for (i, step) in Replay::new(&setup, &series).enumerate() {
        let now = setup.start + secs(15 * i as i64);
        let ready =
            |born: &[Timestamp]| born.iter().filter(|b| now.duration_since(**b) >= setup.startup).count() as u32;
        let spec = born.len() as u32;
        let samples = lens.samples(policy, now, ready(&born));
        forecaster.observe(now, samples[0].as_ref().ok().and_then(Reading::number).unwrap());
        let observation = Observation {
            signal: None,
            replicas: Replicas {
                spec,
                ready: Some(ready(&born)),
            },
            samples,
            forecast: Some(forecaster.forecast(now)),
            startup: Some(setup.startup),
        };
        let decision = engine::decide(policy, &state, &observation, now);
        state.record(policy, &decision);
        if let Some(event) = decision.change() {
            born.resize(event.to as usize, now);
            changes += 1;
            state.scaled(event);
        }
        assert_eq!(step.decision, decision);
        assert_eq!(
            (step.tick.desired, step.tick.ready),
            (born.len() as u32, ready(&born)),
            "at {now}"
        );
    }
    assert!(changes > 4, "{changes} changes: the load was to rise");
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let (setup, series) = example_setup(4, 780);
    let before = ticks(&setup, &series);
    // Before, at and after the morning's ramp (07:00 UTC); at a row of the trace and between two.
    for second in [60, 25_020, 28_800, 28_830, 28_995, 42_015] {
        let cut = setup.start + secs(second);
        let noise = |(i, (at, load)): (usize, (Timestamp, f64))| {
            let later = [0.0, 1e6, 3.0 * load][i % 3];
            // The row that ends the line on which the cut lies counts.
            (at, if at >= cut + secs(60) { later } else { load })
        };
        let from = series.first();
        let spoilt = example::series(1).filter(|(at, _)| (from..=setup.end).contains(at));
        let spoilt = Series::new(spoilt.enumerate().map(noise)).unwrap();
        let after = ticks(&setup, &spoilt);
        let seen = before.iter().take_while(|t| t.at <= cut).count();
        assert_eq!(seen as i64, second / 15 + 1);
        assert_eq!(before[..seen], after[..seen], "cut at {cut}");
        assert_ne!(before[seen..], after[seen..], "cut at {cut}: the noise was to show");
    }
}

#[test]
fn the_same_inputs_make_the_same_ticks() {
    let (setup, series) = example_setup(4, 300);
    assert_eq!(ticks(&setup, &series), ticks(&setup, &series));
}

/// Two days of the example, with the newsletter of Tuesday, frozen. A change here is a change of what the product does.
#[test]
fn golden_run() {
    let (setup, series) = example_setup(14, 2 * 1440);
    let mut tally = Tally::new(setup.tick);
    let mut moments = Moments::new(setup.tick);
    for step in Replay::new(&setup, &series) {
        tally.decision(&step.decision, step.trusted);
        tally.tick(&step.tick);
        moments.see(&setup.policy, &step.tick, &step.decision);
    }
    let moments: Vec<String> = moments
        .finish()
        .iter()
        .map(|m| format!("{} {}: {}: {}", m.at, m.kind.label(), m.title, m.why))
        .collect();
    let summary = tally.finish();
    for source in ["metric/requests", "schedule/newsletter", "forecast/requests"] {
        assert!(
            summary.winners.contains_key(source),
            "{source} never won: {:?}",
            summary.winners
        );
    }
    let summary = rounded(serde_json::to_value(summary).unwrap());
    insta::assert_json_snapshot!("golden_run", (summary, moments));
}

/// Six digits behind the point: what another platform's `exp` changes is no change.
fn rounded(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(n) if n.is_f64() => serde_json::json!((n.as_f64().unwrap() * 1e6).round() / 1e6),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, v)| (name, rounded(v))).collect()),
        other => other,
    }
}
