//! `make parity`: Headroom beside Kubernetes' own HorizontalPodAutoscaler, under the same load.
//!
//! ```text
//! scenario ─┬─ load ──▶ pods' annotations ─ kwok ─ metrics-server ─┬─▶ HPA controller ──▶ Deployment hpa
//!           └─ objects: the same numbers in both sides' words       └─▶ headroom run ───▶ Deployment other
//!                       play records both ─ compare ─ report
//! ```
//! All scenarios run at once, each in a namespace of its own. Linux and macOS; ends with status 1 where the two differ and
//! no rule of `scenarios/intended.yaml` says that they should.

#![deny(clippy::panic, clippy::unwrap_used)]

mod compare;
mod load;
mod objects;
mod play;
mod report;
mod scenario;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use futures::future::try_join_all;
use headroom_cluster::{Binaries, ControlPlane, Options, Process, Spec};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::play::Stage;
use crate::report::{Played, Verdict};

/// Time between two turns of either loop: short, so that a scenario is minutes.
const SYNC: Duration = Duration::from_secs(5);
/// How much later one side may do what the other did: a turn, and the time to write it and to see it on a busy machine.
const LAG: Duration = Duration::from_secs(7);
/// Longest wait for the first metrics of all pods. Half a minute on idle cores.
const PATIENCE: Duration = Duration::from_secs(180);
/// The scenarios begin so long after a look of metrics-server, so that no step of theirs, in tens of seconds as the looks
/// are, falls into one: half of the pods would be measured before it and half after.
const AFTER_A_LOOK: Duration = Duration::from_secs(3);
/// How often it is asked whether there is something new, where nobody tells.
const POLL: Duration = Duration::from_millis(200);
/// Where the result is kept.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/parity.md");

/// Headroom beside HPA: the same load, the same numbers, and what becomes of the replicas.
#[derive(Debug, Parser)]
struct Args {
    /// Only the scenarios whose names begin so; the page is then left as it is.
    #[arg(long, env = "SCENARIO", default_value = "")]
    scenario: String,
    /// What is compared with HPA; `hpa` is HPA itself and shows the method's own noise.
    #[arg(long, env = "AGAINST", default_value = "headroom")]
    against: Against,
    /// The operator's binary.
    #[arg(long, env = "HEADROOM")]
    headroom: PathBuf,
    /// Where the logs go.
    #[arg(long, env = "OUT", default_value = "out/parity")]
    out: PathBuf,
}

/// The other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Against {
    /// This operator.
    Headroom,
    /// HPA itself.
    Hpa,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let scenarios = scenario::scenarios(&args.scenario)?;
    let headroom = &args.headroom;
    ensure!(
        headroom.exists(),
        "{} does not exist; `make parity` builds it",
        headroom.display()
    );
    let binaries = Binaries::ensure_with_metrics_server(headroom_cluster::console()).await?;
    // What an earlier run left is of another cluster: its nodes would be in the way.
    let dir = args.out.join("cluster");
    match std::fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} cannot be removed", dir.display()));
        }
        _ => {}
    }
    let options = Options {
        horizontal_pod_autoscaler: true,
        horizontal_pod_autoscaler_sync: SYNC,
        resource_metrics: true,
        dir: Some(dir),
        ..Options::default()
    };
    let plane = ControlPlane::start(&binaries, options).await?;
    let client = plane.client()?;
    install(&client, headroom).await?;
    let mut operator = operator(&args, &plane)?;
    println!(
        "the cluster answers: export KUBECONFIG={}",
        plane.kubeconfig().display()
    );

    let stages = scenarios.into_iter().map(|scenario| Stage::set(&plane, scenario));
    let stages = try_join_all(stages).await?;
    let longest = stages
        .iter()
        .map(|stage| stage.scenario.length())
        .max()
        .unwrap_or_default();
    println!(
        "{} scenarios, {} s once every pod has metrics",
        stages.len(),
        longest.as_secs()
    );
    let running = try_join_all(stages.iter().map(Stage::run));
    let played = tokio::select! {
        ended = running => ended.map(|_| Vec::new()),
        played = play(&client, &stages, args.against) => played,
    };
    let played = played?;
    operator.check()?;
    plane.stop().await;

    let name = match args.against {
        Against::Headroom => "Headroom",
        Against::Hpa => "HPA too",
    };
    let table = report::table(&played, name);
    println!("\n{table}");
    if args.scenario.is_empty() && args.against == Against::Headroom {
        let date = headroom::clock::now().strftime("%Y-%m-%d").to_string();
        let page = report::page(&table, &scenario::intended()?, &date, SYNC, LAG);
        std::fs::write(PAGE, page).with_context(|| format!("{PAGE} cannot be written"))?;
        println!("written to {}", Path::new(PAGE).canonicalize()?.display());
    }
    let differ = played.iter().filter(|one| one.verdict() == Verdict::Differs);
    let differ: Vec<&str> = differ.map(|one| one.scenario.name.as_str()).collect();
    ensure!(
        differ.is_empty(),
        "not as HPA, and no rule says why: {}",
        differ.join(", ")
    );
    Ok(())
}

