//! The fallback: one more candidate in the maximum once a metric has had no value for long enough.
//!
//! Never an override: healthy metrics that want more win (keda#6659), and while a metric fails nothing shrinks anyway.

use jiff::Timestamp;

use super::super::decision::{Abstention, Basis, Outcome, Proposal};
use super::super::policy::Fallback;

/// What the fallback proposes beside the metrics' proposals.
pub(super) fn propose(fallback: Fallback, metrics: &[Proposal], now: Timestamp) -> Outcome {
    let begins = metrics.iter().filter_map(|p| match &p.outcome {
        // Since when is not known at the first failure: it begins now.
        Outcome::Invalid(failure) => failure.since.unwrap_or(now).checked_add(fallback.after).ok(),
        _ => None,
    });
    match begins.min() {
        None => Outcome::Abstains(Abstention::Healthy),
        Some(at) if now < at => Outcome::Abstains(Abstention::FallbackAt { at }),
        Some(_) => Outcome::Replicas {
            replicas: fallback.replicas,
            value: f64::from(fallback.replicas),
            basis: Basis::Proportion,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decision::Source;
    use crate::engine::observation::{Cause, Failure};
    use jiff::SignedDuration;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    /// Failing since so many seconds ago; `None`: healthy.
    fn metrics(since: &[Option<Option<i64>>]) -> Vec<Proposal> {
        let outcome = |since: &Option<Option<i64>>| match since {
            None => Outcome::Replicas {
                replicas: 4,
                value: 4.0,
                basis: Basis::Proportion,
            },
            Some(since) => Outcome::Invalid(Failure {
                since: since.map(|s| now() - SignedDuration::from_secs(s)),
                ..Failure::new(Cause::Timeout, "no answer")
            }),
        };
        let proposal = |since| Proposal {
            source: Source::Metric("m".into()),
            outcome: outcome(since),
            pods: None,
        };
        since.iter().map(proposal).collect()
    }

    #[test]
    fn counts_once_a_metric_has_failed_for_long_enough() {
        let fallback = Fallback {
            replicas: 10,
            after: SignedDuration::from_secs(180),
        };
        let replicas = |since: &[_]| propose(fallback, &metrics(since), now());
        let ten = Outcome::Replicas {
            replicas: 10,
            value: 10.0,
            basis: Basis::Proportion,
        };
        let in_seconds = |s| {
            Outcome::Abstains(Abstention::FallbackAt {
                at: now() + SignedDuration::from_secs(s),
            })
        };
        assert_eq!(replicas(&[None, None]), Outcome::Abstains(Abstention::Healthy));
        assert_eq!(replicas(&[None, Some(Some(179))]), in_seconds(1));
        assert_eq!(replicas(&[None, Some(None)]), in_seconds(180));
        assert_eq!(replicas(&[None, Some(Some(180))]), ten);
        assert_eq!(
            replicas(&[Some(Some(10)), Some(Some(999))]),
            ten,
            "the first to fail counts"
        );
    }
}
