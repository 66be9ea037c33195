//! What every behaviour stands on: clients, Prometheus, metrics-server where the cluster has none, the operator's names.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::images;
use crate::place::Place;
use crate::tools::Tools;
use crate::until::{Look, until};

/// The release's namespace, and the names of the release and of its objects.
pub(crate) const SYSTEM: &str = "headroom-system";
pub(crate) const RELEASE: &str = "headroom";
/// Where the suite's own servers run.
pub(crate) const TOOLS: &str = "headroom-e2e-tools";
/// Label of everything that the suite made and removes.
const OURS: &str = "headroom.dev/e2e=true";
/// Who the operator is to the API server.
pub(crate) const OPERATOR: &str = "system:serviceaccount:headroom-system:headroom";

/// Longest wait for a pod or two to be ready: seconds here, a minute on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) tools: Tools,
    pub(crate) chart: String,
    /// The API server's audit log, where there is one.
    pub(crate) audit: Option<PathBuf>,
    /// Prometheus, as pods reach it.
    pub(crate) prometheus: String,
    /// Whether Services have names.
    pub(crate) dns: bool,
}

impl Stage {
    pub(crate) async fn set(place: &Place, chart: &str) -> anyhow::Result<Self> {
        let tools = place.tools.clone();
        let config = Kubeconfig::read_from(&tools.kubeconfig)?;
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        let dns = Api::<Service>::namespaced(client.clone(), "kube-system")
            .get_opt("kube-dns")
            .await?
            .is_some();
        let mut stage = Self {
            client,
            tools,
            chart: chart.to_owned(),
            audit: place.audit.clone(),
            prometheus: String::new(),
            dns,
        };
        let (prometheus, app) = (images::name("prometheus"), images::name("app"));
        let values = [("IMAGE_APP", app.as_str()), ("IMAGE_PROMETHEUS", &prometheus)];
        stage
            .tools
            .apply(include_str!("../manifests/tools.yaml"), &values)
            .await?;
        stage.metrics_server().await?;
        stage.ready(TOOLS, "prometheus", 1).await?;
        stage.ready(TOOLS, "killer", 1).await?;
        let address = stage.service_address(TOOLS, "prometheus").await?;
        stage.prometheus = format!("http://{address}:9090");
        Ok(stage)
    }

    /// Sees to it that metrics.k8s.io is served.
    async fn metrics_server(&self) -> anyhow::Result<()> {
        let services: Api<APIService> = Api::all(self.client.clone());
        if services.get_opt("v1beta1.metrics.k8s.io").await?.is_none() {
            let image = images::name("metrics-server");
            let manifests = include_str!("../manifests/metrics-server.yaml");
            self.tools.apply(manifests, &[("IMAGE", &image)]).await?;
        }
        until("metrics.k8s.io", PATIENCE, async || {
            let status = services.get("v1beta1.metrics.k8s.io").await?.status.unwrap_or_default();
            let available = status.conditions.unwrap_or_default();
            let available = available.iter().find(|one| one.type_ == "Available");
            let seen = available.map_or("no condition".into(), |one| format!("{:?}", one.message));
            Ok(Look::whether(available.is_some_and(|one| one.status == "True"), seen))
        })
        .await
    }

