//! With leader election: nothing without the Lease, the last leader's status first, and no write once the Lease is lost.

use headroom::controller::lease::Fence;
use headroom::controller::{Error, Shards};
use tokio::time::Instant;

use super::others::{PODS, listed, ordered};
use super::*;

const POLICY: &str = "/apis/headroom.dev/v1alpha1/namespaces/shop/scalingpolicies/web";

/// The reconciler of a process that stands for one Lease, and the client that it would lead with.
fn standby() -> (Arc<Context>, Arc<Shards>, Client, ApiServer) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "shop");
    let servers = Servers::new([], Duration::from_secs(1), Arc::new(|_: &str, _, _| {})).unwrap();
    let shards = Arc::new(Shards::elected(1));
    let refresh = SignedDuration::from_secs(60);
    let context = Context::new(client.clone(), servers, Metrics::new().0, refresh).led_by(shards.clone());
    (Arc::new(context), shards, client, ApiServer(handle))
}

fn open() -> Arc<Fence> {
    let fence = Arc::new(Fence::default());
    fence.extend(Instant::now() + Duration::from_secs(3600));
    fence
}

#[tokio::test]
async fn without_the_lease_nothing_is_asked_for() {
    let (context, shards, client, server) = standby();
    let waits = Action::await_change();
    assert_eq!(reconcile(policy("Active"), context.clone()).await.unwrap(), waits);
    let fence = open();
    shards.gain(0, &client, fence.clone());
    fence.close();
    // The loss is about to be told; until then the closed fence says it.
    assert_eq!(reconcile(policy("Active"), context.clone()).await.unwrap(), waits);
    shards.lose(0);
    assert_eq!(reconcile(policy("Active"), context.clone()).await.unwrap(), waits);
    drop((context, shards, client));
    server.ends().await;
}

#[tokio::test]
async fn a_new_leader_goes_by_the_status_that_the_last_one_left() {
    let (context, shards, client, mut server) = standby();
    shards.gain(0, &client, open());
    let reconciled = async {
        reconcile(policy("Active"), context.clone()).await.unwrap();
        drop((context, shards, client));
    };
    let part = async move {
        // Our watch has not brought it yet: the last leader scaled from two to five a moment ago.
        let mut present = serde_json::to_value(&*policy("Active")).unwrap();
        let event = json!({"at": headroom::clock::now(), "from": 2, "to": 5});
        present["status"] = json!({"damping": {"targetUid": "target-uid", "scaleEvents": [event]}});
        server.takes("GET", POLICY, present).await;
        server.shows_scale(5).await;
        let reported = server.stores("Active").await;
        let events = &written(&reported)["damping"]["scaleEvents"];
        assert_eq!((&events[0]["from"], &events[0]["to"]), (&json!(2), &json!(5)));
        server.ends().await;
    };
    tokio::join!(reconciled, part);
}

/// Reconciles while the Lease is lost at some point of the API server's part.
async fn loses<F: Future<Output = ApiServer>>(part: impl FnOnce(ApiServer, Arc<Fence>) -> F) {
    loses_by(policy("Active"), part).await;
}

/// The same by a policy of its own.
async fn loses_by<F>(object: Arc<ScalingPolicy>, part: impl FnOnce(ApiServer, Arc<Fence>) -> F)
where
    F: Future<Output = ApiServer>,
{
    let present = serde_json::to_value(&*object).unwrap();
    let (context, shards, client, mut server) = standby();
    let fence = open();
    shards.gain(0, &client, fence.clone());
    let reconciled = async {
        let error = reconcile(object.clone(), context.clone()).await.unwrap_err();
        assert!(matches!(error, Error::LeaseLost(_)), "{error}");
        assert_eq!(
            headroom::controller::error_policy(object, &error, context.clone()),
            Action::await_change(),
            "the next leader's business"
        );
        drop((context, shards, client));
    };
    let part = async move {
        server.takes("GET", POLICY, present).await;
        part(server, fence).await.ends().await;
    };
    tokio::join!(reconciled, part);
}

#[tokio::test]
async fn a_lease_that_is_lost_while_observing_writes_nothing() {
    loses(|mut server, fence| async move {
        fence.close();
        // Reads go on; then neither an announcement nor a scale, neither a status nor an Event.
        server.shows_scale(2).await;
        server
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_is_lost_while_a_change_is_announced_scales_nothing() {
    loses(|mut server, fence| async move {
        server.shows_scale(2).await;
        let answer = serde_json::to_value(&*policy("Active")).unwrap();
        // Closed before the answer leaves; the announcement may or may not be stored, and the next leader reads it.
        let (request, send) = server.0.next_request().await.unwrap();
        assert_eq!(request.uri().path(), STATUS);
        fence.close();
        let body = Body::from(serde_json::to_vec(&answer).unwrap());
        send.send_response(Response::new(body));
        server
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_is_lost_while_the_scale_is_written_reports_nothing() {
    loses(|mut server, fence| async move {
        server.shows_scale(2).await;
        server.stores("Active").await;
        // Under way when the tenure ends: whether it is carried out nobody here will know. The announcement stands.
        let (request, send) = server.0.next_request().await.unwrap();
        assert_eq!((request.method().as_str(), request.uri().path()), ("PATCH", SCALE));
        fence.close();
        let body = Body::from(serde_json::to_vec(&scale(5)).unwrap());
        send.send_response(Response::new(body));
        server
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_is_lost_while_pods_are_marked_tells_nothing_of_pods() {
    loses_by(ordered(), |mut server, fence| async move {
        let mut six = scale(6);
        six["status"]["selector"] = json!("app=web");
        server.shows(six).await;
        server.takes("GET", PODS, listed()).await;
        let (request, send) = server.0.next_request().await.unwrap();
        assert_eq!(request.uri().path(), format!("{PODS}/new"));
        fence.close();
        drop(send);
        // Neither an Event that asks for a right, nor an announcement.
        server
    })
    .await;
}