/// Waits for the first metrics, then plays all scenarios at once.
async fn play(client: &Client, stages: &[Stage], against: Against) -> anyhow::Result<Vec<Played>> {
    let pods: usize = stages.iter().map(Stage::pods).sum();
    let begun = after_a_look(client, pods).await?;
    let tracks = try_join_all(stages.iter().map(|stage| stage.play(begun, against))).await?;
    let played = stages.iter().zip(tracks).map(|(stage, tracks)| Played {
        scenario: stage.scenario.clone(),
        difference: compare::compare(&tracks[0], &tracks[1], LAG, stage.scenario.length()),
        tracks,
    });
    Ok(played.collect())
}

/// Waits until so many pods have metrics and metrics-server has had another look at them, and a little longer.
async fn after_a_look(client: &Client, pods: usize) -> anyhow::Result<Instant> {
    let all = "/apis/metrics.k8s.io/v1beta1/pods";
    let measured = async {
        let first = loop {
            let answer = get(client, all).await.unwrap_or_default();
            let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
            if let (true, Some(first)) = (items.len() >= pods, items.first()) {
                break first.clone();
            }
            sleep(POLL).await;
        };
        let text = |path: &str| {
            first
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}");
        loop {
            // A pod's measurement is another one as soon as it has another time.
            if get(client, &path)
                .await
                .is_ok_and(|now| now["timestamp"] != first["timestamp"])
            {
                break;
            }
            sleep(POLL).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, measured).await;
    waited.with_context(|| format!("the {pods} pods had no metrics within {PATIENCE:?}"))?;
    sleep(AFTER_A_LOOK).await;
    Ok(Instant::now())
}

async fn get(client: &Client, path: &str) -> anyhow::Result<Value> {
    Ok(client.request(http::Request::get(path).body(Vec::new())?).await?)
}

/// Installs the CRD that the operator's binary prints: what is compared is that binary, whoever built it.
async fn install(client: &Client, headroom: &Path) -> anyhow::Result<()> {
    let printed = Command::new(headroom).arg("crd").output()?;
    let crd: CustomResourceDefinition = serde_yaml::from_slice(&printed.stdout).context("`headroom crd`")?;
    let name = crd.name_any();
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    crds.create(&PostParams::default(), &crd).await.context("no CRD")?;
    let served = await_condition(crds, &name, conditions::is_crd_established());
    tokio::time::timeout(PATIENCE, served)
        .await
        .context("the CRD is not served")??;
    Ok(())
}

fn operator(args: &Args, plane: &ControlPlane) -> anyhow::Result<Process> {
    let log = args.out.join("operator.log");
    let operator = Spec::new("headroom", &args.headroom, log)
        .args(["run", "--listen", "127.0.0.1:0"])
        .env("KUBECONFIG", plane.kubeconfig())
        .env("NO_COLOR", "1");
    Ok(Process::spawn(operator)?)
}
