//! The reconcile of one policy, in five calls: validate, observe, decide, actuate, report.
//!
//! `now` is read once. A policy's own requests come one after the other; nothing is locked that another policy needs.
//! Whatever fails on the way becomes part of the report; what cannot be reported is an error.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::controller::Action as Requeue;
use kube::runtime::reflector::ObjectRef;
use tracing::field::Empty;
use tracing::{Span, info_span, instrument};

use super::context::Context;
use super::error::Error;
use super::history::lead;
use super::lease::Refused;
use super::memory::{Memory, Settling};
use super::publish::{self, Policy as Subject};
use super::shards::Lead;
use super::turns::{first_wait, lag, settled, until_next, until_window, wait_until};
use super::{bottleneck, rivals, scale_in};
use crate::actuate::{self, ActuateError};
use crate::api::ScalingPolicy;
use crate::clock;
use crate::engine::decide;
use crate::engine::decision::{Decision, Source};
use crate::engine::forecast::Settings;
use crate::engine::observation::{Observation, Sample};
use crate::engine::policy::{Policy, Prediction};
use crate::engine::reading::Reading;
use crate::observe::metrics::Sight;
use crate::observe::{Target, TargetKey, metrics, scale};
use crate::report::metrics::{ErrorKind, WriteOutcome};
use crate::report::status::{Actuation, Decided, Situation, View};
use crate::telemetry::SPANS;

/// How long to wait after an error of the API server before the same policy is tried again.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// Wait after a conflict: the watch has to bring what changed before another decision makes sense.
const AFTER_CONFLICT: Duration = Duration::from_millis(500);
/// Wait for a history that is being read: it comes within a second or two, and without it no plan is known.
const AWAITED: Duration = Duration::from_millis(250);

/// Reconciles one policy and says when to come again; not before the Lease is gained where another process acts for it.
///
/// # Errors
/// [`Error::Status`] when the status could not be written, [`Error::LeaseLost`] when the Lease was lost on the way.
#[instrument(target = SPANS, skip_all, fields(
    namespace = object.namespace(), policy = object.name_any(), winner = Empty, desired = Empty, error = Empty,
))]
pub async fn reconcile(object: Arc<ScalingPolicy>, context: Arc<Context>) -> Result<Requeue, Error> {
    let (begun, now) = (Instant::now(), clock::now());
    let reference = ObjectRef::from_obj(&*object);
    let Some(lead) = context.shards.lead(&object) else {
        context.leave(&reference);
        return Ok(Requeue::await_change());
    };
    let shared = context.memory(&reference);
    let mut memory = shared.lock().await;
    if let Some(lag) = lag(memory.due.take(), now) {
        context.metrics.late(lag);
    }
    let result = one(&object, &reference, &context, &lead, &mut memory, now).await;
    let next = result.as_ref().ok().and_then(|turn| turn.next);
    memory.due = next.and_then(|wait| now.checked_add(wait).ok());
    if !context.remembers(&reference, &shared) || !lead.lasts() {
        // Deleted or handed over meanwhile: what this turn showed of it must not stay on the metrics page.
        context.leave(&reference);
    }
    let failure = match &result {
        Ok(turn) => turn.failure,
        Err(error) => Some(error.kind()),
    };
    if let Some(failure) = failure {
        Span::current().record("error", failure.as_str());
    }
    context.metrics.reconciled(begun.elapsed(), failure);
    result.map(|turn| turn.next.map_or_else(Requeue::await_change, Requeue::requeue))
}

/// The end of a reconcile whose report was written.
struct Turn {
    /// When to come again; `None`: when something changes.
    next: Option<Duration>,
    /// What kept it from doing all it should; the status says so.
    failure: Option<ErrorKind>,
}

/// What to do after an error.
pub fn error_policy(object: Arc<ScalingPolicy>, error: &Error, _: Arc<Context>) -> Requeue {
    if matches!(error, Error::LeaseLost(_)) {
        tracing::info!(namespace = object.namespace(), policy = object.name_any(), %error, "left to the next leader");
        return Requeue::await_change();
    }
    tracing::warn!(namespace = object.namespace(), policy = object.name_any(), %error, "will be tried again");
    Requeue::requeue(AFTER_ERROR)
}

