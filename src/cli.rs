//! The command line: `run`, `explain`, `simulate`, `crd`, `probe`.

use clap::{Parser, Subcommand};

use crate::{controller, explain, probe, simulate};

/// Replicas ready before the load arrives.
#[derive(Debug, Parser)]
#[command(name = "headroom", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator until SIGTERM or Ctrl-C.
    Run(Box<controller::Args>),
    /// Say why a policy's target has the replicas that it has, and what would change it.
    Explain(explain::Args),
    /// Replay a policy on a load trace, without a cluster.
    Simulate(Box<simulate::Args>),
    /// Print the CustomResourceDefinition.
    Crd,
    /// Ask URLs until each answers with success: for `helm test`, in an image without a shell.
    Probe(probe::Args),
}
