//! Structured logs on standard error. Their level is `RUST_LOG`'s, by default this crate's `info`.

use std::env;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What is logged where `RUST_LOG` is not set.
const DEFAULT: &str = "warn,headroom=info";

/// `RUST_LOG` cannot be obeyed.
#[derive(Debug, thiserror::Error)]
#[error("RUST_LOG: {value:?} cannot be read ({source}); write levels such as \"warn,headroom=debug\"")]
pub struct BadFilter {
    value: String,
    source: ParseError,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging; to be called once.
///
/// # Errors
/// [`BadFilter`]: logs that are silently not those asked for are missed when they are needed.
pub fn init(format: LogFormat) -> Result<(), BadFilter> {
    let value = env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let asked = if value.is_empty() { DEFAULT } else { &value };
    let filter = EnvFilter::try_new(asked).map_err(|source| BadFilter {
        value: asked.to_owned(),
        source,
    })?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}
