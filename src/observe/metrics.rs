//! One metric's sample, wherever it comes from: the one dispatch over sources.
//!
//! For metrics of pods it puts together what the shared index knows of each pod and what the API says of it; which pod
//! counts for what is decided by the engine (`engine/propose/pods.rs`). It asks nobody itself.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::owners::Belonging;
use super::pods::Member;
use super::{Apis, Owners, Pods, Servers, Target, TargetKey};
use crate::api::{MetricSpec, ObjectSource, PodsSource, PrometheusSource, ResourceName, ResourceSource};
use crate::engine::observation::{Cause, Failure, Sample};
use crate::engine::reading::{PodMetric, PodMetrics, PodReading, PodSample, Reading};

/// What a sample is taken from, and for whom.
pub struct Sight<'a> {
    /// Prometheus.
    pub servers: &'a Servers,
    /// The metrics APIs of the cluster.
    pub apis: &'a Apis,
    /// The index of pods.
    pub pods: &'a Pods,
    /// The index of ReplicaSets.
    pub owners: &'a Owners,
    /// Whom the metric is about.
    pub target: &'a Target,
    /// Its key.
    pub key: &'a TargetKey,
    /// Time between two decisions: how fresh is fresh.
    pub interval: SignedDuration,
    /// For a sample that does not tell its time.
    pub now: Timestamp,
}

/// The metric's sample.
pub async fn sample(sight: &Sight<'_>, spec: &MetricSpec) -> Sample {
    let (namespace, interval) = (&*sight.key.namespace, sight.interval);
    if let Some(source) = &spec.prometheus {
        query(sight, source).await
    } else if let Some(source) = &spec.resource {
        resource(sight, source).await
    } else if let Some(source) = &spec.pods {
        pods(sight, source).await
    } else if let Some(ObjectSource {
        described_object,
        metric,
    }) = &spec.object
    {
        let value = sight.apis.object(namespace, described_object, metric, interval).await?;
        Ok(Reading::Number(value))
    } else if let Some(source) = &spec.external {
        let value = sight.apis.external(namespace, &source.metric, interval).await?;
        Ok(Reading::Number(value))
    } else {
        // validate.rs lets no metric without a source through.
        Err(Failure::new(Cause::Missing, "the metric has no source"))
    }
}

/// A query's sample: a metric's, or that of the objective's signal.
pub async fn query(sight: &Sight<'_>, source: &PrometheusSource) -> Sample {
    let value = sight.servers.value(&source.server, &source.query, sight.interval);
    value.await.map(Reading::Number)
}

async fn resource(sight: &Sight<'_>, source: &ResourceSource) -> Sample {
    let belonging = belonging(sight)?;
    let uses = sight.apis.uses(&sight.key.namespace, sight.interval).await?;
    let container = source.container.as_deref();
    let mut unrequested = None;
    let read = |member: &Member| {
        let request = member.requests.get(source.name, container);
        if let Err(why) = &request
            && unrequested.is_none()
        {
            unrequested = Some(format!("pod {}: {why}", member.name).into());
        }
        let sample = uses.get(&member.name).and_then(|used| {
            Some(PodSample {
                value: used.of(source.name, container)?,
                at: used.at.unwrap_or(sight.now),
                window: used.window,
            })
        });
        reading(member, request.unwrap_or(0), sample)
    };
    let pods = belonging.pods.iter().map(|member| member.as_ref()).map(read).collect();
    let kind = match source.name {
        ResourceName::Cpu => PodMetric::Cpu,
        ResourceName::Memory => PodMetric::Memory,
    };
    Ok(Reading::Pods(
        PodMetrics {
            kind,
            pods,
            unrequested,
            by_selector: belonging.by_selector,
        }
        .into(),
    ))
}

async fn pods(sight: &Sight<'_>, source: &PodsSource) -> Sample {
    let belonging = belonging(sight)?;
    let Some(selector) = &sight.target.selector else {
        return Err(unselected());
    };
    let values = sight
        .apis
        .pods(&sight.key.namespace, selector, &source.metric, sight.interval);
    let values = values.await?;
    let read = |member: &Member| {
        let sample = values.get(&member.name).map(|value| PodSample {
            value: value.value,
            at: value.at.unwrap_or(sight.now),
            window: value.window,
        });
        reading(member, 0, sample)
    };
    Ok(Reading::Pods(
        PodMetrics {
            kind: PodMetric::Custom,
            pods: belonging.pods.iter().map(|member| read(member)).collect(),
            unrequested: None,
            by_selector: belonging.by_selector,
        }
        .into(),
    ))
}

/// The target's pods.
pub(super) fn belonging(sight: &Sight<'_>) -> Result<Belonging, Failure> {
    let selector = sight.target.selector.as_ref().ok_or_else(unselected)?;
    let selected = sight.pods.members(&sight.key.namespace, selector);
    Ok(sight.owners.belonging(&selected, sight.key, &sight.target.uid))
}

fn unselected() -> Failure {
    let what = "the target's scale subresource tells no selector, so its pods are not known; use another source";
    Failure::new(Cause::NoPods, what)
}

fn reading(member: &Member, request: i64, sample: Option<PodSample>) -> PodReading {
    PodReading {
        phase: member.phase,
        started: member.started,
        ready: member.ready,
        request,
        sample,
    }
}
