//! What can go wrong: the object, its namespace, and what to do, in one message each.

use std::fmt;

use kube::runtime::watcher;

use super::Subject;

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `-n` contradicts NAMESPACE/NAME.
    #[error("namespace {one:?} of NAMESPACE/NAME is not {other:?} of --namespace; give one of them")]
    TwoNamespaces {
        /// Before the slash.
        one: String,
        /// The option's.
        other: String,
    },
    /// No usable kubeconfig.
    #[error(
        "ScalingPolicy {policy} cannot be read: no cluster is configured ({source}); set KUBECONFIG, or see `kubectl config get-contexts`"
    )]
    NoCluster {
        /// As given.
        policy: String,
        /// What the configuration lacks.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The policy does not exist.
    #[error("there is no {0}; `kubectl get scalingpolicies -A` lists those that there are")]
    NotFound(Subject),
    /// The cluster does not know the kind.
    #[error(
        "{0} cannot be read: the cluster knows no ScalingPolicies; install the CRD with `headroom crd | kubectl apply -f -`"
    )]
    NoKind(Subject),
    /// RBAC says no.
    #[error("{subject} cannot be read: {message}; ask for the right to get scalingpolicies.headroom.dev there")]
    Forbidden {
        /// The policy.
        subject: Subject,
        /// The API server's words.
        message: String,
    },
    /// Any other refusal, or no connection.
    #[error("{subject} cannot be read: {source}; does `kubectl get --raw /readyz` reach the same cluster?")]
    Unreadable {
        /// The policy.
        subject: Subject,
        /// What happened.
        source: Box<kube::Error>,
    },
    /// No answer in time.
    #[error("{0} cannot be read: the API server did not answer in 10 s; does `kubectl get --raw /readyz`?")]
    Silent(Subject),
    /// The policy was deleted while it was watched.
    #[error("{0} was deleted; its target keeps the replicas that it has")]
    Gone(Subject),
    /// The policy can be read but not watched.
    #[error(
        "{subject} cannot be watched: {source}; --watch needs list and watch on scalingpolicies.headroom.dev there"
    )]
    Watch {
        /// The policy.
        subject: Subject,
        /// What happened.
        source: watcher::Error,
    },
    /// Standard output is gone.
    #[error("the explanation cannot be written: {0}")]
    Output(#[source] std::io::Error),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScalingPolicy {} in namespace {}", self.name, self.namespace)
    }
}

impl Subject {
    /// Why a request for it failed.
    pub(super) fn unreadable(&self, error: kube::Error) -> Error {
        match error {
            kube::Error::Api(status) if status.is_not_found() => {
                // A 404 for the object names it; one for the kind does not.
                let named = status.details.as_ref().is_some_and(|d| d.name == self.name);
                if named {
                    Error::NotFound(self.clone())
                } else {
                    Error::NoKind(self.clone())
                }
            }
            kube::Error::Api(status) if status.is_forbidden() => Error::Forbidden {
                subject: self.clone(),
                message: status.message.clone(),
            },
            source => Error::Unreadable {
                subject: self.clone(),
                source: Box::new(source),
            },
        }
    }
}
