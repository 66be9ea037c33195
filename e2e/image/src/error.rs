//! What can go wrong, with the remedy.

use std::path::PathBuf;

/// Why no image was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that the image is to hold.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program that could not start in an image without any other file.
    #[error("{path} {problem}")]
    Program {
        /// Which.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A path that no image has.
    #[error("path {0:?} in the image: must be absolute, without `.`, `..` or empty parts, and no directory of another")]
    Path(String),
    /// A reference without a tag, which kubelet would read as `latest` and pull.
    #[error("image name {0:?}: has no tag; write NAME:TAG, for example example.org/app:1.0")]
    Name(String),
    /// A user that is no pair of numbers.
    #[error("user {0:?}: must be UID:GID in numbers, for example 65532:65532; the image has no names")]
    User(String),
    /// A time that no calendar has.
    #[error("creation time {0}: must be seconds since 1970, at most 253402207200 (the year 9999)")]
    Created(u64),
    /// The tar or the directory.
    #[error("cannot write the image: {0}")]
    Write(#[from] std::io::Error),
    /// A document of the image: an architecture or a digest that the specification does not know.
    #[error("cannot describe the image: {0}")]
    Describe(#[from] oci_spec::OciSpecError),
    /// The same, as JSON.
    #[error("cannot describe the image: {0}")]
    Json(#[from] serde_json::Error),
}
