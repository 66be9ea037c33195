//! `headroom simulate`: replays a policy on a load trace with the same `decide` as the operator, on simulated replicas.
//!
//! ```text
//! args ─▶ policy, series (CSV, or live) ─▶ replay (observe, forecast, decide, plant) ─▶ timeline.csv
//!                                                                     ├▶ summary.json
//!                                                                     └▶ report.html
//!                       └▶ contest (baselines, sweeps, on all processors) ─▶ comparison, sweep
//! ```
//! This file and `input.rs` touch the disk, this one alone the terminal and the stop watch, `live.rs` alone the network;
//! everything else below is pure.

pub mod args;
pub mod baselines;
pub mod closeup;
pub mod compare;
pub mod contest;
pub mod error;
pub mod example;
pub mod figures;
mod input;
pub mod live;
pub mod moments;
pub mod money;
pub mod notes;
pub mod observe;
pub mod plant;
pub mod random;
pub mod render;
pub mod replay;
pub mod senses;
pub mod series;
pub mod spell;
pub mod suggest;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod text;
pub mod timeline;
pub mod tuning;
pub mod verdict;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

pub use args::Args;
pub use error::Error;

use crate::engine::policy::{Policy, PredictionMode};
use closeup::CloseUps;
use figures::{Figures, Meter};
use input::{inputs, read_policy, read_series, read_trace};
use moments::Moments;
use observe::Lens;
use replay::{Replay, Setup};
use series::Series;
use summary::{ForecastSummary, Summary, Tally};
use timeline::{Tick, Timeline};

/// Ticks between two looks at the progress bar: a millisecond or so.
const PROGRESS: u64 = 4096;

/// Replays and writes `timeline.csv`, `summary.json` and `report.html`; says on stdout what came out and where it is.
///
/// # Errors
/// [`Error`], before anything is written where the inputs are at fault.
pub fn run(args: Args) -> Result<(), Error> {
    let began = Instant::now();
    let mut notes = Vec::new();
    let (args, policy_path, capacity) = inputs(args)?;
    let (name, policy) = read_policy(&policy_path, &mut notes)?;
    let trace = read_trace(&args)?;
    let setup = setup(&args, policy, capacity, &trace)?;
    let series = match &args.history {
        None => trace,
        Some(path) => {
            let (series, dropped) = trace.after(read_series(path)?);
            notes.extend(notes::dropped(dropped, &path.display().to_string()));
            series
        }
    };

    let lens = Lens {
        series: &series,
        capacity: setup.capacity,
        delay: setup.delay,
    };
    notes.extend(notes::notes(&setup, &lens));

    create_dir(&args.out)?;
    let windows = setup.policy.schedules.iter().map(|s| s.name.to_string()).collect();
    let mut timeline = Timeline::new(setup.ticks(), windows);
    let (mut summary, figures) = replay(&setup, &series, &args.out.join("timeline.csv"), &mut timeline)?;
    summary.policy = name;
    summary.notes = notes;
    summary.decisions_per_second = Some(summary.ticks as f64 / began.elapsed().as_secs_f64());
    if let Some(wanted) = &args.compare {
        summary.comparison = Some(contest::compare(&setup, &series, &wanted.0, figures));
    }
    if args.sweep {
        summary.sweep = Some(contest::sweep(&setup, &series));
    }

    if args.suggest {
        let document = input::read_document(&policy_path)?;
        let suggested = suggest::suggest(&document, &setup, &series, args.shortfall);
        let suggested = suggested.map_err(|problem| Error::Option {
            option: "suggest",
            problem,
        })?;
        if let Some(yaml) = &suggested.yaml {
            write(&args.out.join("suggested.yaml"), yaml)?;
        }
        summary.suggestion = Some(suggested);
    }
    if let Some(price) = &args.replica_cost {
        price.put(&mut summary);
    }

    let path = args.out.join("summary.json");
    let json = serde_json::to_string_pretty(&summary).map_err(|e| Error::Write {
        path: path.clone(),
        source: e.into(),
    })?;
    write(&path, &format!("{json}\n"))?;
    let page = render::report(&timeline, &summary)?;
    let path = args.out.join("report.html");
    write(&path, &page)?;
    if args.json {
        return say(&format!("{json}\n"));
    }
    say(&format!("{}\n\n{}\n", text::text(&summary).trim_end(), path.display()))
}

