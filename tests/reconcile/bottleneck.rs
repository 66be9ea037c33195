//! The view on the pods: asked for once the decision is written and reported, told at the next turn, and only where the
//! policy asks for it.

use futures::stream;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;

use super::*;

const USES: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";

fn watched(bottleneck: Value) -> Arc<ScalingPolicy> {
    let mut object = serde_json::to_value(&*policy("Active")).unwrap();
    object["spec"]["bottleneck"] = bottleneck;
    Arc::new(serde_json::from_value(object).unwrap())
}

/// Two pods of the target whose container may use 100m of cpu and 100Mi of memory.
async fn with_pods(context: &Context) {
    let pods = ["web-a", "web-b"].map(|name| {
        let limits = json!({"limits": {"cpu": "100m", "memory": "100Mi"}});
        let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:09Z"});
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "target-uid", "controller": true});
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {"app": "web"}, "ownerReferences": [owner]},
            "spec": {"containers": [{"name": "app", "resources": limits}]},
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "conditions": [ready]}
        }))
        .unwrap();
        Ok(Event::Apply(pod))
    });
    context.pods.follow(stream::iter(pods), || {}).await;
}

fn selecting(replicas: i32) -> Value {
    let mut scale = scale(replicas);
    scale["status"]["selector"] = json!("app=web");
    scale
}

/// Without a timestamp it is of now.
fn uses() -> Value {
    let of = |name: &str, cpu: &str| {
        json!({
            "metadata": {"name": name, "namespace": "shop"}, "window": "15s",
            "containers": [{"name": "app", "usage": {"cpu": cpu, "memory": "20Mi"}}]
        })
    };
    json!({"items": [of("web-a", "95m"), of("web-b", "15m")]})
}

/// Waits until a look that is under way has ended: it holds the context meanwhile.
async fn looked(context: &Arc<Context>) {
    while Arc::strong_count(context) > 1 {
        tokio::task::yield_now().await;
    }
}

/// What is said of the pods: the condition's status and reason.
fn said(reported: &Value) -> (&str, &str) {
    let conditions = written(reported)["conditions"].as_array().unwrap();
    let said = conditions.iter().find(|c| c["type"] == "Bottlenecked").unwrap();
    (said["status"].as_str().unwrap(), said["reason"].as_str().unwrap())
}

#[tokio::test]
async fn the_report_waits_for_no_look_at_the_pods() {
    let (context, mut server) = stage();
    let reconciled = async {
        with_pods(&context).await;
        reconcile(watched(json!({})), context.clone()).await.unwrap();
    };
    let part = async {
        server.shows(selecting(2)).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "SuccessfulRescale");
        let reported = server.stores("Active").await;
        assert_eq!(said(&reported), ("Unknown", "TooEarly"));
        assert_eq!(written(&reported).get("bottleneck"), None);
    };
    tokio::join!(reconciled, part);
    // The turn is over, and only now the pods are looked at.
    server.takes("GET", USES, uses()).await;
    drop(context);
    server.ends().await;
}

/// Two turns of a policy whose count is as it should be; the metrics API says this after the first. What the second reports.
async fn told(answer: Value) -> Value {
    let (context, mut server) = stage();
    with_pods(&context).await;
    let turn = || async { reconcile(watched(json!({})), context.clone()).await.unwrap() };
    let first = async {
        server.shows(selecting(5)).await;
        server.stores("Active").await;
        server.takes("GET", USES, answer).await;
    };
    tokio::join!(turn(), first);
    looked(&context).await;
    let second = async {
        server.takes("GET", SCALE, selecting(5)).await;
        server.stores("Active").await
    };
    tokio::join!(turn(), second).1
}

#[tokio::test]
async fn what_a_look_saw_is_told_at_the_next_turn() {
    let reported = told(uses()).await;
    let told = &written(&reported)["bottleneck"];
    let cpu = &told["resources"][0];
    assert_eq!(
        (&cpu["name"], &cpu["percent"], &cpu["mean"]),
        (&json!("cpu"), &json!(95), &json!(55))
    );
    assert_eq!(
        (&cpu["hottestPod"], &cpu["imbalance"]),
        (&json!("web-a"), &json!("1.73"))
    );
    assert_eq!(told["nearest"], "cpu");
    // One look is not told yet.
    assert_eq!(said(&reported), ("Unknown", "TooEarly"));
}

#[tokio::test]
async fn a_metrics_server_that_fails_is_told() {
    let reported = told(refused(404, "NotFound")).await;
    assert_eq!(
        written(&reported)["bottleneck"]["resources"][1]["cause"],
        "NotInstalled"
    );
}

#[tokio::test]
async fn without_the_field_nothing_is_asked() {
    let (context, mut server) = stage();
    let reconciled = async {
        with_pods(&context).await;
        reconcile(policy("Active"), context.clone()).await.unwrap();
        drop(context);
    };
    let part = async move {
        server.shows(selecting(2)).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        server.takes("POST", EVENTS, json!({})).await;
        let reported = server.stores("Active").await;
        assert_eq!(written(&reported).get("bottleneck"), None);
        server.ends().await;
    };
    tokio::join!(reconciled, part);
}

#[tokio::test]
async fn beside_a_resource_metric_it_costs_no_request() {
    let (context, mut server) = stage();
    with_pods(&context).await;
    let mut object = serde_json::to_value(&*watched(json!({}))).unwrap();
    let rule = json!({"averageValue": "55m"});
    object["spec"]["metrics"] = json!([{"name": "cpu", "resource": {"name": "cpu"}, "target": rule}]);
    object["spec"]["schedules"] = json!([]);
    // So long that the second turn shares the list of the first.
    object["spec"]["interval"] = json!("1h");
    let object: Arc<ScalingPolicy> = Arc::new(serde_json::from_value(object).unwrap());
    let turn = || async { reconcile(object.clone(), context.clone()).await.unwrap() };
    let first = async {
        server.shows(selecting(2)).await;
        server.takes("GET", USES, uses()).await;
        let reported = server.stores("Active").await;
        assert_eq!(written(&reported)["metrics"][0]["replicas"], 2);
    };
    tokio::join!(turn(), first);
    looked(&context).await;
    let second = async {
        server.takes("GET", SCALE, selecting(2)).await;
        let reported = server.stores("Active").await;
        assert_eq!(written(&reported)["bottleneck"]["resources"][0]["percent"], 95);
    };
    tokio::join!(turn(), second);
    looked(&context).await;
    drop(context);
    server.ends().await;
}
