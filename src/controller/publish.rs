//! Publishing a report: status, Events, own metrics and one log line per change, all from the same typed situation.
//!
//! The status is written only when it is worth it; whatever fails here is tried again at the next reconcile.

use jiff::Timestamp;
use json_patch::jsonptr::PointerBuf;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::reflector::ObjectRef;
use kube::{Client, Resource, ResourceExt};

use super::context::Context;
use super::error::Error;
use super::lease::Refused;
use super::memory::Memory;
use crate::FIELD_MANAGER;
use crate::api::{ScalingPolicy, ScalingPolicyStatus, TargetRef};
use crate::observe::TargetError;
use crate::report::metrics::WriteOutcome;
use crate::report::status::{self, Actuation, Report, Situation};
use crate::report::{events, words};
use crate::telemetry::SPANS;

/// The object a report speaks of.
#[derive(Clone, Copy)]
pub(super) struct Policy<'a> {
    pub(super) object: &'a ScalingPolicy,
    pub(super) reference: &'a ObjectRef<ScalingPolicy>,
    /// What is written with.
    pub(super) client: &'a Client,
}

/// Renders the situation everywhere.
#[tracing::instrument(target = SPANS, skip_all)]
pub(super) async fn report(
    context: &Context,
    subject: Policy<'_>,
    memory: &mut Memory,
    situation: Situation<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let object = subject.object;
    let report = Report {
        generation: object.metadata.generation,
        now,
        situation,
    };
    let old = memory.status.as_ref();
    let new = status::build(&report, old);
    let mut news = events::changes(old, &new);
    let mut made = None;
    if let Situation::Decided(decided) = &report.situation {
        match decided.actuation {
            Actuation::Scaled => made = events::rescale(decided, old),
            _ => news.extend(events::rescale(decided, old)),
        }
        tracing::debug!(policy = %subject.reference, decision = %words::sentence(decided.policy, decided.decision), "decided");
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let decided = match &report.situation {
        Situation::Decided(decided) => Some((decided.policy, decided.decision)),
        _ => None,
    };
    context.metrics.policy(&namespace, &name, &new, decided);
    for event in news.iter().chain(&made) {
        let note = event.note.as_deref().unwrap_or_default();
        match event.type_ {
            EventType::Normal => tracing::info!(policy = %subject.reference, reason = %event.reason, "{note}"),
            EventType::Warning => tracing::warn!(policy = %subject.reference, reason = %event.reason, "{note}"),
        }
    }
    // What was done is told even if the status cannot be: nobody would tell it again.
    let regarding = object.object_ref(&());
    tell(subject, made.as_ref(), &regarding).await;
    if status::worth_writing(old, &new, now, context.status_refresh) {
        let written = write(subject, &new).await;
        count(context, &written);
        if let Some(refused) = written.as_ref().err().and_then(Refused::of) {
            return Err(refused.into());
        }
        match written {
            Ok(()) => memory.status = Some(new),
            // Deleted meanwhile: nothing to tell any more.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(Error::Status(Box::new(error))),
        }
    }
    // Other Events follow the status, so that a status that is tried again does not tell the same news twice.
    tell(subject, &news, &regarding).await;
    Ok(())
}

/// Tells one thing that no status tells.
pub(super) async fn news(subject: Policy<'_>, event: &Event) {
    tracing::warn!(policy = %subject.reference, reason = %event.reason, "{}", event.note.as_deref().unwrap_or_default());
    tell(subject, [event], &subject.object.object_ref(&())).await;
}

async fn tell<'a>(subject: Policy<'_>, events: impl IntoIterator<Item = &'a Event>, regarding: &ObjectReference) {
    for event in events {
        // A recorder each: kube's joins Events that differ only in their words into a series with the first one's
        // words, and the words are the point. None is told twice anyhow, because only changes are told.
        let recorder = Recorder::new(subject.client.clone(), Reporter::from(FIELD_MANAGER));
        if let Err(error) = recorder.publish(event, regarding).await {
            tracing::warn!(policy = %subject.reference, %error, reason = %event.reason, "an Event was not recorded");
        }
    }
}

/// Writes a status with a pending change ahead of the change itself, provided that the policy is still the one that was
/// decided by: an edit to Paused or DryRun, or a deletion, may have come while Prometheus was asked.
///
/// # Errors
/// 422 where the policy is another by now; 404 where it is gone.
pub(super) async fn announce(
    context: &Context,
    subject: Policy<'_>,
    status: &ScalingPolicyStatus,
) -> Result<(), kube::Error> {
    let generation = json_patch::PatchOperation::Test(json_patch::TestOperation {
        path: PointerBuf::from_tokens(["metadata", "generation"]),
        value: subject.object.metadata.generation.into(),
    });
    let written = patch(subject, vec![generation], status).await;
    count(context, &written);
    written
}

/// Counts a write of a status, but for one that lost its Lease: that is an error of the turn.
fn count(context: &Context, written: &Result<(), kube::Error>) {
    let outcome = match written {
        Ok(()) => WriteOutcome::Succeeded,
        Err(error) if Refused::of(error).is_some() => return,
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => WriteOutcome::Conflict,
        Err(_) => WriteOutcome::Failed,
    };
    context.metrics.status_written(outcome);
}

/// Writes the status, provided that the policy was not deleted and created again.
async fn write(subject: Policy<'_>, status: &ScalingPolicyStatus) -> Result<(), kube::Error> {
    patch(subject, Vec::new(), status).await
}

async fn patch(
    subject: Policy<'_>,
    mut operations: Vec<json_patch::PatchOperation>,
    status: &ScalingPolicyStatus,
) -> Result<(), kube::Error> {
    let object = subject.object;
    let api: Api<ScalingPolicy> = Api::namespaced(subject.client.clone(), &object.namespace().unwrap_or_default());
    operations.push(json_patch::PatchOperation::Test(json_patch::TestOperation {
        path: PointerBuf::from_tokens(["metadata", "uid"]),
        value: object.uid().into(),
    }));
    // The whole status at once: a merge patch would leave what is absent now, such as a pending change, where it was.
    operations.push(json_patch::PatchOperation::Add(json_patch::AddOperation {
        path: PointerBuf::from_tokens(["status"]),
        value: serde_json::to_value(status).map_err(kube::Error::SerdeError)?,
    }));
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = Patch::<()>::Json(json_patch::Patch(operations));
    api.patch_status(&object.name_any(), &parameters, &patch)
        .await
        .map(|_| ())
}

/// The situation that a missing target makes.
pub(super) fn unreachable<'a>(target: &'a TargetRef, error: &'a TargetError, message: &'a str) -> Situation<'a> {
    match error {
        TargetError::NotFound { .. } => Situation::TargetNotFound(target),
        TargetError::UnknownKind { .. } | TargetError::NotScalable { .. } | TargetError::ApiVersion(_) => {
            Situation::TargetNotScalable(message)
        }
        TargetError::Unreadable { source, .. } => match &**source {
            kube::Error::Api(status) if status.code == 403 => Situation::TargetForbidden { target, message },
            _ => Situation::TargetUnreadable { target, message },
        },
    }
}
