//! The sections of a comparison: what the policy would cost and save, the curves, and a chart for each baseline.

use std::fmt::Write as _;

use super::super::spell::{percent, seconds};
use super::super::suggest::{LeftOut, Suggestion};
use super::super::summary::Summary;
use super::super::text::times;
use super::super::timeline::Timeline;
use super::super::verdict;
use super::chart::Stretch;
use super::curves::Curves;
use super::{RenderError, chart, escape, legend, plot, twice};
use crate::report::words::number;

/// All of them; nothing where nothing was compared.
pub(super) fn sections(html: &mut String, timeline: &Timeline, s: &Summary) -> Result<(), RenderError> {
    if s.comparison.is_some() {
        verdicts(html, s);
    }
    if let Some(suggestion) = &s.suggestion {
        suggested(html, suggestion);
    }
    curves(html, s)?;
    panels(html, timeline, s)
}

fn verdicts(html: &mut String, s: &Summary) {
    html.push_str("<section>\n<h2>What this policy would cost and save</h2>\n");
    if let Some(objective) = verdict::objective(s) {
        let _ = writeln!(html, "<p>{}</p>", escape(&objective));
    }
    table(html, s);
    html.push_str("<dl class=\"verdicts\">\n");
    for (name, text) in verdict::sentences(s) {
        let _ = writeln!(html, "<dt>Against {}</dt><dd>{}</dd>", escape(&name), escape(&text));
    }
    html.push_str("</dl>\n</section>\n");
}

/// One row for each policy.
fn table(html: &mut String, s: &Summary) {
    let rows = verdict::rows(s);
    let daily = if verdict::daily(s) {
        "Short, a day"
    } else {
        "Short, in all"
    };
    let costs = rows.iter().any(|r| r.cost.is_some());
    let monies = rows.iter().any(|r| r.money.is_some());
    let yearly = rows
        .iter()
        .any(|r| r.money.as_ref().is_some_and(|m| m.per_year.is_some()));
    let mut columns = vec!["Short", daily, "Longest", "Replica-hours"];
    columns.extend(costs.then_some("× oracle"));
    columns.push("Changes");
    columns.extend(monies.then_some("Cost"));
    columns.extend(yearly.then_some("A year *"));
    head(html, &columns);
    for entry in rows {
        let dash = || "–".to_owned();
        let mut cells = vec![
            percent(entry.short),
            seconds(entry.short_seconds),
            seconds(entry.longest_seconds),
            number(entry.replica_hours),
        ];
        if costs {
            cells.push(entry.cost.map_or_else(dash, times));
        }
        cells.push(number(entry.actions as f64));
        let money = entry.money.as_ref();
        if monies {
            cells.push(money.map_or_else(dash, |m| m.words(m.total)));
        }
        if yearly {
            cells.push(money.and_then(|m| Some(m.words(m.per_year?))).unwrap_or_else(dash));
        }
        let target = entry
            .target
            .map_or_else(String::new, |t| format!(", at {}", percent(t)));
        row(html, &format!("{}{target}", entry.name), entry.own, &columns, cells);
    }
    html.push_str("</tbody>\n</table>\n");
    if yearly {
        html.push_str(
            "<p class=\"legend\">* drawn out from this run, as if every day of the year were like these.</p>\n",
        );
    }
}

fn suggested(html: &mut String, s: &Suggestion) {
    let answer = escape(&[s.answer(), s.doubt().unwrap_or_default()].join(" "));
    let evidence = escape(&s.evidence());
    let _ = writeln!(
        html,
        "<section>\n<h2>Suggestion</h2>\n<p>{answer}</p>\n<p class=\"legend\">{evidence}</p>"
    );
    let mut columns = vec!["Meets it", "Short", "Replica-hours", "× oracle"];
    columns.extend(s.tried.iter().any(|t| t.figures.money.is_some()).then_some("Cost"));
    head(html, &columns);
    for tried in s.rows() {
        let f = &tried.figures;
        let mut cells = vec![
            if tried.met { "yes" } else { "no" }.to_owned(),
            percent(f.short_share),
            number(f.replica_hours),
            f.cost.map_or_else(|| "–".to_owned(), times),
        ];
        cells.extend(f.money.as_ref().map(|m| m.words(m.total)));
        row(
            html,
            &tried.title,
            Some(&tried.title) == s.chosen.as_ref(),
            &columns,
            cells,
        );
    }
    html.push_str("</tbody>\n</table>\n");
    for LeftOut { title, why } in &s.left_out {
        let text = escape(&format!("{title} was not tried: the policy {why}"));
        let _ = writeln!(html, "<p class=\"legend\">{text}</p>");
    }
    if let Some(yaml) = &s.yaml {
        let _ = writeln!(html, "<pre>{}</pre>", escape(yaml));
    }
    html.push_str("</section>\n");
}

