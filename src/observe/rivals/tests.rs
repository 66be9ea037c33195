//! The index of rivals: what claims what, what is news for whom, and what cannot be seen.

use futures::StreamExt;
use futures::executor::block_on;
use serde_json::{Value, json};

use super::*;

fn hpa(name: &str, target: Value) -> HorizontalPodAutoscaler {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"maxReplicas": 9, "scaleTargetRef": target},
    }))
    .unwrap()
}

fn of_deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name})
}

/// KEDA's own for a ScaledObject.
fn of_keda(scaled_object: &str, target: &str) -> HorizontalPodAutoscaler {
    let mut hpa = hpa(&format!("keda-hpa-{scaled_object}"), of_deployment(target));
    let owner = json!([{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": scaled_object, "uid": "u"}]);
    hpa.metadata.owner_references = serde_json::from_value(owner).unwrap();
    hpa
}

fn scaled(name: &str, spec: Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": name, "namespace": "shop", "annotations": {"autoscaling.keda.sh/paused": "true"}},
        "spec": spec,
    }))
    .unwrap()
}

/// Target and rival in words.
fn words(claim: Option<Claim>) -> Option<String> {
    let Claim { target, rival } = claim?;
    let TargetKey {
        group,
        kind,
        namespace,
        name,
    } = target;
    Some(format!(
        "{group}/{kind} {namespace}/{name} by {} {}",
        rival.scaler.as_str(),
        rival.name
    ))
}

#[test]
fn what_an_hpa_claims() {
    let check = |hpa: &HorizontalPodAutoscaler, expected: &str| {
        assert_eq!(words(of_hpa(hpa)).as_deref(), Some(expected));
    };
    check(
        &hpa("a", of_deployment("web")),
        "apps/Deployment shop/web by HorizontalPodAutoscaler a",
    );
    // Any version of the group is the same object; without a group it is another kind.
    check(
        &hpa(
            "a",
            json!({"apiVersion": "apps/v2", "kind": "Deployment", "name": "web"}),
        ),
        "apps/Deployment shop/web by HorizontalPodAutoscaler a",
    );
    check(
        &hpa("a", json!({"kind": "Deployment", "name": "web"})),
        "/Deployment shop/web by HorizontalPodAutoscaler a",
    );
    check(
        &of_keda("orders", "web"),
        "apps/Deployment shop/web by ScaledObject orders",
    );
}

#[test]
fn what_a_scaled_object_claims() {
    let check = |spec: Value, expected: Option<&str>| {
        assert_eq!(
            words(of_scaled_object(&scaled("s", spec.clone()))).as_deref(),
            expected,
            "{spec}"
        );
    };
    let by = "by ScaledObject s";
    check(
        json!({"scaleTargetRef": {"name": "web"}}),
        Some(&format!("apps/Deployment shop/web {by}")),
    );
    check(
        json!({"scaleTargetRef": {"name": "web", "kind": "StatefulSet"}}),
        Some(&format!("apps/StatefulSet shop/web {by}")),
    );
    check(
        json!({"scaleTargetRef": {"name": "web", "kind": "", "apiVersion": ""}}),
        Some(&format!("apps/Deployment shop/web {by}")),
    );
    check(
        json!({"scaleTargetRef": {"name": "web", "kind": "Rollout", "apiVersion": "argoproj.io/v1alpha1"}}),
        Some(&format!("argoproj.io/Rollout shop/web {by}")),
    );
    check(json!({"scaleTargetRef": {}}), None);
    check(json!({}), None);
    check(json!({"scaleTargetRef": "web"}), None);
}

fn key(name: &str) -> TargetKey {
    TargetKey {
        group: "apps".into(),
        kind: "Deployment".into(),
        namespace: "shop".into(),
        name: name.into(),
    }
}

/// The names of the targets for which these events are news.
fn news(rivals: &Rivals, events: Vec<Result<Event<HorizontalPodAutoscaler>, watcher::Error>>) -> Vec<String> {
    let changed = rivals.hpas.follow(futures::stream::iter(events), of_hpa, || {});
    let mut names: Vec<String> = block_on(changed.map(|key| key.name).collect());
    names.sort();
    names
}

/// Who claims the target.
fn claimants(rivals: &Rivals, target: &str) -> Vec<String> {
    let (rivals, _) = rivals.of(&key(target));
    rivals
        .into_iter()
        .map(|r| format!("{} {}", r.scaler.as_str(), r.name))
        .collect()
}

