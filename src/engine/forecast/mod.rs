//! The forecast as the engine sees it (placeholder for the branch that brings the model).
use jiff::Timestamp;
use std::sync::Arc;

/// A forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Instant.
    pub at: Timestamp,
    /// Point.
    pub value: f64,
    /// Bound.
    pub upper: f64,
    /// Trust.
    pub trust: Trust,
}

/// Trust.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// Trusted.
    Trusted,
    /// Not.
    Abstains(Arc<str>),
}
