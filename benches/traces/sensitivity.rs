//! What becomes of the default where something is not as believed: capacity, what the metric sees, delay, noise, the
//! forecast itself.
//!
//! One row a variation, over all traces whose test part is at most [`MOST_DAYS`] long (a year would outweigh all others in
//! time and none in the mean). Costs are multiples of the same oracle's replica-hours, so rows can be compared.

use headroom::engine::forecast::Lie;
use headroom::engine::policy::Policy;
use headroom::simulate::baselines::{Course, oracle};
use headroom::simulate::contest::each;
use headroom::simulate::figures::{Figures, Meter};
use headroom::simulate::random::Random;
use headroom::simulate::replay::Replay;
use headroom::simulate::senses::Experiment;
use headroom::simulate::series::Series;
use headroom::simulate::tuning::priced;
use jiff::SignedDuration;

use crate::trace::{OBJECTIVE, Trace};

pub const MOST_DAYS: f64 = 60.0;
/// Noise below the step of a coarse series, as a share of the load.
const BELOW_STEP: f64 = 0.03;
/// A series is coarse from this step on.
const COARSE: SignedDuration = SignedDuration::from_secs(300);
const SEED: u64 = 1;

/// One variation.
#[derive(Clone, Copy)]
pub struct Variation {
    pub title: &'static str,
    believed: f64,
    delay: i64,
    served: bool,
    noise: f64,
    finer: bool,
    lie: Option<Lie>,
}

const PLAIN: Variation = Variation {
    title: "as believed",
    believed: 1.0,
    delay: 30,
    served: false,
    noise: 0.0,
    finer: false,
    lie: None,
};

const fn believed(title: &'static str, believed: f64) -> Variation {
    Variation {
        title,
        believed,
        ..PLAIN
    }
}

const fn late(title: &'static str, delay: i64) -> Variation {
    Variation { title, delay, ..PLAIN }
}

const fn noisy(title: &'static str, noise: f64) -> Variation {
    Variation { title, noise, ..PLAIN }
}

const fn lying(title: &'static str, lie: Lie) -> Variation {
    Variation {
        title,
        lie: Some(lie),
        ..PLAIN
    }
}

/// All of them, in the order of the table.
pub const VARIATIONS: [Variation; 19] = [
    PLAIN,
    believed("capacity believed × 0.85", 0.85),
    believed("capacity believed × 1.05", 1.05),
    believed("capacity believed × 1.15", 1.15),
    believed("capacity believed × 1.3", 1.3),
    Variation {
        title: "metric sees served load",
        served: true,
        ..PLAIN
    },
    Variation {
        title: "served load, and capacity × 1.15",
        served: true,
        believed: 1.15,
        ..PLAIN
    },
    late("metrics 15 s late", 15),
    late("metrics 60 s late", 60),
    late("metrics 120 s late", 120),
    noisy("white noise of 2 %", 0.02),
    noisy("white noise of 5 %", 0.05),
    noisy("white noise of 10 %", 0.1),
    Variation {
        title: "coarse series with noise of 3 % below their step",
        finer: true,
        ..PLAIN
    },
    lying("forecast is zero", Lie::Zero),
    lying("forecast is not a number", Lie::NotANumber),
    lying("forecast × 10", Lie::TenTimes),
    lying("forecast of 12 h ago", Lie::HalfADayAgo),
    lying("forecasts shuffled", Lie::Shuffled),
];

/// The means over the traces: share of time short (arithmetic), cost (geometric).
#[derive(Clone, Copy)]
pub struct Mean {
    pub short: f64,
    pub cost: f64,
}

/// One row.
pub struct Row {
    pub title: &'static str,
    pub traces: usize,
    /// The frozen default with its signal, without it, and HPA at 70 %.
    pub signal: Mean,
    pub blind: Mean,
    pub hpa: Mean,
    /// The worst of the traces: share of time short ÷ the larger of HPA's and the objective (what lies within the objective
    /// is no fault, and where HPA is never short a ratio to it is none), and replica-hours ÷ those of the default undisturbed.
    pub worst_short: f64,
    pub worst_hours: f64,
}

