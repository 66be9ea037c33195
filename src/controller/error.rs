//! What can go wrong outside a single policy's evidence, with the step it went wrong in.

use super::access::AccessOption;
use super::lease::Refused;
use crate::observe::prometheus::ServerError;
use crate::report::metrics::ErrorKind;

/// An error of the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A write of status failed; the next reconcile tries again.
    #[error("status was not written: {0}")]
    Status(#[source] Box<kube::Error>),
    /// The policy could not be read after its shard's Lease was gained; the next reconcile tries again.
    #[error("the status that the last leader left was not read: {0}")]
    Reread(#[source] Box<kube::Error>),
    /// The Lease of the policy's shard was lost; whoever holds it now decides anew. No fault of the policy or its target.
    #[error("{0}")]
    LeaseLost(#[from] Refused),
    /// Leader election was asked for and the Lease cannot be read.
    #[error(
        "--leader-elect: Lease {name} of namespace {namespace} cannot be read; may this account get, create and patch leases.coordination.k8s.io there (another namespace: --lease-namespace)? {source}"
    )]
    Lease {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// The API server's words.
        source: Box<kube::Error>,
    },
    /// The Kubernetes client could not be set up.
    #[error("no Kubernetes client (is KUBECONFIG set, or does this run in a cluster?): {0}")]
    Client(#[source] Box<kube::Error>),
    /// The CRD is missing or ScalingPolicies may not be listed.
    #[error(
        "ScalingPolicies cannot be listed; is the CRD installed (`headroom crd | kubectl apply -f -`), may this account list them, and is --policy-selector, where given, a label selector such as shard=a? {0}"
    )]
    Policies(#[source] Box<kube::Error>),
    /// A Prometheus server's configuration is wrong.
    #[error("--prometheus: {0}")]
    Prometheus(#[source] ServerError),
    /// The files that let the operator in by a Prometheus server are wrong.
    #[error(transparent)]
    Access(#[from] AccessOption),
    /// The HTTP server for /metrics could not be set up.
    #[error("--listen {address}: {source}")]
    Listen {
        /// The address given.
        address: std::net::SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// No signals can be received.
    #[error("signals cannot be received: {0}")]
    Signals(#[source] std::io::Error),
    /// A task that lasts as long as the process panicked: a fault of the operator, which is begun anew by whoever runs it.
    #[error("{what} ended unexpectedly, a fault of the operator: {source}")]
    Ended {
        /// Which one.
        what: &'static str,
        /// The panic's words.
        source: tokio::task::JoinError,
    },
    /// A policy without namespace or name reached the reconciler: an API server that breaks its own promise.
    #[error("a ScalingPolicy without namespace or uid")]
    Anonymous,
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Error {
        AccessOption::try_from(error).map_or_else(Error::Prometheus, Error::Access)
    }
}

impl Error {
    /// Its name among the reasons why reconciles fail.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Error::Status(_) => ErrorKind::Status,
            Error::LeaseLost(_) => ErrorKind::LeaseLost,
            _ => ErrorKind::Other,
        }
    }
}
