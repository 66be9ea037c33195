//! Pods near their limits, as a real metrics-server tells it: the condition, the Event, and that both go again.

use headroom::api::ScalingPolicy;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::harness::{Stage, condition, polled};

const SPEC: &str = "
minReplicas: 2
maxReplicas: 6
interval: 1s
schedules:
  - {name: always, start: '* * * * *', duration: 1h, minReplicas: 2}
bottleneck: {}
";

/// Two pods that use a little of 100m cpu and 100Mi memory.
async fn small(stage: &Stage) {
    let annotations = json!({"kwok.x-k8s.io/usage-cpu": "10m", "kwok.x-k8s.io/usage-memory": "20Mi"});
    let limits = json!({"limits": {"cpu": "100m", "memory": "100Mi"}});
    let deployment: Deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": annotations},
                "spec": {"containers": [{"name": "app", "image": "none", "resources": limits}]}
            }
        }
    }))
    .unwrap();
    let deployments = stage.deployments();
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
}

/// Lets one pod use so much memory.
async fn uses(pods: &Api<Pod>, name: &str, memory: &str) {
    let change = json!({"metadata": {"annotations": {"kwok.x-k8s.io/usage-memory": memory}}});
    let parameters = PatchParams::default();
    pods.patch(name, &parameters, &Patch::Merge(change)).await.unwrap();
}

fn is(status: &'static str, reason: &'static str) -> impl Fn(&ScalingPolicy) -> bool {
    move |p| condition(p, "Bottlenecked").is_some_and(|(s, r, _)| s == status && r == reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_pod_near_its_memory_limit_is_told_and_so_is_its_end() {
    let stage = Stage::set("bottleneck").await;
    let operator = stage.operator().await;
    small(&stage).await;
    stage.policy("web", SPEC).await;
    stage
        .until_policy("web", "within limits", is("False", "WithinLimits"))
        .await;

    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let listed = pods.list(&ListParams::default().labels("app=web")).await.unwrap();
    let hot = listed.items[0].name_any();
    uses(&pods, &hot, "95Mi").await;
    let policy = stage
        .until_policy("web", "unbalanced", is("True", "LoadUnbalanced"))
        .await;
    let (.., message) = condition(&policy, "Bottlenecked").unwrap();
    let near = format!("memory is at 95 % in pod {hot}");
    assert!(message.contains(&near), "{message}");
    let told = policy.status.unwrap().bottleneck.unwrap();
    assert_eq!(told.advice.as_deref(), Some("BalanceLoad"));
    assert_eq!(told.nearest.as_deref(), Some("memory"));
    let events: Api<Event> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let event = async |reason: &str| {
        let all = events.list(&ListParams::default()).await.unwrap().items;
        all.into_iter().find(|e| e.reason.as_deref() == Some(reason))
    };
    let begun = polled("the event of its begin", async || event("Bottlenecked").await).await;
    assert!(begun.note.unwrap().contains(&near));
    // Told by metrics as well, and nothing was scaled for it.
    let labels = format!("{{namespace=\"{}\",policy=\"web\"", stage.namespace);
    let page = operator.page().await;
    for line in [
        format!("headroom_policy_utilization_ratio{labels},resource=\"memory\"}} 0.95"),
        format!("headroom_policy_bigger_pods_advised{labels}}} 0"),
    ] {
        assert!(page.contains(&line), "{line} is missing in:\n{page}");
    }
    assert_eq!(stage.replicas("web").await, 2);

    uses(&pods, &hot, "20Mi").await;
    stage
        .until_policy("web", "within limits again", is("False", "WithinLimits"))
        .await;
    polled("the event of its end", async || event("BottleneckResolved").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_does_not_go_with_cpu_asks_for_bigger_pods_and_a_restart_goes_on_saying_so() {
    let stage = Stage::set("bigger").await;
    let mut operator = stage.operator().await;
    small(&stage).await;
    stage.policy("web", SPEC).await;
    stage
        .until_policy("web", "within limits", is("False", "WithinLimits"))
        .await;
    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let listed = pods.list(&ListParams::default().labels("app=web")).await.unwrap();
    for (pod, cpu) in listed.items.iter().zip(["15m", "60m"]) {
        let usage = json!({"kwok.x-k8s.io/usage-cpu": cpu, "kwok.x-k8s.io/usage-memory": "92Mi"});
        let change = json!({"metadata": {"annotations": usage}});
        let parameters = PatchParams::default();
        pods.patch(&pod.name_any(), &parameters, &Patch::Merge(change))
            .await
            .unwrap();
    }
    let policy = stage.until_policy("web", "too small", is("True", "UseNotShared")).await;
    let before = policy.status.unwrap().bottleneck.unwrap();
    assert_eq!(before.advice.as_deref(), Some("BiggerPods"));
    let evidence = before.evidence.unwrap();
    assert!(
        evidence.contains("75 % lower") && evidence.contains("memory was the same"),
        "{evidence}"
    );

    operator.process.kill().unwrap();
    let operator = stage.operator().await;
    operator.decides(3.0).await;
    let policy = stage.policies().get("web").await.unwrap();
    let (status, reason, _) = condition(&policy, "Bottlenecked").unwrap();
    assert_eq!((&*status, &*reason), ("True", "UseNotShared"));
    assert_eq!(policy.status.unwrap().bottleneck.unwrap().since, before.since);
}
