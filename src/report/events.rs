//! Events for `kubectl describe`: one per scale action or change of a condition, never per tick.
//!
//! Builds kube's [`Event`] values and publishes none. A change is found by comparing the last status with the new one,
//! so a restart repeats nothing that the object already says. Notes stay below the API's 1 kB.

use kube::runtime::events::{Event, EventType};

use super::status::{
    ABLE_TO_SCALE, Actuation, Decided, FORECAST_TRUSTED, READY, SCALING_ACTIVE, condition,
    reason::{
        DRY_RUN, FAILED_UPDATE_SCALE, INVALID_SPEC, SCALING_DISABLED, TARGET_FORBIDDEN, TARGET_NOT_FOUND,
        TARGET_NOT_SCALABLE, TARGET_UNREADABLE,
    },
};
use super::words::{self, MESSAGE_BYTES, clip};
use crate::api::status::ScalingPolicyStatus;

/// `Ready`'s reasons of which a person has to know at once, and of whose end too.
const OBSTACLES: [&str; 5] = [
    INVALID_SPEC,
    TARGET_NOT_FOUND,
    TARGET_NOT_SCALABLE,
    TARGET_FORBIDDEN,
    TARGET_UNREADABLE,
];

/// The event of a scale action: each success, and the first of a row of failures. `old` is the status before it.
pub fn rescale(decided: &Decided<'_>, old: Option<&ScalingPolicyStatus>) -> Option<Event> {
    let Decided { policy, decision, .. } = decided;
    match decided.actuation {
        Actuation::Nothing => None,
        Actuation::Scaled => Some(normal(
            "SuccessfulRescale",
            "Rescale",
            words::sentence(policy, decision),
        )),
        Actuation::Failed(_) if reason(old, ABLE_TO_SCALE) == Some(FAILED_UPDATE_SCALE) => None,
        Actuation::Failed(error) => Some(warning(
            "FailedRescale",
            "Rescale",
            words::failed(policy, decision, error),
        )),
    }
}

/// The events of what changed from one status to the next: obstacles, metrics, the target at zero, trust in the
/// forecast, and what a dry run would do. `old` is the status as last reported.
pub fn changes(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(obstacle(old, new));
    events.extend(metrics(old, new));
    events.extend(zero(old, new));
    events.extend(trust(old, new));
    events.extend(dry_run(old, new));
    events
}

fn obstacle(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    let was = reason(old, READY).filter(|r| OBSTACLES.contains(r));
    let is = condition(new, READY)?;
    match OBSTACLES.into_iter().find(|o| *o == is.reason) {
        // A spec that was edited and is still wrong is a change; another wording of the same outage is not.
        Some(now) if was != Some(now) || (now == INVALID_SPEC && message(old, READY) != Some(&*is.message)) => {
            Some(warning(now, "Reconcile", &*is.message))
        }
        Some(_) => None,
        None => {
            let was = was?;
            Some(normal("Recovered", "Reconcile", format!("{was} is over")))
        }
    }
}

fn metrics(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    // At zero nothing is scaled by metrics, and a service without pods rightly has none.
    if reason(Some(new), SCALING_ACTIVE) == Some(SCALING_DISABLED) {
        return None;
    }
    let before = if reason(old, SCALING_ACTIVE) == Some(SCALING_DISABLED) {
        Vec::new()
    } else {
        failing(old)
    };
    let now = failing(Some(new));
    let begun = now.iter().any(|name| !before.contains(name));
    if begun {
        let known = new.metrics.iter().filter_map(|m| {
            let error = m.error.as_ref()?;
            Some(format!("{} ({}: {})", m.name, error.cause, clip(&*error.message, 160)))
        });
        let known: Vec<String> = known.collect();
        let note = format!("nothing is scaled down; no usable value: {}", known.join(", "));
        return Some(warning("FailedGetMetric", "GetMetrics", note));
    }
    (now.is_empty() && !before.is_empty() && !new.metrics.is_empty()).then(|| {
        let note = format!("every metric has a usable value again: {}", before.join(", "));
        normal("MetricsRecovered", "GetMetrics", note)
    })
}

fn zero(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    let was = reason(old, SCALING_ACTIVE) == Some(SCALING_DISABLED);
    let is = reason(Some(new), SCALING_ACTIVE) == Some(SCALING_DISABLED);
    match (was, is) {
        (false, true) => {
            let note = message(Some(new), SCALING_ACTIVE).unwrap_or_default();
            Some(normal("ScalingDisabled", "Reconcile", note))
        }
        // Only a target that is there and above zero has been scaled up.
        (true, false) if new.current_replicas.is_some_and(|n| n > 0) => Some(normal(
            "ScalingEnabled",
            "Reconcile",
            "the target is above 0 replicas again, so autoscaling goes on",
        )),
        _ => None,
    }
}

fn trust(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    let status = |s| condition(s, FORECAST_TRUSTED).map(|c| &*c.status);
    let is = condition(new, FORECAST_TRUSTED)?;
    match (old.and_then(status), &*is.status) {
        (Some("True"), "False") => Some(warning(
            "ForecastDistrusted",
            "Forecast",
            format!("the forecast is not acted upon: {}", is.message),
        )),
        (None | Some("False"), "True") => Some(normal("ForecastTrusted", "Forecast", &*is.message)),
        _ => None,
    }
}

fn dry_run(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    if reason(Some(new), SCALING_ACTIVE) != Some(DRY_RUN) || new.desired_replicas == new.current_replicas {
        return None;
    }
    let decision = new.decision.as_ref()?;
    let moved = old.and_then(|o| o.desired_replicas) != new.desired_replicas;
    moved.then(|| normal("DryRunRescale", "Rescale", &*decision.message))
}

fn failing(status: Option<&ScalingPolicyStatus>) -> Vec<&str> {
    let metrics = status.map_or(&[][..], |s| &s.metrics);
    metrics.iter().filter(|m| m.error.is_some()).map(|m| &*m.name).collect()
}

fn reason<'a>(status: Option<&'a ScalingPolicyStatus>, type_: &str) -> Option<&'a str> {
    status.and_then(|s| condition(s, type_)).map(|c| &*c.reason)
}

fn message<'a>(status: Option<&'a ScalingPolicyStatus>, type_: &str) -> Option<&'a str> {
    status.and_then(|s| condition(s, type_)).map(|c| &*c.message)
}

fn normal(reason: &str, action: &str, note: impl Into<String>) -> Event {
    event(EventType::Normal, reason, action, note)
}

fn warning(reason: &str, action: &str, note: impl Into<String>) -> Event {
    event(EventType::Warning, reason, action, note)
}

fn event(type_: EventType, reason: &str, action: &str, note: impl Into<String>) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(clip(note, MESSAGE_BYTES)),
        action: action.to_owned(),
        secondary: None,
    }
}
