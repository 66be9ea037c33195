//! The reconciler against a scripted API server: which requests it makes, in which order, and what it does with refusals.
//!
//! One scenario per test; the target is a ReplicaSet, a kind that is not watched, so that every request is seen here.

#[path = "reconcile/bottleneck.rs"]
mod bottleneck;
mod collector;
#[path = "reconcile/lease.rs"]
mod lease;
#[path = "reconcile/others.rs"]
mod others;
#[path = "reconcile/traces.rs"]
mod traces;

use std::sync::Arc;
use std::time::Duration;

use headroom::api::ScalingPolicy;
use headroom::controller::{Context, reconcile};
use headroom::observe::Servers;
use headroom::report::metrics::Metrics;
use http::{Request, Response};
use jiff::SignedDuration;
use kube::Client;
use kube::client::Body;
use kube::runtime::controller::Action;
use serde_json::{Value, json};
use tower_test::mock;

/// The API server's side of a scenario.
struct ApiServer(mock::Handle<Request<Body>, Response<Body>>);

impl ApiServer {
    /// Takes the next request, which must be this one, answers it, and returns its body.
    async fn takes(&mut self, method: &str, path: &str, answer: Value) -> Value {
        let (request, send) = self.0.next_request().await.expect("a request");
        let (head, body) = request.into_parts();
        let what = format!("{} {}", head.method, head.uri.path());
        assert_eq!(what, format!("{method} {path}"));
        let body = body.collect_bytes().await.unwrap();
        let status = answer["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
        let response = Response::builder()
            .status(status)
            .body(Body::from(serde_json::to_vec(&answer).unwrap()));
        send.send_response(response.unwrap());
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }

    /// Discovery and the target's scale, with so many replicas.
    async fn shows_scale(&mut self, replicas: i32) {
        self.shows(scale(replicas)).await;
    }

    /// Discovery and the target's scale.
    async fn shows(&mut self, scale: Value) {
        let resources = json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1",
            "resources": [
                {"name": "replicasets", "singularName": "replicaset", "namespaced": true, "kind": "ReplicaSet", "verbs": ["get"]},
                {"name": "replicasets/scale", "singularName": "", "namespaced": true, "kind": "Scale", "verbs": ["get", "patch"]}
            ]
        });
        self.takes("GET", "/apis/apps/v1", resources).await;
        self.takes("GET", SCALE, scale).await;
    }

    /// Takes a status and answers with the policy.
    async fn stores(&mut self, mode: &str) -> Value {
        let answer = serde_json::to_value(&*policy(mode)).unwrap();
        self.takes("PATCH", STATUS, answer).await
    }

    /// No request is left unasked for.
    async fn ends(mut self) {
        assert!(self.0.next_request().await.is_none(), "one more request");
    }
}

const SCALE: &str = "/apis/apps/v1/namespaces/shop/replicasets/web/scale";
const STATUS: &str = "/apis/headroom.dev/v1alpha1/namespaces/shop/scalingpolicies/web/status";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/shop/events";

fn scale(replicas: i32) -> Value {
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": "web", "namespace": "shop", "uid": "target-uid"},
        "spec": {"replicas": replicas}, "status": {"replicas": replicas}
    })
}

fn refused(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason})
}

/// The status that a patch writes; it guards the policy's identity.
#[track_caller]
fn written(patch: &Value) -> &Value {
    let operations = patch.as_array().expect("a JSON patch");
    let guard = json!({"op": "test", "path": "/metadata/uid", "value": "policy-uid"});
    assert!(operations.contains(&guard), "{patch}");
    let added = operations.iter().find(|o| o["op"] == "add" && o["path"] == "/status");
    &added.expect("a status")["value"]
}

/// A policy whose window is always open with a floor of five.
fn policy(mode: &str) -> Arc<ScalingPolicy> {
    let object = json!({
        "apiVersion": "headroom.dev/v1alpha1", "kind": "ScalingPolicy",
        "metadata": {"name": "web", "namespace": "shop", "uid": "policy-uid", "generation": 1},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"},
            "minReplicas": 2, "maxReplicas": 9, "mode": mode,
            "schedules": [{"name": "always", "start": "* * * * *", "duration": "1h", "minReplicas": 5}]
        }
    });
    Arc::new(serde_json::from_value(object).unwrap())
}

