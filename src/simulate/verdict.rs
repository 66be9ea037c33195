//! A comparison in plain words: one row for each policy, and what the replayed one would cost and save against each.
//!
//! Facts and sentences, for the terminal (`text.rs`) and the page (`render/compare.rs`). It must not praise: every
//! sentence gives both numbers. Pure.

use super::compare::{Baseline, Contender};
use super::figures::Figures;
use super::money::Money;
use super::spell::{percent, seconds};
use super::summary::Summary;
use crate::report::words::number;

/// Replica-hours that differ by less than this share are called the same.
const SAME: f64 = 0.005;
const DAY: f64 = 86_400.0;

/// One policy's line in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Who.
    pub name: String,
    /// The utilisation that it aims at, where it is a baseline that aims at one.
    pub target: Option<f64>,
    /// Share of the time short.
    pub short: f64,
    /// Seconds short, a day; in all where the run is shorter than a day.
    pub short_seconds: f64,
    /// Seconds of the longest run of it.
    pub longest_seconds: f64,
    /// Replicas × hours.
    pub replica_hours: f64,
    /// The same as a multiple of the oracle's, where there is one.
    pub cost: Option<f64>,
    /// Changes of the count.
    pub actions: u64,
    /// In money, where a price was given.
    pub money: Option<Money>,
    /// Whether it is the replayed policy's.
    pub own: bool,
}

/// Whether rates a day say anything: the run took a day or more.
pub fn daily(s: &Summary) -> bool {
    length(s) >= DAY
}

/// Seconds of the run.
fn length(s: &Summary) -> f64 {
    s.ticks as f64 * s.tick_seconds
}

/// The table: the policy first, then its baselines.
pub fn rows(s: &Summary) -> Vec<Row> {
    let Some(comparison) = &s.comparison else {
        return vec![Row {
            name: s.policy.clone(),
            target: None,
            short: s.short_share,
            short_seconds: 60.0
                * if daily(s) {
                    s.short_minutes_per_day
                } else {
                    s.short_minutes
                },
            longest_seconds: s.longest_short_seconds,
            replica_hours: s.replica_hours,
            cost: None,
            actions: s.scale_ups + s.scale_downs,
            money: s.money.clone(),
            own: true,
        }];
    };
    let row = |name: &str, target, f: &Figures, own| Row {
        name: name.to_owned(),
        target,
        short: f.short_share,
        short_seconds: short_seconds(s, f),
        longest_seconds: f.longest_short_seconds,
        replica_hours: f.replica_hours,
        cost: f.cost,
        actions: f.actions,
        money: f.money.clone(),
        own,
    };
    let mut rows = vec![row(&s.policy, None, &comparison.policy, true)];
    let baselines = comparison.baselines.iter();
    rows.extend(baselines.map(|b| row(b.baseline.title(), b.target, &b.figures, false)));
    rows
}

/// A baseline's name with what it aims at, and what its floors carry.
pub fn name(contender: &Contender) -> String {
    let mut name = contender.baseline.title().to_owned();
    if let Some(target) = contender.target {
        name += &format!(", at {}", percent(target));
    }
    if let Some(margin) = contender.margin {
        name += &format!(", floors × {}", number(margin));
    }
    name
}

/// What the policy would cost and save against each baseline: the baseline's name, and sentences.
pub fn sentences(s: &Summary) -> Vec<(String, String)> {
    let Some(comparison) = &s.comparison else {
        return Vec::new();
    };
    let mine = &comparison.policy;
    let mut found = Vec::new();
    for contender in &comparison.baselines {
        let theirs = &contender.figures;
        let text = match contender.baseline {
            Baseline::Oracle => format!(
                "Somebody who knew the future would never be short with {} replica-hours. {} takes {} times that.",
                number(theirs.replica_hours),
                s.policy,
                number(ratio(mine.replica_hours, theirs.replica_hours)),
            ),
            _ => format!(
                "{} {}{}",
                hours(s, mine, theirs),
                short(s, mine, theirs),
                reach(contender, comparison.objective)
            ),
        };
        let who = match contender.baseline {
            Baseline::Oracle => "the oracle".to_owned(),
            _ => name(contender),
        };
        found.push((who, text));
    }
    if let Some(equal) = &comparison.equal_cost {
        // Rates a day, of runs that may be shorter.
        let (days, each) = if daily(s) {
            (1.0, " a day")
        } else {
            (length(s) / DAY, "")
        };
        let time = |minutes: f64| moment(60.0 * days * minutes);
        let times = match equal.factor() {
            Some(factor) if factor >= 1.05 => format!("{} times as long, ", digits(factor)),
            _ => String::new(),
        };
        let text = format!(
            "With the same replica-hours HPA v2 would be short {times}for {}{each} instead of {}.",
            time(equal.hpa_short_minutes_per_day),
            time(equal.policy_short_minutes_per_day),
        );
        found.push(("HPA v2 at the same cost".to_owned(), text));
    }
    found
}

