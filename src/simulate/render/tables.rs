//! The numbers in full, at the end of the page.

use std::fmt::Write as _;

use super::super::spell::{percent, seconds};
use super::super::summary::{Origin, Summary};
use super::escape;
use crate::report::words::number;

/// All of them.
pub(super) fn tables(html: &mut String, s: &Summary) {
    let ticks = match s.origin {
        Origin::Replay => "Decisions",
        Origin::Live => "Looks",
    };
    let mut rows = vec![
        (ticks, number(s.ticks as f64)),
        ("Replica-hours (billed from the asking)", number(s.replica_hours)),
        ("Replicas on average", number(s.mean_replicas)),
        ("Replicas at the peak", s.peak_replicas.to_string()),
        ("Scale-ups", number(s.scale_ups as f64)),
        ("Scale-downs", number(s.scale_downs as f64)),
        ("Short, share of the time", percent(s.short_share)),
        ("Short, in all", seconds(s.short_minutes * 60.0)),
        ("Short, longest", seconds(s.longest_short_seconds)),
        ("Load that found no capacity", percent(s.lost_load_share)),
    ];
    if let Some(f) = &s.forecast {
        rows.push(("Forecast: mode", f.mode.clone()));
        rows.push(("Forecast: looks ahead", seconds(f.lead_seconds)));
        rows.push(("Forecast: trusted, share of the time", percent(f.trusted_share)));
        let error = |e: Option<f64>| e.map_or("not known yet".to_owned(), percent);
        rows.push(("Forecast: its mean error", error(f.model_error)));
        rows.push(("Forecast: the best naive one's", error(f.naive_error)));
    }
    html.push_str("<section>\n<h2>Numbers</h2>\n<div class=\"tables\">\n");
    table(html, "The run", rows.into_iter().map(|(n, v)| (n.to_owned(), v)));
    if !s.winners.is_empty() {
        let winners = s
            .winners
            .iter()
            .map(|(name, share)| (name.replace('/', " "), percent(*share)));
        table(html, "Whose proposal was the largest", winners);
    }
    if !s.limits.is_empty() {
        let limits = s.limits.iter().map(|(name, n)| (name.clone(), number(*n as f64)));
        table(html, "Decisions changed by a limit", limits);
    }
    let mut plant = vec![("A replica carries", number(s.replica_capacity))];
    if s.origin == Origin::Replay {
        plant.extend([
            ("It is ready after", seconds(s.startup_seconds)),
            ("Metrics are late by", seconds(s.metric_delay_seconds)),
            ("They are means of", "1 min".to_owned()),
            ("Removed first", "the youngest".to_owned()),
        ]);
    }
    table(
        html,
        "What was assumed",
        plant.into_iter().map(|(n, v)| (n.to_owned(), v)),
    );
    html.push_str("</div>\n</section>\n");
}

fn table(html: &mut String, caption: &str, rows: impl Iterator<Item = (String, String)>) {
    let _ = writeln!(html, "<table><caption>{caption}</caption>");
    for (name, value) in rows {
        let _ = writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", escape(&name), escape(&value));
    }
    html.push_str("</table>\n");
}
