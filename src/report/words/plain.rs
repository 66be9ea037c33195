//! Numbers, instants and lengths of time as people read them; nothing here knows what they are about.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A number for people: three or so digits that count, thousands apart: `1 530`, `0.042`, `12.5`, `1.5e18`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 => 0,
        s if !(1e-4..1e15).contains(&s) => return format!("{value:.3e}").replace(".000e", "e"),
        s if s >= 1000.0 => 0,
        s if s >= 100.0 => 1,
        s if s >= 1.0 => 2,
        s if s >= 0.01 => 3,
        _ => 6,
    };
    let text = format!("{value:.decimals$}");
    let text = match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => text,
    };
    group(&text)
}

/// An instant as seen from `now`: the time of day alone on the same day (UTC).
pub fn instant(at: Timestamp, now: Timestamp) -> String {
    let day = |t: Timestamp| t.to_zoned(TimeZone::UTC).date();
    let format = if day(at) == day(now) {
        "%H:%M:%SZ"
    } else {
        "%Y-%m-%d %H:%M:%SZ"
    };
    at.strftime(format).to_string()
}

/// A length of time in its largest unit, as people say it: `12s`, `5m`, `3h`, `4d`; two of them where one is coarse.
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().abs();
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big}{unit}"),
        _ => format!("{big}{unit} {small}{small_unit}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        // Rounded to the smaller unit.
        120..7170 => format!("{}m", (seconds + 30) / 60),
        7170..171_000 => two((seconds + 30) / 3600, "h", (seconds + 30) % 3600 / 60, "m"),
        _ => two((seconds + 1800) / 86_400, "d", (seconds + 1800) % 86_400 / 3600, "h"),
    }
}

/// How far an instant is: `12s ago`, `in 4m`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("in {}", span(at.duration_since(now)))
    } else {
        format!("{} ago", span(now.duration_since(at)))
    }
}

/// The text within `most` bytes, cut at a character's border and marked with `…` where something is missing.
pub fn clip(text: impl Into<String>, most: usize) -> String {
    const MARK: &str = "…";
    let mut text = text.into();
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(MARK.len())));
        text.push_str(MARK);
    }
    text
}

/// Thousands apart in the whole part: `1530.5` → `1 530.5`.
fn group(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
