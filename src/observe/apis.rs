//! The cluster's metrics APIs: metrics.k8s.io (cpu and memory), custom.metrics.k8s.io and external.metrics.k8s.io.
//!
//! They are served by others (metrics-server, an adapter) behind the API server, so each has what a Prometheus server
//! has: a timeout, a limited number of places, a circuit breaker, and answers that are shared for a twentieth of the
//! interval. cpu and memory come by one list a namespace, whatever the number of policies in it. A list that only a view wants
//! has places of its own, and no decision waits for it. A failure is a typed
//! [`Failure`] with its remedy, never a number. Neighbours: `apis/answer.rs` reads, `apis/path.rs` says what is asked,
//! `metrics.rs` makes samples of it.

mod answer;
mod path;
#[cfg(test)]
pub(super) mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use kube::core::Selector;
use kube::{Client, discovery};
use moka::future::Cache;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time;

pub use self::answer::{PodUse, PodValue};
use self::path::Ask;
use super::circuit::Circuit;
use super::prometheus::VIEW_PLACES;
use super::refusal::Refusal;
use super::scale;
use super::{Observer, REMEMBERED, REMEMBERED_QUESTIONS, SHARED};
use crate::api::{DescribedObject, MetricIdentifier, TargetRef};
use crate::engine::observation::{Cause, Failure};

/// Longest wait for an answer, the wait for a place included; half of what the API server itself is given.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Requests to one API at a time. Each is one more for the API server and for what stands behind it, which is often one
/// small process.
const PLACES: usize = 8;
/// How long it is remembered which versions an API has, and under which names its objects go: an upgrade changes that.
const KNOWN: Duration = Duration::from_secs(600);

/// The three APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Group {
    Resource,
    Custom,
    External,
}

/// The cluster's metrics APIs.
pub struct Apis {
    client: Client,
    resource: Gate,
    custom: Gate,
    external: Gate,
    answers: Cache<String, Answer>,
    /// Lists that only views asked for, and their places.
    looks: Cache<String, Answer>,
    views: Semaphore,
    versions: Cache<Group, &'static str>,
    /// The plural name of a kind, with its group: `ingresses.networking.k8s.io`.
    resources: Cache<(String, String), Arc<str>>,
    observe: Observer,
}

/// What keeps one API from being asked too much.
struct Gate {
    places: Semaphore,
    circuit: Circuit,
}

#[derive(Clone)]
struct Answer {
    told: Result<Told, Failure>,
    /// When it was asked for.
    at: Instant,
    /// Whether the API server said something, be it an error.
    answered: bool,
}

/// What an API tells.
#[derive(Clone)]
enum Told {
    Uses(Arc<HashMap<Box<str>, PodUse>>),
    Values(Arc<HashMap<Box<str>, PodValue>>),
    Number(f64),
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Group::Resource => "metrics.k8s.io",
            Group::Custom => "custom.metrics.k8s.io",
            Group::External => "external.metrics.k8s.io",
        }
    }

    /// The versions that are understood, newest first.
    fn versions(self) -> &'static [&'static str] {
        match self {
            Group::Resource | Group::External => &["v1beta1"],
            Group::Custom => &["v1beta2", "v1beta1"],
        }
    }

    /// Who serves it.
    fn provider(self) -> &'static str {
        match self {
            Group::Resource => "metrics-server",
            Group::Custom => "an adapter, such as prometheus-adapter",
            Group::External => "an adapter, such as prometheus-adapter or KEDA",
        }
    }
}

impl Apis {
    /// Nothing is asked yet.
    pub fn new(client: Client, observe: Observer) -> Self {
        let gate = || Gate {
            places: Semaphore::new(PLACES),
            circuit: Circuit::new(TIMEOUT),
        };
        let answers = || {
            let cache = Cache::builder().max_capacity(REMEMBERED_QUESTIONS);
            cache.time_to_live(REMEMBERED).build()
        };
        Apis {
            client,
            resource: gate(),
            custom: gate(),
            external: gate(),
            answers: answers(),
            looks: answers(),
            views: Semaphore::new(VIEW_PLACES),
            versions: Cache::builder().time_to_live(KNOWN).build(),
            resources: Cache::builder().max_capacity(1000).time_to_live(KNOWN).build(),
            observe,
        }
    }

