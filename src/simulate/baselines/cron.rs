//! Cron floors beside HPA, as with KEDA's cron scaler: what each hour of working days and weekends needed at most.
//!
//! The floors carry the highest load of that hour in the history, on the wall clock of the policy's first window (UTC
//! without one), or a share of it, or more. They act a start-up time early, as somebody who knows it would set
//! them. KEDA hands its scaler to HPA as a metric with a target of one a replica, and so does this; HPA's tolerance holds
//! for it as for any metric.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Course, ahead, hpa, tick_at};
use crate::engine::policy::Policy;
use crate::simulate::replay::Setup;

/// What floors may carry, as multiples of the highest load: a little for company, up to something for bad days.
pub const MARGINS: [f64; 5] = [0.4, 0.6, 0.8, 1.0, 1.25];

/// HPA with a second metric: the floor.
pub(super) fn policy(setup: &Setup, target: f64) -> Policy {
    let mut policy = hpa::policy(setup, target);
    policy.metrics.push(hpa::total("cron", 1.0));
    policy
}

/// The floor at each tick, as a load; 0 for hours that history does not know.
pub(super) fn floors(course: &Course<'_>) -> Vec<f64> {
    let setup = course.setup;
    let zone = setup.policy.schedules.first().map_or(TimeZone::UTC, |s| s.zone.clone());
    let mut most = [[0.0_f64; 24]; 2];
    let minutes = setup.start.duration_since(course.series.first()).as_mins().max(0);
    for minute in 1..=minutes {
        let Ok(at) = setup.start.checked_sub(SignedDuration::from_mins(minute)) else {
            break;
        };
        let (day, hour) = slot(at, &zone);
        most[day][hour] = most[day][hour].max(course.series.load(at));
    }
    let floor = |tick| {
        let (day, hour) = slot(tick_at(setup, tick), &zone);
        most[day][hour]
    };
    // Some ticks beyond the last, so that the last ones look ahead as far as the others.
    let ahead = course.horizon();
    let floors: Vec<f64> = (0..setup.ticks() + ahead as u64).map(floor).collect();
    let mut floors = ahead::highest(&floors, ahead);
    floors.truncate(course.loads.len());
    floors
}

/// Working day (0) or weekend (1), and the hour.
fn slot(at: Timestamp, zone: &TimeZone) -> (usize, usize) {
    let local = zone.to_datetime(at);
    let weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
    (usize::from(weekend), usize::try_from(local.hour()).unwrap_or(0).min(23))
}
