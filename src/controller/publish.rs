//! Publishing a report: status, Events, own metrics and one log line per change, all from the same typed situation.
//!
//! The status is written only when it is worth it; whatever fails here is tried again at the next reconcile.

use jiff::Timestamp;
use json_patch::jsonptr::PointerBuf;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::EventType;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};

use super::context::Context;
use super::error::Error;
use super::memory::Memory;
use crate::FIELD_MANAGER;
use crate::api::{ScalingPolicy, ScalingPolicyStatus, TargetRef};
use crate::engine::state::ScaleEvent;
use crate::observe::TargetError;
use crate::report::metrics::WriteOutcome;
use crate::report::status::{self, Report, Situation};
use crate::report::{events, words};

/// The object a report speaks of.
#[derive(Clone, Copy)]
pub(super) struct Policy<'a> {
    pub(super) object: &'a ScalingPolicy,
    pub(super) reference: &'a ObjectRef<ScalingPolicy>,
}

/// Renders the situation everywhere.
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
    if let Situation::Decided(decided) = &report.situation {
        news.extend(events::rescale(decided, old));
        tracing::debug!(policy = %subject.reference, decision = %words::sentence(decided.policy, decided.decision), "decided");
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    context.metrics.policy(&namespace, &name, &new);
    for event in &news {
        let note = event.note.as_deref().unwrap_or_default();
        match event.type_ {
            EventType::Normal => tracing::info!(policy = %subject.reference, reason = %event.reason, "{note}"),
            EventType::Warning => tracing::warn!(policy = %subject.reference, reason = %event.reason, "{note}"),
        }
    }
    if status::worth_writing(old, &new, now) {
        let written = write(context, object, &new).await;
        context.metrics.status_written(match &written {
            Ok(()) => WriteOutcome::Succeeded,
            Err(_) => WriteOutcome::Failed,
        });
        match written {
            Ok(()) => memory.status = Some(new),
            // Deleted meanwhile: nothing to tell any more.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(Error::Status(Box::new(error))),
        }
    }
    // Events follow the status, so that a status that is tried again does not tell the same news twice.
    let regarding = object.object_ref(&());
    for event in news {
        if let Err(error) = context.recorder.publish(&event, &regarding).await {
            tracing::warn!(policy = %subject.reference, %error, reason = %event.reason, "an Event was not recorded");
        }
    }
    Ok(())
}

/// Writes `status.damping.pendingScale` ahead of the change itself.
pub(super) async fn announce(context: &Context, object: &ScalingPolicy, event: ScaleEvent) -> Result<(), kube::Error> {
    let api: Api<ScalingPolicy> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    let patch = Patch::Merge(status::announcement(event));
    api.patch_status(&object.name_any(), &parameters(), &patch)
        .await
        .map(|_| ())
}

async fn write(context: &Context, object: &ScalingPolicy, status: &ScalingPolicyStatus) -> Result<(), kube::Error> {
    let api: Api<ScalingPolicy> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    // The whole status at once: a merge patch would leave what is absent now, such as a pending change, where it was.
    let patch = Patch::<()>::Json(json_patch::Patch(vec![json_patch::PatchOperation::Add(
        json_patch::AddOperation {
            path: PointerBuf::from_tokens(["status"]),
            value: serde_json::to_value(status).map_err(kube::Error::SerdeError)?,
        },
    )]));
    api.patch_status(&object.name_any(), &parameters(), &patch)
        .await
        .map(|_| ())
}

fn parameters() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// The situation that a missing target makes.
pub(super) fn unreachable<'a>(target: &'a TargetRef, error: &'a TargetError, message: &'a str) -> Situation<'a> {
    match error {
        TargetError::NotFound { .. } => Situation::TargetNotFound(target),
        TargetError::UnknownKind { .. } | TargetError::NotScalable { .. } | TargetError::ApiVersion(_) => {
            Situation::TargetNotScalable(target)
        }
        TargetError::Unreadable { source, .. } => match &**source {
            kube::Error::Api(status) if status.code == 403 => Situation::TargetForbidden { target, message },
            _ => Situation::TargetUnreadable { target, message },
        },
    }
}