fn stage() -> (Arc<Context>, ApiServer) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "shop");
    let (metrics, _) = Metrics::new();
    let servers = Servers::new([], Duration::from_secs(1), Arc::new(|_: &str, _, _| {})).unwrap();
    (
        Arc::new(Context::new(client, servers, metrics, SignedDuration::from_secs(60))),
        ApiServer(handle),
    )
}

/// Reconciles so many times while the API server plays its part.
async fn plays<F: Future<Output = ()>>(mode: &str, times: usize, part: impl FnOnce(ApiServer) -> F) -> Vec<Action> {
    let (context, server) = stage();
    let reconciled = async {
        let mut actions = Vec::new();
        for _ in 0..times {
            actions.push(reconcile(policy(mode), context.clone()).await.unwrap());
        }
        drop(context); // the last client: the server sees the end of the requests
        actions
    };
    let (actions, ()) = tokio::join!(reconciled, part(server));
    actions
}

/// Reconciles once while the API server plays its part.
async fn play<F: Future<Output = ()>>(mode: &str, part: impl FnOnce(ApiServer) -> F) -> Action {
    plays(mode, 1, part).await.remove(0)
}

#[tokio::test]
async fn a_change_is_announced_made_and_reported_in_this_order() {
    play("Active", |mut server| async move {
        server.shows_scale(2).await;
        let announced = server.stores("Active").await;
        let guard = json!({"op": "test", "path": "/metadata/generation", "value": 1});
        assert!(announced.as_array().unwrap().contains(&guard), "{announced}");
        let pending = &written(&announced)["damping"]["pendingScale"];
        assert_eq!((&pending["from"], &pending["to"]), (&json!(2), &json!(5)));
        let patch = server.takes("PATCH", SCALE, scale(5)).await;
        let expected = json!([
            {"op": "test", "path": "/metadata/uid", "value": "target-uid"},
            {"op": "test", "path": "/spec/replicas", "value": 2},
            {"op": "add", "path": "/spec/replicas", "value": 5}
        ]);
        assert_eq!(patch, expected);
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "SuccessfulRescale");
        let reported = server.stores("Active").await;
        let status = written(&reported);
        assert_eq!(
            status["damping"].get("pendingScale"),
            None,
            "the announcement is taken back"
        );
        assert_eq!(status["damping"]["scaleEvents"][0]["to"], 5);
        assert_eq!(status["damping"]["targetUid"], "target-uid");
        assert_eq!(status["decision"]["winner"], "schedule/always");
        server.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_conflict_changes_nothing_and_is_decided_again_soon() {
    let action = play("Active", |mut server| async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, refused(422, "Invalid")).await;
        server.takes("GET", SCALE, scale(3)).await; // somebody was faster
        let reported = server.stores("Active").await;
        let damping = &written(&reported)["damping"];
        assert_eq!(damping.get("pendingScale"), None);
        assert_eq!(damping.get("scaleEvents"), None, "no change was made");
        server.ends().await;
    })
    .await;
    // A second, or when the next turn is, if that is sooner: it depends on the clock, in whole milliseconds.
    let soon = |millis| action == Action::requeue(Duration::from_millis(millis));
    assert!((500..=1000).any(soon), "{action:?}");
}

#[tokio::test]
async fn no_write_without_an_announcement() {
    let (context, mut server) = stage();
    let object = policy("Active");
    let reconciled = async {
        let result = reconcile(object, context.clone()).await;
        drop(context);
        result
    };
    let part = async move {
        server.shows_scale(2).await;
        server.takes("PATCH", STATUS, refused(500, "InternalError")).await;
        server.takes("PATCH", STATUS, refused(500, "InternalError")).await;
        server.ends().await;
    };
    let (result, ()) = tokio::join!(reconciled, part);
    assert!(
        result.is_err(),
        "the status could not be written: tried again by the error policy"
    );
}

