//! Container images without a container engine: static programs in, an OCI image layout in a tar out.
//!
//! The same input gives the same bytes: entries are sorted, times are an argument, nothing of the machine gets in. It
//! knows nothing of Headroom, and never fetches anything.
//!
//! - `program`: what an ELF file needs and for which processor it is
//! - `layer`: files to the one layer, or to a directory for a Containerfile
//! - `layout`: layer and configuration to the tar
//! - `authorities`: the certificate authorities that TLS clients look for
//! - `sbom`: the bill of materials of a program

#![deny(clippy::panic, clippy::unwrap_used)]

mod authorities;
mod error;
mod layer;
mod layout;
mod program;
mod sbom;

use std::collections::BTreeMap;
use std::path::Path;

pub use authorities::{AUTHORITIES_PATH, authorities};
pub use error::Error;
pub use layer::{File, Files};
pub use layout::write;
pub use program::architecture;
pub use sbom::{Linked, SbomError, bill};

/// What an image holds and how it is started.
#[derive(Debug, Clone)]
pub struct Image {
    /// Full reference with a tag: `ghcr.io/headroom-dev/headroom:0.1.0`.
    pub name: String,
    /// Its files.
    pub files: Files,
    /// The command, which a pod's `command` replaces.
    pub entrypoint: Vec<String>,
    /// The command's arguments, which a pod's `args` replace.
    pub cmd: Vec<String>,
    /// `UID:GID`. Numbers: an image without /etc/passwd has no names, and `runAsNonRoot` can only judge numbers.
    pub user: String,
    /// The processor, as OCI names it: `amd64`, `arm64`.
    pub architecture: String,
    /// Labels, which are the manifest's annotations too: people look at either.
    pub labels: BTreeMap<String, String>,
    /// When it was made, and every file's time: seconds since 1970-01-01T00:00:00Z.
    pub created: u64,
}

/// Reads a file of this machine; a program (`executable`) must be one that runs without any other file.
///
/// # Errors
/// The file cannot be read; or it is to be a program and needs a dynamic linker, which an empty image has not.
pub fn read(path: &Path, executable: bool) -> Result<File, Error> {
    let content = std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    if executable {
        program::check(&content).map_err(|problem| Error::Program {
            path: path.to_owned(),
            problem,
        })?;
    }
    Ok(File { content, executable })
}
