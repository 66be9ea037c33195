//! The terminal's summary: what came out, a row for each policy, what that means, and what to know when reading it.
//!
//! Pure: text in, at most [`WIDTH`] columns wide. Neighbours: `verdict.rs` has rows and sentences, shared with the page.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::compare::Point;
use super::spell::{between, percent, seconds};
use super::suggest::{Suggestion, Tried};
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
            s,
            &format!("{}, by its objective", s.policy),
            "Objective",
            &sweep.objective,
        );
        curve(&mut text, s, "HPA v2, by its target", "Target", &sweep.hpa);
    }
    if let Some(suggestion) = &s.suggestion {
        suggested(&mut text, suggestion);
    }
    for note in &s.notes {
        text.push('\n');
        line(&mut text, &format!("Note: {note}"));
    }
    text
}

/// What times short are told for.
fn period(s: &Summary) -> &'static str {
    if verdict::daily(s) { "A day" } else { "In all" }
}

fn table(text: &mut String, s: &Summary) {
    let rows = verdict::rows(s);
    let any = |of: fn(&Row) -> bool| rows.iter().any(of);
    let (targets, costs) = (any(|r| r.target.is_some()), any(|r| r.cost.is_some()));
    // The year is in the sentences; a terminal is only so wide.
    let monies = any(|r| r.money.is_some());
    let mut header = vec!["Policy"];
    header.extend(targets.then_some("Target"));
    header.extend(["Short", period(s)]);
    header.extend((!monies).then_some("Longest"));
    header.push("Replica-h");
    header.extend(costs.then_some("× oracle"));
    header.push("Changes");
    header.extend(monies.then_some("Cost"));
    let mut table = plain(&header);
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    for row in rows {
        let dash = || "-".to_owned();
        let mut cells = vec![row.name];
        cells.extend(targets.then(|| row.target.map_or_else(dash, percent)));
        cells.extend([percent(row.short), seconds(row.short_seconds)]);
        cells.extend((!monies).then(|| seconds(row.longest_seconds)));
        cells.push(number(row.replica_hours));
        cells.extend(costs.then(|| row.cost.map_or_else(dash, times)));
        cells.push(number(row.actions as f64));
        cells.extend(monies.then(|| row.money.map_or_else(dash, |m| m.words(m.total))));
        table.add_row(cells);
    }
    put(text, &table);
    text.push('\n');
}

fn curve(text: &mut String, s: &Summary, title: &str, knob: &str, points: &[Point]) {
    if points.is_empty() {
        return;
    }
    text.push('\n');
    line(text, title);
    let monies = points.iter().any(|p| p.figures.money.is_some());
    let mut header = vec![knob, "Short", period(s), "Replica-h", "× oracle"];
    header.extend(monies.then_some("Cost"));
    let mut table = plain(&header);
    for Point { knob, figures } in points {
        let mut cells = vec![
            percent(*knob),
            percent(figures.short_share),
            seconds(verdict::short_seconds(s, figures)),
            number(figures.replica_hours),
            figures.cost.map_or_else(|| "-".to_owned(), times),
        ];
        cells.extend(figures.money.as_ref().map(|m| m.words(m.total)));
        table.add_row(cells);
    }
    put(text, &table);
}

fn suggested(text: &mut String, s: &Suggestion) {
    text.push('\n');
    line(text, &format!("Suggestion: {}", s.answer()));
    line(text, &s.evidence());
    if let Some(doubt) = s.doubt() {
        line(text, &doubt);
    }
    text.push('\n');
    let monies = s.tried.iter().any(|t| t.figures.money.is_some());
    let mut header = vec!["Policy", "Meets it", "Short", "Replica-hours", "× oracle"];
    header.extend(monies.then_some("Cost"));
    let mut table = plain(&header);
    for Tried {
        title, met, figures, ..
    } in s.rows()
    {
        let mut cells = vec![
            title.clone(),
            if *met { "yes" } else { "no" }.to_owned(),
            percent(figures.short_share),
            number(figures.replica_hours),
            figures.cost.map_or_else(|| "-".to_owned(), times),
        ];
        cells.extend(figures.money.as_ref().map(|m| m.words(m.total)));
        table.add_row(cells);
    }
    put(text, &table);
    for left_out in &s.left_out {
        line(
            text,
            &format!("{} was not tried: the policy {}", left_out.title, left_out.why),
        );
    }
    if let Some(yaml) = &s.yaml {
        text.push('\n');
        text.push_str(yaml);
    }
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
    // A number and its sign stay on one line.
    for line in spell::wrapped(&harmless.replace(" %", "\u{a0}%"), usize::from(WIDTH)) {
        text.push_str(&line.replace('\u{a0}', " "));
        text.push('\n');
    }
}
