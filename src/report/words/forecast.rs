//! What is said of a forecast's part in a decision: its bound, the plan that replaces a target, and what that saves.
//!
//! Conditions and `explain` say the same with the same functions.

use super::{number, target};
use crate::engine::decision::{Basis, Decision, Outcome, Proposal, Source};
use crate::engine::forecast::Capacity;
use crate::engine::policy::Policy;

/// `load up to 1 530, target 200 per replica`, or `load up to 1 530 with a margin of 12 %, 250 per replica`.
pub(super) fn reason(policy: &Policy, metric: &str, load: f64, basis: Basis) -> String {
    let load = format!("load up to {}", number(load));
    match basis {
        Basis::Planned { capacity, margin } => {
            let believed = policy.prediction.as_ref().and_then(|p| p.objective).map(|o| o.capacity);
            let lower = |believed: &f64| {
                corrected(Capacity {
                    believed: *believed,
                    in_use: capacity,
                })
            };
            let corrected = believed.filter(lower).map_or(String::new(), |b| {
                format!(", not {} as spec.prediction.capacity says", number(b))
            });
            let (margin, capacity) = (percent(margin), number(capacity));
            format!("{load} with a margin of {margin}, {capacity} per replica{corrected}")
        }
        Basis::Idle => format!("{load}, idle: no replica is needed"),
        _ => format!("{load}, {}", target(policy, metric)),
    }
}

/// The fixed target that a plan has replaced, and whether the plan saves anything by it: `the fixed target would say 8`.
pub fn beside(decision: &Decision) -> Vec<String> {
    let fixed = replaced(decision).map(|(_, count)| format!("the fixed target would say {count}"));
    fixed.into_iter().chain(eaten(decision)).collect()
}

/// The metric whose target a plan has replaced, and the count that the target would say.
fn replaced(decision: &Decision) -> Option<(&str, u32)> {
    decision.proposals.iter().find_map(|p| match p.outcome {
        Outcome::Replaced { replicas, .. } => Some((p.source.name(), replicas)),
        _ => None,
    })
}

/// Who asks for more than the plan that is in force, so that its thinner margin saves nothing now.
pub fn eaten(decision: &Decision) -> Option<String> {
    let planned = decision.proposals.iter().find_map(|p| match (&p.source, &p.outcome) {
        (
            Source::Forecast(_),
            Outcome::Replicas {
                replicas,
                basis: Basis::Planned { .. },
                ..
            },
        ) => Some(*replicas),
        _ => None,
    })?;
    let winner = decision.winner.and_then(|i| decision.proposals.get(i))?;
    let Proposal {
        source,
        outcome: Outcome::Replicas { replicas, .. },
        ..
    } = winner
    else {
        return None;
    };
    (*replicas > planned).then(|| {
        let who = match source {
            Source::Metric(name) => format!("metric {name}"),
            Source::Schedule(name) => format!("schedule {name}"),
            Source::Forecast(name) => format!("the forecast of {name}"),
            Source::Fallback => "the fallback".to_owned(),
            Source::Baseline => "minReplicas".to_owned(),
        };
        format!("the forecast needs only {planned}, but {who} asks for {replicas}, which eats the saving")
    })
}

/// Whether less is counted with than is believed, by more than rounding would show.
pub fn corrected(capacity: Capacity) -> bool {
    capacity.in_use < 0.999 * capacity.believed
}

/// A fraction as `12 %`.
pub fn percent(fraction: f64) -> String {
    format!("{} %", number(100.0 * fraction))
}
