//! One scenario in each side's own words: the Deployment, the HorizontalPodAutoscaler and the ScalingPolicy.
//!
//! Pure. Must never say more to one side than to the other.

use serde_json::{Map, Value, json};

use crate::SYNC;
use crate::scenario::Scenario;

/// A Deployment with the scenario's shape.
pub fn deployment(scenario: &Scenario, name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": scenario.replicas,
            "selector": {"matchLabels": {"app": name}},
            // All the new pods at once, beside the old ones.
            "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": {"app": name},
                    "annotations": scenario.ready_after.as_ref().map(|after| json!({"headroom-cluster/ready-after": after})),
                },
                "spec": {
                    "containers": [{
                        "name": "app", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": scenario.requests},
                    }],
                },
            },
        },
    })
}

/// The HorizontalPodAutoscaler that scales the Deployment of its name.
pub fn autoscaler(scenario: &Scenario, name: &str) -> Value {
    let metrics = scenario.metrics.iter().map(|(resource, target)| {
        let mut typed = target.clone();
        let kind = if target.get("averageUtilization").is_some() {
            "Utilization"
        } else {
            "AverageValue"
        };
        typed["type"] = kind.into();
        json!({"type": "Resource", "resource": {"name": resource, "target": typed}})
    });
    let spec = json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": scenario.min,
        "maxReplicas": scenario.max,
        "metrics": metrics.collect::<Vec<_>>(),
    });
    object("autoscaling/v2", "HorizontalPodAutoscaler", name, spec, scenario)
}

/// The ScalingPolicy that scales the Deployment of its name.
pub fn policy(scenario: &Scenario, name: &str) -> Value {
    let metrics = scenario
        .metrics
        .iter()
        .map(|(resource, target)| json!({"name": resource, "resource": {"name": resource}, "target": target}));
    let spec = json!({
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "interval": format!("{}s", SYNC.as_secs()),
        "minReplicas": scenario.min,
        "maxReplicas": scenario.max,
        "metrics": metrics.collect::<Vec<_>>(),
    });
    object("headroom.dev/v1alpha1", "ScalingPolicy", name, spec, scenario)
}

fn object(version: &str, kind: &str, name: &str, spec: Value, scenario: &Scenario) -> Value {
    let mut fields = Map::new();
    if let Value::Object(spec) = spec {
        fields = spec;
    }
    if !scenario.behavior.is_null() {
        fields.insert("behavior".into(), scenario.behavior.clone());
    }
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": fields})
}
