//! Resource metrics from a real metrics-server: utilisation scales, and a pod without requests is told, not scaled by.

use headroom::api::ScalingPolicy;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::PostParams;
use serde_json::json;

use crate::harness::{Stage, condition};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 6
interval: 1s
metrics:
  - name: cpu
    resource: {name: cpu}
    target: {averageUtilization: 50}
";

/// Two pods that use 150m of cpu each, and request this.
async fn busy(stage: &Stage, requests: serde_json::Value) {
    let annotations = json!({"kwok.x-k8s.io/usage-cpu": "150m", "kwok.x-k8s.io/usage-memory": "64Mi"});
    let deployment: Deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": annotations},
                "spec": {"containers": [{"name": "app", "image": "none", "resources": {"requests": requests}}]}
            }
        }
    }))
    .unwrap();
    let deployments = stage.deployments();
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn utilisation_of_requests_scales_as_hpa_would() {
    let stage = Stage::set("cpu").await;
    let _operator = stage.operator().await;
    busy(&stage, json!({"cpu": "100m"})).await;
    stage.policy("web", SPEC).await;
    // 150 % of what is requested, against 50 %: three times as many.
    stage.until_replicas("web", 6).await;
    let scaled = |p: &ScalingPolicy| p.status.as_ref().is_some_and(|s| s.current_replicas == Some(6));
    let policy = stage.until_policy("web", "reported", scaled).await;
    let decision = policy.status.unwrap().decision.unwrap();
    assert_eq!(decision.winner.as_deref(), Some("metric/cpu"));
    let reason = &decision.proposals[0].reason;
    assert!(reason.contains("% of requests, target 50 %"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_request_nothing_are_told_and_nothing_is_scaled() {
    let stage = Stage::set("no-request").await;
    let operator = stage.operator().await;
    busy(&stage, json!({})).await;
    stage.policy("web", SPEC).await;
    let told = |p: &ScalingPolicy| {
        condition(p, "ScalingActive").is_some_and(|(status, _, message)| {
            status == "False" && message.contains("cpu") && message.contains("NoRequest")
        })
    };
    stage.until_policy("web", "without requests", told).await;
    operator.decides(2.0).await;
    assert_eq!(stage.replicas("web").await, 2);
}
