//! What metrics of pods need to know of one pod, in a few words: where it is in its life, whose it is, what it requests.
//!
//! Requests are those of the pod's template, so pods share them (`pods.rs` sees to that): a word a pod, whatever the
//! number of its containers.

use std::collections::BTreeMap;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::limits::Limits;
use crate::api::ResourceName;
use crate::engine::reading::{Phase, Ready};
use crate::observe::owners::Owner;
use crate::observe::quantity::thousandths;

/// One pod.
#[derive(Debug, PartialEq)]
pub struct Member {
    /// Its name, by which metrics know it.
    pub name: Box<str>,
    /// Its controller.
    pub owner: Option<Owner>,
    /// Where it is in its life.
    pub phase: Phase,
    /// When a node took it.
    pub started: Option<Timestamp>,
    /// Its Ready condition.
    pub ready: Option<Ready>,
    /// What it requests.
    pub requests: Arc<Requests>,
}

/// What a pod requests of cpu and memory, and may use of it.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Requests {
    /// For the pod as a whole, where its spec says so; that goes before its containers'.
    whole: Option<Amounts>,
    /// Containers and sidecars by name.
    containers: Box<[(Box<str>, Amounts)]>,
    /// What it may use at most.
    pub(super) limits: Limits,
}

/// In thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Amounts {
    cpu: Option<i64>,
    memory: Option<i64>,
}

impl Member {
    /// The pod, with its requests as they are shared.
    pub fn of(pod: &Pod, requests: Arc<Requests>) -> Member {
        let status = pod.status.as_ref();
        let conditions = status.and_then(|s| s.conditions.as_ref());
        let ready = conditions.and_then(|c| c.iter().find(|c| c.type_ == "Ready"));
        let phase = status.and_then(|s| s.phase.as_deref());
        Member {
            name: pod.metadata.name.as_deref().unwrap_or_default().into(),
            owner: Owner::of(&pod.metadata),
            phase: match phase {
                _ if pod.metadata.deletion_timestamp.is_some() => Phase::Leaving,
                Some("Failed") => Phase::Leaving,
                Some("Pending") => Phase::Pending,
                _ => Phase::Running,
            },
            started: status.and_then(|s| s.start_time.as_ref()).map(|t| t.0),
            ready: ready.map(|c| Ready {
                holds: c.status != "False",
                since: c.last_transition_time.as_ref().map_or(Timestamp::MIN, |t| t.0),
            }),
            requests,
        }
    }
}

impl Requests {
    /// What the pod's spec requests.
    pub fn of(pod: &Pod) -> Requests {
        let Some(spec) = &pod.spec else {
            return Requests::default();
        };
        let containers: Box<[_]> = regular(spec)
            .map(|c| {
                let requests = c.resources.as_ref().and_then(|r| r.requests.as_ref());
                (c.name.as_str().into(), Amounts::of(requests))
            })
            .collect();
        let whole = Amounts::of(spec.resources.as_ref().and_then(|r| r.requests.as_ref()));
        let whole = (whole != Amounts::default()).then(|| {
            // Of the resource that is not given for the pod as a whole, what its containers add up to. Kubernetes adds
            // what its runtime costs.
            let overhead = Amounts::of(spec.overhead.as_ref());
            let of = |resource| {
                let each = containers.iter().filter_map(|(_, amounts)| amounts.get(resource));
                let sum = each.reduce(i64::saturating_add);
                let amount = whole.get(resource).or(sum)?;
                Some(amount.saturating_add(overhead.get(resource).unwrap_or(0)))
            };
            Amounts {
                cpu: of(ResourceName::Cpu),
                memory: of(ResourceName::Memory),
            }
        });
        Requests {
            whole,
            containers,
            limits: Limits::of(pod),
        }
    }

    /// What the container, or the pod, requests of this resource.
    ///
    /// # Errors
    /// What there is no request for, in words.
    pub fn get(&self, resource: ResourceName, container: Option<&str>) -> Result<i64, String> {
        let name = match resource {
            ResourceName::Cpu => "cpu",
            ResourceName::Memory => "memory",
        };
        let remedy = format!("give it resources.requests.{name}, or the metric an averageValue target");
        if container.is_none()
            && let Some(whole) = &self.whole
        {
            return whole
                .get(resource)
                .ok_or_else(|| format!("the pod has no request for {name}; {remedy}"));
        }
        let mut sum = 0_i64;
        let mut found = false;
        for (of, amounts) in self
            .containers
            .iter()
            .filter(|(of, _)| container.is_none_or(|c| c == &**of))
        {
            let amount = amounts.get(resource);
            sum = sum
                .saturating_add(amount.ok_or_else(|| format!("container {of:?} has no request for {name}; {remedy}"))?);
            found = true;
        }
        match (found, container) {
            (false, Some(container)) => Err(format!("there is no container {container:?}")),
            _ => Ok(sum),
        }
    }
}

