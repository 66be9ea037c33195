//! A real Kubernetes control plane and a real Prometheus as child processes, on a machine with only Rust and Go.
//!
//! ```text
//! Binaries::ensure ── build (go build, once per version) ── cache
//!        │
//!        ├── ControlPlane::start ── etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok,
//!        │                          and metrics-server or a real node for those who ask for it
//!        └── Prometheus::start ──── promtool (history), prometheus
//!                 each child is a Process: log in a file, ended whatever becomes of its parent
//! ```
//!
//! Nothing here knows Headroom: the demo and the tests bring it along. On the fake nodes there are no containers; pods
//! have no processes, addresses that nothing listens on, and a chosen start-up time. On a real one
//! ([`Options::real_node`]) all of that is real.
//!
//! A test file looks like this; all tests in it share one control plane and keep apart by namespace:
//!
//! ```no_run
//! # async fn test() -> Result<(), headroom_cluster::Error> {
//! let cluster = headroom_cluster::ControlPlane::shared().await?;
//! let namespace = cluster.namespace("scaling").await?;
//! let client = cluster.client()?;
//! # let _ = (namespace, client); Ok(())
//! # }
//! ```

#![deny(clippy::panic, clippy::unwrap_used)]

mod binaries;
mod build;
mod component;
mod control_plane;
mod credentials;
mod error;
mod metrics_server;
mod node;
mod nodes;
mod port;
mod process;
mod progress;
mod prometheus;
mod server_flags;

pub use binaries::{Binaries, NodeBinaries};
pub use build::BuildError;
pub use component::Extra;
pub use control_plane::{ControlPlane, Options};
pub use credentials::CredentialsError;
pub use error::Error;
pub use process::{Process, ProcessError, Spec};
pub use progress::{Progress, console};
pub use prometheus::{Prometheus, PrometheusOptions, ScrapeTarget};
