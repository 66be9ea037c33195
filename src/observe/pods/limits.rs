//! How much of a resource a pod uses of what it may: in percent of its limit, where it has none of its request.
//!
//! A limit is a container's, and the container that comes to it is throttled or killed, whatever the others leave unused:
//! so a pod is as near its limit as its nearest container. Only where nothing has a limit the pod's use counts together,
//! against what it requests.

use k8s_openapi::api::core::v1::Pod;

use super::member::{Amounts, Member, regular};
use crate::api::ResourceName;
use crate::observe::apis::PodUse;

/// What a pod may use at most.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// For the pod as a whole, where its spec says so.
    whole: Amounts,
    /// Containers and sidecars with a limit, by name.
    containers: Box<[(Box<str>, Amounts)]>,
}

impl Limits {
    /// What the pod's spec says.
    pub(super) fn of(pod: &Pod) -> Limits {
        let Some(spec) = &pod.spec else {
            return Limits::default();
        };
        let each = regular(spec).filter_map(|c| {
            let amounts = Amounts::of(c.resources.as_ref()?.limits.as_ref());
            (amounts != Amounts::default()).then(|| (c.name.as_str().into(), amounts))
        });
        Limits {
            whole: Amounts::of(spec.resources.as_ref().and_then(|r| r.limits.as_ref())),
            containers: each.collect(),
        }
    }
}

impl Member {
    /// What the pod uses of the resource, in percent of its limit; `Ok(None)` where its containers have no value.
    ///
    /// # Errors
    /// What there is neither limit nor request for, in words.
    pub fn percent(&self, resource: ResourceName, used: &PodUse) -> Result<Option<f64>, String> {
        let limits = &self.requests.limits;
        let percent = |used: i64, of: i64| (of > 0).then(|| used as f64 / of as f64 * 100.0);
        let containers = limits.containers.iter().filter_map(|(name, amounts)| {
            let limit = amounts.get(resource)?;
            percent(used.of(resource, Some(name))?, limit)
        });
        let whole = limits.whole.get(resource);
        let whole = whole.and_then(|limit| percent(used.of(resource, None)?, limit));
        if let Some(nearest) = containers.chain(whole).reduce(f64::max) {
            return Ok(Some(nearest));
        }
        let limited = limits
            .containers
            .iter()
            .any(|(_, amounts)| amounts.get(resource).is_some());
        if limited || limits.whole.get(resource).is_some() {
            // There is a limit, and no value to hold against it.
            return Ok(None);
        }
        let request = self.requests.get(resource, None);
        let request = request.map_err(|why| format!("there is no limit, and {why}"))?;
        match used.of(resource, None) {
            None => Ok(None),
            Some(used) => percent(used, request)
                .map(Some)
                .ok_or_else(|| "there is no limit, and the request is 0; give it a limit".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::observe::apis::tests::using;
    use crate::observe::pods::Requests;

    /// Percent of cpu for a pod of this spec that uses so much; `Err` with a part of the words.
    #[track_caller]
    fn check(spec: Value, used: &[(&str, Option<i64>)], expected: Result<Option<f64>, &str>) {
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "web-0"}, "spec": spec})).unwrap();
        let member = Member::of(&pod, Arc::new(Requests::of(&pod)));
        match (member.percent(ResourceName::Cpu, &using(used)), expected) {
            (Err(said), Err(part)) => assert!(said.contains(part), "{said}"),
            (got, expected) => assert_eq!(got, expected.map_err(str::to_owned)),
        }
    }

    fn container(name: &str, request: Option<&str>, limit: Option<&str>) -> Value {
        let amount = |cpu: Option<&str>| cpu.map_or(json!({}), |cpu| json!({"cpu": cpu}));
        json!({"name": name, "resources": {"requests": amount(request), "limits": amount(limit)}})
    }

    #[test]
    fn a_pod_is_as_near_its_limit_as_its_nearest_container() {
        let app = container("app", Some("100m"), Some("200m"));
        let mut proxy = container("proxy", Some("10m"), Some("1"));
        let used = [("app", Some(190)), ("proxy", Some(10))];
        check(json!({"containers": [app, proxy]}), &used, Ok(Some(95.0)));
        // A sidecar's limit counts as well.
        proxy = container("proxy", None, Some("10m"));
        proxy["restartPolicy"] = json!("Always");
        let spec = json!({"containers": [app], "initContainers": [proxy]});
        check(spec.clone(), &used, Ok(Some(100.0)));
        // Without its value the other one is known still; without any nothing is.
        check(spec.clone(), &[("app", Some(190)), ("proxy", None)], Ok(Some(95.0)));
        check(spec, &[], Ok(None));
    }

    #[test]
    fn without_any_limit_the_request_of_the_pod_stands_for_it() {
        let spec =
            json!({"containers": [container("app", Some("100m"), None), container("proxy", Some("100m"), None)]});
        check(
            spec.clone(),
            &[("app", Some(250)), ("proxy", Some(50))],
            Ok(Some(150.0)),
        );
        check(spec, &[("app", Some(250)), ("proxy", None)], Ok(None));
        // One limit is enough: what has none may use what there is.
        let spec =
            json!({"containers": [container("app", Some("100m"), None), container("proxy", None, Some("100m"))]});
        check(spec, &[("app", Some(900)), ("proxy", Some(50))], Ok(Some(50.0)));
        let spec = json!({"containers": [container("app", None, None)]});
        check(
            spec,
            &[("app", Some(1))],
            Err("there is no limit, and container \"app\" has no request for cpu"),
        );
        let spec = json!({"containers": [container("app", Some("0"), None)]});
        check(spec, &[("app", Some(1))], Err("the request is 0"));
    }

    #[test]
    fn a_limit_of_the_whole_pod_counts_beside_those_of_its_containers() {
        let containers = json!([container("app", None, Some("500m")), container("log", None, None)]);
        let spec = json!({"containers": containers, "resources": {"limits": {"cpu": "400m"}}});
        let used = [("app", Some(300)), ("log", Some(60))];
        check(spec, &used, Ok(Some(90.0)));
    }
}
