//! Actuating: the scale subresource of the target, and nothing else of it.
//!
//! Which pods a scale-down removes first can be asked for ahead of it: `deletion_cost`.
//!
//! A JSON Patch tests uid and replicas before it sets: every status update of the parent changes its
//! resourceVersion, so a precondition on that would conflict most while scaling up, when it matters. A target that
//! was deleted and created again, or scaled by someone else since it was observed, is a [`ActuateError::Conflict`]:
//! observe again, decide again. A refusal (an admission policy, a schema's maximum, missing rights) is none, and is told.

pub mod deletion_cost;

use json_patch::jsonptr::PointerBuf;
use kube::api::{Api, DynamicObject, Patch, PatchParams};

use crate::FIELD_MANAGER;

/// Why the target was not scaled.
#[derive(Debug, thiserror::Error)]
pub enum ActuateError {
    /// It is no longer what was observed.
    #[error("the target changed since it was observed; deciding again")]
    Conflict,
    /// It is gone.
    #[error("the target is gone")]
    NotFound,
    /// The API server refused; nothing was changed.
    #[error("the API server refused to scale the target: {0}")]
    Refused(#[source] Box<kube::Error>),
    /// No answer, or an error of the server's own: the target may have been scaled or not.
    #[error("it is not known whether the target was scaled: {0}")]
    Unknown(#[source] Box<kube::Error>),
}

/// Sets `spec.replicas` of the target from `from` to `to`, provided that both uid and `from` still hold.
///
/// # Errors
/// [`ActuateError`]; nothing was changed then, or nobody knows (a broken connection), which the next observation tells.
pub async fn scale(api: &Api<DynamicObject>, name: &str, uid: &str, from: u32, to: u32) -> Result<(), ActuateError> {
    // At zero the scale has no `replicas` at all: `test` against 0 fails, against null it passes, and only `add` sets it.
    let present = match from {
        0 => serde_json::Value::Null,
        from => from.into(),
    };
    let replicas = || PointerBuf::from_tokens(["spec", "replicas"]);
    let patch = json_patch::Patch(vec![
        json_patch::PatchOperation::Test(json_patch::TestOperation {
            path: PointerBuf::from_tokens(["metadata", "uid"]),
            value: uid.into(),
        }),
        json_patch::PatchOperation::Test(json_patch::TestOperation {
            path: replicas(),
            value: present,
        }),
        json_patch::PatchOperation::Add(json_patch::AddOperation {
            path: replicas(),
            value: to.into(),
        }),
    ]);
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let error = match api.patch_scale(name, &parameters, &Patch::<()>::Json(patch)).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    match code(&error) {
        // A write that raced ours within the API server.
        Some(409) => Err(ActuateError::Conflict),
        Some(404) => Err(ActuateError::NotFound),
        // A failed `test`, but an admission policy's refusal as well; only the target tells which.
        Some(422) if changed(api, name, uid, from).await => Err(ActuateError::Conflict),
        Some(400..500) => Err(ActuateError::Refused(Box::new(error))),
        _ => Err(ActuateError::Unknown(Box::new(error))),
    }
}

/// Whether the target is another one, or was asked for another count, than what was observed.
async fn changed(api: &Api<DynamicObject>, name: &str, uid: &str, from: u32) -> bool {
    match api.get_scale(name).await {
        Ok(scale) => {
            let replicas = scale.spec.and_then(|s| s.replicas).unwrap_or(0);
            scale.metadata.uid.as_deref() != Some(uid) || u32::try_from(replicas) != Ok(from)
        }
        Err(error) => code(&error) == Some(404),
    }
}

fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}
