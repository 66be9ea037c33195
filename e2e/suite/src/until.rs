//! Waiting for what must come about, with what was seen last where it does not.

use std::time::{Duration, Instant};

use anyhow::bail;

/// How often is looked: short against a pod's start, long against a request.
const POLL: Duration = Duration::from_millis(100);

/// What a look found.
pub(crate) enum Look<T> {
    /// What was awaited.
    Here(T),
    /// What there is instead.
    Not(String),
}

impl Look<()> {
    /// Here where it holds.
    pub(crate) fn whether(holds: bool, instead: impl Into<String>) -> Self {
        if holds {
            Self::Here(())
        } else {
            Self::Not(instead.into())
        }
    }
}

/// Looks until it is there. Fails after `patience`, or at once where a look fails.
pub(crate) async fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Look<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match look().await? {
            Look::Here(found) => return Ok(found),
            Look::Not(seen) if begun.elapsed() >= patience => {
                bail!("{what}: not within {patience:?}; seen last: {seen}")
            }
            Look::Not(_) => tokio::time::sleep(POLL).await,
        }
    }
}
