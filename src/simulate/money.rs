//! What replica-hours cost: a price for one, and what a run comes to with it.
//!
//! The currency is whatever text was given: nothing is converted. A year is the run's cost drawn out, and everybody who
//! shows it says so. Pure.

use std::str::FromStr;

use serde::Serialize;

use super::summary::Summary;
use crate::report::words::number;

/// Seconds in a year, leap years included.
const YEAR: f64 = 365.25 * 86_400.0;
/// Runs shorter than a day say nothing about a year: nights are cheaper than noons.
const LEAST: f64 = 86_400.0;

/// What one replica costs an hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    per_hour: f64,
    currency: String,
}

/// What a run cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// Of one replica in one hour.
    pub per_replica_hour: f64,
    /// Of the run.
    pub total: f64,
    /// Of a year in which every day is as the run's days were; absent for runs shorter than a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_year: Option<f64>,
    /// The currency as it was given; may be empty.
    pub currency: String,
}

impl Price {
    /// Puts what it cost beside every count of replica-hours: the run's, its rivals' and the sweeps'.
    pub fn put(&self, summary: &mut Summary) {
        let seconds = summary.ticks as f64 * summary.tick_seconds;
        summary.money = Some(self.of(summary.replica_hours, seconds));
        let mut runs = Vec::new();
        if let Some(comparison) = &mut summary.comparison {
            runs.push(&mut comparison.policy);
            runs.extend(comparison.baselines.iter_mut().map(|b| &mut b.figures));
            runs.extend(comparison.hpa_curve.iter_mut().map(|p| &mut p.figures));
        }
        if let Some(sweep) = &mut summary.sweep {
            let points = sweep.objective.iter_mut().chain(&mut sweep.hpa);
            runs.extend(points.map(|p| &mut p.figures));
        }
        if let Some(suggestion) = &mut summary.suggestion {
            runs.extend(suggestion.tried.iter_mut().map(|t| &mut t.figures));
        }
        for figures in runs {
            figures.money = Some(self.of(figures.replica_hours, seconds));
        }
    }

    /// What so many replica-hours cost, that took `seconds` of time.
    pub fn of(&self, replica_hours: f64, seconds: f64) -> Money {
        let total = self.per_hour * replica_hours;
        Money {
            per_replica_hour: self.per_hour,
            total,
            per_year: (seconds >= LEAST).then(|| total * YEAR / seconds),
            currency: self.currency.clone(),
        }
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (amount, currency) = text.split_at(digits);
        let per_hour = amount.parse().ok().filter(|p: &f64| p.is_finite() && *p > 0.0);
        let currency = currency.trim();
        let word = currency.chars().count() <= 8 && !currency.contains(|c: char| c.is_control() || c.is_numeric());
        match per_hour {
            Some(per_hour) if word => Ok(Price {
                per_hour,
                currency: currency.to_owned(),
            }),
            _ => Err("give a number above 0 with or without a currency behind it, such as 0.05 or 0.05EUR".to_owned()),
        }
    }
}

impl Money {
    /// An amount of its currency in words: `412 EUR`, `0.53 EUR`. Cents are left out of what is large.
    pub fn words(&self, amount: f64) -> String {
        let places = if amount.abs() < 100.0 { 100.0 } else { 1.0 };
        let amount = number((amount * places).round() / places);
        format!("{amount} {}", self.currency).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_a_number_and_perhaps_a_currency() {
        let hundred = |text: &str| {
            let money = text.parse::<Price>()?.of(100.0, 86_400.0);
            Ok::<_, String>(money.words(money.total))
        };
        for (text, expected) in [
            ("0.05", "5"),
            ("0.05EUR", "5 EUR"),
            ("1.2345 €", "123 €"),
            ("2 CHF", "200 CHF"),
        ] {
            assert_eq!(hundred(text).unwrap(), expected);
        }
        for text in ["", "EUR", "0", "-1", "1e400", "nan", "0.05 EUR 2", "0.05 currencies"] {
            let message = hundred(text).unwrap_err();
            assert!(message.contains("such as 0.05 or 0.05EUR"), "{text}: {message}");
        }
    }

    #[test]
    fn a_year_is_the_run_drawn_out() {
        let price: Price = "0.1".parse().unwrap();
        assert_eq!(price.of(240.0, 86_400.0).per_year, Some(24.0 * 365.25));
        assert_eq!(price.of(10.0, 3_600.0).per_year, None);
    }
}
