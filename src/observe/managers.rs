//! Who manages `spec.replicas`: names and times out of `metadata.managedFields`, and nothing else of them.
//!
//! The API server keeps one entry per manager, operation and subresource, and takes a field from whoever no longer
//! agrees with its value. So between two versions of an object, "ours before, not ours now, and another count" is a
//! rewrite of our value, by whom and when, without asking what we wrote or how far the cache is behind. A StatefulSet's
//! field has the same name. Pure. Neighbours: `targets.rs` compares versions, `engine::others` judges rewrites.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use crate::FIELD_MANAGER;
use crate::engine::others::Rewrite;

/// Most other managers kept of one target. Two are usual: whoever applies the manifest, and whoever scaled it by hand.
const MOST: usize = 4;

/// The managers of one object's `spec.replicas`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managers {
    /// We are one.
    ours: bool,
    /// The others, the latest first, with when they last changed something of theirs.
    others: Vec<(Arc<str>, Option<Timestamp>)>,
}

impl Managers {
    /// Reads the entries.
    pub fn of(fields: &[ManagedFieldsEntry]) -> Managers {
        let mut owners = Managers::default();
        for entry in fields.iter().filter(|e| has_replicas(e)) {
            match entry.manager.as_deref() {
                Some(FIELD_MANAGER) => owners.ours = true,
                name => {
                    let at = entry.time.as_ref().map(|t| t.0);
                    owners.others.push((name.unwrap_or("unknown").into(), at));
                }
            }
        }
        owners.others.sort_by(|(name, at), (other, other_at)| {
            let latest_first = other_at.cmp(at);
            latest_first.then_with(|| name.cmp(other))
        });
        // One manager may have an entry per operation and subresource.
        let mut seen = Vec::with_capacity(MOST);
        owners.others.retain(|(name, _)| {
            let new = seen.len() < MOST && !seen.contains(name);
            if new {
                seen.push(name.clone());
            }
            new
        });
        owners
    }

    /// The others' names.
    pub fn others(&self) -> impl Iterator<Item = Arc<str>> {
        self.others.iter().map(|(name, _)| name.clone())
    }

    /// The rewrite of our value that made `newer` of this, where there was one. The count must have changed as well: who
    /// applies our own value shares the field, and contests nothing.
    pub fn rewritten(&self, newer: &Managers) -> Option<Rewrite> {
        if !self.ours || newer.ours {
            return None;
        }
        let (manager, at) = newer.others.first()?;
        Some(Rewrite {
            at: (*at)?,
            manager: manager.clone(),
        })
    }
}

/// `{"f:spec": {"f:replicas": {}}}`
fn has_replicas(entry: &ManagedFieldsEntry) -> bool {
    let fields = entry.fields_v1.as_ref();
    fields.is_some_and(|f| f.0.get("f:spec").and_then(|s| s.get("f:replicas")).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(manager: &str, operation: &str, subresource: &str, second: i64, fields: Value) -> ManagedFieldsEntry {
        let time = Timestamp::from_second(1_700_000_000 + second).unwrap();
        serde_json::from_value(json!({
            "manager": manager, "operation": operation, "subresource": subresource, "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": fields, "time": time.to_string(),
        }))
        .unwrap()
    }

    /// A manager of `spec.replicas`.
    fn owner(manager: &str, second: i64) -> ManagedFieldsEntry {
        entry(
            manager,
            "Update",
            "",
            second,
            json!({"f:spec": {"f:replicas": {}, "f:template": {}}}),
        )
    }

    fn ours() -> ManagedFieldsEntry {
        entry("headroom", "Update", "scale", 0, json!({"f:spec": {"f:replicas": {}}}))
    }

    /// Whether we are an owner, and who else is, the latest first.
    #[track_caller]
    fn check(fields: &[ManagedFieldsEntry], ours: bool, others: &[&str]) {
        let owners = Managers::of(fields);
        let names: Vec<Arc<str>> = owners.others().collect();
        let names: Vec<&str> = names.iter().map(|n| &**n).collect();
        assert_eq!((owners.ours, &*names), (ours, others));
    }

    #[test]
    fn names_of_those_who_manage_replicas() {
        let template = json!({"f:spec": {"f:template": {"f:spec": {"f:replicas": {}}}}});
        let status = json!({"f:status": {"f:replicas": {}}});
        check(&[], false, &[]);
        check(&[ours()], true, &[]);
        check(&[owner("kubectl", 1)], false, &["kubectl"]);
        check(
            &[ours(), owner("kubectl", 1), owner("argocd-controller", 2)],
            true,
            &["argocd-controller", "kubectl"],
        );
        check(&[entry("helm", "Apply", "", 1, template)], false, &[]);
        check(
            &[entry("kube-controller-manager", "Update", "status", 1, status)],
            false,
            &[],
        );
        // Once each, whatever the operation and the subresource.
        check(
            &[
                owner("kubectl", 1),
                entry("kubectl", "Update", "scale", 2, json!({"f:spec": {"f:replicas": {}}})),
            ],
            false,
            &["kubectl"],
        );
        // Bounded: the latest are kept.
        let many: Vec<_> = (0..9).map(|i| owner(&format!("m{i}"), i)).collect();
        check(&many, false, &["m8", "m7", "m6", "m5"]);
    }

    #[test]
    fn a_rewrite_is_ours_before_and_another_s_after() {
        let both = [ours(), owner("argocd-controller", 5)];
        let (kubectl, argo) = ([owner("kubectl", 5)], [owner("argocd-controller", 5)]);
        for (before, after, by) in [
            (&[ours()][..], &argo[..], Some("argocd-controller")),
            (&[ours()], &both, None), // applied our own value, or we wrote again
            (&kubectl, &argo, None),  // not ours
            (&both, &argo, Some("argocd-controller")),
            (&[ours()], &[], None), // nobody to name
        ] {
            let rewrite = Managers::of(before).rewritten(&Managers::of(after));
            assert_eq!(rewrite.as_ref().map(|r| &*r.manager), by, "{before:?} {after:?}");
            if let Some(rewrite) = rewrite {
                assert_eq!(rewrite.at.as_second(), 1_700_000_005);
            }
        }
    }
}
