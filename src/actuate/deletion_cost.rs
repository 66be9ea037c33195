//! Before a scale-down: which pods go first, said by `controller.kubernetes.io/pod-deletion-cost`.
//!
//! Left alone, the ReplicaSet controller removes in this order: unassigned before assigned, Pending before Running, not
//! ready before ready, *lower deletion cost before higher*, pods that share a node with more of their own before others,
//! and only then the younger before the older, in steps that double (a pod of 9 hours and one of 15 are equally old to
//! it). So without a cost a pod that has been warm for days goes for the node it stands on.
//!
//! Only the pods that are to go are marked, with −1 where a pod without the annotation has 0: one LIST of metadata from
//! the API server's cache and at most one PATCH per pod, and none where the mark is there already. A mark left by a
//! scale-down that was not made is taken back by the next one. It is a server-side apply without force, so the API
//! server itself keeps us from a value that somebody else set. This never removes a pod, and whatever fails here is told
//! and never keeps the scale-down from being made.

use futures::{StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::{PartialObjectMeta, Selector};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::FIELD_MANAGER;

const ANNOTATION: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Below the 0 of pods without one.
const FIRST: &str = "-1";
/// Requests under way at once: a thousand pods take a few seconds, and the API server notices little.
const CONCURRENCY: usize = 8;
/// Pods that a ReplicaSet still counts.
const ALIVE: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// What became of the marks.
#[derive(Debug, Default)]
pub struct Marks {
    /// Pods whose annotation somebody else set; left as they are.
    pub foreign: usize,
    /// Pods that could not be marked, and why the first of them could not.
    pub failed: Option<(usize, Box<kube::Error>)>,
}

/// Whose annotation a pod carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    Unset,
    Ours,
    Foreign,
}

/// A pod as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    name: String,
    uid: String,
    created: Option<Timestamp>,
    cost: Cost,
}

/// Which pods to mark, and which to take a mark from.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    mark: Vec<Candidate>,
    unmark: Vec<Candidate>,
    foreign: usize,
}

/// Marks the youngest of the selected pods, as many as are to go. `foreign` tells by its uid a ReplicaSet that is another
/// target's: a selector may select its pods as well.
///
/// # Errors
/// Where the pods cannot be listed; nothing is marked then.
pub async fn youngest_first(
    client: &Client,
    namespace: &str,
    selector: &Selector,
    going: u32,
    foreign: impl Fn(&str) -> bool,
) -> Result<Marks, kube::Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let alive = ListParams::default().labels_from(selector).fields(ALIVE).match_any();
    let pods = api.list_metadata(&alive).await?;
    let plan = plan(
        pods.iter().filter_map(|pod| candidate(pod, &foreign)).collect(),
        going as usize,
    );
    let mut marks = Marks {
        foreign: plan.foreign,
        failed: None,
    };
    let marked = plan.mark.into_iter().map(|pod| (pod, true));
    let changes: Vec<_> = marked.chain(plan.unmark.into_iter().map(|pod| (pod, false))).collect();
    let applied = stream::iter(changes).map(|(pod, marked)| apply(api.clone(), pod, marked));
    let mut applied = applied.buffer_unordered(CONCURRENCY);
    while let Some(result) = applied.next().await {
        match result {
            Ok(()) => {}
            Err(error) if is_foreign(&error) => marks.foreign += 1,
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                let (count, first) = marks.failed.take().unwrap_or_else(|| (0, Box::new(error)));
                marks.failed = Some((count + 1, first));
            }
        }
    }
    Ok(marks)
}

/// The youngest first. An order by load would need the pods' own metrics, and would only replace the sort.
fn plan(mut pods: Vec<Candidate>, going: usize) -> Plan {
    let all = pods.len();
    pods.retain(|pod| pod.cost != Cost::Foreign);
    let foreign = all - pods.len();
    pods.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
    let stay = pods.split_off(going.min(pods.len()));
    Plan {
        mark: pods.into_iter().filter(|pod| pod.cost == Cost::Unset).collect(),
        unmark: stay.into_iter().filter(|pod| pod.cost == Cost::Ours).collect(),
        foreign,
    }
}

/// A pod that a ReplicaSet controls, not one that is known to be another target's, and that is not on its way out.
fn candidate(pod: &PartialObjectMeta<Pod>, foreign: impl Fn(&str) -> bool) -> Option<Candidate> {
    let owners = pod.owner_references().iter();
    let mut controllers = owners.filter(|o| o.controller == Some(true) && o.kind == "ReplicaSet");
    if controllers.next().is_none_or(|set| foreign(&set.uid)) || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    Some(Candidate {
        name: pod.name_any(),
        uid: pod.uid()?,
        created: pod.metadata.creation_timestamp.as_ref().map(|t| t.0),
        cost: match pod.annotations().contains_key(ANNOTATION) {
            false => Cost::Unset,
            true if is_ours(pod) => Cost::Ours,
            true => Cost::Foreign,
        },
    })
}

