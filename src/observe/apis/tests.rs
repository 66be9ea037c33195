//! The metrics APIs against a scripted API server: what is asked, what is made of each kind of answer, how often.

use std::sync::Mutex;

use futures::future::join_all;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tower::service_fn;

use super::*;

/// One path's answer, however often it is asked for.
#[derive(Clone)]
pub(crate) struct Script {
    path: String,
    status: u16,
    body: String,
}

impl Script {
    pub(crate) fn says(path: &str, body: Value) -> Script {
        Script {
            path: path.to_owned(),
            status: 200,
            body: body.to_string(),
        }
    }

    pub(crate) fn refuses(path: &str, code: u16, message: &str) -> Script {
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": "X", "message": message});
        Script {
            status: code,
            ..Script::says(path, body)
        }
    }
}

type Asked = Arc<Mutex<Vec<String>>>;

/// APIs that answer so, with what they are asked; a path that is not in the script is never answered.
pub(crate) fn answers(script: Vec<Script>) -> (Apis, Asked) {
    let asked = Asked::default();
    let heard = asked.clone();
    let service = service_fn(move |request: Request<Body>| {
        let path = request
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        heard.lock().unwrap().push(path.clone());
        let found = script.iter().find(|s| s.path == path).cloned();
        async move {
            match found {
                Some(script) => {
                    let body = Body::from(script.body.into_bytes());
                    Ok::<_, std::convert::Infallible>(Response::builder().status(script.status).body(body).unwrap())
                }
                None => std::future::pending().await,
            }
        }
    });
    (Apis::new(Client::new(service, "shop"), Arc::new(|_, _, _| {})), asked)
}

/// What a pod uses whose containers use so much cpu, in thousandths.
pub(crate) fn using(cpu: &[(&str, Option<i64>)]) -> PodUse {
    let each = cpu.iter().map(|(name, cpu)| answer::ContainerUse {
        name: (*name).into(),
        cpu: *cpu,
        memory: None,
    });
    PodUse {
        at: None,
        window: SignedDuration::ZERO,
        containers: each.collect(),
    }
}

const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";
const CUSTOM: &str = "/apis/custom.metrics.k8s.io";
const EXTERNAL: &str = "/apis/external.metrics.k8s.io";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn versions(path: &str, versions: &[&str]) -> Script {
    let each: Vec<_> = versions
        .iter()
        .map(|v| json!({"groupVersion": format!("g/{v}"), "version": v}))
        .collect();
    Script::says(
        path,
        json!({"kind": "APIGroup", "apiVersion": "v1", "name": "g", "versions": each}),
    )
}

fn metric(text: &str) -> MetricIdentifier {
    serde_yaml::from_str(text).unwrap()
}

fn object(text: &str) -> DescribedObject {
    serde_yaml::from_str(text).unwrap()
}

/// The cause and the words of a list of pods' use that fails.
#[track_caller]
fn check(failed: Result<impl Sized, Failure>, cause: Cause, words: &[&str]) {
    let failure = failed.err().expect("a failure");
    assert_eq!(failure.cause, cause, "{}", failure.message);
    for word in words {
        assert!(failure.message.contains(word), "{word:?} not in {}", failure.message);
    }
}

