//! Windows at their edges, with lead times, and where clocks change; `tests/schedules` has the documented cases.

use std::str::FromStr;

use croner::Cron;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::*;
use crate::engine::policy::{Behavior, Bounds, Mode, WarmUp};

fn schedule(zone: &str, start: &str, end: End) -> Schedule {
    except(zone, start, end, &[])
}

fn except(zone: &str, start: &str, end: End, dates: &[&str]) -> Schedule {
    let recurrence = Recurrence {
        start: Cron::from_str(start).unwrap(),
        end,
        except: dates.iter().map(|d| Date::from_str(d).unwrap()).collect(),
    };
    Schedule {
        name: "w".into(),
        zone: TimeZone::get(zone).unwrap(),
        when: When::Recurring(Box::new(recurrence)),
        lead: None,
        floor: Some(5),
        ceiling: None,
    }
}

fn once(zone: &str, from: &str, until: &str) -> Schedule {
    let at = |text| DateTime::from_str(text).unwrap();
    Schedule {
        when: When::Once {
            from: at(from),
            until: at(until),
        },
        ..schedule(zone, "* * * * *", hours(1))
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
fn windows_that_join_close_when_the_last_one_does() {
    // Each hour of the day for an hour; the last one ends at 18:00.
    let s = schedule("UTC", "0 8-17 * * *", hours(1));
    check(&s, "2026-11-20T08:00:00Z", true, Some("2026-11-20T18:00:00Z"));
    check(&s, "2026-11-20T12:30:00Z", true, Some("2026-11-20T18:00:00Z"));
    // An end at which it opens again is none.
    let s = schedule("UTC", "0 0 * * MON-FRI", at("0 0 * * *"));
    check(&s, "2026-11-23T00:00:00Z", true, Some("2026-11-28T00:00:00Z"));
    // It never closes: so far as it was looked.
    let s = schedule("UTC", "0 * * * *", hours(2));
    let w = window(&s, "2026-11-20T10:30:00Z".parse().unwrap());
    assert!(
        w.active && w.until > Some("2026-11-21T10:30:00Z".parse().unwrap()),
        "{w:?}"
    );
}

#[test]
fn a_window_that_is_open_once_is_half_open_and_never_comes_again() {
    let s = once("Europe/Zurich", "2026-11-27T00:00:00", "2026-11-30T23:59:59");
    check(&s, "2026-11-26T22:59:59Z", false, Some("2026-11-26T23:00:00Z"));
    check(&s, "2026-11-26T23:00:00Z", true, Some("2026-11-30T22:59:59Z"));
    check(&s, "2026-11-30T22:59:58.9Z", true, Some("2026-11-30T22:59:59Z"));
    check(&s, "2026-11-30T22:59:59Z", false, None);
    // Both in the gap of 2027-03-28: there is nothing between them.
    let s = once("Europe/Zurich", "2027-03-28T02:10:00", "2027-03-28T02:50:00");
    check(&s, "2027-03-01T00:00:00Z", false, None);
    check(&s, "2027-03-28T01:00:00Z", false, None);
}

#[test]
fn a_full_list_of_exceptions_costs_one_look_each() {
    // Each minute of 64 days is excepted: 92,160 occurrences, of which none is looked at but the first of each day.
    let days: Vec<String> = (0..64)
        .map(|d| {
            jiff::civil::date(2026, 10, 1)
                .saturating_add(jiff::Span::new().days(d))
                .to_string()
        })
        .collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    for start in ["* * * * *", "0-59 0-23 * * *"] {
        let s = except("Europe/Zurich", start, hours(1), &days);
        check(&s, "2026-10-01T12:00:00Z", false, Some("2026-12-03T23:00:00Z"));
        check(&s, "2026-12-03T22:59:59Z", false, Some("2026-12-03T23:00:00Z"));
    }
}

/// A policy of one schedule, with an interval of 15 s.
fn policy(schedule: Schedule) -> Policy {
    Policy {
        bounds: Bounds { min: 1, max: 9 },
        interval: SignedDuration::from_secs(15),
        mode: Mode::Active,
        metrics: Vec::new(),
        schedules: vec![schedule],
        prediction: None,
        fallback: None,
        behavior: Behavior::default(),
        warm_up: WarmUp::default(),
    }
}

#[test]
fn a_floor_acts_early_by_the_lead_time() {
    // lead, measured start-up, seconds before the start at which the floor begins to act, whether it was assumed
    let secs = SignedDuration::from_secs;
    for (lead, startup, ahead, assumed) in [
        (None, Some(40), None, false),
        (Some(Lead::Fixed(secs(90))), Some(40), Some(90), false),
        (Some(Lead::Auto), Some(40), Some(55), false),
        (Some(Lead::Auto), None, Some(75), true),
        (Some(Lead::Auto), Some(86_400), Some(3_600), false),
    ] {
        let policy = policy(Schedule {
            lead,
            ..schedule("UTC", "0 8 * * *", hours(1))
        });
        let opens: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let at = |seconds: i64| {
            let now = opens - secs(seconds);
            let window = windows(&policy, &State::default(), startup.map(secs), now)[0];
            (
                window.warming(now),
                window.next_change(now),
                window.early.map(|e| e.assumed),
            )
        };
        let Some(ahead) = ahead else {
            assert_eq!(at(1), (false, Some(opens), None));
            continue;
        };
        assert_eq!(at(ahead + 1), (false, Some(opens - secs(ahead)), Some(assumed)));
        assert_eq!(at(ahead), (true, Some(opens), Some(assumed)));
        assert_eq!(at(1), (true, Some(opens), Some(assumed)));
        let (warming, _, early) = at(0);
        assert_eq!((warming, early), (false, None), "open, and no more than that");
    }
}

#[test]
fn an_early_start_follows_the_measured_time_until_it_has_begun() {
    let policy = policy(Schedule {
        lead: Some(Lead::Auto),
        ..schedule("UTC", "0 8 * * *", hours(1))
    });
    let mut state = State::default();
    let mut look = |now: &str, startup: i64| {
        let now = now.parse().unwrap();
        let windows = windows(&policy, &state, Some(SignedDuration::from_secs(startup)), now);
        let from = windows[0].early.map(|e| e.from.to_string());
        let warming = windows[0].warming(now);
        state.windows = windows;
        (warming, from.unwrap())
    };
    // The window's state is remembered from here on, the early start is not.
    assert_eq!(
        look("2026-11-20T07:00:00Z", 105),
        (false, "2026-11-20T07:58:00Z".into())
    );
    assert_eq!(look("2026-11-20T07:57:00Z", 285), (true, "2026-11-20T07:55:00Z".into()));
    // The pods that it started were ready sooner: no reason to take the others back.
    assert_eq!(look("2026-11-20T07:57:30Z", 15), (true, "2026-11-20T07:55:00Z".into()));
    // Another morning: a clock that goes back begins anew.
    assert_eq!(look("2026-11-20T07:50:00Z", 45), (false, "2026-11-20T07:59:00Z".into()));
}

#[test]
fn a_date_that_never_comes_is_never_active() {
    let s = schedule("UTC", "0 0 31 2 *", hours(1));
    check(&s, "2026-11-20T00:00:00Z", false, None);
}
