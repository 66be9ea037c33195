//! metrics.k8s.io as its users see it: pods use what their annotations say, `kubectl top` shows it, and Kubernetes' own
//! HorizontalPodAutoscaler scales by it. One test, because a control plane with metrics-server is a large thing to start.

use std::time::{Duration, Instant};

use headroom_cluster::{Binaries, ControlPlane, Options, console};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

/// Longest wait for what takes half a minute on idle cores: two looks of metrics-server and a sync of the autoscaler.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn pods_use_what_they_are_told_to_and_the_autoscaler_scales_by_it() {
    let binaries = Binaries::ensure_with_metrics_server(console()).await.unwrap();
    let options = Options {
        horizontal_pod_autoscaler: true,
        horizontal_pod_autoscaler_sync: Duration::from_secs(1),
        resource_metrics: true,
        ..Options::default()
    };
    let cluster = ControlPlane::start(&binaries, options).await.unwrap();
    let client = cluster.client().unwrap();
    let namespace = cluster.namespace("top").await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    let usage = json!({"kwok.x-k8s.io/usage-cpu": "150m", "kwok.x-k8s.io/usage-memory": "64Mi"});
    for (name, annotations) in [("busy", usage), ("unknown", json!({}))] {
        let deployment = deployment(name, &annotations);
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
    }

    let url = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
    until("metrics of both busy pods", async || {
        let request = http::Request::get(&url).body(Vec::new()).unwrap();
        let list: Value = client.request(request).await.unwrap();
        let pods = list["items"].as_array().unwrap();
        for pod in pods {
            let name = pod["metadata"]["name"].as_str().unwrap();
            assert!(name.starts_with("busy-"), "{name} has no annotations and so no metrics");
            let container = &pod["containers"][0];
            assert_eq!(container["usage"]["memory"], "64Mi", "{container}");
        }
        pods.len() == 2
    })
    .await;
    // The processor time is a rate over two looks; what a look itself takes makes it a little off.
    let top = cluster
        .kubectl()
        .args(["top", "pods", "--no-headers", "--namespace", &namespace])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&top.stdout).into_owned();
    assert!(top.status.success(), "{}", String::from_utf8_lossy(&top.stderr));
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let milli: u32 = words[1].strip_suffix('m').unwrap().parse().unwrap();
        assert!((140..=160).contains(&milli), "{text}");
        assert_eq!(words[2], "64Mi", "{text}");
    }

    // 150 of 100 requested millicores at a target of 50 %: three times as many as the two that there are.
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::namespaced(client, &namespace);
    autoscalers
        .create(&PostParams::default(), &autoscaler("busy"))
        .await
        .unwrap();
    until("6 replicas asked for", async || {
        deployments.get("busy").await.unwrap().spec.unwrap().replicas == Some(6)
    })
    .await;
    cluster.stop().await;
}

fn deployment(name: &str, annotations: &Value) -> Deployment {
    let container = json!({"name": "main", "image": "none", "resources": {"requests": {"cpu": "100m"}}});
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }))
    .expect("a valid Deployment")
}

fn autoscaler(name: &str) -> HorizontalPodAutoscaler {
    let target = json!({"type": "Utilization", "averageUtilization": 50});
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 6,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }))
    .expect("a valid HorizontalPodAutoscaler")
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
