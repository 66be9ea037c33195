//! `make demo`: Headroom at work, on a machine that has only Rust and Go.
//!
//! ```text
//! shop ──/metrics──▶ Prometheus ◀──PromQL── headroom run ──/scale──▶ API server ── controller manager ── fake node
//!   ▲ visitors           ▲ two weeks of history                         ▲ policy, Deployment
//!   └──── script ────────┘                                              └──── table (what you see)
//! ```
//! `script` says how many visitors come when, for the history and for the live run alike; `shop` is a real HTTP service
//! under that load; `stage` starts everything and applies the policy; `watch` shows and records what happens; `guest`
//! leaves a cluster that is not the demo's own as it was. Every process ends with this one, however it ends.

#![deny(clippy::panic, clippy::unwrap_used)]

mod guest;
mod script;
mod shop;
mod stage;
mod watch;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use crate::guest::Guest;

/// Headroom at work: load, three kinds of evidence, and the replicas that follow.
#[derive(Debug, Parser)]
struct Args {
    /// How long the show lasts, from 2m to 1h; Ctrl-C ends it earlier.
    #[arg(long, env = "DURATION", default_value = "5m", value_parser = duration)]
    duration: Duration,
    /// `local`: an embedded control plane. `existing`: the cluster of KUBECONFIG.
    #[arg(long, env = "CLUSTER", default_value = "local")]
    cluster: stage::Where,
    /// Where the report goes.
    #[arg(long, env = "OUT", default_value = "out/demo")]
    out: PathBuf,
    /// The operator's binary.
    #[arg(long, env = "HEADROOM")]
    headroom: PathBuf,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = headroom::validate::duration(text)?;
    let duration = Duration::try_from(duration).map_err(|e| e.to_string())?;
    if (Duration::from_secs(120)..=Duration::from_secs(3600)).contains(&duration) {
        Ok(duration)
    } else {
        Err("give a duration from 2m to 1h".to_owned())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(
        args.headroom.exists(),
        "{} does not exist; `make demo` builds it",
        args.headroom.display()
    );
    std::fs::create_dir_all(&args.out).with_context(|| format!("{} cannot be made", args.out.display()))?;
    let guest = OnceLock::new();
    let shown = show(&args, &guest).await;
    // Whatever became of the show, and after the operator has ended.
    let cleared = match guest.get() {
        Some(guest) => guest.clear().await,
        None => Ok(()),
    };
    shown.and(cleared)?;
    println!("every process was stopped");
    Ok(())
}

/// The show from set-up to report. Everything that it started has ended when it returns; what it put into a cluster that
/// is not its own is known to `guest`.
async fn show(args: &Args, guest: &OnceLock<Guest>) -> anyhow::Result<()> {
    let stage = tokio::select! {
        stage = stage::Stage::set(args, guest) => stage?,
        _ = tokio::signal::ctrl_c() => {
            println!("\nstopped before it began");
            return Ok(());
        }
    };
    let recording = tokio::select! {
        recording = watch::until(&stage, args.duration) => recording?,
        _ = tokio::signal::ctrl_c() => {
            println!("\nstopped early");
            stage.recorded()
        }
    };
    recording.write(&watch::reasons(&stage.client).await?, &args.out)
}
