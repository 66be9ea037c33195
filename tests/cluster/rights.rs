//! The rights that README lists are enough: the operator scales, reports and tells as an account that has no others.

use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::{Stage, is};

/// The ClusterRole of README.
fn role() -> ClusterRole {
    let readme = include_str!("../../README.md");
    let from = readme.find("apiVersion: rbac.authorization.k8s.io/v1").expect("a role");
    let length = readme[from..].find("```").expect("its end");
    serde_yaml::from_str(&readme[from..from + length]).expect("YAML")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_of_readme_are_enough() {
    let stage = Stage::set("rights").await;
    let roles: Api<ClusterRole> = Api::all(stage.client.clone());
    let parameters = PatchParams::apply("test").force();
    roles
        .patch("headroom", &parameters, &Patch::Apply(role()))
        .await
        .unwrap();
    let binding = json!({
        "metadata": {"name": "headroom"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "headroom"},
        "subjects": [{"kind": "ServiceAccount", "name": "headroom", "namespace": stage.namespace}]
    });
    let bindings: Api<RoleBinding> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let binding = serde_json::from_value(binding).unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();

    // The administrator's credentials, acting as the account: the API server asks for the account's rights.
    let kubeconfig = std::fs::read_to_string(stage.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&kubeconfig).unwrap();
    kubeconfig["users"][0]["user"]["as"] = json!(format!("system:serviceaccount:{}:headroom", stage.namespace));
    let path = stage.directory.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();

    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let _operator = stage
        .operator_as(&format!("default={}", stage.metrics.url()), &path)
        .await;
    let spec =
        "{maxReplicas: 9, interval: 1s, metrics: [{name: m, prometheus: {query: q}, target: {averageValue: 100}}]}";
    stage.policy("web", spec).await;
    stage.until_replicas("web", 5).await;
    stage.until_policy("web", "ready", |p| is(p, "Ready", "True")).await;
    let log = stage.log();
    assert!(!log.contains("forbidden") && !log.contains("403"), "{log}");
    let events = stage
        .cluster
        .kubectl()
        .args(["get", "events", "-n", &stage.namespace])
        .output()
        .unwrap();
    let events = String::from_utf8_lossy(&events.stdout);
    assert!(events.contains("SuccessfulRescale"), "{events}");
}
