//! What the target's pods use of what they may, pod by pod: the [`Look`] that `engine::bottleneck` judges.
//!
//! cpu and memory come by the same list of metrics.k8s.io that resource metrics use, so where the policy has one it costs
//! no request; disk, network and load are one query each. None of it takes a place from what decisions wait for. Nothing here need be younger than [`FRESH`], so a short
//! interval costs no more. Who counts for what is the engine's to say; nothing here decides anything.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::apis::PodUse;
use super::metrics::{Sight, belonging};
use super::pods::Member;
use super::prometheus::PodValues;
use crate::api::{BottleneckSpec, PodQuery, ResourceName};
use crate::engine::bottleneck::{self, Look, Pod, Resource, Seen, Told};
use crate::engine::observation::{Cause, Failure};
use crate::engine::reading::Phase;

/// An answer this young will do: metrics-server asks the nodes as often, and Prometheus rarely more often.
const FRESH: Duration = Duration::from_secs(15);
/// A query's value is taken for one of this length of time until now: the longest range that is usual in a rate.
const RANGE: SignedDuration = SignedDuration::from_mins(2);

/// What is seen of the target's pods. Of one without pods nothing is asked. Counts are left to the caller.
pub async fn look(sight: &Sight<'_>, spec: &BottleneckSpec) -> Look {
    let members = match belonging(sight) {
        Ok(belonging) => belonging.pods,
        Err(failure) => return unseen(spec, &failure),
    };
    if members.iter().all(|m| m.phase == Phase::Leaving) {
        return unseen(spec, &Failure::new(Cause::NoPods, "the target has no pods"));
    }
    let asked = |query: Option<&PodQuery>| {
        let query = query.cloned();
        async { Some(each(sight, &members, &query?).await) }
    };
    let (uses, disk, network, load) = futures::future::join4(
        sight.apis.uses_in_view(&sight.key.namespace, FRESH),
        asked(spec.disk.as_ref().map(|d| &d.prometheus)),
        asked(spec.network.as_ref().map(|n| &n.prometheus)),
        asked(spec.load.as_ref().map(|l| &l.prometheus)),
    )
    .await;
    let (cpu, memory) = match &uses {
        Ok(uses) => (
            resource(sight, &members, uses, ResourceName::Cpu),
            resource(sight, &members, uses, ResourceName::Memory),
        ),
        Err(failure) => (Err(failure.clone()), Err(failure.clone())),
    };
    Look {
        pods: members.iter().map(|m| pod(m)).collect(),
        uses: [Some(cpu), Some(memory), disk, network],
        load: load.map(apart),
        ..Look::default()
    }
}

/// Nothing is known of any of it.
fn unseen(spec: &BottleneckSpec, failure: &Failure) -> Look {
    let watched = |resource| match resource {
        Resource::Cpu | Resource::Memory => true,
        Resource::Disk => spec.disk.is_some(),
        Resource::Network => spec.network.is_some(),
    };
    Look {
        uses: Resource::ALL.map(|resource| watched(resource).then(|| Err(failure.clone()))),
        load: spec.load.as_ref().map(|_| Err(failure.clone())),
        ..Look::default()
    }
}

fn pod(member: &Member) -> Pod {
    Pod {
        name: Arc::from(&*member.name),
        phase: member.phase,
        started: member.started,
        ready: member.ready,
    }
}

/// cpu or memory of each pod.
fn resource(sight: &Sight<'_>, members: &[Arc<Member>], uses: &HashMap<Box<str>, PodUse>, name: ResourceName) -> Seen {
    let sample = |member: &Arc<Member>| {
        let Some(used) = uses.get(&member.name) else {
            return Ok(None);
        };
        let percent = member.percent(name, used).map_err(|why| {
            let what = format!("pod {}: {why}", member.name);
            Failure::new(Cause::NoRequest, what)
        })?;
        let at = used.at.unwrap_or(sight.now);
        let whole = percent
            .zip(used.of(name, None))
            .map(|(percent, amount)| bottleneck::PodUse {
                used: amount as f64,
                percent,
                from: at.saturating_sub(used.window).unwrap_or(at),
                at,
            });
        Ok(whole)
    };
    let all: Result<Vec<_>, Failure> = members.iter().map(sample).collect();
    all.map(Told::Each)
}

/// The query's value of each pod.
async fn each(sight: &Sight<'_>, members: &[Arc<Member>], query: &PodQuery) -> Seen {
    let told = sight.servers.each_pod(&query.server, &query.query, FRESH).await?;
    let values = match &*told {
        PodValues::Whole(percent) => return Ok(Told::Whole(*percent)),
        PodValues::Each(values) => values,
    };
    if !members.iter().any(|m| values.contains_key(&m.name)) {
        let what = "no series is of a pod of the target; see whether the label `pod` is the pod's name";
        return Err(Failure::new(Cause::Empty, what));
    }
    let sample = |member: &Arc<Member>| {
        values.get(&member.name).map(|value| bottleneck::PodUse {
            used: *value,
            percent: *value,
            from: sight.now.saturating_sub(RANGE).unwrap_or(sight.now),
            at: sight.now,
        })
    };
    Ok(Told::Each(members.iter().map(sample).collect()))
}

/// A load that is not told pod by pod says nothing of how it spreads.
fn apart(seen: Seen) -> Seen {
    match seen? {
        Told::Whole(_) => {
            let what = "the query returned one value for all pods; aggregate it with `by (pod)`";
            Err(Failure::new(Cause::Ambiguous, what))
        }
        each => Ok(each),
    }
}
