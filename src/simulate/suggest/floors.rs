//! Schedules from history: for each hour of working days and weekends, the replicas that its highest load needed.
//!
//! What an admin with a calendar would write, on the wall clock of the policy's first schedule (UTC without one). They are
//! replicas at full use: the target beside them adds the margin.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_yaml::Value;

use super::super::figures::demand;
use super::super::replay::Setup;
use super::super::series::Series;

/// Days as cron names them, and a short name for schedules.
const DAYS: [(&str, &str); 2] = [("MON-FRI", "weekday"), ("SAT,SUN", "weekend")];

/// A schedule for each run of hours with the same need above `minReplicas`.
pub(super) fn schedules(document: &Value, setup: &Setup, series: &Series) -> Vec<Value> {
    let first = setup.policy.schedules.first();
    let zone = first.map_or(TimeZone::UTC, |s| s.zone.clone());
    let name = document["spec"]["schedules"][0]["timeZone"].clone();
    let need = needs(setup, series, &zone);
    let mut found = Vec::new();
    for ((days, kind), hours) in DAYS.iter().zip(&need) {
        let mut hour = 0;
        for run in hours.chunk_by(|a, b| a == b) {
            let floor = run.first().copied().unwrap_or(0).min(setup.policy.bounds.max);
            if floor > setup.policy.bounds.min {
                let mut schedule = Value::Null;
                schedule["name"] = format!("{kind}-{hour:02}").into();
                if !name.is_null() {
                    schedule["timeZone"] = name.clone();
                }
                schedule["start"] = format!("0 {hour} * * {days}").into();
                schedule["duration"] = format!("{}h", run.len()).into();
                schedule["minReplicas"] = floor.into();
                schedule["leadTime"] = "auto".into();
                found.push(schedule);
            }
            hour += run.len();
        }
    }
    found
}

/// By kind of day and hour.
fn needs(setup: &Setup, series: &Series, zone: &TimeZone) -> [[u32; 24]; 2] {
    let mut most = [[0.0_f64; 24]; 2];
    let minutes = setup.start.duration_since(series.first()).as_mins().max(0);
    for minute in 1..=minutes {
        let Ok(at) = setup.start.checked_sub(SignedDuration::from_mins(minute)) else {
            break;
        };
        let (day, hour) = slot(at, zone);
        most[day][hour] = most[day][hour].max(series.load(at));
    }
    most.map(|hours| hours.map(|load| demand(load, setup.capacity)))
}

/// Working day (0) or weekend (1), and the hour.
fn slot(at: Timestamp, zone: &TimeZone) -> (usize, usize) {
    let local = zone.to_datetime(at);
    let weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
    (usize::from(weekend), usize::try_from(local.hour()).unwrap_or(0).min(23))
}
