//! The command as people call it: what a reader of its tar finds, that it finds the same every time, and what is refused.
//!
//! containerd and skopeo judge the tar too, where they are to be had (`make e2e`, docs/release.md).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use oci_spec::image::{Arch, Descriptor, ImageConfiguration, ImageIndex, ImageManifest};
use ring::digest::{SHA256, digest};
use tempfile::TempDir;

const X86_64: u16 = 62;
const AARCH64: u16 = 183;

/// The least 64-bit little-endian ELF file: a header, and one segment that names an interpreter or does not.
fn elf(machine: u16, interpreter: bool) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2u16.to_le_bytes()); // executable
    file.extend(machine.to_le_bytes());
    file.extend(1u32.to_le_bytes());
    file.extend(0u64.to_le_bytes()); // entry
    file.extend(64u64.to_le_bytes()); // segments follow the header
    file.extend(0u64.to_le_bytes()); // no sections
    file.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let kind: u32 = if interpreter { 3 } else { 1 };
    file.extend(kind.to_le_bytes());
    file.resize(64 + 56, 0);
    file
}

struct Workshop(TempDir);

impl Workshop {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("app"), elf(X86_64, false)).unwrap();
        fs::write(dir.path().join("LICENSE"), "Apache").unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `headroom-image --binary app --name example.org/app:1 --out NAME` and `more`.
    fn pack(&self, out: &str, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_headroom-image"))
            .args(["--binary", "app", "--name", "example.org/app:1", "--out", out])
            .args(more)
            .current_dir(self.0.path())
            .env_remove("SOURCE_DATE_EPOCH")
            .output()
            .unwrap()
    }

    fn packed(&self, out: &str, more: &[&str]) -> Blobs {
        let output = self.pack(out, more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Blobs::of(&self.path(out))
    }
}

/// A tar's files by path.
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    fn of(tar: &Path) -> Self {
        Self(
            entries(&fs::read(tar).unwrap())
                .into_iter()
                .map(|e| (e.0, e.2))
                .collect(),
        )
    }

    /// What a descriptor points at; its size and digest must be those of the blob.
    fn at(&self, descriptor: &Descriptor) -> &[u8] {
        let hex = descriptor.digest().digest();
        let blob = &self.0[&format!("blobs/sha256/{hex}")];
        assert_eq!(descriptor.size(), blob.len() as u64);
        assert_eq!(hex, sha256(blob));
        blob
    }

    fn manifest(&self) -> ImageManifest {
        let index = ImageIndex::from_reader(self.0["index.json"].as_slice()).unwrap();
        ImageManifest::from_reader(self.at(&index.manifests()[0])).unwrap()
    }

    fn configuration(&self) -> ImageConfiguration {
        ImageConfiguration::from_reader(self.at(self.manifest().config())).unwrap()
    }

    /// The layer's bytes, after comparing them with the digest in the configuration.
    fn layer(&self) -> Vec<u8> {
        let mut layer = Vec::new();
        let manifest = self.manifest();
        GzDecoder::new(self.at(&manifest.layers()[0]))
            .read_to_end(&mut layer)
            .unwrap();
        let diff = format!("sha256:{}", sha256(&layer));
        assert_eq!(self.configuration().rootfs().diff_ids(), &[diff]);
        layer
    }
}

/// Path, mode and content, in the archive's own order; every owner must be root.
fn entries(tar: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path, entry.header().mode().unwrap(), content)
    };
    archive.entries().unwrap().map(read).collect()
}

