//! Suggestions on loads whose answer is known, and the documents as an API server would see them.

use super::super::input::parse;
use super::*;
use crate::engine::policy::{Rule, Target};

const POLICY: &str = "
apiVersion: headroom.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: shop, namespace: prod}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 60
  metrics:
    - {name: cpu, resource: {name: cpu}, thresholds: {scaleUp: {above: 80, by: 1}}}
    - {name: rps, prometheus: {query: up}, target: {averageValue: 50}}
  schedules:
    - {name: sale, timeZone: Europe/Zurich, start: \"0 8 * * *\", duration: 1h, minReplicas: 3}
";

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

/// Ten days of a load at each minute; a replica carries 100, and the last two days judge.
fn setup(document: &Value, load: impl Fn(i64) -> f64) -> (Setup, Series) {
    let minutes = 10 * 1440;
    let series = Series::new((0..=minutes).map(|m| (second(60 * m), load(m)))).unwrap();
    let setup = Setup {
        policy: parse(document).unwrap().1,
        capacity: 100.0,
        startup: SignedDuration::from_mins(3),
        delay: SignedDuration::from_secs(30),
        tick: SignedDuration::from_mins(1),
        start: second(8 * 86_400),
        end: series.last(),
    };
    (setup, series)
}

fn document(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// A day from 500 to 1,500 that the evening doubles within two minutes.
fn day(minute: i64) -> f64 {
    let hour = minute.rem_euclid(1440) as f64 / 60.0;
    let evening = if (19.0..21.0).contains(&hour) {
        ((hour - 19.0) * 30.0).min(1.0)
    } else {
        0.0
    };
    (1000.0 - 500.0 * (hour / 24.0 * std::f64::consts::TAU).cos()) * (1.0 + evening)
}

fn suggested(load: impl Fn(i64) -> f64, limit: f64) -> Suggestion {
    let document = document(POLICY);
    let (setup, series) = setup(&document, load);
    suggest(&document, &setup, &series, Some(limit)).unwrap()
}

/// The target of `rps` in a suggestion that `validate` accepts.
fn target(suggestion: &Suggestion) -> f64 {
    let (name, policy) = parse(&document(suggestion.yaml.as_ref().unwrap())).unwrap();
    assert_eq!(name, "shop");
    assert_eq!(policy.schedules[0].name.as_ref(), "sale", "what was there stays");
    match policy.metrics[1].rule {
        Rule::Target(Target::AverageValue(target)) => target,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_that_never_moves_needs_no_margin() {
    let found = suggested(|_| 1000.0, 0.001);
    assert!(found.within_reach, "{}", found.answer());
    assert_eq!(target(&found), 95.0);
    assert!(found.answer().contains("(95 % of capacity)"), "{}", found.answer());
    // 11 replicas of 90 would carry 990 of 1,000, until the threshold on cpu brings a twelfth.
    assert!(found.short_with_less.is_some_and(|s| s > 0.1), "{:?}", found.doubt());
    let rows = found.rows();
    assert!(rows[0].candidate && rows[0].met);
    assert_eq!(rows.last().unwrap().title, "Oracle");
    assert!(rows.iter().all(|t| t.figures.cost.is_some_and(|c| c >= 1.0)));
    let adaptive = found.tried.iter().any(|t| t.title.starts_with("Adaptive"));
    let left_out = found.left_out.iter().find(|l| l.title == "Adaptive");
    assert!(
        adaptive || left_out.is_some_and(|l| !l.why.is_empty()),
        "tried, or why not is said"
    );
    assert!(
        found.evidence().contains("first 8 d of the trace"),
        "{}",
        found.evidence()
    );
}

#[test]
fn a_ramp_that_comes_each_day_needs_one_and_floors_by_the_hour_need_less() {
    let found = suggested(day, 0.001);
    assert!(found.within_reach, "{}", found.answer());
    let best = |kind: &str| found.tried.iter().find(|t| t.title.starts_with(kind)).unwrap();
    let (fixed, floors) = (best("Fixed target"), best("Floors by the hour"));
    assert!(
        floors.met && floors.figures.replica_hours < fixed.figures.replica_hours,
        "{:#?}",
        found.rows()
    );
    for tried in found.tried.iter().filter(|t| t.candidate) {
        parse(tried.document.as_ref().unwrap()).unwrap();
    }
    // The cheapest of those that meet it, and no other.
    let met = found.tried.iter().filter(|t| t.candidate && t.met);
    let least = met.map(|t| t.figures.replica_hours).fold(f64::INFINITY, f64::min);
    let chosen = found
        .tried
        .iter()
        .find(|t| Some(&t.title) == found.chosen.as_ref())
        .unwrap();
    assert_eq!(chosen.figures.replica_hours, least);
}

#[test]
fn what_is_out_of_reach_is_said_to_be() {
    // Every seventh minute asks for ten times as much as the others.
    let found = suggested(|minute| if minute % 7 == 0 { 3000.0 } else { 300.0 }, 0.0001);
    assert!(!found.within_reach);
    assert!(found.answer().starts_with("Out of reach: "), "{}", found.answer());
    target(&found);
    assert!(found.tried.iter().filter(|t| t.candidate).all(|t| !t.met));
}

#[test]
fn a_policy_without_a_target_to_turn_is_refused_with_the_remedy() {
    let document = document(&POLICY.replace("target: {averageValue: 50}", "target: {value: 70}"));
    let (setup, series) = setup(&document, |_| 1000.0);
    let message = suggest(&document, &setup, &series, None).unwrap_err();
    assert!(message.contains("give one an averageValue"), "{message}");
}

#[test]
fn history_is_sixty_percent_or_four_weeks() {
    let of = |days: i64| {
        let series = Series::new([(second(0), 1.0), (second(86_400 * days), 1.0)]).unwrap();
        start(&series).duration_since(second(0)).as_hours()
    };
    assert_eq!((of(10), of(100)), (144, 28 * 24));
}
