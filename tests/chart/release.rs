//! `helm template` and what it prints, as objects that a test can point into.

use std::path::{Path, PathBuf};
use std::process::Command;

use headroom_cluster::{Binaries, Extra, console};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

/// The chart.
pub fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/headroom")
}

/// `helm`, built the first time, without the plugins and settings of whoever runs it.
pub async fn helm() -> Command {
    static BINARIES: OnceCell<Binaries> = OnceCell::const_new();
    let ensure = async || Binaries::ensure_with(&[Extra::Helm], console()).await.unwrap();
    let mut command = Command::new(&BINARIES.get_or_init(ensure).await.helm);
    for home in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(home, concat!(env!("CARGO_TARGET_TMPDIR"), "/helm"));
    }
    command
}

/// What a command prints, or its error.
pub fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

/// What `helm template` prints for these values (YAML), or its error.
pub async fn rendered(values: &str, more: &[&str]) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values).unwrap();
    let mut command = helm().await;
    command.args(["template", "headroom"]).arg(chart());
    command.args(["--namespace", "headroom-system", "--kube-version", "1.30.0", "--values"]);
    said(command.arg(file.path()).args(more))
}

/// The objects of a release.
pub struct Release(Vec<Value>);

impl Release {
    /// The chart rendered with these values (YAML).
    pub async fn with(values: &str) -> Release {
        let text = rendered(values, &[])
            .await
            .unwrap_or_else(|error| panic!("{values}: {error}"));
        Release(objects(&text))
    }

    /// `Kind/name`, where it is part of the release.
    pub fn object(&self, reference: &str) -> Option<&Value> {
        self.0.iter().find(|object| self::reference(object) == reference)
    }

    /// All of them, as `Kind/name`.
    pub fn references(&self) -> Vec<String> {
        self.0.iter().map(reference).collect()
    }
}

fn reference(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let namespace = text("/metadata/namespace");
    let name = text("/metadata/name");
    match namespace {
        "" | "headroom-system" => format!("{}/{name}", text("/kind")),
        other => format!("{}/{other}/{name}", text("/kind")),
    }
}

/// The documents of a YAML stream.
pub fn objects(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|object| !object.is_null())
        .collect()
}
