//! Where the programs are: a cache outside the checkout, filled once per version.
//!
//! Layout: `$HEADROOM_CACHE/NAME-VERSION/PROGRAM`, with the build's recipe and log beside the programs. Must never run
//! anything itself: [`crate::build`] compiles, [`crate::process`] runs.

use std::path::{Path, PathBuf};

use crate::build::{self, BuildError};
use crate::component::{Component, Extra};
use crate::error::Error;
use crate::progress::Progress;

/// Paths of all programs.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The Kubernetes API server.
    pub kube_apiserver: PathBuf,
    /// The controllers of Deployments, ReplicaSets and the rest.
    pub kube_controller_manager: PathBuf,
    /// The scheduler.
    pub kube_scheduler: PathBuf,
    /// The command line client.
    pub kubectl: PathBuf,
    /// The API server's database.
    pub etcd: PathBuf,
    /// Plays the kubelets of fake nodes.
    pub kwok: PathBuf,
    /// The Prometheus server.
    pub prometheus: PathBuf,
    /// Its tool, which imports history.
    pub promtool: PathBuf,
    /// Serves `metrics.k8s.io`. Leads nowhere unless [`Extra::MetricsServer`] was asked for.
    pub metrics_server: PathBuf,
    /// Installs charts. Leads nowhere unless [`Extra::Helm`] was asked for.
    pub helm: PathBuf,
    /// What a real node runs. Leads nowhere unless [`Extra::RealNode`] was asked for.
    pub node: NodeBinaries,
    /// A Prometheus that knows `kubernetes_sd_configs`. Leads nowhere unless [`Extra::PrometheusInPod`] was asked for.
    pub prometheus_in_pod: PathBuf,
}

/// Paths of the programs of a real node; runc comes with the machine.
#[derive(Debug, Clone)]
pub struct NodeBinaries {
    /// Starts the pods that are bound to its node.
    pub kubelet: PathBuf,
    /// Leads the addresses of Services to pods.
    pub kube_proxy: PathBuf,
    /// What holds a pod's namespaces open; becomes an image.
    pub pause: PathBuf,
    /// Runs containers.
    pub containerd: PathBuf,
    /// Its client.
    pub ctr: PathBuf,
    /// Directory of the CNI plugins, and of containerd's shim.
    pub plugins: PathBuf,
}

impl Binaries {
    /// Finds the programs in the cache and builds those that are not there, which takes minutes the first time; every
    /// [`Extra`] is left out. The tools' `go.mod` is read from the checkout that this crate was compiled in.
    ///
    /// # Errors
    /// [`Error::Build`]: Go is missing, or a build failed.
    pub async fn ensure(progress: impl FnMut(Progress) + Send + 'static) -> Result<Self, Error> {
        Self::ensure_with(&[], progress).await
    }

    /// As [`Binaries::ensure`], with `extras`.
    ///
    /// # Errors
    /// As [`Binaries::ensure`].
    pub async fn ensure_with(extras: &[Extra], progress: impl FnMut(Progress) + Send + 'static) -> Result<Self, Error> {
        let extras = extras.to_vec();
        Self::with(
            move |component| component.extra.is_none_or(|extra| extras.contains(&extra)),
            progress,
        )
        .await
    }

    /// As [`Binaries::ensure`], with metrics-server: for [`crate::Options::resource_metrics`].
    ///
    /// # Errors
    /// As [`Binaries::ensure`].
    pub async fn ensure_with_metrics_server(progress: impl FnMut(Progress) + Send + 'static) -> Result<Self, Error> {
        Self::ensure_with(&[Extra::MetricsServer], progress).await
    }

    /// As [`Binaries::ensure`], but builds Prometheus alone, for a cluster that is there already; the other paths may
    /// lead nowhere.
    ///
    /// # Errors
    /// As [`Binaries::ensure`].
    pub async fn ensure_prometheus(progress: impl FnMut(Progress) + Send + 'static) -> Result<Self, Error> {
        Self::with(|component| component.name == "prometheus", progress).await
    }

    async fn with(
        wanted: impl Fn(&Component) -> bool + Send + 'static,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Self, Error> {
        let cache = cache_dir()?;
        // A build that cannot be joined has panicked.
        let built = tokio::task::spawn_blocking(move || build::ensure(&cache, wanted, progress)).await;
        let dirs = built.map_err(|error| BuildError::Interrupted(error.to_string()))??;
        let [
            kubernetes,
            etcd,
            kwok,
            prometheus,
            metrics_server,
            helm,
            node,
            containerd,
            in_pod,
        ] = dirs;
        Ok(Self {
            kube_apiserver: kubernetes.join("kube-apiserver"),
            kube_controller_manager: kubernetes.join("kube-controller-manager"),
            kube_scheduler: kubernetes.join("kube-scheduler"),
            kubectl: kubernetes.join("kubectl"),
            etcd: etcd.join("etcd"),
            kwok: kwok.join("kwok"),
            prometheus: prometheus.join("prometheus"),
            promtool: prometheus.join("promtool"),
            metrics_server: metrics_server.join("metrics-server"),
            helm: helm.join("helm"),
            node: NodeBinaries {
                kubelet: node.join("kubelet"),
                kube_proxy: node.join("kube-proxy"),
                pause: node.join("pause"),
                containerd: containerd.join("containerd"),
                ctr: containerd.join("ctr"),
                plugins: containerd,
            },
            prometheus_in_pod: in_pod.join("prometheus"),
        })
    }

    /// All programs that are there: an [`Extra`] only where it is built.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = vec![
            &self.kube_apiserver,
            &self.kube_controller_manager,
            &self.kube_scheduler,
            &self.kubectl,
            &self.etcd,
            &self.kwok,
            &self.prometheus,
            &self.promtool,
        ];
        let node = &self.node;
        let extras = [
            &self.metrics_server,
            &self.helm,
            &node.kubelet,
            &node.kube_proxy,
            &node.containerd,
            &node.ctr,
            &self.prometheus_in_pod,
        ];
        paths.extend(extras.into_iter().filter(|path| path.is_file()).map(PathBuf::as_path));
        paths
    }
}

/// `$HEADROOM_CACHE`, else `$XDG_CACHE_HOME/headroom`, else `~/.cache/headroom`.
fn cache_dir() -> Result<PathBuf, BuildError> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("HEADROOM_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("headroom")))
        .or_else(|| Some(set("HOME")?.join(".cache/headroom")))
        .ok_or(BuildError::NoCache)
}
