//! `make bench-traces`: the benchmark protocol over every trace of a folder, as a table and a figure.
//!
//! ```text
//! trace (history, test, capacity) ─▶ protocol (default, HPA, tuned baselines) ─▶ words, figure ─▶ benchmarks.md, .svg
//!                                 ├▶ accuracy (forecast against naive)
//!                                 └▶ sensitivity (default and HPA where something is not as believed)
//! ```
//! TRACES: the folder (../shared/traces). TRACE: only names that contain it. L: only this start-up time, in seconds. OUT:
//! where the files go; without it the full run writes docs/, and a narrowed one, which is no full answer, out/bench-traces.

mod accuracy;
mod figure;
mod protocol;
mod sensitivity;
mod trace;
mod words;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs};

use anyhow::Context;
use headroom::simulate::contest::each;
use jiff::SignedDuration;

use protocol::Outcome;
use trace::Trace;

/// Start-up times, in seconds; the second is that of the figure and of the sensitivity table.
const STARTUPS: [i64; 3] = [60, 180, 300];
const MAIN: i64 = 180;
const HEAD: &str = include_str!("head.md");

fn main() -> anyhow::Result<()> {
    let began = Instant::now();
    let folder = setting("TRACES").unwrap_or_else(|| "../shared/traces".to_owned());
    let only = setting("TRACE").unwrap_or_default();
    let startups = match setting("L") {
        None => STARTUPS.to_vec(),
        Some(text) => vec![
            text.parse()
                .with_context(|| format!("L={text:?}: give seconds, such as 180"))?,
        ],
    };
    let full = only.is_empty() && startups == STARTUPS;
    let out = setting("OUT").map_or_else(
        || PathBuf::from(if full { "docs" } else { "out/bench-traces" }),
        PathBuf::from,
    );
    let traces = trace::read(Path::new(&folder), &only)?;
    let outcomes = outcomes(&traces, &startups, began);
    let main = if startups.contains(&MAIN) { MAIN } else { startups[0] };
    let main = SignedDuration::from_secs(main);
    let rows = sensitivity::rows(&traces, main, |title| say(began, title));

    let of = |startup: SignedDuration| -> Vec<&Outcome> { outcomes.iter().filter(|o| o.startup == startup).collect() };
    let mut text = HEAD.to_owned();
    text.push_str(&format!(
        "\n![Cost against time short, by group](benchmarks.svg)\n\nStart-up {main:#}. Lines: HPA v2 over its targets. Dots: \
         Headroom's default. At the lower edge: never short, or hardly.\n"
    ));
    for startup in &startups {
        let startup = SignedDuration::from_secs(*startup);
        text.push_str(&words::protocol(&of(startup), startup));
    }
    text.push_str(&format!(
        "\n## Sensitivity, start-up {main:#}\n{}",
        words::sensitivity(&rows)
    ));
    text.push_str(&format!(
        "\n## Forecast error\n{}",
        words::accuracy(&outcomes.iter().collect::<Vec<_>>())
    ));
    text.push_str(&format!(
        "\n## Elasticity, start-up {main:#}\n{}",
        words::elasticity(&of(main))
    ));

    fs::create_dir_all(&out).with_context(|| format!("OUT={}", out.display()))?;
    let page = out.join("benchmarks.md");
    fs::write(&page, &text).with_context(|| page.display().to_string())?;
    let picture = out.join("benchmarks.svg");
    fs::write(&picture, figure::draw(&of(main))?).with_context(|| picture.display().to_string())?;
    if !full {
        std::io::stdout().lock().write_all(text.as_bytes())?;
    }
    let slowest = outcomes.iter().map(|o| o.seconds_a_month).fold(0.0, f64::max);
    say(
        began,
        &format!("the slowest replay of the default took {slowest:.2} s a month of 15 s ticks"),
    );
    say(began, &format!("written: {} and {}", page.display(), picture.display()));
    Ok(())
}

/// Every trace with every start-up time, the longest first, so that no processor waits for one of them at the end.
fn outcomes(traces: &[Trace], startups: &[i64], began: Instant) -> Vec<Outcome> {
    let mut jobs: Vec<(usize, i64)> = (0..traces.len())
        .flat_map(|t| startups.iter().map(move |l| (t, *l)))
        .collect();
    jobs.sort_by(|a, b| traces[b.0].days().total_cmp(&traces[a.0].days()));
    let done = AtomicUsize::new(0);
    let mut outcomes = each(&jobs, |(t, startup)| {
        let outcome = protocol::run(&traces[*t], SignedDuration::from_secs(*startup));
        let count = done.fetch_add(1, Ordering::Relaxed) + 1;
        say(
            began,
            &format!("{count}/{} {} at {startup} s", jobs.len(), traces[*t].name),
        );
        (*t, outcome)
    });
    outcomes.sort_by_key(|(t, o)| (o.startup, *t));
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// A variable that is set to something.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Progress on stderr.
fn say(began: Instant, what: &str) {
    let _ = writeln!(
        std::io::stderr().lock(),
        "[{:>4.0} s] {what}",
        began.elapsed().as_secs_f64()
    );
}
