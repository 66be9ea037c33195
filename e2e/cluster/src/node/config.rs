//! The configuration files of a real node's programs: every setting, with the reason where it is not plain.
//!
//! Pure. Paths are of the machine outside, which the node's machine sees as well; `/run` and `/var/log` are its own.

use std::path::Path;

use serde_json::{Value, json};

use super::machine::Network;
use crate::credentials::Credentials;

/// containerd's socket, in the machine.
pub(crate) const SOCKET: &str = "/run/containerd/containerd.sock";
/// The image of the containers that hold pods' namespaces; nobody pulls it, it is made here.
pub(crate) const PAUSE: &str = "headroom.local/pause:1";

pub(crate) fn containerd(dir: &Path, plugins: &Path) -> String {
    let (root, plugins) = (dir.join("containerd"), plugins.display());
    let cni = dir.join("cni");
    format!(
        r#"version = 3
root = {root:?}
state = "/run/containerd"
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE}"
[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE, as in many a container, a lower score than one's own is refused, and every pod with it.
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{plugins}"]
conf_dir = {cni:?}
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
"#
    )
}

/// A bridge for the pods. Nothing is hidden behind the node's address: this machine knows the way to the pods.
pub(crate) fn cni(dir: &Path, network: Network) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": true,
            // A pod may ask for its own Service.
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": dir.join("addresses"),
                "ranges": [[{"subnet": network.pods()}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}

pub(crate) fn kubelet(dir: &Path, network: Network, port: u16, credentials: &Credentials) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.node(),
        "port": port,
        "tlsCertFile": credentials.serving_certificate,
        "tlsPrivateKeyFile": credentials.serving_key,
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": credentials.authority},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "volumePluginDir": dir.join("volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": network.cgroup(),
        // Machines with cgroup v1 are still about.
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        // The disk is shared with the person who works here: how full it is says nothing about the node.
        "evictionHard": {"memory.available": "50Mi"},
        "imageGCHighThresholdPercent": 100,
        // Pods ask no DNS: there is none, and an empty file keeps the machine's out.
        "resolvConf": "",
        // Made for nodes of a hundred; one node is all there is.
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
    })
}

pub(crate) fn kube_proxy(network: Network, name: &str, credentials: &Credentials) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": credentials.kubeconfig},
        "clusterCIDR": network.pods(),
        "hostnameOverride": name,
        "oomScoreAdj": 0,
        // The size of the kernel's table of connections is the whole machine's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        // A Service's addresses follow its pods at once rather than once a second.
        "iptables": {"minSyncPeriod": "100ms", "localhostNodePorts": false},
    })
}
