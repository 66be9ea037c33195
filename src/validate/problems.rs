//! Scalars of the spec, parsed: quantities, durations, cron, dates, time zones, names; what is wrong with them is collected.
//!
//! A parser that fails records a [`Problem`] and gives a harmless stand-in, so that `validate.rs` goes on and reports
//! all of them at once. Messages show the value and say what to write instead.

use std::str::FromStr;
use std::time;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use k8s_openapi::apimachinery::pkg::api::resource;
use kube_quantity::ParsedQuantity;

use super::{Invalid, Problem};
use crate::api::{Duration, LocalDate, LocalDateTime, Number, Percent};
use crate::engine::policy::Policy;

/// The schema's bound of every replica count.
pub(super) const MOST_REPLICAS: u32 = 1_000_000;

/// A duration in Prometheus' style (`15s`, `1h30m`, `28d`); a day is 24 hours, a week seven days.
///
/// # Errors
/// The parser's own words.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    // jiff reads more than the API's pattern lets through: years, fractions, signs, ISO 8601.
    if !text.bytes().all(|b| b.is_ascii_digit() || b"wdhms".contains(&b)) {
        return Err("only whole weeks, days, hours, minutes and seconds (w, d, h, m, s)".to_owned());
    }
    let span = Span::from_str(text).map_err(|e| e.to_string())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|e| e.to_string())
}

/// The same as an option of the command line that says how long to wait: above zero.
///
/// # Errors
/// What to give instead.
pub fn wait(text: &str) -> Result<time::Duration, String> {
    match time::Duration::try_from(duration(text)?) {
        Ok(wait) if !wait.is_zero() => Ok(wait),
        _ => Err("give a duration above zero, such as 5s".to_owned()),
    }
}

/// A Kubernetes quantity as a number.
fn quantity(value: &Number) -> Option<f64> {
    match value {
        // Above 2⁵³ a float is off by less than one part in 10¹⁵.
        Number::Int(i) => Some(*i as f64),
        Number::String(s) => ParsedQuantity::try_from(resource::Quantity(s.clone()))
            .ok()?
            .to_bytes_f64(),
    }
}

