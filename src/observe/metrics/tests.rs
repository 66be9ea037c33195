//! Samples of pods, put together from a scripted index of pods and scripted answers of the API.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::engine::reading::Phase;
use crate::observe::apis::tests::{Script, answers};
use crate::observe::pods::tests::{follow, web};
use crate::observe::scale::tests::target_of;

const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";

/// A pod of the StatefulSet `web`, of two containers that request 250m and 100m.
fn pod(name: &str, owner: &str, phase: &str) -> Value {
    let container = |name: &str, cpu: &str| json!({"name": name, "resources": {"requests": {"cpu": cpu}}});
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": name, "labels": {"app": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": owner, "controller": true}]
        },
        "spec": {"containers": [container("app", "250m"), container("proxy", "100m")]},
        "status": {"phase": phase, "startTime": "2026-01-01T00:00:00Z"}
    })
}

fn used(name: &str, containers: &[(&str, &str)]) -> Value {
    let each = containers
        .iter()
        .map(|(name, cpu)| json!({"name": name, "usage": {"cpu": cpu, "memory": "1Mi"}}));
    json!({
        "metadata": {"name": name, "namespace": "shop"}, "timestamp": "2026-01-01T01:00:00Z", "window": "15.5s",
        "containers": each.collect::<Vec<_>>()
    })
}

/// The sample of this metric of the StatefulSet `web`, of these pods, with the one answer of the API.
async fn sample_of(source: &str, pods: Vec<Value>, script: Script) -> Sample {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (apis, _asked) = answers(vec![script]);
    let index = Pods::default();
    let listed = pods.into_iter().map(|pod| serde_json::from_value(pod).unwrap());
    follow(&index, listed.collect(), vec![]);
    let spec: MetricSpec =
        serde_yaml::from_str(&format!("{{name: m, {source}, target: {{averageValue: 1}}}}")).unwrap();
    let servers = Servers::new([], Duration::from_secs(1), Arc::new(|_: &str, _, _| {})).unwrap();
    let key = TargetKey {
        group: "apps".to_owned(),
        kind: "StatefulSet".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    };
    let sight = Sight {
        servers: &servers,
        apis: &apis,
        pods: &index,
        owners: &Owners::default(),
        target: &target_of("web-uid", Some(web())),
        key: &key,
        interval: SignedDuration::from_secs(15),
        now: "2026-01-01T01:00:10Z".parse().unwrap(),
    };
    sample(&sight, &spec).await
}

fn pods_of(sample: Sample) -> Arc<PodMetrics> {
    match sample {
        Ok(Reading::Pods(pods)) => pods,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn containers_add_up_and_one_without_a_value_leaves_the_pod_without_a_sample() {
    let pods = vec![
        pod("web-0", "web-uid", "Running"),
        pod("web-1", "web-uid", "Running"),
        pod("web-2", "web-uid", "Pending"),
        pod("by-hand", "other", "Running"),
    ];
    let mut half = used("web-1", &[("app", "1")]);
    half["containers"][0]["usage"] = json!({"memory": "1Mi"});
    let list =
        json!({"items": [used("web-0", &[("app", "200m"), ("proxy", "1n")]), half, used("by-hand", &[("app", "9")])]});
    let read = pods_of(sample_of("resource: {name: cpu}", pods.clone(), Script::says(PODS, list.clone())).await);
    assert_eq!(
        (read.kind, read.pods.len(), read.by_selector),
        (PodMetric::Cpu, 3, false)
    );
    assert_eq!(read.unrequested, None);
    let first = &read.pods[0];
    assert_eq!((first.request, first.sample.map(|s| s.value)), (350, Some(201)));
    assert_eq!(
        first.sample.map(|s| s.window),
        Some(SignedDuration::from_millis(15_500))
    );
    assert_eq!(read.pods[1].sample, None);
    assert_eq!((read.pods[2].phase, read.pods[2].sample), (Phase::Pending, None));

    let read = sample_of(
        "resource: {name: cpu, container: proxy}",
        pods.clone(),
        Script::says(PODS, list.clone()),
    )
    .await;
    let values: Vec<_> = pods_of(read)
        .pods
        .iter()
        .map(|p| (p.request, p.sample.map(|s| s.value)))
        .collect();
    assert_eq!(values, [(100, Some(1)), (100, None), (100, None)]);

    let read = pods_of(sample_of("resource: {name: memory}", pods, Script::says(PODS, list)).await);
    let why = read.unrequested.as_deref().unwrap();
    assert!(
        why.starts_with("pod web-0: container \"app\" has no request for memory"),
        "{why}"
    );
    assert_eq!(read.pods[0].sample.map(|s| s.value), Some(2 * 1_048_576_000));
}

#[tokio::test]
async fn a_failure_of_the_api_is_the_sample_s() {
    let refused = Script::refuses(PODS, 403, "pods.metrics.k8s.io is forbidden");
    let failure = sample_of(
        "resource: {name: cpu}",
        vec![pod("web-0", "web-uid", "Running")],
        refused,
    )
    .await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.cause, Cause::Forbidden);
    assert!(failure.message.contains("docs/install.md"), "{}", failure.message);
}

#[tokio::test]
async fn no_pods_are_told_from_no_metrics() {
    let nobody = sample_of(
        "resource: {name: cpu}",
        vec![],
        Script::says(PODS, json!({"items": [used("x", &[("x", "1")])]})),
    );
    assert_eq!(pods_of(nobody.await).pods.len(), 0);
}