#[tokio::test]
async fn one_list_serves_a_namespace_for_a_twentieth_of_the_interval() {
    let item = json!({"metadata": {"name": "web-0"}, "timestamp": "2026-01-01T00:00:00Z", "window": "30s",
        "containers": [{"name": "app", "usage": {"cpu": "123456789n", "memory": "2Ki"}}]});
    let (apis, asked) = answers(vec![Script::says(PODS, json!({"items": [item]}))]);
    let all = join_all((0..100).map(|_| apis.uses("shop", MINUTE))).await;
    for uses in all {
        let uses = uses.unwrap();
        let of = |resource| uses["web-0"].of(resource, None);
        assert_eq!(
            (of(crate::api::ResourceName::Cpu), of(crate::api::ResourceName::Memory)),
            (Some(124), Some(2_048_000))
        );
    }
    assert_eq!(*asked.lock().unwrap(), [PODS]);
    // For a shorter interval it is no longer fresh.
    apis.uses("shop", SignedDuration::ZERO).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_error_is_told_with_its_remedy() {
    for (code, message, cause, words) in [
        (
            403,
            "pods.metrics.k8s.io is forbidden",
            Cause::Forbidden,
            ["is forbidden", "docs/install.md"],
        ),
        (
            404,
            "the server could not find it",
            Cause::NotInstalled,
            [
                "metrics.k8s.io: the cluster does not serve it",
                "install metrics-server",
            ],
        ),
        (
            503,
            "unable to handle",
            Cause::Unreachable,
            ["unable to handle", "get apiservices"],
        ),
        (504, "too slow", Cause::Timeout, ["too slow", "in vain"]),
        (500, "panic", Cause::BadAnswer, ["HTTP status 500", "panic"]),
    ] {
        let (apis, asked) = answers(vec![Script::refuses(PODS, code, message)]);
        check(apis.uses("shop", MINUTE).await, cause, &words);
        // It is an answer, and as such it is shared.
        check(apis.uses("shop", MINUTE).await, cause, &words);
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_is_no_list_is_a_bad_answer_and_an_empty_one_no_load() {
    let (apis, _) = answers(vec![Script::says(PODS, json!({"items": []}))]);
    check(apis.uses("shop", MINUTE).await, Cause::Empty, &["no values"]);
    for malformed in [
        json!("<html>"),
        json!({"items": [{"metadata": {}}]}),
        json!({"items": [{"metadata": {"name": "w"}, "containers": [{"name": "a", "usage": {"cpu": "lots"}}]}]}),
    ] {
        let (apis, _) = answers(vec![Script::says(PODS, malformed)]);
        check(
            apis.uses("shop", MINUTE).await,
            Cause::BadAnswer,
            &["not what it should be"],
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_api_is_asked_by_few_and_then_left_alone() {
    let (apis, asked) = answers(vec![]);
    let all = join_all((0..40).map(|n| {
        let apis = &apis;
        async move { apis.uses(&format!("shop{n}"), MINUTE).await }
    }));
    for failed in all.await {
        check(failed, Cause::Timeout, &["no answer within 5 s"]);
    }
    assert_eq!(asked.lock().unwrap().len(), PLACES);
    check(apis.uses("more", MINUTE).await, Cause::Timeout, &["not asked"]);
    assert_eq!(asked.lock().unwrap().len(), PLACES);
}

#[tokio::test(start_paused = true)]
async fn lists_for_views_hold_up_no_decision_and_count_for_nothing() {
    let (apis, asked) = answers(vec![]);
    // The first list is of the same namespace: a decision does not wait for a view's.
    let names: Vec<String> = (0..20).map(|n| format!("shop{n}")).collect();
    let views = join_all(
        names
            .iter()
            .map(|name| apis.uses_in_view(name, Duration::from_secs(15))),
    );
    let decisions = join_all((0..PLACES).map(|n| apis.uses(&names[n], MINUTE)));
    let begun = time::Instant::now();
    let (views, decisions) = futures::future::join(views, decisions).await;
    assert!(begun.elapsed() < TIMEOUT + TIMEOUT / 2, "{:?}", begun.elapsed());
    assert!(views.iter().all(Result::is_err) && decisions.iter().all(Result::is_err));
    assert_eq!(asked.lock().unwrap().len(), PLACES + VIEW_PLACES);
    // Decisions found the API silent; a view does not ask then.
    check(
        apis.uses_in_view("more", Duration::ZERO).await,
        Cause::Timeout,
        &["not asked"],
    );
    // Views alone find nothing out for decisions.
    let (apis, asked) = answers(vec![]);
    for name in &names {
        assert!(apis.uses_in_view(name, Duration::ZERO).await.is_err());
    }
    check(
        apis.uses("shop", MINUTE).await,
        Cause::Timeout,
        &["no answer within 5 s"],
    );
    assert_eq!(asked.lock().unwrap().len(), names.len() + 1);
}

#[tokio::test]
async fn a_view_takes_the_list_that_a_decision_had() {
    let (apis, asked) = answers(vec![Script::says(
        PODS,
        json!({"items": [{"metadata": {"name": "web-0"}, "window": "15s", "containers": []}]}),
    )]);
    let fresh = Duration::from_secs(15);
    let first = apis.uses("shop", MINUTE).await.unwrap();
    assert!(Arc::ptr_eq(&first, &apis.uses_in_view("shop", fresh).await.unwrap()));
    assert_eq!(asked.lock().unwrap().len(), 1);
    apis.uses_in_view("shop", Duration::ZERO).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
    // One that a view had is shared among views.
    let (apis, asked) = answers(vec![Script::says(
        PODS,
        json!({"items": [{"metadata": {"name": "web-0"}, "window": "15s", "containers": []}]}),
    )]);
    apis.uses_in_view("shop", fresh).await.unwrap();
    apis.uses_in_view("shop", fresh).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_newest_version_that_is_served_is_asked_for_the_selected_pods() {
    let value = |field: &str| {
        json!({"items": [{"describedObject": {"kind": "Pod", "name": "web-0"}, "timestamp": "2026-01-01T00:00:00Z",
            field: 30, "value": "1500m"}, {"describedObject": {"name": "web-1"}, "timestamp": null, "value": "2"}]})
    };
    let selector = Selector::from_iter([("app", "web")]);
    let per_second = metric("{name: requests per second, selector: {matchLabels: {verb: GET}}}");
    for (served, version, field) in [
        (&["v1beta1", "v1beta2"][..], "v1beta2", "windowSeconds"),
        (&["v1beta1"], "v1beta1", "window"),
    ] {
        let path = format!(
            "{CUSTOM}/{version}/namespaces/shop/pods/%2A/requests%20per%20second?labelSelector=app%3Dweb&metricLabelSelector=verb%3DGET"
        );
        let (apis, asked) = answers(vec![versions(CUSTOM, served), Script::says(&path, value(field))]);
        for _ in 0..2 {
            let values = apis
                .pods("shop", &selector, &per_second, SignedDuration::ZERO)
                .await
                .unwrap();
            assert_eq!(
                (values["web-0"].value, values["web-0"].window),
                (1500, SignedDuration::from_secs(30))
            );
            assert_eq!((values["web-1"].value, values["web-1"].at), (2000, None));
        }
        assert_eq!(*asked.lock().unwrap(), [CUSTOM.to_owned(), path.clone(), path]);
    }
    let (apis, _) = answers(vec![versions(CUSTOM, &["v2"])]);
    let none = apis.pods("shop", &selector, &per_second, MINUTE).await;
    check(
        none,
        Cause::NotInstalled,
        &["does not serve v1beta2 or v1beta1", "adapter"],
    );
    let (apis, _) = answers(vec![Script::refuses(CUSTOM, 404, "no")]);
    let none = apis.pods("shop", &selector, &per_second, MINUTE).await;
    check(
        none,
        Cause::NotInstalled,
        &["custom.metrics.k8s.io", "prometheus-adapter"],
    );
}

#[tokio::test]
async fn an_object_s_kind_is_looked_up_once() {
    let kinds = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "networking.k8s.io/v1", "resources": [
        {"name": "ingresses", "singularName": "ingress", "namespaced": true, "kind": "Ingress", "verbs": ["get", "list"]}]});
    let path = format!("{CUSTOM}/v1beta1/namespaces/shop/ingresses.networking.k8s.io/web/hits");
    let value = |values: &[&str]| {
        let each: Vec<_> = values
            .iter()
            .map(|v| json!({"describedObject": {"name": "web"}, "value": v}))
            .collect();
        json!({"items": each})
    };
    let script = |answer: Script| {
        vec![
            versions(CUSTOM, &["v1beta1"]),
            Script::says("/apis/networking.k8s.io/v1", kinds.clone()),
            answer,
        ]
    };
    let (web, hits) = (
        object("{apiVersion: networking.k8s.io/v1, kind: Ingress, name: web}"),
        metric("{name: hits}"),
    );
    let (apis, asked) = answers(script(Script::says(&path, value(&["2k"]))));
    for _ in 0..2 {
        assert_eq!(apis.object("shop", &web, &hits, SignedDuration::ZERO).await, Ok(2000.0));
    }
    assert_eq!(asked.lock().unwrap().len(), 4);
    let (apis, _) = answers(script(Script::says(&path, value(&[]))));
    check(
        apis.object("shop", &web, &hits, MINUTE).await,
        Cause::Empty,
        &["no values"],
    );
    let (apis, _) = answers(script(Script::says(&path, value(&["1", "2"]))));
    check(
        apis.object("shop", &web, &hits, MINUTE).await,
        Cause::Ambiguous,
        &["2 values"],
    );
    // The API is there, the metric is not.
    let (apis, _) = answers(script(Script::refuses(&path, 404, "no metric hits")));
    check(
        apis.object("shop", &web, &hits, MINUTE).await,
        Cause::Empty,
        &["no metric hits", "check the metric"],
    );
    let other = object("{apiVersion: networking.k8s.io/v1, kind: Gateway, name: web}");
    check(
        apis.object("shop", &other, &hits, MINUTE).await,
        Cause::BadQuery,
        &["no kind \"Gateway\""],
    );
}

#[tokio::test]
async fn external_values_add_up() {
    let queue = metric("{name: queue|length, selector: {matchExpressions: [{key: q, operator: In, values: [a, b]}]}}");
    let path = format!("{EXTERNAL}/v1beta1/namespaces/shop/queue%7Clength?labelSelector=q%20in%20%28a%2Cb%29");
    let items = json!({"items": [{"metricName": "q", "value": "30"}, {"metricName": "q", "value": "500m"}]});
    let (apis, _) = answers(vec![versions(EXTERNAL, &["v1beta1"]), Script::says(&path, items)]);
    assert_eq!(apis.external("shop", &queue, MINUTE).await, Ok(30.5));
}

#[tokio::test]
async fn no_name_leads_to_another_path() {
    let wicked = metric("{name: ../../secrets?x=#}");
    let path = format!("{EXTERNAL}/v1beta1/namespaces/shop/..%2F..%2Fsecrets%3Fx%3D%23");
    let (apis, _) = answers(vec![
        versions(EXTERNAL, &["v1beta1"]),
        Script::says(&path, json!({"items": [{"value": 1}]})),
    ]);
    // validate.rs refuses the name; were it let through, it would be a name all the same.
    assert_eq!(apis.external("shop", &wicked, MINUTE).await, Ok(1.0));
}
