//! The page: one self-contained HTML file, readable wide, on a phone, in print, light and dark, and without scripts; with
//! them, its first chart can be zoomed.
//!
//! Takes a [`Timeline`] and a [`Summary`], whoever made them: a replay, or a live demonstration that recorded its ticks.
//! `axes.rs` chooses marks, `plot.rs` draws SVG for `chart.rs` and `curves.rs`, `compare.rs` has what stands beside
//! baselines, `zoom.rs` and `zoom.js` what moves; `page.css` gives every colour its two meanings. Pure.

mod axes;
mod chart;
mod compare;
mod curves;
mod plot;
mod tables;
mod zoom;

use std::fmt::Write as _;

use super::spell::{between, clock, instant, percent, seconds, time};
use super::summary::{Origin, Summary};
use super::timeline::{Evidence, Timeline};
use super::verdict;
use crate::report::words::number;

/// Share of time from which being short is painted red: the design's objective where none is given, 0.1 %.
const MUCH: f64 = 0.001;

const CSS: &str = include_str!("page.css");

/// A chart as wide as the page, and its twin for a phone.
const FULL: (plot::Size, plot::Size) = (plot::WIDE, plot::NARROW);

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
    load_chart(&mut html, timeline, summary)?;
    compare::sections(&mut html, timeline, summary)?;
    forecast_chart(&mut html, timeline, summary)?;
    replica_chart(&mut html, timeline, summary)?;
    close_ups(&mut html, timeline)?;
    moments(&mut html, timeline, length(summary) < 86_400.0);
    tables::tables(&mut html, summary);
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
            match &s.money {
                None => format!("{} replicas on average", number(s.mean_replicas)),
                Some(money) => money.words(money.total),
            },
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
    if let Some(money) = &s.money {
        let _ = writeln!(html, "<p class=\"when\">{}</p>", escape(&verdict::cost(money)));
    }
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
    (wide, narrow): (plot::Size, plot::Size),
    draw: impl Fn(plot::Size) -> Result<String, RenderError>,
) -> Result<(), RenderError> {
    for (class, size) in [("wide", wide), ("narrow", narrow)] {
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

fn load_chart(html: &mut String, timeline: &Timeline, s: &Summary) -> Result<(), RenderError> {
    html.push_str("<section>\n<h2>Load and ready capacity</h2>\n<div class=\"still\">\n");
    legend(
        html,
        &[
            ("load", "load"),
            ("capacity", "what the ready replicas carry"),
            ("short", "short: load above it"),
        ],
    );
    let most = chart::most(timeline.columns());
    twice(html, "Load and ready capacity over time", FULL, |size| {
        chart::load(timeline.into(), most, size)
    })?;
    html.push_str("</div>\n");
    zoom::chart(html, timeline, s);
    html.push_str("</section>\n");
    Ok(())
}

fn forecast_chart(html: &mut String, timeline: &Timeline, s: &Summary) -> Result<(), RenderError> {
    if timeline.columns().iter().all(|c| c.upper.max.is_nan()) {
        return Ok(());
    }
    let ahead = s
        .forecast
        .as_ref()
        .map_or_else(String::new, |f| format!(" over the next {}", seconds(f.lead_seconds)));
    let band = format!("forecast of the highest load{ahead}, from what is expected to its upper bound");
    html.push_str("<section>\n<h2>Load and forecast</h2>\n");
    legend(html, &[("load", "load"), ("band", &band)]);
    twice(html, "Load and its forecast over time", FULL, |size| {
        chart::forecast(timeline.into(), size)
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
    twice(html, "Replicas asked for and ready over time", FULL, |size| {
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
        let most = chart::most(look.timeline.columns());
        twice(html, "Load and ready capacity, closer", FULL, |size| {
            chart::load((&look.timeline).into(), most, size)
        })?;
        if look.timeline.columns().iter().any(|c| c.upper.max.is_finite()) {
            twice(html, "Load and forecast, closer", FULL, |size| {
                chart::forecast((&look.timeline).into(), size)
            })?;
        }
        twice(html, "Replicas asked for and ready, closer", FULL, |size| {
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

/// Names come from policies, and so from strangers.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // A number and its sign stay on one line.
            '%' if safe.ends_with(' ') => {
                safe.pop();
                safe.push_str("&nbsp;%");
            }
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
