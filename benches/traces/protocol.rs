//! The protocol on one trace with one start-up time: the frozen default, HPA, and everything tuned in hindsight.

use headroom::simulate::baselines::{Course, oracle};
use headroom::simulate::compare::{Baseline, Point};
use headroom::simulate::figures::{Figures, Meter};
use headroom::simulate::replay::Replay;
use headroom::simulate::senses::Experiment;
use headroom::simulate::tuning::{Contestant, Tuned, priced, short_at};
use jiff::SignedDuration;

use crate::accuracy::{self, Accuracy, Said};
use crate::trace::{OBJECTIVE, Trace};

/// The baselines that are tuned, in the order of the table.
pub const TUNED: [Baseline; 4] = [Baseline::HpaTuned, Baseline::Cron, Baseline::Seasonal, Baseline::Phpa];

/// What came out.
pub struct Outcome {
    pub name: String,
    pub group: &'static str,
    pub startup: SignedDuration,
    pub days: f64,
    /// The frozen default.
    pub ours: Figures,
    /// Share of ticks at which its plan was trusted, and at which the objective was within reach of its margin.
    pub trusted: f64,
    pub in_reach: Option<f64>,
    pub hpa: Figures,
    pub oracle: Figures,
    /// Each of [`TUNED`] at the objective, and at the shortfall that ours achieved.
    pub at_objective: Vec<Tuned>,
    pub at_achieved: Vec<Tuned>,
    /// HPA's short minutes a day at our replica-hours.
    pub equal_cost: Option<f64>,
    pub curve: Vec<Point>,
    pub accuracy: Option<Accuracy>,
    /// Wall time of our replay, per month of ticks.
    pub seconds_a_month: f64,
}

/// Runs it all.
pub fn run(trace: &Trace, startup: SignedDuration) -> Outcome {
    let setup = trace.setup(trace.hpa(1.0), startup);
    let course = Course::new(&setup, &trace.series).measured();
    let oracle = oracle::run(&course, None);
    let hours = oracle.replica_hours;
    let ours = ours(trace, &course, hours);
    let mut contestants: Vec<Contestant<'_>> = TUNED
        .into_iter()
        .filter_map(|baseline| Contestant::new(&course, baseline, hours))
        .collect();
    let hpa = contestants[0].first().at(70).clone();
    let mut tuned = |limit| contestants.iter_mut().map(|c| c.cheapest(limit).0).collect();
    let (at_objective, at_achieved) = (tuned(OBJECTIVE), tuned(ours.figures.short_share));
    let curve = contestants[0].first().curve();
    Outcome {
        name: trace.name.clone(),
        group: trace.group,
        startup,
        days: trace.days(),
        equal_cost: short_at(&curve, ours.figures.replica_hours),
        accuracy: accuracy::score(&setup, &trace.series, &ours.said),
        ours: ours.figures,
        trusted: ours.trusted,
        in_reach: ours.in_reach,
        hpa,
        oracle,
        at_objective,
        at_achieved,
        curve,
        seconds_a_month: ours.seconds_a_month,
    }
}

struct Ours {
    figures: Figures,
    trusted: f64,
    in_reach: Option<f64>,
    said: Vec<Said>,
    seconds_a_month: f64,
}

fn ours(trace: &Trace, course: &Course<'_>, oracle_hours: f64) -> Ours {
    let setup = trace.setup(trace.headroom(1.0, true), course.setup().startup);
    let mut said = Vec::new();
    let (mut trusted, mut in_reach, mut plans) = (0_u64, 0_u64, 0_u64);
    let listen = Experiment {
        listener: Some(Box::new(|now, forecast| {
            said.push(Said::new(now, forecast));
            if let Some(plan) = &forecast.plan {
                plans += 1;
                trusted += u64::from(plan.trust.is_trusted());
                in_reach += u64::from(plan.shortfall.within_reach);
            }
        })),
        ..Experiment::default()
    };
    let mut meter = Meter::new(setup.tick, setup.capacity);
    let began = std::time::Instant::now();
    for (i, step) in Replay::with(&setup, &trace.series, listen).enumerate() {
        if course.counts(i) {
            meter.tick(step.tick.load, step.tick.desired, step.tick.ready);
        }
    }
    let seconds_a_month = began.elapsed().as_secs_f64() * 30.0 / trace.days();
    let ticks = setup.ticks().max(1) as f64;
    Ours {
        figures: priced(meter.finish(), oracle_hours),
        trusted: trusted as f64 / ticks,
        in_reach: (plans > 0).then(|| in_reach as f64 / plans as f64),
        said,
        seconds_a_month,
    }
}
