//! The servers against a scripted one: queues, the circuit breaker, shared answers, answers without end.
//!
//! `tests/cluster/outages.rs` has the same failures under the whole operator; here they are counted.

use std::convert::Infallible;
use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::future::join_all;
use futures::stream;
use tokio::sync::watch;

use super::*;

/// Short enough to be waited for; a tenth of it is long enough for a hundred tasks to begin on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What the scripted server says to an instant query.
#[derive(Clone, Copy)]
enum Says {
    Value(f64),
    Nothing,
    SeriesWithoutEnd,
    /// Series with these labels, each worth its place in the list.
    Series(&'static [&'static str]),
}

struct Script {
    says: Mutex<Says>,
    /// Path and query of each request so far.
    heard: watch::Sender<Vec<String>>,
}

impl Script {
    fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// Requests so far whose path ends like this.
    fn heard(&self, path: &str) -> usize {
        let heard = self.heard.borrow();
        heard
            .iter()
            .filter(|uri| uri.split('?').next().unwrap().ends_with(path))
            .count()
    }
}

/// A server and the operator's view of it, under the name `one`.
async fn stage(says: Says) -> (Arc<Script>, Arc<Servers>) {
    observed(says, Arc::new(|_: &str, _, _| {})).await
}

async fn observed(says: Says, observe: Observer) -> (Arc<Script>, Arc<Servers>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let script = Arc::new(Script {
        says: Mutex::new(says),
        heard: watch::Sender::default(),
    });
    let app = Router::new().fallback(any(reply)).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let servers = Servers::new([("one".to_owned(), url)], TIMEOUT, observe);
    (script, Arc::new(servers.unwrap()))
}

