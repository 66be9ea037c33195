//! One Lease, from standing by over holding to losing it, for as long as the process lives.
//!
//! kube-lease-manager writes the Lease; when, and what counts, is decided here. It is let at a Lease only that `lookout`
//! found free; its writes go through `chain`, and a tenure lasts as long as the chain's fence, whatever the library
//! believes. (It does not say when it renewed, goes on believing while no answer comes, and would notice a released Lease
//! only when the old holder's time were up.)

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::Api;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError, LeaseParams};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tower::BoxError;

use super::args::Timing;
use super::chain::Chain;
use super::fence::Fence;
use super::lookout::{Lookout, Sight, holder};
use crate::FIELD_MANAGER;

/// What becomes of a Lease.
pub(crate) enum News {
    /// This process holds it, and may write while this fence lets it.
    Gained(Arc<Fence>),
    /// It does not any more. The fence is closed.
    Lost,
}

/// How far the process is with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Leases are taken and kept.
    Running,
    /// None is taken any more; what is held is kept, for reconciles under way.
    Stopping,
    /// All are given back.
    Releasing,
}

/// How many Leases this process holds or is about to take: whoever holds fewer goes first.
#[derive(Debug, Default)]
pub(crate) struct Load(Mutex<u32>);

impl Load {
    /// A place among the Leases held, if one that has been free for so long may be taken already.
    fn claim(self: &Arc<Self>, free: Duration, timing: Timing) -> Option<Claim> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free < timing.handicap(*held) {
            return None;
        }
        *held += 1;
        Some(Claim(self.clone()))
    }
}

/// Gives its place back when it goes.
struct Claim(Arc<Load>);

impl Drop for Claim {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// Stands for one Lease.
pub(crate) struct Elector {
    /// The Lease's name.
    pub(crate) lease: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// What this process calls itself in it; no other process does.
    pub(crate) identity: String,
    pub(crate) timing: Timing,
    /// Its requests have a deadline.
    pub(crate) client: Client,
    /// Shared by all electors of the process.
    pub(crate) load: Arc<Load>,
}

/// What was told of a Lease last: a look or an attempt every other second fails of the same thing for hours where a right
/// is missing.
#[derive(Debug, Default)]
struct Told(Option<String>);

impl Told {
    /// Whether this is news.
    fn news(&mut self, words: String) -> bool {
        let news = self.0.as_ref() != Some(&words);
        self.0 = Some(words);
        news
    }
}

/// What was found free, and what this process may do about it.
struct Opening {
    _claim: Claim,
    version: Option<String>,
    /// Left over from an own tenure that has ended.
    own: bool,
}

impl Elector {
    /// Takes the Lease whenever it is free and holds it as long as it can; returns once it is released.
    pub(crate) async fn run(self, news: impl Fn(News), phase: watch::Receiver<Phase>) {
        let mut lookout = Lookout::default();
        let mut told = Told::default();
        loop {
            let opening = tokio::select! {
                opening = self.opening(&mut lookout) => opening,
                () = reached(phase.clone(), Phase::Stopping) => return,
            };
            self.tenure(opening, &mut lookout, &news, &phase, &mut told).await;
        }
    }

    /// What the Lease shows.
    async fn look(&self, lookout: &mut Lookout) -> Result<(Option<Lease>, Sight, Instant), BoxError> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        let lease = timeout(self.timing.valid() / 2, leases.get_opt(&self.lease)).await??;
        let now = Instant::now();
        let sight = lookout.see(lease.as_ref(), &self.identity, self.timing.duration, now);
        Ok((lease, sight, now))
    }

    /// Waits until the Lease is free and it is this process's turn to take it.
    async fn opening(&self, lookout: &mut Lookout) -> Opening {
        let mut told = Told::default();
        let period = self.timing.period();
        loop {
            let wait = match self.look(lookout).await {
                Ok((_, Sight::Held(left), _)) => {
                    told = Told::default();
                    left.min(period)
                }
                Ok((lease, Sight::Free(since), now)) => {
                    told = Told::default();
                    if let Some(claim) = self.load.claim(now.duration_since(since), self.timing) {
                        return Opening {
                            _claim: claim,
                            own: lease.as_ref().and_then(holder) == Some(&self.identity),
                            version: lease.and_then(|lease| lease.metadata.resource_version),
                        };
                    }
                    period
                }
                Err(error) => {
                    if told.news(error.to_string()) {
                        tracing::warn!(lease = self.lease, %error, "the Lease cannot be read; it will be tried again");
                    }
                    period
                }
            };
            sleep(wait).await;
        }
    }

    /// Resolves once somebody else holds the Lease. The library would wait until the other's time is up before it said so,
    /// and the lookout would not know by then for how long the other has been silent: a holder that died meanwhile would be
    /// waited for twice.
    async fn beaten(&self, lookout: &mut Lookout) {
        loop {
            sleep(self.timing.period()).await;
            if let Ok((_, Sight::Held(_), _)) = self.look(lookout).await {
                return;
            }
        }
    }

