//! Setting the stage: shop, history, Prometheus, cluster, operator, Deployment and policy.

use std::ffi::OsString;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, ControlPlane, Options, Process, Prometheus, PrometheusOptions, ScrapeTarget, Spec};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, Config, CustomResourceExt};
use serde_json::json;
use tokio::sync::watch;

use crate::Args;
use crate::guest::Guest;
use crate::script::{self, Script};
use crate::shop::{Shop, now};
use crate::watch::Recording;

/// Time from a pod's binding until it is ready: long enough to be seen, short enough for a show of minutes.
const STARTUP: Duration = Duration::from_secs(12);
/// Replicas when the curtain rises.
const REPLICAS: i32 = 3;
/// The name of everything.
pub const NAME: &str = "shop";
/// Where it plays.
pub const NAMESPACE: &str = "headroom-demo";

/// Which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Where {
    /// An embedded control plane with a fake node.
    Local,
    /// That of KUBECONFIG. It must have ScalingPolicies installed, or let us install them for the while.
    Existing,
}

/// Everything that runs. Dropping it stops every process.
pub struct Stage {
    /// Talks to the API server.
    pub client: Client,
    /// The service under load.
    pub shop: Shop,
    /// What is played.
    pub script: Script,
    /// What was seen so far.
    pub recording: Mutex<Recording>,
    _plane: Option<ControlPlane>,
    _operator: Process,
    _prometheus: Prometheus,
    _logs: tempfile::TempDir,
}

impl Stage {
    /// Builds what is missing, starts everything, applies the policy. In a cluster that is not the demo's own, `guest` is
    /// set before anything is put there.
    pub async fn set(args: &Args, guest: &OnceLock<Guest>) -> anyhow::Result<Stage> {
        let binaries = match args.cluster {
            Where::Local => Binaries::ensure(headroom_cluster::console()).await,
            Where::Existing => Binaries::ensure_prometheus(headroom_cluster::console()).await,
        };
        let binaries = binaries.context("what the demo runs was not built")?;
        let begun = Instant::now();
        let logs = tempfile::tempdir()?;
        let mut shop = Shop::open().await?;

        let script = Script::new(now() as i64, args.duration.as_secs_f64());
        let (tell, script_of_now) = watch::channel(script);
        let history = logs.path().join("history.om");
        std::fs::write(&history, script.history(now() as i64 - 5))?;
        println!(
            "a shop serves at http://{}, with {} days of history",
            shop.address,
            script::DAYS
        );
        let options = PrometheusOptions {
            targets: vec![ScrapeTarget {
                job: NAME.to_owned(),
                address: shop.address.to_string(),
            }],
            backfill: vec![history],
            ..PrometheusOptions::default()
        };
        let local = async {
            let options = Options {
                pod_ready_delay: STARTUP,
                ..Options::default()
            };
            match args.cluster {
                Where::Local => ControlPlane::start(&binaries, options).await.map(Some),
                Where::Existing => Ok(None),
            }
        };
        shop.let_them_come(script_of_now)?;
        let (prometheus, plane) = tokio::try_join!(Prometheus::start(&binaries, options), local)?;
        let (client, kubeconfig) = match &plane {
            Some(plane) => (plane.client()?, plane.kubeconfig().into()),
            None => existing().await?,
        };
        println!("Prometheus answers at {}", prometheus.url());
        println!("the cluster answers: export KUBECONFIG={}", kubeconfig.display());

        let visit = Guest::new(client.clone());
        if plane.is_none() {
            // Empty so far: the stage is set once.
            let _ = guest.set(visit.clone());
        }
        install(&client, &visit).await?;
        let log = args.out.join("operator.log");
        let operator = Spec::new("headroom", &args.headroom, &log)
            .args(["run", "--namespace", NAMESPACE, "--listen", "127.0.0.1:0"])
            .args(["--prometheus", &format!("default={}", prometheus.url())])
            // The table shows the status, second by second.
            .args(["--status-refresh", "1s"])
            .env("KUBECONFIG", &kubeconfig)
            .env("NO_COLOR", "1")
            .grace(Duration::from_secs(5));
        let operator = Process::spawn(operator)?;
        println!("headroom runs; its log is {}", log.display());
        open(&client).await?;
        let script = script.begins(now() as i64);
        policy(&client, &script).await?;
        tell.send_replace(script);
        println!("set up in {:.0} s\n", begun.elapsed().as_secs_f64());
        let recording = Recording::new(&script);
        Ok(Stage {
            client,
            shop,
            script,
            recording: Mutex::new(recording),
            _plane: plane,
            _operator: operator,
            _prometheus: prometheus,
            _logs: logs,
        })
    }

