//! What was seen at one instant: the target's replicas, each metric's value or failure, and the forecast.
//!
//! `observe/` fills it in from the cluster and Prometheus, `simulate/` from a trace. A missing or nonsensical input
//! is a value with a reason here, never an error: `decide` has to be able to say what it did about it.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::forecast::Forecast;
use super::reading::Reading;

/// Everything `decide` may look at besides policy, state and time.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The target's replicas.
    pub replicas: Replicas,
    /// One entry per metric, in the policy's order. A missing entry counts as a failure.
    pub samples: Vec<Sample>,
    /// The forecast, where the policy asks for one.
    pub forecast: Option<Forecast>,
    /// The value of the objective's signal, where the policy has one.
    pub signal: Option<Sample>,
    /// The measured start-up time of the target's pods, where one is known; for lead times of `auto`.
    pub startup: Option<SignedDuration>,
}

/// The target's replicas at the instant of observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// `spec.replicas` of the scale subresource: what is asked for. Never `status.replicas`: during a rollout that
    /// includes the surge, and feeding it back runs away (kubernetes#72775).
    pub spec: u32,
    /// Pods that are ready, where known.
    pub ready: Option<u32>,
}

/// What one metric's source said, or why it said nothing.
pub type Sample = Result<Reading, Failure>;

/// Why a metric has no usable value.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The class of the failure; stable, fit for a condition's reason and a metric's label.
    pub cause: Cause,
    /// What happened in words, with the server and the value where that helps.
    pub message: Arc<str>,
    /// Since when this metric has had no value, where known.
    pub since: Option<Timestamp>,
}

/// The classes of metric failure: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The server could not be reached.
    Unreachable,
    /// The server did not answer in time.
    Timeout,
    /// The server answered with an error or with something that is not its protocol.
    BadAnswer,
    /// The query has an error.
    BadQuery,
    /// The query returned nothing.
    Empty,
    /// The query returned more than one series.
    Ambiguous,
    /// The value is NaN or infinite.
    NotFinite,
    /// The value is negative.
    Negative,
    /// The sample is too old to act upon.
    Stale,
    /// No value was collected for this metric.
    Missing,
    /// The policy names a server that the operator was not given.
    UnknownServer,
    /// The operator may not read the metric.
    Forbidden,
    /// The cluster does not serve the API that the metric comes from.
    NotInstalled,
    /// The target has no pods.
    NoPods,
    /// A container has no request to measure its use against.
    NoRequest,
}

impl Cause {
    /// All of them, in the order of their declaration.
    pub const ALL: [Cause; 15] = [
        Cause::Unreachable,
        Cause::Timeout,
        Cause::BadAnswer,
        Cause::BadQuery,
        Cause::Empty,
        Cause::Ambiguous,
        Cause::NotFinite,
        Cause::Negative,
        Cause::Stale,
        Cause::Missing,
        Cause::UnknownServer,
        Cause::Forbidden,
        Cause::NotInstalled,
        Cause::NoPods,
        Cause::NoRequest,
    ];

    /// The name used in conditions, labels and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Unreachable => "Unreachable",
            Cause::Timeout => "Timeout",
            Cause::BadAnswer => "BadAnswer",
            Cause::BadQuery => "BadQuery",
            Cause::Empty => "Empty",
            Cause::Ambiguous => "Ambiguous",
            Cause::NotFinite => "NotFinite",
            Cause::Negative => "Negative",
            Cause::Stale => "Stale",
            Cause::Missing => "Missing",
            Cause::UnknownServer => "UnknownServer",
            Cause::Forbidden => "Forbidden",
            Cause::NotInstalled => "NotInstalled",
            Cause::NoPods => "NoPods",
            Cause::NoRequest => "NoRequest",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Failure {
    /// A failure of which only cause and message are known.
    pub fn new(cause: Cause, message: impl Into<Arc<str>>) -> Self {
        Failure {
            cause,
            message: message.into(),
            since: None,
        }
    }
}

/// The number of a sample as `decide` may use it: finite and not negative, or a failure that says which it was not.
///
/// # Errors
/// The sample's own failure, [`Cause::NotFinite`], [`Cause::Negative`], or [`Cause::Ambiguous`] for samples of pods.
pub fn usable(sample: Option<&Sample>) -> Result<f64, Failure> {
    let value = match sample {
        None => return Err(Failure::new(Cause::Missing, "no value was collected")),
        Some(Err(failure)) => return Err(failure.clone()),
        Some(Ok(Reading::Pods(_))) => return Err(Failure::new(Cause::Ambiguous, "the value is one number a pod")),
        Some(Ok(Reading::Number(value))) => *value,
    };
    if !value.is_finite() {
        return Err(Failure::new(Cause::NotFinite, format!("the value is {value}")));
    }
    if value < 0.0 {
        return Err(Failure::new(Cause::Negative, format!("the value is {value}")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_values_from_zero_up_are_usable() {
        let cause = |sample: Option<&Sample>| usable(sample).map_err(|f| f.cause);
        assert_eq!(cause(Some(&Ok(Reading::Number(0.0)))), Ok(0.0));
        assert_eq!(cause(Some(&Ok(Reading::Number(f64::MAX)))), Ok(f64::MAX));
        assert_eq!(cause(Some(&Ok(Reading::Number(f64::NAN)))), Err(Cause::NotFinite));
        assert_eq!(cause(Some(&Ok(Reading::Number(f64::INFINITY)))), Err(Cause::NotFinite));
        assert_eq!(cause(Some(&Ok(Reading::Number(-1.0)))), Err(Cause::Negative));
        let failed = Err(Failure::new(Cause::Timeout, "no answer in 5 s"));
        assert_eq!(cause(Some(&failed)), Err(Cause::Timeout));
        assert_eq!(cause(None), Err(Cause::Missing));
    }
}