    /// Takes the Lease, and holds it until it is lost or the process ends. `told` is of the attempts since it was held last.
    async fn tenure(
        &self,
        opening: Opening,
        lookout: &mut Lookout,
        news: &impl Fn(News),
        phase: &watch::Receiver<Phase>,
        told: &mut Told,
    ) {
        let chain = Chain::new(&self.identity, self.timing.valid(), opening.version);
        let taken = async {
            let manager = self.manager(&chain).await?;
            if opening.own {
                manager.release().await?;
            }
            Ok::<_, LeaseManagerError>((manager.changed().await?, manager))
        };
        let manager = tokio::select! {
            taken = taken => match taken {
                Ok((true, manager)) => manager,
                Ok((false, _)) => return,
                Err(error) => {
                    if told.news(error.to_string()) {
                        tracing::warn!(lease = self.lease, %error, "the Lease was not taken; it will be tried again");
                    }
                    return sleep(self.timing.period()).await;
                }
            },
            // Somebody else was faster. Or it takes too long: the library goes by the wall clock, and waits if the old
            // holder's was ahead of ours. Then it begins anew with what the Lease shows by then.
            () = chain.broken() => return,
            () = self.beaten(lookout) => return,
            () = sleep(self.timing.duration) => return,
            // What may just have been taken is given back, or the others would have to wait for it to expire.
            () = reached(phase.clone(), Phase::Stopping) => {
                if let Ok(manager) = self.manager(&chain).await {
                    self.release(&manager).await;
                }
                return;
            }
        };
        *told = Told::default();
        let fence = &chain.fence;
        tracing::info!(
            lease = self.lease,
            identity = self.identity,
            "leading: the Lease is held"
        );
        news(News::Gained(fence.clone()));
        let lost = tokio::select! {
            biased;
            () = reached(phase.clone(), Phase::Releasing) => None,
            () = chain.broken() => Some("somebody else wrote it"),
            () = fence.ended() => Some("it was not renewed in time"),
            () = self.renew(&manager) => Some("somebody else holds it"),
        };
        fence.close();
        news(News::Lost);
        match lost {
            Some(why) => tracing::warn!(lease = self.lease, why, "not leading any more: the Lease is lost"),
            None => self.release(&manager).await,
        }
    }

    async fn manager(&self, chain: &Arc<Chain>) -> Result<LeaseManager, LeaseManagerError> {
        let duration = self.timing.duration.as_secs();
        // The library renews so long before the end.
        let grace = duration - self.timing.period().as_secs();
        let parameters = LeaseParams::new(&self.identity, duration, grace)
            // Distinct, so that of two who apply the Lease at once the API server refuses one.
            .with_field_manager(format!("{FIELD_MANAGER}-{}", self.identity));
        LeaseManagerBuilder::new(chain.client(&self.client), &self.lease)
            .with_namespace(&self.namespace)
            .with_parameters(parameters)
            .build()
            .await
    }

    /// Renews the Lease for as long as it shows this process as its holder.
    async fn renew(&self, manager: &LeaseManager) {
        loop {
            match manager.changed().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(lease = self.lease, %error, "the Lease was not renewed; it will be tried again");
                    // A second: two thirds of the shortest Lease leave room for another attempt.
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn release(&self, manager: &LeaseManager) {
        match manager.release().await {
            Ok(()) => tracing::info!(lease = self.lease, "the Lease is released"),
            Err(error) => {
                tracing::warn!(lease = self.lease, %error, "the Lease was not released; others wait until it expires");
            }
        }
    }
}

/// Resolves once the process has come so far.
async fn reached(mut phase: watch::Receiver<Phase>, least: Phase) {
    // The sender lives as long as the process; were it gone, ending would be right as well.
    let _ = phase.wait_for(|phase| *phase >= least).await;
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::json;
    use tower_test::mock;

    use super::*;

    #[test]
    fn the_same_is_told_once() {
        let mut told = Told::default();
        let news =
            ["may not patch", "may not patch", "no answer", "may not patch"].map(|words| told.news(words.into()));
        assert_eq!(news, [true, false, true, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_that_was_beaten_to_it_never_loses_sight_of_the_lease() {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        let elector = Elector {
            lease: "headroom".to_owned(),
            namespace: "system".to_owned(),
            identity: "me".to_owned(),
            timing: Timing {
                duration: Duration::from_secs(15),
            },
            client: Client::new(service, "system"),
            load: Arc::default(),
        };
        let (stop, phase) = watch::channel(Phase::Running);
        let standby = elector.run(|_| panic!("somebody else holds it"), phase);
        let serve = async {
            // Free at the first look; then somebody else's, who by the library's clock is alive for an hour yet.
            let absent =
                json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": ""});
            let until = crate::clock::now() + jiff::SignedDuration::from_hours(1);
            let spec =
                json!({"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": format!("{until:.6}")});
            let theirs = json!({"metadata": {"name": "headroom", "resourceVersion": "7"}, "spec": spec});
            let (begun, mut last) = (Instant::now(), Instant::now());
            let mut looks = 0;
            while begun.elapsed() < Duration::from_secs(30) {
                let (request, send) = server.next_request().await.unwrap();
                assert_eq!(request.method(), Method::GET, "nothing is written");
                assert!(
                    last.elapsed() <= Duration::from_secs(3),
                    "out of sight for {:?}",
                    last.elapsed()
                );
                last = Instant::now();
                let (code, body) = if looks == 0 { (404, &absent) } else { (200, &theirs) };
                looks += 1;
                let response = Response::builder().status(code);
                send.send_response(response.body(Body::from(body.to_string().into_bytes())).unwrap());
            }
            assert!(looks >= 15, "every two seconds: {looks}");
            stop.send_replace(Phase::Stopping);
            // What it asks on its way out is not answered any more.
            drop(server);
        };
        tokio::join!(standby, serve);
    }
}
