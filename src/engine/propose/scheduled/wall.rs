//! Cron on the wall clock of a zone: the last and the next occurrence, also where clocks change.
//!
//! Croner knows the calendar; the two days a year on which a wall clock skips or repeats an hour are decided here, as
//! Vixie cron decides them. An expression with `*` in minute or hour follows the clock: it occurs whenever the clock
//! shows a time that matches, so not in a gap, and twice in an overlap. Any other is a set of times of day: each
//! occurs once a day, at the end of the gap that swallowed it, and the first time of two. (Croner's own rule counts
//! lists and ranges among the first kind, and drops a time whose gap ends on another date, as in America/Nuuk.)
//!
//! Instants are whole seconds, as cron's are. Never more than a few rounds per call: each loop says why.

use croner::Cron;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// An instant, and the wall-clock time that it stands for: another one than the clock shows where a gap swallowed it. By
/// that time two occurrences at the end of one gap still have their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Occurrence {
    pub(super) at: Timestamp,
    pub(super) wall: DateTime,
}

/// When the clock shows this: the first of two times, the end of the gap where it never does.
pub(super) fn occurrence(wall: DateTime, zone: &TimeZone) -> Option<Occurrence> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    // In a gap: an instant before it, by as much as `wall` lies before the gap's end.
    let first = ambiguous.earlier().ok()?;
    let at = if gap {
        zone.following(first).next()?.timestamp()
    } else {
        first
    };
    Some(Occurrence { at, wall })
}

/// The last occurrence at or before `now` that is not on one of the dates `except`.
pub(super) fn previous(cron: &Cron, zone: &TimeZone, now: Timestamp, except: &[Date]) -> Option<Occurrence> {
    let mut at = whole_second(now);
    if follows_the_clock(cron) {
        // Each round leaves one of the dates behind.
        for _ in 0..=except.len() {
            let found = cron.find_previous_occurrence(&at.to_zoned(zone.clone()), true).ok()?;
            let date = found.date();
            if !except.contains(&date) {
                return Some(shown(&found));
            }
            at = begin(date, zone)?.checked_sub(SECOND).ok()?;
        }
        return None;
    }
    // Each round leaves behind one of the dates, or a minute that the clock has yet to show again: an hour of them.
    let (mut wall, mut inclusive) = (latest(at, zone), true);
    loop {
        wall = cron.find_previous_occurrence(&wall, inclusive).ok()?;
        inclusive = false;
        let found = occurrence(wall, zone)?;
        if except.contains(&wall.date()) {
            wall = wall.date().to_datetime(Time::midnight());
        } else if found.at <= at {
            return Some(found);
        }
    }
}

/// The first occurrence after `now` that is not on one of the dates `except`.
pub(super) fn next(cron: &Cron, zone: &TimeZone, now: Timestamp, except: &[Date]) -> Option<Occurrence> {
    let mut at = whole_second(now);
    if follows_the_clock(cron) {
        // Each round leaves one of the dates behind.
        for _ in 0..=except.len() {
            let found = cron.find_next_occurrence(&at.to_zoned(zone.clone()), false).ok()?;
            let date = found.date();
            if !except.contains(&date) {
                return Some(shown(&found));
            }
            at = begin(date.tomorrow().ok()?, zone)?.checked_sub(SECOND).ok()?;
        }
        return None;
    }
    // Each round leaves behind one of the dates, or a minute that the clock shows for the second time: an hour of them.
    let (mut wall, mut inclusive) = (zone.to_datetime(at), false);
    loop {
        wall = cron.find_next_occurrence(&wall, inclusive).ok()?;
        inclusive = false;
        let found = occurrence(wall, zone)?;
        if except.contains(&wall.date()) {
            wall = wall.date().tomorrow().ok()?.to_datetime(Time::midnight());
            inclusive = true;
        } else if found.at > at {
            return Some(found);
        }
    }
}

/// Whether the expression has `*` (also `*/5`) in minute or hour.
fn follows_the_clock(cron: &Cron) -> bool {
    cron.pattern.minutes.from_wildcard || cron.pattern.hours.from_wildcard
}

fn shown(at: &jiff::Zoned) -> Occurrence {
    Occurrence {
        at: at.timestamp(),
        wall: at.datetime(),
    }
}

/// The first instant of the date.
fn begin(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    occurrence(date.to_datetime(Time::midnight()), zone).map(|o| o.at)
}

/// The latest time that the clock has shown by `at`: more than it shows now while it repeats an hour.
fn latest(at: Timestamp, zone: &TimeZone) -> DateTime {
    let wall = zone.to_datetime(at);
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Fold { before, after } => wall.saturating_add(before.duration_since(after)),
        _ => wall,
    }
}

fn whole_second(now: Timestamp) -> Timestamp {
    let fraction = now.as_nanosecond().rem_euclid(1_000_000_000);
    let fraction = SignedDuration::from_nanos(i64::try_from(fraction).unwrap_or(0));
    now.checked_sub(fraction).unwrap_or(now)
}