    /// Waits until a Deployment has rolled out and has so many pods, all of them ready.
    pub(crate) async fn ready(&self, namespace: &str, name: &str, replicas: i32) -> anyhow::Result<()> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        until(
            &format!("{replicas} ready pods of {namespace}/{name}"),
            PATIENCE,
            async || {
                let deployment = deployments.get(name).await?;
                let status = deployment.status.unwrap_or_default();
                let current = status.observed_generation == deployment.metadata.generation;
                let counts = [status.replicas, status.updated_replicas, status.ready_replicas];
                let all = counts.iter().all(|count| count.unwrap_or(0) == replicas);
                Ok(Look::whether(
                    current && all,
                    format!("all, updated, ready: {counts:?}"),
                ))
            },
        )
        .await
    }

    /// The cluster address of a Service.
    pub(crate) async fn service_address(&self, namespace: &str, name: &str) -> anyhow::Result<String> {
        let service = Api::<Service>::namespaced(self.client.clone(), namespace)
            .get(name)
            .await?;
        service
            .spec
            .and_then(|spec| spec.cluster_ip)
            .with_context(|| format!("Service {namespace}/{name} has no address"))
    }

    /// Asks an HTTP server behind a Service by way of the API server, which reaches pods wherever the suite runs.
    pub(crate) async fn ask(&self, namespace: &str, service: &str, path: &str) -> anyhow::Result<String> {
        self.through(&format!("{namespace}/services/http:{service}:http"), path)
            .await
    }

    /// The metrics of one of the operator's pods.
    pub(crate) async fn metrics(&self, pod: &Pod) -> anyhow::Result<String> {
        let name = pod.metadata.name.as_deref().context("a pod without a name")?;
        self.through(&format!("{SYSTEM}/pods/http:{name}:8080"), "/metrics")
            .await
    }

    async fn through(&self, whom: &str, path: &str) -> anyhow::Result<String> {
        let uri = format!("/api/v1/namespaces/{whom}/proxy{path}");
        let request = http::Request::get(&uri).body(Vec::new())?;
        self.client
            .request_text(request)
            .await
            .with_context(|| format!("cannot ask {whom} for {path}"))
    }

    /// The operator's pods that are not on their way out.
    pub(crate) async fn operators(&self) -> anyhow::Result<Vec<Pod>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), SYSTEM);
        let selector = "app.kubernetes.io/name=headroom,app.kubernetes.io/component=operator";
        let list = pods.list(&ListParams::default().labels(selector)).await?;
        let stays = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(list.items.into_iter().filter(stays).collect())
    }

    /// The holder of the Lease as it calls itself, where there is one.
    pub(crate) async fn holder(&self) -> anyhow::Result<Option<String>> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), SYSTEM);
        let lease = leases.get_opt(RELEASE).await?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity);
        Ok(holder.filter(|holder| !holder.is_empty()))
    }

    /// The pod that leads; its name is how its identity begins.
    pub(crate) async fn leader(&self) -> anyhow::Result<Pod> {
        until("a leader among the operator's pods", PATIENCE, async || {
            let holder = self.holder().await?;
            let leads = |pod: &Pod| {
                let name = pod.metadata.name.as_deref().unwrap_or_default();
                holder.as_deref().is_some_and(|holder| holder.starts_with(name))
            };
            let leader = self.operators().await?.into_iter().find(leads);
            Ok(leader.map_or_else(|| Look::Not(format!("holder {holder:?}")), Look::Here))
        })
        .await
    }

    /// Prints what helps to understand a failure.
    pub(crate) async fn tell(&self) {
        let questions: [&[&str]; 4] = [
            &["get", "pods", "--all-namespaces", "-o", "wide"],
            &["get", "scalingpolicies", "--all-namespaces", "-o", "wide"],
            &["get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"],
            &[
                "logs",
                "--namespace",
                SYSTEM,
                "-l",
                "app.kubernetes.io/component=operator",
                "--tail=40",
                "--prefix",
            ],
        ];
        for question in questions {
            match self.tools.kubectl(question).await {
                Ok(answer) => {
                    // A local cluster has no DNS, and says so of every pod again and again.
                    let lines: Vec<_> = answer
                        .lines()
                        .filter(|line| !line.contains("MissingClusterDNS"))
                        .collect();
                    eprintln!("--- kubectl {}", question.join(" "));
                    // The end of a long list is what happened last.
                    lines[lines.len().saturating_sub(80)..]
                        .iter()
                        .for_each(|line| eprintln!("{line}"));
                }
                Err(error) => eprintln!("--- {error:#}"),
            }
        }
    }

    /// Removes what the suite made, so that a cluster that stays can be used again.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        let kinds = "namespaces,clusterroles,clusterrolebindings,apiservices";
        let removed = self
            .tools
            .kubectl(&["delete", kinds, "-l", OURS, "--wait=false"])
            .await?;
        ensure!(
            removed.contains(TOOLS),
            "the suite's namespace was not there to be removed: {removed}"
        );
        Ok(())
    }
}
