//! Combining: the largest proposal wins, and a metric without a value blocks the way down.
//!
//! Knows proposals only, not the rules that made them nor the damping that follows.

use super::decision::{Limit, LimitKind, Outcome, Proposal};

/// Index of the largest proposal; the earliest of equals, so a metric wins over a window, a window over the forecast.
pub(super) fn largest(proposals: &[Proposal]) -> Option<usize> {
    let mut best: Option<(usize, u32)> = None;
    for (i, proposal) in proposals.iter().enumerate() {
        if let Outcome::Replicas { replicas, .. } = proposal.outcome
            && best.is_none_or(|(_, most)| replicas > most)
        {
            best = Some((i, replicas));
        }
    }
    best.map(|(i, _)| i)
}

/// The wanted count: the winner's, or the present one where nobody proposes; never below the present one while a
/// metric has no usable value (kubernetes#99394: a missing metric must not look like no load).
pub(super) fn replicas(proposals: &[Proposal], winner: Option<usize>, current: u32, limits: &mut Vec<Limit>) -> u32 {
    let wanted = match winner.and_then(|i| proposals.get(i)).map(|p| &p.outcome) {
        Some(Outcome::Replicas { replicas, .. }) => *replicas,
        _ => current,
    };
    let blind = proposals.iter().any(|p| matches!(p.outcome, Outcome::Invalid(_)));
    if blind && wanted < current {
        limits.push(Limit {
            kind: LimitKind::MetricInvalid,
            before: wanted,
            after: current,
            until: None,
        });
        return current;
    }
    wanted
}