async fn one(
    object: &ScalingPolicy,
    reference: &ObjectRef<ScalingPolicy>,
    context: &Arc<Context>,
    lead: &Lead,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<Turn, Error> {
    let (Some(uid), Some(namespace)) = (object.uid(), object.namespace()) else {
        return Err(Error::Anonymous);
    };
    let client = &lead.client;
    let subject = Subject {
        object,
        reference,
        client,
    };

    // validate (pure)
    memory.refresh(&uid, object);
    let policy = match memory.policy.clone() {
        Some(Ok(policy)) => policy,
        Some(Err(invalid)) => {
            publish::report(context, subject, memory, Situation::InvalidSpec(&invalid), now).await?;
            // Nothing can come of it before the spec changes, and that wakes us.
            return Ok(Turn {
                next: None,
                failure: Some(ErrorKind::InvalidSpec),
            });
        }
        None => return Err(Error::Anonymous),
    };
    let next = until_next(&uid, policy.interval, now);
    if !std::mem::replace(&mut memory.seen, true)
        && let Some(wait) = first_wait(object, lead.since, context.count(), next, now)
    {
        return Ok(Turn {
            next: Some(wait),
            failure: None,
        });
    }
    if !memory.read {
        if lead.elected() {
            // The last leader's last status may be on its way to our watch; without it a cooldown would be forgotten.
            let policies: Api<ScalingPolicy> = Api::namespaced(client.clone(), &namespace);
            let present = policies.get_opt(&object.name_any()).await;
            match present.map_err(|error| Error::Reread(Box::new(error)))? {
                Some(present) if present.metadata.uid.as_ref() == Some(&uid) => memory.status = present.status,
                _ => {
                    // Deleted meanwhile; the watch is about to say so.
                    return Ok(Turn {
                        next: None,
                        failure: None,
                    });
                }
            }
        }
        memory.read = true;
    }

    // observe (I/O)
    let key = scale::key(&object.spec.target_ref, &namespace);
    let found = scale::target(
        client,
        &context.targets,
        &context.pods,
        &context.kinds,
        &object.spec.target_ref,
        &namespace,
    );
    let (key, target) = match found.await.and_then(|target| Ok((key?, target))) {
        Ok(found) => found,
        Err(error) => {
            let message = error.to_string();
            let situation = publish::unreachable(&object.spec.target_ref, &error, &message);
            publish::report(context, subject, memory, situation, now).await?;
            return Ok(Turn {
                next: Some(next),
                failure: Some(ErrorKind::Target),
            });
        }
    };
    memory.state(&target.uid, target.replicas.spec, now);
    let others = || rivals::others(context, object, reference, &target);
    // With a rival nothing is written, so nothing has to settle, and people are told at once.
    if others().rivals.is_empty()
        && let Some(until) = memory.settles(target.replicas.spec, now)
    {
        return Ok(Turn {
            next: Some(wait_until(until, now)),
            failure: None,
        });
    }
    let observation = observe(object, &policy, (&key, &target), context, memory, now).await;
    if memory.awaits_plan(&policy, now) {
        return Ok(Turn {
            next: Some(AWAITED),
            failure: None,
        });
    }
    // Now, for a rival may have come while Prometheus was asked.
    let others = others();

    // decide (pure)
    let policy = others.restrain(policy);
    let state = memory.state(&target.uid, observation.replicas.spec, now);
    let span = info_span!(target: SPANS, "decide");
    let decision = span.in_scope(|| decide(&policy, state, &observation, now));
    let winner = decision.winner_source().map_or("none", Source::kind);
    Span::current()
        .record("winner", winner)
        .record("desired", i64::from(decision.desired));
    state.record(&policy, &decision);
    context.metrics.decided(&decision);
    if let Some(since) = memory.decided.replace(now) {
        let name = object.name_any();
        let replicas = observation.replicas.spec;
        context
            .metrics
            .asked_for((&namespace, &name), replicas, since, policy.interval, now);
    }

    // actuate (I/O)
    let written = act(subject, &decision, &target, context, memory).await?;
    let next = next.min(until_window(&decision, now));
    let next = others.contest(now).map_or(next, |c| next.min(wait_until(c.until, now)));

    // Before the report, which may fail: what was made has to settle all the same.
    memory.conflicts = match &written {
        Written::Conflict => memory.conflicts.saturating_add(1),
        _ => 0,
    };
    let (next, failure) = match &written {
        Written::Nothing => (next, None),
        Written::Scaled => {
            let until = settled(&uid, policy.interval, &decision, now);
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

    // report (I/O)
    let bottleneck = bottleneck::told(&target.uid, memory).await;
    let advice = memory.advice.clone();
    let situation = Decided {
        policy: &policy,
        advice: &advice,
        decision: &decision,
        state: &memory.state(&target.uid, observation.replicas.spec, now).clone(),
        target_uid: &target.uid,
        others: &others,
        forecast: observation.forecast.as_ref(),
        signal: observation.signal.as_ref(),
        bottleneck: bottleneck
            .as_ref()
            .map(|told| told.as_ref().map_or(View::Awaited, View::Seen)),
        startup: memory.startup,
        pending: memory.pending.clone(),
        actuation: match &written {
            Written::Nothing | Written::Conflict => Actuation::Nothing,
            Written::Scaled => Actuation::Scaled,
            Written::Failed(message) => Actuation::Failed(message),
        },
    };
    publish::report(context, subject, memory, Situation::Decided(situation), now).await?;
    let seen = (&observation, &decision);
    bottleneck::begin(object, &policy, (key, target), context, memory, seen);
    Ok(Turn {
        next: Some(next),
        failure,
    })
}

/// Asks for every metric and the objective's signal at once, and for the forecast.
#[instrument(target = SPANS, skip_all)]
async fn observe(
    object: &ScalingPolicy,
    policy: &Policy,
    (key, target): (&TargetKey, &Target),
    context: &Arc<Context>,
    memory: &mut Memory,
    now: Timestamp,
) -> Observation {
    let sight = sight(context, (key, target), policy.interval, now);
    let asked = object.spec.metrics.iter();
    let asked = asked.map(|m| asking(&m.name, metrics::sample(&sight, m)));
    let asked = futures::future::join_all(asked);
    let signal = async {
        let prediction = object.spec.prediction.as_ref()?;
        let signal = prediction.objective.as_ref()?.signal.as_ref()?;
        Some(asking("signal", metrics::query(&sight, &signal.prometheus)).await)
    };
    let (samples, signal) = futures::future::join(asked, signal).await;
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
    // validate.rs refuses the forecast of a metric without history.
    let source = |prediction: &Prediction| object.spec.metrics.get(prediction.metric)?.prometheus.as_ref();
    let forecast = match policy.prediction.as_ref().and_then(|p| Some((p, source(p)?))) {
        None => {
            memory.feed = None;
            None
        }
        Some((prediction, source)) => {
            let present = memory.feed.as_ref().map(|f| f.settings().lead);
            let settings = Settings {
                objective: prediction.objective,
                lead: lead(prediction, memory.startup, policy.interval, present),
                history: prediction.history,
            };
            let sample = samples.get(prediction.metric).and_then(|s| s.as_ref().ok());
            let value = sample.and_then(Reading::number);
            let witness = prediction.witness(target.replicas.ready, signal.as_ref());
            let feed = memory.feed(source, settings);
            feed.forecast(&context.servers, value, witness, now).await
        }
    };
    Observation {
        signal,
        replicas: target.replicas,
        samples,
        forecast,
        startup: memory.startup,
    }
}

/// One query as a span: of the metric with this name, or the objective's signal.
#[instrument(target = SPANS, name = "query", skip_all, fields(metric = metric, error = Empty))]
async fn asking(metric: &str, query: impl Future<Output = Sample>) -> Sample {
    let sample = query.await;
    if let Err(failure) = &sample {
        Span::current().record("error", failure.cause.as_str());
    }
    sample
}

/// Whom to ask, about which target.
pub(super) fn sight<'a>(
    context: &'a Context,
    (key, target): (&'a TargetKey, &'a Target),
    interval: SignedDuration,
    now: Timestamp,
) -> Sight<'a> {
    Sight {
        servers: &context.servers,
        apis: &context.apis,
        pods: &context.pods,
        owners: &context.owners,
        target,
        key,
        interval,
        now,
    }
}

/// What became of a decision's write.
enum Written {
    Nothing,
    Scaled,
    Conflict,
    Failed(String),
}

/// Says which pods go first, announces the change in the status, makes it, and remembers it. The announcement comes
/// before the change so that a crash in between cannot lose the cooldown: without it, no write.
///
/// # Errors
/// The Lease was lost: by the announcement the next leader knows of what may have been made.
#[instrument(target = SPANS, name = "actuate", skip_all)]
async fn act(
    subject: Subject<'_>,
    decision: &Decision,
    target: &Target,
    context: &Arc<Context>,
    memory: &mut Memory,
) -> Result<Written, Refused> {
    let Some(event) = decision.change() else {
        return Ok(Written::Nothing);
    };
    let object = subject.object;
    scale_in::prepare(context, subject, target, &event).await?;
    memory.announce(&event);
    let status = memory.status.clone().unwrap_or_default();
    match publish::announce(context, subject, &status).await {
        Ok(()) => {}
        Err(error) if let Some(refused) = Refused::of(&error) => return Err(refused),
        // The policy was edited or deleted since it was read; its own event brings the next decision.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => return Ok(Written::Conflict),
        Err(error) => {
            return Ok(Written::Failed(format!(
                "the change could not be announced in the status: {error}"
            )));
        }
    }
    let name = &object.spec.target_ref.name;
    let written = actuate::scale(&target.api, name, &target.uid, event.from, event.to).await;
    if let Err(ActuateError::Unknown(error)) = &written
        && let Some(refused) = Refused::of(error)
    {
        return Err(refused);
    }
    context.metrics.scale_written(match &written {
        Ok(()) => WriteOutcome::Succeeded,
        Err(ActuateError::Conflict) => WriteOutcome::Conflict,
        Err(_) => WriteOutcome::Failed,
    });
    memory.pending = None;
    Ok(match written {
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
    })
}
