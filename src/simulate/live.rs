//! A trace straight from Prometheus: the range that the operator's own client reads, as a [`Series`].
//!
//! The one file of the simulator that talks to a server. What comes back is what a CSV would have held, so nothing
//! downstream knows the difference; `--save-trace` makes it one. Neighbours: `observe/prometheus.rs` asks (in parts
//! that Prometheus allows), `args.rs` has the options, which every error names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Error;
use super::series::Series;
use crate::address::shown;
use crate::engine::observation::{Cause, Failure};
use crate::observe::Servers;
use crate::observe::prometheus::ServerError;
use crate::observe::prometheus::access::{Access, AccessError, Secret};

/// How long a part of a range may take. Ten thousand points of a `rate` over many series take a busy server seconds, and
/// nobody's replicas wait for them; beyond a minute a server gives up itself (`--query.timeout` is 2 min by default).
const TIMEOUT: Duration = Duration::from_secs(60);

/// The options of a live trace, as given.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Live {
    /// Read the load from this Prometheus instead of a --trace
    #[arg(long, value_name = "URL", conflicts_with = "trace", requires_all = ["query", "from", "to"])]
    pub prometheus: Option<String>,

    /// The PromQL query whose range is the load: one series, in the unit of --replica-capacity
    #[arg(long, value_name = "PROMQL", requires = "prometheus")]
    pub query: Option<String>,

    /// Where the range begins
    #[arg(long, value_name = "TIME", requires = "prometheus", value_parser = super::args::instant)]
    pub from: Option<Timestamp>,

    /// Where the range ends
    #[arg(long, value_name = "TIME", requires = "prometheus", value_parser = super::args::instant)]
    pub to: Option<Timestamp>,

    /// Time between two samples of the range, from 1s to 1h
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "prometheus", value_parser = super::args::tick)]
    pub step: SignedDuration,

    /// A file with the bearer token that the server wants
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    pub prometheus_token_file: Option<PathBuf>,

    /// A PEM file with the certificate authority that signed the server's certificate
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    pub prometheus_ca_file: Option<PathBuf>,

    /// Write the range to this file as well, as CSV for --trace
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    pub save_trace: Option<PathBuf>,
}

/// What is asked of which server.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The server's address.
    pub url: String,
    /// The query.
    pub query: String,
    /// The first sample's instant.
    pub from: Timestamp,
    /// The last sample is at or before it.
    pub to: Timestamp,
    /// Between two samples; whole seconds.
    pub step: SignedDuration,
    /// How to be let in.
    pub access: Access,
}

impl Live {
    /// The range to read, where one is asked for.
    ///
    /// # Errors
    /// [`Error::Option`] where the range is empty.
    pub fn range(&self) -> Result<Option<Range>, Error> {
        let Some(((url, query), (from, to))) =
            (self.prometheus.clone().zip(self.query.clone())).zip(self.from.zip(self.to))
        else {
            return Ok(None);
        };
        if to <= from {
            return Err(option(
                "to",
                format!("{to} is not after --from {from}; give a later instant"),
            ));
        }
        Ok(Some(Range {
            url,
            query,
            from,
            to,
            step: self.step,
            access: Access {
                secret: self.prometheus_token_file.clone().map(Secret::Token),
                authority: self.prometheus_ca_file.clone(),
            },
        }))
    }
}

impl Range {
    /// Reads it, in as many requests as Prometheus wants.
    ///
    /// # Errors
    /// [`Error::Option`] that names the option at fault and the remedy.
    pub fn read(&self) -> Result<Series, Error> {
        // The same provider as everywhere; whoever installed one already has this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Its name goes into messages.
        let name = shown(&self.url);
        let server = [(name.clone(), self.url.clone(), self.access.clone())];
        let servers = Servers::with_access(server, TIMEOUT, Arc::new(|_: &str, _, _| {})).map_err(shut)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| option("prometheus", format!("no request can be made: {e}")))?;
        let samples = runtime.block_on(servers.range(&name, &self.query, (self.from, self.to), self.step));
        self.series(samples.map_err(|failure| refused(&failure))?)
    }

    fn series(&self, samples: Vec<(Timestamp, f64)>) -> Result<Series, Error> {
        if samples.is_empty() {
            let (from, to) = (self.from, self.to);
            return Err(option(
                "query",
                format!(
                    "the server has no sample of it from {from} to {to}; look at the query, --from and --to (Prometheus keeps \
                     15 days unless told otherwise)"
                ),
            ));
        }
        if let Some((at, value)) = samples.iter().find(|(_, value)| *value < 0.0) {
            return Err(option(
                "query",
                format!(
                    "its value at {at} is {value}, which is no load; ask for something that is never negative, such as a rate"
                ),
            ));
        }
        Series::new(samples).ok_or_else(|| {
            let problem = "its values are no loads (0 to 1e30, one for each instant)".to_owned();
            option("query", problem)
        })
    }
}

/// A server that cannot be asked, by the option at fault.
fn shut(error: ServerError) -> Error {
    let source = match &error {
        ServerError::Access { source, .. } => source,
        ServerError::User { url, .. } => {
            let problem =
                format!("the URL holds a user or a password ({url}); leave it out, or give a token in a file");
            return option("prometheus-token-file", problem);
        }
        ServerError::Url { .. } | ServerError::Http(_) => return option("prometheus", error.to_string()),
    };
    let at_fault = match source {
        AccessError::Secret { .. } | AccessError::Clear { .. } => "prometheus-token-file",
        AccessError::Authority { .. } | AccessError::NoTls { .. } => "prometheus-ca-file",
        AccessError::Http(_) => "prometheus",
    };
    option(at_fault, source.to_string())
}

fn refused(failure: &Failure) -> Error {
    let words = &failure.message;
    let lower = words.to_lowercase();
    match failure.cause {
        Cause::BadQuery | Cause::Ambiguous | Cause::Empty | Cause::NotFinite | Cause::Negative => {
            option("query", words.to_string())
        }
        Cause::Timeout => option(
            "prometheus",
            format!("{words}; give a longer --step, a shorter range, or a cheaper query (a recording rule)"),
        ),
        Cause::Forbidden if lower.contains("shown none") => option(
            "prometheus",
            "HTTP status 401: the server wants to know who asks; give --prometheus-token-file".to_owned(),
        ),
        Cause::BadAnswer if lower.contains("certificate") => option(
            "prometheus",
            format!("{words} If it is one of your own, give --prometheus-ca-file"),
        ),
        Cause::Unreachable => option(
            "prometheus",
            format!(
                "{words}; is it reachable from here (kubectl port-forward)? Behind an authority of your own give \
                 --prometheus-ca-file"
            ),
        ),
        _ => option("prometheus", words.to_string()),
    }
}

fn option(option: &'static str, problem: String) -> Error {
    Error::Option { option, problem }
}
