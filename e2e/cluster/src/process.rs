//! One supervised child process: started with its log in a file, stopped whatever becomes of this process.
//!
//! Each child runs under a few lines of POSIX shell that hold the read end of a pipe. The pipe closes when the
//! [`Process`] is dropped and also when this process dies of SIGKILL, and the shell then stops the child: statics that
//! are never dropped, panics and an impatient `kill -9` leave nothing behind. This needs no unsafe code and no helper
//! binary, and it works on Linux and macOS alike.
//!
//! Must never know what it runs: [`crate::control_plane`] and [`crate::prometheus`] do.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Runs `$4...` with its output in `$1`. At the end of file on standard input the child gets SIGTERM and, `$2` tenths of
/// a second later, SIGKILL. After the child has ended, the directory `$3` is removed unless it is empty text.
const SUPERVISOR: &str = r#"
log=$1 grace=$2 remove=$3; shift 3
exec 3<&0 4>&1 </dev/null >>"$log" 2>&1
"$@" 3<&- 4>&- & child=$!
echo "$child" >&4; exec 4>&-
{
    read -r _ <&3
    kill -TERM "$child"
    while [ "$grace" -gt 0 ]; do
        sleep 0.1; kill -0 "$child" 2>/dev/null || exit 0; grace=$((grace - 1))
    done
    kill -KILL "$child"
} & watcher=$!
exec 3<&-
wait "$child"; code=$?
kill "$watcher"
# Again where another process, which is ending too, has put a file there in the meantime.
tries=20
while [ -n "$remove" ] && ! rm -rf -- "$remove" && [ "$tries" -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
exit "$code"
"#;

/// Lines of a child's log that an error shows: enough for a Go stack's message and its cause.
const TAIL_LINES: usize = 15;

/// How often a condition is looked at while it is awaited: short against the second or so that a start takes.
const POLL: Duration = Duration::from_millis(50);

/// What went wrong with a child process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The supervising shell could not be started.
    #[error("cannot start {name} ({program}): {source}")]
    Spawn {
        /// Name of the process.
        name: String,
        /// Program that was to be run.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The process ended although it was needed.
    #[error("{name} ended with {status}; the end of its log {log}:\n{tail}")]
    Ended {
        /// Name of the process.
        name: String,
        /// Its exit status; 127 says that the program is missing.
        status: ExitStatus,
        /// Its log file, which may be gone with its directory.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The process runs, but what was awaited did not come about.
    #[error("{name}: {what} did not come about within {timeout:?}; the end of its log {log}:\n{tail}")]
    TimedOut {
        /// Name of the process.
        name: String,
        /// The condition.
        what: String,
        /// How long it was awaited.
        timeout: Duration,
        /// Its log file, which may be gone with its directory.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The operating system refused a signal or the exit status.
    #[error("cannot {what} {name}: {source}")]
    Control {
        /// What was tried.
        what: &'static str,
        /// Name of the process.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}

/// What to run, and how to end it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Name for messages, for example `etcd`.
    pub name: String,
    /// Program to run.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to this process's environment.
    pub env: Vec<(OsString, OsString)>,
    /// File that receives its output; appended to.
    pub log: PathBuf,
    /// Time between SIGTERM and SIGKILL, rounded down to tenths of a second.
    pub grace: Duration,
    /// Directory that is removed after the process has ended, even when this process no longer exists.
    pub remove: Option<PathBuf>,
}

impl Spec {
    /// A process that has five seconds to end itself and removes nothing.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            log: log.into(),
            grace: Duration::from_secs(5),
            remove: None,
        }
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to the environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets the time between SIGTERM and SIGKILL.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

/// A running child. Dropping it stops it and blocks until it has ended: its grace at the most.
#[derive(Debug)]
pub struct Process {
    spec: Spec,
    supervisor: Child,
    /// The end of the pipe whose closing stops the child.
    lifeline: Option<ChildStdin>,
    pid: u32,
}

impl Process {
    /// Starts a process. A program that is missing shows at the next [`Process::check`], with status 127.
    ///
    /// # Errors
    /// [`ProcessError::Spawn`] where no shell can be started or the log cannot be written.
    pub fn spawn(spec: Spec) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Spawn {
            name: spec.name.clone(),
            program: spec.program.clone(),
            source,
        };
        let mut supervisor = Command::new("/bin/sh")
            .arg("-c")
            .arg(SUPERVISOR)
            .arg("supervisor")
            .arg(&spec.log)
            .arg((spec.grace.as_millis() / 100).to_string())
            .arg(spec.remove.as_deref().unwrap_or(Path::new("")))
            .arg(&spec.program)
            .args(&spec.args)
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Its own group, so that Ctrl-C at a terminal reaches only this process, which stops things in order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let lifeline = supervisor.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
        }
        let pid = line.trim().parse().map_err(|_| {
            let log = spec.log.display();
            failed(std::io::Error::other(format!(
                "the supervising shell reported no process id; can {log} be written?"
            )))
        })?;
        Ok(Self {
            spec,
            supervisor,
            lifeline,
            pid,
        })
    }

    /// Process id of the child itself, not of its supervisor.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// File with its output.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Makes sure that the process still runs.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] with the end of its log where it does not.
    pub fn check(&mut self) -> Result<(), ProcessError> {
        let status = self
            .supervisor
            .try_wait()
            .map_err(|source| self.control("wait for", source))?;
        match status {
            None => Ok(()),
            Some(status) => Err(ProcessError::Ended {
                name: self.spec.name.clone(),
                status,
                log: self.spec.log.clone(),
                tail: tail(&self.spec.log),
            }),
        }
    }

    /// Waits until `condition` holds.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] as soon as the process ends, [`ProcessError::TimedOut`] after `timeout`.
    pub async fn wait_until(
        &mut self,
        what: &str,
        timeout: Duration,
        mut condition: impl AsyncFnMut() -> bool,
    ) -> Result<(), ProcessError> {
        let started = Instant::now();
        loop {
            if condition().await {
                return Ok(());
            }
            self.check()?;
            if started.elapsed() >= timeout {
                return Err(ProcessError::TimedOut {
                    name: self.spec.name.clone(),
                    what: what.to_owned(),
                    timeout,
                    log: self.spec.log.clone(),
                    tail: tail(&self.spec.log),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the process with SIGKILL, as a crash or the out-of-memory killer would, and blocks until it is gone.
    ///
    /// # Errors
    /// [`ProcessError::Control`] where the signal is refused.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        if self.check().is_ok()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            kill_process(pid, Signal::KILL).map_err(|errno| self.control("kill", errno.into()))?;
            self.supervisor
                .wait()
                .map_err(|source| self.control("wait for", source))?;
        }
        Ok(())
    }

    /// Asks the process to end and returns at once; dropping it then waits for the end. Several processes are stopped
    /// in the time of the slowest by asking all of them first.
    pub fn ask_to_stop(&mut self) {
        self.lifeline = None;
    }

    fn control(&self, what: &'static str, source: std::io::Error) -> ProcessError {
        ProcessError::Control {
            what,
            name: self.spec.name.clone(),
            source,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.ask_to_stop();
        // The supervisor ends within its grace; the margin covers a machine that is busy with something else.
        let deadline = Instant::now() + self.spec.grace + Duration::from_secs(5);
        while let Ok(None) = self.supervisor.try_wait() {
            if Instant::now() >= deadline {
                if let Some(group) = i32::try_from(self.supervisor.id()).ok().and_then(Pid::from_raw) {
                    // Nothing is left to do where even this fails: the group has ended in the meantime.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = self.supervisor.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The last lines of a text file; a note where it cannot be read.
pub(crate) fn tail(file: &Path) -> String {
    match std::fs::read(file) {
        Err(error) => format!("({error})"),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
        }
    }
}
