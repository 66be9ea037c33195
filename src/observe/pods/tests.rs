//! The index of pods, fed by scripted watches: start-up times, ready counts, and what is kept between two turns.

use futures::executor::block_on;
use futures::stream;
use serde_json::{Value, json};

use super::*;

/// A pod of `app: web` in namespace `shop`, with this status.
pub(crate) fn pod(name: &str, status: Value) -> Pod {
    let pod = json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": name, "labels": {"app": "web"},
            "creationTimestamp": "2026-01-01T00:00:00Z"
        },
        "status": status
    });
    serde_json::from_value(pod).unwrap()
}

/// Created at midnight of January 1st, taken by a kubelet and started at once.
fn status(ready: &str, since: &str, restarts: i32) -> Value {
    json!({
        "startTime": "2026-01-01T00:00:01Z",
        "conditions": [
            {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"},
            {"type": "Ready", "status": ready, "lastTransitionTime": since}
        ],
        "containerStatuses": [{
            "name": "web", "image": "web", "imageID": "web", "ready": ready == "True", "restartCount": restarts,
            "state": {"running": {"startedAt": "2026-01-01T00:00:05Z"}}
        }]
    })
}

/// `2026-01-01T..` at that time of the day.
fn at(time: &str) -> String {
    format!("2026-01-01T{time}Z")
}

fn ready(name: &str, time: &str) -> Pod {
    pod(name, status("True", &at(time), 0))
}

fn unready(name: &str, time: &str) -> Pod {
    pod(name, status("False", &at(time), 0))
}

/// As the scheduler leaves it: no kubelet has said anything yet.
fn pending(name: &str) -> Pod {
    pod(name, json!({"phase": "Pending"}))
}

pub(crate) fn web() -> Selector {
    Selector::from_iter([("app", "web")])
}

/// Lists these, then sees those change.
pub(crate) fn follow(pods: &Pods, listed: Vec<Pod>, changed: Vec<Pod>) {
    let list = std::iter::once(Event::Init).chain(listed.into_iter().map(Event::InitApply));
    let events = list
        .chain([Event::InitDone])
        .chain(changed.into_iter().map(Event::Apply));
    block_on(pods.follow(stream::iter(events.map(Ok)), || {}));
}

/// The start-up time in seconds after that, with `known` from earlier.
fn check(listed: Vec<Pod>, changed: Vec<Pod>, known: Option<i64>, expected: Option<i64>) {
    let pods = Pods::default();
    follow(&pods, listed, changed);
    let startup = pods.startup("shop", &web(), known.map(SignedDuration::from_secs));
    assert_eq!(startup.map(|s| s.as_secs()), expected);
}

#[test]
fn the_first_ready_that_was_watched_is_measured() {
    check(vec![], vec![pending("a"), ready("a", "00:00:40")], None, Some(40));
    // Already taken by a kubelet when it is listed, and still never ready.
    check(
        vec![unready("a", "00:00:01")],
        vec![ready("a", "00:00:40")],
        None,
        Some(40),
    );
    // A flap afterwards changes nothing.
    let flap = vec![
        pending("a"),
        ready("a", "00:00:40"),
        unready("a", "20:00:00"),
        ready("a", "21:00:00"),
    ];
    check(vec![], flap, None, Some(40));
    check(vec![], vec![pending("a")], None, None);
}

#[test]
fn a_flap_before_a_restart_measures_nothing() {
    // Ready again since the evening; not ready just now, but it was; restarted in the meantime.
    check(vec![ready("a", "21:00:00")], vec![], None, None);
    check(vec![unready("a", "21:00:00")], vec![ready("a", "21:01:00")], None, None);
    check(vec![pod("a", status("True", &at("00:01:00"), 1))], vec![], None, None);
    check(vec![ready("a", "21:00:00")], vec![], Some(40), Some(40));
}

#[test]
fn on_a_running_cluster_the_shortest_plausible_time_will_do_until_one_is_measured() {
    let listed = || vec![ready("a", "00:00:30"), ready("b", "00:05:00"), ready("c", "21:00:00")];
    check(listed(), vec![], None, Some(30));
    check(listed(), vec![], Some(45), Some(45));
    check(listed(), vec![pending("d"), ready("d", "00:01:10")], Some(45), Some(70));
}

#[test]
fn the_ninetieth_percentile_by_nearest_rank() {
    let born = (0..20).map(|i| pending(&i.to_string()));
    let changed = born.chain((0..20).map(|i| ready(&i.to_string(), &format!("00:00:{}", 10 + i))));
    check(vec![], changed.collect(), None, Some(27));
}

#[test]
fn ready_pods_are_counted_and_leaving_ones_are_not() {
    let pods = Pods::default();
    assert_eq!(pods.ready("shop", &web()), None, "nothing is selected, nothing known");
    follow(&pods, vec![pending("a"), ready("b", "00:00:30")], vec![]);
    assert_eq!(pods.ready("shop", &web()), Some(1));
    let mut leaving = ready("b", "00:00:30");
    leaving.metadata.deletion_timestamp = leaving.metadata.creation_timestamp.clone();
    let events = [
        Event::Apply(leaving),
        Event::Apply(ready("a", "00:00:40")),
        Event::Apply(pending("c")),
    ];
    block_on(pods.follow(stream::iter(events.map(Ok)), || {}));
    assert_eq!(pods.ready("shop", &web()), Some(1));
    block_on(pods.follow(stream::iter([Ok(Event::Delete(ready("a", "00:00:40")))]), || {}));
    assert_eq!(pods.ready("shop", &web()), Some(0));
    // A new list without them: they went while nobody watched.
    follow(&pods, vec![], vec![]);
    assert_eq!(pods.ready("shop", &web()), None);
}

#[test]
fn an_answer_is_kept_until_a_selected_pod_changes() {
    let pods = Pods::default();
    let mut other = ready("other", "00:00:30");
    other.metadata.labels = Some([("app".to_owned(), "other".to_owned())].into());
    follow(&pods, vec![ready("a", "00:00:30"), other.clone()], vec![]);
    let kept = || {
        let namespaces = pods.namespaces.read().unwrap();
        let summaries = namespaces["shop"].summaries.lock().unwrap();
        summaries.contains_key("app=web")
    };
    let changes = |pod: Pod| block_on(pods.follow(stream::iter([Ok(Event::Apply(pod))]), || {}));
    assert_eq!(pods.ready("shop", &web()), Some(1));
    assert!(kept());
    // Nothing that matters changed; another app's pod changed.
    let mut probed = ready("a", "00:00:30");
    probed.metadata.resource_version = Some("2".to_owned());
    changes(probed);
    other.metadata.deletion_timestamp = other.metadata.creation_timestamp.clone();
    changes(other.clone());
    assert!(kept());
    // One that is selected changed, and one came to be selected.
    changes(unready("a", "00:10:00"));
    assert!(!kept());
    assert_eq!(pods.ready("shop", &web()), Some(0));
    other.metadata.labels = Some([("app".to_owned(), "web".to_owned())].into());
    other.metadata.deletion_timestamp = None;
    changes(other);
    assert_eq!(pods.ready("shop", &web()), Some(1));
}

/// A pod with one container that requests so much.
fn requesting(name: &str, cpu: &str) -> Pod {
    let mut pod = pending(name);
    let spec = json!({"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]});
    pod.spec = serde_json::from_value(spec).unwrap();
    pod
}

#[test]
fn members_are_in_order_share_their_requests_and_follow_the_watch() {
    let pods = Pods::default();
    follow(
        &pods,
        vec![requesting("c", "1"), requesting("a", "1"), requesting("b", "2")],
        vec![],
    );
    let members = pods.members("shop", &web());
    let names: Vec<&str> = members.iter().map(|m| &*m.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(Arc::ptr_eq(&members[0].requests, &members[2].requests));
    assert!(
        Arc::ptr_eq(&members, &pods.members("shop", &web())),
        "kept until a pod changes"
    );
    let distinct = || pods.namespaces.read().unwrap()["shop"].requests.len();
    assert_eq!(distinct(), 2);
    drop(members);
    // Resized in place; then the last of its kind goes.
    pods.insert(&requesting("a", "3"));
    pods.remove(&requesting("b", "2"));
    let requests: Vec<_> = pods
        .members("shop", &web())
        .iter()
        .map(|m| m.requests.clone())
        .collect();
    assert_eq!(
        requests,
        [Requests::of(&requesting("a", "3")), Requests::of(&requesting("c", "1"))].map(Arc::new)
    );
    assert_eq!(distinct(), 2);
}
