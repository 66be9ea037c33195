//! The options of `headroom explain`.

use std::convert::Infallible;
use std::str::FromStr;

/// Options of `explain`. The cluster is the one of KUBECONFIG, as for `run`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The ScalingPolicy: NAMESPACE/NAME, or NAME in the namespace of -n or of the kubeconfig.
    #[arg(value_name = "NAMESPACE/NAME")]
    pub policy: Reference,
    /// The policy's namespace, where only its name is given.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The context of the kubeconfig to use; without it the current one.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// How to print it. The JSON is stable and documented in docs/explain.md.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub output: Output,
    /// Explain again on each change of the object, until Ctrl-C. JSON is then one document per line.
    #[arg(short, long)]
    pub watch: bool,
}

/// How to print an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// A policy as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Before the slash.
    pub namespace: Option<String>,
    /// After it.
    pub name: String,
}

impl FromStr for Reference {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, text),
        };
        Ok(Reference {
            namespace,
            name: name.to_owned(),
        })
    }
}
