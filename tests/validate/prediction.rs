//! Predictions: what can be forecast, and what Adaptive and an objective need.

use headroom::engine::forecast::Objective;
use headroom::engine::policy::PredictionMode;

use super::{METRIC, check, good, problems};

#[test]
fn predictions() {
    let p = |p: &str| format!("maxReplicas: 9\n{METRIC}prediction: {{{p}}}");
    check(
        &p("metric: request"),
        "prediction.metric",
        &["\"request\" is not the name of a metric", "requests, p90"],
    );
    check(
        &p("metric: p90"),
        "prediction.metric",
        &["\"p90\" has no averageValue target", "averageValue"],
    );
    check(
        &p("metric: requests, history: 1d"),
        "prediction.history",
        &["\"1d\" is out of range", "3d", "35d"],
    );
    check(
        &p("metric: requests, history: 40d"),
        "prediction.history",
        &["\"40d\" is out of range"],
    );
    check(
        &p("metric: requests, leadTime: 2h"),
        "prediction.leadTime",
        &["\"2h\" is out of range", "30s", "1h"],
    );
    check(
        &p("metric: requests, leadTime: 10s"),
        "prediction.leadTime",
        &["\"10s\" is out of range"],
    );
    check(
        &p("metric: requests, leadTime: soon"),
        "prediction.leadTime",
        &["\"soon\" is not a duration"],
    );
}

/// A prediction of `requests`, whose target is 100 per replica, with more of its fields.
fn with(more: &str) -> String {
    format!("maxReplicas: 9\n{METRIC}prediction: {{metric: requests, {more}}}")
}

#[test]
fn a_capacity_has_the_default_objective_in_every_mode() {
    let prediction = good("adaptive").prediction.unwrap();
    let objective = Objective {
        capacity: 1000.0,
        target: 1000.0,
        shortfall: 0.001,
        max_margin: 1.0,
    };
    assert_eq!(prediction.mode, PredictionMode::Preview);
    assert_eq!((prediction.objective, prediction.signal), (Some(objective), None));
    assert!(good("sources").prediction.is_none());
}

#[test]
fn adaptive_needs_a_capacity_and_a_signal() {
    let found = problems(&with("mode: Adaptive"));
    let fields: Vec<_> = found.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["prediction.capacity", "prediction.objective.signal"]);
    assert!(
        found[0].message.contains("mode Adaptive needs the most load"),
        "{}",
        found[0]
    );
    check(
        &with("mode: Adaptive, capacity: 140"),
        "prediction.objective.signal",
        &["mode Adaptive needs a query", "latency"],
    );
    check(
        &with("objective: {}"),
        "prediction.capacity",
        &["objective needs the most load", "docs/prediction.md"],
    );
}

#[test]
fn a_capacity_is_at_least_the_target() {
    check(
        &with("capacity: 99"),
        "prediction.capacity",
        &[
            "99 is less than the averageValue target",
            "\"requests\" (100)",
            "lower the target",
        ],
    );
    check(
        &with("capacity: 0"),
        "prediction.capacity",
        &["0 is not a quantity above 0"],
    );
    check(&with("capacity: lots"), "prediction.capacity", &["\"lots\""]);
}

#[test]
fn objectives_are_percentages_within_limits() {
    for bad in [
        "0.1", "0%", "0.009%", "10.1%", "-1%", "1e0%", "+1%", "inf%", "%", "a lot",
    ] {
        check(
            &with(&format!("capacity: 140, objective: {{shortfall: '{bad}'}}")),
            "prediction.objective.shortfall",
            &[bad, "0.01% to 10%"],
        );
    }
    for bad in ["4.9%", "1001%", "1"] {
        check(
            &with(&format!("capacity: 140, objective: {{maxMargin: '{bad}'}}")),
            "prediction.objective.maxMargin",
            &[bad, "5% to 1000%"],
        );
    }
}

#[test]
fn a_signal_is_a_query_with_a_threshold() {
    let signal = |s: &str| with(&format!("capacity: 140, objective: {{signal: {{{s}}}}}"));
    check(
        &signal("prometheus: {query: ' '}, above: 1"),
        "prediction.objective.signal.prometheus.query",
        &["is empty", "PromQL"],
    );
    check(
        &signal("prometheus: {query: up}, above: '-1'"),
        "prediction.objective.signal.above",
        &["-1", "from 0 up"],
    );
}
