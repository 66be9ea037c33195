//! A suggestion in words: what was found on which part of the trace, the evidence as rows, and what could not be tried.

use super::super::spell::{between, percent, seconds};
use super::{LESS, Suggestion, Tried};
use crate::report::words::number;

impl Suggestion {
    /// What is suggested, and whether it meets the objective.
    pub fn answer(&self) -> String {
        let limit = percent(self.objective);
        let tried = self.tried.iter().find(|t| Some(&t.title) == self.chosen.as_ref());
        let Some(tried) = tried else {
            return format!("Nothing could be tried that may keep it short for at most {limit} of the time.");
        };
        let (title, f) = (&tried.title, &tried.figures);
        let short = percent(f.short_share);
        match self.within_reach {
            true => format!(
                "Short for at most {limit} of the time at the least cost: {title}, with {} replica-hours and short for \
                 {short}.",
                number(f.replica_hours)
            ),
            false => format!(
                "Out of reach: nothing that was tried is short for at most {limit} of the time. The nearest is {title}, \
                 short for {short} with {} replica-hours.",
                number(f.replica_hours)
            ),
        }
    }

    /// On which part of the trace, and what that is worth.
    pub fn evidence(&self) -> String {
        let [first, start, end] = self.parts;
        let before = start.duration_since(first).as_secs_f64();
        let history = match before > 0.0 {
            true => format!(
                "The first {} of the trace ({}) were history for forecasts and floors.",
                seconds(before),
                between(first, start)
            ),
            false => {
                "The trace was replayed from its first row, so there was no history for forecasts or floors; give \
                      --history, or a later --start."
                    .to_owned()
            }
        };
        format!(
            "{history} The rest ({}, {}) judged, and on it the values were also chosen: that is hindsight, so expect \
             other weeks to be somewhat worse.",
            seconds(end.duration_since(start).as_secs_f64()),
            between(start, end)
        )
    }

    /// How much hangs on the capacity that was given.
    pub fn doubt(&self) -> Option<String> {
        self.short_with_less.map(|short| {
            format!(
                "If a replica carried {} less than --replica-capacity, it would be short for {} of the time: measure the \
                 capacity before you apply it.",
                percent(1.0 - LESS),
                percent(short)
            )
        })
    }

    /// The best of each kind, cheapest first, then what they stand beside.
    pub fn rows(&self) -> Vec<&Tried> {
        let mut rows: Vec<&Tried> = self.tried.iter().collect();
        // Stable: what only stands beside keeps its order.
        rows.sort_by(|a, b| match (a.candidate, b.candidate) {
            (true, true) => a.figures.replica_hours.total_cmp(&b.figures.replica_hours),
            (a, b) => b.cmp(&a),
        });
        rows
    }
}
