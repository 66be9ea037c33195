//! How far the build of the binaries is, for people.
//!
//! [`Progress`] is the event, [`console`] the display on standard error: a bar where that is a terminal, a line now and
//! then where it is not (a CI log). Must never decide anything.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal, a line at least this often: a quiet build of ten minutes looks like a hung one.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Something happened in [`crate::Binaries::ensure`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process builds into the same cache.
    Waiting,
    /// Go resolves and downloads modules.
    Resolving {
        /// Modules downloaded so far.
        downloaded: usize,
    },
    /// A component is being compiled.
    Building {
        /// One-based number of the component.
        step: usize,
        /// Number of components.
        steps: usize,
        /// What is built, for example `kubernetes v1.36.3: kube-apiserver, kubectl`.
        what: String,
        /// Packages compiled so far; those that Go has in its cache are never counted.
        done: usize,
        /// Packages that it consists of.
        total: usize,
    },
    /// A component is there.
    Built {
        /// One-based number of the component.
        step: usize,
        /// Number of components.
        steps: usize,
        /// What was built.
        what: String,
        /// How long it took.
        took: Duration,
    },
}

/// Shows progress on standard error.
pub fn console() -> impl FnMut(Progress) + Send + 'static {
    let terminal = std::io::stderr().is_terminal();
    let mut bar: Option<ProgressBar> = None;
    let mut last_line: Option<(String, Instant)> = None;
    move |progress| {
        let (text, done, total) = match progress {
            Progress::Waiting => ("waiting for another build into the same cache".to_owned(), 0, 0),
            Progress::Resolving { downloaded: 0 } => ("Go modules".to_owned(), 0, 0),
            Progress::Resolving { downloaded } => (format!("Go modules: {downloaded} downloaded"), 0, 0),
            Progress::Building {
                step,
                steps,
                what,
                done,
                total,
            } => (format!("[{step}/{steps}] {what}"), done, total),
            Progress::Built {
                step,
                steps,
                what,
                took,
            } => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
                last_line = None;
                line(&format!("[{step}/{steps}] {what} … {}", minutes(took)));
                return;
            }
        };
        if terminal {
            let bar = bar.get_or_insert_with(|| {
                let bar = ProgressBar::new(0);
                bar.enable_steady_tick(Duration::from_millis(250));
                bar
            });
            let template = if total > 0 {
                "{spinner} {msg} {wide_bar} {pos}/{len} packages {elapsed}"
            } else {
                "{spinner} {msg} {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(text);
        } else if last_line
            .as_ref()
            .is_none_or(|(last, at)| *last != text || at.elapsed() >= LINE_EVERY)
        {
            let count = if total > 0 {
                format!(" {done}/{total} packages")
            } else {
                String::new()
            };
            line(&format!("{text}{count}"));
            last_line = Some((text, Instant::now()));
        }
    }
}

/// A closed standard error is no reason to stop a build.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn minutes(took: Duration) -> String {
    match (took.as_secs() / 60, took.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds:02}s"),
    }
}
