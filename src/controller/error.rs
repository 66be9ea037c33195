//! What can go wrong outside a single policy's evidence, with the step it went wrong in.

use crate::observe::prometheus::ServerError;
use crate::report::metrics::ErrorKind;

/// An error of the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A write of status failed; the next reconcile tries again.
    #[error("status was not written: {0}")]
    Status(#[source] Box<kube::Error>),
    /// The Kubernetes client could not be set up.
    #[error("no Kubernetes client (is KUBECONFIG set, or does this run in a cluster?): {0}")]
    Client(#[source] Box<kube::Error>),
    /// The CRD is missing or ScalingPolicies may not be listed.
    #[error(
        "ScalingPolicies cannot be listed; is the CRD installed (`headroom crd | kubectl apply -f -`) and may this account list them? {0}"
    )]
    Policies(#[source] Box<kube::Error>),
    /// A Prometheus server's configuration is wrong.
    #[error("--prometheus: {0}")]
    Prometheus(#[from] ServerError),
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
    /// A policy without namespace or name reached the reconciler: an API server that breaks its own promise.
    #[error("a ScalingPolicy without namespace or uid")]
    Anonymous,
}

impl Error {
    /// Its name among the reasons why reconciles fail.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Error::Status(_) => ErrorKind::Status,
            _ => ErrorKind::Other,
        }
    }
}