    /// What was seen so far.
    pub fn recorded(&self) -> Recording {
        let recording = self.recording.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        recording.clone()
    }
}

/// A client for the cluster of KUBECONFIG, which may be a list of files, and its value for the operator.
async fn existing() -> anyhow::Result<(Client, OsString)> {
    let missing = "CLUSTER=existing needs KUBECONFIG";
    let kubeconfig = Kubeconfig::from_env()
        .context("KUBECONFIG cannot be read")?
        .context(missing)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok((
        Client::try_from(config)?,
        std::env::var_os("KUBECONFIG").context(missing)?,
    ))
}

/// The CRD, the namespace and the Deployment.
async fn install(client: &Client, visit: &Guest) -> anyhow::Result<()> {
    visit.crd().await?;
    // It is served a moment after it was accepted.
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let served = await_condition(crds, ScalingPolicy::crd_name(), conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(30), served)
        .await
        .context("the CRD is still not served after 30 s")??;
    visit.namespace().await?;
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {"labels": {"app": NAME}},
                "spec": {"containers": [{"name": NAME, "image": "registry.k8s.io/pause:3.10"}]}
            }
        }
    });
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    deployments
        .create(&PostParams::default(), &serde_json::from_value(deployment)?)
        .await
        .context("no Deployment")?;
    Ok(())
}

/// Waits until the shop's first pods are ready: what is not open yet cannot be short of anything.
async fn open(client: &Client) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let ready = |d: Option<&Deployment>| {
        let status = d.and_then(|d| d.status.as_ref());
        status.and_then(|s| s.ready_replicas) == Some(REPLICAS)
    };
    tokio::time::timeout(Duration::from_secs(300), await_condition(deployments, NAME, ready))
        .await
        .context("the Deployment's pods were not ready within five minutes; can the cluster pull its image?")??;
    Ok(())
}

/// Applies the policy: all three kinds of evidence.
async fn policy(client: &Client, script: &Script) -> anyhow::Result<()> {
    let opens = script.start as f64 + script::WINDOW * script.length;
    let opens = Timestamp::from_second((opens as i64).div_euclid(60) * 60 + 60)?.to_zoned(TimeZone::UTC);
    let policy = json!({
        "apiVersion": "headroom.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": NAME},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
            "minReplicas": 2,
            "maxReplicas": 20,
            "interval": "5s",
            "metrics": [{
                "name": "requests",
                "prometheus": {"query": "sum(rate(http_requests_total{job=\"shop\"}[30s]))"},
                "target": {"averageValue": format!("{}", script::TARGET)}
            }],
            "schedules": [{
                "name": "newsletter",
                "start": opens.strftime("%M %H * * *").to_string(),
                "duration": "1m",
                "minReplicas": 15
            }],
            "prediction": {"metric": "requests", "mode": "ScaleOut", "history": format!("{}d", script::DAYS)},
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 20}}
        }
    });
    let api: Api<ScalingPolicy> = Api::namespaced(client.clone(), NAMESPACE);
    api.create(&PostParams::default(), &serde_json::from_value(policy)?)
        .await
        .context("the policy was refused")?;
    Ok(())
}
