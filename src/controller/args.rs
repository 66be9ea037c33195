//! The options of `headroom run`.

use std::net::SocketAddr;
use std::time::Duration;

use super::access::AccessArgs;
use super::lease::LeaderArgs;
use crate::telemetry::LogFormat;
use crate::validate;

/// Options of the operator. The cluster is the one of KUBECONFIG, or the one it runs in.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A Prometheus server that policies may name, as NAME=URL; repeat for more. Policies that name none use `default`.
    #[arg(long = "prometheus", value_name = "NAME=URL", value_parser = named_url, env = "HEADROOM_PROMETHEUS", value_delimiter = ',')]
    pub prometheus: Vec<(String, String)>,
    /// How to be let in by them.
    #[command(flatten)]
    pub access: AccessArgs,
    /// How long to wait for an answer from Prometheus.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = validate::wait)]
    pub prometheus_timeout: Duration,
    /// Write values that changed without consequence (a metric's value, a forecast) to a status this often at most; what
    /// somebody acts upon (counts, winner, limits, conditions) is written at once.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = validate::wait)]
    pub status_refresh: Duration,
    /// Where to serve /metrics, /healthz and /readyz.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Look at this namespace only; repeat for more. Without it at all of them.
    #[arg(
        long = "namespace",
        value_name = "NAMESPACE",
        env = "HEADROOM_NAMESPACE",
        value_delimiter = ','
    )]
    pub namespaces: Vec<String>,
    /// Look at policies with these labels only, such as shard=a; those without are not seen, not even as rivals.
    #[arg(long, value_name = "SELECTOR")]
    pub policy_selector: Option<String>,
    /// Leader election.
    #[command(flatten)]
    pub leader: LeaderArgs,
    /// Send traces of each reconcile to this OpenTelemetry collector (OTLP over HTTP, such as http://otel-collector:4318);
    /// without it there are none.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

impl Args {
    /// Where traces go. An empty variable is one that is not set, as OpenTelemetry has it of all of its own.
    pub fn collector(&self) -> Option<&str> {
        self.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty())
    }
}

fn named_url(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() => Ok((name.to_owned(), url.to_owned())),
        // The parser would show all of it, and it may hold a password.
        _ if text.contains('@') => Ok((String::new(), text.to_owned())),
        _ => Err("give NAME=URL, for example default=http://prometheus.monitoring:9090".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn an_empty_endpoint_is_none() {
        let collector = |option: &str| Line::parse_from(["run", option]).args.collector().map(str::to_owned);
        assert_eq!(collector("--otlp-endpoint="), None);
        assert_eq!(
            collector("--otlp-endpoint=http://c:4318"),
            Some("http://c:4318".to_owned())
        );
    }
}