/// History is never answered.
async fn reply(State(script): State<Arc<Script>>, uri: Uri) -> Response {
    script.heard.send_modify(|heard| heard.push(uri.to_string()));
    let says = *script.says.lock().unwrap();
    let json = |body: Body| ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    let begin = r#"{"status":"success","data":{"resultType":"vector","result":["#;
    match says {
        _ if uri.path().ends_with("/query_range") => std::future::pending().await,
        Says::Nothing => std::future::pending().await,
        Says::Value(value) => json(format!(r#"{begin}{{"metric":{{}},"value":[1700000000,"{value}"]}}]}}}}"#).into()),
        Says::Series(all) => {
            let each = all.iter().enumerate();
            let each = each.map(|(i, labels)| format!(r#"{{"metric":{{{labels}}},"value":[1700000000,"{i}"]}}"#));
            json(format!("{begin}{}]}}}}", each.collect::<Vec<_>>().join(",")).into())
        }
        Says::SeriesWithoutEnd => {
            let series = std::iter::repeat(r#"{"metric":{"a":"b"},"value":[1700000000,"1"]},"#.repeat(1000));
            let body = std::iter::once(begin.to_owned()).chain(series).map(Ok::<_, Infallible>);
            json(Body::from_stream(stream::iter(body)))
        }
    }
}

fn failure(value: Result<f64, Failure>) -> Failure {
    value.expect_err("a failure")
}

#[tokio::test]
async fn a_server_that_hangs_costs_a_round_one_timeout_and_the_next_nothing() {
    let (script, servers) = stage(Says::Nothing).await;
    let round = |n: usize| {
        let servers = &servers;
        join_all((0..100).map(move |i| async move { servers.value("one", &format!("q{n}_{i}"), HOUR).await }))
    };
    let begun = Instant::now();
    let failures: Vec<Failure> = round(1).await.into_iter().map(failure).collect();
    assert!(begun.elapsed() < 3 * TIMEOUT, "{:?}", begun.elapsed());
    assert!(failures.iter().all(|f| f.cause == Cause::Timeout));
    assert_eq!(script.heard("/query"), VALUE_PLACES);

    let begun = Instant::now();
    let failures: Vec<Failure> = round(2).await.into_iter().map(failure).collect();
    assert!(begun.elapsed() < TIMEOUT, "{:?}", begun.elapsed());
    assert!(
        failures
            .iter()
            .all(|f| f.cause == Cause::Timeout && f.message.contains("not asked"))
    );
    assert_eq!(script.heard("/query"), VALUE_PLACES, "nobody asked again");

    // Once it answers, it is found out by itself: each pause one is let through, and the first answer ends it.
    script.says(Says::Value(7.0));
    while servers.value("one", "q", HOUR).await != Ok(7.0) {
        tokio::task::yield_now().await;
    }
    assert!(round(3).await.into_iter().all(|sample| sample == Ok(7.0)));
}

#[tokio::test]
async fn who_gets_no_place_in_time_is_told_so() {
    let (script, servers) = stage(Says::Value(7.0)).await;
    let places = servers.servers["one"].values.acquire_many(VALUE_PLACES as u32).await;
    let asked = time::timeout(3 * TIMEOUT, servers.value("one", "q", HOUR)).await;
    let failure = failure(asked.expect("nobody waits longer than the timeout"));
    assert_eq!(failure.cause, Cause::Timeout);
    assert!(
        failure.message.contains("queue for one of 8 places"),
        "{}",
        failure.message
    );
    assert_eq!(script.heard("/query"), 0);
    // A full queue says nothing about the server.
    drop(places);
    assert_eq!(servers.value("one", "q", HOUR).await, Ok(7.0));
}

#[tokio::test]
async fn a_thousand_backfills_do_not_hold_up_a_value() {
    let (script, servers) = stage(Says::Value(7.0)).await;
    let range = (
        Timestamp::UNIX_EPOCH,
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24),
    );
    for i in 0..1000 {
        let servers = servers.clone();
        let minute = SignedDuration::from_mins(1);
        tokio::spawn(async move { servers.range("one", &format!("q{i}"), range, minute).await });
    }
    script
        .heard
        .subscribe()
        .wait_for(|heard| heard.len() >= HISTORY_PLACES)
        .await
        .unwrap();
    assert_eq!(servers.value("one", "q", HOUR).await, Ok(7.0));
    assert_eq!(script.heard("/query_range"), HISTORY_PLACES);
}

#[tokio::test]
async fn views_that_hang_hold_up_no_value_and_count_for_nothing() {
    let told = Arc::new(Mutex::new(0));
    let counted = told.clone();
    let (script, servers) = observed(
        Says::Nothing,
        Arc::new(move |_: &str, _, _| *counted.lock().unwrap() += 1),
    )
    .await;
    let views: Vec<_> = (0..100)
        .map(|i| {
            let servers = servers.clone();
            tokio::spawn(async move { servers.each_pod("one", &format!("v{i}"), Duration::ZERO).await })
        })
        .collect();
    script
        .heard
        .subscribe()
        .wait_for(|heard| heard.len() >= VIEW_PLACES)
        .await
        .unwrap();
    // The views' requests stay without an answer; what is asked from now on has one.
    script.says(Says::Value(7.0));
    let values = (0..100).map(|i| {
        let servers = &servers;
        async move { servers.value("one", &format!("q{i}"), HOUR).await }
    });
    assert!(join_all(values).await.into_iter().all(|sample| sample == Ok(7.0)));
    let heard = script.heard("/query");
    assert_eq!(heard, 100 + VIEW_PLACES, "the values did not wait for a view's place");
    script.says(Says::Nothing);
    for view in join_all(views).await {
        assert_eq!(view.unwrap().expect_err("a failure").cause, Cause::Timeout);
    }
    // More views without an answer than silence a server: a value is asked for all the same.
    for i in 0..3 {
        let pair = (0..VIEW_PLACES).map(|n| {
            let servers = &servers;
            async move { servers.each_pod("one", &format!("w{i}_{n}"), Duration::ZERO).await }
        });
        assert!(join_all(pair).await.iter().all(Result::is_err));
    }
    script.says(Says::Value(8.0));
    assert_eq!(servers.value("one", "q", HOUR).await, Ok(8.0));
    assert_eq!(*told.lock().unwrap(), 101, "the observer hears of values alone");
}

#[tokio::test]
async fn a_server_that_values_found_silent_is_not_asked_for_views() {
    let (script, servers) = stage(Says::Nothing).await;
    let values = (0..VALUE_PLACES).map(|i| {
        let servers = &servers;
        async move { servers.value("one", &format!("q{i}"), HOUR).await }
    });
    assert!(join_all(values).await.iter().all(Result::is_err));
    let failed = servers
        .each_pod("one", "v", Duration::ZERO)
        .await
        .expect_err("a failure");
    assert!(failed.message.contains("not asked"), "{}", failed.message);
    assert_eq!(script.heard("/query"), VALUE_PLACES);
}

#[tokio::test]
async fn an_answer_is_fresh_for_a_part_of_the_asker_s_own_interval() {
    let (script, servers) = stage(Says::Value(1.0)).await;
    let short = SignedDuration::ZERO; // a part of it is over at once
    assert_eq!(servers.value("one", "q", HOUR).await, Ok(1.0));
    script.says(Says::Value(2.0));
    assert_eq!(
        servers.value("one", "q", HOUR).await,
        Ok(1.0),
        "an equal policy shares it"
    );
    assert_eq!(
        servers.value("one", "q", short).await,
        Ok(2.0),
        "a faster one does not act on it"
    );
    assert_eq!(
        servers.value("one", "q", HOUR).await,
        Ok(2.0),
        "and the newest is shared"
    );
    assert_eq!(script.heard("/query"), 2);
}

#[tokio::test]
async fn who_asks_at_once_shares_one_request() {
    let (script, servers) = stage(Says::Value(1.0)).await;
    let asked = (0..100).map(|_| servers.value("one", "q", SignedDuration::ZERO));
    assert!(join_all(asked).await.into_iter().all(|sample| sample == Ok(1.0)));
    assert_eq!(script.heard("/query"), 1);
}

#[tokio::test]
async fn that_nobody_answered_is_not_remembered() {
    let (script, servers) = stage(Says::Nothing).await;
    assert_eq!(failure(servers.value("one", "q", HOUR).await).cause, Cause::Timeout);
    script.says(Says::Value(1.0));
    assert_eq!(servers.value("one", "q", HOUR).await, Ok(1.0));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (script, servers) = stage(Says::SeriesWithoutEnd).await;
    let failure = failure(servers.value("one", "q", HOUR).await);
    assert_eq!(failure.cause, Cause::BadAnswer, "{}", failure.message);
    assert!(failure.message.contains("aggregate"), "{}", failure.message);
    let heard = script.heard.borrow();
    assert!(
        heard[0].contains("limit=2"),
        "the server is asked not to send more: {}",
        heard[0]
    );
}

/// What is made of series with these labels, where each pod may have one.
async fn pods(series: &'static [&'static str]) -> Result<Arc<PodValues>, Failure> {
    let (_script, servers) = stage(Says::Series(series)).await;
    servers.each_pod("one", "q", Duration::from_secs(15)).await
}

#[tokio::test]
async fn pods_are_told_apart_by_their_label() {
    let values = pods(&[r#""pod":"a""#, r#""pod":"b","node":"n""#]).await.unwrap();
    let PodValues::Each(values) = &*values else {
        panic!("{values:?}")
    };
    assert_eq!((values.len(), values["a"], values["b"]), (2, 0.0, 1.0));
    // One value for all of them, and one pod.
    assert_eq!(*pods(&[""]).await.unwrap(), PodValues::Whole(0.0));
    assert!(matches!(&*pods(&[r#""pod":"a""#]).await.unwrap(), PodValues::Each(one) if one.len() == 1));
    for (series, cause, said) in [
        (&[][..], Cause::Empty, "no series"),
        (&[r#""pod":"a""#, r#""node":"n""#], Cause::Ambiguous, "no label `pod`"),
        (&["", r#""node":"n""#], Cause::Ambiguous, "no label `pod`"),
        (
            &[r#""pod":"a","namespace":"x""#, r#""pod":"a","namespace":"y""#],
            Cause::Ambiguous,
            "more than one series",
        ),
    ] {
        let failure = pods(series).await.expect_err(said);
        assert_eq!(failure.cause, cause);
        assert!(failure.message.contains(said), "{}", failure.message);
    }
}

#[tokio::test]
async fn values_of_pods_that_cannot_be_are_left_out_and_too_many_are_refused() {
    let sample = |pod: &str, value: &str| serde_json::json!({"metric": {"pod": pod}, "value": [1_700_000_000, value]});
    let read = |all: Vec<serde_json::Value>| {
        let vector = serde_json::json!({"resultType": "vector", "result": all});
        answer::pods(serde_json::from_value(vector).unwrap())
    };
    let values = read(vec![
        sample("a", "1.5"),
        sample("b", "NaN"),
        sample("c", "-1"),
        sample("d", "+Inf"),
    ])
    .unwrap();
    assert_eq!(values, PodValues::Each([("a".into(), 1.5)].into()));
    let many = |count: u32| (0..count).map(|i| sample(&format!("p{i}"), "1")).collect();
    assert!(matches!(read(many(MOST_PODS)), Ok(PodValues::Each(values)) if values.len() == 2000));
    assert!(matches!(
        read(many(MOST_PODS + 1)),
        Err(Refusal::Answered(Cause::Ambiguous, _))
    ));
}

#[tokio::test]
async fn values_of_pods_are_shared_while_they_are_fresh() {
    let (script, servers) = stage(Says::Series(&[r#""pod":"a""#, r#""pod":"b""#])).await;
    let fresh = Duration::from_secs(3600);
    let first = servers.each_pod("one", "q", fresh).await.unwrap();
    assert!(Arc::ptr_eq(&first, &servers.each_pod("one", "q", fresh).await.unwrap()));
    servers.each_pod("one", "q", Duration::ZERO).await.unwrap();
    assert_eq!(script.heard("/query"), 2);
    // The same text where one number is wanted is another question.
    assert_eq!(failure(servers.value("one", "q", HOUR).await).cause, Cause::Ambiguous);
    assert_eq!(script.heard("/query"), 3);
}
