//! The page: one self-contained HTML file, readable wide, on a phone, in print, light and dark, without scripts.
//!
//! Takes a [`Timeline`] and a [`Summary`], whoever made them: a replay, or a live demonstration that recorded its ticks.
//! `axes.rs` chooses marks, `chart.rs` draws SVG, `page.css` gives every colour its two meanings. Pure.

mod axes;
mod chart;

use std::fmt::Write as _;

use super::spell::{between, clock, instant, percent, seconds, time};
use super::summary::{Origin, Summary};
use super::timeline::{Evidence, Timeline};
use crate::report::words::number;

/// Share of time from which being short is painted red: the design's objective where none is given, 0.1 %.
const MUCH: f64 = 0.001;

const CSS: &str = include_str!("page.css");

/// The page could not be drawn: plotters' own words. Drawing into a string, that takes a bug.
#[derive(Debug, thiserror::Error)]
#[error("the charts could not be drawn: {0}")]
pub struct RenderError(String);

/// The page.
///
/// # Errors
/// [`RenderError`] where plotters fails.
pub fn report(timeline: &Timeline, summary: &Summary) -> Result<String, RenderError> {
    let mut html = String::with_capacity(512 * 1024);
    let title = escape(&summary.policy);
    // Writing to a String cannot fail; the results are let go for that reason, here and below.
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · Headroom</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n"
    );
    header(&mut html, summary);
    load_chart(&mut html, timeline)?;
    replica_chart(&mut html, timeline, summary)?;
    close_ups(&mut html, timeline)?;
    moments(&mut html, timeline, length(summary) < 86_400.0);
    tables(&mut html, summary);
    let _ = write!(
        html,
        "<footer>Made by <b>headroom {}</b> with the operator's own decision engine. All times are UTC.</footer>\n\
         </main>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    Ok(html)
}

/// What came out, in plain words; for the page and for the terminal.
pub fn headline(summary: &Summary) -> String {
    let short = match summary.longest_short_at {
        None => "Ready capacity covered the load at every tick.".to_owned(),
        Some(at) => format!(
            "Load exceeded ready capacity for {} in all ({} of the time), for {} at the longest ({}); {} of the load found no capacity.",
            seconds(summary.short_minutes * 60.0),
            percent(summary.short_share),
            seconds(summary.longest_short_seconds),
            instant(at),
            percent(summary.lost_load_share),
        ),
    };
    format!(
        "{short} It took {} replica-hours: {} replicas on average, {} at the peak.",
        number(summary.replica_hours),
        number(summary.mean_replicas),
        summary.peak_replicas
    )
}

fn header(html: &mut String, s: &Summary) {
    let length = length(s);
    let (kicker, cadence) = match s.origin {
        Origin::Replay => ("replay", "a decision"),
        Origin::Live => ("live", "a look"),
    };
    let _ = write!(
        html,
        "<header>\n<p class=\"kicker\">Headroom · {kicker}</p>\n<h1>{}</h1>\n<p class=\"when\">{} · {} · {cadence} every {}</p>\n\
         <p class=\"lead\">{}</p>\n<div class=\"cards\">\n",
        escape(&s.policy),
        between(s.from, s.to),
        seconds(length),
        seconds(s.tick_seconds),
        escape(&headline(s)),
    );
    // What happened within minutes is no rate a day.
    let days = length / 86_400.0;
    let short = match s.short_minutes {
        0.0 => "never".to_owned(),
        minutes if days < 1.0 => seconds(minutes * 60.0),
        _ => format!("{} a day", seconds(s.short_minutes_per_day * 60.0)),
    };
    let changes = s.scale_ups + s.scale_downs;
    let mut directions = format!("{} up and {} down", s.scale_ups, s.scale_downs);
    if days >= 1.0 {
        directions = format!(
            "{} a day, {directions}",
            number((changes as f64 / days * 10.0).round() / 10.0)
        );
    }
    let who = Evidence::ALL.map(|e| (e, share_of(s, e)));
    let leader = who.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.0, |w| w.1);
    let leaders = who.iter().filter(|w| w.1 == leader).map(|w| evidence_name(w.0)).next();
    let others = who.iter().filter(|w| w.1 > 0.0 && w.1 < leader);
    let others: Vec<String> = others
        .map(|w| format!("{} {}", evidence_name(w.0), percent(w.1)))
        .collect();
    let cards = [
        (
            "Short of capacity",
            short,
            format!("{} of the time", percent(s.short_share)),
            s.short_share > MUCH,
        ),
        (
            "Replica-hours",
            number(s.replica_hours),
            format!("{} replicas on average", number(s.mean_replicas)),
            false,
        ),
        ("Changes", format!("{changes}"), directions, false),
        (
            "Who decided",
            format!("{} {}", leaders.unwrap_or("nobody"), percent(leader)),
            if others.is_empty() {
                "of the time".to_owned()
            } else {
                others.join(", ")
            },
            false,
        ),
    ];
    for (name, value, detail, bad) in cards {
        let class = if bad { "card bad" } else { "card" };
        let _ = writeln!(
            html,
            "<div class=\"{class}\"><div class=\"name\">{name}</div><div class=\"value\">{value}</div><div class=\"detail\">{detail}</div></div>"
        );
    }
    html.push_str("</div>\n");
    for note in &s.notes {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(note));
    }
    html.push_str("</header>\n");
}