#[tokio::test]
async fn a_dry_run_writes_only_its_status() {
    play("DryRun", |mut server| async move {
        server.shows_scale(2).await;
        let reported = server.stores("DryRun").await;
        assert_eq!(written(&reported)["desiredReplicas"], 5);
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_ne!(event["reason"], "SuccessfulRescale");
        server.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_target_is_reported_and_nothing_is_scaled() {
    play("Active", |mut server| async move {
        let resources = json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1",
            "resources": [
                {"name": "replicasets", "singularName": "replicaset", "namespaced": true, "kind": "ReplicaSet", "verbs": ["get"]},
                {"name": "replicasets/scale", "singularName": "", "namespaced": true, "kind": "Scale", "verbs": ["get", "patch"]}
            ]
        });
        server.takes("GET", "/apis/apps/v1", resources).await;
        server.takes("GET", SCALE, refused(404, "NotFound")).await;
        let reported = server.stores("Active").await;
        let conditions = written(&reported)["conditions"].as_array().unwrap().clone();
        let ready = conditions.iter().find(|c| c["type"] == "Ready").unwrap();
        assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("TargetNotFound")));
        server.takes("POST", EVENTS, json!({})).await;
        server.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_no_conflict_and_is_told() {
    let action = play("Active", |mut server| async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        server
            .takes(
                "PATCH",
                SCALE,
                refused(422, "ValidatingAdmissionPolicy 'most' denied request"),
            )
            .await;
        server.takes("GET", SCALE, scale(2)).await; // nothing has changed
        let reported = server.stores("Active").await;
        let status = written(&reported);
        let conditions = status["conditions"].as_array().unwrap();
        let able = conditions.iter().find(|c| c["type"] == "AbleToScale").unwrap();
        assert_eq!(
            (&able["status"], &able["reason"]),
            (&json!("False"), &json!("FailedUpdateScale"))
        );
        assert!(able["message"].as_str().unwrap().contains("denied request"), "{able}");
        assert_eq!(status["damping"].get("pendingScale"), None, "nothing was changed");
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert_eq!(event["reason"], "FailedRescale");
        server.ends().await;
    })
    .await;
    assert_ne!(action, Action::requeue(Duration::from_secs(1)), "no hurry");
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_counts_once_it_shows() {
    plays("Active", 2, |mut server| async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, refused(504, "Timeout")).await;
        let reported = server.stores("Active").await;
        assert_eq!(written(&reported)["damping"]["pendingScale"]["to"], 5);
        assert_eq!(written(&reported)["damping"].get("scaleEvents"), None);
        server.takes("POST", EVENTS, json!({})).await;
        // It was made after all.
        server.takes("GET", SCALE, scale(5)).await;
        let reported = server.stores("Active").await;
        assert_eq!(written(&reported)["damping"]["scaleEvents"][0]["to"], 5);
        assert_eq!(written(&reported)["damping"].get("pendingScale"), None);
        server.ends().await;
    })
    .await;
}

#[tokio::test]
async fn our_own_change_is_no_reason_to_decide_again_but_somebody_elses_is() {
    plays("Active", 4, |mut server| async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        server.takes("POST", EVENTS, json!({})).await;
        server.stores("Active").await;
        // The cache is behind, then it shows the change: one sample is not acted upon twice.
        server.takes("GET", SCALE, scale(2)).await;
        server.takes("GET", SCALE, scale(5)).await;
        // Somebody else: below the floor, which acts at once.
        server.takes("GET", SCALE, scale(3)).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        // An Event of its own, with its own words.
        let event = server.takes("POST", EVENTS, json!({})).await;
        assert!(
            event["note"].as_str().unwrap().starts_with("scaled from 3 to 5"),
            "{event}"
        );
        server.stores("Active").await;
        server.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_was_edited_meanwhile_writes_nothing() {
    play("Active", |mut server| async move {
        server.shows_scale(2).await;
        server.takes("PATCH", STATUS, refused(422, "Invalid")).await;
        server.stores("Active").await;
        server.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_change_settles_even_if_it_could_not_be_reported() {
    let (context, mut server) = stage();
    let reconciled = async {
        assert!(reconcile(policy("Active"), context.clone()).await.is_err());
        reconcile(policy("Active"), context.clone()).await.unwrap();
        drop(context);
    };
    let part = async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        server.takes("PATCH", SCALE, scale(5)).await;
        server.takes("POST", EVENTS, json!({})).await;
        server.takes("PATCH", STATUS, refused(500, "InternalError")).await;
        // Our own change: no second decision on the sample that made the first.
        server.takes("GET", SCALE, scale(5)).await;
        server.ends().await;
    };
    tokio::join!(reconciled, part);
}
