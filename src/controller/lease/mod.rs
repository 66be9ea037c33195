//! Leader election on Kubernetes' own Leases: who may act, and no write by anybody else.
//!
//! `elector` takes and keeps one Lease with kube-lease-manager; `lookout` says when a Lease is free, `chain` makes the
//! library's writes conditional, and `fence` lets a reconcile's writes pass while the Lease is surely held. `args` has the
//! options and the times. Which policies a Lease stands for is `controller/shards.rs`.

mod args;
mod chain;
mod elector;
mod fence;
mod lookout;

pub use args::{LeaderArgs, Timing};
pub(super) use elector::{Elector, Load, News, Phase};
pub use fence::{Fence, Refused, fenced};
