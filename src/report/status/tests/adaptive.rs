//! Statuses of plans: what Adaptive does, what it would do, and whether the objective is met.

use super::*;
use crate::engine::forecast::{Abstention, Forecast, Plan, Samples};
use crate::report::fixtures::{plan, planning};

/// The plan for 1 600 with something else about it.
fn with(change: impl FnOnce(&mut Plan)) -> Forecast {
    let mut forecast = plan(1600.0);
    if let Some(plan) = &mut forecast.plan {
        change(plan);
    }
    forecast
}

fn adaptive(forecast: Forecast) -> ScalingPolicyStatus {
    Scene::adaptive(forecast, 4, 1420.0, Ok(0.2)).status(None)
}

fn doubted() -> Forecast {
    with(|plan| plan.trust = Trust::Abstains(Abstention::TooLittleHistory(Samples { have: 100, need: 288 })))
}

#[test]
fn a_plan_rules() {
    // The fixed target of 200 wants 8; the plan's 1 600 at 250 take 7.
    check("adaptive", &adaptive(plan(1600.0)));
}

#[test]
fn a_plan_that_is_not_trusted_leaves_it_to_the_target() {
    let status = adaptive(doubted());
    let forecast = status.forecast.as_ref().unwrap();
    assert_eq!((forecast.trusted, forecast.replicas), (false, None));
    assert_eq!(
        status.decision.as_ref().unwrap().winner.as_deref(),
        Some("metric/requests")
    );
    check("adaptive_distrusted", &status);
}

#[test]
fn a_preview_tells_what_adaptive_would_do() {
    let seen = |mode, forecast| {
        let scene = Scene::forecasting(policy(&planning(mode)), &[], 4, Ok(1420.0), Some(forecast), at(NOW));
        scene.status(None).forecast.unwrap()
    };
    for mode in ["Preview", "ScaleOut"] {
        let told = seen(mode, plan(1600.0));
        let would = told.adaptive.unwrap();
        assert_eq!(
            (would.replicas, would.trusted, would.upper.as_deref()),
            (Some(7), true, Some("1600"))
        );
        // The forecast's own bound is another one.
        assert_eq!((told.upper.as_deref(), told.trusted), (Some("1400"), true));
        assert_eq!(told.margin.as_deref(), Some("0.12"));
        let would = seen(mode, doubted()).adaptive.unwrap();
        assert_eq!((would.replicas, would.trusted), (None, false));
        assert!(would.reason.unwrap().contains("8.3 h"));
    }
    // What is told of history is what the doubt is about.
    let message = |status: &ScalingPolicyStatus| condition(status, FORECAST_TRUSTED).unwrap().message.clone();
    assert_eq!(
        message(&adaptive(doubted())),
        "only 8.3 h of load are known so far, 24 h are needed; off by 4 % on average, the best simple guess by 6 %"
    );
    assert_eq!(seen("Adaptive", plan(1600.0)).adaptive, None);
}

/// The condition's status, reason and message.
fn objective(status: &ScalingPolicyStatus) -> (&str, &str, &str) {
    let c = condition(status, OBJECTIVE_MET).unwrap();
    (&c.status, &c.reason, &c.message)
}

#[track_caller]
fn judged(status: &ScalingPolicyStatus, expected: (&str, &str), message: &[&str]) {
    let (status, reason, said) = objective(status);
    assert_eq!((status, reason), expected, "{said}");
    for part in message {
        assert!(said.contains(part), "{part:?} not in: {said}");
    }
}

#[test]
fn the_objective_is_judged() {
    let met = adaptive(plan(1600.0));
    judged(
        &met,
        ("True", "Met"),
        &["short 0.04 % of the last 7d, 0.1 % is accepted; margin 12 %"],
    );

    let above = with(|plan| plan.shortfall.achieved = Some(0.0022));
    judged(
        &adaptive(above),
        ("False", "ShortfallAboveObjective"),
        &["short 0.22 %"],
    );

    let early = with(|plan| {
        plan.shortfall.watched = SignedDuration::from_hours(23);
        plan.shortfall.achieved = Some(0.0022);
    });
    judged(
        &adaptive(early),
        ("Unknown", "TooEarly"),
        &["less than a day", "short 0.22 % of the last 23h"],
    );

    let unreachable = with(|plan| {
        plan.shortfall.within_reach = false;
        for price in std::sync::Arc::make_mut(&mut plan.price) {
            price.margin *= 15.0;
        }
    });
    judged(
        &adaptive(unreachable),
        ("False", "OutOfReach"),
        &[
            "0.1 % would need a margin of about 180 %",
            "maxMargin is 100 %",
            "1 % can be had",
            "raise maxMargin",
        ],
    );

    let corrected = with(|plan| plan.capacity.in_use = 220.0);
    judged(
        &adaptive(corrected),
        ("True", "CapacityCorrected"),
        &["spec.prediction.capacity (250)", "220 a replica"],
    );
}

