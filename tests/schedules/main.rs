//! Schedules: the documented cases by name, which make `docs/schedules.md`, and a brute-force walk over minutes.
//!
//! `head.md` is the page's prose, `rows` its table and the test of it; `walk` knows cron and clocks anew, without croner.

#[path = "../generated/mod.rs"]
mod generated;
// One line a row, however long: it is read as a table.
#[rustfmt::skip]
mod rows;
mod walk;

use std::fmt::Write as _;

use headroom::engine::policy::Schedule;
use headroom::engine::propose::scheduled;
use headroom::validate;
use jiff::Timestamp;

/// How the page writes an instant: what the zone's clock shows, and the offset that tells two equal times apart.
const LOCAL: &str = "%Y-%m-%d %H:%M %:z";

/// One schedule at one instant.
struct Row {
    /// What it shows.
    case: &'static str,
    /// The schedule, as in a manifest.
    schedule: &'static str,
    /// The instant, in the schedule's zone.
    at: &'static str,
    /// In the words of [`outcome`].
    expected: &'static str,
}

/// The schedule of a policy, through validation.
fn schedule(text: &str) -> Schedule {
    let spec = format!(
        "{{targetRef: {{apiVersion: apps/v1, kind: Deployment, name: a}}, maxReplicas: 9, \
         schedules: [{{name: w, minReplicas: 2, {text}}}]}}"
    );
    let policy = validate::policy(&serde_yaml::from_str(&spec).unwrap()).unwrap();
    policy.schedules.into_iter().next().unwrap()
}

/// What holds at an instant, and until when on the zone's own clock.
fn outcome(schedule: &Schedule, at: Timestamp) -> String {
    let window = scheduled::window(schedule, at);
    let state = if window.active { "open" } else { "closed" };
    match window.until {
        Some(until) => format!("{state} until {}", local(schedule, until)),
        None => format!("{state} for good"),
    }
}

fn local(schedule: &Schedule, at: Timestamp) -> String {
    let at = at.to_zoned(schedule.zone.clone());
    at.strftime(LOCAL).to_string()
}

#[test]
fn every_case_comes_out_as_documented() {
    let mut wrong = String::new();
    for row in rows::all() {
        let schedule = schedule(row.schedule);
        let at = Timestamp::strptime(LOCAL, row.at).unwrap();
        assert_eq!(local(&schedule, at), row.at, "{}: write the zone's own time", row.case);
        let got = outcome(&schedule, at);
        if got != row.expected {
            let _ = writeln!(wrong, "{}, {}: {got}, expected {}", row.case, row.at, row.expected);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_page_shows_the_cases() {
    let mut page = String::from(include_str!("head.md"));
    page.push_str("\n| Case | Schedule | At | Window |\n|---|---|---|---|\n");
    for row in rows::all() {
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} |",
            row.case, row.schedule, row.at, row.expected
        );
    }
    generated::check("docs/schedules.md", &page);
}
