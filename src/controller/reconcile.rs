//! The reconcile of one policy, in five calls: validate, observe, decide, actuate, report.
//!
//! `now` is read once. A policy's own requests come one after the other; nothing is locked that another policy needs.
//! Whatever fails on the way becomes part of the report: the only error is a status that could not be written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::controller::Action as Requeue;
use kube::runtime::reflector::ObjectRef;

use super::context::Context;
use super::error::Error;
use super::history::{Feed, lead};
use super::memory::Memory;
use super::publish::{self, Policy as Subject};
use crate::actuate::{self, ActuateError};
use crate::api::ScalingPolicy;
use crate::clock;
use crate::engine::decide;
use crate::engine::decision::{Action, Decision};
use crate::engine::forecast::Settings;
use crate::engine::observation::Observation;
use crate::engine::policy::Policy;
use crate::engine::state::ScaleEvent;
use crate::observe::{Target, scale};
use crate::report::metrics::{ErrorKind, WriteOutcome};
use crate::report::status::{Actuation, Decided, Situation};

/// How long to wait after an error of the API server before the same policy is tried again.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// Wait after a conflict: the watch has to bring what changed before another decision makes sense.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);

/// Reconciles one policy and says when to come again.
///
/// # Errors
/// [`Error::Status`] when the status could not be written.
pub async fn reconcile(object: Arc<ScalingPolicy>, context: Arc<Context>) -> Result<Requeue, Error> {
    let begun = Instant::now();
    let reference = ObjectRef::from_obj(&*object);
    let memory = context.memory(&reference);
    let mut memory = memory.lock().await;
    let result = one(&object, &reference, &context, &mut memory).await;
    let failure = match &result {
        Ok(turn) => turn.failure,
        Err(error) => Some(error.kind()),
    };
    context.metrics.reconciled(begun.elapsed(), failure);
    result.map(|turn| turn.next)
}

/// The end of a reconcile whose report was written.
struct Turn {
    /// When to come again.
    next: Requeue,
    /// What kept it from doing all it should; the status says so.
    failure: Option<ErrorKind>,
}

/// What to do after an error.
pub fn error_policy(object: Arc<ScalingPolicy>, error: &Error, _: Arc<Context>) -> Requeue {
    tracing::warn!(namespace = object.namespace(), policy = object.name_any(), %error, "will be tried again");
    Requeue::requeue(AFTER_ERROR)
}

async fn one(
    object: &ScalingPolicy,
    reference: &ObjectRef<ScalingPolicy>,
    context: &Arc<Context>,
    memory: &mut Memory,
) -> Result<Turn, Error> {
    let now = clock::now();
    let (Some(uid), Some(namespace)) = (object.uid(), object.namespace()) else {
        return Err(Error::Anonymous);
    };
    let subject = Subject { object, reference };

    // validate (pure)
    memory.refresh(&uid, object);
    let policy = match memory.policy.clone() {
        Some(Ok(policy)) => policy,
        Some(Err(invalid)) => {
            publish::report(context, subject, memory, Situation::InvalidSpec(&invalid), now).await?;
            // Nothing can come of it before the spec changes, and that wakes us.
            return Ok(Turn {
                next: Requeue::await_change(),
                failure: Some(ErrorKind::InvalidSpec),
            });
        }
        None => return Err(Error::Anonymous),
    };
    let next = Requeue::requeue(until_next(&uid, policy.interval, now));

    // observe (I/O)
    if let Ok(key) = scale::key(&object.spec.target_ref, &namespace) {
        context.scales(reference, memory.target.as_ref(), &key);
        memory.target = Some(key);
    }
    let found = scale::target(
        &context.client,
        &context.targets,
        &context.pods,
        &context.kinds,
        &object.spec.target_ref,
        &namespace,
    );
    let target = match found.await {
        Ok(target) => target,
        Err(error) => {
            let message = error.to_string();
            let situation = publish::unreachable(&object.spec.target_ref, &error, &message);
            publish::report(context, subject, memory, situation, now).await?;
            return Ok(Turn {
                next,
                failure: Some(ErrorKind::Target),
            });
        }
    };
    let observation = observe(object, &policy, &target, context, memory, now).await;

    // decide (pure)
    let state = memory.state(observation.replicas.spec, now);
    let decision = decide(&policy, state, &observation, now);
    state.record(&policy, &decision);
    context.metrics.decided(&decision);

    // actuate (I/O)
    let outcome = act(object, &decision, &target, context, memory).await;

    // report (I/O)
    let situation = Decided {
        policy: &policy,
        decision: &decision,
        state: &memory.state(observation.replicas.spec, now).clone(),
        forecast: observation.forecast.as_ref(),
        startup: memory.startup,
        pending: outcome.pending,
        actuation: match &outcome.result {
            Written::Nothing | Written::Conflict => Actuation::Nothing,
            Written::Scaled => Actuation::Scaled,
            Written::Failed(message) => Actuation::Failed(message),
        },
    };
    publish::report(context, subject, memory, Situation::Decided(situation), now).await?;
    Ok(match outcome.result {
        Written::Nothing | Written::Scaled => Turn { next, failure: None },
        Written::Conflict => Turn {
            next: Requeue::requeue(AFTER_CONFLICT),
            failure: None,
        },
        Written::Failed(_) => Turn {
            next,
            failure: Some(ErrorKind::Scale),
        },
    })
}

