//! Observing: cluster and Prometheus in, `engine::Observation` out. All of it is I/O; none of it decides anything.
//!
//! [`Targets`], [`Pods`] and [`Rivals`] are fed by shared watches, so a sync asks the API server nothing for a watched kind;
//! [`Servers`] asks Prometheus once per query and twentieth of an interval, however many policies ask. Neighbours: `controller`
//! calls, `engine` reads the result.

mod owners;
pub mod pods;
pub mod prometheus;
pub mod rivals;
pub mod scale;
mod selector;
pub mod targets;

pub use pods::Pods;
pub use prometheus::Servers;
pub use rivals::Rivals;
pub use scale::{Target, TargetError};
pub use targets::{TargetKey, Targets};
