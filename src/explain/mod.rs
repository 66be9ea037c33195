//! `headroom explain`: asks the cluster for one policy and prints why its replicas are what they are.
//!
//! I/O only: what there is to say is `report::explain`'s. It reads and never writes, so it needs `get` on
//! scalingpolicies, and `list` and `watch` for `--watch`. Neighbour: `report/explain`, which is pure.

mod args;
mod error;

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use kube::api::Api;
use kube::config::KubeConfigOptions;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Config};

use crate::api::ScalingPolicy;
use crate::clock;
use crate::report::explain::{Explanation, Verdict, explain, text};

pub use args::{Args, Output, Reference};
pub use error::Error;

/// Longest wait for the API server's answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How often a watch that brings nothing looks at the clock: whether the operator has gone silent shows by nothing else.
const LOOK: Duration = Duration::from_secs(5);
/// Cursor to the upper left corner, then everything below it is cleared.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Explains a policy, once or on each change until Ctrl-C.
///
/// # Errors
/// [`Error`] where it does not exist or cannot be read, in words that name it and say what to do.
pub async fn run(args: Args) -> Result<(), Error> {
    // One TLS provider; set already where a caller did.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Reference { namespace, name } = args.policy.clone();
    if let (Some(one), Some(other)) = (&namespace, &args.namespace)
        && one != other
    {
        return Err(Error::TwoNamespaces {
            one: one.clone(),
            other: other.clone(),
        });
    }
    let given = namespace.or(args.namespace.clone());
    let config = config(args.context.clone()).await.map_err(|source| Error::NoCluster {
        policy: match &given {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.clone(),
        },
        source,
    })?;
    let namespace = given.unwrap_or_else(|| config.default_namespace.clone());
    let subject = Subject { namespace, name };
    let client = Client::try_from(config).map_err(|e| subject.unreadable(e))?;
    let api: Api<ScalingPolicy> = Api::namespaced(client, &subject.namespace);

    let asked = tokio::time::timeout(ANSWER, api.get(&subject.name)).await;
    let policy = match asked {
        Ok(Ok(policy)) => policy,
        Ok(Err(error)) => return Err(subject.unreadable(error)),
        Err(_) => return Err(Error::Silent(subject)),
    };
    let mut printer = Printer {
        output: args.output,
        watch: args.watch,
        pages: 0,
    };
    if !args.watch {
        return printer.print(&explain(&policy, clock::now()));
    }
    tokio::select! {
        ended = follow(api, subject, &mut printer) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// The policy that is asked for.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

async fn config(context: Option<String>) -> Result<Config, Box<dyn std::error::Error + Send + Sync>> {
    match context {
        None => Ok(Config::infer().await?),
        Some(context) => {
            let options = KubeConfigOptions {
                context: Some(context),
                ..KubeConfigOptions::default()
            };
            Ok(Config::from_kubeconfig(&options).await?)
        }
    }
}

/// Explains at first and on each change, and when the status becomes too old to be believed.
async fn follow(api: Api<ScalingPolicy>, subject: Subject, printer: &mut Printer) -> Result<(), Error> {
    let mut changes = pin!(watcher::watch_object(api, &subject.name).default_backoff());
    let mut last: Option<(ScalingPolicy, Verdict)> = None;
    loop {
        let policy = match tokio::time::timeout(LOOK, changes.next()).await {
            Ok(Some(Ok(Some(policy)))) => policy,
            Ok(Some(Ok(None))) => return Err(Error::Gone(subject)),
            // A right that is missing stays missing; once it has worked, a break is an outage that ends.
            Ok(Some(Err(source))) if last.is_none() => return Err(Error::Watch { subject, source }),
            Ok(Some(Err(error))) => {
                let _ = writeln!(io::stderr(), "headroom: the watch broke and is taken up again: {error}");
                continue;
            }
            Ok(None) => return Ok(()),
            Err(_) => match &last {
                Some((policy, verdict)) if explain(policy, clock::now()).freshness.verdict != *verdict => {
                    policy.clone()
                }
                _ => continue,
            },
        };
        let explanation = explain(&policy, clock::now());
        printer.print(&explanation)?;
        last = Some((policy, explanation.freshness.verdict));
    }
}

/// Writes explanations to standard output.
struct Printer {
    output: Output,
    watch: bool,
    /// Explanations printed so far.
    pages: usize,
}

impl Printer {
    fn print(&mut self, explanation: &Explanation) -> Result<(), Error> {
        match self.write(explanation) {
            // `headroom explain … | head`: whoever read has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Error::Output),
        }
    }

    fn write(&mut self, explanation: &Explanation) -> io::Result<()> {
        // Strips colours where standard output is no terminal, or NO_COLOR is set.
        let mut out = anstream::stdout().lock();
        match self.output {
            Output::Json if self.watch => writeln!(out, "{}", serde_json::to_string(explanation)?)?,
            Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(explanation)?)?,
            Output::Text => {
                if self.watch && io::stdout().is_terminal() {
                    write!(out, "{CLEAR}")?;
                } else if self.pages > 0 {
                    writeln!(out, "\n---\n")?;
                }
                write!(out, "{}", text(explanation))?;
            }
        }
        self.pages += 1;
        out.flush()
    }
}
