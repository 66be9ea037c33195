//! Alerts and dashboards as files: they are valid, name metrics that exist, by labels that these have, and say what to do.
//!
//! `rules.rs` runs promtool over the rules and their test cases, `names.rs` has Prometheus' own parser read every expression,
//! `dashboards.rs` looks at the JSON. Neighbour: `tests/cluster/dashboards.rs` runs every query against a running operator.

#[path = "../boards/mod.rs"]
mod boards;
mod dashboards;
#[path = "../generated/mod.rs"]
mod generated;
mod names;
mod rules;
