//! Actuating: the scale subresource of the target, and nothing else.
//!
//! A JSON Patch tests uid and replicas before it replaces: every status update of the parent changes its
//! resourceVersion, so a precondition on that would conflict most while scaling up, when it matters. A target that
//! was deleted and created again, or scaled by someone else since it was observed, is a [`ActuateError::Conflict`]:
//! observe again, decide again.

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
    /// The API server refused or could not be reached.
    #[error("the API server did not scale the target: {0}")]
    Api(#[source] Box<kube::Error>),
}

/// Sets `spec.replicas` of the target from `from` to `to`, provided that both uid and `from` still hold.
///
/// # Errors
/// [`ActuateError`]; nothing was changed then, or nobody knows (a broken connection), which the next observation tells.
pub async fn scale(api: &Api<DynamicObject>, name: &str, uid: &str, from: u32, to: u32) -> Result<(), ActuateError> {
    let replicas = || PointerBuf::from_tokens(["spec", "replicas"]);
    let patch = json_patch::Patch(vec![
        json_patch::PatchOperation::Test(json_patch::TestOperation {
            path: PointerBuf::from_tokens(["metadata", "uid"]),
            value: uid.into(),
        }),
        json_patch::PatchOperation::Test(json_patch::TestOperation {
            path: replicas(),
            value: from.into(),
        }),
        json_patch::PatchOperation::Replace(json_patch::ReplaceOperation {
            path: replicas(),
            value: to.into(),
        }),
    ]);
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api.patch_scale(name, &parameters, &Patch::<()>::Json(patch)).await {
        Ok(_) => Ok(()),
        // 422 is what a failed `test` gives; 409 a write that raced ours within the API server.
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 422 => Err(ActuateError::Conflict),
        Err(kube::Error::Api(status)) if status.code == 404 => Err(ActuateError::NotFound),
        Err(error) => Err(ActuateError::Api(Box::new(error))),
    }
}