fn sha256(content: &[u8]) -> String {
    digest(&SHA256, content)
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[test]
fn a_reader_finds_what_was_packed() {
    let workshop = Workshop::new();
    let image = workshop.packed(
        "app.tar",
        &[
            "--cmd",
            "run",
            "--cmd",
            "--listen=:1",
            "--authorities",
            "--file",
            "LICENSE=/licenses/LICENSE",
            "--label",
            "org.opencontainers.image.version=1",
            "--created",
            "1",
        ],
    );
    assert_eq!(image.0["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = ImageIndex::from_reader(image.0["index.json"].as_slice()).unwrap();
    let names = index.manifests()[0].annotations().clone().unwrap();
    assert_eq!(names["io.containerd.image.name"], "example.org/app:1");
    assert_eq!(names["org.opencontainers.image.ref.name"], "1");

    let configuration = image.configuration();
    assert_eq!(configuration.architecture(), &Arch::Amd64);
    assert_eq!(configuration.created().as_deref(), Some("1970-01-01T00:00:01Z"));
    let process = configuration.config().clone().unwrap();
    assert_eq!(process.user().as_deref(), Some("65532:65532"));
    assert_eq!(process.entrypoint().clone().unwrap(), ["/app"]);
    assert_eq!(process.cmd().clone().unwrap(), ["run", "--listen=:1"]);
    assert_eq!(process.labels(), image.manifest().annotations());
    assert_eq!(
        process.labels().clone().unwrap()["org.opencontainers.image.version"],
        "1"
    );

    let found = entries(&image.layer());
    let paths: Vec<_> = found.iter().map(|(path, mode, _)| (path.as_str(), *mode)).collect();
    let expected = [
        ("etc/", 0o755),
        ("etc/ssl/", 0o755),
        ("etc/ssl/certs/", 0o755),
        ("licenses/", 0o755),
        ("app", 0o755),
        ("etc/ssl/certs/ca-certificates.crt", 0o644),
        ("licenses/LICENSE", 0o644),
    ];
    assert_eq!(paths, expected);
    assert_eq!(found[4].2, elf(X86_64, false));
    assert_eq!(found[6].2, b"Apache");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let workshop = Workshop::new();
    // Many labels: hash maps of one or two would agree by chance.
    let labels: Vec<_> = (0..20).map(|n| format!("--label=key{n}=value")).collect();
    let more: Vec<_> = labels.iter().map(String::as_str).chain(["--authorities"]).collect();
    workshop.packed("one.tar", &more);
    // Neither the file's time nor its mode gets in.
    let app = workshop.path("app");
    fs::File::options()
        .write(true)
        .open(&app)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    workshop.packed("two.tar", &more);
    let [one, two] = ["one.tar", "two.tar"].map(|name| sha256(&fs::read(workshop.path(name)).unwrap()));
    assert_eq!(one, two);
    // … and another input gives others, so that the comparison could fail.
    workshop.packed("three.tar", &["--created", "5"]);
    assert_ne!(one, sha256(&fs::read(workshop.path("three.tar")).unwrap()));
}

#[test]
fn the_processor_is_the_programs() {
    let workshop = Workshop::new();
    fs::write(workshop.path("app"), elf(AARCH64, false)).unwrap();
    let image = workshop.packed("app.tar", &["--entrypoint=/app", "--entrypoint=serve"]);
    let configuration = image.configuration();
    assert_eq!(configuration.architecture(), &Arch::ARM64);
    assert_eq!(
        configuration.config().clone().unwrap().entrypoint().clone().unwrap(),
        ["/app", "serve"]
    );
}

#[test]
fn refusals_name_the_remedy() {
    let workshop = Workshop::new();
    fs::write(workshop.path("dynamic"), elf(X86_64, true)).unwrap();
    fs::write(workshop.path("riscv"), elf(243, false)).unwrap();
    let cases: &[(&[&str], &str)] = &[
        (
            &["--binary", "dynamic"],
            "is linked dynamically, and the image has no linker; build it with RUSTFLAGS=",
        ),
        (
            &["--binary", "riscv"],
            "is for ELF machine 243; build it for x86_64 (62) or aarch64 (183)",
        ),
        (
            &["--binary", "LICENSE"],
            "LICENSE is no program for Linux: build it for",
        ),
        (&["--binary", "absent"], "cannot read absent: No such file"),
        (
            &["--name", "example.org/app"],
            "\"example.org/app\": has no tag; write NAME:TAG",
        ),
        (&["--user", "nobody"], "user \"nobody\": must be UID:GID in numbers"),
        (
            &["--created", "99999999999999"],
            "creation time 99999999999999: must be seconds since 1970",
        ),
        (
            &["--file", "LICENSE=etc/x"],
            "path \"etc/x\" in the image: must be absolute",
        ),
        (&["--file", "LICENSE"], "must be two values with `=` between them"),
        (&["--rootfs", "."], "--rootfs .: exists;"),
    ];
    for (more, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_headroom-image"))
            .args(arguments(more))
            .current_dir(workshop.0.path())
            .env_remove("SOURCE_DATE_EPOCH")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(expected),
            "{more:?}: {error}"
        );
    }
}

/// The usual arguments, but for one that the case gives itself.
fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let usual = [
        ("--binary", "app"),
        ("--name", "example.org/app:1"),
        ("--out", "out.tar"),
    ];
    let kept = usual.into_iter().filter(|(flag, _)| *flag != more[0]);
    kept.flat_map(|(flag, value)| [flag, value])
        .chain(more.iter().copied())
        .collect()
}

#[test]
fn a_containerfile_gets_the_same_files() {
    let workshop = Workshop::new();
    let image = workshop.packed("app.tar", &["--authorities", "--rootfs", "root"]);
    for (path, _, content) in entries(&image.layer()).iter().filter(|(path, ..)| !path.ends_with('/')) {
        assert_eq!(&fs::read(workshop.path("root").join(path)).unwrap(), content, "{path}");
    }
}
