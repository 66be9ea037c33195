//! The operator against a real API server, controller manager and Prometheus.
//!
//! The control plane is started once per run; each test has a namespace, a Prometheus and an operator of its own, so
//! they run side by side. Nothing is waited for by sleeping: every wait names the condition that ends it.

#[path = "../collector/mod.rs"]
mod collector;

mod adaptive;
mod admission;
#[path = "../boards/mod.rs"]
mod boards;
mod bottleneck;
mod chart;
mod dashboards;
mod explain;
#[path = "../generated/mod.rs"]
mod generated;
mod harness;
mod leader;
mod lifecycle;
mod manual;
mod modes;
mod outages;
mod prometheus;
mod reaction;
#[path = "../chart/release.rs"]
mod release;
mod resource;
mod restart;
mod rights;
mod rivals;
mod rules;
mod scale_in;
mod telemetry;
mod windows;
