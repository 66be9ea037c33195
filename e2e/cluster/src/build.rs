//! Builds the programs with Go, once per version, one process at a time.
//!
//! A component counts as built when the recipe beside its programs is the present one: flags and `go.mod`, so that a
//! changed pin is never served an old binary. Programs are built in a directory of their own and moved into place as a
//! whole: an interrupted build leaves nothing that looks complete. Blocking; [`crate::binaries`] calls it off the runtime.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::component::{COMPONENTS, Component};
use crate::process::tail;
use crate::progress::Progress;

/// The directory of the Go modules that pin the versions.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools");

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no place for the cache.
    #[error("no directory for the cache of built programs: set HEADROOM_CACHE, XDG_CACHE_HOME or HOME")]
    NoCache,
    /// Go is not installed.
    #[error(
        "Go is missing: `go` is not in PATH ({0}). The control plane is built from source, so install Go 1.26 or newer \
         (https://go.dev/dl, or your system's package) and run this again"
    )]
    GoMissing(std::io::Error),
    /// Go failed.
    #[error(
        "`{command}` failed in {dir} ({status}). The end of its log {log}:\n{tail}\nWhere a download failed, check the \
         network and GOPROXY; then run this again: what was compiled is kept. Where the disk is full: a build takes 8 GB"
    )]
    Go {
        /// The command.
        command: String,
        /// Where it ran.
        dir: PathBuf,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// File with all of its output.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A file of the cache or the checkout could not be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A component's `go.mod` does not require it.
    #[error("{path} requires no version of {module}")]
    NotPinned {
        /// The `go.mod`.
        path: PathBuf,
        /// The Go module.
        module: &'static str,
    },
    /// The thread that built did not come to an end of its own.
    #[error("the build was interrupted: {0}")]
    Interrupted(String),
}

/// Directory of the present version of each component, in the order of [`COMPONENTS`]; those that are not wanted may not
/// be there.
pub(crate) fn ensure(
    cache: &Path,
    wanted: impl Fn(&Component) -> bool,
    mut progress: impl FnMut(Progress),
) -> Result<[PathBuf; COMPONENTS.len()], BuildError> {
    let mut steps = Vec::new();
    for component in &COMPONENTS {
        let path = Path::new(TOOLS).join(component.pinned_in).join("go.mod");
        let go_mod = std::fs::read_to_string(&path).map_err(file(&path))?;
        let not_pinned = || BuildError::NotPinned {
            path,
            module: component.module,
        };
        let version = component.version(&go_mod).ok_or_else(not_pinned)?;
        let flags = component.flags(version);
        steps.push(Step {
            component,
            what: format!("{} {version}: {}", component.name, component.program_names()),
            dir: cache.join(format!("{}-{version}", component.name)),
            recipe: format!("{}\n{go_mod}", flags.join("\n")),
            flags,
        });
    }
    let dirs: Vec<PathBuf> = steps.iter().map(|step| step.dir.clone()).collect();
    steps.retain(|step| wanted(step.component));
    if !steps.iter().all(Step::is_built) {
        std::fs::create_dir_all(cache).map_err(file(cache))?;
        let _lock = lock(&cache.join("lock"), &mut progress)?;
        build_missing(cache, &steps, &mut progress)?;
    }
    let mut dirs = dirs.into_iter();
    Ok(COMPONENTS.map(|_| dirs.next().unwrap_or_default()))
}

/// One component, made concrete.
struct Step {
    component: &'static Component,
    what: String,
    dir: PathBuf,
    recipe: String,
    flags: Vec<String>,
}

impl Step {
    fn is_built(&self) -> bool {
        let programs = self
            .component
            .programs
            .iter()
            .all(|program| self.dir.join(program.name).is_file());
        programs && std::fs::read_to_string(self.dir.join("recipe")).is_ok_and(|recipe| recipe == self.recipe)
    }

    fn build(&self, mut line: impl FnMut(&str)) -> Result<(), BuildError> {
        let partial = self.dir.with_added_extension("partial");
        remove(&partial)?;
        std::fs::create_dir_all(&partial).map_err(file(&partial))?;
        // `-o` with a directory names each program after its package; a single one is named outright, because etcd's
        // package is called `server`.
        let output = match self.component.programs {
            [program] => partial.join(program.name),
            _ => partial.join(""),
        };
        // Beside the directory, not in it: the log of a failed build must outlive it.
        let log = self.dir.with_added_extension("log");
        let mut go = go(self.component, &["build", "-v"]);
        go.args(&self.flags)
            .arg("-o")
            .arg(output)
            .args(self.component.packages());
        run(go, &log, |_| (), &mut line)?;
        let recipe = partial.join("recipe");
        std::fs::write(&recipe, &self.recipe).map_err(file(&recipe))?;
        remove(&self.dir)?;
        std::fs::rename(&partial, &self.dir).map_err(file(&self.dir))
    }
}

