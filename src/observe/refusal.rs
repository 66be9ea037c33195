//! Why a request for a metric gave no value, as far as it matters to whoever asks next: is the server alive?
//!
//! `circuit.rs` counts those without an answer, the caches keep the others; to the engine all are a [`Failure`].

use crate::engine::observation::{Cause, Failure};

/// Why a request gave no value.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No answer came, or none in time; the server may be down.
    NoAnswer(Cause, String),
    /// Something came that is no value; the server is up.
    Answered(Cause, String),
    /// No request was made, for what became of those before.
    NotAsked(Cause, String),
    /// No request was made, for there is nothing to show to the server.
    NotLetIn(Cause, String),
}

impl Refusal {
    pub(super) fn cause(&self) -> Cause {
        let (Refusal::NoAnswer(cause, _)
        | Refusal::Answered(cause, _)
        | Refusal::NotAsked(cause, _)
        | Refusal::NotLetIn(cause, _)) = self;
        *cause
    }

    /// As the engine knows it, with who was asked.
    pub(super) fn failure(self, asked: &str) -> Failure {
        let (Refusal::NoAnswer(cause, what)
        | Refusal::Answered(cause, what)
        | Refusal::NotAsked(cause, what)
        | Refusal::NotLetIn(cause, what)) = self;
        Failure::new(cause, format!("{asked}: {what}"))
    }
}
