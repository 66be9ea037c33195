//! The precedence, as one table: which rule beats which, for every pair that can meet.
//!
//! `rows` is the table, `given` what its rows are made of. The same rows make `docs/precedence.md`; this test fails
//! where the page differs from them (`make generate` writes it anew).

#[path = "../generated/mod.rs"]
mod generated;
mod given;
// One line a row, however long: it is read as a table.
#[rustfmt::skip]
mod rows;

use std::fmt::Write as _;

use headroom::engine::decision::{Action, Decision};

/// One pair of rules: what was given, and what has to come out.
struct Row {
    /// Who meets whom.
    pair: &'static str,
    /// The rule, as documented.
    rule: &'static str,
    given: given::Given,
    /// What comes out, in the words of [`outcome`].
    expected: &'static str,
    /// The limits that changed the number, in order.
    limits: &'static [&'static str],
}

/// A decision in words.
fn outcome(d: &Decision) -> String {
    match d.action {
        Action::Hold => format!("{}, unchanged", d.desired),
        Action::Scale { to, forced: true } => format!("{to}, at once"),
        Action::Scale { to, forced: false } => format!("{to}"),
        Action::WouldScale { to } => format!("would be {to}"),
        Action::Paused => format!("{}, paused", d.desired),
        Action::Disabled => format!("{}, disabled", d.desired),
    }
}

#[test]
fn every_pair_comes_out_as_documented() {
    let mut wrong = String::new();
    for row in rows::all() {
        let decision = row.given.decide();
        let limits: Vec<&str> = decision.limits.iter().map(|l| l.kind.as_str()).collect();
        let got = outcome(&decision);
        if got != row.expected || limits != row.limits {
            let _ = writeln!(
                wrong,
                "{}: {:?} {:?}, expected {:?} {:?}",
                row.pair, got, limits, row.expected, row.limits
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn names_are_unique() {
    let mut seen = std::collections::HashSet::new();
    for row in rows::all() {
        assert!(seen.insert(row.pair), "{} twice", row.pair);
    }
}

#[test]
fn the_page_shows_the_table() {
    generated::check("docs/precedence.md", &page());
}

fn page() -> String {
    let mut page = String::from(include_str!("head.md"));
    page.push_str("\n| Pair | Rule | Given | Replicas | Limits shown |\n|---|---|---|---|---|\n");
    for row in rows::all() {
        let limits = if row.limits.is_empty() {
            "–".to_owned()
        } else {
            row.limits.join(", ")
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {limits} |",
            row.pair,
            row.rule,
            row.given.words(),
            row.expected
        );
    }
    page
}