    /// What each pod of the namespace uses, by its name.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn uses(
        &self,
        namespace: &str,
        interval: SignedDuration,
    ) -> Result<Arc<HashMap<Box<str>, PodUse>>, Failure> {
        Ok(uses(self.shared(&Ask::Uses { namespace }, interval).await?))
    }

    /// The same for a view: an answer younger than `fresh` will do. One that a decision had is taken; for one that is under
    /// way nobody waits, and none that is asked for here is waited for by a decision, counted by the circuit breaker, or
    /// told to the observer.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn uses_in_view(
        &self,
        namespace: &str,
        fresh: Duration,
    ) -> Result<Arc<HashMap<Box<str>, PodUse>>, Failure> {
        let ask = Ask::Uses { namespace };
        let known = self.answers.get(&ask.key()).await;
        let answer = match known.filter(|answer| !answer.is_stale(fresh)) {
            Some(known) => known,
            None => {
                let asked = answer(&ask, self.looked(&ask));
                let looks = self.looks.entry(ask.key());
                looks.or_insert_with_if(asked, |a| a.is_stale(fresh)).await.into_value()
            }
        };
        answer.told.map(uses)
    }

    /// A metric of each selected pod, by the pod's name.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn pods(
        &self,
        namespace: &str,
        selector: &Selector,
        metric: &MetricIdentifier,
        interval: SignedDuration,
    ) -> Result<Arc<HashMap<Box<str>, PodValue>>, Failure> {
        let ask = Ask::Pods {
            namespace,
            selector,
            metric,
        };
        match self.shared(&ask, interval).await? {
            Told::Values(values) => Ok(values),
            Told::Uses(_) | Told::Number(_) => Ok(Arc::default()),
        }
    }

    /// A metric of one object.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn object(
        &self,
        namespace: &str,
        object: &DescribedObject,
        metric: &MetricIdentifier,
        interval: SignedDuration,
    ) -> Result<f64, Failure> {
        let ask = Ask::Object {
            namespace,
            object,
            metric,
        };
        number(self.shared(&ask, interval).await?)
    }

    /// A metric from outside the cluster: the sum of its values.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn external(
        &self,
        namespace: &str,
        metric: &MetricIdentifier,
        interval: SignedDuration,
    ) -> Result<f64, Failure> {
        number(self.shared(&Ask::External { namespace, metric }, interval).await?)
    }

    /// The answer to a question: one younger than a twentieth of `interval` will do, whoever asked. Who asks while a
    /// request is under way waits for that one.
    async fn shared(&self, ask: &Ask<'_>, interval: SignedDuration) -> Result<Told, Failure> {
        let fresh = Duration::try_from(interval).unwrap_or_default() / SHARED;
        let asked = answer(ask, self.asked(ask));
        let stale = |answer: &Answer| answer.is_stale(fresh);
        let entry = self.answers.entry(ask.key()).or_insert_with_if(asked, stale).await;
        entry.into_value().told
    }

    /// One question: a place, leave of the circuit breaker, and one timeout around all of it.
    async fn asked(&self, ask: &Ask<'_>) -> Result<Told, Refusal> {
        let begun = Instant::now();
        let group = ask.group();
        let gate = match group {
            Group::Resource => &self.resource,
            Group::Custom => &self.custom,
            Group::External => &self.external,
        };
        // The semaphore is never closed.
        let place = time::timeout(TIMEOUT, gate.places.acquire()).await;
        let left = TIMEOUT.saturating_sub(begun.elapsed());
        let result = match place {
            Ok(_place) if !left.is_zero() => {
                gate.circuit.admit(Instant::now())?;
                let asked = time::timeout(left, self.tell(ask)).await;
                let told = asked.unwrap_or_else(|_| Err(timeout()));
                match &told {
                    Ok(_) | Err(Refusal::Answered(..)) => gate.circuit.answered(),
                    Err(Refusal::NotLetIn(..)) => {}
                    // It came late out of the queue and had no fair chance: slow, not gone.
                    Err(Refusal::NoAnswer(Cause::Timeout, _)) if left < TIMEOUT / 2 => {}
                    Err(Refusal::NoAnswer(cause, what) | Refusal::NotAsked(cause, what)) => {
                        gate.circuit.unanswered(*cause, what, Instant::now());
                    }
                }
                told
            }
            _ => Err(timeout()),
        };
        let cause = result.as_ref().err().map(Refusal::cause);
        (self.observe)(group.name(), begun.elapsed(), cause);
        result
    }

    /// The same for a view, in its own places.
    async fn looked(&self, ask: &Ask<'_>) -> Result<Told, Refusal> {
        let until = time::Instant::now() + TIMEOUT;
        // The semaphore is never closed.
        let place = time::timeout_at(until, self.views.acquire()).await;
        let (Ok(_place), true) = (place, time::Instant::now() < until) else {
            return Err(timeout());
        };
        self.resource.circuit.admit_aside(Instant::now())?;
        let asked = time::timeout_at(until, self.tell(ask)).await;
        asked.unwrap_or_else(|_| Err(timeout()))
    }

    async fn tell(&self, ask: &Ask<'_>) -> Result<Told, Refusal> {
        let version = match ask.group() {
            // It has one version and its list always exists: no need to ask first.
            Group::Resource => "v1beta1",
            group => self.version(group).await?,
        };
        let resource = match ask {
            Ask::Object { object, .. } => Some(self.resource(object).await?),
            _ => None,
        };
        let path = ask.path(version, resource.as_deref());
        let group = ask.group();
        match ask {
            Ask::Uses { .. } => answer::uses(self.get(group, &path).await?).map(Told::Uses),
            Ask::Pods { .. } => answer::values(self.get(group, &path).await?).map(Told::Values),
            Ask::Object { .. } => answer::one(self.get(group, &path).await?).map(Told::Number),
            Ask::External { .. } => answer::sum(self.get(group, &path).await?).map(Told::Number),
        }
    }

    /// The newest version that the cluster serves and that is understood.
    async fn version(&self, group: Group) -> Result<&'static str, Refusal> {
        if let Some(version) = self.versions.get(&group).await {
            return Ok(version);
        }
        let found: answer::Versions = self.get(group, &format!("/apis/{}", group.name())).await?;
        let version = group.versions().iter().find(|v| found.serves(v)).ok_or_else(|| {
            let (versions, provider) = (group.versions().join(" or "), group.provider());
            let what = format!("the cluster does not serve {versions} of it; install {provider}");
            Refusal::Answered(Cause::NotInstalled, what)
        })?;
        self.versions.insert(group, version).await;
        Ok(version)
    }

    /// The name under which an object's kind goes in a path.
    async fn resource(&self, object: &DescribedObject) -> Result<Arc<str>, Refusal> {
        let key = (object.api_version.clone(), object.kind.clone());
        if let Some(name) = self.resources.get(&key).await {
            return Ok(name);
        }
        let unknown = |what: String| Refusal::Answered(Cause::BadQuery, what);
        let reference = TargetRef {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            name: object.name.clone(),
        };
        let gvk = scale::gvk(&reference).map_err(|error| unknown(error.to_string()))?;
        let (api_version, kind) = &key;
        let found = discovery::pinned_kind(&self.client, &gvk).await;
        let (resource, _) = found.map_err(|error| match error {
            kube::Error::Discovery(_) => unknown(format!(
                "there is no kind {kind:?} in {api_version:?}; check describedObject"
            )),
            kube::Error::Api(status) if status.code == 404 => {
                unknown(format!("there is no {api_version:?}; check describedObject.apiVersion"))
            }
            error => answer::refusal(error, Group::Custom, false),
        })?;
        let name: Arc<str> = match &*resource.group {
            "" => resource.plural.into(),
            group => format!("{}.{group}", resource.plural).into(),
        };
        self.resources.insert(key, name.clone()).await;
        Ok(name)
    }

    /// One request.
    async fn get<T: DeserializeOwned>(&self, group: Group, path: &str) -> Result<T, Refusal> {
        let malformed = |_| Refusal::Answered(Cause::BadQuery, format!("{path} is no path"));
        let request = http::Request::get(path).body(Vec::new()).map_err(malformed)?;
        // A metric that its adapter does not know is a 404 as well, but not of the API itself.
        let of_a_metric = group != Group::Resource && path.matches('/').count() > 2;
        let text = self.client.request_text(request).await;
        let text = text.map_err(|error| answer::refusal(error, group, of_a_metric))?;
        serde_json::from_str(&text).map_err(|error| {
            let what = format!("the answer is not what it should be ({error}); see who serves it");
            Refusal::Answered(Cause::BadAnswer, what)
        })
    }
}

