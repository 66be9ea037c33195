//! Named Prometheus servers: instant values for decisions, ranges for the forecast's history.
//!
//! A policy picks a server by name and can never make the operator call another address. Every request has a timeout
//! and a place in a limited queue; equal queries within half an interval are asked once. A failure is a typed
//! [`Failure`], never a number: "no answer" and "no load" are not the same thing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use prometheus_http_query::Client;
use prometheus_http_query::Error as QueryError;
use prometheus_http_query::response::{Data, PromqlResult};
use tokio::sync::Semaphore;

use crate::engine::observation::{Cause, Failure, Sample};

/// Requests to one server at a time. Prometheus itself runs 20 queries at once by default (`--query.max-concurrency`);
/// taking more than half would starve dashboards.
const CONCURRENCY: usize = 10;
/// Distinct queries remembered: ten thousand policies with two metrics each, at about 300 bytes an entry.
const CACHED_QUERIES: u64 = 20_000;
/// Longest range asked at once, in points: Prometheus refuses more than 11,000.
const MAX_POINTS: i64 = 10_000;

/// The servers that policies may name.
pub struct Servers {
    servers: HashMap<String, Server>,
    fresh: Cache<(Arc<str>, Arc<str>), Cached>,
    observe: Observer,
}

/// Told about each request: server, time taken, and the cause where it failed.
pub type Observer = Arc<dyn Fn(&str, Duration, Option<Cause>) + Send + Sync>;

struct Server {
    client: Client,
    places: Semaphore,
    timeout: Duration,
}

#[derive(Clone)]
struct Cached {
    sample: Sample,
    lifetime: Duration,
}

/// Entries live as long as the first asker wanted.
struct Lifetime;

impl moka::Expiry<(Arc<str>, Arc<str>), Cached> for Lifetime {
    fn expire_after_create(&self, _: &(Arc<str>, Arc<str>), value: &Cached, _: Instant) -> Option<Duration> {
        Some(value.lifetime)
    }
}

/// A server that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is no URL.
    #[error("Prometheus server {name:?}: {url:?} is not a usable URL ({source}); give http://HOST:PORT")]
    Url {
        /// The server's name.
        name: String,
        /// The address given.
        url: String,
        /// The parser's words.
        source: QueryError,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Http(#[from] reqwest::Error),
}

impl Servers {
    /// The servers by name. `timeout` bounds each request from its first byte to its last.
    ///
    /// # Errors
    /// [`ServerError`] for an address that is no URL.
    pub fn new(
        servers: impl IntoIterator<Item = (String, String)>,
        timeout: Duration,
        observe: Observer,
    ) -> Result<Self, ServerError> {
        let http = reqwest::Client::builder()
            .connect_timeout(timeout)
            .timeout(timeout)
            .build()?;
        let build = |(name, url): (String, String)| match Client::from(http.clone(), &url) {
            Ok(client) => Ok((
                name,
                Server {
                    client,
                    places: Semaphore::new(CONCURRENCY),
                    timeout,
                },
            )),
            Err(source) => Err(ServerError::Url { name, url, source }),
        };
        Ok(Servers {
            servers: servers.into_iter().map(build).collect::<Result<_, _>>()?,
            fresh: Cache::builder()
                .max_capacity(CACHED_QUERIES)
                .expire_after(Lifetime)
                .build(),
            observe,
        })
    }

    /// The query's present value. An answer is shared for half of `interval`: a policy never sees its own last answer
    /// again, and however many ask, a server hears a query at most twice an interval.
    pub async fn value(&self, server: &str, query: &str, interval: SignedDuration) -> Sample {
        let lifetime = Duration::try_from(interval).unwrap_or_default() / 2;
        let key = (Arc::from(server), Arc::from(query));
        let ask = async {
            let sample = self
                .ask(server, |s| async { single(s.client.query(query).get().await?) })
                .await;
            Cached { sample, lifetime }
        };
        self.fresh.get_with(key, ask).await.sample
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
        let step = step.as_secs().max(1);
        let mut samples = Vec::new();
        let mut start = from.as_second();
        while start <= to.as_second() {
            let end = to.as_second().min(start + (MAX_POINTS - 1) * step);
            let part = self
                .ask(server, |s| async {
                    series(s.client.query_range(query, start, end, step as f64).get().await?)
                })
                .await?;
            samples.extend(part);
            start = end + step;
        }
        Ok(samples)
    }

    /// One request: named server, a place in its queue, a bound on the whole.
    async fn ask<'a, T, F>(&'a self, server: &str, request: impl FnOnce(&'a Server) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let Some(known) = self.servers.get(server) else {
            let names: Vec<&str> = self.servers.keys().map(String::as_str).collect();
            let message = format!(
                "no Prometheus server named {server:?}; the operator knows: {}",
                names.join(", ")
            );
            return Err(Failure::new(Cause::UnknownServer, message));
        };
        let begun = Instant::now();
        let answer = match known.places.acquire().await {
            Ok(_place) => request(known).await,
            Err(_) => Err(Refusal::Failed(Failure::new(
                Cause::Unreachable,
                "the operator is shutting down",
            ))),
        };
        let answer = answer.map_err(|refusal| refusal.failure(server, known.timeout));
        (self.observe)(server, begun.elapsed(), answer.as_ref().err().map(|f| f.cause));
        answer
    }
}

