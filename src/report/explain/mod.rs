//! Why the replicas are what they are: an [`Explanation`] read back from a policy's spec and status.
//!
//! Pure. The operator writes its decision into the status; here it is read again, and what the status leaves out is
//! asked of the engine's own functions. It must never decide anything itself.
//!
//! `view` (status → typed decision, with `names` and `waiting`) ← one file for each part of the answer: `freshness`, `answer`, `evidence`,
//! `pods`, `schedules`, `blocked`, `changes` ← `text` (the page). `types` is what all of them fill in.

mod adaptive;
mod answer;
mod blocked;
mod changes;
mod evidence;
mod freshness;
mod names;
mod pods;
mod schedules;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod view;
mod waiting;

use jiff::Timestamp;
use kube::ResourceExt;

use super::status::time;
use crate::api::ScalingPolicy;
use view::View;

pub use text::text;
pub use types::{
    Block, Blocked, Change, ChangeKind, Counts, Explanation, Forecast, Freshness, Limit, Pods, Proposal, Scaled,
    Schedule, Verdict,
};

/// Explains a policy as seen at `now`.
pub fn explain(object: &ScalingPolicy, now: Timestamp) -> Explanation {
    let view = View::new(object, now);
    let status = &view.status;
    let events = status.damping.as_ref().map_or(&[][..], |d| &d.scale_events);
    Explanation {
        at: time(now),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        target: object.spec.target_ref.clone(),
        mode: object.spec.mode,
        freshness: freshness::of(&view),
        answer: answer::of(&view),
        replicas: Counts {
            current: status.current_replicas,
            ready: status.ready_replicas,
            desired: status.desired_replicas,
        },
        decided: status.decision.as_ref().map(|d| d.time.clone()),
        message: status.decision.as_ref().map(|d| d.message.clone()),
        last_scaled: events.iter().max_by_key(|e| e.at.0).map(|e| Scaled {
            at: e.at.clone(),
            from: e.from,
            to: e.to,
        }),
        proposals: evidence::proposals(&view),
        limits: evidence::limits(&view),
        blocked: blocked::of(&view),
        conditions: evidence::conditions(&view),
        forecast: evidence::forecast(&view),
        pods: pods::of(&view),
        schedules: schedules::of(&view),
        would_change: changes::of(&view),
    }
}
