//! The target of one policy: its replicas, its identity, and how to reach its scale subresource.
//!
//! Watched kinds come from the index without a request; for others the kind is discovered once and `/scale` is asked
//! at each sync.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind, Selector};
use kube::{Client, discovery};

use super::targets::{TargetKey, Targets};
use crate::api::TargetRef;
use crate::engine::observation::Replicas;

/// A target as observed.
pub struct Target {
    /// Its replicas.
    pub replicas: Replicas,
    /// Its identity; guards the write.
    pub uid: String,
    /// Selects its pods, where known.
    pub selector: Option<Selector>,
    /// Reaches its scale subresource.
    pub api: Api<DynamicObject>,
}

/// Why there is no target to scale.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It does not exist (yet).
    #[error("{kind} {name:?} does not exist in this namespace; it will be scaled once it does")]
    NotFound {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// `apiVersion` and `kind` name nothing the API server knows.
    #[error("the API server knows no kind {kind:?} in {api_version:?}; check spec.targetRef")]
    UnknownKind {
        /// As given.
        api_version: String,
        /// As given.
        kind: String,
    },
    /// `apiVersion` is not `group/version`.
    #[error("spec.targetRef.apiVersion: {0:?} is not of the form group/version, such as apps/v1")]
    ApiVersion(String),
    /// It was not there for another reason.
    #[error("the scale subresource of {kind} {name:?} cannot be read: {source}")]
    Unreadable {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
}

/// Kinds that were discovered, by `apiVersion/kind`.
#[derive(Default)]
pub struct Kinds(Mutex<HashMap<GroupVersionKind, ApiResource>>);

/// Group, version and kind of a reference.
///
/// # Errors
/// [`TargetError::ApiVersion`] where `apiVersion` is malformed.
pub fn key(target: &TargetRef, namespace: &str) -> Result<TargetKey, TargetError> {
    let gvk = gvk(target)?;
    Ok(TargetKey {
        group: gvk.group,
        kind: gvk.kind,
        namespace: namespace.to_owned(),
        name: target.name.clone(),
    })
}

fn gvk(target: &TargetRef) -> Result<GroupVersionKind, TargetError> {
    let malformed = || TargetError::ApiVersion(target.api_version.clone());
    let (group, version) = match target.api_version.split('/').collect::<Vec<_>>()[..] {
        [version] if !version.is_empty() => ("", version),
        [group, version] if !group.is_empty() && !version.is_empty() => (group, version),
        _ => return Err(malformed()),
    };
    Ok(GroupVersionKind::gvk(group, version, &target.kind))
}

/// Looks the target up.
///
/// # Errors
/// [`TargetError`] in words for the admin.
pub async fn target(
    client: &Client,
    targets: &Targets,
    kinds: &Kinds,
    reference: &TargetRef,
    namespace: &str,
) -> Result<Target, TargetError> {
    let key = key(reference, namespace)?;
    let not_found = || TargetError::NotFound {
        kind: reference.kind.clone(),
        name: reference.name.clone(),
    };
    if Targets::watches(&key) {
        let workload = targets.get(&key).ok_or_else(not_found)?;
        let resource = ApiResource::from_gvk(&gvk(reference)?);
        return Ok(Target {
            replicas: Replicas {
                spec: workload.replicas,
                ready: Some(workload.ready),
            },
            uid: workload.uid,
            selector: workload.selector,
            api: Api::namespaced_with(client.clone(), namespace, &resource),
        });
    }
    let resource = kinds.resolve(client, reference).await?;
    let api = Api::namespaced_with(client.clone(), namespace, &resource);
    let scale = match api.get_scale(&reference.name).await {
        Ok(scale) => scale,
        Err(kube::Error::Api(status)) if status.code == 404 => return Err(not_found()),
        Err(source) => {
            return Err(TargetError::Unreadable {
                kind: reference.kind.clone(),
                name: reference.name.clone(),
                source: Box::new(source),
            });
        }
    };
    let spec = scale
        .spec
        .and_then(|s| s.replicas)
        .map_or(0, |n| u32::try_from(n).unwrap_or(0));
    Ok(Target {
        replicas: Replicas { spec, ready: None },
        uid: scale.metadata.uid.unwrap_or_default(),
        selector: None,
        api,
    })
}

impl Kinds {
    /// Discovers a kind once; a kind that does not exist is asked for again next time, since its CRD may come.
    async fn resolve(&self, client: &Client, reference: &TargetRef) -> Result<ApiResource, TargetError> {
        let gvk = gvk(reference)?;
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&gvk).cloned();
        if let Some(resource) = cached {
            return Ok(resource);
        }
        let (resource, _) = discovery::pinned_kind(client, &gvk)
            .await
            .map_err(|error| match error {
                kube::Error::Discovery(_) => TargetError::UnknownKind {
                    api_version: reference.api_version.clone(),
                    kind: reference.kind.clone(),
                },
                kube::Error::Api(status) if status.code == 404 => TargetError::UnknownKind {
                    api_version: reference.api_version.clone(),
                    kind: reference.kind.clone(),
                },
                source => TargetError::Unreadable {
                    kind: reference.kind.clone(),
                    name: reference.name.clone(),
                    source: Box::new(source),
                },
            })?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(gvk, resource.clone());
        Ok(resource)
    }
}
