//! The reconcile of one policy, in five calls: validate, observe, decide, actuate, report.
//!
//! `now` is read once. A policy's own requests come one after the other; nothing is locked that another policy needs.
//! Whatever fails on the way becomes part of the report; what cannot be reported is an error.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::controller::Action as Requeue;
use kube::runtime::reflector::ObjectRef;

use super::context::Context;
use super::error::Error;
use super::history::{Feed, lead};
use super::memory::{Memory, Settling};
use super::publish::{self, Policy as Subject};
use crate::actuate::{self, ActuateError};
use crate::api::ScalingPolicy;
use crate::clock;
use crate::engine::decide;
use crate::engine::decision::Decision;
use crate::engine::forecast::Settings;
use crate::engine::observation::Observation;
use crate::engine::policy::Policy;
use crate::observe::{Target, scale};
use crate::report::metrics::{ErrorKind, WriteOutcome};
use crate::report::status::{Actuation, Decided, Situation};

/// How long to wait after an error of the API server before the same policy is tried again.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// Wait after a conflict: the watch has to bring what changed before another decision makes sense.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);
/// Over so long the first looks after a start are spread: the default interval.
const SPREAD: SignedDuration = SignedDuration::from_secs(15);

/// Reconciles one policy and says when to come again.
///
/// # Errors
/// [`Error::Status`] when the status could not be written.
pub async fn reconcile(object: Arc<ScalingPolicy>, context: Arc<Context>) -> Result<Requeue, Error> {
    let begun = Instant::now();
    let reference = ObjectRef::from_obj(&*object);
    let shared = context.memory(&reference);
    let mut memory = shared.lock().await;
    let result = one(&object, &reference, &context, &mut memory).await;
    if !context.remembers(&reference, &shared) {
        // Deleted meanwhile: what this turn showed of it must not stay on the metrics page.
        let namespace = object.namespace().unwrap_or_default();
        context.metrics.forget_policy(&namespace, &object.name_any());
    }
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
    let next = until_next(&uid, policy.interval, now);
    if !std::mem::replace(&mut memory.seen, true)
        && let Some(wait) = first_wait(object, context.began, next, now)
    {
        return Ok(Turn {
            next: Requeue::requeue(wait),
            failure: None,
        });
    }

    // observe (I/O)
    if let Ok(key) = scale::key(&object.spec.target_ref, &namespace) {
        context.scales(reference, memory.target.as_ref(), &key);
        memory.target = Some(key);
    }
    let found = scale::target(
        &context.client,
        &context.targets,
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
                next: Requeue::requeue(next),
                failure: Some(ErrorKind::Target),
            });
        }
    };
    memory.state(&target.uid, target.replicas.spec, now);
    if let Some(until) = memory.settles(target.replicas.spec, now) {
        return Ok(Turn {
            next: Requeue::requeue(wait_until(until, now)),
            failure: None,
        });
    }
    let observation = observe(object, &policy, &target, context, memory, now).await;

    // decide (pure)
    let state = memory.state(&target.uid, observation.replicas.spec, now);
    let decision = decide(&policy, state, &observation, now);
    state.record(&policy, &decision);
    context.metrics.decided(&decision);

    // actuate (I/O)
    let written = act(object, &decision, &target, context, memory).await;
    let next = next.min(until_window(&decision, now));

    // report (I/O)
    let situation = Decided {
        policy: &policy,
        decision: &decision,
        state: &memory.state(&target.uid, observation.replicas.spec, now).clone(),
        target_uid: &target.uid,
        forecast: observation.forecast.as_ref(),
        startup: memory.startup,
        pending: memory.pending,
        actuation: match &written {
            Written::Nothing | Written::Conflict => Actuation::Nothing,
            Written::Scaled => Actuation::Scaled,
            Written::Failed(message) => Actuation::Failed(message),
        },
    };
    publish::report(context, subject, memory, Situation::Decided(situation), now).await?;
    memory.conflicts = match written {
        Written::Conflict => memory.conflicts.saturating_add(1),
        _ => 0,
    };
    let (next, failure) = match written {
        Written::Nothing => (next, None),
        Written::Scaled => {
            let until = settled(&uid, &policy, &decision, now);
            let event = decision.change();
            memory.settling = event.map(|event| Settling { event, until });
            (wait_until(until, now), None)
        }
        // Somebody else writes as well; the more often, the less we insist.
        Written::Conflict => (
            AFTER_CONFLICT
                .saturating_mul(1 << memory.conflicts.min(16))
                .min(next.max(AFTER_CONFLICT)),
            None,
        ),
        Written::Failed(_) => (next, Some(ErrorKind::Scale)),
    };
    Ok(Turn {
        next: Requeue::requeue(next),
        failure,
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
        .and_then(|s| context.pods.startup(&namespace, s));
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
) -> Written {
    let Some(event) = decision.change() else {
        return Written::Nothing;
    };
    memory.announce(event);
    let status = memory.status.clone().unwrap_or_default();
    match publish::announce(context, object, &status).await {
        Ok(()) => {}
        // The policy was edited or deleted since it was read; its own event brings the next decision.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => return Written::Conflict,
        Err(error) => {
            return Written::Failed(format!("the change could not be announced in the status: {error}"));
        }
    }
    let name = &object.spec.target_ref.name;
    let written = actuate::scale(&target.api, name, &target.uid, event.from, event.to).await;
    context.metrics.scale_written(match &written {
        Ok(()) => WriteOutcome::Succeeded,
        Err(ActuateError::Conflict) => WriteOutcome::Conflict,
        Err(_) => WriteOutcome::Failed,
    });
    memory.pending = None;
    match written {
        Ok(()) => {
            memory.state(&target.uid, event.from, decision.at).scaled(event);
            Written::Scaled
        }
        Err(ActuateError::Conflict) => Written::Conflict,
        Err(error) => {
            if matches!(error, ActuateError::Unknown(_)) {
                memory.pending = Some(event);
            }
            Written::Failed(error.to_string())
        }
    }
}

/// When a change has settled: at the policy's next turn that is at least half an interval away, because a sample is
/// shared for so long, and scaling a second time on the sample that the first change was made by would be wrong. At a
/// window's edge at the latest.
fn settled(uid: &str, policy: &Policy, decision: &Decision, now: Timestamp) -> Timestamp {
    let after = |wait: Duration| {
        SignedDuration::try_from(wait)
            .ok()
            .and_then(|w| now.checked_add(w).ok())
    };
    let mut wait = until_next(uid, policy.interval, now);
    let interval = Duration::try_from(policy.interval).unwrap_or_default();
    if wait < interval / 2 {
        wait += interval;
    }
    after(wait.min(until_window(decision, now))).unwrap_or(now)
}

/// Time until a window opens or closes; a policy's floor acts at once, not at its next turn.
fn until_window(decision: &Decision, now: Timestamp) -> Duration {
    let edges = decision.windows.iter().filter_map(|w| w.until);
    edges.min().map_or(Duration::MAX, |edge| wait_until(edge, now))
}

fn wait_until(at: Timestamp, now: Timestamp) -> Duration {
    // Rounded up to a millisecond: a timer that fires early would find nothing changed.
    let millis = u64::try_from(at.duration_since(now).as_millis()).unwrap_or(0);
    Duration::from_millis(millis + 1)
}

/// The wait before the first look after a start: policies that were there already are spread over an interval, at most
/// over that of most policies, instead of being asked for all at once. A new policy is looked at without delay.
fn first_wait(object: &ScalingPolicy, began: Timestamp, next: Duration, now: Timestamp) -> Option<Duration> {
    let created = object.metadata.creation_timestamp.as_ref()?.0;
    let starting = now.duration_since(began) < SPREAD;
    let spread = Duration::try_from(SPREAD).unwrap_or_default();
    (starting && created < began - SPREAD)
        .then(|| Duration::from_nanos(next.as_nanos() as u64 % spread.as_nanos() as u64))
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
