//! What the operator costs: `make bench-operator` runs it with 100 policies (POLICIES) on the local control plane and
//! prints its memory and processor time.
//!
//! Each policy has a metric with a query of its own, a window and a forecast over two weeks of history, so that nothing
//! is shared that real policies would not share. Measuring begins once every forecast is trusted and lasts for
//! MEASURE_SECONDS (60). Linux only: it reads /proc.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, ControlPlane, Options, Process, Prometheus, PrometheusOptions, Spec, console};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, CustomResourceExt, ResourceExt};
use serde_json::json;

/// The kernel's unit of processor time as /proc shows it: 100 a second on every Linux.
const TICKS: f64 = 100.0;
/// Longest wait for trust: the backfills of a hundred policies took a few seconds.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let policies = setting("POLICIES", 100)?;
    let seconds = setting("MEASURE_SECONDS", 60)?;
    let binaries = Binaries::ensure(console()).await?;
    let (plane, prometheus) = tokio::try_join!(
        ControlPlane::start(&binaries, Options::default()),
        Prometheus::start(&binaries, PrometheusOptions::default())
    )?;
    let client = plane.client()?;
    let namespace = plane.namespace("bench").await?;
    crd(&client).await?;
    stream::iter(0..policies)
        .map(|i| create(&client, &namespace, i))
        .buffer_unordered(8)
        .try_collect::<()>()
        .await?;

    let listen = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let log = plane.dir().join("operator.log");
    let operator = Spec::new("headroom", env!("CARGO_BIN_EXE_headroom"), &log)
        .args(["run", "--namespace", &namespace, "--listen", &listen.to_string()])
        .args(["--prometheus", &format!("default={}", prometheus.url())])
        .env("KUBECONFIG", plane.kubeconfig());
    let mut operator = Process::spawn(operator)?;
    let api: Api<ScalingPolicy> = Api::namespaced(client, &namespace);
    let begun = Instant::now();
    let trusted = async || {
        api.list(&ListParams::default())
            .await
            .is_ok_and(|l| l.iter().all(trusts))
    };
    operator
        .wait_until("trust in every forecast", PATIENCE, trusted)
        .await?;
    let started = begun.elapsed().as_secs_f64();

    let page = format!("http://{listen}/metrics");
    let before = Sample::take(operator.pid(), &page).await?;
    tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    let after = Sample::take(operator.pid(), &page).await?;
    operator.check()?;

    let elapsed = after.at.duration_since(before.at).as_secs_f64();
    let (cpu, turns) = (after.cpu - before.cpu, after.decisions - before.decisions);
    ensure!(turns > 0.0, "no decision was made in {elapsed:.0} s");
    println!("policies              {policies}, each every 15 s, with a metric, a window and a forecast");
    println!("until all are trusted {started:.1} s after the start, two weeks of history each");
    println!(
        "resident memory       {:.1} MiB, {:.1} MiB at most",
        after.rss, after.peak
    );
    println!("processor             {:.2} % of one core", cpu / elapsed * 100.0);
    println!(
        "decisions             {:.1}/s, {:.2} ms of processor time each",
        turns / elapsed,
        cpu / turns * 1e3
    );
    println!(
        "status writes         {:.1}/s",
        (after.writes - before.writes) / elapsed
    );
    Ok(())
}

/// What the operator had used and done at one moment.
struct Sample {
    at: Instant,
    /// Processor seconds.
    cpu: f64,
    /// Resident memory now and at most, MiB.
    rss: f64,
    peak: f64,
    decisions: f64,
    writes: f64,
}

impl Sample {
    async fn take(pid: u32, page: &str) -> anyhow::Result<Sample> {
        let page = reqwest::get(page).await?.text().await?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Fields are counted behind the name, which may hold spaces: utime and stime are the 14th and 15th of all.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |i: usize| {
            fields
                .get(i)
                .and_then(|f| f.parse::<f64>().ok())
                .context("/proc/PID/stat")
        };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mebibytes = |name: &str| {
            let line = status
                .lines()
                .find(|l| l.starts_with(name))
                .context("/proc/PID/status")?;
            let kibibytes: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
            anyhow::Ok(kibibytes / 1024.0)
        };
        Ok(Sample {
            at: Instant::now(),
            cpu: (ticks(11)? + ticks(12)?) / TICKS,
            rss: mebibytes("VmRSS:")?,
            peak: mebibytes("VmHWM:")?,
            decisions: sum(&page, "headroom_decisions_total"),
            writes: sum(&page, "headroom_status_writes_total"),
        })
    }
}

/// The sum of a counter over its labels.
fn sum(page: &str, counter: &str) -> f64 {
    let lines = page.lines().filter(|l| l.starts_with(counter));
    lines.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn trusts(policy: &ScalingPolicy) -> bool {
    let conditions = policy.status.as_ref().map_or(&[][..], |s| &s.conditions);
    conditions
        .iter()
        .any(|c| c.type_ == "ForecastTrusted" && c.status == "True")
}

fn setting(name: &str, default: u32) -> anyhow::Result<u32> {
    match std::env::var(name) {
        Ok(value) => value
            .parse()
            .with_context(|| format!("{name}={value}: give a whole number")),
        Err(_) => Ok(default),
    }
}

async fn crd(client: &Client) -> anyhow::Result<()> {
    let (crds, crd): (Api<CustomResourceDefinition>, _) = (Api::all(client.clone()), ScalingPolicy::crd());
    let name = crd.name_any();
    crds.patch(&name, &PatchParams::apply("bench").force(), &Patch::Apply(&crd))
        .await?;
    await_condition(crds, &name, conditions::is_crd_established()).await?;
    Ok(())
}

/// A Deployment and its policy.
async fn create(client: &Client, namespace: &str, i: u32) -> anyhow::Result<()> {
    let name = format!("web-{i}");
    let deployment = json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "registry.k8s.io/pause:3.10"}]}
            }
        }
    });
    // A day's swing around a level of its own, the same for every query of the past.
    let query = format!(
        "vector({}) + 40 * sin(vector(time()) * {})",
        150 + i,
        std::f64::consts::TAU / 86_400.0
    );
    let policy = json!({
        "apiVersion": "headroom.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": name},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "maxReplicas": 20,
            "metrics": [{"name": "requests", "prometheus": {"query": query}, "target": {"averageValue": "100"}}],
            "schedules": [{"name": "office", "timeZone": "Europe/Zurich", "start": "0 8 * * MON-FRI",
                "end": "0 18 * * MON-FRI", "minReplicas": 2}],
            "prediction": {"metric": "requests", "mode": "ScaleOut", "history": "14d"}
        }
    });
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let parameters = PostParams::default();
    deployments
        .create(&parameters, &serde_json::from_value(deployment)?)
        .await?;
    let policies: Api<ScalingPolicy> = Api::namespaced(client.clone(), namespace);
    policies.create(&parameters, &serde_json::from_value(policy)?).await?;
    Ok(())
}
