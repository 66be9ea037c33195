//! The page: an explanation as text for a terminal, at most [`WIDTH`] columns wide.
//!
//! Titles and warnings carry terminal styles; whoever prints to something else strips them (`anstream` does).

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::types::{Block, Explanation, Verdict};
use crate::api::PolicyMode;
use crate::report::status::{FORECAST_TRUSTED, OBJECTIVE_MET};
use crate::report::words::{ago, instant, number};

/// Fits two pages side by side on a wide screen, and one on any.
pub const WIDTH: u16 = 100;

const TITLE: Style = Style::new().bold();
const ALARM: Style = AnsiColor::Red.on_default().bold();

/// The explanation as a page, with a line break at its end.
pub fn text(e: &Explanation) -> String {
    let mut page = Page {
        text: String::new(),
        now: e.at.0,
    };
    page.warning(e);
    page.lines(TITLE, &format!("{}/{}", e.namespace, e.name));
    page.lines(Style::new(), &e.answer);
    page.facts(e);
    page.proposals(e);
    page.limits(e);
    page.blocked(e);
    page.conditions(e);
    page.forecast(e);
    page.schedules(e);
    page.would_change(e);
    page.text
}

struct Page {
    text: String,
    now: Timestamp,
}

impl Page {
    /// One line. A server's words may carry control characters, which a terminal would obey.
    fn put(&mut self, style: Style, line: &str) {
        let harmless = line
            .trim_end()
            .chars()
            .map(|c| if c.is_control() { '\u{FFFD}' } else { c });
        let line: String = harmless.collect();
        self.text.push_str(&format!("{style}{line}{style:#}\n"));
    }

    /// Wrapped text in one style.
    fn lines(&mut self, style: Style, text: &str) {
        let mut table = table(&[]);
        table.add_row([text]);
        for line in table.lines() {
            // Nothing is drawn but a column of padding on each side.
            self.put(style, line.trim());
        }
    }

    fn section(&mut self, title: &str, table: &Table) {
        self.put(Style::new(), "");
        self.put(TITLE, title);
        for line in table.lines() {
            self.put(Style::new(), &line);
        }
    }

    /// What has to be known before anything else is believed.
    fn warning(&mut self, e: &Explanation) {
        let (mark, style) = match e.freshness.verdict {
            Verdict::Stale => ("STALE: ", ALARM),
            Verdict::Doubtful => ("PERHAPS STALE: ", ALARM),
            Verdict::Edited => ("JUST EDITED: ", TITLE),
            Verdict::Fresh | Verdict::Quiet => return,
        };
        let message = e.freshness.message.as_deref().unwrap_or_default();
        self.lines(style, &format!("{mark}{message}"));
        self.put(Style::new(), "");
    }

    fn facts(&mut self, e: &Explanation) {
        let when = |at: Timestamp| format!("{} ({})", instant(at, self.now), ago(at, self.now));
        let mut facts = Vec::new();
        if let Some(decided) = &e.decided {
            facts.push(format!("Decided {}.", when(decided.0)));
        }
        if let Some((ready, current)) = e.replicas.ready.zip(e.replicas.current) {
            facts.push(format!("Ready: {ready} of {current}."));
        }
        match &e.last_scaled {
            Some(s) => facts.push(format!("Last scaled {}, from {} to {}.", when(s.at.0), s.from, s.to)),
            None if e.decided.is_some() => facts.push("Never scaled by this policy.".to_owned()),
            None => {}
        }
        match e.mode {
            PolicyMode::Active => {}
            PolicyMode::DryRun => facts.push("Mode: DryRun.".to_owned()),
            PolicyMode::Paused => facts.push("Mode: Paused.".to_owned()),
        }
        if let (Verdict::Quiet, Some(message)) = (e.freshness.verdict, &e.freshness.message) {
            facts.push(message.clone());
        }
        self.lines(Style::new(), &facts.join(" "));
    }

    /// Closed windows are left to the schedules.
    fn proposals(&mut self, e: &Explanation) {
        if e.proposals.is_empty() {
            return;
        }
        let mut table = table(&["", "KIND", "NAME", "VALUE", "TARGET", "REPLICAS", "NOTE"]);
        let shown = e
            .proposals
            .iter()
            .filter(|p| p.kind != "schedule" || p.replicas.is_some());
        for p in shown {
            let mark = if p.winner { "*" } else { "" };
            let note = match (p.winner, &p.note) {
                (true, Some(note)) => format!("wins; {note}"),
                (true, None) => "wins".to_owned(),
                (false, note) => note.clone().unwrap_or_default(),
            };
            table.add_row([
                mark.to_owned(),
                p.kind.clone(),
                p.name.clone(),
                p.value.map_or("-".to_owned(), number),
                p.target.clone().unwrap_or_else(|| "-".to_owned()),
                p.replicas.map_or("-".to_owned(), |n| n.to_string()),
                note,
            ]);
        }
        right(&mut table, &[3, 5]);
        self.section("PROPOSALS of the last decision: the largest wins", &table);
    }