/// All rows, at one start-up time.
pub fn rows(traces: &[Trace], startup: SignedDuration, progress: impl Fn(&str)) -> Vec<Row> {
    let traces: Vec<&Trace> = traces.iter().filter(|t| t.days() <= MOST_DAYS).collect();
    let mut plain: Vec<f64> = Vec::new();
    let mut rows = Vec::new();
    for v in VARIATIONS {
        let chosen: Vec<&Trace> = traces
            .iter()
            .copied()
            .filter(|t| !v.finer || coarse(&t.series))
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let runs = each(&chosen, |t| three(t, v, startup));
        let means = |i: usize| mean(runs.iter().map(|r| &r[i]));
        let hours: Vec<f64> = runs.iter().map(|r| r[0].replica_hours).collect();
        if plain.is_empty() {
            plain.clone_from(&hours);
        }
        let worst_hours = hours.iter().zip(&plain).map(|(with, without)| with / without);
        rows.push(Row {
            title: v.title,
            traces: chosen.len(),
            signal: means(0),
            blind: means(1),
            hpa: means(2),
            worst_short: runs
                .iter()
                .map(|r| r[0].short_share / r[2].short_share.max(OBJECTIVE))
                .fold(0.0, f64::max),
            worst_hours: if v.finer {
                f64::NAN
            } else {
                worst_hours.fold(0.0, f64::max)
            },
        });
        progress(v.title);
    }
    rows
}

fn mean<'a>(figures: impl ExactSizeIterator<Item = &'a Figures>) -> Mean {
    let count = figures.len() as f64;
    let (mut short, mut cost) = (0.0, 0.0);
    for f in figures {
        short += f.short_share;
        cost += f.cost.unwrap_or(f64::NAN).ln();
    }
    Mean {
        short: short / count,
        cost: (cost / count).exp(),
    }
}

/// With the signal, without it, and HPA.
fn three(trace: &Trace, v: Variation, startup: SignedDuration) -> [Figures; 3] {
    let finer = v.finer.then(|| finer(&trace.series));
    let series = finer.as_ref().unwrap_or(&trace.series);
    let setup = trace.setup(trace.hpa(1.0), startup);
    let course = Course::new(&setup, series).measured();
    let hours = oracle::run(&course, None).replica_hours;
    let policies = [
        trace.headroom(v.believed, true),
        trace.headroom(v.believed, false),
        trace.hpa(v.believed),
    ];
    policies.map(|policy| priced(run(trace, &course, series, policy, v), hours))
}

fn run(trace: &Trace, course: &Course<'_>, series: &Series, policy: Policy, v: Variation) -> Figures {
    let mut setup = trace.setup(policy, course.setup().startup);
    setup.delay = SignedDuration::from_secs(v.delay);
    let experiment = Experiment {
        served: v.served,
        noise: v.noise,
        seed: SEED,
        lie: v.lie,
        listener: None,
    };
    let mut meter = Meter::new(setup.tick, setup.capacity);
    for (i, step) in Replay::with(&setup, series, experiment).enumerate() {
        if course.counts(i) {
            meter.tick(step.tick.load, step.tick.desired, step.tick.ready);
        }
    }
    meter.finish()
}

/// Whether the usual step between samples is coarse.
fn coarse(series: &Series) -> bool {
    let (first, last) = (series.first(), series.last());
    let mean = last.duration_since(first).as_secs_f64() / series.rows() as f64;
    mean > 0.9 * COARSE.as_secs_f64()
}

/// One sample a minute of the interpolated load, with seeded noise.
fn finer(series: &Series) -> Series {
    let mut random = Random::new(SEED);
    let minutes = series.last().duration_since(series.first()).as_mins();
    let row = |minute| {
        let at = series.first() + SignedDuration::from_mins(minute);
        (at, (series.load(at) * (1.0 + BELOW_STEP * random.normal())).max(0.0))
    };
    Series::new((0..=minutes).map(row)).unwrap_or_else(|| series.clone())
}
