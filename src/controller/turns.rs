//! When a policy's next turn is: on a grid of its interval, at a window's edge, after a change has settled.
//!
//! Pure: `now` is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::api::ScalingPolicy;
use crate::engine::decision::Decision;

/// Over so long at most the first looks after a start are spread: the default interval.
const SPREAD: SignedDuration = SignedDuration::from_secs(15);
/// The share of one policy in that. 200 first looks a second are a third of the turns that ten thousand policies take in
/// each second anyhow, for a first look costs more: it writes a status, and asks for a forecast's history. So a failover of
/// twenty policies takes a tenth of a second, and from three thousand on it takes an interval.
const EACH: Duration = Duration::from_millis(5);

/// When a change has settled: at the policy's next turn that is at least half an interval away: sooner, the
/// metric has not seen the change yet, and the same load would be acted upon twice. At a window's edge at the latest.
pub(super) fn settled(uid: &str, interval: SignedDuration, decision: &Decision, now: Timestamp) -> Timestamp {
    let after = |wait: Duration| {
        SignedDuration::try_from(wait)
            .ok()
            .and_then(|w| now.checked_add(w).ok())
    };
    let mut wait = until_next(uid, interval, now);
    let interval = Duration::try_from(interval).unwrap_or_default();
    if wait < interval / 2 {
        wait += interval;
    }
    after(wait.min(until_window(decision, now))).unwrap_or(now)
}

/// Time until a window opens or closes, or its floor acts ahead of it: at once, not at the policy's next turn.
pub(super) fn until_window(decision: &Decision, now: Timestamp) -> Duration {
    let edges = decision.windows.iter().filter_map(|w| w.next_change(now));
    edges.min().map_or(Duration::MAX, |edge| wait_until(edge, now))
}

pub(super) fn wait_until(at: Timestamp, now: Timestamp) -> Duration {
    // Rounded up to a millisecond: a timer that fires early would find nothing changed.
    let millis = u64::try_from(at.duration_since(now).as_millis()).unwrap_or(0);
    Duration::from_millis(millis + 1)
}

/// How much later than its turn a reconcile begins; `None` where something else woke it before its turn.
pub(super) fn lag(due: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(due?)).ok()
}

/// The wait before the first look after a start, or after the Lease was gained: of so many `policies` those that were there
/// already are spread over [`EACH`] for each, at most over the interval of most policies, instead of being asked for all at
/// once. A new policy is looked at without delay.
pub(super) fn first_wait(
    object: &ScalingPolicy,
    began: Timestamp,
    policies: usize,
    next: Duration,
    now: Timestamp,
) -> Option<Duration> {
    let created = object.metadata.creation_timestamp.as_ref()?.0;
    let starting = now.duration_since(began) < SPREAD;
    let longest = Duration::try_from(SPREAD).unwrap_or_default();
    let policies = u32::try_from(policies).unwrap_or(u32::MAX);
    let spread = EACH.saturating_mul(policies).clamp(EACH, longest);
    (starting && created < began - SPREAD)
        .then(|| Duration::from_nanos(next.as_nanos() as u64 % spread.as_nanos() as u64))
}

/// Time until the policy's next turn. Turns lie on a grid of the interval, shifted by a hash of the uid: ten thousand
/// policies that begin together spread over the interval, and stay spread after a restart.
pub(super) fn until_next(uid: &str, interval: SignedDuration, now: Timestamp) -> Duration {
    let interval = u64::try_from(interval.as_millis()).unwrap_or(15_000).max(1);
    let phase = hash(uid) % interval;
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Duration::from_millis(interval - (now + interval - phase) % interval)
}