fn setup(args: &Args, policy: Policy, capacity: f64, trace: &Series) -> Result<Setup, Error> {
    let (first, last) = (trace.first(), trace.last());
    let start = args.start.unwrap_or(if args.suggest && args.history.is_none() {
        suggest::start(trace)
    } else {
        first
    });
    if start < first || start > last {
        return Err(Error::Option {
            option: "start",
            problem: format!("{start} is not within the trace; give an instant from {first} to {last}"),
        });
    }
    Ok(Setup {
        capacity,
        startup: args.startup,
        delay: args.metric_delay,
        tick: args.tick.unwrap_or(policy.interval),
        start,
        end: last,
        policy,
    })
}

/// Runs the replay into `timeline.csv` and the timeline; what it came to comes back.
fn replay(setup: &Setup, series: &Series, path: &Path, timeline: &mut Timeline) -> Result<(Summary, Figures), Error> {
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let mut csv = BufWriter::new(File::create(path).map_err(failed)?);
    csv.write_all(b"timestamp,load,desired,ready\n").map_err(failed)?;
    let bar = progress(setup.ticks());
    let mut tally = Tally::new(setup.tick);
    let mut meter = Meter::new(setup.tick, setup.capacity);
    let mut moments = Moments::new(setup.tick);
    let mut close_ups = CloseUps::new(setup.tick, timeline.windows.clone());
    let mut replay = Replay::new(setup, series);
    for step in replay.by_ref() {
        tally.decision(&step.decision, step.trusted);
        tally.tick(&step.tick);
        meter.tick(step.tick.load, step.tick.desired, step.tick.ready);
        moments.see(&setup.policy, &step.tick, &step.decision);
        close_ups.see(&step.tick, step.band);
        timeline.foresee(&step.tick, step.band);
        row(&mut csv, &step.tick).map_err(failed)?;
        if tally.ticks().is_multiple_of(PROGRESS) {
            bar.set_position(tally.ticks());
        }
    }
    csv.flush().map_err(failed)?;
    bar.finish_and_clear();
    timeline.moments = moments.finish();
    timeline.close_ups = close_ups.finish();
    let errors = replay.forecast_errors();
    let summary = Summary {
        replica_capacity: setup.capacity,
        startup_seconds: setup.startup.as_secs_f64(),
        metric_delay_seconds: setup.delay.as_secs_f64(),
        forecast: setup
            .policy
            .prediction
            .as_ref()
            .zip(replay.lead())
            .map(|(p, lead)| ForecastSummary {
                mode: match p.mode {
                    PredictionMode::Preview => "Preview",
                    PredictionMode::ScaleOut => "ScaleOut",
                    PredictionMode::Adaptive => "Adaptive",
                }
                .to_owned(),
                lead_seconds: lead.as_secs_f64(),
                trusted_share: tally.trusted_share(),
                model_error: errors.map(|e| e.model),
                naive_error: errors.map(|e| e.naive),
            }),
        ..tally.finish()
    };
    Ok((summary, meter.finish()))
}

/// One row of `timeline.csv`; the load in full, so that others can recompute every number from it.
fn row(csv: &mut impl Write, tick: &Tick) -> io::Result<()> {
    writeln!(csv, "{},{},{},{}", tick.at, tick.load, tick.desired, tick.ready)
}

/// A bar on stderr; where that is no terminal, nothing.
fn progress(ticks: u64) -> ProgressBar {
    let bar = ProgressBar::new(ticks);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} decisions, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes to stdout; a closed pipe is not a failure of the replay.
fn say(text: &str) -> Result<(), Error> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::Write {
            path: PathBuf::from("stdout"),
            source: e,
        }),
        _ => Ok(()),
    }
}