    fn limits(&mut self, e: &Explanation) {
        if e.limits.is_empty() {
            return;
        }
        let mut table = table(&["FROM", "TO", "LIMIT", "WHY"]);
        for l in &e.limits {
            let until = l
                .until
                .as_ref()
                .map_or(String::new(), |t| format!(" ({})", ago(t.0, self.now)));
            let (from, to) = (l.before.to_string(), l.after.to_string());
            table.add_row([from, to, l.reason.clone(), format!("{}{until}", l.why)]);
        }
        right(&mut table, &[0, 1]);
        self.section("LIMITS that changed the number, in this order", &table);
    }

    fn blocked(&mut self, e: &Explanation) {
        let mut table = table(&[]);
        let said = |blocks: &[Block]| {
            let each = blocks.iter().map(|b| match &b.until {
                Some(t) => format!("{} until {} ({})", b.why, instant(t.0, self.now), ago(t.0, self.now)),
                None => b.why.clone(),
            });
            let all: Vec<String> = each.collect();
            if all.is_empty() {
                "nothing".to_owned()
            } else {
                all.join("; ")
            }
        };
        table.add_row(["up", &said(&e.blocked.up)]);
        table.add_row(["down", &said(&e.blocked.down)]);
        self.section("IN THE WAY of a change", &table);
    }

    /// Conditions that say the same thing are one row.
    fn conditions(&mut self, e: &Explanation) {
        let mut told: Vec<(Vec<&str>, &Condition)> = Vec::new();
        // The forecast has a section of its own, which says the same and more.
        let judged = e.forecast.as_ref().is_some_and(|f| f.status.is_some());
        let in_forecast = |c: &Condition| c.type_ == FORECAST_TRUSTED || (judged && c.type_ == OBJECTIVE_MET);
        let apart = |c: &&Condition| e.forecast.is_none() || !in_forecast(c);
        for c in e.conditions.iter().filter(apart) {
            let same = |(_, t): &&mut (Vec<&str>, &Condition)| t.message == c.message && t.status == c.status;
            match told.iter_mut().find(same) {
                Some((types, _)) => types.push(&c.type_),
                None => told.push((vec![&c.type_], c)),
            }
        }
        let each = told.iter().map(|(types, c)| {
            let (verb, since) = (if types.len() == 1 { "is" } else { "are" }, c.last_transition_time.0);
            let (types, since) = (types.join(", "), instant(since, self.now));
            format!(
                "{types} {verb} {} since {since} ({}): {}",
                c.status, c.reason, c.message
            )
        });
        let each: Vec<String> = each.collect();
        if !each.is_empty() {
            self.section("CONDITIONS that are not as they should be", &bullets(&each));
        }
    }

    fn forecast(&mut self, e: &Explanation) {
        let Some(forecast) = &e.forecast else { return };
        let title = format!("FORECAST of {} ({:?})", forecast.metric, forecast.mode);
        self.section(&title, &bullets(&forecast.sentences));
    }

    fn schedules(&mut self, e: &Explanation) {
        if e.schedules.is_empty() {
            return;
        }
        let mut table = table(&["NAME", "SETS", "NOW", "NEXT CHANGE", ""]);
        for s in &e.schedules {
            let at = s.next_change.as_ref().map(|t| t.0);
            let (now, next) = match (s.active, at.is_some_and(|at| at < self.now)) {
                (true, false) => ("open", "closes"),
                (true, true) => ("open", "was to close"),
                (false, false) => ("closed", "opens"),
                (false, true) => ("closed", "was to open"),
            };
            let when = s.local.clone().or(at.map(|t| instant(t, self.now)));
            table.add_row([
                s.name.clone(),
                s.sets.clone().unwrap_or_default(),
                now.to_owned(),
                when.map_or("never".to_owned(), |w| format!("{next} {w}")),
                at.map_or(String::new(), |t| ago(t, self.now)),
            ]);
        }
        self.section("SCHEDULES", &table);
    }

    fn would_change(&mut self, e: &Explanation) {
        let mut sentences: Vec<String> = e.would_change.iter().map(|c| c.sentence.clone()).collect();
        if sentences.is_empty() {
            sentences.push("Nothing but another spec.".to_owned());
        }
        self.section("WHAT WOULD CHANGE IT", &bullets(&sentences));
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    table
}

fn bullets(sentences: &[String]) -> Table {
    let mut table = table(&[]);
    for sentence in sentences {
        table.add_row(["-", sentence]);
    }
    table
}

fn right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
