//! Structured logs on standard error, and spans for whoever asks for them.
//!
//! The logs' level is `RUST_LOG`'s, by default this crate's `info`; `traces.rs` sends the spans.

pub mod traces;

use std::env;

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub use self::traces::{BadEndpoint, Traces};

/// What is logged where `RUST_LOG` is not set.
const DEFAULT: &str = "warn,headroom=info";

/// The target of the spans that are sent. Not below this crate's own, so that no level asked for its logs lets them through.
pub const SPANS: &str = "spans";

/// What telemetry cannot be had with.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` cannot be obeyed.
    #[error("RUST_LOG: {value:?} cannot be read ({source}); write levels such as \"warn,headroom=debug\"")]
    Filter {
        /// What it says.
        value: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The endpoint for traces cannot be used.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging, and sending spans where there is an endpoint; to be called once, within the runtime that sends them.
/// What it returns has to be [flushed](Traces::flush) at the end.
///
/// # Errors
/// [`TelemetryError`]: logs that are silently not those asked for are missed when they are needed.
pub fn init(format: LogFormat, endpoint: Option<&str>) -> Result<Option<Traces>, TelemetryError> {
    let value = env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let asked = if value.is_empty() { DEFAULT } else { &value };
    // Last, so that it holds whatever is asked for: a log line does not begin with the spans around it.
    let filter = EnvFilter::try_new(format!("{asked},{SPANS}=off")).map_err(|source| TelemetryError::Filter {
        value: asked.to_owned(),
        source,
    })?;
    let logs = fmt::layer().with_writer(std::io::stderr);
    let logs = match format {
        LogFormat::Text => logs.boxed(),
        LogFormat::Json => logs.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(logs.with_filter(filter));
    match endpoint {
        None => {
            subscriber.init();
            Ok(None)
        }
        Some(endpoint) => {
            let (spans, traces) = traces::layer(endpoint)?;
            subscriber.with(spans).init();
            Ok(Some(traces))
        }
    }
}
