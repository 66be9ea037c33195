//! `headroom-image`: one static program, and what it needs, as a container image in a tar.
//!
//! Must never hold logic: everything is in the library.

#![deny(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Parser;
use headroom_image::{AUTHORITIES_PATH, File, Files, Image, architecture, authorities, read, write};

/// Packs a static program as a container image, without a container engine.
///
/// The tar is an OCI image layout: `ctr -n k8s.io images import`, `skopeo copy oci-archive:…`, `docker load`, `podman load`.
/// The same input gives the same bytes.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// A statically linked program for Linux; it becomes /FILENAME in the image.
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The image's full name, with a tag.
    #[arg(long, value_name = "NAME:TAG")]
    name: String,
    /// Where the tar goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The command, and its fixed arguments: once for each word [default: /FILENAME].
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    entrypoint: Vec<String>,
    /// Arguments that a pod's `args` replace: once for each word.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    cmd: Vec<String>,
    /// Who runs it, in numbers.
    #[arg(long, value_name = "UID:GID", default_value = "65532:65532")]
    user: String,
    /// Another file: where it lies here, and its absolute path in the image. Repeatable.
    #[arg(long, value_name = "FILE=/PATH", value_parser = pair)]
    file: Vec<(String, String)>,
    /// Put Mozilla's certificate authorities in, for programs that speak TLS.
    #[arg(long)]
    authorities: bool,
    /// A label, which is the manifest's annotation too. Repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// The time of the image and its files, in seconds since 1970: the commit's, for an image that others can rebuild.
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH", default_value_t = 0)]
    created: u64,
    /// Write the image's files to this directory too, for a Containerfile that copies them. Must not exist yet.
    #[arg(long, value_name = "DIR")]
    rootfs: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let program = read(&cli.binary, true)?;
    let name = cli.binary.file_name().and_then(|n| n.to_str());
    let path = format!("/{}", name.context("--binary: the file's name must be UTF-8")?);
    let architecture = architecture(&program.content).map_err(anyhow::Error::msg)?;
    let mut files = Files::default();
    files.insert(&path, program)?;
    if cli.authorities {
        let bundle = File {
            content: authorities().into_bytes(),
            executable: false,
        };
        files.insert(AUTHORITIES_PATH, bundle)?;
    }
    for (from, to) in &cli.file {
        files.insert(to, read(from.as_ref(), false)?)?;
    }
    if let Some(root) = &cli.rootfs {
        if root.exists() {
            bail!(
                "--rootfs {}: exists; what is left in it would get into the image. Remove it first",
                root.display()
            );
        }
        files.write(root)?;
    }
    let image = Image {
        name: cli.name,
        files,
        entrypoint: if cli.entrypoint.is_empty() {
            vec![path]
        } else {
            cli.entrypoint
        },
        cmd: cli.cmd,
        user: cli.user,
        architecture: architecture.to_owned(),
        labels: cli.label.into_iter().collect::<BTreeMap<_, _>>(),
        created: cli.created,
    };
    let cannot = || format!("cannot write {}", cli.out.display());
    if let Some(folder) = cli.out.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    write(&image, BufWriter::new(fs::File::create(&cli.out).with_context(cannot)?))?;
    let size = fs::metadata(&cli.out).with_context(cannot)?.len();
    writeln!(
        std::io::stdout(),
        "{}: {} for {architecture}, {:.1} MB",
        cli.out.display(),
        image.name,
        size as f64 / 1e6
    )?;
    Ok(())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be two values with `=` between them")?;
    if key.is_empty() || value.is_empty() {
        return Err("must have a value on either side of `=`".into());
    }
    Ok((key.to_owned(), value.to_owned()))
}
