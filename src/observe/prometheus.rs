//! Named Prometheus servers: instant values for decisions, ranges for the forecast's history.
//!
//! A policy picks a server by name and can never make the operator call another address. Every request has a timeout,
//! a place among a limited number, a circuit breaker (`observe/circuit.rs`) and a bound on its answer (`answer.rs`); equal
//! queries within a twentieth of the interval are asked once. History has places of its own, and so have views: neither a thousand
//! backfills nor a thousand views ever hold up a value. A failure is a typed [`Failure`], never a number: "no answer" and "no load" are not the same thing.

pub mod access;
mod answer;
mod door;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use prometheus_http_query::Error as QueryError;
use prometheus_http_query::response::PromqlResult;
use reqwest::header::AUTHORIZATION;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time;

use self::access::{Access, AccessError};
pub use self::answer::PodValues;
use self::answer::{LIMIT, MOST_PODS, MOST_SERIES};
use self::door::{Door, Shut};
use super::circuit::Circuit;
use super::refusal::Refusal;
use super::{Observer, REMEMBERED, REMEMBERED_QUESTIONS, SHARED};
use crate::address::shown;
use crate::engine::observation::{Cause, Failure};

/// Instant queries to one server at a time. Prometheus itself runs 20 queries at once by default
/// (`--query.max-concurrency`); taking more than half, with [`HISTORY_PLACES`], would starve dashboards.
const VALUE_PLACES: usize = 8;
/// Range queries to one server at a time. Nobody waits for history, and each costs a server more than a value does.
const HISTORY_PLACES: usize = 2;
/// Queries of views to one server at a time, and lists of metrics.k8s.io. No decision waits for a view. At 20 ms an answer
/// two places carry 100 questions a second, 1,500 in the 15 s for which one is fresh.
pub(super) const VIEW_PLACES: usize = 2;
/// A place that comes when less than the timeout divided by this is left is not used: nearly every answer would be lost,
/// and a server that hangs would be asked by everyone who waited.
const LATE: u32 = 10;
/// Longest range asked at once, in points: Prometheus refuses more than 11,000.
const MAX_POINTS: i64 = 10_000;

/// Values of pods that are remembered, at about 100 bytes each: of a thousand targets with a hundred pods each.
const REMEMBERED_VALUES: u64 = 100_000;

/// The servers that policies may name.
pub struct Servers {
    servers: HashMap<String, Server>,
    answers: Answers<f64>,
    each: Answers<Arc<PodValues>>,
}

/// By server and query.
type Answers<T> = Cache<(Arc<str>, Arc<str>), Answer<T>>;

struct Server {
    name: String,
    door: Door,
    timeout: Duration,
    values: Semaphore,
    history: Semaphore,
    views: Semaphore,
    circuit: Circuit,
    observe: Observer,
}

#[derive(Clone)]
struct Answer<T> {
    value: Result<T, Failure>,
    /// When it was asked for.
    at: Instant,
    /// Whether the server said something, be it an error.
    answered: bool,
}