#[test]
fn claims_come_move_and_go_and_each_is_news_once() {
    let rivals = Rivals::default();
    let listed = vec![
        Ok(Event::Init),
        Ok(Event::InitApply(hpa("a", of_deployment("web")))),
        Ok(Event::InitDone),
    ];
    assert_eq!(news(&rivals, listed), ["web"]);
    assert_eq!(claimants(&rivals, "web"), ["HorizontalPodAutoscaler a"]);
    assert!(claimants(&rivals, "api").is_empty());
    // Its status changes every 15 s; that is no news.
    assert!(news(&rivals, vec![Ok(Event::Apply(hpa("a", of_deployment("web"))))]).is_empty());
    // Pointed elsewhere: news for both.
    assert_eq!(
        news(&rivals, vec![Ok(Event::Apply(hpa("a", of_deployment("api"))))]),
        ["api", "web"]
    );
    assert!(claimants(&rivals, "web").is_empty());
    assert_eq!(
        news(&rivals, vec![Ok(Event::Delete(hpa("a", of_deployment("api"))))]),
        ["api"]
    );
    assert!(claimants(&rivals, "api").is_empty());
    assert!(
        rivals.hpas.known.read().unwrap().by_target.is_empty(),
        "nothing is left behind"
    );
}

#[test]
fn a_new_list_tells_what_was_missed() {
    let rivals = Rivals::default();
    let list = |names: &[&str]| {
        let mut events = vec![Ok(Event::Init)];
        events.extend(names.iter().map(|n| Ok(Event::InitApply(hpa(n, of_deployment(n))))));
        events.push(Ok(Event::InitDone));
        events
    };
    assert_eq!(news(&rivals, list(&["a", "b"])), ["a", "b"]);
    assert_eq!(news(&rivals, list(&["b", "c"])), ["a", "c"]);
    assert!(claimants(&rivals, "a").is_empty());
    assert_eq!(rivals.hpas.none().len(), 2);
    assert!(claimants(&rivals, "b").is_empty());
}

#[test]
fn a_scaled_object_and_its_hpa_are_one_rival_until_both_are_gone() {
    let rivals = Rivals::default();
    let object = scaled("orders", json!({"scaleTargetRef": {"name": "web"}}));
    let follow = |event| {
        let changed = rivals
            .scaled_objects
            .follow(futures::stream::iter([Ok(event)]), of_scaled_object, || {});
        block_on(changed.count())
    };
    follow(Event::Apply(object.clone()));
    news(
        &rivals,
        vec![
            Ok(Event::Apply(of_keda("orders", "web"))),
            Ok(Event::Apply(hpa("own", of_deployment("web")))),
        ],
    );
    assert_eq!(
        claimants(&rivals, "web"),
        ["HorizontalPodAutoscaler own", "ScaledObject orders"]
    );
    // The garbage collector takes the HPA a while later, and until then it scales.
    follow(Event::Delete(object));
    assert_eq!(
        claimants(&rivals, "web"),
        ["HorizontalPodAutoscaler own", "ScaledObject orders"]
    );
    news(&rivals, vec![Ok(Event::Delete(of_keda("orders", "web")))]);
    assert_eq!(claimants(&rivals, "web"), ["HorizontalPodAutoscaler own"]);
}

#[test]
fn who_may_not_look_says_so_and_goes_on() {
    let refused = |code: u16| {
        let status = json!({"status": "Failure", "code": code, "reason": "R", "message": "cannot list resource"});
        watcher::Error::InitialListFailed(kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())))
    };
    let rivals = Rivals::default();
    let synced = std::cell::Cell::new(0);
    let follow = |events: Vec<_>| {
        let changed = rivals
            .hpas
            .follow(futures::stream::iter(events), of_hpa, || synced.set(synced.get() + 1));
        block_on(changed.count())
    };
    follow(vec![Err(refused(500))]);
    assert_eq!(synced.get(), 0, "a broken watch is taken up again, and waited for");
    assert!(rivals.of(&key("web")).1.is_empty());
    follow(vec![Err(refused(403))]);
    assert_eq!(synced.get(), 1, "nobody waits for rights");
    let (_, unseen) = rivals.of(&key("web"));
    assert_eq!(unseen.len(), 1);
    assert_eq!(unseen[0].scaler, Scaler::HorizontalPodAutoscaler);
    assert!(unseen[0].why.contains("cannot list resource"), "{}", unseen[0].why);
    // Granted meanwhile.
    follow(vec![
        Ok(Event::Init),
        Ok(Event::InitApply(hpa("a", of_deployment("web")))),
        Ok(Event::InitDone),
    ]);
    assert!(rivals.of(&key("web")).1.is_empty());
    assert_eq!(claimants(&rivals, "web"), ["HorizontalPodAutoscaler a"]);
    // Taken away again: what was known stays known.
    follow(vec![Err(refused(403))]);
    assert_eq!(claimants(&rivals, "web"), ["HorizontalPodAutoscaler a"]);
    assert!(is_unknown(&refused(404)) && !is_unknown(&refused(403)));
}
