//! The command lines of the control plane's servers: every flag, with the reason where it is not plain.
//!
//! Pure. Must never open anything to other machines: each server that listens does so on 127.0.0.1, and the API server of a
//! real node on this machine's end of its cable.

use std::path::Path;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::metrics_server;
use crate::node::Network;

/// kwok's way to say which nodes it plays; a real node can stand beside them.
const FAKE_NODES: &str = "kwok.x-k8s.io/node=fake";

pub(crate) fn etcd(dir: &Path, port: u16) -> Vec<String> {
    vec![
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{port}"),
        format!("--advertise-client-urls=http://127.0.0.1:{port}"),
        // It has no peers: any port will do, nobody asks for it.
        "--listen-peer-urls=http://127.0.0.1:0".into(),
        // The data lives as long as the process; waiting for the disk would be most of a write's time.
        "--unsafe-no-fsync".into(),
    ]
}

/// The API server's first Service address: its own, as pods know it.
pub(crate) const API_SERVICE: &str = "10.96.0.1";

/// `node` is the network of a real node, which reaches the API server by its own cable instead of loopback.
pub(crate) fn kube_apiserver(
    dir: &Path,
    port: u16,
    etcd_port: u16,
    credentials: &Credentials,
    node: Option<Network>,
) -> Vec<String> {
    let host = node.map_or("127.0.0.1".into(), Network::host);
    let mut flags = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--bind-address={host}"),
        // Without it, a machine that has only loopback is refused.
        format!("--advertise-address={host}"),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", dir.display()),
        format!("--tls-cert-file={}", credentials.serving_certificate.display()),
        format!("--tls-private-key-file={}", credentials.serving_key.display()),
        format!("--token-auth-file={}", credentials.tokens.display()),
        "--authorization-mode=RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!(
            "--service-account-key-file={}",
            credentials.service_account_public_key.display()
        ),
        format!(
            "--service-account-signing-key-file={}",
            credentials.service_account_key.display()
        ),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
    ];
    if node.is_none() {
        flags.extend([
            // Pods here use no service account, and its admission would refuse those of a namespace that is a moment old.
            "--disable-admission-plugins=ServiceAccount".into(),
            // It would publish the loopback address as an endpoint, which validation refuses again and again.
            "--endpoint-reconciler-type=none".into(),
        ]);
    } else {
        flags.extend([
            format!("--kubelet-certificate-authority={}", credentials.authority.display()),
            format!(
                "--kubelet-client-certificate={}",
                credentials.kubelet_client_certificate.display()
            ),
            format!("--kubelet-client-key={}", credentials.kubelet_client_key.display()),
            "--kubelet-preferred-address-types=InternalIP".into(),
            // Service addresses are known to the node's machine only, pods' addresses to this one too.
            "--enable-aggregator-routing=true".into(),
        ]);
    }
    flags
}

/// What the API server needs to pass requests on to another server, in the name of those who made them.
pub(crate) fn front_proxy(credentials: &Credentials) -> Vec<String> {
    vec![
        format!(
            "--proxy-client-cert-file={}",
            credentials.front_proxy_certificate.display()
        ),
        format!("--proxy-client-key-file={}", credentials.front_proxy_key.display()),
        // The other server learns these from the API server: whose word it takes, and in which headers it comes.
        format!("--requestheader-client-ca-file={}", credentials.authority.display()),
        format!("--requestheader-allowed-names={}", Credentials::FRONT_PROXY),
        "--requestheader-username-headers=X-Remote-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
    ]
}

/// What the API server needs to write an audit log; by default it writes each entry before it answers.
pub(crate) fn audit(policy: &Path, log: &Path) -> Vec<String> {
    vec![
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
    ]
}

pub(crate) fn kube_controller_manager(
    credentials: &Credentials,
    horizontal_pod_autoscaler: bool,
    horizontal_pod_autoscaler_sync: Duration,
) -> Vec<String> {
    let controllers = if horizontal_pod_autoscaler {
        "*"
    } else {
        "*,-horizontal-pod-autoscaler-controller"
    };
    let mut flags = client(credentials);
    flags.push(format!("--controllers={controllers}"));
    let sync = horizontal_pod_autoscaler_sync.as_millis();
    flags.push(format!("--horizontal-pod-autoscaler-sync-period={sync}ms"));
    // Put into each namespace, for pods that ask the API server.
    flags.push(format!("--root-ca-file={}", credentials.authority.display()));
    flags
}

pub(crate) fn kube_scheduler(credentials: &Credentials) -> Vec<String> {
    client(credentials)
}

/// kwok serves the usage of pods on `usage`, the kubelets' port; without one it serves nothing.
pub(crate) fn kwok(credentials: &Credentials, stages: &Path, usage: Option<u16>) -> Vec<String> {
    let mut flags = vec![
        format!("--kubeconfig={}", credentials.kubeconfig.display()),
        format!("--config={}", stages.display()),
        format!("--manage-nodes-with-annotation-selector={FAKE_NODES}"),
        "--node-ip=127.0.0.1".into(),
        // Renewed at a quarter of it; the controller manager waits 50 s for a heartbeat.
        "--node-lease-duration-seconds=40".into(),
    ];
    match usage {
        Some(port) => flags.extend([
            format!("--server-address=127.0.0.1:{port}"),
            format!("--tls-cert-file={}", credentials.serving_certificate.display()),
            format!("--tls-private-key-file={}", credentials.serving_key.display()),
        ]),
        // No kubelet interface: nobody reads logs of pods that have none.
        None => flags.push("--server-address=".into()),
    }
    flags
}

pub(crate) fn metrics_server(credentials: &Credentials, port: u16, kubelets: u16) -> Vec<String> {
    let kubeconfig = credentials.kubeconfig.display();
    vec![
        "--bind-address=127.0.0.1".into(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", credentials.serving_certificate.display()),
        format!("--tls-private-key-file={}", credentials.serving_key.display()),
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--metric-resolution={}s", metrics_server::RESOLUTION.as_secs()),
        // Must be less than the resolution.
        "--kubelet-request-timeout=5s".into(),
        // All nodes are played by one kwok, and their names resolve to nothing.
        "--kubelet-preferred-address-types=InternalIP".into(),
        format!("--kubelet-port={kubelets}"),
        format!("--kubelet-certificate-authority={}", credentials.authority.display()),
    ]
}

/// What the controller manager and the scheduler have in common.
fn client(credentials: &Credentials) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", credentials.kubeconfig.display()),
        "--leader-elect=false".into(),
        // Serves nothing: one port and one certificate less.
        "--secure-port=0".into(),
        // The limits of a shared cluster (20 a second) would be what a demo of 100 pods measures.
        "--kube-api-qps=500".into(),
        "--kube-api-burst=1000".into(),
    ]
}
