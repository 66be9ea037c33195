//! The schedules: what each sets, whether its window is open, and when that changes, in its own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::types::Schedule;
use super::view::View;
use crate::engine::policy;
use crate::report::words::instant;

pub(super) fn of(view: &View<'_>) -> Vec<Schedule> {
    let known = view.policy.as_ref().map_or(&[][..], |p| &p.schedules);
    let each = view.status.schedules.iter().map(|told| {
        let schedule = known.iter().find(|s| *s.name == *told.name);
        let next = told.until.as_ref().or(told.next_start.as_ref());
        Schedule {
            name: told.name.clone(),
            active: told.active,
            warming: told.warming,
            sets: schedule.map(sets),
            next_change: next.cloned(),
            local: next.zip(schedule).map(|(at, s)| local(at.0, &s.zone, view.now)),
        }
    });
    each.collect()
}

/// `at least 10`, `at most 5`, `10 to 30`, `exactly 10`
pub(super) fn sets(schedule: &policy::Schedule) -> String {
    match (schedule.floor, schedule.ceiling) {
        (Some(floor), Some(ceiling)) if floor == ceiling => format!("exactly {floor}"),
        (Some(floor), Some(ceiling)) => format!("{floor} to {ceiling}"),
        (Some(floor), None) => format!("at least {floor}"),
        (None, Some(ceiling)) => format!("at most {ceiling}"),
        (None, None) => "nothing".to_owned(),
    }
}

/// `Mon 08:00 Europe/Zurich`; with its date where it is a week or more away, in UTC as everywhere where that is its zone.
pub(super) fn local(at: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let name = zone.iana_name().unwrap_or("UTC");
    if matches!(name, "UTC" | "Etc/UTC") {
        return instant(at, now);
    }
    let far = at.duration_since(now).abs().as_hours() >= 24 * 6;
    let format = if far { "%a %Y-%m-%d %H:%M" } else { "%a %H:%M" };
    format!("{} {name}", at.to_zoned(zone.clone()).strftime(format))
}
