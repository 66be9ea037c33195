//! `status.damping`: what a restart or a new leader needs so that cooldowns and rate limits are not forgotten.
//!
//! Written by [`status`] and [`announce`], read by [`restore`], which trusts nothing: people can edit a status.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{count, time};
use crate::api::status::{DampingStatus, ScaleEventStatus, ScalingPolicyStatus};
use crate::engine::decision::ScaleEvent;
use crate::engine::state::State;

/// The schema's bound of `scaleEvents`.
const MOST_EVENTS: usize = 64;

/// The state's part that has to survive.
pub(super) fn status(state: &State, pending: Option<ScaleEvent>, target: &str) -> DampingStatus {
    let events = state.events();
    let surplus = events.len().saturating_sub(MOST_EVENTS);
    DampingStatus {
        target_uid: Some(target.to_owned()),
        pending_scale: pending.map(event),
        scale_events: events.skip(surplus).copied().map(event).collect(),
        max_replicas: state.obeyed_max().map(count),
    }
}

/// Announces a change in a status before it is made.
pub fn announce(status: &mut ScalingPolicyStatus, pending: ScaleEvent) {
    status.damping.get_or_insert_default().pending_scale = Some(event(pending));
}

/// The scale events (oldest first), the announced change and the obeyed `maxReplicas`, for [`State::restore`].
///
/// Nothing where the status speaks of another target than `target` (a uid): edited `targetRef`, or created anew. What
/// cannot be true is left out: negative counts, changes that change nothing. Instants that lie ahead are passed
/// on, because there is no clock here; the state takes them as now.
pub fn restore(
    status: Option<&ScalingPolicyStatus>,
    target: &str,
) -> (Vec<ScaleEvent>, Option<ScaleEvent>, Option<u32>) {
    let same = |d: &&DampingStatus| d.target_uid.as_deref().is_none_or(|uid| uid == target);
    let Some(damping) = status.and_then(|s| s.damping.as_ref()).filter(same) else {
        return (Vec::new(), None, None);
    };
    let mut events: Vec<ScaleEvent> = damping.scale_events.iter().filter_map(known).collect();
    events.sort_by_key(|e| e.at);
    events.drain(..events.len().saturating_sub(MOST_EVENTS));
    let pending = damping.pending_scale.as_ref().and_then(known);
    let max = damping
        .max_replicas
        .and_then(|m| u32::try_from(m).ok())
        .filter(|m| *m > 0);
    (events, pending, max)
}

fn event(event: ScaleEvent) -> ScaleEventStatus {
    ScaleEventStatus {
        at: later(event.at),
        from: count(event.from),
        to: count(event.to),
        forced: event.forced,
    }
}

fn known(event: &ScaleEventStatus) -> Option<ScaleEvent> {
    let (from, to) = (u32::try_from(event.from).ok()?, u32::try_from(event.to).ok()?);
    (from != to).then_some(ScaleEvent {
        at: event.at.0,
        from,
        to,
        forced: event.forced,
    })
}

/// The next whole second: a restart may make a cooldown up to a second longer, never shorter.
fn later(at: Timestamp) -> Time {
    let Time(whole) = time(at);
    let fraction = at.duration_since(whole).is_positive();
    let up = whole.as_second().saturating_add(i64::from(fraction));
    Time(Timestamp::from_second(up).unwrap_or(whole))
}
