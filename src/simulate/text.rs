//! The terminal's summary: what came out, a row for each policy, what that means, and what to know when reading it.
//!
//! Pure: text in, at most [`WIDTH`] columns wide. Neighbours: `verdict.rs` has rows and sentences, shared with the page.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::compare::Point;
use super::spell::{between, percent, seconds};
use super::summary::Summary;
use super::verdict::{self, Row};
use super::{render, spell};
use crate::report::words::number;

/// As `headroom explain`: fits any terminal.
pub const WIDTH: u16 = 100;

/// The summary, with a line break at its end.
pub fn text(s: &Summary) -> String {
    let mut text = String::new();
    let length = seconds(s.ticks as f64 * s.tick_seconds);
    line(
        &mut text,
        &format!("{}, {} ({length})", s.policy, between(s.from, s.to)),
    );
    line(&mut text, &render::headline(s));
    if let Some(money) = &s.money {
        line(&mut text, &verdict::cost(money));
    }
    text.push('\n');
    table(&mut text, s);
    for (name, sentences) in verdict::sentences(s) {
        line(&mut text, &format!("Against {name}: {sentences}"));
    }
    if let Some(sentence) = verdict::objective(s) {
        line(&mut text, &sentence);
    }
    if let Some(sweep) = &s.sweep {
        curve(
            &mut text,
            &format!("{}, by its objective", s.policy),
            "Objective",
            &sweep.objective,
        );
        curve(&mut text, "HPA v2, by its target", "Target", &sweep.hpa);
    }
    for note in &s.notes {
        text.push('\n');
        line(&mut text, &format!("Note: {note}"));
    }
    text
}

fn table(text: &mut String, s: &Summary) {
    let rows = verdict::rows(s);
    let any = |of: fn(&Row) -> bool| rows.iter().any(of);
    let (costs, monies) = (any(|r| r.cost.is_some()), any(|r| r.money.is_some()));
    let yearly = any(|r| r.money.as_ref().is_some_and(|m| m.per_year.is_some()));
    let daily = if verdict::daily(s) { "A day" } else { "In all" };
    let mut header = vec!["Policy", "Short", daily, "Longest", "Replica-hours"];
    header.extend(costs.then_some("× oracle"));
    header.push("Changes");
    header.extend(monies.then_some("Cost"));
    header.extend(yearly.then_some("A year*"));
    let mut table = plain(&header);
    for row in rows {
        let mut cells = vec![
            row.name,
            percent(row.short),
            seconds(row.short_seconds),
            seconds(row.longest_seconds),
            number(row.replica_hours),
        ];
        if costs {
            cells.push(row.cost.map_or_else(|| "-".to_owned(), times));
        }
        cells.push(number(row.actions as f64));
        let money = |of: fn(&super::money::Money) -> Option<f64>| {
            let money = row.money.as_ref();
            money
                .and_then(|m| Some(m.words(of(m)?)))
                .unwrap_or_else(|| "-".to_owned())
        };
        cells.extend(monies.then(|| money(|m| Some(m.total))));
        cells.extend(yearly.then(|| money(|m| m.per_year)));
        table.add_row(cells);
    }
    put(text, &table);
    if yearly {
        line(text, "* if every day were like these");
    }
    text.push('\n');
}

fn curve(text: &mut String, title: &str, knob: &str, points: &[Point]) {
    if points.is_empty() {
        return;
    }
    text.push('\n');
    line(text, title);
    let mut table = plain(&[knob, "Short", "A day", "Replica-hours", "× oracle", "Cost"]);
    for Point { knob, figures } in points {
        table.add_row([
            percent(*knob),
            percent(figures.short_share),
            seconds(figures.short_minutes_per_day * 60.0),
            number(figures.replica_hours),
            figures.cost.map_or_else(|| "-".to_owned(), times),
            figures
                .money
                .as_ref()
                .map_or_else(|| "-".to_owned(), |m| m.words(m.total)),
        ]);
    }
    put(text, &table);
}

/// A multiple of the oracle's cost, with two decimals: `1.40`.
pub fn times(cost: f64) -> String {
    format!("{cost:.2}")
}

/// A table without lines; the first column to the left, numbers to the right.
fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn put(text: &mut String, table: &Table) {
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// Wrapped text. Names come from policies and notes: a terminal would obey their control characters.
fn line(text: &mut String, words: &str) {
    let harmless: String = words
        .chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    for line in spell::wrapped(&harmless, usize::from(WIDTH)) {
        text.push_str(&line);
        text.push('\n');
    }
}