#[test]
fn a_failing_signal_is_no_success() {
    let failing = || failure(Cause::Empty, "the query returned nothing");
    let seen = |forecast, signal| Scene::adaptive(forecast, 4, 1420.0, signal).status(None);
    judged(
        &seen(plan(1600.0), failing()),
        ("Unknown", "SignalFailing"),
        &["(Empty: the query returned nothing)", "goes unseen"],
    );
    judged(
        &seen(plan(1600.0), Ok(f64::NAN)),
        ("Unknown", "SignalFailing"),
        &["NaN"],
    );
    // What is known to be bad stays bad.
    let above = with(|plan| plan.shortfall.achieved = Some(0.0022));
    judged(&seen(above, failing()), ("False", "ShortfallAboveObjective"), &[]);
    // Without pods there is nothing to be short of.
    judged(
        &Scene::adaptive(plan(1600.0), 0, 0.0, failing()).status(None),
        ("True", "Met"),
        &[],
    );
    // The metrics are as they were: a signal is no metric.
    assert!(condition(&seen(plan(1600.0), failing()), READY).is_some_and(|c| c.status == "True"));
}

#[test]
fn without_a_signal_in_preview_the_objective_is_judged_by_load_alone() {
    let policy = policy("prediction: {metric: requests, capacity: 250}");
    let scene = Scene::forecasting(policy, &[], 4, Ok(1420.0), Some(plan(1600.0)), at(NOW));
    judged(&scene.status(None), ("True", "Met"), &[]);
}

#[test]
fn the_last_verdict_stands_until_history_is_read_again() {
    let out = with(|plan| plan.shortfall.within_reach = false);
    let before = adaptive(out);
    let policy = policy(&planning("Adaptive"));
    let mut restarted = Scene::new(policy, &[], 4, Ok(1420.0), at(NOW));
    restarted.signal = Some(Ok(0.2.into()));
    assert_eq!(objective(&restarted.status(Some(&before))), objective(&before));
    judged(&restarted.status(None), ("Unknown", "NoForecast"), &["no plan"]);
    let mut none = plan(1600.0);
    none.plan = None;
    judged(&adaptive(none.clone()), ("Unknown", "NoForecast"), &["no plan"]);
    let blind = Scene::adaptive(none, 4, 1420.0, failure(Cause::Empty, "nothing"));
    judged(&blind.status(None), ("Unknown", "SignalFailing"), &["no plan"]);
}

#[test]
fn a_metric_that_eats_the_saving_is_named() {
    let more = format!(
        "- {{name: jobs, prometheus: {{query: jobs}}, target: {{averageValue: 10}}}}\n{}",
        planning("Adaptive")
    );
    let samples = vec![Ok(1320.0), Ok(85.0)];
    let mut scene = Scene::observing(policy(&more), &[], 9, samples, Some(plan(1600.0)), at(NOW));
    scene.signal = Some(Ok(0.1.into()));
    judged(
        &scene.status(None),
        ("True", "Met"),
        &["the forecast needs only 7, but metric jobs asks for 9, which eats the saving"],
    );
}

#[test]
fn a_capacity_that_was_learnt_is_remembered_of_the_capacity_that_was_believed() {
    let remembered = |in_use: f64, believed: f64| {
        let status = adaptive(with(|plan| plan.capacity.in_use = in_use));
        super::super::learnt(Some(&status), believed)
    };
    assert_eq!(remembered(220.0, 250.0), Some(220.0));
    assert_eq!(remembered(220.0, 300.0), None, "another spec");
    assert_eq!(remembered(250.0, 250.0), None, "nothing was learnt");
    assert_eq!(remembered(f64::NAN, 250.0), None);
    assert_eq!(super::super::learnt(None, 250.0), None);
}

#[test]
fn what_carries_a_forecast_is_told_and_nothing_of_a_load_at_rest() {
    let features = |forecast: Forecast| {
        let status = adaptive(forecast).forecast.unwrap();
        let each = status.features.into_iter().map(|f| format!("{} {}", f.name, f.effect));
        each.collect::<Vec<_>>()
    };
    assert_eq!(
        features(plan(1600.0)),
        ["time-of-day 0.12", "earlier-days 0.05", "recent-load -0.03"]
    );
    let flat = crate::report::fixtures::forecast(4 * 288);
    assert!(flat.effects.is_some(), "{flat:?}");
    assert_eq!(features(flat), [""; 0]);
}
