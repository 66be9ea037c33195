//! The binary: parses the command line, calls the library, and turns an error into words and an exit code.

#![deny(clippy::panic, clippy::unwrap_used)]

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use headroom::cli::{Cli, Command};
use headroom::{api, controller, explain, probe, simulate, telemetry};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("headroom: {}", words(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each said once: most errors name their cause themselves, some of a client's do not.
fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    match cli.command {
        Command::Run(args) => {
            let runtime = tokio::runtime::Runtime::new()?;
            let entered = runtime.enter();
            let traces = telemetry::init(args.log_format, args.collector())?;
            drop(entered);
            let ended = runtime.block_on(controller::run(*args));
            if let Some(traces) = traces {
                traces.flush();
            }
            Ok(ended?)
        }
        Command::Explain(args) => {
            let runtime = tokio::runtime::Runtime::new()?;
            Ok(runtime.block_on(explain::run(args))?)
        }
        Command::Simulate(args) => Ok(simulate::run(*args)?),
        Command::Probe(args) => {
            let runtime = tokio::runtime::Runtime::new()?;
            Ok(runtime.block_on(probe::run(args))?)
        }
        Command::Crd => {
            print!("{}", api::crd::yaml()?);
            Ok(())
        }
    }
}
