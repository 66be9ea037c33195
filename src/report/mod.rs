//! Telling people: the typed decision as words, status, events and Prometheus metrics.
//!
//! Pure: nothing here publishes, patches or reads a clock; `controller/` does. Everything renders the one
//! [`Decision`](crate::engine::decision::Decision), so that `kubectl get`, `describe`, the log, the dashboards and
//! `simulate` cannot disagree. It must never decide anything.
//!
//! `words` (sentences) ← `status` (the object's status) ← `events` (what changed), `explain` (why, read back from the
//! status); `metrics` stands alone.

pub mod events;
pub mod explain;
#[cfg(test)]
mod fixtures;
pub mod metrics;
pub mod status;
pub mod words;
