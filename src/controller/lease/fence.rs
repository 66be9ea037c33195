//! The fence: no write once the Lease is not surely held any more, wherever in the code the write comes from.
//!
//! Each tenure of a Lease has a client of its own, and all that its reconciles write with is made of that client. While the
//! Lease was renewed in time a write passes, with a deadline at the tenure's end; after that it is refused before it is
//! sent. Reads always pass. Time is this process's monotonic clock: no step of the wall clock opens or shuts anything.
//! A tenure that has ended never begins again; whoever gains the Lease anew gets a new fence.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tower::{BoxError, service_fn};

/// A write that was not made, or not seen to its end, because the Lease is not held any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not sent.
    #[error("the Lease of this policy's shard is not held any more; nothing was sent")]
    Unsent,
    /// It was sent, and the tenure ended before the answer came.
    #[error("the Lease of this policy's shard was lost before the API server answered")]
    Unanswered,
}

impl Refused {
    /// Whether an error of the client is this one.
    pub fn of(error: &kube::Error) -> Option<Refused> {
        match error {
            kube::Error::Service(error) => error.downcast_ref().copied(),
            _ => None,
        }
    }
}

/// One tenure of one Lease.
#[derive(Debug, Default)]
pub struct Fence {
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Not held yet: nothing passes.
    #[default]
    Before,
    /// Writes pass until then.
    Until(Instant),
    /// Over for good.
    Over,
}

impl Fence {
    /// A fence that nothing ever passes: for what only reads.
    pub fn shut() -> Arc<Fence> {
        let fence = Fence::default();
        fence.close();
        Arc::new(fence)
    }

    /// The Lease was renewed: writes pass until then. Without effect once the tenure is over, be it by
    /// [`Fence::close`] or because this comes too late.
    pub fn extend(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match *state {
            State::Before => State::Until(until),
            State::Until(present) if Instant::now() < present => State::Until(present.max(until)),
            State::Until(_) | State::Over => State::Over,
        };
        drop(state);
        self.moved.notify_waiters();
    }

    /// The tenure is over, now and for good.
    pub fn close(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Over;
        self.moved.notify_waiters();
    }

    /// Until when writes pass; `None` where none does.
    pub fn until(&self) -> Option<Instant> {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            State::Until(until) if Instant::now() < until => Some(until),
            _ => None,
        }
    }

    /// Resolves once nothing passes any more, and at once where nothing does yet.
    pub async fn ended(&self) {
        loop {
            // Before the look, so that no change between the look and the wait is missed.
            let moved = self.moved.notified();
            let Some(until) = self.until() else { return };
            // Whichever comes first; a renewal moves the end, and then it is looked at again.
            let _ = timeout_at(until, moved).await;
        }
    }
}

/// A client whose writes pass this fence only. The client behind it has a queue, which is waited for within the deadline.
pub fn fenced(client: &Client, fence: Arc<Fence>) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let send = move |request| pass(client.clone(), fence.clone(), request);
    Client::new(service_fn(send), namespace)
}

async fn pass(client: Client, fence: Arc<Fence>, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if request.method() == Method::GET {
        return Ok(client.send(request).await?);
    }
    if fence.until().is_none() {
        return Err(Refused::Unsent.into());
    }
    tokio::select! {
        biased;
        () = fence.ended() => Err(Refused::Unanswered.into()),
        answer = client.send(request) => Ok(answer?),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use tower_test::mock;

    use super::*;

    /// A fenced client and the API server behind it.
    fn stage(fence: &Arc<Fence>) -> (Client, mock::Handle<Request<Body>, Response<Body>>) {
        let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
        (fenced(&Client::new(service, "shop"), fence.clone()), handle)
    }

    fn request(method: &Method) -> Request<Body> {
        let request = Request::builder().method(method).uri("/apis/apps/v1");
        request.body(Body::empty()).unwrap()
    }

    fn open(seconds: u64) -> Arc<Fence> {
        let fence = Arc::new(Fence::default());
        fence.extend(Instant::now() + Duration::from_secs(seconds));
        fence
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_and_what_does_not() {
        let expired = open(5);
        tokio::time::advance(Duration::from_secs(5)).await;
        let closed = open(5);
        closed.close();
        let fences = [
            ("not held yet", Arc::new(Fence::default()), false),
            ("held", open(5), true),
            ("not renewed in time", expired, false),
            ("closed", closed, false),
            ("shut", Fence::shut(), false),
        ];
        for (what, fence, writes) in fences {
            for method in [Method::GET, Method::PATCH, Method::POST, Method::PUT, Method::DELETE] {
                let (client, mut server) = stage(&fence);
                let serve = async {
                    if let Some((_, answer)) = server.next_request().await {
                        answer.send_response(Response::new(Body::empty()));
                    }
                };
                let asked = async {
                    let answer = client.send(request(&method)).await;
                    drop(client); // ends the server where nothing was sent
                    answer
                };
                let (answer, ()) = tokio::join!(asked, serve);
                if writes || method == Method::GET {
                    assert_eq!(answer.unwrap().status(), StatusCode::OK, "{what}: {method}");
                } else {
                    let refused = Refused::of(&answer.unwrap_err());
                    assert_eq!(refused, Some(Refused::Unsent), "{what}: {method}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_under_way_ends_with_the_tenure() {
        for (close, after) in [(None, 5), (Some(2), 2)] {
            let fence = open(5);
            let (client, mut server) = stage(&fence);
            let begun = Instant::now();
            let unanswered = async {
                let request = server.next_request().await;
                if let Some(seconds) = close {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    fence.close();
                }
                request
            };
            let patch = request(&Method::PATCH);
            let (answer, sent) = tokio::join!(client.send(patch), unanswered);
            assert!(sent.is_some());
            assert_eq!(Refused::of(&answer.unwrap_err()), Some(Refused::Unanswered));
            assert_eq!(begun.elapsed().as_secs(), after);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenure_is_renewed_in_time_or_over_for_good() {
        let fence = open(5);
        let second = || tokio::time::advance(Duration::from_secs(1));
        for _ in 0..10 {
            second().await;
            fence.extend(Instant::now() + Duration::from_secs(5));
        }
        assert!(fence.until().is_some(), "renewed in time");
        fence.extend(Instant::now() + Duration::from_secs(1));
        assert_eq!(
            fence.until(),
            Some(Instant::now() + Duration::from_secs(5)),
            "an older renewal shortens nothing"
        );
        fence.ended().await;
        fence.extend(Instant::now() + Duration::from_secs(5));
        assert_eq!(fence.until(), None, "too late");
    }
}
