//! Why a replay did not happen: every error names the file or the option, the value and the remedy.

use std::io;
use std::path::PathBuf;

use super::render;
use super::series::SeriesError;

/// Why a replay did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the example is not the example's any more.
    #[error(
        "{}: was edited, and --example would write over it; replay it with --policy, --trace and --replica-capacity, \
         give another --out, or remove it", path.display()
    )]
    Edited {
        /// The file.
        path: PathBuf,
    },
    /// The policy's file holds no policy that can be replayed.
    #[error("{}: {problem}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// The field, the value and the remedy.
        problem: String,
    },
    /// The trace or the history is no series of loads.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// An option does not fit the others.
    #[error("--{option}: {problem}")]
    Option {
        /// The option.
        option: &'static str,
        /// The value and the remedy.
        problem: String,
    },
    /// The page could not be drawn.
    #[error("report.html: {0}")]
    Render(#[from] render::RenderError),
}
