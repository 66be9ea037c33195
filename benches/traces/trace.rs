//! The traces: every CSV of a folder, split into history and test, with the capacity that the protocol gives a replica.
//!
//! A trace's name chooses the heading it is listed under and nothing else: groups.tsv beside the traces, or the one beside
//! this file; what stands in neither is "other".

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, ensure};
use headroom::engine::forecast::Objective;
use headroom::engine::policy::{
    Behavior, Bounds, Lead, Metric, Mode, Policy, Prediction, PredictionMode, Rule, Target, WarmUp,
};
use headroom::simulate::replay::Setup;
use headroom::simulate::series::Series;
use jiff::{SignedDuration, Timestamp};

/// Headings, in the order of the tables.
pub const GROUPS: [&str; 6] = [
    "smooth",
    "predictable",
    "rough but seasonal",
    "shifts",
    "bursts",
    "other",
];
const OWN_GROUPS: &str = include_str!("groups.tsv");

pub const TICK: SignedDuration = SignedDuration::from_secs(15);
pub const DELAY: SignedDuration = SignedDuration::from_secs(30);
/// The most history: four weeks, or this share of a trace.
const HISTORY: SignedDuration = SignedDuration::from_hours(28 * 24);
const HISTORY_SHARE: f64 = 0.6;
/// The load that is exceeded one time in a thousand needs so many replicas.
const REPLICAS: f64 = 40.0;
/// What HPA aims at, and the metric's target behind the forecast.
pub const USUAL: f64 = 0.7;
/// The frozen default: short for a thousandth of the time, and at most twice the replicas for it.
pub const OBJECTIVE: f64 = 0.001;
const MAX_MARGIN: f64 = 1.0;

/// One trace, ready to be replayed.
pub struct Trace {
    pub name: String,
    pub group: &'static str,
    pub series: Series,
    /// The first tick of the test part.
    pub start: Timestamp,
    pub end: Timestamp,
    /// What one replica carries.
    pub capacity: f64,
}

/// Every trace of `folder` whose name contains `only`, in the order of the groups.
pub fn read(folder: &Path, only: &str) -> anyhow::Result<Vec<Trace>> {
    let groups = groups(folder)?;
    let entries = fs::read_dir(folder).with_context(|| format!("TRACES={}: cannot be read", folder.display()))?;
    let mut traces = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "csv") && name.contains(only) {
            let series = Series::read(File::open(&path)?, &path.display().to_string())?;
            traces.push(Trace::new(name, &groups, series));
        }
    }
    ensure!(
        !traces.is_empty(),
        "TRACES={} holds no CSV whose name contains TRACE={only:?}",
        folder.display()
    );
    let place = |t: &Trace| GROUPS.iter().position(|g| *g == t.group);
    traces.sort_by(|a, b| place(a).cmp(&place(b)).then(a.name.cmp(&b.name)));
    Ok(traces)
}

/// The heading of each name.
fn groups(folder: &Path) -> anyhow::Result<HashMap<String, &'static str>> {
    let beside = folder.join("groups.tsv");
    let text = if beside.exists() {
        fs::read_to_string(&beside)?
    } else {
        OWN_GROUPS.to_owned()
    };
    let line = |line: &str| {
        let (name, group) = line
            .split_once('\t')
            .with_context(|| format!("groups.tsv: {line:?} is not NAME<tab>GROUP"))?;
        let known = GROUPS.into_iter().find(|g| *g == group.trim());
        let group = known.with_context(|| format!("groups.tsv: {group:?} is none of {}", GROUPS.join(", ")))?;
        Ok((name.to_owned(), group))
    };
    text.lines().filter(|l| !l.trim().is_empty()).map(line).collect()
}

impl Trace {
    fn new(name: String, groups: &HashMap<String, &'static str>, series: Series) -> Self {
        let (first, end) = (series.first(), series.last());
        let share = end.duration_since(first).as_secs_f64() * HISTORY_SHARE;
        let history = HISTORY.min(SignedDuration::from_secs(share as i64));
        let start = first + history;
        let capacity = high(&series, start, end) / REPLICAS;
        let group = groups.get(&name).copied().unwrap_or("other");
        Trace {
            name,
            group,
            series,
            start,
            end,
            capacity,
        }
    }

    /// Days of the test part.
    pub fn days(&self) -> f64 {
        self.end.duration_since(self.start).as_secs_f64() / 86_400.0
    }

    /// The test part under `policy`, with replicas that need `startup` to start.
    pub fn setup(&self, policy: Policy, startup: SignedDuration) -> Setup {
        Setup {
            policy,
            capacity: self.capacity,
            startup,
            delay: DELAY,
            tick: TICK,
            start: self.start,
            end: self.end,
        }
    }

    /// HPA at 70 % of a capacity that is believed to be `believed` times the true one.
    pub fn hpa(&self, believed: f64) -> Policy {
        Policy {
            // No limit that the protocol does not have.
            bounds: Bounds { min: 1, max: 10_000 },
            interval: TICK,
            mode: Mode::Active,
            metrics: vec![Metric {
                name: "load".into(),
                rule: Rule::Target(Target::AverageValue(USUAL * believed * self.capacity)),
                activation: 0.0,
                pods: None,
            }],
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: Behavior::default(),
            warm_up: WarmUp::default(),
        }
    }

    /// The frozen default, with or without the signal.
    pub fn headroom(&self, believed: f64, signal: bool) -> Policy {
        Policy {
            prediction: Some(Prediction {
                metric: 0,
                mode: PredictionMode::Adaptive,
                lead: Lead::Auto,
                history: HISTORY,
                objective: Some(Objective {
                    capacity: believed * self.capacity,
                    target: USUAL * believed * self.capacity,
                    shortfall: OBJECTIVE,
                    max_margin: MAX_MARGIN,
                }),
                signal: signal.then_some(1.0),
            }),
            ..self.hpa(believed)
        }
    }
}

/// The 99.9th percentile of the load at the ticks of the test part, outside the trace's holes.
fn high(series: &Series, start: Timestamp, end: Timestamp) -> f64 {
    let ticks = end.duration_since(start).as_secs() / TICK.as_secs();
    let holes = series.holes();
    let instants = (0..=ticks).map(|i| start + TICK * i as i32);
    let measured = instants.filter(|at| !holes.touch(*at, SignedDuration::ZERO));
    let mut loads: Vec<f64> = measured.map(|at| series.load(at)).collect();
    loads.sort_by(f64::total_cmp);
    let rank = (0.999 * loads.len() as f64).ceil() as usize;
    loads.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}
