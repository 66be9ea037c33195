//! How long one pod took from its creation to its first Ready, as far as that can be known.
//!
//! A pod's status tells since when it is ready *now*: one that flapped an hour ago, on its third day, would measure 71
//! hours. Hence the rule, by what the pod was when it was first seen:
//! - **Never ready so far** (no Ready condition, or one that has been False since the kubelet took the pod): its first
//!   Ready is watched, and measured. Later ones change nothing.
//! - **Not ready, but it was before**: how long it took is unknown, for good.
//! - **Ready**: plausible where no container was ever restarted and it became ready soon after its last one started,
//!   otherwise unknown. A flap can still hide in this, but only one within [`WARM_UP`] of the start; and flapping only
//!   ever lengthens, so `pods.rs` takes the shortest of these, and only as long as nothing was measured.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodCondition};

/// Between `startTime` and the first Ready=False. The kubelet sets both in one update; two seconds cover the rounding of
/// each to a whole one.
const SAME_UPDATE: SignedDuration = SignedDuration::from_secs(2);
/// Longest believed time between the start of a pod's last container and its Ready, where it was not watched. Loading
/// code and caches takes seconds to minutes; flaps come hours and days later. What does take longer is measured at the
/// first pod that starts under the operator's eyes.
const WARM_UP: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a pod's start-up time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Startup {
    /// It was never ready so far; its first Ready will be measured.
    Awaited,
    /// Its first Ready was watched.
    Measured(SignedDuration),
    /// It was ready when first seen, perhaps for the first time.
    Plausible(SignedDuration),
    /// It was ready before it was seen; nobody knows since when.
    Unknown,
}

impl Startup {
    /// What the first sight of a pod tells.
    pub(super) fn first(pod: &Pod) -> Startup {
        let Some(condition) = ready(pod) else {
            return Startup::Awaited;
        };
        if condition.status == "True" {
            let since = ready_since(pod);
            let took = since.and_then(|since| plausible(pod, since));
            return took.map_or(Startup::Unknown, Startup::Plausible);
        }
        let since = condition.last_transition_time.as_ref().map(|t| t.0);
        let taken = pod.status.as_ref().and_then(|s| s.start_time.as_ref()).map(|t| t.0);
        match (since, taken) {
            (Some(since), Some(taken)) if since <= taken + SAME_UPDATE => Startup::Awaited,
            // No kubelet has it yet.
            (_, None) => Startup::Awaited,
            _ => Startup::Unknown,
        }
    }

    /// What a later sight tells: only the first Ready counts.
    pub(super) fn next(self, pod: &Pod) -> Startup {
        match (self, ready_since(pod)) {
            (Startup::Awaited, Some(since)) => age(pod, since).map_or(Startup::Unknown, Startup::Measured),
            (known, _) => known,
        }
    }
}

/// Whether the pod serves: ready, and not on its way out.
pub(super) fn serves(pod: &Pod) -> bool {
    ready(pod).is_some_and(|c| c.status == "True") && pod.metadata.deletion_timestamp.is_none()
}

/// Since when the pod is ready, where it is.
fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let ready = ready(pod).filter(|c| c.status == "True")?;
    Some(ready.last_transition_time.as_ref()?.0)
}

fn ready(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|c| c.type_ == "Ready")
}

/// Its age at that instant.
fn age(pod: &Pod, at: Timestamp) -> Option<SignedDuration> {
    let created = pod.metadata.creation_timestamp.as_ref()?.0;
    Some(at.duration_since(created)).filter(|age| !age.is_negative())
}

/// Its age when it became ready, where that may have been the first time.
fn plausible(pod: &Pod, since: Timestamp) -> Option<SignedDuration> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let started = containers.iter().map(|c| {
        let running = c.state.as_ref()?.running.as_ref()?;
        Some(running.started_at.as_ref()?.0).filter(|_| c.restart_count == 0)
    });
    let last = started.collect::<Option<Vec<Timestamp>>>()?.into_iter().max()?;
    age(pod, since).filter(|_| since.duration_since(last) <= WARM_UP)
}
