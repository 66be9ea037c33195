//! Others that scale the same target, and the pods that go first: what the reconciler asks for then, and what it leaves.

use futures::StreamExt;
use headroom::observe::rivals;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::runtime::watcher::Event;

use super::*;

/// A condition of a reported status: status, reason, message.
#[track_caller]
fn said<'a>(reported: &'a Value, kind: &str) -> (&'a str, &'a str, &'a str) {
    let conditions = written(reported)["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|c| c["type"] == kind).unwrap();
    let text = |field: &str| found[field].as_str().unwrap();
    (text("status"), text("reason"), text("message"))
}

/// What the watch on HPAs brings: one for the same target.
async fn watched(context: &Context, event: impl Fn(HorizontalPodAutoscaler) -> Event<HorizontalPodAutoscaler>) {
    let target = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"});
    let hpa = json!({"metadata": {"name": "rival", "namespace": "shop"}, "spec": {"maxReplicas": 9, "scaleTargetRef": target}});
    let events = futures::stream::iter([Ok(event(serde_json::from_value(hpa).unwrap()))]);
    let changed = context.rivals.hpas.follow(events, rivals::of_hpa, || {});
    assert_eq!(changed.count().await, 1);
}

#[tokio::test]
async fn a_rival_s_target_is_left_alone_until_the_rival_is_gone() {
    let (context, mut server) = stage();
    let reconciled = async {
        watched(&context, Event::Apply).await;
        reconcile(policy("Active"), context.clone()).await.unwrap();
        watched(&context, Event::Delete).await;
        reconcile(policy("Active"), context.clone()).await.unwrap();
        drop(context);
    };
    let part = async move {
        server.shows_scale(2).await;
        // Neither announced nor made.
        let reported = server.stores("Active").await;
        let (status, reason, message) = said(&reported, "Conflicted");
        assert_eq!((status, reason), ("True", "HorizontalPodAutoscaler"));
        assert!(message.contains("rival"), "{message}");
        assert_eq!(said(&reported, "Ready").0, "False");
        assert_eq!(written(&reported)["desiredReplicas"], 5, "deciding goes on");
        assert_eq!(written(&reported)["damping"].get("pendingScale"), None);
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "Conflicted");
        // Gone: at once.
        server.takes("GET", SCALE, scale(2)).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "SuccessfulRescale");
        let reported = server.stores("Active").await;
        assert_eq!(said(&reported, "Conflicted").0, "False");
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "ConflictResolved");
        server.ends().await;
    };
    tokio::join!(reconciled, part);
}

#[tokio::test]
async fn a_younger_policy_gives_way_to_an_older_one() {
    let (context, mut server) = stage();
    let mut elder = (*policy("Active")).clone();
    elder.metadata.name = Some("elder".into());
    elder.metadata.creation_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(context.knows(&policy("Active")).len(), 0);
    assert_eq!(context.knows(&elder).len(), 1, "the younger has to look again");
    let reconciled = async {
        reconcile(policy("Active"), context.clone()).await.unwrap();
        drop(context);
    };
    let part = async move {
        server.shows_scale(2).await;
        let reported = server.stores("Active").await;
        let (status, reason, message) = said(&reported, "Conflicted");
        assert_eq!((status, reason), ("True", "OlderScalingPolicy"));
        assert!(message.contains("elder"), "{message}");
        server.takes("POST", EVENTS, json!({})).await;
        server.ends().await;
    };
    tokio::join!(reconciled, part);
}

pub const PODS: &str = "/api/v1/namespaces/shop/pods";

/// The policy, with pods that go in an order and nothing that delays them.
pub fn ordered() -> Arc<ScalingPolicy> {
    let mut object = serde_json::to_value(&*policy("Active")).unwrap();
    object["spec"]["scaleIn"] = json!({"podDeletionCost": "YoungestFirst"});
    object["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    Arc::new(serde_json::from_value(object).unwrap())
}

fn pod(name: &str, created: &str) -> Value {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r", "controller": true}]);
    let metadata = json!({"name": name, "uid": name, "creationTimestamp": created, "ownerReferences": owner});
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata})
}

/// Two pods, `old` and, a second younger, `new`.
pub fn listed() -> Value {
    let items = [pod("old", "2026-11-20T10:00:00Z"), pod("new", "2026-11-20T10:00:01Z")];
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {}, "items": items})
}

/// From six to the window's five, while the pods play their part.
async fn scales_in<F: Future<Output = ApiServer>>(pods: impl FnOnce(ApiServer) -> F) {
    let (context, mut server) = stage();
    let reconciled = async {
        reconcile(ordered(), context.clone()).await.unwrap();
        drop(context);
    };
    let part = async move {
        let mut six = scale(6);
        six["status"]["selector"] = json!("app=web");
        server.shows(six).await;
        let mut server = pods(server).await;
        server.stores("Active").await;
        let patch = server.takes("PATCH", SCALE, scale(5)).await;
        assert_eq!(patch[2]["value"], 5);
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "SuccessfulRescale");
        server.stores("Active").await;
        server.ends().await;
    };
    tokio::join!(reconciled, part);
}

#[tokio::test]
async fn the_youngest_pod_is_marked_before_it_goes() {
    scales_in(|mut server| async move {
        server.takes("GET", PODS, listed()).await;
        let applied = server
            .takes("PATCH", &format!("{PODS}/new"), pod("new", "2026-11-20T10:00:01Z"))
            .await;
        assert_eq!(
            applied["metadata"]["annotations"],
            json!({"controller.kubernetes.io/pod-deletion-cost": "-1"})
        );
        assert_eq!(applied["metadata"]["uid"], "new", "this very pod");
        server
    })
    .await;
}

#[tokio::test]
async fn a_scale_down_is_made_though_no_pod_can_be_marked() {
    scales_in(|mut server| async move {
        server.takes("GET", PODS, refused(403, "Forbidden")).await;
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "PodDeletionCost");
        server
    })
    .await;
}
