//! Whether a forecast may be acted on, and if not, why, with the numbers. (Where ramps are foreseen, `answer` overrules it.)
//!
//! Distrust is the default: a forecast that abstains costs nothing, because the metric's fixed target rules beside it.
//! The gate knows errors and ages; it must never look at the load or at what scaling would result.
//!
//! Neighbours: `backtest` supplies errors, `mod` asks once per forecast.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::backtest::Errors;

/// Trust ends when the model's error exceeds the best naive forecast's by this factor: the goal is never to be more
/// than 2 % worse than naive.
const WORSE: f64 = 1.02;
/// … and returns when it is no worse. The space between keeps trust from flapping with every bucket.
const AS_GOOD: f64 = 1.0;
/// Errors below this share of the load are all the same: a constant load is forecast to within rounding by everyone.
const NEGLIGIBLE: f64 = 1e-3;

/// Whether a forecast may be acted on.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// It may.
    Trusted,
    /// It may not, for this reason.
    Abstains(Abstention),
}

impl Trust {
    /// Whether the forecast may be acted on.
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted)
    }
}

/// How much history there is, in buckets of 5 minutes in which load was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Samples {
    /// Buckets learnt.
    pub have: u64,
    /// Buckets needed before a forecast is trusted.
    pub need: u64,
}

/// Why a forecast is not to be acted on. `Display` says it in words for an admin.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Abstention {
    /// The seasons cannot be known yet.
    TooLittleHistory(Samples),
    /// The newest observation is too old, or there is none.
    Stale {
        /// The newest observation.
        since: Option<Timestamp>,
    },
    /// The clock went back behind the newest observation.
    ClockWentBack {
        /// The newest observation.
        newest: Timestamp,
    },
    /// Even the best model was worse than a naive forecast: in practice, than the last value, which speaks instead.
    WorseThanNaive(Errors),
    /// The plan would have been short of capacity for clearly longer than the metric's own target, lately.
    ShortOfTarget {
        /// Recent seconds that the plan was short; older ones weigh less.
        plan: f64,
        /// Recent seconds that the target would have been.
        target: f64,
    },
    /// The objective's signal has had no usable value since then: nobody would tell if the target were short.
    NoSignal {
        /// Its last word.
        since: Option<Timestamp>,
    },
    /// The target is short at half of the capacity that the policy believes in: what is wrong is not the margin.
    CapacityFarOff,
    /// History was asked for and could not be read.
    NoHistory {
        /// Why, in the words of whoever was asked.
        why: Arc<str>,
    },
    /// The newest observation is the first after a gap: there is no recent load to go by.
    Gap,
    /// The model's answer was no number.
    NotFinite {
        /// The load that it answered.
        value: f64,
    },
}

impl fmt::Display for Abstention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHistory { why } => write!(f, "the load's history cannot be read: {why}"),
            Self::TooLittleHistory(Samples { have, need }) => {
                let hours = |buckets: u64| buckets as f64 / 12.0;
                write!(
                    f,
                    "only {:.1} h of load are known so far, {:.0} h are needed",
                    hours(*have),
                    hours(*need)
                )
            }
            Self::Stale { since: Some(since) } => {
                write!(f, "no load has been observed since {since:.0}")
            }
            Self::Stale { since: None } => write!(f, "no load has been observed yet"),
            Self::ClockWentBack { newest } => write!(f, "the clock went back: load is already known up to {newest:.0}"),
            Self::WorseThanNaive(Errors { model, naive }) => write!(
                f,
                "the forecast is off by {:.1} % on average, repeating the last value, day or week only by {:.1} %",
                100.0 * model,
                100.0 * naive
            ),
            Self::ShortOfTarget { plan, target } => write!(
                f,
                "lately the plan would have been short for {:.0} min, the metric's own target for {:.0} min",
                plan / 60.0,
                target / 60.0
            ),
            Self::NoSignal { since: Some(since) } => write!(
                f,
                "the objective's signal has had no value since {since:.0}: nobody would tell if the target were short"
            ),
            Self::NoSignal { since: None } => write!(
                f,
                "the objective's signal has had no value yet: nobody would tell if the target were short"
            ),
            Self::CapacityFarOff => write!(
                f,
                "the target is short of capacity at half of what spec.prediction.capacity says; measure it again"
            ),
            Self::Gap => write!(f, "the load just before the newest observation is missing"),
            Self::NotFinite { value } => write!(f, "the model answered {value}, which is no load"),
        }
    }
}

/// The part of the judgement that remembers: whether the model is worse than naive.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    worse: bool,
}

impl Gate {
    /// Takes note of the errors after another outcome is known.
    pub(super) fn judge(&mut self, errors: Errors) {
        let factor = if self.worse { AS_GOOD } else { WORSE };
        self.worse = errors.model > factor * errors.naive && errors.model > NEGLIGIBLE;
    }

    /// Whether the model is worse than naive.
    pub(super) fn is_worse(&self) -> bool {
        self.worse
    }

    /// The reason not to trust the model, if its errors are one.
    pub(super) fn objection(&self, errors: Option<Errors>) -> Option<Abstention> {
        errors.filter(|_| self.worse).map(Abstention::WorseThanNaive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_ends_beyond_two_percent_and_returns_at_equality() {
        let mut gate = Gate::default();
        for (model, naive, trusted) in [
            (0.100, 0.100, true),
            (0.101, 0.100, true), // within 2 %
            (0.103, 0.100, false),
            (0.101, 0.100, false), // hysteresis
            (0.100, 0.100, true),
            (0.0009, 0.0, true), // negligible, however much worse
            (0.0011, 0.0, false),
        ] {
            let errors = Errors { model, naive };
            gate.judge(errors);
            let expected = (!trusted).then_some(Abstention::WorseThanNaive(errors));
            assert_eq!(gate.objection(Some(errors)), expected, "{model} against {naive}");
        }
    }

    #[test]
    fn reasons_are_sentences_with_their_numbers() {
        let at: Timestamp = "2026-03-01T08:00:00.25Z".parse().unwrap();
        for (reason, expected) in [
            (
                Abstention::TooLittleHistory(Samples { have: 18, need: 576 }),
                "only 1.5 h of load are known so far, 48 h are needed",
            ),
            (
                Abstention::Stale { since: Some(at) },
                "no load has been observed since 2026-03-01T08:00:00Z",
            ),
            (Abstention::Stale { since: None }, "no load has been observed yet"),
            (
                Abstention::ClockWentBack { newest: at },
                "the clock went back: load is already known up to 2026-03-01T08:00:00Z",
            ),
            (
                Abstention::WorseThanNaive(Errors {
                    model: 0.2,
                    naive: 0.105,
                }),
                "the forecast is off by 20.0 % on average, repeating the last value, day or week only by 10.5 %",
            ),
            (
                Abstention::Gap,
                "the load just before the newest observation is missing",
            ),
            (
                Abstention::NotFinite { value: f64::NAN },
                "the model answered NaN, which is no load",
            ),
        ] {
            assert_eq!(reason.to_string(), expected);
        }
    }
}
