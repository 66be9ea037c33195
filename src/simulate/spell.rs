//! Words for durations, shares and dates on the page; a decision's own words are `report/words.rs`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `45 s`, `2 min 30 s`, `3 h 5 min`, `2 d 4 h`: the two largest units.
pub fn seconds(seconds: f64) -> String {
    let total = seconds.max(0.0).round() as u64;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(length, _)| total >= *length).unwrap_or(3);
    let mut rest = total;
    let mut parts = Vec::new();
    for (length, name) in units.iter().skip(first).take(2) {
        let count = rest / length;
        rest %= length;
        if count > 0 || parts.is_empty() {
            parts.push(format!("{count} {name}"));
        }
    }
    parts.join(" ")
}

/// A share as percent: `0 %`, `0.03 %`, `4.2 %`, `38 %`. Two digits of what is small, so that 0.004 % is not 0 %.
pub fn percent(share: f64) -> String {
    let p = share * 100.0;
    if p == 0.0 {
        "0 %".to_owned()
    } else if p.abs() < 0.001 {
        "under 0.001 %".to_owned()
    } else {
        format!("{} %", digits(p))
    }
}

/// `Mon 23 Nov 07:58` in UTC.
pub fn instant(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a %-d %b %H:%M").to_string()
}

/// `07:58` in UTC.
pub fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
}

/// `07:58:12` in UTC.
pub fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// `23 Nov 2026 – 30 Nov 2026` or, within a day, `23 Nov 2026, 07:58 – 08:03`; in UTC.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y").to_string();
    if date(from) == date(to) {
        format!("{}, {} – {}", date(from), time(from), time(to))
    } else {
        format!("{} – {}", date(from), date(to))
    }
}

/// Lines of at most `width` characters, broken between words; a longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Two digits of what is below ten, whole numbers above.
fn digits(p: f64) -> String {
    let places = match p.abs() {
        s if s >= 10.0 => 0,
        s if s >= 1.0 => 1,
        s if s >= 0.1 => 2,
        _ => 3,
    };
    let text = format!("{p:.places$}");
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let table = [
            (seconds(0.0), "0 s"),
            (seconds(45.0), "45 s"),
            (seconds(150.0), "2 min 30 s"),
            (seconds(180.0), "3 min"),
            (seconds(7_500.0), "2 h 5 min"),
            (seconds(604_800.0), "7 d"),
            (percent(0.0), "0 %"),
            (percent(0.000_001), "under 0.001 %"),
            (percent(0.000_34), "0.034 %"),
            (percent(0.042), "4.2 %"),
            (percent(0.5), "50 %"),
            (percent(1.0), "100 %"),
        ];
        for (got, expected) in table {
            assert_eq!(got, expected);
        }
        assert_eq!(wrapped("ab c defgh i", 4), ["ab c", "defgh", "i"]);
    }
}
