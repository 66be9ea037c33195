//! Headroom: replicas ready before the load arrives.
//!
//! Read `controller/reconcile.rs` first: it is the whole product in five calls, validate → observe → decide → actuate
//! → report. The modules stand in that order; imports point one way, from `cli` down to `api` and `engine`, and
//! `tests/architecture.rs` holds them to it.

#![deny(clippy::panic, clippy::unwrap_used)]

pub mod actuate;
pub mod address;
pub mod api;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod engine;
pub mod explain;
pub mod observe;
pub mod probe;
pub mod report;
pub mod server;
pub mod simulate;
pub mod telemetry;
pub mod validate;

/// Who we are to the API server: field manager, event reporter, user agent.
pub const FIELD_MANAGER: &str = "headroom";
