//! Which pods a scale-down removes, by the real controller manager.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::harness::{Stage, polled};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
scaleIn: {podDeletionCost: YoungestFirst}
";

const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The names of the Deployment's pods that are not on their way out, sorted.
async fn pods(stage: &Stage) -> Vec<String> {
    let api: Api<Pod> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let pods = api.list(&ListParams::default().labels("app=web")).await.unwrap();
    let alive = pods.iter().filter(|p| p.metadata.deletion_timestamp.is_none());
    let mut names: Vec<String> = alive.map(ResourceExt::name_any).collect();
    names.sort();
    names
}

/// A fake node that takes only pods of this test.
async fn node(stage: &Stage, name: &str) {
    let room = json!({"cpu": "1k", "memory": "1Ti", "pods": "100"});
    let node = json!({
        "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"for": "order"}},
        "spec": {"taints": [{"key": "for", "value": "order", "effect": "NoSchedule"}]},
        "status": {"capacity": room, "allocatable": room},
    });
    let nodes: Api<Node> = Api::all(stage.client.clone());
    let node = serde_json::from_value(node).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
}

/// Six pods of the Deployment `web` on the node `crowded`; whoever comes later goes to the node `roomy`. Left alone, the
/// ReplicaSet controller removes the six first, old as they are: their node has more of them.
async fn six_on_a_crowded_node(stage: &Stage) {
    node(stage, "crowded").await;
    let labels = json!({"app": "web"});
    let deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 6,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "nodeSelector": {"for": "order"},
                "tolerations": [{"key": "for", "value": "order", "effect": "NoSchedule"}],
                "containers": [{"name": "app", "image": "registry.k8s.io/pause:3.10"}]
            }}
        }
    }));
    let api = stage.deployments();
    api.create(&PostParams::default(), &deployment.unwrap()).await.unwrap();
    let ready = |d: &Deployment| d.status.as_ref().and_then(|s| s.ready_replicas) == Some(6);
    stage.until_deployment("web", "ready", ready).await;
    let nodes: Api<Node> = Api::all(stage.client.clone());
    let cordon = Patch::Merge(json!({"spec": {"unschedulable": true}}));
    nodes.patch("crowded", &PatchParams::default(), &cordon).await.unwrap();
    node(stage, "roomy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_youngest_pods_go_and_a_value_of_somebody_else_stays() {
    let stage = Stage::set("order").await;
    stage.metrics.says(600.0);
    six_on_a_crowded_node(&stage).await;
    let old = pods(&stage).await;
    // Ages are known to the second.
    let born = headroom::clock::now().as_second();
    polled("a second later", async || {
        (headroom::clock::now().as_second() > born + 1).then_some(())
    })
    .await;
    let _operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    stage.metrics.says(1000.0);
    stage.until_replicas("web", 10).await;
    let ready = |d: &Deployment| d.status.as_ref().and_then(|s| s.ready_replicas) == Some(10);
    stage.until_deployment("web", "ready", ready).await;
    let all = pods(&stage).await;

    // Somebody protects one of the young.
    let protected = all.iter().find(|name| !old.contains(name)).unwrap();
    let api: Api<Pod> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let cost = Patch::Merge(json!({"metadata": {"annotations": {COST: "7"}}}));
    api.patch(protected, &PatchParams::default(), &cost).await.unwrap();

    stage.metrics.says(700.0);
    stage.until_replicas("web", 7).await;
    let left = polled("seven pods", async || Some(pods(&stage).await).filter(|p| p.len() == 7)).await;
    let mut expected = [old, vec![protected.clone()]].concat();
    expected.sort();
    assert_eq!(left, expected, "{}", stage.log());
    let pod = api.get(protected).await.unwrap();
    assert_eq!(pod.annotations().get(COST).map(String::as_str), Some("7"));
    assert!(
        stage
            .log()
            .contains("the pod-deletion-cost of 1 pod was set by somebody else"),
        "{}",
        stage.log()
    );
}
