//! Seasonal-naive beside HPA: the load will be what it was a week ago (a day ago, where that week is not known).
//!
//! The highest load of then over the time that a replica asked for now takes to be ready, as one more candidate in the
//! maximum.

use jiff::{SignedDuration, Timestamp};

use super::{Course, ahead, tick_at};

/// The seasons, the one that counts most first.
const SEASONS: [SignedDuration; 2] = [SignedDuration::from_hours(7 * 24), SignedDuration::from_hours(24)];

/// The load to be ready for at each tick; 0 where no season is known.
pub(super) fn loads(course: &Course<'_>) -> Vec<f64> {
    let (setup, ahead) = (course.setup, course.horizon());
    let seasons = SEASONS.map(|season| {
        let then = |tick| {
            let at = tick_at(setup, tick).checked_sub(season).unwrap_or(Timestamp::MIN);
            if at < course.series.first() {
                f64::NAN
            } else {
                course.series.load(at)
            }
        };
        let loads: Vec<f64> = (0..setup.ticks() + ahead as u64).map(then).collect();
        (loads[..course.loads.len()].to_vec(), ahead::highest(&loads, ahead))
    });
    let known = |tick: usize| {
        // Known is what reaches back to the tick itself, not only to what follows it.
        let season = seasons.iter().find(|(loads, _)| !loads[tick].is_nan());
        season.map_or(0.0, |(_, highest)| highest[tick])
    };
    (0..course.loads.len()).map(known).collect()
}
