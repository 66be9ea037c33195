//! The only clock. Everything else takes time as an argument, so that the engine can be replayed and tested.

use jiff::Timestamp;

/// The present instant.
#[allow(clippy::disallowed_methods)] // this is the one place that the lint points to
pub fn now() -> Timestamp {
    Timestamp::now()
}