/// The beginning of a table of policies.
fn head(html: &mut String, columns: &[&str]) {
    html.push_str("<table class=\"rivals\">\n<thead><tr><th>Policy</th>");
    for column in columns {
        let _ = write!(html, "<th>{column}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
}

/// On a phone each row is a card, so every cell carries its column's name.
fn row(html: &mut String, name: &str, own: bool, columns: &[&str], cells: Vec<String>) {
    let class = if own { " class=\"own\"" } else { "" };
    let _ = write!(html, "<tr{class}><th>{}</th>", escape(name));
    for (column, cell) in columns.iter().zip(cells) {
        let _ = write!(html, "<td data-column=\"{column}\">{}</td>", escape(&cell));
    }
    html.push_str("</tr>\n");
}

fn curves(html: &mut String, s: &Summary) -> Result<(), RenderError> {
    let Some(curves) = Curves::new(s.comparison.as_ref(), s.sweep.as_ref()) else {
        return Ok(());
    };
    let across = if curves.relative() {
        "replica-hours as a multiple of the oracle's"
    } else {
        "replica-hours"
    };
    let _ = writeln!(
        html,
        "<section>\n<h2>Cost against shortfall</h2>\n<p class=\"legend\">Upwards: share of the time short. To the right: \
         {across}. The nearer to the lower left corner, the better.</p>"
    );
    let policy = format!("{} by its objective", escape(&s.policy));
    let mut entries = Vec::new();
    if curves.ours() {
        entries.push(("ready", policy.as_str()));
    }
    if curves.hpa() {
        entries.push(("desired", "HPA v2 by its target"));
    }
    let own = format!("{} as it is", escape(&s.policy));
    if s.comparison.is_some() {
        entries.extend([
            ("dot own", own.as_str()),
            ("dot rival", "other baselines"),
            ("dot oracle", "the oracle"),
            ("short", "the objective"),
        ]);
    }
    legend(html, &entries);
    twice(
        html,
        "Share of time short against cost",
        (plot::WIDE, plot::NARROW),
        |size| curves.draw(size),
    )?;
    html.push_str("</section>\n");
    Ok(())
}

/// Load against ready capacity for the policy and each baseline, on one scale.
fn panels(html: &mut String, timeline: &Timeline, s: &Summary) -> Result<(), RenderError> {
    let Some(comparison) = &s.comparison else { return Ok(()) };
    let all = comparison.baselines.iter().map(|b| b.columns.as_slice());
    let most = all.chain([timeline.columns()]).map(chart::most).fold(0.0, f64::max);
    html.push_str("<section class=\"panels\">\n<h2>Load and ready capacity, policy by policy</h2>\n");
    legend(
        html,
        &[
            ("load", "load"),
            ("capacity", "what the ready replicas carry"),
            ("short", "short: load above it"),
        ],
    );
    let mut panel = |name: &str, short: f64, hours: f64, stretch: Stretch<'_>| {
        let _ = writeln!(
            html,
            "<div class=\"panel\"><h3>{} <span>{} short, {} replica-hours</span></h3>",
            escape(name),
            percent(short),
            number(hours)
        );
        twice(html, name, (plot::PANEL_WIDE, plot::PANEL_NARROW), |size| {
            chart::load(stretch, most, size)
        })?;
        html.push_str("</div>\n");
        Ok::<_, RenderError>(())
    };
    let own = &comparison.policy;
    panel(&s.policy, own.short_share, own.replica_hours, Stretch::from(timeline))?;
    for contender in comparison.baselines.iter().filter(|b| !b.columns.is_empty()) {
        let f = &contender.figures;
        let stretch = Stretch::new(&contender.columns, timeline.end());
        panel(&verdict::name(contender), f.short_share, f.replica_hours, stretch)?;
    }
    html.push_str("</section>\n");
    Ok(())
}