/// Collects problems while parsing goes on with a harmless stand-in, so that all of them are reported at once.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            field: field.into(),
            message: message.into(),
        });
    }

    pub(super) fn finish(self, policy: Policy) -> Result<Policy, Invalid> {
        if self.0.is_empty() {
            Ok(policy)
        } else {
            Err(Invalid(self.0))
        }
    }

    pub(super) fn replicas(&mut self, field: impl Into<String>, value: i32) -> u32 {
        match u32::try_from(value) {
            Ok(n) if (1..=MOST_REPLICAS).contains(&n) => n,
            _ => {
                self.add(
                    field,
                    format!("{value} is not a replica count; give a number from 1 up to {MOST_REPLICAS}"),
                );
                1
            }
        }
    }

    /// Names are labels and parts of messages: lower case, digits and dashes, each used once.
    pub(super) fn names<'a>(&mut self, list: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let fits = (1..=63).contains(&name.len()) && name.bytes().all(inner);
            if !fits || name.starts_with('-') || name.ends_with('-') {
                self.add(
                    format!("{list}[{name}].name"),
                    format!("{name:?} is not a name; use lower case letters, digits and dashes, 63 at most"),
                );
            }
            if !seen.insert(name) {
                self.add(
                    format!("{list}[{name}].name"),
                    format!("{name:?} is used twice; names are unique in a policy"),
                );
            }
        }
    }

    pub(super) fn positive(&mut self, field: &str, value: &Number) -> Option<f64> {
        let number = quantity(value).filter(|v| v.is_finite() && *v > 0.0);
        if number.is_none() {
            self.add(
                field,
                format!(
                    "{} is not a quantity above 0, such as 1000, \"0.5\" or \"500m\"",
                    shown(value)
                ),
            );
        }
        number
    }

    pub(super) fn not_negative(&mut self, field: &str, value: &Number) -> Option<f64> {
        let number = quantity(value).filter(|v| v.is_finite() && *v >= 0.0);
        if number.is_none() {
            self.add(
                field,
                format!("{} is not a quantity from 0 up, such as \"0.1\"", shown(value)),
            );
        }
        number
    }

    /// A percentage within limits, as a fraction.
    pub(super) fn percent(&mut self, field: &str, text: &Percent, least: f64, most: f64) -> f64 {
        let plain = |digits: &&str| digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let number = text
            .0
            .strip_suffix('%')
            .filter(plain)
            .and_then(|n| n.parse::<f64>().ok());
        match number.filter(|n| (least..=most).contains(n)) {
            Some(percent) => percent / 100.0,
            None => {
                self.add(
                    field,
                    format!(
                        "{:?} is not a percentage from {least}% to {most}%, such as {least}%",
                        text.0
                    ),
                );
                least / 100.0
            }
        }
    }

    /// A duration within limits that are given as people write them.
    pub(super) fn duration(
        &mut self,
        field: impl Into<String>,
        text: &Duration,
        least: &str,
        most: &str,
    ) -> SignedDuration {
        let limit = |text| duration(text).unwrap_or_default();
        match duration(&text.0) {
            Ok(d) if d >= limit(least) && d <= limit(most) => d,
            Ok(_) => {
                self.add(
                    field,
                    format!("{:?} is out of range; give a duration from {least} to {most}", text.0),
                );
                limit(least)
            }
            Err(_) => {
                self.add(
                    field,
                    format!("{:?} is not a duration such as 15s, 5m, 1h30m or 28d", text.0),
                );
                limit(least)
            }
        }
    }

    pub(super) fn cron(&mut self, field: &str, text: &str) -> Option<Cron> {
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        // croner knows nicknames (@daily); the API's pattern does not, so that every expression is of one kind.
        let parsed = if text.starts_with('@') {
            Err("nicknames are not known here".to_owned())
        } else {
            parser.parse(text).map_err(|e| e.to_string())
        };
        match parsed {
            Ok(cron) if !comes(&cron) => {
                self.add(
                    field,
                    format!("{text:?} never comes (such as 30 February); give a date that exists"),
                );
                None
            }
            Ok(cron) => Some(cron),
            Err(e) => {
                let remedy =
                    "give five fields: minute, hour, day of month, month, day of week, such as \"0 8 * * MON-FRI\"";
                self.add(field, format!("{text:?} is not a cron expression ({e}); {remedy}"));
                None
            }
        }
    }

    pub(super) fn date(&mut self, field: &str, text: &LocalDate) -> Option<Date> {
        // jiff reads more forms than one; only the one that it writes is meant.
        let date = text.0.parse().ok().filter(|date: &Date| date.to_string() == text.0);
        if date.is_none() {
            self.add(
                field,
                format!("{:?} is not a date that exists, such as 2026-12-25", text.0),
            );
        }
        date
    }

    pub(super) fn date_time(&mut self, field: &str, text: &LocalDateTime) -> Option<DateTime> {
        let at = text.0.parse().ok().filter(|at: &DateTime| at.to_string() == text.0);
        if at.is_none() {
            self.add(
                field,
                format!(
                    "{:?} is not a date and time that exists, without a zone, such as 2026-11-27T00:00:00; timeZone says \
                     where",
                    text.0
                ),
            );
        }
        at
    }

    pub(super) fn zone(&mut self, field: &str, name: &str) -> Option<TimeZone> {
        match TimeZone::get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                self.add(
                    field,
                    format!("{name:?} is not a known IANA time zone, such as Europe/Zurich or UTC"),
                );
                None
            }
        }
    }
}

/// Whether the expression has an occurrence at all. From a leap year on, so that 29 February is found at once.
fn comes(cron: &Cron) -> bool {
    let from = jiff::civil::date(2024, 1, 1).to_zoned(TimeZone::UTC);
    from.is_ok_and(|from| cron.find_next_occurrence(&from, true).is_ok())
}

fn shown(value: &Number) -> String {
    match value {
        Number::Int(i) => i.to_string(),
        Number::String(s) => format!("{s:?}"),
    }
}
