//! The release workflow's promises that a reader would otherwise have to look for. Whether it is valid says actionlint.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Name and text of every workflow.
fn workflows() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join(".github/workflows")).unwrap();
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::read_to_string(&path).unwrap())
    };
    folder.map(read).collect()
}

/// A tag can be moved to other code, a commit cannot.
#[test]
fn actions_are_pinned_by_commit() {
    let mut pinned = 0;
    for (name, text) in workflows() {
        for line in text.lines() {
            let Some((_, used)) = line.split_once("uses: ") else {
                continue;
            };
            // A workflow of this repository is of this commit anyway.
            if used.starts_with("./") {
                continue;
            }
            let (action, comment) = used.split_once(" # v").unwrap_or((used, ""));
            let commit = action.split_once('@').map_or("", |(_, commit)| commit);
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(
                is_commit && !comment.is_empty(),
                "{name}: write OWNER/NAME@COMMIT # vVERSION, not {used}"
            );
            pinned += 1;
        }
    }
    assert!(pinned > 5, "{pinned}");
}

/// What a job may do stands in the job; what the file grants would be every job's.
#[test]
fn rights_are_granted_by_job() {
    for (name, text) in workflows() {
        assert!(text.contains("\npermissions: {}\n"), "{name}");
        let writes = text.matches(": write").count();
        assert_eq!(writes > 0, name.ends_with("release.yml"), "{name}: {writes}");
    }
}

/// krew offers what the workflow builds.
#[test]
fn the_plugin_is_there_for_every_build() {
    let manifest = fs::read_to_string(root().join("deploy/krew/headroom.yaml")).unwrap();
    let (_, release) = workflows()
        .into_iter()
        .find(|(n, _)| n.ends_with("release.yml"))
        .unwrap();
    for arch in ["amd64", "arm64"] {
        assert!(release.contains(&format!("{{arch: {arch}, ")));
        let sum = format!("@SHA256_{}@", arch.to_uppercase());
        for part in [
            format!("arch: {arch}\n"),
            format!("v@VERSION@/headroom-linux-{arch}.tar.gz"),
            sum,
        ] {
            assert!(manifest.contains(&part), "{part}");
        }
    }
    assert_eq!(manifest.matches("arch: ").count(), release.matches("{arch: ").count());
}