fn build_missing(cache: &Path, steps: &[Step], progress: &mut dyn FnMut(Progress)) -> Result<(), BuildError> {
    // Another process may have built everything while this one waited for the lock.
    if steps.iter().all(Step::is_built) {
        return Ok(());
    }
    progress(Progress::Resolving { downloaded: 0 });
    let mut downloaded = 0;
    let mut seen = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        let mut packages = HashSet::new();
        let mut list = go(step.component, &["list", "-deps"]);
        list.arg(step.component.tags()).args(step.component.packages());
        run(
            list,
            &cache.join("modules.log"),
            |package| _ = packages.insert(package.to_owned()),
            |line| {
                if line.starts_with("go: downloading") {
                    downloaded += 1;
                    progress(Progress::Resolving { downloaded });
                }
            },
        )?;
        // What an earlier component has compiled is not compiled again, unless another module pins other versions.
        let shared: &mut HashSet<String> = seen.entry(step.component.pinned_in).or_default();
        let total = packages.difference(shared).count();
        shared.extend(packages);
        if step.is_built() {
            continue;
        }
        let started = Instant::now();
        let mut report = |done: usize| {
            let what = step.what.clone();
            progress(Progress::Building {
                step: index + 1,
                steps: steps.len(),
                what,
                done: done.min(total),
                total,
            });
        };
        report(0);
        let mut done = 0;
        step.build(|line| {
            // Everything else that Go prints is a message, and no import path has a space.
            if !line.contains(' ') {
                done += 1;
                report(done);
            }
        })?;
        let what = step.what.clone();
        progress(Progress::Built {
            step: index + 1,
            steps: steps.len(),
            what,
            took: started.elapsed(),
        });
    }
    Ok(())
}

/// A command that ignores the habits of the person who runs it: flags and workspaces of their own projects, and C.
fn go(component: &Component, args: &[&str]) -> Command {
    let mut command = Command::new("go");
    command
        .args(args)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .current_dir(Path::new(TOOLS).join(component.pinned_in));
    command
}

/// Runs Go to its end, with each line of its standard output and error shown to a function and kept in `log`.
fn run(
    mut command: Command,
    log: &Path,
    mut output: impl FnMut(&str) + Send,
    mut error: impl FnMut(&str),
) -> Result<(), BuildError> {
    let mut kept = File::create(log).map_err(file(log))?;
    let text = format!("{command:?}");
    let dir = command.get_current_dir().unwrap_or(Path::new(TOOLS)).to_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(BuildError::GoMissing)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| -> std::io::Result<()> {
        let reader = scope.spawn(|| each_line(stdout, &mut output));
        let mut kept_result = Ok(());
        each_line(stderr, |line| {
            if kept_result.is_ok() {
                kept_result = writeln!(kept, "{line}");
            }
            error(line);
        })?;
        kept_result?;
        reader
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the reader of go's output panicked")))
    })
    .map_err(file(log))?;
    let status = child.wait().map_err(file("go"))?;
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Go {
        command: text,
        dir,
        status,
        log: log.to_owned(),
        tail: tail(log),
    })
}

fn each_line(stream: Option<impl std::io::Read>, mut show: impl FnMut(&str)) -> std::io::Result<()> {
    let Some(stream) = stream else { return Ok(()) };
    BufReader::new(stream)
        .lines()
        .try_for_each(|line| line.map(|line| show(&line)))
}

/// Held until it is dropped. The kernel releases it when the process dies, so that it cannot be left behind.
fn lock(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<File, BuildError> {
    let lock = File::create(path).map_err(file(path))?;
    if lock.try_lock().is_err() {
        progress(Progress::Waiting);
        lock.lock().map_err(file(path))?;
    }
    Ok(lock)
}

fn remove(dir: &Path) -> Result<(), BuildError> {
    match std::fs::remove_dir_all(dir) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(file(dir)(source)),
        _ => Ok(()),
    }
}

fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.into();
    |source| BuildError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_is_not_built() {
        let cache = tempfile::tempdir().unwrap();
        let dirs = ensure(cache.path(), |_| false, |progress| unreachable!("{progress:?}")).unwrap();
        assert!(
            dirs.iter().all(|dir| dir.starts_with(cache.path()) && !dir.exists()),
            "{dirs:?}"
        );
    }
}
