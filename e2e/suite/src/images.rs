//! The images that the suite's own pods run, each packed from one static program, and the operator's, which is there.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use headroom_cluster::Binaries;
use headroom_image::{Files, Image};

/// Tag of the suite's images; they live as long as the cluster.
const TAG: &str = "e2e";

/// Name of the suite's image of a program.
pub(crate) fn name(program: &str) -> String {
    format!("headroom.local/{program}:{TAG}")
}

/// The tars to load, in `dir`; `operator` and `app` are what the Makefile built.
pub(crate) fn pack(dir: &Path, operator: &Path, app: &Path, binaries: &Binaries) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    ensure!(
        operator.is_file(),
        "the operator's image {} is missing: make image-tar",
        operator.display()
    );
    let programs = [
        ("app", app),
        ("prometheus", &binaries.prometheus_in_pod),
        ("metrics-server", &binaries.metrics_server),
    ];
    let mut tars = vec![operator.to_owned()];
    for (name, program) in programs {
        let tar = dir.join(format!("{name}.tar"));
        one(name, program, &tar).with_context(|| format!("cannot pack {}", program.display()))?;
        tars.push(tar);
    }
    Ok(tars)
}

fn one(program: &str, path: &Path, tar: &Path) -> anyhow::Result<()> {
    let file = headroom_image::read(path, true)?;
    let architecture = headroom_image::architecture(&file.content).map_err(anyhow::Error::msg)?;
    let entrypoint = format!("/{program}");
    let mut files = Files::default();
    files.insert(&entrypoint, file)?;
    let image = Image {
        name: name(program),
        files,
        entrypoint: vec![entrypoint],
        cmd: Vec::new(),
        user: "65532:65532".into(),
        architecture: architecture.to_owned(),
        labels: Default::default(),
        created: 0,
    };
    Ok(headroom_image::write(&image, std::fs::File::create(tar)?)?)
}
