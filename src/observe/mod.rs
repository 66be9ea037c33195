//! Observing: cluster and Prometheus in, `engine::Observation` out. All of it is I/O; none of it decides anything.
//!
//! [`Targets`], [`Pods`], [`Owners`] and [`Rivals`] are fed by shared watches, so a sync asks the API server nothing for a
//! watched kind; [`Servers`] asks Prometheus, and [`Apis`] the metrics APIs of the cluster, once per question and twentieth
//! of an interval, however many policies ask. [`metrics`] picks the one that a metric comes from. Neighbours: `controller`
//! calls, `engine` reads the result.

pub mod apis;
pub mod bottleneck;
mod circuit;
mod managers;
pub mod metrics;
pub mod owners;
pub mod pods;
pub mod prometheus;
mod quantity;
mod refusal;
pub mod rivals;
pub mod scale;
mod selector;
pub mod targets;

use std::sync::Arc;
use std::time::Duration;

pub use apis::Apis;
pub use owners::Owners;
pub use pods::Pods;
pub use prometheus::Servers;
pub use rivals::Rivals;
pub use scale::{Target, TargetError};
pub use targets::{TargetKey, Targets};

use crate::engine::observation::Cause;

/// An answer is shared for the interval divided by this. A policy whose turn comes just before a shared answer expires
/// sees a change of load one turn later, so that part of the interval is added to the time in which it reacts: with 20,
/// 15 s become 15.75 s, and a server hears a query at most 20 times in an interval, however many policies ask.
const SHARED: u32 = 20;
/// How long an answer is remembered: it is of use to nobody after a twentieth of the longest interval, 1 h.
const REMEMBERED: Duration = Duration::from_secs(3600 / SHARED as u64);
/// Distinct questions remembered: ten thousand policies with two metrics each, at about 300 bytes an entry.
const REMEMBERED_QUESTIONS: u64 = 20_000;

/// Told about each request for a metric: who was asked, time taken with the wait for a place, and the cause where it
/// failed. A request that a circuit breaker kept back is none, nor is one of a view: no decision waits for it.
pub type Observer = Arc<dyn Fn(&str, Duration, Option<Cause>) + Send + Sync>;
