//! Where the marks of the axes go: round numbers, and instants that a person would name. Pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Round values from 0 up to at least `most`, about `count` of them; the last one is the axis' end.
pub fn values(most: f64, count: u32) -> Vec<f64> {
    let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
    let rough = most / f64::from(count.max(1));
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    let step = steps.iter().map(|s| s * power).find(|s| *s >= rough).unwrap_or(rough);
    let marks = (most / step - 1e-9).ceil().max(1.0) as u32;
    (0..=marks).map(|i| f64::from(i) * step).collect()
}

/// Round values around `least` to `most`, about `count` of them, and the ends of an axis that holds both with some room.
pub fn between(least: f64, most: f64, count: u32) -> ((f64, f64), Vec<f64>) {
    let (least, most) = if least.is_finite() && most > least {
        (least, most)
    } else {
        (most - 1.0, most + 1.0)
    };
    let room = 0.05 * (most - least);
    let (from, to) = (least - room, most + room);
    let step = values(to - from, count).get(1).copied().unwrap_or(1.0);
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    ((from, to), (first..=last).map(|i| i as f64 * step).collect())
}

/// The same for counts: no mark between two whole numbers.
pub fn counts(most: f64, count: u32) -> Vec<f64> {
    let marks = values(most.max(1.0), count);
    if marks.iter().all(|m| m.fract() == 0.0) {
        marks
    } else {
        (0..=most.ceil() as u32).map(f64::from).collect()
    }
}

/// `0`, `250`, `1.5k`, `12k`, `3M`.
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value {
        v if v >= 1e12 => return format!("{v:.0e}"),
        v if v >= 1e9 => (v / 1e9, "G"),
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e3 => (v / 1e3, "k"),
        v => (v, ""),
    };
    // Three digits are more than marks need and hide the crumbs of the division.
    format!("{}{unit}", (scaled * 1e3).round() / 1e3)
}

/// Spacings from a minute to a quarter, in seconds.
const SPACINGS: [i64; 14] = [
    60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000,
];
const DAY: i64 = 86_400;
const MONTH: i64 = 2_592_000;

/// Instants between `from` and `to`, at most `count` of them, with labels: times within a day, days, or months.
pub fn instants(from: Timestamp, to: Timestamp, count: usize) -> Vec<(Timestamp, String)> {
    let length = to.duration_since(from).as_secs().max(1);
    let most = i64::try_from(count.max(1)).unwrap_or(1);
    let spacing = SPACINGS.into_iter().find(|s| length / s <= most).unwrap_or(length);
    if spacing >= MONTH {
        return months(from, to, (spacing / MONTH) as i8);
    }
    // Weeks begin on Mondays; 1970 began on a Thursday.
    let phase = if spacing % (7 * DAY) == 0 { 4 * DAY } else { 0 };
    let mut second = (from.as_second() - phase).div_euclid(spacing) * spacing + phase;
    let mut marks = Vec::new();
    while second <= to.as_second() {
        if second >= from.as_second()
            && let Ok(at) = Timestamp::from_second(second)
        {
            marks.push((at, label(at, spacing)));
        }
        second += spacing;
    }
    marks
}

fn label(at: Timestamp, spacing: i64) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let format = match spacing {
        _ if spacing >= 7 * DAY => "%-d %b",
        _ if spacing >= DAY => "%a %-d",
        _ if at.hour() == 0 && at.minute() == 0 => "%a %-d",
        _ => "%H:%M",
    };
    at.strftime(format).to_string()
}

/// The first of every month, or of every `step`th.
fn months(from: Timestamp, to: Timestamp, step: i8) -> Vec<(Timestamp, String)> {
    let mut date = from.to_zoned(TimeZone::UTC).date().first_of_month();
    let mut marks = Vec::new();
    loop {
        let Ok(at) = date.to_zoned(TimeZone::UTC) else {
            return marks;
        };
        if at.timestamp() > to {
            return marks;
        }
        if at.timestamp() >= from && (date.month() - 1) % step.max(1) == 0 {
            let format = if date.month() == 1 { "%Y" } else { "%b" };
            marks.push((at.timestamp(), at.strftime(format).to_string()));
        }
        let Ok(next) = date.checked_add(jiff::Span::new().months(1)) else {
            return marks;
        };
        date = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_cover_the_most() {
        let table = [
            (9_870.0, 4, vec![0.0, 2_500.0, 5_000.0, 7_500.0, 10_000.0]),
            (20.0, 4, vec![0.0, 5.0, 10.0, 15.0, 20.0]),
            (0.0, 4, vec![0.0, 0.25, 0.5, 0.75, 1.0]),
        ];
        for (most, count, expected) in table {
            assert_eq!(values(most, count), expected);
        }
        assert_eq!(between(1.0, 2.0, 4), ((0.95, 2.05), vec![1.0, 1.5, 2.0]));
        assert_eq!(between(3.0, 3.0, 2).1, [2.0, 4.0]);
        assert_eq!(counts(3.0, 4), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(counts(22.0, 5), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]);
        assert_eq!(
            [short(0.0), short(1_500.0), short(12e6), short(0.1)],
            ["0", "1.5k", "12M", "0.1"]
        );
    }

    #[test]
    fn instants_are_named_as_people_do() {
        let labels = |from: &str, to: &str, count| {
            let marks = instants(from.parse().unwrap(), to.parse().unwrap(), count);
            marks.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            labels("2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z", 8),
            "Mon 23 Tue 24 Wed 25 Thu 26 Fri 27 Sat 28 Sun 29"
        );
        assert_eq!(
            labels("2026-11-22T20:00:00Z", "2026-11-23T08:00:00Z", 6),
            "21:00 Mon 23 03:00 06:00"
        );
        assert_eq!(labels("2026-01-10T00:00:00Z", "2026-12-20T00:00:00Z", 4), "Apr Jul Oct");
        assert_eq!(
            labels("2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z", 6),
            "2 Nov 9 Nov 16 Nov 23 Nov 30 Nov"
        );
    }
}
