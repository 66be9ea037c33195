//! A comparison and a sweep as tables for a terminal.
//!
//! Pure; the page draws the same values.

use comfy_table::{CellAlignment, Table, presets};

use super::compare::{Comparison, Point, Sweep};
use super::figures::Figures;
use super::spell::{percent, seconds};
use crate::report::words::number;

/// The policy and its baselines, one a line, with what stands behind equal cost in a sentence below.
pub fn comparison(c: &Comparison) -> String {
    let per = Per::of(&c.policy);
    let mut table = table("policy", per);
    table.add_row(row("this policy".to_owned(), &c.policy, per));
    for b in &c.baselines {
        let title = b.baseline.title();
        let mut name = match b.target {
            Some(target) => format!("{title} at {}", percent(target)),
            None => title.to_owned(),
        };
        if let Some(margin) = b.margin {
            name.push_str(&format!(", floors × {}", number(margin)));
        }
        if !b.met {
            name.push_str(" (misses the objective)");
        }
        table.add_row(row(name, &b.figures, per));
    }
    let mut text = format!(
        "Objective: short for at most {} of the time.\n{table}\n",
        percent(c.objective)
    );
    if let Some(e) = &c.equal_cost {
        let days = match per {
            Per::Day => 1.0,
            Per::Run => days(&c.policy),
        };
        text.push_str(&format!(
            "At the same {} replica-hours HPA v2 would be short for {} {}, this policy for {}.\n",
            number(e.replica_hours),
            seconds(60.0 * days * e.hpa_short_minutes_per_day),
            per.words(),
            seconds(60.0 * days * e.policy_short_minutes_per_day),
        ));
    }
    text
}

/// The curves, one point a line.
pub fn sweep(s: &Sweep) -> String {
    let mut text = String::new();
    for (what, points) in [("objective", &s.objective), ("HPA v2's target", &s.hpa)] {
        if !points.is_empty() {
            let per = points.first().map_or(Per::Day, |p| Per::of(&p.figures));
            let mut table = table(what, per);
            for Point { knob, figures } in points {
                table.add_row(row(percent(*knob), figures, per));
            }
            text.push_str(&format!("{table}\n"));
        }
    }
    text
}

/// What minutes are told for: what happened within a day is no rate a day.
#[derive(Clone, Copy)]
enum Per {
    Day,
    Run,
}

impl Per {
    fn of(figures: &Figures) -> Self {
        if days(figures) < 1.0 { Per::Run } else { Per::Day }
    }

    fn words(self) -> &'static str {
        match self {
            Per::Day => "a day",
            Per::Run => "in all",
        }
    }
}

/// How long a run was.
fn days(f: &Figures) -> f64 {
    if f.mean_replicas > 0.0 {
        f.replica_hours / f.mean_replicas / 24.0
    } else {
        0.0
    }
}

fn table(first: &str, per: Per) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let head = [
        first,
        "short",
        per.words(),
        "longest",
        "replica-hours",
        "× oracle",
        "changes",
    ];
    table.set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(name: String, f: &Figures, per: Per) -> [String; 7] {
    let minutes = match per {
        Per::Day => f.short_minutes_per_day,
        Per::Run => f.short_minutes,
    };
    [
        name,
        percent(f.short_share),
        seconds(60.0 * minutes),
        seconds(f.longest_short_seconds),
        number(f.replica_hours),
        f.cost.map_or_else(|| "-".to_owned(), |cost| format!("{cost:.2}")),
        f.actions.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::compare::{Baseline, Contender, EqualCost};

    /// The table of two days, or of two hours.
    fn told(hours: f64) -> String {
        let figures = Figures {
            short_share: 0.01,
            short_minutes: 0.6 * hours,
            short_minutes_per_day: 14.4,
            replica_hours: 10.0 * hours,
            mean_replicas: 10.0,
            cost: Some(1.234),
            actions: 7,
            ..Figures::default()
        };
        comparison(&Comparison {
            objective: 0.001,
            policy: figures.clone(),
            baselines: vec![Contender {
                baseline: Baseline::HpaTuned,
                target: Some(0.55),
                margin: None,
                met: false,
                figures,
                columns: Vec::new(),
            }],
            equal_cost: Some(EqualCost {
                replica_hours: 10.0 * hours,
                policy_short_minutes_per_day: 14.4,
                hpa_short_minutes_per_day: 28.8,
            }),
            hpa_curve: Vec::new(),
        })
    }

    #[test]
    fn minutes_are_a_day_s_where_there_was_a_day() {
        let (days, hours) = (told(48.0), told(2.0));
        for words in [
            "a day",
            "14 min 24 s",
            "1.23",
            "tuned in hindsight at 55 % (misses the objective)",
        ] {
            assert!(days.contains(words), "{words}:\n{days}");
        }
        assert!(
            days.contains("would be short for 28 min 48 s a day, this policy for 14 min 24 s."),
            "{days}"
        );
        assert!(
            hours.contains("would be short for 2 min 24 s in all, this policy for 1 min 12 s."),
            "{hours}"
        );
        assert!(!hours.contains("a day"), "{hours}");
    }
}
