//! Pages of a plan: it rules, it is not trusted, its objective is out of reach, its capacity was corrected.

use super::*;
use crate::engine::forecast::{Abstention, Forecast, Plan, Trust};
use crate::report::fixtures::{plan, planning};

fn told(change: impl FnOnce(&mut Plan)) -> String {
    let mut forecast: Forecast = plan(1600.0);
    if let Some(plan) = &mut forecast.plan {
        change(plan);
    }
    seen(&planning("Adaptive"), &Scene::adaptive(forecast, 4, 1420.0, Ok(0.2)))
}

#[test]
fn a_plan_rules() {
    assert_snapshot!(told(|_| {}));
}

#[test]
fn a_plan_is_not_trusted() {
    assert_snapshot!(told(|plan| plan.trust = Trust::Abstains(Abstention::Gap)));
}

#[test]
fn an_objective_is_out_of_reach() {
    assert_snapshot!(told(|plan| {
        plan.shortfall.within_reach = false;
        (plan.value, plan.margin) = (1400.0, 1.0);
        (plan.upper, plan.held) = (2800.0, 2800.0);
        for price in std::sync::Arc::make_mut(&mut plan.price) {
            price.margin *= 15.0;
        }
    }));
}

#[test]
fn a_capacity_was_corrected() {
    assert_snapshot!(told(|plan| plan.capacity.in_use = 220.0));
}

#[test]
fn a_plan_rests_on_the_trend_while_it_is_young() {
    let mut forecast = plan(1600.0);
    forecast.samples.have = 400;
    if let Some(plan) = &mut forecast.plan {
        plan.basis = crate::engine::forecast::Basis::Trend;
    }
    let page = seen(&planning("Adaptive"), &Scene::adaptive(forecast, 4, 1420.0, Ok(0.2)));
    // What it does not rest on is no part of its page.
    assert!(!page.contains("carried by") && !page.contains("Model:"), "{page}");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "the plan rests on the last load and its slope",
        "History: 33.3 h; the linear regression is not weighed before 48 h",
    ] {
        assert!(page.contains(told), "{page}");
    }
}

#[test]
fn a_plan_is_previewed() {
    let more = planning("Preview");
    let mut scene = Scene::forecasting(policy(&more), &[], 4, Ok(1420.0), Some(plan(1600.0)), at(NOW));
    scene.signal = Some(Ok(0.2.into()));
    assert_snapshot!(seen(&more, &scene));
}

#[test]
fn the_decision_is_read_back_as_it_was() {
    let scene = Scene::adaptive(plan(1600.0), 4, 1420.0, Ok(0.2));
    let object = object(&planning("Adaptive"), Some(scene.status(None)));
    let view = View::new(&object, after(12));
    let known = view.known().unwrap();
    let outcomes = |d: &crate::engine::decision::Decision| {
        let each = d.proposals.iter().map(|p| format!("{:?}", p.outcome));
        each.collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&known.decision), outcomes(&scene.decision));
    assert_eq!(known.decision.winner, scene.decision.winner);
}

#[test]
fn at_what_load_a_plan_asks_for_more() {
    let scene = Scene::adaptive(plan(1600.0), 4, 1420.0, Ok(0.2));
    assert_eq!(scene.decision.desired, 7);
    let explanation = explain(&object(&planning("Adaptive"), Some(scene.status(None))), after(12));
    let grows = explanation
        .would_change
        .iter()
        .filter(|c| c.kind == ChangeKind::Forecast);
    let values: Vec<f64> = grows.filter_map(|c| c.value).collect();
    assert_eq!(values, [1750.0]);
    let asked = |upper| Scene::adaptive(plan(upper), 7, 1420.0, Ok(0.2)).decision.desired;
    assert_eq!((asked(1750.0), asked(1750.1)), (7, 8));
}
