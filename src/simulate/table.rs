//! A comparison and a sweep as tables for a terminal.
//!
//! Pure; the page draws the same values.

use comfy_table::{CellAlignment, Table, presets};

use super::compare::{Comparison, Point, Sweep};
use super::figures::Figures;
use super::spell::{percent, seconds};
use crate::report::words::number;

/// The policy and its baselines, one a line, with what stands behind equal cost in a sentence below.
pub fn comparison(c: &Comparison) -> String {
    let mut table = table("policy");
    table.add_row(row("this policy".to_owned(), &c.policy));
    for b in &c.baselines {
        let title = b.baseline.title();
        let mut name = match b.target {
            Some(target) => format!("{title} at {}", percent(target)),
            None => title.to_owned(),
        };
        if !b.met {
            name.push_str(" (misses the objective)");
        }
        table.add_row(row(name, &b.figures));
    }
    let mut text = format!(
        "Objective: short for at most {} of the time.\n{table}\n",
        percent(c.objective)
    );
    if let Some(e) = &c.equal_cost {
        text.push_str(&format!(
            "At the same {} replica-hours HPA v2 would be short for {} a day, this policy for {}.\n",
            number(e.replica_hours),
            seconds(60.0 * e.hpa_short_minutes_per_day),
            seconds(60.0 * e.policy_short_minutes_per_day),
        ));
    }
    text
}

/// The curves, one point a line.
pub fn sweep(s: &Sweep) -> String {
    let mut text = String::new();
    for (what, points) in [("objective", &s.objective), ("HPA v2's target", &s.hpa)] {
        if !points.is_empty() {
            let mut table = table(what);
            for Point { knob, figures } in points {
                table.add_row(row(percent(*knob), figures));
            }
            text.push_str(&format!("{table}\n"));
        }
    }
    text
}

fn table(first: &str) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let head = [
        first,
        "short",
        "a day",
        "longest",
        "replica-hours",
        "× oracle",
        "changes",
    ];
    table.set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(name: String, f: &Figures) -> [String; 7] {
    [
        name,
        percent(f.short_share),
        seconds(60.0 * f.short_minutes_per_day),
        seconds(f.longest_short_seconds),
        number(f.replica_hours),
        f.cost.map_or_else(|| "-".to_owned(), |cost| format!("{cost:.2}")),
        f.actions.to_string(),
    ]
}
