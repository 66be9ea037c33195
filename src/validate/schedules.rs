//! One schedule: when its window is open, in one of two forms, how early its floor acts, and its limits.
//!
//! The rules that need more than one schedule, or the policy's bounds, are in `validate.rs`.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::problems::Problems;
use crate::api::{Duration, LeadTime, ScheduleSpec};
use crate::engine::policy::{End, Lead, Recurrence, Schedule, When};

/// The schedule, or `None` where its window or zone cannot be told.
pub(super) fn schedule(spec: &ScheduleSpec, p: &mut Problems) -> Option<Schedule> {
    let field = |name: &str| format!("schedules[{}].{name}", spec.name);
    let zone = p.zone(&field("timeZone"), &spec.time_zone);
    let when = when(spec, &field, p);
    let (floor, ceiling) = limits(spec, &field, p);
    let lead = spec.lead_time.as_ref().and_then(|lead| {
        if spec.min_replicas.is_none() && spec.replicas.is_none() {
            p.add(
                field("leadTime"),
                format!(
                    "{:?} has nothing to do, for a ceiling never acts early; leave it out, or give minReplicas or replicas",
                    lead.0
                ),
            );
        }
        lead_time(lead, &field("leadTime"), p)
    });
    Some(Schedule {
        name: spec.name.as_str().into(),
        zone: zone?,
        when: when?,
        lead,
        floor,
        ceiling,
    })
}

fn when(spec: &ScheduleSpec, field: &impl Fn(&str) -> String, p: &mut Problems) -> Option<When> {
    match (&spec.start, &spec.from) {
        (Some(start), None) => {
            if spec.until.is_some() {
                p.add(
                    field("until"),
                    "belongs to from; give from instead of start, or end instead of until",
                );
            }
            recurring(spec, start, field, p)
        }
        (None, Some(from)) => {
            if spec.end.is_some() || spec.duration.is_some() || !spec.except.is_empty() {
                p.add(
                    field("from"),
                    "end, duration and except belong to a window that recurs; leave them out, or give start instead of \
                     from and until",
                );
            }
            let from = p.date_time(&field("from"), from);
            let Some(until) = &spec.until else {
                p.add(
                    field("until"),
                    "is missing; say when the window closes, such as 2026-11-30T23:00:00",
                );
                return None;
            };
            let (from, until) = (from?, p.date_time(&field("until"), until)?);
            if until <= from {
                p.add(field("until"), format!("{until} must be later than from ({from})"));
            }
            Some(When::Once { from, until })
        }
        _ => {
            p.add(
                field("start"),
                "must have exactly one of start (a cron expression, for a window that recurs) and from (a date and \
                 time, for one that does not)",
            );
            None
        }
    }
}

fn recurring(spec: &ScheduleSpec, start: &str, field: &impl Fn(&str) -> String, p: &mut Problems) -> Option<When> {
    let opens = p.cron(&field("start"), start);
    let end = match (&spec.end, &spec.duration) {
        (Some(end), None) => {
            let closes = p.cron(&field("end"), end);
            if closes.is_some() && closes == opens {
                p.add(
                    field("end"),
                    format!("{end:?} equals start, so the window would be empty; use duration"),
                );
            }
            closes.map(Box::new).map(End::At)
        }
        (None, Some(duration)) => Some(End::After(p.duration(field("duration"), duration, "1m", "366d"))),
        _ => {
            p.add(
                field("end"),
                "must have exactly one of end (a cron expression) and duration (such as 10h)",
            );
            None
        }
    };
    let mut except: Vec<Date> = Vec::with_capacity(spec.except.len());
    for (i, text) in spec.except.iter().enumerate() {
        let field = field(&format!("except[{i}]"));
        match p.date(&field, text) {
            Some(date) if except.contains(&date) => p.add(field, format!("{date} is there twice; leave one out")),
            Some(date) => except.push(date),
            None => {}
        }
    }
    Some(When::Recurring(Box::new(Recurrence {
        start: opens?,
        end: end?,
        except,
    })))
}

/// `0s` says no more than its absence.
fn lead_time(LeadTime(text): &LeadTime, field: &str, p: &mut Problems) -> Option<Lead> {
    if text == "auto" {
        return Some(Lead::Auto);
    }
    if !text.bytes().all(|b| b.is_ascii_digit() || b"hms".contains(&b)) {
        p.add(
            field,
            format!("{text:?} is neither auto nor hours, minutes and seconds, such as 1h30m"),
        );
        return None;
    }
    let lead = p.duration(field, &Duration(text.clone()), "0s", "24h");
    (lead > SignedDuration::ZERO).then_some(Lead::Fixed(lead))
}

/// Floor and ceiling.
fn limits(spec: &ScheduleSpec, field: &impl Fn(&str) -> String, p: &mut Problems) -> (Option<u32>, Option<u32>) {
    if spec.replicas.is_some() && (spec.min_replicas.is_some() || spec.max_replicas.is_some()) {
        p.add(
            field("replicas"),
            "is an exact count; leave it out, or minReplicas and/or maxReplicas",
        );
    }
    let mut count = |name: &str, value: Option<i32>| value.map(|v| p.replicas(field(name), v));
    let (floor, ceiling) = match count("replicas", spec.replicas) {
        Some(exact) => (Some(exact), Some(exact)),
        None => (
            count("minReplicas", spec.min_replicas),
            count("maxReplicas", spec.max_replicas),
        ),
    };
    if floor.is_none() && ceiling.is_none() {
        p.add(
            field("replicas"),
            "must have minReplicas and/or maxReplicas, or replicas for an exact count",
        );
    }
    if let (Some(floor), Some(ceiling)) = (floor, ceiling)
        && floor > ceiling
    {
        p.add(
            field("minReplicas"),
            format!("{floor} exceeds the schedule's maxReplicas ({ceiling})"),
        );
    }
    (floor, ceiling)
}
