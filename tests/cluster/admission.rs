//! Manifests judged by the real API server: `kubectl apply --dry-run=server` refuses the bad ones by field and reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::Stage;

/// The manifests of a folder, by name.
fn manifests(folder: &str) -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    files
        .map(|f| (f.file_stem().unwrap().to_string_lossy().into_owned(), f))
        .collect()
}

/// Whether the API server takes it, and what kubectl says.
fn apply(stage: &Stage, manifest: &Path) -> (bool, String) {
    let output = stage
        .cluster
        .kubectl()
        .args(["apply", "--dry-run=server", "-n", &stage.namespace, "-f"])
        .arg(manifest)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_manifests_are_refused_by_field_and_reason() {
    let stage = Stage::set("bad").await;
    let manifests = manifests("tests/manifests/bad");
    assert!(manifests.len() >= 40, "only {} bad manifests", manifests.len());
    for (name, path) in manifests {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = text.lines().next().and_then(|l| l.strip_prefix("# expect: ")).unwrap();
        let (field, message) = expected.split_once(": ").unwrap();
        let (taken, said) = apply(&stage, &path);
        assert!(!taken, "{name} was taken: {said}");
        assert!(
            said.contains(field),
            "{name}: the field {field:?} is not named in {said}"
        );
        assert!(said.contains(message), "{name}: {message:?} is not said in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn good_manifests_and_samples_are_taken() {
    let stage = Stage::set("good").await;
    let mut manifests = manifests("tests/manifests/good");
    assert!(manifests.len() >= 5);
    manifests.extend(self::manifests("deploy/samples"));
    for (name, path) in manifests {
        let (taken, said) = apply(&stage, &path);
        assert!(taken, "{name}: {said}");
    }
}
