//! `headroom-cluster`: builds the programs of the demo and the tests, and runs a control plane for people.
//!
//! Must never hold logic: everything is in the library.

#![deny(clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use headroom_cluster::{Binaries, ControlPlane, Extra, Options, console};
use tokio::signal::unix::{SignalKind, signal};

/// A real Kubernetes control plane with fake nodes, without Docker.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build all programs into the cache ($HEADROOM_CACHE, or headroom in the user's cache) and print where they are.
    Build {
        /// Build metrics-server too.
        #[arg(long)]
        metrics_server: bool,
        /// Build helm too.
        #[arg(long)]
        helm: bool,
        /// Build what a real node runs, too.
        #[arg(long)]
        real_node: bool,
        /// Build a Prometheus that finds pods by itself, too.
        #[arg(long)]
        prometheus_in_pod: bool,
    },
    /// Start a control plane, print its kubeconfig's path and stop it at Ctrl-C.
    Up(Up),
}

#[derive(Debug, clap::Args)]
struct Up {
    /// Seconds from a pod's binding until it is ready.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS", value_parser = seconds)]
    pod_ready_delay: f64,
    /// Number of fake nodes.
    #[arg(long, default_value_t = 1)]
    nodes: u32,
    /// Run the HorizontalPodAutoscaler controller too.
    #[arg(long)]
    horizontal_pod_autoscaler: bool,
    /// Seconds between two looks of that controller.
    #[arg(long, default_value_t = 15.0, value_name = "SECONDS", value_parser = seconds)]
    horizontal_pod_autoscaler_sync: f64,
    /// Serve metrics.k8s.io: pods use what their annotations kwok.x-k8s.io/usage-cpu and usage-memory say.
    #[arg(long)]
    resource_metrics: bool,
    /// Start a real node, `real-0`, which runs containers: needs root, runc, iptables, ip and Linux.
    #[arg(long)]
    real_node: bool,
    /// Load this image (a tar of an OCI layout, or what `docker save` writes) into the real node. Repeatable.
    #[arg(long, value_name = "TAR", requires = "real_node")]
    image: Vec<PathBuf>,
    /// Write every change of a Deployment's scale to audit.log in the control plane's directory.
    #[arg(long)]
    audit: bool,
    /// Keep data and logs in this directory instead of a temporary one.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let command = Cli::parse().command;
    let extras = extras(&command);
    let binaries = Binaries::ensure_with(&extras, console()).await?;
    match command {
        Command::Build { .. } => {
            for path in binaries.paths() {
                writeln!(std::io::stdout(), "{}", path.display())?;
            }
            Ok(())
        }
        Command::Up(up) => run(&binaries, up).await,
    }
}

/// What a command needs beyond a plain control plane.
fn extras(command: &Command) -> Vec<Extra> {
    let asked = match command {
        Command::Build {
            metrics_server,
            helm,
            real_node,
            prometheus_in_pod,
        } => [*metrics_server, *helm, *real_node, *prometheus_in_pod],
        Command::Up(up) => [up.resource_metrics, false, up.real_node, false],
    };
    let extras = [
        Extra::MetricsServer,
        Extra::Helm,
        Extra::RealNode,
        Extra::PrometheusInPod,
    ];
    extras
        .into_iter()
        .zip(asked)
        .filter_map(|(extra, asked)| asked.then_some(extra))
        .collect()
}

async fn run(binaries: &Binaries, up: Up) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let options = Options {
        pod_ready_delay: Duration::from_secs_f64(up.pod_ready_delay),
        nodes: up.nodes,
        horizontal_pod_autoscaler: up.horizontal_pod_autoscaler,
        horizontal_pod_autoscaler_sync: Duration::from_secs_f64(up.horizontal_pod_autoscaler_sync),
        resource_metrics: up.resource_metrics,
        real_node: up.real_node,
        audit: up.audit,
        dir: up.dir,
    };
    let cluster = ControlPlane::start(binaries, options).await?;
    for image in &up.image {
        cluster.load_image(image).await?;
    }
    writeln!(
        std::io::stdout(),
        "export KUBECONFIG={}",
        cluster.kubeconfig().display()
    )?;
    writeln!(
        std::io::stderr(),
        "logs are in {}; Ctrl-C stops",
        cluster.dir().display()
    )?;
    tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
    cluster.stop().await;
    Ok(())
}

/// A finite number of seconds that a duration can hold.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds)
        .map(|_| seconds)
        .map_err(|error| error.to_string())
}
