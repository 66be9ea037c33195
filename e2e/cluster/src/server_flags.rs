//! The command lines of the control plane's servers: every flag, with the reason where it is not plain.
//!
//! Pure. Must never open anything to other machines: each server that listens does so on 127.0.0.1.

use std::path::Path;

use crate::credentials::Credentials;

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

pub(crate) fn kube_apiserver(dir: &Path, port: u16, etcd_port: u16, credentials: &Credentials) -> Vec<String> {
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        "--bind-address=127.0.0.1".into(),
        // Without it, a machine that has only loopback is refused.
        "--advertise-address=127.0.0.1".into(),
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
        // Pods here use no service account, and its admission would refuse those of a namespace that is a moment old.
        "--disable-admission-plugins=ServiceAccount".into(),
        // It would publish the loopback address as an endpoint, which validation refuses again and again.
        "--endpoint-reconciler-type=none".into(),
    ]
}

pub(crate) fn kube_controller_manager(credentials: &Credentials, horizontal_pod_autoscaler: bool) -> Vec<String> {
    let controllers = if horizontal_pod_autoscaler {
        "*"
    } else {
        "*,-horizontal-pod-autoscaler-controller"
    };
    let mut flags = client(credentials);
    flags.push(format!("--controllers={controllers}"));
    flags
}

pub(crate) fn kube_scheduler(credentials: &Credentials) -> Vec<String> {
    client(credentials)
}

pub(crate) fn kwok(credentials: &Credentials, stages: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", credentials.kubeconfig.display()),
        format!("--config={}", stages.display()),
        format!("--manage-nodes-with-annotation-selector={FAKE_NODES}"),
        "--node-ip=127.0.0.1".into(),
        // Renewed at a quarter of it; the controller manager waits 50 s for a heartbeat.
        "--node-lease-duration-seconds=40".into(),
        // No kubelet interface: nobody reads logs of pods that have none.
        "--server-address=".into(),
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
