//! The nodes: fake ones as objects that kwok plays, and whether all there are take pods.
//!
//! Must never run anything: [`crate::control_plane`] starts kwok, [`crate::node`] the real node.

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, PostParams};

use crate::error::Error;

/// Creates the fake nodes `fake-0` and so on.
pub(crate) async fn create(nodes: &Api<Node>, count: u32) -> Result<(), Error> {
    for index in 0..count {
        let name = format!("fake-{index}");
        nodes
            .create(&PostParams::default(), &fake_node(&name))
            .await
            .map_err(Error::kubernetes(format!("create node {name}")))?;
    }
    Ok(())
}

/// Whether so many nodes are ready, and free of the taint that keeps pods off a new one.
pub(crate) async fn take_pods(nodes: &Api<Node>, count: u32) -> bool {
    let Ok(list) = nodes.list(&Default::default()).await else {
        return false;
    };
    let ready = list.items.iter().filter(|node| {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
        let ready = conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"));
        let tainted = node
            .spec
            .as_ref()
            .and_then(|spec| spec.taints.as_ref())
            .is_some_and(|taints| !taints.is_empty());
        ready && !tainted
    });
    u32::try_from(ready.count()).is_ok_and(|ready| ready >= count)
}

fn fake_node(name: &str) -> Node {
    let room = serde_json::json!({"cpu": "1k", "memory": "1Ti", "pods": "10k"});
    let node = serde_json::json!({
        "metadata": {
            "name": name,
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                "metrics.k8s.io/resource-metrics-path": format!("/metrics/nodes/{name}/metrics/resource"),
            },
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"},
        },
        "status": {"capacity": room, "allocatable": room},
    });
    serde_json::from_value(node).unwrap_or_default()
}
