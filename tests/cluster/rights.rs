//! The rights that README lists are enough: the operator scales, reports and tells as an account that has no others.
//! What happens without one of them is told.

use std::path::PathBuf;

use headroom::api::ScalingPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::{Stage, condition, is};

/// The ClusterRole of README.
pub fn role() -> ClusterRole {
    let readme = include_str!("../../README.md");
    let from = readme.find("apiVersion: rbac.authorization.k8s.io/v1").expect("a role");
    let length = readme[from..].find("```").expect("its end");
    serde_yaml::from_str(&readme[from..from + length]).expect("YAML")
}

/// A kubeconfig of an account that has this role, under this name, in the stage's namespace.
pub async fn account(stage: &Stage, name: &str, role: &ClusterRole) -> PathBuf {
    let roles: Api<ClusterRole> = Api::all(stage.client.clone());
    let parameters = PatchParams::apply("test").force();
    let mut role = role.clone();
    role.metadata.name = Some(name.to_owned());
    roles.patch(name, &parameters, &Patch::Apply(role)).await.unwrap();
    let binding = json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": stage.namespace}]
    });
    let bindings: Api<RoleBinding> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let binding = serde_json::from_value(binding).unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();

    // The administrator's credentials, acting as the account: the API server asks for the account's rights.
    let kubeconfig = std::fs::read_to_string(stage.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&kubeconfig).unwrap();
    kubeconfig["users"][0]["user"]["as"] = json!(format!("system:serviceaccount:{}:{name}", stage.namespace));
    let path = stage.directory.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    path
}

const SPEC: &str = "
maxReplicas: 9
interval: 1s
metrics: [{name: m, prometheus: {query: q}, target: {averageValue: 100}}]
behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
scaleIn: {podDeletionCost: YoungestFirst}
";

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_of_readme_are_enough() {
    let stage = Stage::set("rights").await;
    let kubeconfig = account(&stage, "headroom", &role()).await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let prometheus = format!("default={}", stage.metrics.url());
    let _operator = stage.operator_as(&prometheus, &kubeconfig).await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    let known = |p: &ScalingPolicy| is(p, "Ready", "True") && is(p, "Conflicted", "False");
    stage.until_policy("web", "ready", known).await;
    stage.metrics.says(200.0);
    stage.until_replicas("web", 2).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_see_rivals_it_is_said_once_and_scaling_goes_on() {
    let stage = Stage::set("unseen").await;
    let mut role = role();
    let rules = role.rules.as_mut().unwrap();
    rules.retain(|rule| rule.api_groups != Some(vec!["autoscaling".to_owned()]));
    let kubeconfig = account(&stage, "headroom-unseen", &role).await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let prometheus = format!("default={}", stage.metrics.url());
    let operator = stage.operator_as(&prometheus, &kubeconfig).await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    let unseen = |p: &ScalingPolicy| is(p, "Ready", "True") && is(p, "Conflicted", "Unknown");
    let policy = stage
        .until_policy("web", "ready, without rivals being seen", unseen)
        .await;
    let (_, reason, message) = condition(&policy, "Conflicted").unwrap();
    assert_eq!(reason, "RivalsUnseen");
    assert!(message.contains("horizontalpodautoscalers"), "{message}");
    operator.decides(3.0).await;
    let log = stage.log();
    let told = log
        .lines()
        .filter(|l| l.contains("may not be listed") && l.contains("WARN"));
    assert_eq!(told.count(), 1, "{log}");
}
