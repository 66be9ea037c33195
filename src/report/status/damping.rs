//! `status.damping`: what a restart or a new leader needs so that cooldowns and rate limits are not forgotten.
//!
//! Written by [`status`] and [`announce`], read by [`restore`], which trusts nothing: people can edit a status.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{MOST_METRICS, count, time};
use crate::api::status::{DampingStatus, RuleStatus, ScaleEventStatus, ScalingPolicyStatus};
use crate::engine::decision::ScaleEvent;
use crate::engine::state::{Remembered, RuleTimes, State};

/// The schema's bound of `scaleEvents`.
const MOST_EVENTS: usize = 64;

/// The state's part that has to survive.
pub(super) fn status(state: &State, pending: Option<&ScaleEvent>, target: &str) -> DampingStatus {
    let events = state.events();
    let surplus = events.len().saturating_sub(MOST_EVENTS);
    let rules = state.rules().iter().take(MOST_METRICS).map(|rule| RuleStatus {
        name: rule.name.to_string(),
        up: rule.up.map(later),
        down: rule.down.map(later),
    });
    DampingStatus {
        target_uid: Some(target.to_owned()),
        pending_scale: pending.map(event),
        scale_events: events.skip(surplus).map(event).collect(),
        max_replicas: state.obeyed_max().map(count),
        rules: rules.collect(),
        scaled_to_zero: state.zeroed(),
    }
}

/// Announces a change in a status before it is made.
pub fn announce(status: &mut ScalingPolicyStatus, pending: &ScaleEvent) {
    status.damping.get_or_insert_default().pending_scale = Some(event(pending));
}

/// What [`State::restore`] needs, and the change that was announced.
///
/// Nothing where the status speaks of another target than `target` (a uid): edited `targetRef`, or created anew. What
/// cannot be true is left out: negative counts, changes that change nothing. Instants that lie ahead are passed
/// on, because there is no clock here; the state takes them as now.
pub fn restore(status: Option<&ScalingPolicyStatus>, target: &str) -> (Remembered, Option<ScaleEvent>) {
    let same = |d: &&DampingStatus| d.target_uid.as_deref().is_none_or(|uid| uid == target);
    let Some(damping) = status.and_then(|s| s.damping.as_ref()).filter(same) else {
        return (Remembered::default(), None);
    };
    let mut events: Vec<ScaleEvent> = damping.scale_events.iter().filter_map(known).collect();
    events.sort_by_key(|e| e.at);
    events.drain(..events.len().saturating_sub(MOST_EVENTS));
    let obeyed_max = damping
        .max_replicas
        .and_then(|m| u32::try_from(m).ok())
        .filter(|m| *m > 0);
    let at = |time: &Option<Time>| time.as_ref().map(|t| t.0);
    let rules = damping.rules.iter().take(MOST_METRICS).map(|rule| RuleTimes {
        name: rule.name.as_str().into(),
        up: at(&rule.up),
        down: at(&rule.down),
    });
    let remembered = Remembered {
        events,
        obeyed_max,
        rules: rules.collect(),
        zeroed: damping.scaled_to_zero,
    };
    (remembered, damping.pending_scale.as_ref().and_then(known))
}

fn event(event: &ScaleEvent) -> ScaleEventStatus {
    ScaleEventStatus {
        at: later(event.at),
        from: count(event.from),
        to: count(event.to),
        forced: event.forced,
        rule: event.rule.as_deref().map(str::to_owned),
    }
}

fn known(event: &ScaleEventStatus) -> Option<ScaleEvent> {
    let (from, to) = (u32::try_from(event.from).ok()?, u32::try_from(event.to).ok()?);
    (from != to).then(|| ScaleEvent {
        at: event.at.0,
        from,
        to,
        forced: event.forced,
        rule: event.rule.as_deref().map(Into::into),
    })
}

/// The next whole second: a restart may make a cooldown up to a second longer, never shorter.
fn later(at: Timestamp) -> Time {
    let Time(whole) = time(at);
    let fraction = at.duration_since(whole).is_positive();
    let up = whole.as_second().saturating_add(i64::from(fraction));
    Time(Timestamp::from_second(up).unwrap_or(whole))
}