impl Answer {
    /// Whether to ask again. That nobody answered is not remembered: the circuit breaker bounds what asking again costs.
    fn is_stale(&self, fresh: Duration) -> bool {
        !self.answered || self.at.elapsed() >= fresh
    }
}

/// What is remembered of a question, once it was asked.
async fn answer(ask: &Ask<'_>, asked: impl Future<Output = Result<Told, Refusal>>) -> Answer {
    let at = Instant::now();
    let told = asked.await;
    Answer {
        answered: matches!(told, Ok(_) | Err(Refusal::Answered(..))),
        told: told.map_err(|refusal| refusal.failure(ask.group().name())),
        at,
    }
}

fn timeout() -> Refusal {
    let what = format!("no answer within {} s", TIMEOUT.as_secs());
    Refusal::NoAnswer(Cause::Timeout, what)
}

fn uses(told: Told) -> Arc<HashMap<Box<str>, PodUse>> {
    match told {
        Told::Uses(uses) => uses,
        Told::Values(_) | Told::Number(_) => Arc::default(),
    }
}

fn number(told: Told) -> Result<f64, Failure> {
    match told {
        Told::Number(number) => Ok(number),
        Told::Uses(_) | Told::Values(_) => Err(Failure::new(Cause::BadAnswer, "one number was asked for")),
    }
}