/// Why a request gave no value: the client's error, or an answer that is no single number.
enum Refusal {
    Client(QueryError),
    Failed(Failure),
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Refusal::Client(error)
    }
}

impl Refusal {
    fn failure(self, server: &str, timeout: Duration) -> Failure {
        let error = match self {
            Refusal::Failed(failure) => return failure,
            Refusal::Client(error) => error,
        };
        let (cause, what) = match &error {
            QueryError::Prometheus(e) if e.is_bad_data() => (Cause::BadQuery, e.message().to_owned()),
            QueryError::Prometheus(e) if e.is_timeout() => (Cause::Timeout, e.message().to_owned()),
            QueryError::Prometheus(e) => (Cause::BadAnswer, e.to_string()),
            QueryError::Client(e) => match e.inner() {
                Some(e) if e.is_timeout() => (Cause::Timeout, format!("no answer within {} s", timeout.as_secs_f64())),
                Some(e) if e.is_connect() => (Cause::Unreachable, "connection refused or no route".to_owned()),
                Some(e) if e.is_decode() => (
                    Cause::BadAnswer,
                    "the answer is not what Prometheus would say".to_owned(),
                ),
                Some(e) if e.is_status() => (Cause::BadAnswer, format!("HTTP status {}", shown_status(e))),
                Some(_) => (Cause::Unreachable, "the connection broke".to_owned()),
                // The client's own words, such as "invalid media type": a proxy's login page, for example.
                None => (Cause::BadAnswer, e.to_string()),
            },
            other => (Cause::BadAnswer, other.to_string()),
        };
        Failure::new(cause, format!("server {server:?}: {what}"))
    }
}

fn shown_status(error: &reqwest::Error) -> String {
    error
        .status()
        .map_or_else(|| "unknown".to_owned(), |s| s.as_u16().to_string())
}

/// The one number of an instant query.
fn single(result: PromqlResult) -> Result<f64, Refusal> {
    let fail = |cause, message: String| Err(Refusal::Failed(Failure::new(cause, message)));
    let value = match result.data() {
        Data::Scalar(sample) => sample.value(),
        Data::Vector(vector) => match vector.as_slice() {
            [] => return fail(Cause::Empty, "the query returned no series".to_owned()),
            [one] => one.sample().value(),
            more => {
                let message = format!(
                    "the query returned {} series; aggregate it to one, for example with sum()",
                    more.len()
                );
                return fail(Cause::Ambiguous, message);
            }
        },
        Data::Matrix(_) => {
            return fail(
                Cause::BadQuery,
                "the query returned a range; remove the [range]".to_owned(),
            );
        }
    };
    if !value.is_finite() {
        return fail(Cause::NotFinite, format!("the value is {value}"));
    }
    if value < 0.0 {
        return fail(Cause::Negative, format!("the value is {value}"));
    }
    Ok(value)
}

/// The one series of a range query, without what is not finite.
fn series(result: PromqlResult) -> Result<Vec<(Timestamp, f64)>, Refusal> {
    let matrix = match result.data() {
        Data::Matrix(matrix) => matrix,
        _ => {
            return Err(Refusal::Failed(Failure::new(
                Cause::BadAnswer,
                "a range was asked for, something else came",
            )));
        }
    };
    match matrix.as_slice() {
        [] => Ok(Vec::new()),
        [one] => Ok(one
            .samples()
            .iter()
            .filter(|s| s.value().is_finite())
            .filter_map(|s| Some((Timestamp::from_second(s.timestamp() as i64).ok()?, s.value())))
            .collect()),
        more => {
            let message = format!("the query's history has {} series; aggregate it to one", more.len());
            Err(Refusal::Failed(Failure::new(Cause::Ambiguous, message)))
        }
    }
}
