//! Reading what the metrics APIs say: lists into compact maps by pod, single values into numbers, errors into causes
//! with a remedy.
//!
//! A container without a value makes its pod one without a sample, not one with less load. What cannot be read at all
//! is a failure of the whole answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::{Deserialize, Deserializer, de};
use tower::timeout::error::Elapsed;

use super::Group;
use crate::api::ResourceName;
use crate::engine::observation::Cause;
use crate::observe::quantity::thousandths;
use crate::observe::refusal::Refusal;

/// The length of a sample that tells none; HPA assumes as much.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// What one pod uses.
#[derive(Debug, PartialEq)]
pub struct PodUse {
    /// The end of the time over which it was measured.
    pub at: Option<Timestamp>,
    /// Its length.
    pub window: SignedDuration,
    pub(super) containers: Box<[ContainerUse]>,
}

#[derive(Debug, PartialEq)]
pub(super) struct ContainerUse {
    pub(super) name: Box<str>,
    pub(super) cpu: Option<i64>,
    pub(super) memory: Option<i64>,
}

/// A metric of one pod.
#[derive(Debug, PartialEq)]
pub struct PodValue {
    /// In thousandths.
    pub value: i64,
    /// The end of the time over which it was measured.
    pub at: Option<Timestamp>,
    /// Its length.
    pub window: SignedDuration,
}

impl PodUse {
    /// What the container uses, or all of them together, in thousandths; `None` where one has no value.
    pub fn of(&self, resource: ResourceName, container: Option<&str>) -> Option<i64> {
        let mut containers = self
            .containers
            .iter()
            .filter(|c| container.is_none_or(|name| name == &*c.name));
        let amount = |c: &ContainerUse| match resource {
            ResourceName::Cpu => c.cpu,
            ResourceName::Memory => c.memory,
        };
        let first = amount(containers.next()?)?;
        containers.try_fold(first, |sum, c| Some(sum.saturating_add(amount(c)?)))
    }
}

/// `GET /apis/GROUP`.
#[derive(Deserialize)]
pub(super) struct Versions {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

impl Versions {
    pub(super) fn serves(&self, version: &str) -> bool {
        self.versions.iter().any(|v| v.version == version)
    }
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Named {
    name: Box<str>,
}

/// A `PodMetrics` of metrics.k8s.io.
#[derive(Deserialize)]
pub(super) struct Use {
    metadata: Named,
    timestamp: Option<Timestamp>,
    window: Option<String>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: Box<str>,
    #[serde(default)]
    usage: BTreeMap<String, Amount>,
}

/// A `MetricValue` of custom.metrics.k8s.io, in both versions.
#[derive(Deserialize)]
pub(super) struct Value {
    #[serde(rename = "describedObject")]
    of: Named,
    timestamp: Option<Timestamp>,
    #[serde(alias = "windowSeconds")]
    window: Option<i64>,
    value: Amount,
}

/// An `ExternalMetricValue` of external.metrics.k8s.io.
#[derive(Deserialize)]
pub(super) struct Outside {
    value: Amount,
}

/// A quantity in thousandths.
#[derive(Clone, Copy)]
struct Amount(i64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let quantity = Quantity::deserialize(deserializer)?;
        let amount = thousandths(&quantity).map(Amount);
        amount.ok_or_else(|| de::Error::custom(format!("{:?} is no quantity", quantity.0)))
    }
}

pub(super) fn uses(list: List<Use>) -> Result<Arc<HashMap<Box<str>, PodUse>>, Refusal> {
    let each = list.items.into_iter().map(|item| {
        let containers = item.containers.into_iter().map(|c| ContainerUse {
            cpu: c.usage.get("cpu").map(|a| a.0),
            memory: c.usage.get("memory").map(|a| a.0),
            name: c.name,
        });
        let of = PodUse {
            at: item.timestamp,
            window: item.window.and_then(|w| w.parse().ok()).unwrap_or(WINDOW),
            containers: containers.collect(),
        };
        (item.metadata.name, of)
    });
    some(each.collect())
}

pub(super) fn values(list: List<Value>) -> Result<Arc<HashMap<Box<str>, PodValue>>, Refusal> {
    let each = list.items.into_iter().map(|item| {
        let of = PodValue {
            value: item.value.0,
            at: item.timestamp,
            window: item.window.map_or(WINDOW, SignedDuration::from_secs),
        };
        (item.of.name, of)
    });
    some(each.collect())
}

/// The value of the one object that was asked for.
pub(super) fn one(list: List<Value>) -> Result<f64, Refusal> {
    match &list.items[..] {
        [] => Err(nothing()),
        [one] => Ok(one.value.0 as f64 / 1000.0),
        more => {
            let what = format!(
                "it has {} values for one object; narrow it down with metric.selector",
                more.len()
            );
            Err(Refusal::Answered(Cause::Ambiguous, what))
        }
    }
}

/// All values together, as HPA has it.
pub(super) fn sum(list: List<Outside>) -> Result<f64, Refusal> {
    let values = list.items.iter().map(|item| i128::from(item.value.0));
    if list.items.is_empty() {
        return Err(nothing());
    }
    Ok(values.sum::<i128>() as f64 / 1000.0)
}

fn some<T>(map: HashMap<Box<str>, T>) -> Result<Arc<HashMap<Box<str>, T>>, Refusal> {
    if map.is_empty() {
        Err(nothing())
    } else {
        Ok(Arc::new(map))
    }
}

fn nothing() -> Refusal {
    Refusal::Answered(Cause::Empty, "it has no values".to_owned())
}

/// What an error means and what to do about it; `of_a_metric`: the request was for a metric of an API that exists.
pub(super) fn refusal(error: kube::Error, group: Group, of_a_metric: bool) -> Refusal {
    let provider = group.provider();
    let status = match error {
        kube::Error::Api(status) => status,
        kube::Error::Service(error) if error.is::<Elapsed>() => {
            return Refusal::NoAnswer(Cause::Timeout, "no answer in time".to_owned());
        }
        kube::Error::Service(error) => {
            return Refusal::NoAnswer(
                Cause::Unreachable,
                format!("the API server cannot be reached ({error})"),
            );
        }
        kube::Error::FromUtf8(_) => {
            return Refusal::Answered(Cause::BadAnswer, "the answer is no text; see who serves it".to_owned());
        }
        error => return Refusal::NoAnswer(Cause::Unreachable, format!("the connection broke ({error})")),
    };
    let (code, said) = (status.code, &status.message);
    let (cause, what) = match code {
        401 | 403 => {
            let remedy = "give the operator's account the rights of the chart's role (docs/install.md)";
            (Cause::Forbidden, format!("{said}; {remedy}"))
        }
        404 if of_a_metric => (Cause::Empty, format!("{said}; check the metric's name and selector")),
        404 => (
            Cause::NotInstalled,
            format!("the cluster does not serve it; install {provider}"),
        ),
        503 => {
            let remedy = format!("see `kubectl get apiservices`; mend or install {provider}");
            (
                Cause::Unreachable,
                format!("nobody serves it at the moment ({said}); {remedy}"),
            )
        }
        504 => (Cause::Timeout, format!("the API server waited in vain ({said})")),
        _ => (Cause::BadAnswer, format!("HTTP status {code}: {said}")),
    };
    Refusal::Answered(cause, what)
}
