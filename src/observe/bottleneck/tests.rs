//! A look at scripted pods with scripted answers: what is asked, and what is made of it.

use serde_json::{Value, json};

use super::*;
use crate::observe::apis::tests::{Script, answers};
use crate::observe::pods::tests::{follow, web};
use crate::observe::scale::tests::target_of;
use crate::observe::{Owners, Pods, Servers, TargetKey};

const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";

/// A pod of the StatefulSet `web` whose container has these resources.
fn pod(name: &str, phase: &str, resources: Value) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": name, "labels": {"app": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "web-uid", "controller": true}]
        },
        "spec": {"containers": [{"name": "app", "resources": resources}]},
        "status": {
            "phase": phase, "startTime": "2026-01-01T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:09Z"}]
        }
    })
}

fn uses(all: &[&str]) -> Script {
    let each = all.iter().map(|name| {
        json!({
            "metadata": {"name": name, "namespace": "shop"}, "timestamp": "2026-01-01T01:00:00Z", "window": "15s",
            "containers": [{"name": "app", "usage": {"cpu": "90m", "memory": "50Mi"}}]
        })
    });
    Script::says(PODS, json!({"items": each.collect::<Vec<_>>()}))
}

/// What is seen of these pods, and how often the API was asked.
async fn seen(spec: &str, pods: Vec<Value>, script: Script) -> (Look, usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (apis, asked) = answers(vec![script]);
    let index = Pods::default();
    let listed = pods.into_iter().map(|pod| serde_json::from_value(pod).unwrap());
    follow(&index, listed.collect(), vec![]);
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
        interval: SignedDuration::from_secs(1),
        now: "2026-01-01T01:00:10Z".parse().unwrap(),
    };
    let spec: BottleneckSpec = serde_yaml::from_str(spec).unwrap();
    let first = look(&sight, &spec).await;
    // A short interval does not ask again.
    assert_eq!(look(&sight, &spec).await.pods, first.pods);
    let asked = asked.lock().unwrap().len();
    (first, asked)
}

fn limited() -> Value {
    json!({"requests": {"cpu": "50m"}, "limits": {"cpu": "100m", "memory": "100Mi"}})
}

#[tokio::test]
async fn each_pod_is_held_against_its_own_limit() {
    let pods = vec![pod("web-0", "Running", limited()), pod("web-1", "Pending", limited())];
    let (look, asked) = seen("{}", pods, uses(&["web-0", "stranger"])).await;
    assert_eq!(asked, 1);
    let [cpu, memory, disk, network] = &look.uses;
    assert_eq!((disk, network, &look.load), (&None, &None, &None));
    let at = |seen: &Option<Seen>| match seen {
        Some(Ok(Told::Each(each))) => each.iter().map(|s| s.map(|s| (s.used, s.percent))).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(cpu), [Some((90.0, 90.0)), None]);
    assert_eq!(at(memory), [Some((52_428_800_000.0, 50.0)), None]);
    let names: Vec<&str> = look.pods.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["web-0", "web-1"]);
}

#[tokio::test]
async fn a_pod_without_limit_and_request_is_a_reason_and_no_number() {
    let pods = vec![pod("web-0", "Running", json!({"requests": {"cpu": "50m"}}))];
    let (look, _) = seen("{}", pods, uses(&["web-0"])).await;
    assert!(matches!(&look.uses[0], Some(Ok(Told::Each(each))) if each[0].unwrap().percent == 180.0));
    match &look.uses[1] {
        Some(Err(failure)) => {
            assert_eq!(failure.cause, Cause::NoRequest);
            assert!(
                failure.message.contains("pod web-0: there is no limit"),
                "{}",
                failure.message
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_pods_nothing_is_asked_and_a_server_that_is_not_there_is_told() {
    let spec = "{disk: {prometheus: {query: full}}, load: {prometheus: {query: load}}}";
    let (look, asked) = seen(spec, vec![], uses(&[])).await;
    assert_eq!(asked, 0);
    let cause = |seen: &Option<Seen>| seen.as_ref().map(|s| s.as_ref().err().unwrap().cause);
    let none = Some(Cause::NoPods);
    assert_eq!(look.uses.each_ref().map(cause), [none, none, none, None]);
    assert_eq!(cause(&look.load), none);

    let (look, _) = seen(spec, vec![pod("web-0", "Running", limited())], uses(&["web-0"])).await;
    assert_eq!(cause(&look.uses[2]), Some(Cause::UnknownServer));
    assert_eq!(cause(&look.load), Some(Cause::UnknownServer));
    assert!(look.uses[0].as_ref().unwrap().is_ok());
}