/// How the objective stands, where there is a comparison.
pub fn objective(s: &Summary) -> Option<String> {
    let comparison = s.comparison.as_ref()?;
    let (short, objective) = (comparison.policy.short_share, comparison.objective);
    let verb = if short <= objective { "was met" } else { "was not met" };
    Some(format!(
        "The objective, short for at most {} of the time, {verb}: it was short for {}.",
        percent(objective),
        percent(short)
    ))
}

/// What a run cost, and a year like it.
pub fn cost(money: &Money) -> String {
    match money.per_year {
        Some(year) => format!(
            "It cost {}; {} a year if every day were like these.",
            money.words(money.total),
            money.words(year)
        ),
        None => format!("It cost {}.", money.words(money.total)),
    }
}

fn hours(s: &Summary, mine: &Figures, theirs: &Figures) -> String {
    let (a, b) = (mine.replica_hours, theirs.replica_hours);
    let change = ratio(a, b) - 1.0;
    if change.abs() < SAME {
        return format!("Both take {} replica-hours.", number(b));
    }
    let more = if change > 0.0 { "more" } else { "fewer" };
    let mut text = format!(
        "{} takes {} replica-hours instead of {}: {} {more}",
        s.policy,
        number(a),
        number(b),
        percent(change.abs())
    );
    if let (Some(mine), Some(theirs)) = (&mine.money, &theirs.money) {
        let verb = if change > 0.0 { "costs" } else { "saves" };
        let more = if change > 0.0 { " more" } else { "" };
        text += &format!(", which {verb} {}{more}", mine.words((mine.total - theirs.total).abs()));
        if let (Some(a), Some(b)) = (mine.per_year, theirs.per_year) {
            text += &format!(" ({} a year if every day were like these)", mine.words((a - b).abs()));
        }
    }
    text + "."
}

fn short(s: &Summary, mine: &Figures, theirs: &Figures) -> String {
    let a_day = if daily(s) { " a day" } else { "" };
    let (a, b) = (moment(short_seconds(s, mine)), moment(short_seconds(s, theirs)));
    match (mine.short_minutes > 0.0, theirs.short_minutes > 0.0) {
        (false, false) => "Neither would be short.".to_owned(),
        (false, true) => format!("It would never be short instead of for {b}{a_day}."),
        (true, false) => format!("It would be short for {a}{a_day} instead of never."),
        (true, true) if a == b => format!("Both would be short for {a}{a_day}."),
        (true, true) => format!("It would be short for {a}{a_day} instead of {b}."),
    }
}

/// Whether a baseline that was tuned to meet the objective could.
fn reach(contender: &Contender, objective: f64) -> String {
    let tuned = !matches!(contender.baseline, Baseline::Hpa | Baseline::Oracle);
    match tuned && !contender.met {
        true => format!(
            " No target keeps it short for at most {}; this one comes closest.",
            percent(objective)
        ),
        false => String::new(),
    }
}

/// Seconds short, a day or in all: see [`daily`].
pub fn short_seconds(s: &Summary, f: &Figures) -> f64 {
    60.0 * if daily(s) {
        f.short_minutes_per_day
    } else {
        f.short_minutes
    }
}

