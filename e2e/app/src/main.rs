//! `headroom-e2e-app`: what runs in pods of the end-to-end suite, beside the operator itself. One static program, so that
//! one image serves all.
//!
//! - `serve`: the workload that is scaled
//! - `load`: what asks it, at a steady rate
//! - `killer`: ends a container's process as a crash would; needs the node's process ids

#![deny(clippy::panic, clippy::unwrap_used)]

mod killer;
mod load;
mod serve;

use std::net::SocketAddr;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// The pods of Headroom's end-to-end suite.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Answer /work?ms=N after N milliseconds of processor time, /metrics, /ready, and /set?load=X (the gauge app_load).
    Serve(serve::Options),
    /// Ask a URL's path so many times a second, until ended.
    Load(load::Options),
    /// Answer /kill?pod=UID&name=PROGRAM: SIGKILL to that program in that pod. Root, hostPID.
    Killer {
        /// Where to listen.
        #[arg(long, default_value = "0.0.0.0:8080")]
        listen: SocketAddr,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().role {
        Role::Serve(options) => serve::run(options).await,
        Role::Load(options) => {
            let mut end = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
            tokio::select! {
                result = load::run(options) => result,
                _ = end.recv() => Ok(()),
            }
        }
        Role::Killer { listen } => listen_with(listen, killer::router()).await,
    }
}

/// Serves until SIGTERM, and then answers what has been asked before it ends.
async fn listen_with(address: SocketAddr, router: axum::Router) -> anyhow::Result<()> {
    let mut end = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let ended = async move {
        end.recv().await;
    };
    Ok(axum::serve(listener, router).with_graceful_shutdown(ended).await?)
}
