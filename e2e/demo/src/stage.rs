//! Setting the stage: shop, history, Prometheus, cluster, operator, Deployment and policy; and clearing it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use headroom::api::ScalingPolicy;
use headroom_cluster::{Binaries, ControlPlane, Options, Process, Prometheus, PrometheusOptions, ScrapeTarget, Spec};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, Config};
use serde_json::json;
use tokio::sync::watch;

use crate::Args;
use crate::script::{self, Script};
use crate::shop::{Shop, now};
use crate::watch::Recording;

/// Time from a pod's binding until it is ready: long enough to be seen, short enough for a show of minutes.
const STARTUP: Duration = Duration::from_secs(12);
/// Replicas when the curtain rises.
const REPLICAS: i32 = 3;
/// The name of everything.
pub const NAME: &str = "shop";
/// What must be served before a policy can be applied.
const CRD: &str = "scalingpolicies.headroom.dev";
/// Where it plays.
pub const NAMESPACE: &str = "headroom-demo";

/// Which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Where {
    /// An embedded control plane with a fake node.
    Local,
    /// That of KUBECONFIG. It must have ScalingPolicies installed or let us install them.
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
    plane: Option<ControlPlane>,
    _operator: Process,
    _prometheus: Prometheus,
    _logs: tempfile::TempDir,
}

impl Stage {
    /// Builds what is missing, starts everything, applies the policy.
    pub async fn set(args: &Args) -> anyhow::Result<Stage> {
        let binaries = Binaries::ensure(headroom_cluster::console())
            .await
            .context("the control plane was not built")?;
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
            Some(plane) => (plane.client()?, plane.kubeconfig().to_path_buf()),
            None => existing().await?,
        };
        println!("Prometheus answers at {}", prometheus.url());
        println!("the cluster answers: export KUBECONFIG={}", kubeconfig.display());

        install(&client).await?;
        let log = args.out.join("operator.log");
        let operator = Spec::new("headroom", &args.headroom, &log)
            .args(["run", "--namespace", NAMESPACE, "--listen", "127.0.0.1:0"])
            .args(["--prometheus", &format!("default={}", prometheus.url())])
            .env("KUBECONFIG", &kubeconfig)
            .env("NO_COLOR", "1")
            .grace(Duration::from_secs(5));
        let operator = Process::spawn(operator)?;
        println!("headroom runs; its log is {}", log.display());
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
            plane,
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

    /// Removes what the demo put into a cluster that is not its own; then everything stops.
    pub async fn clear(self) -> anyhow::Result<()> {
        if self.plane.is_none() {
            let namespaces: Api<Namespace> = Api::all(self.client.clone());
            namespaces
                .delete(NAMESPACE, &DeleteParams::default())
                .await
                .context("the namespace was not removed")?;
        }
        Ok(())
    }
}

async fn existing() -> anyhow::Result<(Client, std::path::PathBuf)> {
    let path = std::env::var_os("KUBECONFIG").context("CLUSTER=existing needs KUBECONFIG")?;
    let kubeconfig = Kubeconfig::read_from(&path).context("KUBECONFIG cannot be read")?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok((Client::try_from(config)?, path.into()))
}

/// The CRD, the namespace and the Deployment.
async fn install(client: &Client) -> anyhow::Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let parameters = PatchParams::apply("headroom-demo").force();
    crds.patch(
        CRD,
        &parameters,
        &Patch::Apply(<ScalingPolicy as kube::CustomResourceExt>::crd()),
    )
    .await
    .context("the CRD was refused")?;
    // It is served a moment after it was accepted.
    let served = await_condition(crds, CRD, conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(30), served)
        .await
        .context("the CRD is still not served after 30 s")??;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .patch(NAMESPACE, &parameters, &Patch::Apply(&namespace))
        .await
        .context("no namespace")?;
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
        .patch(NAME, &parameters, &Patch::Apply(&deployment))
        .await
        .context("no Deployment")?;
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
    match api
        .create(&PostParams::default(), &serde_json::from_value(policy)?)
        .await
    {
        Err(kube::Error::Api(status)) if status.code == 409 => {
            bail!("there is a policy {NAMESPACE}/{NAME} already; delete the namespace of an earlier demo first")
        }
        created => created.map(drop).context("the policy was refused"),
    }
}
