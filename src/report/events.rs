//! Events for `kubectl describe`: one per scale action or change of a condition, never per tick.
//!
//! Builds kube's [`Event`] values and publishes none. A change is found by comparing the last status with the new one,
//! so a restart repeats nothing that the object already says. Notes stay below the API's 1 kB.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{Event, EventType};

use super::status::{
    ABLE_TO_SCALE, Actuation, BOTTLENECKED, CONFLICTED, Decided, FORECAST_TRUSTED, OBJECTIVE_MET, READY,
    REPLICAS_CONTESTED, SCALING_ACTIVE, condition,
    reason::{
        CAPACITY_CORRECTED, DRY_RUN, FAILED_UPDATE_SCALE, INVALID_SPEC, NOT_EVALUATED, OUT_OF_REACH, SCALING_DISABLED,
        SHORTFALL_ABOVE_OBJECTIVE, SIGNAL_FAILING, TARGET_FORBIDDEN, TARGET_NOT_FOUND, TARGET_NOT_SCALABLE,
        TARGET_UNREADABLE,
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

/// `ObjectiveMet`'s reasons of which a person has to know.
const TROUBLES: [&str; 4] = [
    OUT_OF_REACH,
    SHORTFALL_ABOVE_OBJECTIVE,
    CAPACITY_CORRECTED,
    SIGNAL_FAILING,
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

/// The event of a scale-down before which not every pod that is to go first could be marked.
pub fn unordered(trouble: &str) -> Event {
    warning(
        "PodDeletionCost",
        "Rescale",
        format!("the youngest pods may not be the first to go: {trouble}"),
    )
}

/// The events of what changed from one status to the next: obstacles, metrics, the target at zero, conflicts and
/// contests, trust in the forecast, its objective, the pods, and what a dry run would do. `old` is the status as last reported.
pub fn changes(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(obstacle(old, new));
    events.extend(metrics(old, new));
    events.extend(zero(old, new));
    events.extend(company(old, new, CONFLICTED, "ConflictResolved"));
    events.extend(company(old, new, REPLICAS_CONTESTED, "ReplicasSettled"));
    events.extend(trust(old, new));
    events.extend(objective(old, new));
    events.extend(bottleneck(old, new));
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

/// The begin and the end of a condition about others that is bad where it is True. From Unknown to False is no news, nor is
/// the other way round: the end is told once it is known.
fn company(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus, type_: &str, end: &str) -> Option<Event> {
    let was = old
        .and_then(|s| condition(s, type_))
        .is_some_and(|c| c.status == "True");
    let is = condition(new, type_)?;
    match (was, &*is.status) {
        (false, "True") => Some(warning(type_, "Reconcile", &*is.message)),
        (true, "False" | "Unknown") if is.reason != NOT_EVALUATED => Some(normal(end, "Reconcile", &*is.message)),
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
        // From Unknown it is no news: after a restart the history has to be read again first.
        (None | Some("False"), "True") => Some(normal("ForecastTrusted", "Forecast", &*is.message)),
        _ => None,
    }
}

/// Each trouble with the objective as it begins, and that it is met as the last one ends.
fn objective(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    let trouble = |reason: &str| TROUBLES.into_iter().find(|t| *t == reason);
    let is = condition(new, OBJECTIVE_MET)?;
    let was = reason(old, OBJECTIVE_MET).and_then(trouble);
    match trouble(&is.reason) {
        Some(now) => (was != Some(now)).then(|| warning(now, "Forecast", &*is.message)),
        None => (was.is_some() && is.status == "True").then(|| normal(OBJECTIVE_MET, "Forecast", &*is.message)),
    }
}

/// Each bottleneck as it begins, and that it is over, or that nobody knows any more. Another resource is another one.
fn bottleneck(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus) -> Option<Event> {
    let is = condition(new, BOTTLENECKED)?;
    let was = old
        .and_then(|s| condition(s, BOTTLENECKED))
        .filter(|c| c.status == "True");
    let of = |s: &ScalingPolicyStatus| s.bottleneck.as_ref().and_then(|b| b.resource.clone());
    let same = |c: &Condition| c.reason == is.reason && old.and_then(of) == of(new);
    let note = &*is.message;
    match (was, &*is.status) {
        (was, "True") if !was.is_some_and(same) => Some(warning(BOTTLENECKED, "Observe", note)),
        (Some(_), "False") => Some(normal("BottleneckResolved", "Observe", note)),
        (Some(_), "Unknown") if is.reason != NOT_EVALUATED => Some(normal("BottleneckUnknown", "Observe", note)),
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::engine::forecast::{Plan, Trust};
    use crate::engine::observation::Cause;
    use crate::engine::others::Scaler;
    use crate::report::fixtures::{NOW, Scene, after, at, failure, forecast, fought_over, plan, pods, policy, status};
    use crate::report::status::Situation;
    use crate::validate::{Invalid, Problem};

    fn decided(more: &str, current: u32, load: Option<f64>) -> ScalingPolicyStatus {
        let sample = load.map_or_else(|| failure(Cause::Empty, "the query returned nothing"), Ok);
        Scene::new(policy(more), &[], current, sample, at(NOW)).status(None)
    }

    fn invalid(message: &str) -> ScalingPolicyStatus {
        let problem = Problem {
            field: "interval".into(),
            message: message.into(),
        };
        status(Situation::InvalidSpec(&Invalid(vec![problem])), at(NOW), None)
    }

    fn trusting(trust: Option<Trust>) -> ScalingPolicyStatus {
        let mut forecast = forecast(18);
        forecast.trust = trust.unwrap_or(forecast.trust);
        let policy = policy("prediction: {metric: requests}");
        Scene::forecasting(policy, &[], 4, Ok(780.0), Some(forecast), at(NOW)).status(None)
    }

    /// The reasons of the events between two statuses, warnings marked.
    #[track_caller]
    fn check(old: Option<&ScalingPolicyStatus>, new: &ScalingPolicyStatus, expected: &[&str]) {
        let reasons = changes(old, new).into_iter().map(|e| match e.type_ {
            EventType::Normal => e.reason,
            EventType::Warning => format!("!{}", e.reason),
        });
        assert_eq!(reasons.collect::<Vec<_>>(), expected);
        // Once only: the same again is no change.
        assert_eq!(changes(Some(new), new).len(), 0);
    }

    #[test]
    fn one_event_a_change() {
        let (steady, blind, zero) = (decided("", 4, Some(780.0)), decided("", 4, None), decided("", 0, None));
        let (bad, worse) = (invalid("is wrong"), invalid("is still wrong"));
        check(None, &steady, &[]);
        check(Some(&steady), &decided("", 4, Some(790.0)), &[]);
        check(None, &blind, &["!FailedGetMetric"]);
        check(Some(&steady), &blind, &["!FailedGetMetric"]);
        check(Some(&blind), &steady, &["MetricsRecovered"]);
        check(Some(&steady), &zero, &["ScalingDisabled"]);
        check(Some(&blind), &zero, &["ScalingDisabled"]);
        check(Some(&zero), &steady, &["ScalingEnabled"]);
        check(Some(&zero), &blind, &["!FailedGetMetric", "ScalingEnabled"]);
        check(None, &bad, &["!InvalidSpec"]);
        check(Some(&bad), &worse, &["!InvalidSpec"]);
        check(Some(&bad), &steady, &["Recovered"]);
        check(
            Some(&steady),
            &decided("mode: DryRun", 4, Some(1530.0)),
            &["DryRunRescale"],
        );
        check(Some(&steady), &decided("mode: DryRun", 4, Some(780.0)), &[]);
        check(Some(&steady), &decided("mode: Paused", 4, Some(1530.0)), &[]);
    }

    #[test]
    fn a_conflict_and_a_contest_are_told_at_their_begin_and_end() {
        let steady = decided("", 4, Some(780.0));
        let rivalled = |load| Scene::rivalled(4, load, Scaler::HorizontalPodAutoscaler, "web").status(None);
        check(None, &rivalled(780.0), &["!Conflicted"]);
        check(Some(&steady), &rivalled(780.0), &["!Conflicted"]);
        // Not one for each count that would have been written.
        check(Some(&rivalled(780.0)), &rivalled(1530.0), &[]);
        let other = Scene::rivalled(4, 780.0, Scaler::ScalingPolicy, "elder").status(None);
        check(Some(&rivalled(780.0)), &other, &[]);
        check(Some(&rivalled(780.0)), &steady, &["ConflictResolved"]);
        // The target went, and came back without the rival: no end was seen.
        let bad = invalid("is wrong");
        check(Some(&rivalled(780.0)), &bad, &["!InvalidSpec"]);
        check(Some(&bad), &steady, &["Recovered"]);

        let mut scene = Scene::new(policy(""), &[], 4, Ok(780.0), at(NOW));
        scene.others.rewrites = Some(fought_over(0));
        let contested = scene.status(None);
        check(Some(&steady), &contested, &["!ReplicasContested"]);
        check(Some(&contested), &steady, &["ReplicasSettled"]);
    }

    #[test]
    fn trust_is_told_when_it_is_won_or_lost() {
        let (trusted, not) = (trusting(Some(Trust::Trusted)), trusting(None));
        check(None, &not, &[]);
        check(Some(&not), &trusted, &["ForecastTrusted"]);
        check(Some(&trusted), &not, &["!ForecastDistrusted"]);
    }

    #[test]
    fn trouble_with_the_objective_is_told_once_and_its_end_too() {
        let seen = |change: &dyn Fn(&mut Plan), signal| {
            let mut forecast = plan(1600.0);
            forecast.plan.as_mut().map(change);
            Scene::adaptive(forecast, 4, 1420.0, signal).status(None)
        };
        let met = seen(&|_| {}, Ok(0.1));
        let out = seen(&|plan| plan.shortfall.within_reach = false, Ok(0.1));
        let above = seen(&|plan| plan.shortfall.achieved = Some(0.01), Ok(0.1));
        let blind = seen(&|_| {}, failure(Cause::Empty, "nothing"));
        let early = seen(&|plan| plan.shortfall.watched = SignedDuration::ZERO, Ok(0.1));
        check(None, &met, &["ForecastTrusted"]);
        check(Some(&met), &out, &["!OutOfReach"]);
        check(Some(&out), &above, &["!ShortfallAboveObjective"]);
        check(Some(&above), &met, &["ObjectiveMet"]);
        check(Some(&met), &blind, &["!SignalFailing"]);
        check(Some(&blind), &met, &["ObjectiveMet"]);
        check(Some(&met), &early, &[]);
        check(Some(&early), &met, &[]);
        check(
            Some(&met),
            &seen(&|plan| plan.capacity.in_use = 200.0, Ok(0.1)),
            &["!CapacityCorrected"],
        );
    }

    #[test]
    fn a_bottleneck_is_told_at_its_begin_and_end_and_each_resource_for_itself() {
        let seen = |cpu: [f64; 3], memory: [f64; 3]| {
            let mut scene = Scene::new(policy(""), &[], 4, Ok(780.0), at(NOW));
            scene.bottleneck = Some(pods(&cpu, &memory, None, 0));
            scene.status(None)
        };
        let (calm, hot) = (seen([50.0; 3], [40.0; 3]), seen([95.0, 20.0, 20.0], [40.0; 3]));
        let other = seen([50.0; 3], [95.0, 20.0, 20.0]);
        check(None, &calm, &[]);
        check(None, &hot, &["!Bottlenecked"]);
        check(Some(&calm), &hot, &["!Bottlenecked"]);
        // Hotter still, and another pod: the same.
        check(Some(&hot), &seen([20.0, 20.0, 99.0], [40.0; 3]), &[]);
        check(Some(&hot), &other, &["!Bottlenecked"]);
        check(Some(&hot), &calm, &["BottleneckResolved"]);
        check(Some(&hot), &seen([95.0; 3], [40.0; 3]), &["BottleneckResolved"]);
        check(Some(&hot), &seen([f64::NAN; 3], [40.0; 3]), &["BottleneckUnknown"]);
        check(Some(&hot), &invalid("is wrong"), &["!InvalidSpec"]);
        // The policy does not ask for it any more.
        check(Some(&hot), &decided("", 4, Some(780.0)), &[]);
    }

    #[test]
    fn each_change_made_and_the_first_failure_of_a_row() {
        let scene = Scene::new(policy(""), &[], 4, Ok(1530.0), at(NOW));
        let event = rescale(&scene.decided(), None).unwrap();
        assert_eq!((event.type_, &*event.reason), (EventType::Normal, "SuccessfulRescale"));
        assert!(event.note.unwrap().starts_with("scaled from 4 to 8: requests wants 8"));

        let scene = scene.failed("403");
        let event = rescale(&scene.decided(), None).unwrap();
        assert_eq!((event.type_, &*event.reason), (EventType::Warning, "FailedRescale"));
        let told = scene.status(None);
        assert!(rescale(&scene.decided(), Some(&told)).is_none());

        let held = Scene::new(policy(""), &[], 4, Ok(780.0), after(15));
        assert!(rescale(&held.decided(), Some(&told)).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn notes_stay_below_a_kilobyte(text in "\\PC{0,40}", times in 1..200usize) {
            let huge = text.repeat(times);
            let blind = Scene::new(policy(""), &[], 4, failure(Cause::BadAnswer, &huge), at(NOW));
            let failed = Scene::new(policy(""), &[], 4, Ok(1530.0), at(NOW)).failed(huge.clone());
            let mut events = changes(None, &blind.status(None));
            events.extend(changes(None, &invalid(&huge)));
            events.extend(rescale(&failed.decided(), None));
            prop_assert_eq!(events.len(), 3);
            for event in events {
                prop_assert!(event.note.is_some_and(|n| !n.is_empty() && n.len() < 1024));
                prop_assert!(event.reason.len() <= 128 && event.action.len() <= 128);
            }
        }
    }
}