/// Asks for every metric at once, and for the forecast.
async fn observe(
    object: &ScalingPolicy,
    policy: &Policy,
    target: &Target,
    context: &Arc<Context>,
    memory: &mut Memory,
    now: Timestamp,
) -> Observation {
    let asked = object.spec.metrics.iter().map(|m| {
        let source = &m.prometheus;
        context.servers.value(&source.server, &source.query, policy.interval)
    });
    let samples = futures::future::join_all(asked).await;
    let dated = samples.into_iter().zip(&policy.metrics).enumerate();
    let samples: Vec<_> = dated
        .map(|(i, (sample, metric))| memory.dated(i, &metric.name, sample, now))
        .collect();

    let namespace = object.namespace().unwrap_or_default();
    let measured = target
        .selector
        .as_ref()
        .and_then(|s| context.pods.startup(&namespace, s, memory.startup));
    memory.startup = measured.or(memory.startup);
    let forecast = match &policy.prediction {
        None => {
            memory.feed = None;
            None
        }
        Some(prediction) => {
            let present = memory.feed.as_ref().map(|f| f.settings().lead);
            let settings = Settings {
                lead: lead(prediction, memory.startup, policy.interval, present),
                history: prediction.history,
            };
            let source = &object.spec.metrics[prediction.metric].prometheus;
            let value = samples.get(prediction.metric).and_then(|s| s.as_ref().ok()).copied();
            let feed = Feed::keep(memory.feed.take(), source, settings);
            let feed = memory.feed.insert(feed);
            feed.forecast(&context.servers, value, now).await
        }
    };
    Observation {
        replicas: target.replicas,
        samples,
        forecast,
    }
}

/// What became of a decision's write.
struct Outcome {
    result: Written,
    /// A change that was announced and may or may not have been made.
    pending: Option<ScaleEvent>,
}

enum Written {
    Nothing,
    Scaled,
    Conflict,
    Failed(String),
}

/// Announces the change in the status, makes it, and remembers it. The announcement comes first so that a crash in
/// between cannot lose the cooldown: without it, no write.
async fn act(
    object: &ScalingPolicy,
    decision: &Decision,
    target: &Target,
    context: &Arc<Context>,
    memory: &mut Memory,
) -> Outcome {
    let Action::Scale { to, forced } = decision.action else {
        return Outcome {
            result: Written::Nothing,
            pending: None,
        };
    };
    let event = ScaleEvent {
        at: decision.at,
        from: decision.current,
        to,
        forced,
    };
    if let Err(error) = publish::announce(context, object, event).await {
        return Outcome {
            result: Written::Failed(format!("the change could not be announced in the status: {error}")),
            pending: None,
        };
    }
    memory.announced(event);
    let name = &object.spec.target_ref.name;
    let written = actuate::scale(&target.api, name, &target.uid, event.from, event.to).await;
    context.metrics.scale_written(match &written {
        Ok(()) => WriteOutcome::Succeeded,
        Err(ActuateError::Conflict) => WriteOutcome::Conflict,
        Err(_) => WriteOutcome::Failed,
    });
    match written {
        Ok(()) => {
            memory.state(event.from, decision.at).scaled(event);
            Outcome {
                result: Written::Scaled,
                pending: None,
            }
        }
        Err(ActuateError::Conflict) => Outcome {
            result: Written::Conflict,
            pending: None,
        },
        Err(error) => Outcome {
            result: Written::Failed(error.to_string()),
            // The answer was lost, perhaps not the write.
            pending: Some(event).filter(|_| matches!(error, ActuateError::Api(_))),
        },
    }
}

/// Time until the policy's next turn. Turns lie on a grid of the interval, shifted by a hash of the uid: ten thousand
/// policies that begin together spread over the interval, and stay spread after a restart.
fn until_next(uid: &str, interval: SignedDuration, now: Timestamp) -> Duration {
    let interval = u64::try_from(interval.as_millis()).unwrap_or(15_000).max(1);
    let phase = uid.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a: stable across restarts, unlike std's hasher
    }) % interval;
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Duration::from_millis(interval - (now + interval - phase) % interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_one_interval_apart_and_spread() {
        let interval = SignedDuration::from_secs(15);
        let mut first = Vec::new();
        for i in 0..1000 {
            let uid = format!("uid-{i}");
            let mut now = Timestamp::from_second(1_700_000_000).unwrap();
            let wait = until_next(&uid, interval, now);
            assert!(wait > Duration::ZERO && wait <= Duration::from_secs(15));
            first.push(wait);
            now += SignedDuration::try_from(wait).unwrap();
            assert_eq!(until_next(&uid, interval, now), Duration::from_secs(15));
        }
        let early = first.iter().filter(|w| **w < Duration::from_secs(5)).count();
        assert!(
            (250..420).contains(&early),
            "a third within the first third, got {early}"
        );
    }
}
