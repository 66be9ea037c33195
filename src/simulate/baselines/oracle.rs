//! The oracle: the cheapest plan that is never short, by somebody who knows the load to come.
//!
//! A replica is ready a start-up time after it is asked for, so what is asked for at a tick must carry every load from now
//! until then, and nothing more is needed: billed(t) = max over [t, t + start-up] of ⌈load ÷ capacity⌉, never below
//! `minReplicas`. Its replica-hours are the measure of all costs. `maxReplicas` does not bind it: never short is what it
//! means.

use super::{Course, ahead, tick_at};
use crate::simulate::figures::{Figures, Meter, demand};
use crate::simulate::plant::Plant;
use crate::simulate::timeline::{Evidence, Timeline};

/// Runs the plan on the plant.
pub fn run(course: &Course<'_>, mut timeline: Option<&mut Timeline>) -> Figures {
    let setup = course.setup;
    let needs: Vec<f64> = course
        .loads
        .iter()
        .map(|load| f64::from(demand(*load, setup.capacity)))
        .collect();
    let startup = (setup.startup.as_secs_f64() / setup.tick.as_secs_f64()).ceil() as usize;
    // A count fits: it was one before.
    let plan = ahead::highest(&needs, startup);
    let least = setup.policy.bounds.min;
    let replicas = |tick: usize| plan.get(tick).map_or(0, |need| *need as u32).max(least);
    let mut plant = Plant::new(setup.startup, replicas(0));
    let mut meter = Meter::new(setup.tick, setup.capacity);
    for (tick, load) in course.loads.iter().enumerate() {
        let now = tick_at(setup, tick as u64);
        plant.advance(now);
        plant.scale(now, replicas(tick));
        if course.counts(tick) {
            meter.tick(*load, plant.billed(), plant.ready());
        }
        if let Some(timeline) = timeline.as_deref_mut() {
            timeline.push(&course.tick(now, *load, &plant, Evidence::Nobody));
        }
    }
    let figures = meter.finish();
    Figures {
        cost: Some(1.0),
        ..figures
    }
}
