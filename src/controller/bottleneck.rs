//! The view on a target's pods: asked for after the decision was made and written, so that neither can depend on it nor
//! wait for it.
//!
//! Without `spec.bottleneck` nothing is asked and nothing is kept. The memory of earlier looks lives in this process; what
//! was told comes back from the status.

use super::context::Context;
use super::memory::Memory;
use super::reconcile::sight;
use crate::api::ScalingPolicy;
use crate::engine::bottleneck::Bottleneck;
use crate::engine::decision::Decision;
use crate::engine::observation::{Observation, usable};
use crate::engine::policy::{Policy, Rule, Target};
use crate::observe::{self, Target as Observed, TargetKey};

/// The target's pods against their limits, where the policy asks for it.
pub(super) async fn look(
    object: &ScalingPolicy,
    policy: &Policy,
    target: (&TargetKey, &Observed),
    context: &Context,
    memory: &mut Memory,
    (observation, decision): (&Observation, &Decision),
) -> Option<Bottleneck> {
    let Some((spec, limits)) = object.spec.bottleneck.as_ref().zip(memory.limits) else {
        memory.looks = None;
        return None;
    };
    let sight = sight(context, target, policy.interval, decision.at);
    let mut look = observe::bottleneck::look(&sight, spec).await;
    look.total = total(policy, observation);
    (look.current, look.ceiling) = (decision.current, decision.range.ceiling);
    Some(memory.looks(&target.1.uid).look(&limits, &look, decision.at))
}

/// The load of all pods together: the first metric that is one, the target of which is an average value.
fn total(policy: &Policy, observation: &Observation) -> Option<f64> {
    let mut metrics = policy.metrics.iter().zip(&observation.samples);
    let is_total = |rule: &Rule| matches!(rule.target(), Some(Target::AverageValue(_)));
    let (_, sample) = metrics.find(|(metric, _)| is_total(&metric.rule))?;
    usable(Some(sample)).ok()
}
