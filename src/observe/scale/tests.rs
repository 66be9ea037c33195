//! Looking a target up against a scripted API server, and what is said of one that cannot be scaled.

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::*;
use crate::observe::pods::tests::{follow, pod};

const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1";
const SCALE: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/scale";

/// A target that nobody writes to.
pub(crate) fn target_of(uid: &str, selector: Option<Selector>) -> Target {
    let (service, _) = mock::pair::<Request<Body>, Response<Body>>();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "StatefulSet"));
    Target {
        replicas: Replicas { spec: 3, ready: None },
        uid: uid.to_owned(),
        selector,
        owners: Vec::new(),
        rewrites: None,
        api: Api::namespaced_with(Client::new(service, "shop"), "shop", &resource),
    }
}

/// Looks `web` up while the API server gives these answers to these paths, in this order, and no others.
async fn look_up(pods: &Pods, api_version: &str, kind: &str, answers: &[(&str, Value)]) -> Result<Target, TargetError> {
    let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "shop");
    let reference = TargetRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: "web".to_owned(),
    };
    let (targets, kinds) = (Targets::default(), Kinds::default());
    // It ends with its last answer: one request more is an error.
    let part = async move {
        for (path, answer) in answers {
            let (request, send) = server.next_request().await.expect("a request");
            assert_eq!(request.uri().path(), *path);
            let status = answer["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
            let body = Body::from(serde_json::to_vec(answer).unwrap());
            send.send_response(Response::builder().status(status).body(body).unwrap());
        }
    };
    let part = async {
        part.await;
        std::future::pending().await
    };
    // Whoever finds without asking does not leave the server waiting.
    tokio::select! {
        found = target(&client, &targets, pods, &kinds, &reference, "shop") => found,
        never = part => never,
    }
}

/// Discovery's answer: one kind with these resources.
fn resources(group_version: &str, kind: &str, names: &[&str]) -> Value {
    let each = names
        .iter()
        .map(|name| json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get"]}));
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": each.collect::<Vec<_>>()})
}

fn scale(replicas: i32, selector: Option<&str>) -> Value {
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "web", "namespace": "shop", "uid": "u"},
        "spec": {"replicas": replicas}, "status": {"replicas": replicas, "selector": selector}
    })
}

fn not_found() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": "no"})
}

/// A Rollout's replicas by its selector's text, with four pods that are ready and four that start.
async fn check(selector: Option<&str>, expected: Option<u32>) {
    let pods = Pods::default();
    let started =
        json!({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:30Z"}]});
    let each = (0..8).map(|i| pod(&i.to_string(), if i < 4 { started.clone() } else { json!({}) }));
    follow(&pods, each.collect(), vec![]);
    let discovered = resources("argoproj.io/v1alpha1", "Rollout", &["rollouts", "rollouts/scale"]);
    let answers = [(ROLLOUTS, discovered), (SCALE, scale(8, selector))];
    let found = look_up(&pods, "argoproj.io/v1alpha1", "Rollout", &answers).await;
    let replicas = found.map(|t| t.replicas).unwrap();
    let expected = Replicas {
        spec: 8,
        ready: expected,
    };
    assert_eq!(replicas, expected, "{selector:?}");
}

#[tokio::test]
async fn pods_that_still_start_are_not_ready_ones_for_any_kind() {
    check(Some("app=web"), Some(4)).await;
    check(Some("app in (web,other)"), Some(4)).await;
    // It selects nothing, says nothing, or cannot be read: not known, rather than none.
    check(Some("app=other"), None).await;
    check(None, None).await;
    check(Some(""), None).await;
    check(Some("app ~ web"), None).await;
}

/// What is said of a target that cannot be scaled.
async fn says(api_version: &str, kind: &str, answers: &[(&str, Value)], expected: &str) {
    let found = look_up(&Pods::default(), api_version, kind, answers).await;
    assert_eq!(found.err().map(|e| e.to_string()).as_deref(), Some(expected));
}

#[tokio::test]
async fn a_kind_that_cannot_be_scaled_is_not_called_missing() {
    let apps = resources("apps/v1", "DaemonSet", &["daemonsets", "daemonsets/status"]);
    let expected = "DaemonSet (apps/v1) has no scale subresource, so it cannot be scaled; check spec.targetRef";
    says("apps/v1", "DaemonSet", &[("/apis/apps/v1", apps)], expected).await;
    let expected = r#"the API server knows no kind "Deployment" in "apps/v2"; check spec.targetRef"#;
    says("apps/v2", "Deployment", &[("/apis/apps/v2", not_found())], expected).await;
    let discovered = resources("argoproj.io/v1alpha1", "Rollout", &["rollouts", "rollouts/scale"]);
    let expected = r#"Rollout "web" does not exist in this namespace; it will be scaled once it does"#;
    says(
        "argoproj.io/v1alpha1",
        "Rollout",
        &[(ROLLOUTS, discovered), (SCALE, not_found())],
        expected,
    )
    .await;
    let expected = r#"Deployment "web" does not exist in this namespace; it will be scaled once it does"#;
    says("apps/v1", "Deployment", &[], expected).await;
}