/// A server that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is no URL.
    #[error("Prometheus server {name:?}: {url:?} is not a usable URL ({source}); give http://HOST:PORT")]
    Url {
        /// The server's name.
        name: String,
        /// The address given, as it may be shown.
        url: String,
        /// The parser's words.
        source: QueryError,
    },
    /// The address holds a user or a password.
    #[error(
        "Prometheus server {name:?}: its URL holds a user or a password ({url}), which everybody could read who sees the \
         operator's command line; leave it out and give it in a file: --prometheus-basic-auth {name}=FILE"
    )]
    User {
        /// The server's name.
        name: String,
        /// The address, without them.
        url: String,
    },
    /// A file that lets nobody in.
    #[error("Prometheus server {name:?}: {source}")]
    Access {
        /// The server's name.
        name: String,
        /// What is wrong.
        source: AccessError,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Http(#[from] reqwest::Error),
}

impl Servers {
    /// The servers by name. `timeout` bounds each value from the wait for a place to the answer's last byte, and each
    /// part of a history from its place on.
    ///
    /// # Errors
    /// [`ServerError`] for an address that is no URL, or holds a password.
    pub fn new(
        servers: impl IntoIterator<Item = (String, String)>,
        timeout: Duration,
        observe: Observer,
    ) -> Result<Self, ServerError> {
        let anybody = |(name, url)| (name, url, Access::default());
        Servers::with_access(servers.into_iter().map(anybody), timeout, observe)
    }

    /// The same by name and address, with how to be let in. Reads the files that say so; later changes of them are seen.
    ///
    /// # Errors
    /// [`ServerError`] for an address that is no URL or holds a password, or a file that lets nobody in.
    pub fn with_access(
        servers: impl IntoIterator<Item = (String, String, Access)>,
        timeout: Duration,
        observe: Observer,
    ) -> Result<Self, ServerError> {
        let plain = reqwest::Client::builder().build()?;
        let build = |(name, url, access): (String, String, Access)| match Door::to(&url, access, &plain) {
            Ok(door) => {
                let server = Server {
                    name: name.clone(),
                    door,
                    timeout,
                    values: Semaphore::new(VALUE_PLACES),
                    history: Semaphore::new(HISTORY_PLACES),
                    views: Semaphore::new(VIEW_PLACES),
                    // A pause as long as a timeout: a server that hangs costs one place, whoever asks.
                    circuit: Circuit::new(timeout),
                    observe: observe.clone(),
                };
                Ok((name, server))
            }
            Err(Shut::Url(source)) => {
                let url = shown(&url);
                Err(ServerError::Url { name, url, source })
            }
            Err(Shut::User) => {
                let url = shown(&url);
                Err(ServerError::User { name, url })
            }
            Err(Shut::Access(source)) => Err(ServerError::Access { name, source }),
        };
        Ok(Servers {
            servers: servers.into_iter().map(build).collect::<Result<_, _>>()?,
            answers: Cache::builder()
                .max_capacity(REMEMBERED_QUESTIONS)
                .time_to_live(REMEMBERED)
                .build(),
            each: Cache::builder()
                .max_capacity(REMEMBERED_VALUES)
                .weigher(|_, answer: &Answer<Arc<PodValues>>| match answer.value.as_deref() {
                    Ok(PodValues::Each(values)) => u32::try_from(values.len()).unwrap_or(u32::MAX).max(1),
                    Ok(PodValues::Whole(_)) | Err(_) => 1,
                })
                .time_to_live(REMEMBERED)
                .build(),
        })
    }

    /// The query's present value. An answer younger than a twentieth of `interval` will do, whoever asked for it (see
    /// [`SHARED`]). Who asks while a request is under way waits for that one.
    pub async fn value(&self, server: &str, query: &str, interval: SignedDuration) -> Result<f64, Failure> {
        let fresh = Duration::try_from(interval).unwrap_or_default() / SHARED;
        let server = self.named(server)?;
        let ask = server.value(query, MOST_SERIES, answer::single);
        shared(&self.answers, (server, query), fresh, ask).await
    }

    /// For a view: the query's present value of each pod, or the one of all of them. An answer younger than `fresh` will do,
    /// whoever asked for it. It has places of its own ([`VIEW_PLACES`]), and what becomes of it is told to the asker alone.
    ///
    /// # Errors
    /// Why nobody knows: as for [`Servers::value`], or because series cannot be told apart by their label `pod`.
    pub async fn each_pod(&self, server: &str, query: &str, fresh: Duration) -> Result<Arc<PodValues>, Failure> {
        let server = self.named(server)?;
        let ask = server.view(query, MOST_PODS + 1, |result| answer::pods(result).map(Arc::new));
        shared(&self.each, (server, query), fresh, ask).await
    }

    /// The query's values from `from` to `to` at each `step`; gaps are left out, samples that are not finite as well.
    ///
    /// # Errors
    /// The failure of the first request that failed.
    pub async fn range(
        &self,
        server: &str,
        query: &str,
        (from, to): (Timestamp, Timestamp),
        step: SignedDuration,
    ) -> Result<Vec<(Timestamp, f64)>, Failure> {
        let server = self.named(server)?;
        let step = step.as_secs().max(1);
        // The wait is not bounded, since nobody waits for the end of it; and a place is kept for all parts, so that of
        // a thousand backfills the first are done soon rather than all at the end. The semaphore is never closed.
        let _place = server.history.acquire().await;
        let mut samples = Vec::new();
        let mut start = from.as_second();
        while start <= to.as_second() {
            let end = to.as_second().min(start + (MAX_POINTS - 1) * step);
            let part = server.history(query, (start, end), step).await;
            samples.extend(part.map_err(|refusal| server.failure(refusal))?);
            start = end + step;
        }
        Ok(samples)
    }

    fn named(&self, server: &str) -> Result<&Server, Failure> {
        self.servers.get(server).ok_or_else(|| {
            let names: Vec<&str> = self.servers.keys().map(String::as_str).collect();
            let message = format!(
                "no Prometheus server named {server:?}; the operator knows: {}",
                names.join(", ")
            );
            Failure::new(Cause::UnknownServer, message)
        })
    }
}

/// An answer that is remembered and fresh, or a new one.
async fn shared<T: Clone + Send + Sync + 'static>(
    answers: &Answers<T>,
    (server, query): (&Server, &str),
    fresh: Duration,
    ask: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Failure> {
    let key = (Arc::from(&*server.name), Arc::from(query));
    let ask = async {
        let at = Instant::now();
        let result = ask.await;
        Answer {
            answered: matches!(result, Ok(_) | Err(Refusal::Answered(..))),
            value: result.map_err(|refusal| server.failure(refusal)),
            at,
        }
    };
    // That nobody answered is not remembered: the circuit breaker bounds what asking again costs.
    let stale = |answer: &Answer<T>| !answer.answered || answer.at.elapsed() >= fresh;
    let entry = answers.entry(key).or_insert_with_if(ask, stale).await;
    entry.into_value().value
}

impl Server {
    /// One instant query: a place, leave of the circuit breaker, and one timeout around all of it.
    async fn value<T>(
        &self,
        query: &str,
        most: u32,
        read: impl FnOnce(PromqlResult) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let begun = Instant::now();
        let Some((_place, left)) = self.place(&self.values, begun).await else {
            return self.told(begun, Err(self.crowded(VALUE_PLACES)));
        };
        self.circuit.admit(Instant::now())?;
        let result = self.within(left, self.instant(query, most, read)).await;
        match &result {
            Ok(_) | Err(Refusal::Answered(..)) => self.circuit.answered(),
            // A request that came late out of the queue had no fair chance; it says that the server is slow, not gone.
            Err(Refusal::NoAnswer(Cause::Timeout, _)) if left < self.timeout / 2 => {}
            Err(Refusal::NotLetIn(..)) => {}
            Err(Refusal::NoAnswer(cause, what) | Refusal::NotAsked(cause, what)) => {
                self.circuit.unanswered(*cause, what, Instant::now());
            }
        }
        self.told(begun, result)
    }

    /// One instant query of a view. The circuit breaker keeps it back and learns nothing from it, and the observer, which
    /// speaks of what decisions wait for, hears nothing of it.
    async fn view<T>(
        &self,
        query: &str,
        most: u32,
        read: impl FnOnce(PromqlResult) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let Some((_place, left)) = self.place(&self.views, Instant::now()).await else {
            return Err(self.crowded(VIEW_PLACES));
        };
        self.circuit.admit_aside(Instant::now())?;
        self.within(left, self.instant(query, most, read)).await
    }

    /// A place, and how much of the timeout is left. A place that is free at the last moment is of no use any more, and
    /// must not take the circuit breaker's turn.
    async fn place<'a>(&self, places: &'a Semaphore, begun: Instant) -> Option<(SemaphorePermit<'a>, Duration)> {
        let place = time::timeout(self.timeout, places.acquire()).await;
        let left = self.timeout.saturating_sub(begun.elapsed());
        // The semaphore is never closed.
        let place = place.ok()?.ok()?;
        (left >= self.timeout / LATE).then_some((place, left))
    }

    fn crowded(&self, places: usize) -> Refusal {
        let waited = self.timeout.as_secs_f64();
        let what = format!("no answer within {waited} s, all of it in the queue for one of {places} places");
        Refusal::NoAnswer(Cause::Timeout, what)
    }

    /// The request of one instant query.
    async fn instant<T>(
        &self,
        query: &str,
        most: u32,
        read: impl FnOnce(PromqlResult) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let (client, secret) = self.door.enter().await?;
        let mut request = client.query(query).query(LIMIT, most);
        if let Some(secret) = secret {
            request = request.header(AUTHORIZATION, secret);
        }
        read(answer::read(request.get_raw().await, self.door.shown()).await?)
    }

    /// One part of a query's history, in whole seconds.
    async fn history(
        &self,
        query: &str,
        (start, end): (i64, i64),
        step: i64,
    ) -> Result<Vec<(Timestamp, f64)>, Refusal> {
        let begun = Instant::now();
        self.circuit.admit_aside(begun)?;
        let asked = async {
            let (client, secret) = self.door.enter().await?;
            let request = client.query_range(query, start, end, step as f64);
            let mut request = request.query(LIMIT, MOST_SERIES);
            if let Some(secret) = secret {
                request = request.header(AUTHORIZATION, secret);
            }
            answer::series(answer::read(request.get_raw().await, self.door.shown()).await?)
        };
        let result = self.within(self.timeout, asked).await;
        self.told(begun, result)
    }

    async fn within<T>(&self, left: Duration, request: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        time::timeout(left, request).await.unwrap_or_else(|_| {
            let what = format!("no answer within {} s", self.timeout.as_secs_f64());
            Err(Refusal::NoAnswer(Cause::Timeout, what))
        })
    }

    /// As the engine knows it, with who was asked, and what to look at where nobody answered.
    fn failure(&self, refusal: Refusal) -> Failure {
        let remedy = match &refusal {
            Refusal::NoAnswer(..) | Refusal::NotAsked(..) => "; check that it can be reached from the operator",
            Refusal::Answered(..) | Refusal::NotLetIn(..) => "",
        };
        let failure = refusal.failure(&format!("Prometheus server `{}`", self.name));
        Failure::new(failure.cause, format!("{}{remedy}", failure.message))
    }

    /// Tells the observer.
    fn told<T>(&self, begun: Instant, result: Result<T, Refusal>) -> Result<T, Refusal> {
        let cause = result.as_ref().err().map(Refusal::cause);
        (self.observe)(&self.name, begun.elapsed(), cause);
        result
    }
}
