//! Windows as state, not edges: "is it active now?", so restarts and missed ticks lose nothing (cronhpa#87).
//!
//! A window is half-open, [start, end). With `end` it is active iff the last start is later than the last end; with a
//! duration iff a start lies less than that behind; once iff the clock is between `from` and `until`. A start on an
//! excepted date is none. What an expression means where clocks change is `wall`'s business.
//!
//! Whether it is open holds until `Window::until`, so cron is asked at a window's edges and not at each tick. From when
//! its floor acts early depends on the measured start-up time and is reckoned at each tick.

mod wall;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::super::decision::{Abstention, Basis, Early, Outcome, Window};
use super::super::policy::{ASSUMED_STARTUP, End, Lead, Policy, Recurrence, Schedule, When};
use super::super::state::State;
use wall::{next, occurrence, previous};

/// How many openings that join without a break `until` looks through. A window of an hour that opens each hour of a day
/// needs 24; of one that never closes it says how far it looked, and looks again from there.
const MOST_JOINED: usize = 32;

/// Longest lead time of `auto`, as the forecast's: one pod that waited hours for a place must not open windows by night.
const MOST_LEAD: SignedDuration = SignedDuration::from_hours(1);

/// Each schedule's state at `now`, taken from the last decision where that still holds.
pub(in super::super) fn windows(
    policy: &Policy,
    state: &State,
    startup: Option<SignedDuration>,
    now: Timestamp,
) -> Vec<Window> {
    let each = policy.schedules.iter().enumerate().map(|(i, schedule)| {
        let known = state.windows.get(i).filter(|known| {
            let ahead = known.until.is_none_or(|until| now < until);
            known.evaluated <= now && ahead
        });
        let mut window = known.copied().unwrap_or_else(|| window(schedule, now));
        // What has begun goes on until the window opens, though the pods it started be ready sooner than was reckoned.
        if !window.warming(now) {
            window.early = early(schedule, &window, startup, policy.interval);
        }
        window
    });
    each.collect()
}

/// Whether the schedule's window is open at `now`, and until when that holds; without regard to a lead time.
pub fn window(schedule: &Schedule, now: Timestamp) -> Window {
    let active = open(schedule, now);
    let mut until = edge(schedule, active, now);
    // An edge that changes nothing: an end at which it opens again, a start whose end lies in the same gap of the clock.
    for _ in 0..MOST_JOINED {
        match until {
            Some(at) if open(schedule, at) == active => until = edge(schedule, active, at),
            _ => break,
        }
    }
    Window {
        active,
        evaluated: now,
        until,
        early: None,
    }
}

/// What an open window proposes, or one that warms up: its floor. A closed one abstains, and so does one that only
/// lowers the ceiling.
pub(super) fn propose(schedule: &Schedule, window: &Window, now: Timestamp) -> Outcome {
    match schedule.floor {
        Some(floor) if window.active || window.warming(now) => Outcome::Replicas {
            replicas: floor,
            value: f64::from(floor),
            basis: Basis::Proportion,
        },
        None if window.active => Outcome::Abstains(Abstention::CeilingOnly),
        _ => Outcome::Abstains(Abstention::Inactive),
    }
}

fn open(schedule: &Schedule, now: Timestamp) -> bool {
    let zone = &schedule.zone;
    match &schedule.when {
        When::Once { from, until } => {
            let at = |wall| occurrence(wall, zone).map(|o| o.at);
            at(*from).is_some_and(|from| from <= now) && at(*until).is_some_and(|until| now < until)
        }
        When::Recurring(recurrence) => {
            let Recurrence { start, end, except } = &**recurrence;
            let Some(started) = previous(start, zone, now, except) else {
                return false;
            };
            match end {
                End::After(duration) => started.at.checked_add(*duration).is_ok_and(|end| now < end),
                // Start and end at one time: the end comes first, so the window that starts there is open.
                End::At(end) => previous(end, zone, now, &[]).is_none_or(|ended| ended <= started),
            }
        }
    }
}

/// The first instant after `now` at which a window that is open (or closed) may change.
fn edge(schedule: &Schedule, open: bool, now: Timestamp) -> Option<Timestamp> {
    let zone = &schedule.zone;
    match &schedule.when {
        When::Once { from, until } => {
            let at = occurrence(if open { *until } else { *from }, zone)?.at;
            Some(at).filter(|at| *at > now)
        }
        When::Recurring(recurrence) => {
            let Recurrence { start, end, except } = &**recurrence;
            match end {
                _ if !open => next(start, zone, now, except).map(|o| o.at),
                End::At(end) => next(end, zone, now, &[]).map(|o| o.at),
                End::After(duration) => previous(start, zone, now, except)?.at.checked_add(*duration).ok(),
            }
        }
    }
}

/// From when the floor of a closed window acts. `auto`: the start-up time and an interval, in which the early start is
/// noticed at the latest.
fn early(
    schedule: &Schedule,
    window: &Window,
    startup: Option<SignedDuration>,
    interval: SignedDuration,
) -> Option<Early> {
    let (lead, assumed) = match schedule.lead? {
        Lead::Fixed(lead) => (lead, false),
        Lead::Auto => {
            let lead = startup.unwrap_or(ASSUMED_STARTUP).saturating_add(interval);
            (lead.min(MOST_LEAD), startup.is_none())
        }
    };
    let opens = window.until.filter(|_| !window.active)?;
    let from = opens.checked_sub(lead).unwrap_or(Timestamp::MIN);
    Some(Early { from, assumed })
}
