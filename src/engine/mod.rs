//! The decision engine: pure and total, it knows neither Kubernetes nor the clock.

pub mod forecast;
