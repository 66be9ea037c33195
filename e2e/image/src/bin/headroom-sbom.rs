//! `headroom-sbom`: the bill of materials of one program, from what `cargo cyclonedx` says of the workspace.
//!
//! Must never hold logic: everything is in the library.

#![deny(clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use clap::Parser;
use headroom_image::{Linked, bill};

/// Makes the CycloneDX bill of one program, and fails where a crate or its licence is missing.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// What `cargo cyclonedx --format json --describe binaries` wrote for the package. It is removed.
    #[arg(long, value_name = "FILE")]
    bom: PathBuf,
    /// The package whose program it is.
    #[arg(long, value_name = "NAME")]
    package: String,
    /// The platform that it is built for.
    #[arg(long, value_name = "TRIPLE")]
    target: String,
    /// A library in the program that is no crate: the C library of a static program, Rust's own. Repeatable.
    #[arg(long, value_name = "VENDOR:NAME:VERSION:LICENCE")]
    linked: Vec<Linked>,
    /// Where the bill goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let text = fs::read(&cli.bom).with_context(|| format!("cannot read {}", cli.bom.display()))?;
    let document = serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", cli.bom.display()))?;
    let tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}",
        ])
        .args(["--package", &cli.package, "--target", &cli.target])
        .output()
        .context("cannot start cargo")?;
    if !tree.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&tree.stderr).trim());
    }
    let checkout = std::env::current_dir().context("cannot tell the current directory")?;
    let bill = bill(
        document,
        &String::from_utf8(tree.stdout)?,
        &checkout.to_string_lossy(),
        &cli.linked,
    )?;
    let crates = bill["components"].as_array().map_or(0, Vec::len);
    fs::write(&cli.out, serde_json::to_vec_pretty(&bill)?)
        .with_context(|| format!("cannot write {}", cli.out.display()))?;
    fs::remove_file(&cli.bom).with_context(|| format!("cannot remove {}", cli.bom.display()))?;
    writeln!(
        std::io::stdout(),
        "{}: {crates} crates and libraries, every one with its licence",
        cli.out.display()
    )?;
    Ok(())
}
