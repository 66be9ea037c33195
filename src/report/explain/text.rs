//! The page: an explanation as text for a terminal, at most [`WIDTH`] columns wide.
//!
//! Titles and warnings carry terminal styles; whoever prints to something else strips them (`anstream` does).

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::evidence::as_set;
use super::types::{Block, Explanation, Limit, Schedule, Verdict};
use crate::api::PolicyMode;
use crate::engine::decision::LimitKind;
use crate::report::status::{ABLE_TO_SCALE, BOTTLENECKED, FORECAST_TRUSTED, OBJECTIVE_MET, reason};
use crate::report::words::{ago, in_force, instant, number};

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
    page.pods(e);
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
            facts.push(match ready > current {
                // Right after a scale-down, or while a rollout's surge is there.
                true => format!("Pods ready when decided: {ready}; asked for now: {current}."),
                false => format!("Pods ready: {ready} of {current}."),
            });
        }
        match &e.last_scaled {
            Some(s) => {
                let since = e.replicas.current.filter(|current| *current != s.to);
                let since = since.map_or(String::new(), |n| format!("; something else has since set it to {n}"));
                facts.push(format!(
                    "Last scaled by this policy {}, from {} to {}{since}.",
                    when(s.at.0),
                    s.from,
                    s.to
                ));
            }
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
        if !facts.is_empty() {
            self.lines(Style::new(), &facts.join(" "));
        }
    }

    /// Whether what follows is told of a time that is past, and of which.
    fn past(&self, e: &Explanation) -> Option<String> {
        let decided = e.decided.as_ref().filter(|_| is_past(e))?;
        Some(format!(
            "{} ({})",
            instant(decided.0, self.now),
            ago(decided.0, self.now)
        ))
    }

    /// Closed windows are left to the schedules.
    fn proposals(&mut self, e: &Explanation) {
        if e.proposals.is_empty() {
            return;
        }
        let past = self.past(e);
        let wins = if past.is_some() { "won" } else { "wins" };
        let mut table = table(&["", "KIND", "NAME", "VALUE", "TARGET", "REPLICAS", "NOTE"]);
        let shown = e
            .proposals
            .iter()
            .filter(|p| p.kind != "schedule" || p.replicas.is_some());
        for p in shown {
            let mark = if p.winner { "*" } else { "" };
            let note = match (p.winner, &p.note) {
                (true, Some(note)) => format!("{wins}; {note}"),
                (true, None) => wins.to_owned(),
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
        let title = match past {
            Some(at) => format!("PROPOSALS of the last decision, at {at}: the largest won"),
            None => "PROPOSALS of the last decision: the largest wins".to_owned(),
        };
        self.section(&title, &table);
    }

    fn limits(&mut self, e: &Explanation) {
        let floors = [LimitKind::WindowFloor, LimitKind::MinReplicas].map(LimitKind::as_str);
        let seen = |l: &Limit| (floors.contains(&&*l.reason), l.before.into(), l.after.into());
        let limits = in_force(&e.limits, seen);
        if limits.is_empty() {
            return;
        }
        let mut table = table(&["FROM", "TO", "LIMIT", "WHY"]);
        for l in limits {
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

    /// What is broken, apart from what is as somebody set it.
    fn conditions(&mut self, e: &Explanation) {
        // The forecast and the pods have sections of their own, which say the same and more.
        let judged = e.forecast.as_ref().is_some_and(|f| f.status.is_some());
        let in_forecast = |c: &Condition| c.type_ == FORECAST_TRUSTED || (judged && c.type_ == OBJECTIVE_MET);
        let in_pods = |c: &Condition| c.type_ == BOTTLENECKED && e.pods.as_ref().is_some_and(|p| p.status.is_some());
        let told = e.conditions.iter();
        let told = told.filter(|c| (e.forecast.is_none() || !in_forecast(c)) && !in_pods(c));
        let (set, broken): (Vec<&Condition>, Vec<&Condition>) = told.partition(|c| as_set(c));
        let mut say = |title: &str, conditions: &[&Condition]| {
            let each = self.rows(conditions);
            if !each.is_empty() {
                self.section(title, &bullets(&each));
            }
        };
        say("CONDITIONS that need attention", &broken);
        say("OTHER CONDITIONS: as somebody set them, nothing is broken", &set);
    }

    /// Conditions that say the same thing are one row.
    fn rows(&self, conditions: &[&Condition]) -> Vec<String> {
        let mut told: Vec<(Vec<&str>, &Condition)> = Vec::new();
        for c in conditions {
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
        each.collect()
    }

    fn forecast(&mut self, e: &Explanation) {
        let Some(forecast) = &e.forecast else { return };
        let title = format!("FORECAST of {} ({:?})", forecast.metric, forecast.mode);
        self.section(&title, &bullets(&forecast.sentences));
    }

    fn pods(&mut self, e: &Explanation) {
        let Some(pods) = &e.pods else { return };
        let used = pods.status.as_ref().map_or(&[][..], |s| &s.resources);
        let known: Vec<_> = used.iter().filter(|r| r.percent.is_some()).collect();
        if known.is_empty() {
            self.section("PODS", &bullets(&pods.sentences));
            return;
        }
        let mut table = table(&[
            "RESOURCE",
            "HIGHEST",
            "THRESHOLD",
            "MEAN",
            "HIGHEST/MEAN",
            "PODS",
            "HOTTEST POD",
        ]);
        let percent = |p: Option<i32>| p.map_or("-".to_owned(), |p| format!("{p} %"));
        for r in known {
            table.add_row([
                r.name.clone(),
                percent(r.percent),
                percent(Some(r.threshold)),
                percent(r.mean),
                r.imbalance.clone().unwrap_or_else(|| "-".to_owned()),
                r.pods.map_or("-".to_owned(), |n| n.to_string()),
                r.hottest_pod.clone().unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        right(&mut table, &[1, 2, 3, 4, 5]);
        self.section("PODS, each against its own limit", &table);
        for line in bullets(&pods.sentences).lines() {
            self.put(Style::new(), &line);
        }
    }

    fn schedules(&mut self, e: &Explanation) {
        if e.schedules.is_empty() {
            return;
        }
        let mut table = table(&["NAME", "SETS", "NOW", "NEXT CHANGE", "", "", "NEXT CHANGE, LOCAL"]);
        let past = is_past(e);
        let mut abroad = false;
        let mut by_time: Vec<&Schedule> = e.schedules.iter().collect();
        by_time.sort_by_key(|s| (s.next_change.is_none(), s.next_change.as_ref().map(|t| t.0)));
        for s in by_time {
            let at = s.next_change.as_ref().map(|t| t.0);
            let passed = at.is_some_and(|at| at < self.now);
            let now = match (s.active, s.warming) {
                (true, _) if past => "was open",
                (false, true) if past => "was warming",
                (false, false) if past => "was closed",
                (true, _) => "open",
                (false, true) => "warming",
                (false, false) => "closed",
            };
            let next = match (s.active, passed) {
                (true, false) => "closes",
                (true, true) => "was to close",
                (false, false) => "opens",
                (false, true) => "was to open",
            };
            let when = at.map(|t| instant(t, self.now));
            // In UTC the two are the same.
            let local = s.local.clone().filter(|local| when.as_ref() != Some(local));
            abroad |= local.is_some();
            table.add_row([
                s.name.clone(),
                s.sets.clone().unwrap_or_default(),
                now.to_owned(),
                when.map_or("never".to_owned(), |w| format!("{next} {w}")),
                at.map_or(String::new(), |t| ago(t, self.now)),
                local.as_ref().map_or(String::new(), |_| "=".to_owned()),
                local.unwrap_or_default(),
            ]);
        }
        if !abroad {
            table.set_header(["NAME", "SETS", "NOW", "NEXT CHANGE"]);
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

/// Whether the last decision is too old to speak of the present, or something has been in the way of another one since.
fn is_past(e: &Explanation) -> bool {
    let unable = [reason::NOT_EVALUATED, reason::FAILED_GET_SCALE];
    let obstacle = |c: &Condition| c.type_ == ABLE_TO_SCALE && unable.contains(&&*c.reason);
    matches!(e.freshness.verdict, Verdict::Stale | Verdict::Doubtful) || e.conditions.iter().any(obstacle)
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
