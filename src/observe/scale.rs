//! The target of one policy: its replicas, its identity, and how to reach its scale subresource.
//!
//! Watched kinds come from the index without a request; for others the kind is discovered once and `/scale` is asked
//! at each sync. `/scale` says what is asked for and which pods it means; how many of those are ready is known from the
//! index of pods, never from `status.replicas`.

#[cfg(test)]
pub(super) mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind, Selector};
use kube::{Client, discovery};

use super::pods::Pods;
use super::selector;
use super::targets::{TargetKey, Targets, WATCHED_VERSION};
use crate::api::TargetRef;
use crate::engine::observation::Replicas;
use crate::engine::others::Rewrites;

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
    /// Other managers of its `spec.replicas`, where it is watched.
    pub owners: Vec<Arc<str>>,
    /// Rewrites of our count by others, where it is watched.
    pub rewrites: Option<Rewrites>,
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
    /// The kind is known and cannot be scaled.
    #[error("{kind} ({api_version}) has no scale subresource, so it cannot be scaled; check spec.targetRef")]
    NotScalable {
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

/// Kinds that were discovered and can be scaled, by `apiVersion/kind`.
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

pub(super) fn gvk(target: &TargetRef) -> Result<GroupVersionKind, TargetError> {
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
    pods: &Pods,
    kinds: &Kinds,
    reference: &TargetRef,
    namespace: &str,
) -> Result<Target, TargetError> {
    let key = key(reference, namespace)?;
    let not_found = || TargetError::NotFound {
        kind: reference.kind.clone(),
        name: reference.name.clone(),
    };
    let gvk = gvk(reference)?;
    // A version that is not the watched one may not exist: the API server knows.
    if Targets::watches(&key) && gvk.version == WATCHED_VERSION {
        let workload = targets.get(&key).ok_or_else(not_found)?;
        let resource = ApiResource::from_gvk(&gvk);
        return Ok(Target {
            replicas: Replicas {
                spec: workload.replicas,
                ready: Some(workload.ready),
            },
            uid: workload.uid,
            selector: workload.selector,
            api: Api::namespaced_with(client.clone(), namespace, &resource),
            owners: workload.owners.others().collect(),
            rewrites: Some(workload.rewrites),
        });
    }
    let resource = kinds.resolve(client, &gvk, reference).await?;
    let api = Api::namespaced_with(client.clone(), namespace, &resource);
    let scale = match api.get_scale(&reference.name).await {
        Ok(scale) => scale,
        Err(kube::Error::Api(status)) if status.code == 404 => {
            // The object is missing, or its CRD lost the subresource meanwhile: next time the kind is discovered anew.
            kinds.forget(&gvk);
            return Err(not_found());
        }
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
    let selector = scale.status.and_then(|s| s.selector).and_then(|s| selector::parse(&s));
    let ready = selector.as_ref().and_then(|s| pods.ready(namespace, s));
    Ok(Target {
        replicas: Replicas { spec, ready },
        uid: scale.metadata.uid.unwrap_or_default(),
        selector,
        api,
        owners: Vec::new(),
        rewrites: None,
    })
}

impl Kinds {
    /// Discovers a kind once. One that does not exist or cannot be scaled is asked for again next time, since its CRD
    /// may come or change.
    async fn resolve(
        &self,
        client: &Client,
        gvk: &GroupVersionKind,
        reference: &TargetRef,
    ) -> Result<ApiResource, TargetError> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(gvk).cloned();
        if let Some(resource) = cached {
            return Ok(resource);
        }
        let unknown = || TargetError::UnknownKind {
            api_version: reference.api_version.clone(),
            kind: reference.kind.clone(),
        };
        let discovered = discovery::pinned_kind(client, gvk).await.map_err(|error| match error {
            kube::Error::Discovery(_) => unknown(),
            kube::Error::Api(status) if status.code == 404 => unknown(),
            source => TargetError::Unreadable {
                kind: reference.kind.clone(),
                name: reference.name.clone(),
                source: Box::new(source),
            },
        });
        let (resource, capabilities) = discovered?;
        // Discovery says so; a 404 of `/scale` would be the same for a kind without it and for a missing object.
        if !capabilities.subresources.iter().any(|(sub, _)| sub.plural == "scale") {
            return Err(TargetError::NotScalable {
                api_version: reference.api_version.clone(),
                kind: reference.kind.clone(),
            });
        }
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(gvk.clone(), resource.clone());
        Ok(resource)
    }

    fn forget(&self, gvk: &GroupVersionKind) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(gvk);
    }
}