/// The containers that run as long as the pod does: its own and its sidecars.
pub(super) fn regular(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    let sidecar = |c: &&Container| c.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(sidecar);
    spec.containers.iter().chain(sidecars)
}

impl Amounts {
    pub(super) fn of(requests: Option<&BTreeMap<String, Quantity>>) -> Amounts {
        let amount = |name| requests.and_then(|r| r.get(name)).and_then(thousandths);
        Amounts {
            cpu: amount("cpu"),
            memory: amount("memory"),
        }
    }

    pub(super) fn get(&self, resource: ResourceName) -> Option<i64> {
        match resource {
            ResourceName::Cpu => self.cpu,
            ResourceName::Memory => self.memory,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What a pod of this spec requests of cpu, of a container or as a whole; `Err` with a part of the words.
    #[track_caller]
    fn check(spec: Value, container: Option<&str>, expected: Result<i64, &str>) {
        let pod = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
        match (Requests::of(&pod).get(ResourceName::Cpu, container), expected) {
            (Err(said), Err(part)) => assert!(said.contains(part), "{said}"),
            (got, expected) => assert_eq!(got, expected.map_err(str::to_owned)),
        }
    }

    fn container(name: &str, cpu: Option<&str>) -> Value {
        match cpu {
            Some(cpu) => json!({"name": name, "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}),
            None => json!({"name": name}),
        }
    }

    #[test]
    fn containers_add_up_and_each_needs_a_request() {
        let (app, proxy) = (container("app", Some("250m")), container("proxy", Some("0.1")));
        check(json!({"containers": [app, proxy]}), None, Ok(350));
        check(json!({"containers": [app, proxy]}), Some("proxy"), Ok(100));
        check(
            json!({"containers": [app, proxy]}),
            Some("db"),
            Err("no container \"db\""),
        );
        let bare = container("log", None);
        check(
            json!({"containers": [app, bare]}),
            None,
            Err("container \"log\" has no request for cpu"),
        );
        check(json!({"containers": [app, bare]}), Some("app"), Ok(250));
        // Sidecars count, what runs once before does not.
        let mut sidecar = container("mesh", Some("50m"));
        sidecar["restartPolicy"] = json!("Always");
        let once = container("migrate", Some("4"));
        check(
            json!({"containers": [app], "initContainers": [sidecar, once]}),
            None,
            Ok(300),
        );
    }

    #[test]
    fn a_request_of_the_whole_pod_goes_first() {
        let containers = json!([container("app", Some("250m")), container("log", None)]);
        let whole = json!({"requests": {"cpu": "1"}});
        check(json!({"containers": containers, "resources": whole}), None, Ok(1000));
        check(
            json!({"containers": containers, "resources": whole}),
            Some("app"),
            Ok(250),
        );
        let overhead = json!({"cpu": "10m"});
        check(
            json!({"containers": containers, "resources": whole, "overhead": overhead}),
            None,
            Ok(1010),
        );
        let memory = json!({"requests": {"memory": "2Gi"}});
        check(json!({"containers": containers, "resources": memory}), None, Ok(250));
        check(
            json!({"containers": [container("log", None)], "resources": memory}),
            None,
            Err("the pod has no request"),
        );
    }

    #[test]
    fn a_pod_s_life_is_told_by_its_status() {
        let phase = |status: Value, metadata: Value| {
            let pod = serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap();
            Member::of(&pod, Arc::default()).phase
        };
        assert_eq!(phase(json!({"phase": "Running"}), json!({})), Phase::Running);
        assert_eq!(phase(json!({"phase": "Succeeded"}), json!({})), Phase::Running);
        assert_eq!(phase(json!({"phase": "Pending"}), json!({})), Phase::Pending);
        assert_eq!(phase(json!({"phase": "Failed"}), json!({})), Phase::Leaving);
        let deleted = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(phase(json!({"phase": "Pending"}), deleted), Phase::Leaving);
    }
}
