//! Where the suite runs: a local cluster with a real node, kind, or whatever KUBECONFIG points at.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use headroom_cluster::{Binaries, ControlPlane, Extra, Options, console};
use tokio::process::Command;

use crate::images;
use crate::tools::Tools;

/// Name of the kind cluster, so that nobody's own is taken.
const KIND: &str = "headroom-e2e";

/// Which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Where {
    /// A control plane and a real node on this machine: Linux, root, runc, iptables, iproute2.
    Local,
    /// A cluster of kind's, made and removed: docker and kind.
    Kind,
    /// That of KUBECONFIG, into which the images were loaded.
    Existing,
}

/// What is to be loaded into a cluster.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Sources {
    /// The operator's image, as `make image-tar` writes it.
    #[arg(long, default_value = "out/image/headroom.tar", value_name = "TAR")]
    pub(crate) operator_image: PathBuf,
    /// The suite's own program, linked statically.
    #[arg(long, env = "HEADROOM_E2E_APP", value_name = "FILE")]
    pub(crate) app: PathBuf,
    /// Directory for images, logs and the audit log.
    #[arg(long, default_value = "out/e2e", value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// A cluster that is there.
pub(crate) struct Place {
    pub(crate) tools: Tools,
    /// The API server's audit log, where it keeps one that can be read here.
    pub(crate) audit: Option<PathBuf>,
    kind: bool,
    local: Option<ControlPlane>,
}

impl Place {
    /// Starts or finds the cluster and loads the images.
    pub(crate) async fn prepare(on: Where, sources: &Sources) -> anyhow::Result<Self> {
        let mut extras = vec![Extra::Helm, Extra::MetricsServer, Extra::PrometheusInPod];
        if on == Where::Local {
            extras.push(Extra::RealNode);
        }
        let binaries = Binaries::ensure_with(&extras, console()).await?;
        let tools = |kubeconfig: &Path| Tools {
            kubectl: binaries.kubectl.clone(),
            helm: binaries.helm.clone(),
            kubeconfig: kubeconfig.to_owned(),
        };
        if on == Where::Existing {
            let kubeconfig = std::env::var_os("KUBECONFIG").context("set KUBECONFIG: which cluster?")?;
            return Ok(Self {
                tools: tools(kubeconfig.as_ref()),
                audit: std::env::var_os("HEADROOM_E2E_AUDIT").map(PathBuf::from),
                kind: false,
                local: None,
            });
        }
        let images = sources.out.join("images");
        let images = images::pack(&images, &sources.operator_image, &sources.app, &binaries)?;
        if on == Where::Kind {
            let kubeconfig = sources.out.join("kubeconfig");
            start_kind(&kubeconfig, &images).await?;
            return Ok(Self {
                tools: tools(&kubeconfig),
                audit: None,
                kind: true,
                local: None,
            });
        }
        let options = Options {
            nodes: 0,
            real_node: true,
            audit: true,
            dir: Some(fresh(&sources.out.join("cluster"))?),
            ..Options::default()
        };
        let cluster = ControlPlane::start(&binaries, options).await?;
        for image in &images {
            cluster.load_image(image).await?;
        }
        Ok(Self {
            tools: tools(cluster.kubeconfig()),
            audit: Some(cluster.dir().join("audit.log")),
            kind: false,
            local: Some(cluster),
        })
    }

    /// Stops or removes what was started.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        if let Some(cluster) = self.local {
            cluster.stop().await;
        }
        if self.kind {
            run("kind", &["delete", "cluster", "--name", KIND]).await?;
        }
        Ok(())
    }
}

/// The data of an earlier run is no beginning for this one.
fn fresh(dir: &Path) -> anyhow::Result<PathBuf> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    Ok(dir.to_owned())
}

async fn start_kind(kubeconfig: &Path, images: &[PathBuf]) -> anyhow::Result<()> {
    for program in ["docker", "kind"] {
        let found = Command::new(program).arg("version").output().await;
        ensure!(
            found.is_ok_and(|output| output.status.success()),
            "{program} is missing, or does not answer `{program} version`: see https://kind.sigs.k8s.io, or run \
             `make e2e`, which needs neither"
        );
    }
    let kubeconfig = kubeconfig.to_str().context("the directory's name must be UTF-8")?;
    run(
        "kind",
        &[
            "create",
            "cluster",
            "--name",
            KIND,
            "--kubeconfig",
            kubeconfig,
            "--wait",
            "2m",
        ],
    )
    .await?;
    for image in images {
        let image = image.to_str().context("the image's name must be UTF-8")?;
        run("kind", &["load", "image-archive", image, "--name", KIND]).await?;
    }
    Ok(())
}

async fn run(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(program).args(args).status().await;
    let status = status.with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} {}: {status}", args.join(" "));
    }
    Ok(())
}
