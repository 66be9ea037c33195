//! Windows as state, not edges: "is it active now?", so restarts and missed ticks lose nothing (cronhpa#87).
//!
//! A window is half-open, [start, end). With `end` it is active iff the last start is later than the last end; with a
//! duration iff a start lies less than that behind. Expressions are evaluated on the wall clock of the schedule's
//! zone by croner: a fixed time that a spring-forward gap skips fires when the gap is over, one that the clock shows
//! twice in autumn fires the first time only. An answer holds until `Window::until`, so cron is asked twice a window
//! and not at each tick.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::decision::{Abstention, Basis, Outcome, Window};
use super::super::policy::{End, Policy, Schedule};
use super::super::state::State;

/// Each schedule's state at `now`, taken from the last decision where that still holds.
pub(in super::super) fn windows(policy: &Policy, state: &State, now: Timestamp) -> Vec<Window> {
    let known = |i: usize| {
        let window = state.windows.get(i)?;
        let holds = window.evaluated <= now && window.until.is_none_or(|until| now < until);
        holds.then_some(*window)
    };
    let fresh = |schedule| window(schedule, now);
    policy
        .schedules
        .iter()
        .enumerate()
        .map(|(i, s)| known(i).unwrap_or_else(|| fresh(s)))
        .collect()
}

/// The schedule's state at `now`, and until when it holds.
pub fn window(schedule: &Schedule, now: Timestamp) -> Window {
    let zone = &schedule.zone;
    let started = previous(&schedule.start, zone, now);
    let next_start = next(&schedule.start, zone, now);
    let (active, until) = match &schedule.end {
        End::After(duration) => {
            let end = started.and_then(|s| s.checked_add(*duration).ok());
            match end {
                Some(end) if now < end => (true, Some(end)),
                _ => (false, next_start),
            }
        }
        End::At(end) => {
            let ended = previous(end, zone, now);
            // Start and end at one instant: the end comes first, so the window that starts there is open.
            let active = started.is_some_and(|s| ended.is_none_or(|e| e <= s));
            let changes = if active { next(end, zone, now) } else { next_start };
            // An empty window (every end coincides with a start) would otherwise stay open for ever.
            (active, changes)
        }
    };
    Window {
        active,
        evaluated: now,
        until,
    }
}

/// What an open window proposes: its floor. A closed one abstains, and so does one that only lowers the ceiling.
pub(super) fn propose(schedule: &Schedule, window: &Window) -> Outcome {
    match (window.active, schedule.floor) {
        (false, _) => Outcome::Abstains(Abstention::Inactive),
        (true, None) => Outcome::Abstains(Abstention::CeilingOnly),
        (true, Some(floor)) => Outcome::Replicas {
            replicas: floor,
            value: f64::from(floor),
            basis: Basis::Proportion,
        },
    }
}

/// The last occurrence at or before `now`. Instants are whole seconds, as cron's are.
fn previous(cron: &Cron, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let at = whole_second(now).to_zoned(zone.clone());
    Some(cron.find_previous_occurrence(&at, true).ok()?.timestamp())
}

/// The first occurrence after `now`.
fn next(cron: &Cron, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let at = whole_second(now).to_zoned(zone.clone());
    Some(cron.find_next_occurrence(&at, false).ok()?.timestamp())
}

fn whole_second(now: Timestamp) -> Timestamp {
    let fraction = now.as_nanosecond().rem_euclid(1_000_000_000);
    let fraction = SignedDuration::from_nanos(i64::try_from(fraction).unwrap_or(0));
    now.checked_sub(fraction).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn schedule(zone: &str, start: &str, end: End) -> Schedule {
        Schedule {
            name: "w".into(),
            zone: TimeZone::get(zone).unwrap(),
            start: Cron::from_str(start).unwrap(),
            end,
            floor: Some(5),
            ceiling: None,
        }
    }

    fn at(cron: &str) -> End {
        End::At(Box::new(Cron::from_str(cron).unwrap()))
    }

    fn hours(h: i64) -> End {
        End::After(SignedDuration::from_hours(h))
    }

    /// Active or not at an instant, and until when.
    #[track_caller]
    fn check(schedule: &Schedule, now: &str, active: bool, until: Option<&str>) {
        let w = window(schedule, now.parse().unwrap());
        let until = until.map(|u| u.parse::<Timestamp>().unwrap());
        assert_eq!((w.active, w.until), (active, until), "at {now}");
    }

    #[test]
    fn business_hours_are_half_open() {
        let s = schedule("Europe/Zurich", "0 8 * * MON-FRI", at("0 18 * * MON-FRI"));
        check(&s, "2026-11-20T06:59:59.999Z", false, Some("2026-11-20T07:00:00Z"));
        check(&s, "2026-11-20T07:00:00Z", true, Some("2026-11-20T17:00:00Z"));
        check(&s, "2026-11-20T16:59:59Z", true, Some("2026-11-20T17:00:00Z"));
        check(&s, "2026-11-20T17:00:00Z", false, Some("2026-11-23T07:00:00Z"));
        check(&s, "2026-11-21T12:00:00Z", false, Some("2026-11-23T07:00:00Z"));
    }

    #[test]
    fn windows_cross_midnight() {
        let s = schedule("UTC", "0 22 * * *", at("0 6 * * *"));
        check(&s, "2026-11-20T23:00:00Z", true, Some("2026-11-21T06:00:00Z"));
        check(&s, "2026-11-21T05:59:59Z", true, Some("2026-11-21T06:00:00Z"));
        check(&s, "2026-11-21T06:00:00Z", false, Some("2026-11-21T22:00:00Z"));
        let d = schedule("UTC", "0 22 * * *", hours(8));
        check(&d, "2026-11-21T05:59:59Z", true, Some("2026-11-21T06:00:00Z"));
    }

    #[test]
    fn a_duration_longer_than_the_recurrence_never_closes() {
        let s = schedule("UTC", "0 * * * *", hours(2));
        check(&s, "2026-11-20T10:30:00Z", true, Some("2026-11-20T12:00:00Z"));
        check(&s, "2026-11-20T12:00:00Z", true, Some("2026-11-20T14:00:00Z"));
    }

    #[test]
    fn a_start_in_the_spring_gap_fires_when_it_is_over() {
        // Zurich, 2026-03-29: 02:00 becomes 03:00 at 01:00Z.
        let s = schedule("Europe/Zurich", "30 2 * * *", hours(1));
        check(&s, "2026-03-29T00:59:59Z", false, Some("2026-03-29T01:00:00Z"));
        check(&s, "2026-03-29T01:00:00Z", true, Some("2026-03-29T02:00:00Z"));
    }

    #[test]
    fn a_start_that_comes_twice_in_autumn_fires_once() {
        // Zurich, 2026-10-25: 02:30 is 00:30Z, and again 01:30Z.
        let s = schedule("Europe/Zurich", "30 2 * * *", hours(1));
        check(&s, "2026-10-25T00:30:00Z", true, Some("2026-10-25T01:30:00Z"));
        check(&s, "2026-10-25T01:30:00Z", false, Some("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn a_date_that_never_comes_is_never_active() {
        let s = schedule("UTC", "0 0 31 2 *", hours(1));
        check(&s, "2026-11-20T00:00:00Z", false, None);
    }
}