/// Whether the annotation is what we applied.
fn is_ours(pod: &PartialObjectMeta<Pod>) -> bool {
    let applied = format!("f:{ANNOTATION}");
    pod.managed_fields().iter().any(|entry| {
        let fields = entry.fields_v1.as_ref().map(|f| &f.0["f:metadata"]["f:annotations"]);
        entry.manager.as_deref() == Some(FIELD_MANAGER) && fields.is_some_and(|f| f.get(&applied).is_some())
    })
}

/// Applies the annotation to this very pod, or takes back what we applied before.
async fn apply(api: Api<Pod>, pod: Candidate, marked: bool) -> Result<(), kube::Error> {
    let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod.name, "uid": pod.uid}});
    if marked {
        object["metadata"]["annotations"] = json!({ANNOTATION: FIRST});
    }
    let parameters = PatchParams::apply(FIELD_MANAGER);
    let applied = api.patch_metadata(&pod.name, &parameters, &Patch::Apply(object)).await;
    applied.map(|_| ())
}

/// Another manager set the annotation since the list was made.
fn is_foreign(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|d| &d.causes);
    status.code == 409 && causes.into_iter().any(|cause| cause.reason == "FieldManagerConflict")
}

/// The pod is no more, or another one has its name.
fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pods as `name age-in-seconds cost`; what is marked, unmarked, left.
    #[track_caller]
    fn check(pods: &[(&str, i64, Cost)], going: usize, mark: &[&str], unmark: &[&str], foreign: usize) {
        let candidates = pods.iter().map(|(name, age, cost)| Candidate {
            name: (*name).into(),
            uid: format!("{name}-uid"),
            created: Timestamp::from_second(1_700_000_000 - age).ok(),
            cost: *cost,
        });
        let plan = plan(candidates.collect(), going);
        let names = |pods: &[Candidate]| pods.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&plan.mark), names(&plan.unmark), plan.foreign),
            (
                mark.iter().map(|n| (*n).to_owned()).collect(),
                unmark.iter().map(|n| (*n).to_owned()).collect(),
                foreign
            ),
            "{pods:?}"
        );
    }

    #[test]
    fn the_youngest_go_and_nothing_is_written_twice() {
        use Cost::{Foreign, Ours, Unset};
        check(&[], 3, &[], &[], 0);
        check(
            &[("old", 900, Unset), ("new", 9, Unset), ("mid", 90, Unset)],
            2,
            &["new", "mid"],
            &[],
            0,
        );
        check(&[("old", 900, Unset), ("new", 9, Unset)], 9, &["new", "old"], &[], 0);
        // Marked already; the mark of a scale-down that was not made is taken back.
        check(
            &[("old", 900, Unset), ("new", 9, Ours), ("mid", 90, Ours)],
            1,
            &[],
            &["mid"],
            0,
        );
        // Somebody else's value stays, and the next youngest is marked in its place.
        check(
            &[("old", 900, Unset), ("new", 9, Foreign), ("mid", 90, Unset)],
            1,
            &["mid"],
            &[],
            1,
        );
        // Equally old: by name, so that a second look does not mark others.
        check(&[("b", 9, Unset), ("a", 9, Unset)], 1, &["a"], &[], 0);
    }

    fn pod(more: serde_json::Value) -> PartialObjectMeta<Pod> {
        let mut object = json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {
                "name": "web-1", "uid": "u", "creationTimestamp": "2026-11-20T10:00:00Z",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r", "controller": true}]
            }
        });
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.extend(more.as_object().unwrap().clone());
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn only_pods_of_a_replica_set_and_only_our_own_annotation() {
        let by = |manager: &str| {
            json!({
                "annotations": {ANNOTATION: "-1"},
                "managedFields": [{"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:metadata": {"f:annotations": {"f:controller.kubernetes.io/pod-deletion-cost": {}}}}}]
            })
        };
        for (more, expected) in [
            (json!({}), Some(Cost::Unset)),
            (json!({"annotations": {"a": "b"}}), Some(Cost::Unset)),
            (by("headroom"), Some(Cost::Ours)),
            (by("kubectl"), Some(Cost::Foreign)),
            (json!({"annotations": {ANNOTATION: "5"}}), Some(Cost::Foreign)),
            (json!({"deletionTimestamp": "2026-11-20T10:00:00Z"}), None),
            (json!({"ownerReferences": []}), None),
            (
                json!({"ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "r", "controller": true}]}),
                None,
            ),
        ] {
            assert_eq!(
                candidate(&pod(more.clone()), |_| false).map(|c| c.cost),
                expected,
                "{more}"
            );
        }
    }
}
