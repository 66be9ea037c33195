//! The one error that callers see; each variant wraps the error of the part that failed.

use std::path::PathBuf;

use crate::build::BuildError;
use crate::credentials::CredentialsError;
use crate::process::ProcessError;

/// Why a program could not be built, started or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The binaries could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A child process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The API server's certificates could not be made.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A file or directory could not be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No port is free.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(std::io::Error),
    /// The API server's kubeconfig does not make a client.
    #[error("cannot make a client from the control plane's kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The API server refused a request.
    #[error("cannot {what}: {source}")]
    Kubernetes {
        /// What was tried.
        what: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// A real node was asked for by a user who may not make one.
    #[error("a real node makes namespaces, network links and cgroups: run this as root")]
    NotRoot,
    /// A real node was asked for on a machine that lacks programs.
    #[error("a real node needs {programs}, which this machine has not: apt-get install {packages}")]
    Needs {
        /// What is missing.
        programs: String,
        /// Debian's packages of it.
        packages: String,
    },
    /// An image could not be made, or containerd refused it.
    #[error("cannot load the image {tar}: {message}")]
    Image {
        /// The tar.
        tar: PathBuf,
        /// Why.
        message: String,
    },
    /// There is nothing to load an image into.
    #[error("no image can be loaded without a real node: set Options::real_node (`headroom-cluster up --real-node`)")]
    NoNode,
    /// `promtool` refused a file of history.
    #[error("promtool cannot import {file}: {message}")]
    Backfill {
        /// The OpenMetrics file.
        file: PathBuf,
        /// Its own words.
        message: String,
    },
    /// Prometheus did not answer a query.
    #[error("Prometheus did not answer {query:?}: {message}")]
    Query {
        /// The PromQL text.
        query: String,
        /// Why.
        message: String,
    },
}

impl Error {
    pub(crate) fn kubernetes(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        |source| Self::Kubernetes {
            what,
            source: Box::new(source),
        }
    }

    pub(crate) fn http(query: &str) -> impl FnOnce(reqwest::Error) -> Self {
        // The cause is what matters: the error's own text is only that a request failed, and where.
        move |error| {
            let cause = std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
            Self::Query {
                query: query.to_owned(),
                message: cause,
            }
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
