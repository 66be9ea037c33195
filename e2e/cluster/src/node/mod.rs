//! A real node beside the fake ones: kubelet, containerd, runc, CNI and kube-proxy, in a machine of its own.
//!
//! ```text
//! this machine ── 10.245.N.1 ═══ 10.245.N.2 ── kubelet ── containerd ── runc ── pods 10.244.N.0/24
//!   API server      one cable                  kube-proxy: 10.96.0.0/16 to pods and to the API server
//! ```
//!
//! Pods are real: processes with addresses, probes, limits and usage. This machine reaches their addresses, they reach
//! the API server by its Service; they reach nothing else, and there is no DNS. Images come from tars, never from a
//! registry. Linux and root only.
//!
//! - `machine`: namespaces, cable and cgroup
//! - `config`: the programs' configuration files

mod config;
mod machine;

use std::path::{Path, PathBuf};
use std::time::Duration;

use headroom_image::{Files, Image};

use crate::binaries::NodeBinaries;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::process::{Process, Spec};
use machine::Machine;
pub(crate) use machine::Network;

/// Its name; also that of its only host.
pub(crate) const NAME: &str = "real-0";
/// kubelet's own port, where kwok's kubelets have none that it must share.
pub(crate) const KUBELET_PORT: u16 = 10_250;

/// containerd's first start makes its database.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The machine, made before the control plane, whose address it decides; then what runs in it.
#[derive(Debug)]
pub(crate) struct RealNode {
    // In the order of their end: the machine takes all of them with it.
    machine: Machine,
    processes: Vec<Process>,
    dir: PathBuf,
    binaries: NodeBinaries,
}

impl RealNode {
    /// Makes the machine, in which nothing runs yet.
    pub(crate) async fn prepare(dir: &Path, binaries: &NodeBinaries) -> Result<Self, Error> {
        let dir = dir.join("node");
        std::fs::create_dir_all(dir.join("cni")).map_err(Error::file(&dir))?;
        let machine = Machine::start(&dir).await?;
        Ok(Self {
            machine,
            processes: Vec::new(),
            dir,
            binaries: binaries.clone(),
        })
    }

    /// Its addresses.
    pub(crate) fn network(&self) -> Network {
        self.machine.network
    }

    /// Starts containerd, kubelet and kube-proxy; the Node object appears a second or two later.
    pub(crate) async fn start(&mut self, kubelet_port: u16, credentials: &Credentials) -> Result<(), Error> {
        let network = self.network();
        let write = |name: &str, text: String| {
            let path = self.dir.join(name);
            std::fs::write(&path, text).map_err(Error::file(&path)).map(|()| path)
        };
        let containerd = write("containerd.toml", config::containerd(&self.dir, &self.binaries.plugins))?;
        // JSON is YAML.
        write("cni/pods.conflist", config::cni(&self.dir, network).to_string())?;
        let kubelet = config::kubelet(&self.dir, network, kubelet_port, credentials);
        let kubelet = write("kubelet.json", kubelet.to_string())?;
        let kube_proxy = write(
            "kube-proxy.json",
            config::kube_proxy(network, NAME, credentials).to_string(),
        )?;

        let binaries = self.binaries.clone();
        self.run(
            "containerd",
            &binaries.containerd,
            [format!("--config={}", containerd.display())],
        )?;
        let mut process = self.processes.pop();
        if let Some(process) = &mut process {
            process
                .wait_until("an answer", START_TIMEOUT, async || {
                    self.ctr(&["version"]).await.is_ok()
                })
                .await?;
        }
        self.processes.extend(process);
        self.load(&self.pause()?).await?;
        self.run(
            "kubelet",
            &binaries.kubelet,
            [
                format!("--config={}", kubelet.display()),
                format!("--kubeconfig={}", credentials.kubeconfig.display()),
                format!("--root-dir={}", self.dir.join("kubelet").display()),
                format!("--hostname-override={NAME}"),
                format!("--node-ip={}", network.node()),
            ],
        )?;
        self.run(
            "kube-proxy",
            &binaries.kube_proxy,
            [format!("--config={}", kube_proxy.display())],
        )
    }

    /// Makes the images of a tar known to containerd.
    pub(crate) async fn load(&self, tar: &Path) -> Result<(), Error> {
        let tar = tar.canonicalize().map_err(Error::file(tar))?;
        // `--local`: the transfer service wants a platform that an index of one image need not name.
        self.ctr(&["-n=k8s.io", "images", "import", "--local", &tar.display().to_string()])
            .await
            .map_err(|message| Error::Image { tar, message })
    }

    /// Fails where one of its processes has ended, with the end of its log.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        self.machine.check()?;
        self.processes.iter_mut().try_for_each(|process| Ok(process.check()?))
    }

    /// Process ids as this machine counts: the machine's holder, and the doors through which the others were started.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.machine.pid()).chain(self.processes.iter().map(Process::pid))
    }

    fn run<const N: usize>(&mut self, name: &str, program: &Path, args: [String; N]) -> Result<(), Error> {
        let (enter, words) = self.machine.enter(program);
        let log = self.dir.join(format!("{name}.log"));
        // State that is thrown away needs no orderly end.
        let spec = Spec::new(name, enter, log).args(words).args(args).grace(Duration::ZERO);
        self.processes.push(Process::spawn(spec)?);
        Ok(())
    }

    async fn ctr(&self, args: &[&str]) -> Result<(), String> {
        let (enter, words) = self.machine.enter(&self.binaries.ctr);
        let output = tokio::process::Command::new(enter)
            .args(words)
            .arg(format!("--address={}", config::SOCKET))
            .args(args)
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    /// Packs the image of the containers that hold pods' namespaces.
    fn pause(&self) -> Result<PathBuf, Error> {
        let path = self.dir.join("pause.tar");
        let pack = || -> Result<(), headroom_image::Error> {
            let program = headroom_image::read(&self.binaries.pause, true)?;
            let architecture = headroom_image::architecture(&program.content)
                .unwrap_or_default()
                .to_owned();
            let mut files = Files::default();
            files.insert("/pause", program)?;
            let image = Image {
                name: config::PAUSE.into(),
                files,
                entrypoint: vec!["/pause".into()],
                cmd: Vec::new(),
                user: "65535:65535".into(),
                architecture,
                labels: Default::default(),
                created: 0,
            };
            headroom_image::write(&image, std::fs::File::create(&path)?)
        };
        pack().map_err(|error| Error::Image {
            tar: path.clone(),
            message: error.to_string(),
        })?;
        Ok(path)
    }
}
