//! The reconcile loop: watches ScalingPolicies and makes the five calls for each of them at its interval.
//!
//! `run` wires watches, server and shutdown; `reconcile` is the sentence validate → observe → decide → actuate →
//! report; `memory` is what one policy remembers between two of its reconciles; `context` is what all of them share;
//! `history` keeps each forecast fed; `turns` says when to come again; `rivals` finds who else scales the target, and
//! `seniority` which policy came first; `scale_in` says which pods go first; `publish` renders a report as status,
//! Events, metrics and log; `requests` counts what the API server is asked; `access` says how Prometheus servers let the
//! operator in. `lease` elects leaders, `shards` says which policies a leader acts for, and `leading` ties the two to the
//! reconcile loop.

mod access;
mod args;
mod bottleneck;
mod context;
mod error;
mod history;
mod leading;
pub mod lease;
mod memory;
mod publish;
mod reconcile;
mod requests;
mod rivals;
mod run;
mod scale_in;
mod seniority;
mod shards;
mod turns;
mod watches;

pub use args::Args;
pub use context::Context;
pub use error::Error;
pub use reconcile::{error_policy, reconcile};
pub use run::run;
pub use shards::Shards;
