//! Words: durations, shares, dates and the sentence of a decision, for the page and the terminal.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::engine::decision::{Abstention, Decision, Outcome};
use crate::engine::policy::Policy;

/// Why the replicas are what they are, in one sentence.
pub fn sentence(_policy: &Policy, decision: &Decision) -> String {
    let mut parts = Vec::new();
    for proposal in &decision.proposals {
        let (kind, name) = (proposal.source.kind(), proposal.source.name());
        match &proposal.outcome {
            Outcome::Replicas { replicas, value, .. } => {
                parts.push(format!("{kind} {name} asks for {replicas} (value {})", number(*value)));
            }
            Outcome::Preview { replicas, .. } => parts.push(format!("{kind} {name} would ask for {replicas}")),
            Outcome::Abstains(Abstention::Forecast(reason)) => parts.push(format!("no forecast: {reason}")),
            Outcome::Abstains(_) => {}
            Outcome::Invalid(failure) => parts.push(format!("{kind} {name} has no value: {}", failure.message)),
        }
    }
    for limit in &decision.limits {
        parts.push(format!("{}: {} → {}", limit.kind.as_str(), limit.before, limit.after));
    }
    format!("{}.", parts.join("; "))
}

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

/// A duration as a person writes it.
pub fn duration(duration: SignedDuration) -> String {
    seconds(duration.as_secs_f64())
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

/// A number with about three digits, thousands parted: `0.25`, `7.3`, `1,234`.
pub fn number(value: f64) -> String {
    digits(value)
}

/// `Mon 23 Nov 07:58` in UTC.
pub fn instant(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a %-d %b %H:%M").to_string()
}

/// `23 Nov 2026`, in UTC.
pub fn date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y").to_string()
}

fn digits(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        s if s == 0.0 || s >= 10.0 => 0,
        s if s >= 1.0 => 1,
        s if s >= 0.1 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
    let mut grouped = String::with_capacity(whole.len() + whole.len() / 3);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
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
            (number(1_234_567.8), "1,234,568"),
            (number(0.25), "0.25"),
            (number(7.0), "7"),
            (number(-1234.0), "-1,234"),
        ];
        for (got, expected) in table {
            assert_eq!(got, expected);
        }
    }
}
