//! The stage: control plane with an audit log, a Prometheus whose answer is said, operators, Deployments and policies.

#[path = "../../tests/cluster/prometheus.rs"]
#[allow(dead_code, missing_docs)] // of its answers one is enough here
mod prometheus;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, ControlPlane, Options, Process, Spec, console};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, CustomResourceExt, ResourceExt};
use serde_json::json;

use self::prometheus::Scripted;
use super::audit::{self, Write};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks: the resolution of what is measured by looking.
const LOOK: Duration = Duration::from_millis(20);
/// A replica's share of the load.
const SHARE: f64 = 100.0;

pub struct Stage {
    plane: ControlPlane,
    client: Client,
    namespace: String,
    prometheus: Scripted,
    operators: Vec<Operator>,
    /// How many there are to be.
    wanted: usize,
    started: u32,
}

struct Operator {
    process: Process,
    url: String,
    /// Decisions before the leader went.
    decisions: f64,
}

impl Stage {
    pub async fn set(policies: u32, operators: u32) -> anyhow::Result<Stage> {
        let binaries = Binaries::ensure(console()).await?;
        let options = Options {
            audit: true,
            ..Options::default()
        };
        let plane = ControlPlane::start(&binaries, options).await?;
        let client = plane.client()?;
        let namespace = plane.namespace("failover").await?;
        let (crds, crd): (Api<CustomResourceDefinition>, _) = (Api::all(client.clone()), ScalingPolicy::crd());
        let apply = PatchParams::apply("bench").force();
        crds.patch(&crd.name_any(), &apply, &Patch::Apply(&crd)).await?;
        await_condition(crds, &crd.name_any(), conditions::is_crd_established()).await?;
        stream::iter(0..policies)
            .map(|i| create(&client, &namespace, i))
            .buffer_unordered(8)
            .try_collect::<()>()
            .await?;
        let prometheus = Scripted::start().await;
        let mut stage = Stage {
            plane,
            client,
            namespace,
            prometheus,
            operators: Vec::new(),
            wanted: usize::try_from(operators)?,
            started: 0,
        };
        stage.load(3);
        stage.refill().await?;
        stage.until_replicas(3).await?;
        Ok(stage)
    }

    /// From now on the load is worth so many replicas.
    pub fn load(&self, replicas: u32) {
        self.prometheus.says(f64::from(replicas) * SHARE);
    }

    fn start(&mut self) -> anyhow::Result<()> {
        let listen = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let name = format!("operator-{}", self.started);
        self.started += 1;
        let log = self.plane.dir().join(format!("{name}.log"));
        let spec = Spec::new("headroom", env!("CARGO_BIN_EXE_headroom"), &log)
            .args(["run", "--namespace", &self.namespace, "--listen", &listen.to_string()])
            .args([
                "--leader-elect",
                "--lease-namespace",
                &self.namespace,
                "--identity",
                &name,
            ])
            .args(["--prometheus", &format!("default={}", self.prometheus.url())])
            .env("KUBECONFIG", self.plane.kubeconfig())
            .grace(Duration::from_secs(10));
        self.operators.push(Operator {
            process: Process::spawn(spec)?,
            url: format!("http://{listen}"),
            decisions: 0.0,
        });
        Ok(())
    }

    /// Starts those that are missing, and waits until all are ready and one leads; it comes last, and all know how much they
    /// have decided.
    pub async fn refill(&mut self) -> anyhow::Result<()> {
        while self.operators.len() < self.wanted {
            self.start()?;
        }
        for operator in &mut self.operators {
            let url = format!("{}/readyz", operator.url);
            let ready = async || reqwest::get(&url).await.is_ok_and(|r| r.status().is_success());
            operator.process.wait_until("readiness", PATIENCE, ready).await?;
        }
        let begun = Instant::now();
        loop {
            let mut leaders = Vec::new();
            for (i, operator) in self.operators.iter_mut().enumerate() {
                let page = page(&operator.url).await?;
                operator.decisions = sum(&page, "headroom_decisions_total");
                if sum(&page, "headroom_leader{") > 0.0 {
                    leaders.push(i);
                }
            }
            if let [leader] = leaders[..] {
                let leader = self.operators.remove(leader);
                self.operators.push(leader);
                return Ok(());
            }
            patient(begun, "one leader")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends the leader. Nobody takes its place yet: one that starts would look at the Lease at once, sooner than those who
    /// stand by, and sooner than a pod starts.
    pub fn end_leader(&mut self, in_order: bool) -> anyhow::Result<()> {
        let mut leader = self.operators.pop().context("a leader")?;
        if in_order {
            leader.process.ask_to_stop();
            // Dropping waits for its end.
            std::thread::spawn(move || drop(leader));
        } else {
            leader.process.kill()?;
        }
        Ok(())
    }

    /// Waits for the next leader's first decision.
    pub async fn until_decision(&self, begun: Instant) -> anyhow::Result<Duration> {
        loop {
            for operator in &self.operators {
                if sum(&page(&operator.url).await?, "headroom_decisions_total") > operator.decisions {
                    return Ok(begun.elapsed());
                }
            }
            patient(begun, "a decision")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until every Deployment is asked for so many replicas.
    pub async fn until_replicas(&self, replicas: u32) -> anyhow::Result<()> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let begun = Instant::now();
        let is = |d: &Deployment| d.spec.as_ref().and_then(|s| s.replicas) == i32::try_from(replicas).ok();
        while !deployments.list(&ListParams::default()).await?.iter().all(is) {
            patient(begun, "every Deployment's new count")?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The writes of scales since then.
    pub fn writes(&self, since: Timestamp) -> anyhow::Result<Vec<Write>> {
        audit::writes(&self.plane.audit_log()?, since)
    }
}

fn patient(begun: Instant, what: &str) -> anyhow::Result<()> {
    if begun.elapsed() > PATIENCE {
        bail!("{what} never came about");
    }
    Ok(())
}

async fn page(url: &str) -> anyhow::Result<String> {
    Ok(reqwest::get(format!("{url}/metrics")).await?.text().await?)
}

/// The sum of a metric over its labels.
fn sum(page: &str, metric: &str) -> f64 {
    let lines = page.lines().filter(|l| l.starts_with(metric));
    lines.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// A setting of the environment.
pub fn setting(name: &str, default: u32) -> anyhow::Result<u32> {
    match std::env::var(name) {
        Ok(value) => value
            .parse()
            .with_context(|| format!("{name}={value}: give a whole number")),
        Err(_) => Ok(default),
    }
}

/// A Deployment and its policy, which goes up and down at once.
async fn create(client: &Client, namespace: &str, i: u32) -> anyhow::Result<()> {
    let name = format!("web-{i}");
    let deployment = json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "registry.k8s.io/pause:3.10"}]}
            }
        }
    });
    let policy = json!({
        "apiVersion": "headroom.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": name},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "maxReplicas": 20,
            "metrics": [{"name": "load", "prometheus": {"query": "load"}, "target": {"averageValue": SHARE.to_string()}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}
        }
    });
    let (deployments, policies): (Api<Deployment>, Api<ScalingPolicy>) = (
        Api::namespaced(client.clone(), namespace),
        Api::namespaced(client.clone(), namespace),
    );
    let parameters = PostParams::default();
    deployments
        .create(&parameters, &serde_json::from_value(deployment)?)
        .await?;
    policies.create(&parameters, &serde_json::from_value(policy)?).await?;
    Ok(())
}
