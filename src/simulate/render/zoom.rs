//! The chart that can be zoomed: the numbers for `zoom.js`, and the controls that it needs.
//!
//! Four letters a column and line (least and most, in 4,095 steps): a year of a policy and six baselines is 260 kB, as a
//! day is. Without scripts the page shows the still picture instead.

use std::fmt::Write as _;

use serde_json::json;

use super::super::summary::Summary;
use super::super::timeline::{Column, Span, Timeline};
use super::super::verdict;
use super::{chart, escape};

const SCRIPT: &str = include_str!("zoom.js");
const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
/// The largest number that two letters hold means that nothing is known; the one below it is the top of the scale.
const UNKNOWN: u32 = 4095;
/// Policies that are shown at first: the replayed one and one to hold it against. More at once is a thicket.
const AT_FIRST: usize = 2;

/// A line of the chart.
struct Run<'a> {
    name: String,
    columns: &'a [Column],
}

/// The chart with its controls.
pub(super) fn chart(html: &mut String, timeline: &Timeline, s: &Summary) {
    let columns = timeline.columns();
    let foreseen = columns.iter().any(|c| c.upper.max.is_finite());
    let runs = runs(timeline, s);
    html.push_str("<div id=\"zoom\">\n<div class=\"controls\">");
    for (i, run) in runs.iter().enumerate() {
        let checked = if i < AT_FIRST { " checked" } else { "" };
        let _ = write!(
            html,
            "<label><input type=\"checkbox\" value=\"run{i}\"{checked}><i class=\"line\" style=\"--tone: var(--run{i})\"></i>{}</label>",
            escape(&run.name)
        );
    }
    if foreseen {
        html.push_str("<label><input type=\"checkbox\" value=\"forecast\"><i class=\"forecast\"></i>forecast</label>");
    }
    html.push_str(
        "</div>\n<canvas tabindex=\"0\" aria-label=\"Load and ready capacity; arrows move, + and - zoom, Escape shows all\"></canvas>\n\
         <div class=\"controls\"><button value=\"whole\">whole</button><button value=\"in\">+</button><button value=\"out\">−</button>\
         <button value=\"left\">◀</button><button value=\"right\">▶</button>\
         <output>Drag to look closer; Ctrl + wheel zooms, Shift + wheel moves, a double click shows all.</output></div>\n</div>\n",
    );
    let data = data(columns, &runs, foreseen, s).to_string();
    // A name from a policy must not end the script.
    let data = data.replace('<', "\\u003c");
    let _ = write!(
        html,
        "<script type=\"application/json\" id=\"zoom-data\">{data}</script>\n<script>\n{SCRIPT}</script>\n"
    );
}

fn runs<'a>(timeline: &'a Timeline, s: &'a Summary) -> Vec<Run<'a>> {
    let mut runs = vec![Run {
        name: s.policy.clone(),
        columns: timeline.columns(),
    }];
    let baselines = s.comparison.iter().flat_map(|c| &c.baselines);
    // Two letters a column hold only if columns are the same instants.
    let same = |columns: &[Column]| columns.len() == timeline.columns().len();
    runs.extend(baselines.filter(|b| same(&b.columns)).map(|b| Run {
        name: verdict::name(b),
        columns: &b.columns,
    }));
    runs
}

fn data(columns: &[Column], runs: &[Run<'_>], foreseen: bool, s: &Summary) -> serde_json::Value {
    let most = runs.iter().map(|r| chart::most(r.columns)).fold(0.0, f64::max);
    let most = columns
        .iter()
        .map(|c| c.upper.max)
        .fold(most, f64::max)
        .max(f64::MIN_POSITIVE);
    let from = columns.first().map_or(0, |c| c.at.as_second());
    let step = columns.get(1).map_or(1, |c| c.at.as_second() - from);
    let lines: Vec<_> = runs
        .iter()
        .enumerate()
        .map(|(i, run)| {
            json!({
                "name": run.name,
                "own": i == 0,
                "colour": format!("--run{i}"),
                "capacity": letters(run.columns, most, |c| c.capacity),
                "short": shortages(run.columns),
            })
        })
        .collect();
    let band = |c: &Column| Span {
        min: c.expected.min,
        ..c.upper
    };
    json!({
        "from": from,
        "step": step,
        "most": most,
        "replica": s.replica_capacity,
        "load": letters(columns, most, |c| c.load),
        "forecast": foreseen.then(|| letters(columns, most, band)),
        "runs": lines,
    })
}

fn letters(columns: &[Column], most: f64, of: impl Fn(&Column) -> Span) -> String {
    let mut text = String::with_capacity(columns.len() * 4);
    for span in columns.iter().map(of) {
        for value in [span.min, span.max] {
            let step = match value.is_finite() {
                // Within 0 and 4,094 by the clamp.
                true => ((value / most).clamp(0.0, 1.0) * f64::from(UNKNOWN - 1)).round() as u32,
                false => UNKNOWN,
            };
            for place in [step / 64, step % 64] {
                text.push(char::from(LETTERS.get(place as usize).copied().unwrap_or(b'_')));
            }
        }
    }
    text
}

/// Beginning and length of each run of columns that were short.
fn shortages(columns: &[Column]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut begin = 0;
    for run in columns.chunk_by(|a, b| (a.short > 0) == (b.short > 0)) {
        if run.first().is_some_and(|c| c.short > 0) {
            found.extend([begin, run.len()]);
        }
        begin += run.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::super::timeline::{Evidence, Tick};
    use super::*;

    #[test]
    fn numbers_become_letters_and_shortages_runs() {
        let mut timeline = Timeline::new(5, Vec::new());
        for (i, (load, capacity)) in [(0.0, 10.0), (20.0, 10.0), (15.0, 10.0), (f64::NAN, 10.0), (20.0, 20.0)]
            .into_iter()
            .enumerate()
        {
            timeline.push(&Tick {
                at: Timestamp::from_second(60 * i as i64).unwrap(),
                load,
                capacity,
                desired: 1,
                ready: 1,
                evidence: Evidence::Metric,
                window: None,
            });
        }
        let summary = Summary {
            policy: "</script>".to_owned(),
            ..Summary::default()
        };
        let columns = timeline.columns();
        let data = data(columns, &runs(&timeline, &summary), false, &summary);
        // 15 of 20 is 3,071 of 4,094, 20 is 4,094 (63 × 64 + 62), and what is not known is 4,095.
        assert_eq!(data["load"], "0000_-_-l_l______-_-");
        assert_eq!(data["runs"][0]["short"], json!([1, 2]));
        assert_eq!((&data["from"], &data["step"]), (&json!(0), &json!(60)));
        let mut html = String::new();
        chart(&mut html, &timeline, &summary);
        assert_eq!(html.matches("</script>").count(), 2, "{html}");
    }
}
