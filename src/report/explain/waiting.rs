//! Threshold rules that wait for their own cooldown: until when, and for how many they would ask but for it.
//!
//! Asked of the rule itself, with and without the changes that it won: the decision that made a change was made before
//! the rule's cooldown began.

use jiff::Timestamp;

use super::view::Known;
use crate::engine::decision::{Abstention, Basis, Outcome, Proposal, Source};
use crate::engine::policy::{Metric, Rule};
use crate::engine::propose::band::{self, Question};
use crate::engine::state::RuleTimes;

/// A rule beyond its threshold that proposes the present count, because its own cooldown runs.
pub(super) struct Waiting<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// Its value.
    pub value: f64,
    /// The threshold that it is beyond.
    pub threshold: f64,
    /// The replicas that it would ask for.
    pub replicas: u32,
    /// The end of its cooldown.
    pub until: Timestamp,
}

/// The rules that wait at `now`, with the values of the last decision.
pub(super) fn rules<'a>(known: &'a Known<'_>, now: Timestamp) -> Vec<Waiting<'a>> {
    let each = known.policy.metrics.iter().filter_map(|metric| {
        let Rule::Thresholds(rule) = metric.rule else {
            return None;
        };
        let value = value(told(known, metric)?)?;
        let until = cooling(question(known, metric, known.state.rules(), now), value)?;
        let asks = band::outcome(question(known, metric, &[], now), value);
        let Outcome::Replicas { replicas, .. } = asks else {
            return None;
        };
        let below = rule.down.map(|step| step.at).filter(|at| value < *at);
        Some(Waiting {
            name: &metric.name,
            value,
            threshold: below.unwrap_or(rule.up.at),
            replicas,
            until,
        })
    });
    each.filter(|w| w.replicas != known.replicas.spec).collect()
}

/// What a rule's own cooldown keeps it from, whatever the count that it would ask for.
pub(super) struct Cooldowns<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// The threshold above which it would ask for more.
    pub above: f64,
    /// Until when it would not even there.
    pub up: Option<Timestamp>,
    /// Until when it asks for the present count although it is above, so that nothing shrinks below it.
    pub holds: Option<Timestamp>,
}

/// The threshold rules with the cooldowns that run at `now`.
pub(super) fn cooldowns<'a>(known: &'a Known<'_>, now: Timestamp) -> Vec<Cooldowns<'a>> {
    let each = known.policy.metrics.iter().filter_map(|metric| {
        let Rule::Thresholds(rule) = metric.rule else {
            return None;
        };
        let value = value(told(known, metric)?)?;
        let cools = |value| cooling(question(known, metric, known.state.rules(), now), value);
        let up = cools(value.max(rule.up.at.next_up()));
        Some(Cooldowns {
            name: &metric.name,
            above: rule.up.at,
            up,
            holds: up.filter(|_| value > rule.up.at),
        })
    });
    each.collect()
}

/// What the metric proposed in the decision.
pub(super) fn told<'a>(known: &'a Known<'_>, metric: &Metric) -> Option<&'a Proposal> {
    let mut all = known.decision.proposals.iter();
    all.find(|p| matches!(&p.source, Source::Metric(name) if *name == metric.name))
}

/// The value behind a proposal.
pub(super) fn value(proposal: &Proposal) -> Option<f64> {
    match proposal.outcome {
        Outcome::Replicas { value, .. } | Outcome::Abstains(Abstention::NotAbove { value }) => Some(value),
        // What a plan stands in for changes nothing by its value.
        Outcome::Preview { .. } | Outcome::Replaced { .. } | Outcome::Abstains(_) | Outcome::Invalid(_) => None,
    }
}

/// A question about the count that the next decision starts from.
pub(super) fn question<'a>(
    known: &'a Known<'_>,
    metric: &'a Metric,
    won: &'a [RuleTimes],
    now: Timestamp,
) -> Question<'a> {
    Question {
        policy: known.policy,
        metric,
        won,
        replicas: known.replicas,
        now,
    }
}

/// Until when the rule's own cooldown keeps it from a step at this value.
pub(super) fn cooling(about: Question<'_>, value: f64) -> Option<Timestamp> {
    match band::outcome(about, value) {
        Outcome::Replicas {
            basis: Basis::Cooling { until },
            ..
        } => Some(until),
        _ => None,
    }
}
