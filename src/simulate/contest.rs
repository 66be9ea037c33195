//! Runs a policy's comparison and its sweep, on as many threads as there are processors.
//!
//! Every run is a pure function of setup, series and knob, so the order in which threads take them changes nothing.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::baselines::{Course, Rival, hpa, oracle};
use super::compare::{Baseline, Comparison, Contender, EqualCost, Point, Sweep};
use super::figures::{Figures, Meter};
use super::replay::{Replay, Setup};
use super::series::Series;
use super::timeline::{Column, Timeline};
use super::tuning::{Contestant, priced, short_at};
use crate::engine::policy::PredictionMode;

/// Objective assumed for a policy without one, as a share of time: HPA's users ask for about as much, a minute and a half a
/// day.
pub const OBJECTIVE: f64 = 0.001;
/// Objectives of a sweep, as shares of time.
const OBJECTIVES: [f64; 6] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03];

/// The policy beside `wanted`; `policy` is what its own replay came to.
pub fn compare(setup: &Setup, series: &Series, wanted: &[Baseline], policy: Figures) -> Comparison {
    let course = Course::new(setup, series);
    let objective = objective(setup);
    let ideal = oracle::run(&course, None);
    let hours = ideal.replica_hours;
    let policy = priced(policy, hours);
    let mut wanted: Vec<Baseline> = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let outcomes = each(&wanted, |baseline| contend(&course, *baseline, objective, hours));
    let mut comparison = Comparison {
        objective,
        policy,
        ..Comparison::default()
    };
    for (contender, curve) in outcomes {
        if contender.baseline == Baseline::HpaTuned {
            let at = comparison.policy.replica_hours;
            comparison.equal_cost = short_at(&curve, at).map(|hpa| EqualCost {
                replica_hours: at,
                policy_short_minutes_per_day: comparison.policy.short_minutes_per_day,
                hpa_short_minutes_per_day: hpa,
            });
            comparison.hpa_curve = curve;
        }
        comparison.baselines.push(contender);
    }
    comparison
}

/// The share of time that may be short: the policy's objective, else [`OBJECTIVE`].
fn objective(setup: &Setup) -> f64 {
    let asked = setup.policy.prediction.as_ref().and_then(|p| p.objective);
    asked.map_or(OBJECTIVE, |o| o.shortfall)
}

/// One baseline, drawn, and the curve it was chosen from.
fn contend(course: &Course<'_>, baseline: Baseline, limit: f64, hours: f64) -> (Contender, Vec<Point>) {
    let setup = course.setup();
    let mut timeline = Timeline::new(setup.ticks(), Vec::new());
    let Some(mut contestant) = Contestant::new(course, baseline, hours) else {
        let figures = oracle::run(course, Some(&mut timeline));
        let columns = timeline.columns().to_vec();
        return (contender(baseline, None, figures, limit, columns), Vec::new());
    };
    let (target, rival) = match baseline {
        Baseline::Hpa => (
            hpa::own_target(&setup.policy, setup.capacity),
            contestant.first().rival().clone(),
        ),
        _ => {
            let (tuned, rival) = contestant.cheapest(limit);
            (tuned.target, rival.clone())
        }
    };
    let figures = priced(course.run(&rival, target, Some(&mut timeline)), hours);
    let columns = timeline.columns().to_vec();
    let mut contender = contender(baseline, Some(target), figures, limit, columns);
    contender.margin = rival.margin();
    (contender, contestant.first().curve())
}

fn contender(baseline: Baseline, target: Option<f64>, figures: Figures, limit: f64, columns: Vec<Column>) -> Contender {
    Contender {
        baseline,
        target,
        margin: None,
        met: figures.short_share <= limit,
        figures,
        columns,
    }
}

/// The policy by its objective (where its prediction is Adaptive), and HPA by its target.
pub fn sweep(setup: &Setup, series: &Series) -> Sweep {
    let course = Course::new(setup, series);
    let hours = oracle::run(&course, None).replica_hours;
    let adaptive = |setup: &Setup| {
        let prediction = setup.policy.prediction.as_ref();
        prediction.is_some_and(|p| p.mode == PredictionMode::Adaptive && p.objective.is_some())
    };
    let objectives = OBJECTIVES.map(|shortfall| {
        let mut setup = setup.clone();
        if let Some(objective) = setup.policy.prediction.as_mut().and_then(|p| p.objective.as_mut()) {
            objective.shortfall = shortfall;
        }
        (shortfall, setup)
    });
    let objectives: &[(f64, Setup)] = if adaptive(setup) { &objectives } else { &[] };
    let targets: Vec<f64> = (8..=19).map(|i| f64::from(i) / 20.0).collect();
    Sweep {
        objective: each(objectives, |(shortfall, setup)| Point {
            knob: *shortfall,
            figures: priced(replay(setup, series), hours),
        }),
        hpa: each(&targets, |target| Point {
            knob: *target,
            figures: priced(course.run(&Rival::Hpa, *target, None), hours),
        }),
    }
}

/// What a policy's own replay comes to.
pub fn replay(setup: &Setup, series: &Series) -> Figures {
    let mut meter = Meter::new(setup.tick, setup.capacity);
    for step in Replay::new(setup, series) {
        meter.tick(step.tick.load, step.tick.desired, step.tick.ready);
    }
    meter.finish()
}

/// `work` on each item, on all processors; results in the items' order.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(i) else { return done };
            done.push((i, work(item)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let results = workers
            .into_iter()
            .map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        results.flatten().collect()
    });
    done.sort_unstable_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_items_order() {
        let items: Vec<u64> = (0..500).collect();
        let expected: Vec<u64> = items.iter().map(|i| i * i).collect();
        assert_eq!(each(&items, |i| i * i), expected);
        assert_eq!(each(&[], |i: &u64| *i), [0_u64; 0]);
    }
}