/// Seconds from the first tick to the end of the last.
fn length(s: &Summary) -> f64 {
    s.ticks as f64 * s.tick_seconds
}

/// Share of the time that a kind of evidence won.
fn share_of(s: &Summary, evidence: Evidence) -> f64 {
    let kind = match evidence {
        Evidence::Metric => "metric/",
        Evidence::Schedule => "schedule/",
        Evidence::Forecast => "forecast/",
        Evidence::Nobody => "baseline/",
    };
    s.winners
        .iter()
        .filter(|(n, _)| n.starts_with(kind))
        .map(|(_, share)| share)
        .sum()
}

fn evidence_name(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Metric => "metric",
        Evidence::Schedule => "window",
        Evidence::Forecast => "forecast",
        Evidence::Nobody => "nobody",
    }
}

fn legend(html: &mut String, entries: &[(&str, &str)]) {
    html.push_str("<p class=\"legend\">");
    for (class, text) in entries {
        let _ = write!(html, "<span><i class=\"{class}\"></i>{text}</span>");
    }
    html.push_str("</p>\n");
}

/// A chart twice: as wide as the page, and for a phone; the style sheet shows one.
fn twice(
    html: &mut String,
    label: &str,
    draw: impl Fn(chart::Size) -> Result<String, RenderError>,
) -> Result<(), RenderError> {
    for (class, size) in [("wide", chart::WIDE), ("narrow", chart::NARROW)] {
        let svg = draw(size)?;
        // Scaled by the style sheet, so no width and height of its own.
        let svg = svg.split_once('>').map_or("", |(_, rest)| rest);
        let (width, height) = size.pixels();
        let _ = write!(
            html,
            "<svg class=\"{class}\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width} {height}\">{svg}",
            escape(label)
        );
    }
    Ok(())
}

fn load_chart(html: &mut String, timeline: &Timeline) -> Result<(), RenderError> {
    html.push_str("<section>\n<h2>Load and ready capacity</h2>\n");
    legend(
        html,
        &[
            ("load", "load"),
            ("capacity", "what the ready replicas carry"),
            ("short", "short: load above it"),
        ],
    );
    twice(html, "Load and ready capacity over time", |size| {
        chart::load(timeline, size)
    })?;
    html.push_str("</section>\n");
    Ok(())
}

fn replica_chart(html: &mut String, timeline: &Timeline, s: &Summary) -> Result<(), RenderError> {
    html.push_str("<section>\n<h2>Replicas</h2>\n");
    let mut entries = vec![("desired", "asked for"), ("ready", "ready")];
    if !timeline.windows.is_empty() {
        entries.push(("window", "a window is open"));
    }
    legend(html, &entries);
    twice(html, "Replicas asked for and ready over time", |size| {
        chart::replicas(timeline, size)
    })?;
    let kinds = [
        ("metric", Evidence::Metric, "a metric"),
        ("schedule", Evidence::Schedule, "a window"),
        ("forecast", Evidence::Forecast, "the forecast"),
        ("nobody", Evidence::Nobody, "nobody"),
    ];
    let present = kinds.iter().filter(|(_, e, _)| share_of(s, *e) > 0.0);
    let mut entries: Vec<(&str, &str)> = present.map(|(class, _, name)| (*class, *name)).collect();
    if !entries.is_empty() {
        entries.insert(
            0,
            (
                "none",
                "The strip below the replicas shows whose proposal was the largest:",
            ),
        );
        legend(html, &entries);
    }
    html.push_str("</section>\n");
    Ok(())
}

fn close_ups(html: &mut String, timeline: &Timeline) -> Result<(), RenderError> {
    for look in &timeline.close_ups {
        let from = look.timeline.columns().first().map_or(look.timeline.end(), |c| c.at);
        let _ = writeln!(
            html,
            "<section>\n<h2>Closer: {} – {}</h2>\n<p class=\"legend\">The six hours {}, in the same colours.</p>",
            instant(from),
            time(look.timeline.end()),
            look.reason
        );
        twice(html, "Load and ready capacity, closer", |size| {
            chart::load(&look.timeline, size)
        })?;
        twice(html, "Replicas asked for and ready, closer", |size| {
            chart::replicas(&look.timeline, size)
        })?;
        html.push_str("</section>\n");
    }
    Ok(())
}

/// `brief`: all within a day, so that seconds say more than the date.
fn moments(html: &mut String, timeline: &Timeline, brief: bool) {
    if timeline.moments.is_empty() {
        return;
    }
    html.push_str("<section>\n<h2>What happened, and why</h2>\n<ol class=\"moments\">\n");
    for m in &timeline.moments {
        let _ = writeln!(
            html,
            "<li><time datetime=\"{}\">{}</time><span class=\"tag {}\">{}</span><div><b>{}</b><br>{}</div></li>",
            m.at,
            if brief { clock(m.at) } else { instant(m.at) },
            m.kind.label(),
            m.kind.label(),
            escape(&m.title),
            escape(&m.why)
        );
    }
    html.push_str("</ol>\n</section>\n");
}

fn tables(html: &mut String, s: &Summary) {
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

/// Names come from policies, and so from strangers.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
