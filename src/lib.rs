//! Headroom: replicas ready before the load arrives.

pub mod api;
pub mod engine;
pub mod simulate;
pub mod validate;
