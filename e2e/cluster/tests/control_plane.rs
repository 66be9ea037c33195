//! The control plane as its users see it: Deployments become ready, scale, start as slowly as told, and nothing is left
//! behind. Takes seconds once the binaries are built, minutes before.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use headroom_cluster::{Binaries, ControlPlane, Options, Process, Spec, console};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, PostParams};

/// Longest wait for what takes a second or two on idle cores.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_becomes_ready_and_scales() {
    let cluster = ControlPlane::shared().await.unwrap();
    let namespace = cluster.namespace("scale").await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(cluster.client().unwrap(), &namespace);
    deployments
        .create(&PostParams::default(), &deployment("web", 3, None))
        .await
        .unwrap();
    until("3 ready replicas", async || ready_replicas(&deployments).await == 3).await;

    let scaled = cluster
        .kubectl()
        .args(["scale", "deployment/web", "--replicas=5", "--namespace", &namespace])
        .output()
        .unwrap();
    assert!(scaled.status.success(), "{}", String::from_utf8_lossy(&scaled.stderr));
    until("5 ready replicas", async || ready_replicas(&deployments).await == 5).await;

    let pods: Api<Pod> = Api::namespaced(cluster.client().unwrap(), &namespace);
    for pod in pods.list(&ListParams::default()).await.unwrap() {
        assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some("fake-0"));
        assert!(pod.status.unwrap().pod_ip.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_never_share_a_name() {
    let cluster = ControlPlane::shared().await.unwrap();
    let (one, other) = tokio::try_join!(cluster.namespace("twin"), cluster.namespace("twin")).unwrap();
    assert_ne!(one, other);
    assert!(one.starts_with("twin-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_takes_its_own_time_to_become_ready() {
    let cluster = ControlPlane::shared().await.unwrap();
    let namespace = cluster.namespace("slow").await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(cluster.client().unwrap(), &namespace);
    deployments
        .create(&PostParams::default(), &deployment("slow", 1, Some("5s")))
        .await
        .unwrap();
    until("a ready replica", async || ready_replicas(&deployments).await == 1).await;

    let pods: Api<Pod> = Api::namespaced(cluster.client().unwrap(), &namespace);
    let pod = pods.list(&ListParams::default()).await.unwrap().items.remove(0);
    let created = pod.metadata.creation_timestamp.unwrap().0;
    let conditions = pod.status.unwrap().conditions.unwrap();
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
    let took = ready
        .last_transition_time
        .as_ref()
        .unwrap()
        .0
        .duration_since(created)
        .as_secs();
    // Both times are whole seconds.
    assert!(took >= 4, "ready after {took} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_leaves_no_process_and_no_file() {
    let binaries = Binaries::ensure(console()).await.unwrap();
    let options = Options {
        pod_ready_delay: Duration::from_secs(1),
        nodes: 2,
        ..Options::default()
    };
    let cluster = ControlPlane::start(&binaries, options).await.unwrap();
    let (pids, dir) = (cluster.pids(), cluster.dir().to_owned());
    assert_eq!(pids.len(), 5);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    cluster.stop().await;
    assert_eq!(
        pids.into_iter().filter(|pid| is_alive(*pid)).collect::<Vec<_>>(),
        Vec::<u32>::new()
    );
    assert!(!dir.exists(), "{} is still there", dir.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_a_killed_parent() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Command::new(env!("CARGO_BIN_EXE_headroom-cluster"))
        .args(["up", "--dir"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = parent.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert!(line.starts_with("export KUBECONFIG="), "{line}");
    let running = running_in(dir.path(), parent.id());
    for name in [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    ] {
        let own = |line: &String| {
            line.split_whitespace()
                .nth(1)
                .is_some_and(|program| program.ends_with(name))
        };
        assert!(running.iter().any(own), "no {name} among {running:#?}");
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the children's end", async || {
        running_in(dir.path(), parent.id()).is_empty()
    })
    .await;
}

#[tokio::test]
async fn an_early_end_shows_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let spec = Spec::new("failing", "/bin/sh", dir.path().join("log")).args(["-c", "echo the reason >&2; exit 3"]);
    let mut process = Process::spawn(spec).unwrap();
    let error = process
        .wait_until("nothing", PATIENCE, async || false)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("exit status: 3") && error.contains("the reason"),
        "{error}"
    );
}

#[tokio::test]
async fn a_deaf_child_is_killed_after_its_grace() {
    let dir = tempfile::tempdir().unwrap();
    let deaf = "trap '' TERM; echo deaf; while :; do sleep 0.1; done";
    let spec = Spec::new("deaf", "/bin/sh", dir.path().join("log"))
        .args(["-c", deaf])
        .grace(Duration::from_millis(200));
    let process = Process::spawn(spec).unwrap();
    until("the trap", async || {
        std::fs::read_to_string(process.log()).is_ok_and(|log| log == "deaf\n")
    })
    .await;
    let pid = process.pid();
    drop(process);
    assert!(!is_alive(pid));
}

fn deployment(name: &str, replicas: i32, ready_after: Option<&str>) -> Deployment {
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {
                    "labels": {"app": name},
                    "annotations": ready_after.map(|after| serde_json::json!({"headroom-cluster/ready-after": after})),
                },
                "spec": {"containers": [{"name": "main", "image": "none"}]},
            },
        },
    }))
    .expect("a valid Deployment")
}

async fn ready_replicas(deployments: &Api<Deployment>) -> i32 {
    let list = deployments.list(&ListParams::default()).await.expect("a list");
    list.items
        .iter()
        .filter_map(|one| one.status.as_ref()?.ready_replicas)
        .sum()
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A process that has ended and waits to be reaped counts as alive, as it should: its parent would have left it behind.
fn is_alive(pid: u32) -> bool {
    Command::new("/bin/sh")
        .args(["-c", &format!("kill -0 {pid} 2>/dev/null")])
        .status()
        .expect("a shell")
        .success()
}

/// Command lines of the processes that name `dir`, but for one process.
fn running_in(dir: &Path, but: u32) -> Vec<String> {
    let output = Command::new("ps")
        .args(["-A", "-ww", "-o", "pid=,args="])
        .output()
        .expect("ps");
    let dir = dir.canonicalize().expect("the directory").display().to_string();
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = list.lines().map(|line| line.trim().to_owned());
    lines
        .filter(|line| line.contains(&dir) && !line.starts_with(&format!("{but} ")))
        .collect()
}
