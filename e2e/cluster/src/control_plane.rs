//! A real Kubernetes control plane with fake nodes: etcd, API server, controller manager, scheduler and kwok, and
//! metrics-server for those who ask for it.
//!
//! Everything but the pods' containers is real. kwok plays the kubelet: a pod that the scheduler bound to a fake node
//! becomes Running and Ready after its start-up time (`stages/pod.yaml`), and is gone once deleted. A start takes a few
//! seconds. Must never be reachable from another machine: every server listens on loopback.
//!
//! Neighbours: [`crate::node`] is the real node that may stand beside the fake ones, [`crate::process`] supervises the children, [`crate::credentials`] makes keys and the kubeconfig,
//! [`crate::metrics_server`] registers `metrics.k8s.io`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::OnceCell;

use crate::binaries::Binaries;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::node::{self, Network, RealNode};
use crate::process::{Process, Spec};
use crate::{metrics_server, nodes, port, server_flags};

const NODE_STAGES: &str = include_str!("../stages/node.yaml");
const POD_STAGES: &str = include_str!("../stages/pod.yaml");
const AUDIT_POLICY: &str = include_str!("../stages/audit.yaml");
const AUDIT_LOG: &str = "audit.log";

/// The API server was ready after 3 s on two idle cores; the rest is for cores that also compile.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// What may be chosen about a control plane.
#[derive(Debug, Clone)]
pub struct Options {
    /// Time from a pod's binding until it is Ready, for pods without the annotation `headroom-cluster/ready-after`
    /// (a Go duration such as `20s`). Default: none.
    pub pod_ready_delay: Duration,
    /// Fake nodes, named `fake-0` and so on, each with 1000 CPUs, 1 TiB of memory and room for 10 000 pods. Default: 1.
    pub nodes: u32,
    /// Runs the HorizontalPodAutoscaler controller too. Default: no.
    pub horizontal_pod_autoscaler: bool,
    /// Time between two looks of that controller at each HorizontalPodAutoscaler. Default: 15 s, as Kubernetes' own.
    pub horizontal_pod_autoscaler_sync: Duration,
    /// Serves `metrics.k8s.io`: runs metrics-server, which every 10 s reads from each pod's annotations
    /// `kwok.x-k8s.io/usage-cpu` and `kwok.x-k8s.io/usage-memory` (Quantities, for each container) what it uses. A pod
    /// without them has no metrics; one with them has metrics after two looks. Needs
    /// [`Binaries::ensure_with_metrics_server`]. Default: no.
    pub resource_metrics: bool,
    /// Writes every change of a Deployment's scale, with the request's body and the API server's answer, into
    /// [`ControlPlane::audit_log`]: the witness of who scaled what. Default: no.
    pub audit: bool,
    /// Starts a real node, `real-0`, which runs containers; their images come by [`ControlPlane::load_image`]. Needs
    /// [`crate::Extra::RealNode`], Linux, root, and Debian's packages runc, iptables and iproute2. Default: no.
    pub real_node: bool,
    /// Directory for data and logs, which is kept. Default: a temporary one, which goes when the control plane does.
    pub dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pod_ready_delay: Duration::ZERO,
            nodes: 1,
            horizontal_pod_autoscaler: false,
            horizontal_pod_autoscaler_sync: Duration::from_secs(15),
            resource_metrics: false,
            audit: false,
            real_node: false,
            dir: None,
        }
    }
}

/// A running control plane. Dropping it stops all of its processes and blocks for the second or so that this takes.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order of their start; the API server's grace bounds the stop.
    processes: Vec<Process>,
    node: Option<RealNode>,
    dir: PathBuf,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    config: Config,
}

