//! The real node: pods that answer on their addresses beside a fake node's, and nothing of it left once its parent is gone.
//!
//! Needs root and Debian's runc, iptables and iproute2, so that `cargo test` alone does not run it; `make e2e` does, with
//! `--test real_node`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headroom_cluster::{Binaries, Extra, console};
use headroom_image::{Files, Image};
use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for what takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// etcd answers HTTP, is one static program, and is there anyway.
const PODS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: real}
spec:
  replicas: 2
  selector: {matchLabels: {app: real}}
  template:
    metadata: {labels: {app: real}}
    spec:
      nodeSelector: {kubernetes.io/hostname: real-0}
      containers:
        - name: etcd
          image: headroom.local/etcd:test
          imagePullPolicy: Never
          args: [--data-dir=/data, "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://localhost:2379"]
          readinessProbe: {httpGet: {path: /health, port: 2379}, periodSeconds: 1}
          volumeMounts: [{name: data, mountPath: /data}]
      securityContext: {runAsNonRoot: true, fsGroup: 65532}
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: fake}
spec:
  replicas: 2
  selector: {matchLabels: {app: fake}}
  template:
    metadata: {labels: {app: fake}}
    spec:
      nodeSelector: {type: kwok}
      containers: [{name: none, image: none}]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn pods_answer_and_nothing_survives_a_killed_parent() {
    pods_answer_and_nothing_is_left(Signal::KILL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_answer_and_nothing_survives_an_orderly_end() {
    pods_answer_and_nothing_is_left(Signal::TERM).await;
}

async fn pods_answer_and_nothing_is_left(end: Signal) {
    let binaries = Binaries::ensure_with(&[Extra::RealNode], console()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let image = pack(&binaries.etcd, dir.path());
    let mut parent = Command::new(env!("CARGO_BIN_EXE_headroom-cluster"))
        .args(["up", "--real-node", "--dir"])
        .arg(dir.path())
        .arg("--image")
        .arg(&image)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("export KUBECONFIG="), "{line}");

    let kubectl = |args: &[&str]| kubectl(&binaries.kubectl, dir.path(), args);
    let manifest = dir.path().join("pods.yaml");
    std::fs::write(&manifest, PODS).unwrap();
    kubectl(&["apply", "-f", manifest.to_str().unwrap()]);
    kubectl(&[
        "rollout",
        "status",
        "deployment/real",
        "deployment/fake",
        "--timeout=60s",
    ]);
    let addresses = kubectl(&[
        "get",
        "pods",
        "-l",
        "app=real",
        "-o",
        "jsonpath={.items[*].status.podIP}",
    ]);
    let addresses: Vec<_> = addresses.split_whitespace().collect();
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for address in addresses {
        let answer = ask(address);
        assert!(answer.contains(r#""health":"true""#), "{address} answered {answer}");
    }

    let machine = Machine::of(dir.path());
    assert!(!machine.traces().is_empty());
    finish(&mut parent, end);
    let begun = Instant::now();
    while !machine.traces().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "left behind: {:#?}", machine.traces());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a machine leaves traces by.
struct Machine {
    number: String,
    /// The namespaces of its process 1, as the kernel names them.
    namespaces: BTreeSet<PathBuf>,
}

impl Machine {
    fn of(dir: &Path) -> Self {
        let ready = std::fs::read_to_string(dir.join("node/ready")).unwrap();
        let (number, init) = ready.trim().split_once(' ').unwrap();
        Self {
            number: number.to_owned(),
            namespaces: namespaces(&Path::new("/proc").join(init)),
        }
    }

    /// Its link, its cgroups, and the processes in its namespaces. With these go its mounts and its packet filter.
    fn traces(&self) -> Vec<String> {
        let name = format!("headroom-node-{}", self.number);
        let entries = |dir: &str| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let mut traces: Vec<PathBuf> = vec![format!("/sys/class/net/hr-node-{}", self.number).into()];
        traces.push(Path::new("/sys/fs/cgroup").join(&name));
        traces.extend(entries("/sys/fs/cgroup").map(|tree| tree.join(&name)));
        traces.retain(|path| path.exists());
        traces.extend(entries("/proc").filter(|process| !namespaces(process).is_disjoint(&self.namespaces)));
        traces.into_iter().map(|path| path.display().to_string()).collect()
    }
}

/// The namespaces that a machine does not share with this process.
fn namespaces(process: &Path) -> BTreeSet<PathBuf> {
    let read = |process: &Path, kind: &str| std::fs::read_link(process.join("ns").join(kind)).ok();
    let own = Path::new("/proc/self");
    ["mnt", "net", "pid"]
        .into_iter()
        .filter(|kind| read(process, kind) != read(own, kind))
        .filter_map(|kind| read(process, kind))
        .collect()
}

fn finish(parent: &mut Child, signal: Signal) {
    let pid = Pid::from_raw(parent.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
    parent.wait().unwrap();
}

fn pack(program: &Path, dir: &Path) -> PathBuf {
    let file = headroom_image::read(program, true).unwrap();
    let architecture = headroom_image::architecture(&file.content).unwrap().to_owned();
    let mut files = Files::default();
    files.insert("/etcd", file).unwrap();
    let image = Image {
        name: "headroom.local/etcd:test".into(),
        files,
        entrypoint: vec!["/etcd".into()],
        cmd: Vec::new(),
        user: "65532:65532".into(),
        architecture,
        labels: Default::default(),
        created: 0,
    };
    let tar = dir.join("etcd.tar");
    headroom_image::write(&image, std::fs::File::create(&tar).unwrap()).unwrap();
    tar
}

fn kubectl(program: &Path, dir: &Path, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .env("KUBECONFIG", dir.join("kubeconfig"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn ask(address: &str) -> String {
    let mut stream = TcpStream::connect((address, 2379)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
