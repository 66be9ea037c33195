//! The view on a target's pods: asked for after the decision was made, written and reported, in a task of its own, and told
//! at the next turn. So no decision depends on it, and neither a report, a policy's next turn nor the end of the process
//! waits for it.
//!
//! Without `spec.bottleneck` nothing is asked and nothing is kept. The memory of earlier looks lives in this process; what
//! was told comes back from the status.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::context::Context;
use super::memory::Memory;
use super::reconcile::sight;
use crate::api::ScalingPolicy;
use crate::engine::bottleneck::{Bottleneck, Look, State};
use crate::engine::decision::Decision;
use crate::engine::observation::{Observation, usable};
use crate::engine::policy::{Policy, Rule, Target};
use crate::observe::{self, Target as Observed, TargetKey};

/// What is kept of the pods of one target.
pub(super) struct Watch {
    /// The target's uid.
    target: String,
    state: State,
    /// What the last look made of them; `None` before the first has ended.
    told: Option<Bottleneck>,
    /// The look that is under way, and of when it is.
    looking: Option<(Timestamp, JoinHandle<Look>)>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Watch {
    /// Nothing was seen yet but what `state` remembers.
    pub(super) fn new(target: &str, state: State) -> Watch {
        Watch {
            target: target.to_owned(),
            state,
            told: None,
            looking: None,
        }
    }

    pub(super) fn is_of(&self, target: &str) -> bool {
        self.target == target
    }

    /// The look that is under way is no longer wanted: the spec is another.
    pub(super) fn forget(&mut self) {
        if let Some((_, task)) = self.looking.take() {
            task.abort();
        }
    }
}

/// What is told of the pods of the target with this uid, where the policy asks for it; `Some(None)`: not seen yet. Takes in
/// the last look if it has ended, and waits for none.
pub(super) async fn told(target: &str, memory: &mut Memory) -> Option<Option<Bottleneck>> {
    let Some(limits) = memory.limits else {
        memory.watch = None;
        return None;
    };
    let watch = memory.watch(target);
    if let Some((at, task)) = watch.looking.take_if(|(_, task)| task.is_finished())
        // Where it did not end well it is asked for again.
        && let Ok(look) = task.await
    {
        watch.told = Some(watch.state.look(&limits, &look, at));
    }
    Some(watch.told.clone())
}

/// Begins the next look, where the policy asks for it and none is under way.
pub(super) fn begin(
    object: &ScalingPolicy,
    policy: &Policy,
    (key, target): (TargetKey, Observed),
    context: &Arc<Context>,
    memory: &mut Memory,
    (observation, decision): (&Observation, &Decision),
) {
    let Some(spec) = object.spec.bottleneck.clone() else {
        return;
    };
    let Some(watch) = &mut memory.watch else { return };
    if watch.looking.is_some() {
        return;
    }
    let (context, interval, at) = (context.clone(), policy.interval, decision.at);
    let (total, current, ceiling) = (total(policy, observation), decision.current, decision.range.ceiling);
    let look = async move {
        let sight = sight(&context, (&key, &target), interval, at);
        Look {
            total,
            current,
            ceiling,
            ..observe::bottleneck::look(&sight, &spec).await
        }
    };
    watch.looking = Some((at, tokio::spawn(look)));
}

/// The load of all pods together: the first metric that is one, the target of which is an average value.
fn total(policy: &Policy, observation: &Observation) -> Option<f64> {
    let mut metrics = policy.metrics.iter().zip(&observation.samples);
    let is_total = |rule: &Rule| matches!(rule.target(), Some(Target::AverageValue(_)));
    let (_, sample) = metrics.find(|(metric, _)| is_total(&metric.rule))?;
    usable(Some(sample)).ok()
}