impl ControlPlane {
    /// Starts a control plane and waits until its API answers and its nodes take pods.
    ///
    /// # Errors
    /// A process that ends or never becomes ready, with the end of its log; what ran by then has been stopped.
    pub async fn start(binaries: &Binaries, options: Options) -> Result<Self, Error> {
        let (dir, remove) = working_directory("headroom-cluster-", options.dir)?;
        let port = port::free().map_err(Error::Port)?;
        let etcd_port = port::free().map_err(Error::Port)?;
        let mut node = None;
        if options.real_node {
            node = Some(RealNode::prepare(&dir, &binaries.node).await?);
        }
        let network = node.as_ref().map(RealNode::network);
        let host = network.map_or("127.0.0.1".into(), Network::host);
        let mut names = vec![server_flags::API_SERVICE.into(), "kubernetes.default.svc".into()];
        names.extend(network.map(Network::node));
        let credentials = Credentials::write(&dir, &host, port, &names)?;

        let log = |name: &str| dir.join(format!("{name}.log"));
        // State that is thrown away needs no orderly end; the API server alone would take five seconds for it.
        let spec = |name: &str, program: &Path| Spec::new(name, program, log(name)).grace(Duration::from_secs(1));

        let mut etcd = spec("etcd", &binaries.etcd).args(server_flags::etcd(&dir, etcd_port));
        etcd.remove = remove;
        let mut flags = server_flags::kube_apiserver(&dir, port, etcd_port, &credentials, network);
        if options.resource_metrics || options.real_node {
            flags.extend(server_flags::front_proxy(&credentials));
        }
        if options.audit {
            let policy = dir.join("audit-policy.yaml");
            std::fs::write(&policy, AUDIT_POLICY).map_err(Error::file(&policy))?;
            flags.extend(server_flags::audit(&policy, &dir.join(AUDIT_LOG)));
        }
        let apiserver = spec("kube-apiserver", &binaries.kube_apiserver).args(flags);
        let mut processes = vec![Process::spawn(etcd)?];
        let mut apiserver = Process::spawn(apiserver)?;

        let config = config(&credentials.kubeconfig).await?;
        let client = Client::try_from(config.clone()).map_err(Error::kubernetes("make a client"))?;
        let readiness = apiserver
            .wait_until("readiness", START_TIMEOUT, async || ready(&client).await)
            .await;
        // Where etcd is the cause, its log says more than the API server's.
        if readiness.is_err() {
            processes[0].check()?;
        }
        readiness?;
        processes.push(apiserver);

        let controllers = server_flags::kube_controller_manager(
            &credentials,
            options.horizontal_pod_autoscaler,
            options.horizontal_pod_autoscaler_sync,
        );
        let controllers = spec("kube-controller-manager", &binaries.kube_controller_manager).args(controllers);
        processes.push(Process::spawn(controllers)?);
        let scheduler = server_flags::kube_scheduler(&credentials);
        processes.push(Process::spawn(
            spec("kube-scheduler", &binaries.kube_scheduler).args(scheduler),
        )?);
        let stages = dir.join("stages.yaml");
        let delay = options.pod_ready_delay.as_millis().to_string();
        let mut text = format!(
            "{NODE_STAGES}---\n{}",
            POD_STAGES.replace("READY_DELAY_MILLISECONDS", &delay)
        );
        // The ports of metrics-server and of the kubelets that kwok plays for it.
        let mut ports = None;
        if options.resource_metrics {
            text = format!("{text}---\n{}", metrics_server::USAGE);
            ports = Some((port::free().map_err(Error::Port)?, port::free().map_err(Error::Port)?));
        }
        std::fs::write(&stages, text).map_err(Error::file(&stages))?;
        let kwok = server_flags::kwok(&credentials, &stages, ports.map(|(_, kubelets)| kubelets));
        processes.push(Process::spawn(spec("kwok", &binaries.kwok).args(kwok))?);
        let metrics_server = ports.map(|(port, kubelets)| {
            let flags = server_flags::metrics_server(&credentials, port, kubelets);
            let process = Process::spawn(spec("metrics-server", &binaries.metrics_server).args(flags));
            process.map(|process| (process, port))
        });
        // It starts while the nodes come up.
        let metrics_server = metrics_server.transpose()?;

        if let Some(node) = &mut node {
            let port = ports.map_or(node::KUBELET_PORT, |(_, kubelets)| kubelets);
            node.start(port, &credentials).await?;
        }

        let mut this = Self {
            processes,
            node,
            dir,
            kubeconfig: credentials.kubeconfig.clone(),
            kubectl: binaries.kubectl.clone(),
            config,
        };
        this.create_nodes(client.clone(), options.nodes).await?;
        if let Some((mut process, port)) = metrics_server {
            metrics_server::register(&client, &mut process, port, &credentials).await?;
            this.processes.push(process);
        }
        Ok(this)
    }

