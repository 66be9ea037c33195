//! Which pods a scale-down removes, by the real controller manager.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams};
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

#[tokio::test(flavor = "multi_thread")]
async fn the_youngest_pods_go_and_a_value_of_somebody_else_stays() {
    let stage = Stage::set("order").await;
    stage.metrics.says(600.0);
    stage.deployment("web", 6).await;
    let old = pods(&stage).await;
    // Ages are known to the second. So young, all pods are equally old to the ReplicaSet controller: left alone, it would
    // choose among them at random.
    let born = headroom::clock::now().as_second();
    polled("a second later", async || {
        (headroom::clock::now().as_second() > born + 1).then_some(())
    })
    .await;
    let _operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    stage.metrics.says(1000.0);
    stage.until_replicas("web", 10).await;
    let all = polled("ten pods", async || Some(pods(&stage).await).filter(|p| p.len() == 10)).await;

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
