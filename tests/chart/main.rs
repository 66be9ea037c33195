//! The Helm chart, by the real `helm`: what values render, what the schema refuses, and what is generated from it.
//!
//! `rows.yaml` is the table of values and what they make; no value is without a row. What only an API server can judge
//! (Pod Security, an installation from beginning to end) is in `tests/cluster/chart.rs`.

#[path = "../generated/mod.rs"]
mod generated;
mod manifests;
mod readme;
mod refusals;
mod release;
mod rows;
mod samples;