/// What rounds to nothing, and is none, is told from nothing.
fn moment(time: f64) -> String {
    if time > 0.0 && time < 0.5 {
        "less than 1 s".to_owned()
    } else {
        seconds(time)
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { f64::from(u8::from(a == b)) }
}

/// Two digits of a factor.
fn digits(factor: f64) -> String {
    number(if factor < 10.0 {
        (factor * 10.0).round() / 10.0
    } else {
        factor.round()
    })
}

#[cfg(test)]
mod tests {
    use super::super::compare::{Comparison, EqualCost};
    use super::*;

    fn figures(replica_hours: f64, short_minutes: f64) -> Figures {
        Figures {
            replica_hours,
            short_minutes,
            short_minutes_per_day: short_minutes / 2.0,
            short_share: short_minutes / 2880.0,
            ..Figures::default()
        }
    }

    /// The sentence against one baseline over two days, with a price.
    #[track_caller]
    fn check(mine: (f64, f64), baseline: Baseline, theirs: (f64, f64), met: bool, expected: &str) {
        let contender = Contender {
            baseline,
            target: (baseline != Baseline::Oracle).then_some(0.7),
            margin: None,
            met,
            figures: figures(theirs.0, theirs.1),
            columns: Vec::new(),
        };
        let mut summary = Summary {
            policy: "shop".to_owned(),
            ticks: 2880,
            tick_seconds: 60.0,
            replica_hours: mine.0,
            comparison: Some(Comparison {
                objective: 0.001,
                policy: figures(mine.0, mine.1),
                baselines: vec![contender],
                ..Comparison::default()
            }),
            ..Summary::default()
        };
        "0.1EUR"
            .parse::<super::super::money::Price>()
            .unwrap()
            .put(&mut summary);
        assert_eq!(sentences(&summary)[0].1, expected);
        assert_eq!(rows(&summary).len(), 2);
    }

    #[test]
    fn both_numbers_are_always_said() {
        check(
            (80.0, 1.0),
            Baseline::Hpa,
            (100.0, 4.0),
            true,
            "shop takes 80 replica-hours instead of 100: 20 % fewer, which saves 2 EUR (365 EUR a year if every day were \
             like these). It would be short for 30 s a day instead of 2 min.",
        );
        check(
            (110.0, 0.0),
            Baseline::HpaTuned,
            (100.0, 4.0),
            false,
            "shop takes 110 replica-hours instead of 100: 10 % more, which costs 1 EUR more (183 EUR a year if every day \
             were like these). It would never be short instead of for 2 min a day. No target keeps it short for at most \
             0.1 %; this one comes closest.",
        );
        check(
            (100.0, 4.0),
            Baseline::Cron,
            (100.0, 4.0),
            true,
            "Both take 100 replica-hours. Both would be short for 2 min a day.",
        );
        check(
            (100.0, 0.0),
            Baseline::Seasonal,
            (100.0, 0.01),
            true,
            "Both take 100 replica-hours. It would never be short instead of for less than 1 s a day.",
        );
        check(
            (120.0, 4.0),
            Baseline::Oracle,
            (100.0, 0.0),
            true,
            "Somebody who knew the future would never be short with 100 replica-hours. shop takes 1.2 times that.",
        );
    }

    #[test]
    fn equal_cost_and_objective() {
        let mut summary = Summary {
            policy: "shop".to_owned(),
            ticks: 2880,
            tick_seconds: 60.0,
            comparison: Some(Comparison {
                objective: 0.001,
                policy: figures(80.0, 1.0),
                equal_cost: Some(EqualCost {
                    replica_hours: 80.0,
                    policy_short_minutes_per_day: 0.5,
                    hpa_short_minutes_per_day: 11.0,
                }),
                ..Comparison::default()
            }),
            ..Summary::default()
        };
        let (_, text) = sentences(&summary).remove(0);
        assert_eq!(
            text,
            "With the same replica-hours HPA v2 would be short 22 times as long, for 11 min a day instead of 30 s."
        );
        // Half a day of it.
        summary.ticks = 720;
        let (_, text) = sentences(&summary).remove(0);
        assert!(
            text.ends_with("22 times as long, for 5 min 30 s instead of 15 s."),
            "{text}"
        );
        let words = |s: &Summary| objective(s).unwrap();
        assert!(
            words(&summary).contains("was met: it was short for 0.035 %"),
            "{}",
            words(&summary)
        );
        summary.comparison.as_mut().unwrap().objective = 0.0001;
        assert!(words(&summary).contains("was not met"), "{}", words(&summary));
    }
}