/// FNV-1a: stable across restarts and the same in every process, unlike std's hasher.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decide;
    use crate::engine::decision::Early;
    use crate::engine::observation::{Observation, Replicas};
    use crate::engine::state::State;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    #[test]
    fn turns_are_one_interval_apart_and_spread() {
        let interval = SignedDuration::from_secs(15);
        let mut first = Vec::new();
        for i in 0..1000 {
            let uid = format!("uid-{i}");
            let mut now = Timestamp::from_second(1_700_000_000).unwrap();
            let wait = until_next(&uid, interval, now);
            assert!(wait > Duration::ZERO && wait <= Duration::from_secs(15));
            first.push(wait);
            now += SignedDuration::try_from(wait).unwrap();
            assert_eq!(until_next(&uid, interval, now), Duration::from_secs(15));
        }
        let early = first.iter().filter(|w| **w < Duration::from_secs(5)).count();
        assert!(
            (250..420).contains(&early),
            "a third within the first third, got {early}"
        );
    }

    /// Nobody proposes anything; one window changes in so many seconds.
    fn decision(now: Timestamp, edge: i64) -> Decision {
        let text = "{targetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, maxReplicas: 9, schedules: [{name: w, start: '* * * * *', duration: 1m, minReplicas: 2}]}";
        let policy = crate::validate::policy(&serde_yaml::from_str(text).unwrap()).unwrap();
        let observation = Observation {
            signal: None,
            replicas: Replicas { spec: 3, ready: None },
            samples: Vec::new(),
            forecast: None,
            startup: None,
        };
        let mut decision = decide(&policy, &State::default(), &observation, now);
        decision.windows[0].until = now.checked_add(SignedDuration::from_secs(edge)).ok();
        decision
    }

    #[test]
    fn a_change_settles_after_half_an_interval_and_before_two() {
        let interval = SignedDuration::from_secs(15);
        for i in 0..1000 {
            let now = Timestamp::from_millisecond(1_700_000_000_000 + 7 * i).unwrap();
            let uid = format!("uid-{i}");
            let wait = settled(&uid, interval, &decision(now, 3600), now).duration_since(now);
            assert!(wait.as_millis() >= 7_500 && wait.as_millis() <= 22_500, "{wait}");
            let wait = settled(&uid, interval, &decision(now, 2), now).duration_since(now);
            assert_eq!(wait.as_millis(), 2_001, "at a window's edge at the latest");
        }
    }

    #[test]
    fn a_floor_that_acts_early_is_an_edge() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        // seconds until the floor acts, until the window opens; milliseconds until the turn
        for (early, opens, wait) in [
            (Some(30), 90, 30_001),
            (Some(0), 60, 60_001),
            (Some(-30), 60, 60_001),
            (None, 90, 90_001),
        ] {
            let mut decision = decision(now, opens);
            decision.windows[0].active = false;
            decision.windows[0].early = early.map(|seconds| Early {
                from: now + SignedDuration::from_secs(seconds),
                assumed: false,
            });
            assert_eq!(until_window(&decision, now), Duration::from_millis(wait), "{early:?}");
        }
    }

    #[test]
    fn only_a_turn_that_has_come_can_be_late() {
        let due = Timestamp::from_second(1_700_000_000).unwrap();
        let after = |millis| due + SignedDuration::from_millis(millis);
        assert_eq!(lag(Some(due), after(250)), Some(Duration::from_millis(250)));
        assert_eq!(lag(Some(due), due), Some(Duration::ZERO));
        assert_eq!(lag(Some(due), after(-1)), None, "woken by a change");
        assert_eq!(lag(None, due), None);
    }

    #[test]
    fn only_policies_that_were_there_are_spread() {
        let began = Timestamp::from_second(1_700_000_000).unwrap();
        let secs = SignedDuration::from_secs;
        // created and now, in seconds from the start; policies; milliseconds that the wait is below, or none
        for (created, now, policies, below) in [
            (-3600, 0, 10_000, Some(15_000)),
            (-3600, 14, 10_000, Some(15_000)),
            (-3600, 0, 20, Some(100)),
            (-3600, 0, 0, Some(5)),
            (-3600, 16, 10_000, None),
            (-5, 1, 10_000, None),
            (1, 2, 10_000, None),
        ] {
            let mut object = ScalingPolicy::new(
                "a",
                serde_yaml::from_str("{targetRef: {apiVersion: v1, kind: A, name: a}, maxReplicas: 1}").unwrap(),
            );
            object.metadata.creation_timestamp = Some(Time(began + secs(created)));
            let next = Duration::from_millis(3_599_999);
            let wait = first_wait(&object, began, policies, next, began + secs(now));
            let next = u64::try_from(next.as_millis()).unwrap();
            let expected = below.map(|below| Duration::from_millis(next % below));
            assert_eq!(wait, expected, "created {created} now {now} of {policies}");
        }
    }
}
