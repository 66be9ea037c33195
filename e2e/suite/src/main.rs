//! `headroom-e2e`: installs the chart on a cluster and holds what is promised of it, one behaviour after the other.
//!
//! ```text
//! place    the cluster: local with a real node, kind, or any; images loaded
//! stage    what every behaviour needs: Prometheus, metrics-server, the operator's names
//! scene    one behaviour's namespace: workload, dial, policy
//! behaviours/NAME.rs
//! ```
//!
//! A binary and no test: it takes minutes and a cluster, so that `cargo test --workspace` must not run it.

#![deny(clippy::panic, clippy::unwrap_used)]

mod audit;
mod behaviours;
mod images;
mod place;
mod scene;
mod stage;
mod tools;
mod until;

use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use behaviours::{BEHAVIOURS, Behaviour};
use place::{Place, Sources, Where};
use stage::Stage;

/// Headroom's end-to-end suite.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Where to run.
    #[arg(long, value_enum, default_value_t = Where::Local)]
    on: Where,
    #[command(flatten)]
    sources: Sources,
    /// The chart.
    #[arg(long, default_value = "charts/headroom", value_name = "DIR")]
    chart: String,
    /// Behaviours to show; `install` is always the first, as the others need it. Default: all.
    #[arg(value_name = "BEHAVIOUR")]
    names: Vec<String>,
    /// List the behaviours.
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if cli.list {
        for behaviour in &BEHAVIOURS {
            println!("{:<14} {}", behaviour.name, behaviour.promise);
        }
        return Ok(());
    }
    let chosen = chosen(&cli.names)?;
    let begun = Instant::now();
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    // Prepared inside, so that an interrupt drops what was started by then.
    tokio::select! {
        result = run(&cli, &chosen, begun) => result,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("ended"),
    }
}

async fn run(cli: &Cli, chosen: &[&Behaviour], begun: Instant) -> anyhow::Result<()> {
    let place = Place::prepare(cli.on, &cli.sources).await?;
    let result = show(&place, &cli.chart, chosen, begun).await;
    // Also after a failure, of which it must not take the place.
    let ended = place.end().await;
    result.and(ended)
}

async fn show(place: &Place, chart: &str, chosen: &[&Behaviour], begun: Instant) -> anyhow::Result<()> {
    let stage = Stage::set(place, chart).await.context("cannot set the stage")?;
    println!("{:<14} {:>6.1} s", "cluster", begun.elapsed().as_secs_f64());
    for behaviour in chosen {
        let started = Instant::now();
        let shown = (behaviour.show)(&stage).await;
        let took = started.elapsed().as_secs_f64();
        match shown {
            Ok(figures) => println!("{:<14} {took:>6.1} s  {figures}", behaviour.name),
            Err(error) => {
                println!("{:<14} {took:>6.1} s  FAILED", behaviour.name);
                stage.tell().await;
                return Err(error.context(behaviour.name));
            }
        }
    }
    stage.clear().await?;
    println!(
        "{} behaviours in {:.0} s, the cluster's start included",
        chosen.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Those that are named, in the suite's order, and always the first.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Behaviour>> {
    if let Some(unknown) = names.iter().find(|name| BEHAVIOURS.iter().all(|b| b.name != **name)) {
        let known: Vec<_> = BEHAVIOURS.iter().map(|b| b.name).collect();
        bail!("no behaviour is called {unknown:?}; there are {}", known.join(", "));
    }
    let wanted = |(index, behaviour): &(usize, &Behaviour)| {
        *index == 0 || names.is_empty() || names.iter().any(|name| name == behaviour.name)
    };
    Ok(BEHAVIOURS
        .iter()
        .enumerate()
        .filter(wanted)
        .map(|(_, behaviour)| behaviour)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn install_comes_first_whatever_is_chosen() {
        let check = |names: &[&str], expected: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let found: Vec<_> = chosen(&names).unwrap().iter().map(|b| b.name).collect();
            assert_eq!(found, expected, "{names:?}");
        };
        check(&["upgrade", "requests"], &["install", "requests", "upgrade"]);
        check(&["install"], &["install"]);
        let all = BEHAVIOURS.map(|b| b.name);
        check(&[], &all);
        assert_eq!((all[0], all[all.len() - 1]), ("install", "uninstall"));
    }

    #[test]
    fn an_unknown_behaviour_is_told_with_the_known_ones() {
        let error = chosen(&["instal".into()]).unwrap_err().to_string();
        assert!(error.contains("\"instal\"") && error.contains("install, "), "{error}");
    }
}
