//! Others that scale the same target, and others that rewrite its count.

use headroom::api::ScalingPolicy;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::conditions;
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};

use crate::harness::{Operator, Stage, condition, is, polled, within};
use crate::rights;

const SPEC: &str = "
minReplicas: 2
maxReplicas: 20
interval: 1s
metrics:
  - name: requests
    prometheus: {query: requests}
    target: {averageValue: '100'}
";

fn of(target: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": target})
}

/// Waits until the policy is in conflict for this reason, and gives the message.
async fn conflict(stage: &Stage, policy: &str, reason: &'static str) -> String {
    let conflicted = move |p: &ScalingPolicy| {
        condition(p, "Conflicted").is_some_and(|(status, r, _)| status == "True" && r == reason)
    };
    let policy = stage
        .until_policy(policy, &format!("in conflict: {reason}"), conflicted)
        .await;
    assert!(is(&policy, "Ready", "False"));
    condition(&policy, "Conflicted").unwrap().2
}

/// Nothing is written while decisions go on.
async fn leaves_alone(stage: &Stage, operator: &Operator) {
    let generation = stage.generation("web").await;
    operator.decides(3.0).await;
    assert_eq!(stage.generation("web").await, generation);
}

async fn until_event(stage: &Stage, reason: &str) {
    let told = async || {
        let output = stage
            .cluster
            .kubectl()
            .args(["get", "events", "-n", &stage.namespace])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).contains(reason).then_some(())
    };
    polled(&format!("the event {reason}"), told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hpa_is_named_and_its_target_left_alone_until_it_goes() {
    let stage = Stage::set("hpa").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let hpa = json!({"metadata": {"name": "rival"}, "spec": {"maxReplicas": 10, "scaleTargetRef": of("web")}});
    let hpa: HorizontalPodAutoscaler = serde_json::from_value(hpa).unwrap();
    hpas.create(&PostParams::default(), &hpa).await.unwrap();
    let operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    let message = conflict(&stage, "web", "HorizontalPodAutoscaler").await;
    assert!(message.contains("HorizontalPodAutoscaler rival"), "{message}");
    leaves_alone(&stage, &operator).await;
    assert_eq!(stage.replicas("web").await, 2);
    let policy = stage.policies().get("web").await.unwrap();
    let decision = policy.status.unwrap().decision.unwrap();
    assert!(
        decision.message.contains("would scale from 2 to 5"),
        "{}",
        decision.message
    );
    assert_eq!(operator.count("headroom_policy_conflicted").await, 1.0);
    until_event(&stage, "Conflicted").await;

    hpas.delete("rival", &DeleteParams::default()).await.unwrap();
    stage.until_replicas("web", 5).await;
    stage
        .until_policy("web", "free", |p| {
            is(p, "Conflicted", "False") && is(p, "Ready", "True")
        })
        .await;
    until_event(&stage, "ConflictResolved").await;

    // One that comes later is a rival as well; pointed elsewhere it is none.
    hpas.create(&PostParams::default(), &hpa).await.unwrap();
    conflict(&stage, "web", "HorizontalPodAutoscaler").await;
    stage.metrics.says(800.0);
    leaves_alone(&stage, &operator).await;
    let elsewhere = Patch::Merge(json!({"spec": {"scaleTargetRef": of("api")}}));
    hpas.patch("rival", &PatchParams::default(), &elsewhere).await.unwrap();
    stage.until_replicas("web", 8).await;
}

/// As much of KEDA's CRD as an API server needs.
fn keda() -> CustomResourceDefinition {
    serde_json::from_value(json!({
        "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {
            "group": "keda.sh", "scope": "Namespaced",
            "names": {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
            }]
        }
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaled_object_is_seen_where_keda_comes_and_goes() {
    let stage = Stage::set("keda").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    // With the chart's rights: no other test lists KEDA's objects.
    let kubeconfig = rights::account(&stage, "headroom-keda", &rights::role("{}").await).await;
    let prometheus = format!("default={}", stage.metrics.url());
    let operator = stage.operator_as(&prometheus, &kubeconfig).await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    let log = stage.log();
    assert!(!log.contains("WARN"), "a cluster without KEDA costs nothing: {log}");

    let crds: Api<CustomResourceDefinition> = Api::all(stage.client.clone());
    crds.create(&PostParams::default(), &keda()).await.unwrap();
    let established = await_condition(crds.clone(), "scaledobjects.keda.sh", conditions::is_crd_established());
    within("KEDA's CRD is established", established).await.unwrap();
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject"));
    let objects: Api<DynamicObject> = Api::namespaced_with(stage.client.clone(), &stage.namespace, &kind);
    // Paused, and with KEDA's defaults for kind and version.
    let object = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "orders", "annotations": {"autoscaling.keda.sh/paused": "true"}},
        "spec": {"scaleTargetRef": {"name": "web"}}
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    let created = async || objects.create(&PostParams::default(), &object).await.ok();
    polled("the kind is served", created).await;
    let message = conflict(&stage, "web", "ScaledObject").await;
    assert!(message.contains("ScaledObject orders"), "{message}");
    stage.metrics.says(800.0);
    leaves_alone(&stage, &operator).await;
    objects.delete("orders", &DeleteParams::default()).await.unwrap();
    stage.until_replicas("web", 8).await;

    // KEDA is removed while one of its objects claims the target.
    polled("the object can be created anew", created).await;
    conflict(&stage, "web", "ScaledObject").await;
    crds.delete("scaledobjects.keda.sh", &DeleteParams::default())
        .await
        .unwrap();
    stage.metrics.says(1200.0);
    stage.until_replicas("web", 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_policies_the_older_one_acts() {
    let stage = Stage::set("elder").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let operator = stage.operator().await;
    let elder = SPEC.replace("20", "4");
    let created = stage.policy("elder", &elder).await.creation_timestamp().unwrap().0;
    stage.until_replicas("web", 4).await;
    // Creation is known to the second.
    let later = async || (headroom::clock::now().as_second() > created.as_second() + 1).then_some(());
    polled("a second later", later).await;
    stage.policy("web", SPEC).await;
    let message = conflict(&stage, "web", "OlderScalingPolicy").await;
    assert!(message.contains("ScalingPolicy elder"), "{message}");
    leaves_alone(&stage, &operator).await;
    let elders = stage.policies().get("elder").await.unwrap();
    assert!(is(&elders, "Conflicted", "False"), "the older one gives way to nobody");

    // Who never writes is no rival; who holds is one.
    stage.policy("elder", &format!("{elder}mode: DryRun")).await;
    stage.until_replicas("web", 5).await;
    stage.policy("elder", &format!("{elder}mode: Paused")).await;
    conflict(&stage, "web", "OlderScalingPolicy").await;
    stage.metrics.says(800.0);
    leaves_alone(&stage, &operator).await;
    stage.delete_policy("elder").await;
    stage.until_replicas("web", 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_rewrites_the_count_is_named() {
    let stage = Stage::set("contested").await;
    stage.metrics.says(450.0);
    stage.deployment("web", 2).await;
    let argo = async |replicas: i32| {
        let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas}});
        let parameters = PatchParams::apply("argocd-controller").force();
        stage
            .deployments()
            .patch("web", &parameters, &Patch::Apply(manifest))
            .await
            .unwrap();
    };
    let _operator = stage.operator().await;
    argo(3).await;
    stage.policy("web", &format!("{SPEC}mode: DryRun")).await;
    let owned = |p: &ScalingPolicy| {
        let owners = p.status.as_ref().map(|s| s.replicas_owners.clone()).unwrap_or_default();
        owners.iter().any(|o| o == "argocd-controller")
    };
    let policy = stage.until_policy("web", "beside another owner", owned).await;
    assert!(is(&policy, "Conflicted", "False") && is(&policy, "ReplicasContested", "False"));

    stage.policy("web", SPEC).await;
    for times in 0..3 {
        stage.until_replicas("web", 5).await;
        let policy = stage.policies().get("web").await.unwrap();
        assert!(is(&policy, "ReplicasContested", "False"), "after {times}");
        argo(3).await;
    }
    let policy = stage
        .until_policy("web", "contested", |p| is(p, "ReplicasContested", "True"))
        .await;
    let (_, _, message) = condition(&policy, "ReplicasContested").unwrap();
    assert!(message.contains("argocd-controller"), "{message}");
    // It is told, and scaling goes on.
    stage.until_replicas("web", 5).await;
    until_event(&stage, "ReplicasContested").await;
}

/// Applies a manifest of the Deployment `web` as `flux` would, with or without `replicas`.
async fn applies(stage: &Stage, manager: &str, replicas: Option<i32>) {
    let labels = json!({"app": "web"});
    let pods = json!({"containers": [{"name": "app", "image": "registry.k8s.io/pause:3.10"}]});
    let template = json!({"metadata": {"labels": labels}, "spec": pods});
    let mut spec = json!({"selector": {"matchLabels": labels}, "template": template});
    if let Some(replicas) = replicas {
        spec["replicas"] = json!(replicas);
    }
    let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec});
    let parameters = PatchParams::apply(manager).force();
    stage
        .deployments()
        .patch("web", &parameters, &Patch::Apply(manifest))
        .await
        .unwrap();
}

/// docs/rivals.md, "With server-side apply".
#[tokio::test(flavor = "multi_thread")]
async fn the_field_is_handed_over_without_a_fall_to_one() {
    let stage = Stage::set("handover").await;
    applies(&stage, "flux", Some(3)).await;
    let replicas_only = |replicas: i32| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas}});
    let parameters = PatchParams::apply("handover");
    stage
        .deployments()
        .patch("web", &parameters, &Patch::Apply(replicas_only(3)))
        .await
        .unwrap();
    applies(&stage, "flux", None).await;
    assert_eq!(stage.replicas("web").await, 3, "handed over");
    // Headroom takes it from there, and flux lets it.
    stage.metrics.says(450.0);
    let operator = stage.operator().await;
    stage.policy("web", SPEC).await;
    stage.until_replicas("web", 5).await;
    applies(&stage, "flux", None).await;
    operator.decides(1.0).await;
    assert_eq!(stage.replicas("web").await, 5);
    let sole = |p: &ScalingPolicy| {
        p.status
            .as_ref()
            .is_some_and(|s| s.current_replicas == Some(5) && s.replicas_owners.is_empty())
    };
    stage.until_policy("web", "the sole owner", sole).await;
}
