//! Headroom: replicas ready before the load arrives.

pub mod api;
pub mod engine;
pub mod report;
pub mod validate;
