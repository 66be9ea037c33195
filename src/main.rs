//! The binary: parses the command line, calls the library, and turns an error into words and an exit code.

#![deny(clippy::panic, clippy::unwrap_used)]

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use headroom::cli::{Cli, Command};
use headroom::{api, controller, simulate, telemetry};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("headroom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Run(args) => {
            telemetry::init(args.log_format);
            let runtime = tokio::runtime::Runtime::new().context("the asynchronous runtime did not start")?;
            runtime.block_on(controller::run(args)).context("the operator stopped")
        }
        Command::Simulate(args) => Ok(simulate::run(args)?),
        Command::Crd => {
            print!("{}", api::crd::yaml()?);
            Ok(())
        }
    }
}