    /// The control plane that all tests of one test binary share, started by the first that asks, with default options.
    /// Tests keep apart by [`ControlPlane::namespace`]. It ends with the test process, however that ends.
    ///
    /// # Errors
    /// As [`Binaries::ensure`] and [`ControlPlane::start`]; the next caller tries anew.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED
            .get_or_try_init(async || {
                let binaries = Binaries::ensure(crate::progress::console()).await?;
                Self::start(&binaries, Options::default()).await
            })
            .await
    }

    /// As [`ControlPlane::shared`], with [`Options::resource_metrics`]: another control plane. metrics-server adds 65 MiB
    /// and less than a second to its start.
    ///
    /// # Errors
    /// As [`ControlPlane::shared`].
    pub async fn shared_with_resource_metrics() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED
            .get_or_try_init(async || {
                let binaries = Binaries::ensure_with_metrics_server(crate::progress::console()).await?;
                let options = Options {
                    resource_metrics: true,
                    ..Options::default()
                };
                Self::start(&binaries, options).await
            })
            .await
    }

    /// Kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Configuration for clients with other settings than [`ControlPlane::client`]'s, for example impersonation.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// A client for the calling runtime. A client belongs to the tokio runtime that made it, and each `#[tokio::test]`
    /// has its own: ask in each test.
    ///
    /// # Errors
    /// [`Error::Kubernetes`] where the TLS set-up fails.
    pub fn client(&self) -> Result<Client, Error> {
        Client::try_from(self.config.clone()).map_err(Error::kubernetes("make a client"))
    }

    /// `kubectl` of the control plane's own version, pointed at it.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// Directory with the data and one log per process.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The API server's audit log, one JSON object a line; empty without [`Options::audit`].
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read.
    pub fn audit_log(&self) -> Result<String, Error> {
        let log = self.dir.join(AUDIT_LOG);
        match std::fs::read_to_string(&log) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(Error::file(&log)),
        }
    }

    /// Process ids of the children, in the order of their start; those of a real node come last.
    pub fn pids(&self) -> Vec<u32> {
        let node = self.node.iter().flat_map(RealNode::pids);
        self.processes.iter().map(Process::pid).chain(node).collect()
    }

    /// Loads a tar of images (an OCI layout, or what `docker save` writes) into the real node.
    ///
    /// # Errors
    /// [`Error::NoNode`] without a real node, [`Error::Image`] where containerd refuses the tar.
    pub async fn load_image(&self, tar: &Path) -> Result<(), Error> {
        let node = self.node.as_ref().ok_or(Error::NoNode)?;
        node.load(tar).await
    }

    /// Creates a namespace with a name that no other caller gets, `prefix-` and a number, and returns the name.
    ///
    /// # Errors
    /// [`Error::Kubernetes`] where the API server refuses it.
    pub async fn namespace(&self, prefix: &str) -> Result<String, Error> {
        // Counted over the process, so that a control plane that several processes use is the only thing to fear: the
        // process id keeps those apart.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{prefix}-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            ..ObjectMeta::default()
        };
        let namespace = Namespace {
            metadata,
            ..Namespace::default()
        };
        Api::all(self.client()?)
            .create(&PostParams::default(), &namespace)
            .await
            .map_err(Error::kubernetes(format!("create namespace {name}")))?;
        Ok(name)
    }

    /// Stops all processes. Dropping does the same, but blocks the runtime's thread.
    pub async fn stop(self) {
        // The join error says that dropping panicked, which it cannot.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    async fn create_nodes(&mut self, client: Client, count: u32) -> Result<(), Error> {
        let all = Api::all(client);
        nodes::create(&all, count).await?;
        let expected = count + u32::from(self.node.is_some());
        let (processes, node) = (&mut self.processes, &mut self.node);
        // The last process is kwok; the controller manager removes the taint that keeps pods off a new node.
        let Some(kwok) = processes.last_mut() else {
            return Ok(());
        };
        let taken = kwok
            .wait_until("nodes that take pods", START_TIMEOUT, async || {
                // A real node that has ended is told at once, below.
                node.as_mut().is_some_and(|node| node.check().is_err()) || nodes::take_pods(&all, expected).await
            })
            .await;
        node.as_mut().map_or(Ok(()), RealNode::check)?;
        if taken.is_err() {
            for process in processes {
                process.check()?;
            }
        }
        Ok(taken?)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // First: what still runs in it writes to the directory that the last of the others removes.
        self.node = None;
        for process in &mut self.processes {
            process.ask_to_stop();
        }
    }
}

/// The directory to work in and, where it is temporary, the same again as the one to remove. The last process removes it
/// rather than a destructor, because statics have none.
pub(crate) fn working_directory(prefix: &str, chosen: Option<PathBuf>) -> Result<(PathBuf, Option<PathBuf>), Error> {
    match chosen {
        Some(dir) => {
            std::fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
            let dir = dir.canonicalize().map_err(Error::file(&dir))?;
            Ok((dir, None))
        }
        None => {
            let dir = tempfile::Builder::new()
                .prefix(prefix)
                .tempdir()
                .map_err(Error::file(std::env::temp_dir()))?
                .keep();
            Ok((dir.clone(), Some(dir)))
        }
    }
}

async fn config(kubeconfig: &Path) -> Result<Config, Error> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

async fn ready(client: &Client) -> bool {
    // An empty body makes a valid request of any valid path; a path that were not valid would never become ready.
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    client.request_text(request).await.is_ok_and(|body| body == "ok")
}
