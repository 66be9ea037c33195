//! The tables, as markdown.

use std::fmt::Write as _;

use headroom::simulate::figures::Figures;
use headroom::simulate::tuning::Tuned;
use jiff::SignedDuration;

use crate::accuracy::{LEVELS, Score};
use crate::protocol::{Outcome, TUNED};
use crate::sensitivity::Row;
use crate::trace::{GROUPS, OBJECTIVE};

/// Of one start-up time: cost and shortfall of everybody, by group.
pub fn protocol(outcomes: &[&Outcome], startup: SignedDuration) -> String {
    let mut text = format!(
        "\n## Start-up {startup:#}\n\n\
         | series (days) | Headroom: % short · min a day · cost · changes ÷ HPA's | trusted / in reach, % of time | HPA at 70 %: % short · min a day · cost | \
         cost at ≤ {} % short, tuned in hindsight: {} | the same at Headroom's shortfall | Headroom ÷ best of them, ÷ HPA | HPA's short min ÷ Headroom's at equal cost |\n\
         |---|---|---|---|---|---|---|---|\n",
        digits(100.0 * OBJECTIVE),
        TUNED.map(|b| b.as_str()).join(" · "),
    );
    for group in GROUPS {
        let of_group: Vec<_> = outcomes.iter().filter(|o| o.group == group).collect();
        if of_group.is_empty() {
            continue;
        }
        let _ = writeln!(text, "| **{group}** | | | | | | | |");
        for o in of_group {
            let _ = writeln!(
                text,
                "| {} ({:.0}) | {} · {} · {} · {} | {} | {} · {} · {} | {} | {} | {} | {} |",
                o.name,
                o.days,
                digits(100.0 * o.ours.short_share),
                digits(o.ours.short_minutes_per_day),
                cost(&o.ours),
                ratio(o.ours.actions as f64, o.hpa.actions as f64),
                reach(o),
                digits(100.0 * o.hpa.short_share),
                digits(o.hpa.short_minutes_per_day),
                cost(&o.hpa),
                tuned(&o.at_objective),
                tuned(&o.at_achieved),
                against(o),
                factor(o),
            );
        }
    }
    let logs = |of: fn(&Outcome) -> Option<f64>| {
        let known: Vec<f64> = outcomes.iter().filter_map(|o| of(o)).map(f64::ln).collect();
        (known.iter().sum::<f64>() / known.len() as f64).exp()
    };
    let _ = writeln!(
        text,
        "\nGeometric means: cost {:.3}; HPA at 70 % {:.3}; Headroom's cost ÷ that of HPA tuned in hindsight to the same shortfall {:.3} \
         ({} of {} series, where some target reaches it).",
        logs(|o| o.ours.cost),
        logs(|o| o.hpa.cost),
        logs(against_hpa),
        outcomes.iter().filter(|o| against_hpa(o).is_some()).count(),
        outcomes.len(),
    );
    text
}

/// SPEC RG's metrics, of the same runs.
pub fn elasticity(outcomes: &[&Outcome]) -> String {
    let mut text = String::from(
        "\n| series | policy | overflow, % of load | longest short, s | replica-hours | θ_U % | θ_O % | τ_U % | τ_O % | υ % |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for o in outcomes {
        for (who, f) in [("Headroom", &o.ours), ("HPA at 70 %", &o.hpa), ("oracle", &o.oracle)] {
            let e = &f.elasticity;
            let _ = writeln!(
                text,
                "| {} | {who} | {} | {:.0} | {:.0} | {} | {} | {} | {} | {} |",
                o.name,
                digits(100.0 * f.overflow_share),
                f.longest_short_seconds,
                f.replica_hours,
                digits(100.0 * e.theta_u),
                digits(100.0 * e.theta_o),
                digits(100.0 * e.tau_u),
                digits(100.0 * e.tau_o),
                digits(100.0 * e.upsilon),
            );
        }
    }
    text
}

/// The point forecast against naive ones.
pub fn accuracy(outcomes: &[&Outcome]) -> String {
    let mut text = String::from(
        "\nOf the metric, as an operator sees it; in brackets the same of the load behind it, which no query shows.\n\n\
         | series | start-up | WAPE % | last value | a day ago | a week ago | ÷ best naive | as the forecaster reckons it at the end: model ÷ naive | 90 % bound exceeded, % of time | 99 % bound |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    let (mut logs, mut met, mut count) = ([0.0; 2], [[0; 3]; 2], 0);
    for o in outcomes {
        let Some(a) = &o.accuracy else { continue };
        let (m, l) = (&a.metric, &a.load);
        let exceeded = |level: usize| {
            let digits = |s: &Score| digits(100.0 * s.exceeded[level]);
            format!("{} ({})", digits(m), digits(l))
        };
        let _ = writeln!(
            text,
            "| {} | {:#} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} ({:.2}) | {} | {} | {} |",
            o.name,
            o.startup,
            100.0 * m.model,
            100.0 * m.last,
            100.0 * m.daily,
            100.0 * m.weekly,
            m.against_naive(),
            l.against_naive(),
            a.own.map_or_else(|| "-".to_owned(), |own| ratio(own.model, own.naive)),
            exceeded(0),
            exceeded(1),
        );
        for (i, score) in [m, l].into_iter().enumerate() {
            logs[i] += score.against_naive().ln();
            met[i][0] += u32::from(score.against_naive() <= 1.02);
            for (met, (level, exceeded)) in met[i][1..].iter_mut().zip(LEVELS.iter().zip(score.exceeded)) {
                *met += u32::from((level / 3.0..=3.0 * level).contains(&exceeded));
            }
        }
        count += 1;
    }
    let [metric, load] = logs.map(|sum| (sum / f64::from(count)).exp());
    let [m, l] = met;
    let _ = writeln!(
        text,
        "\nGeometric means of WAPE ÷ the best naive one's: {metric:.3} ({load:.3}). Of {count} rows, {} ({}) have a WAPE of at most \
         1.02 times the best naive one's; the 90 % bound is exceeded between a third of its share and three times it in {} ({}), the \
         99 % bound in {} ({}).",
        m[0], l[0], m[1], l[1], m[2], l[2],
    );
    text
}

/// One row a variation.
pub fn sensitivity(rows: &[Row]) -> String {
    let mut text = String::from(
        "\n| variation (series) | Headroom with signal: % short / cost | without signal | HPA at 70 % | worst series: short ÷ HPA's, or the objective where that is more | worst: replica-hours ÷ undisturbed |\n\
         |---|---|---|---|---|---|\n",
    );
    for r in rows {
        let pair = |m: crate::sensitivity::Mean| format!("{} / {:.2}", digits(100.0 * m.short), m.cost);
        let hours = if r.worst_hours.is_nan() {
            "-".to_owned()
        } else {
            format!("{:.2}", r.worst_hours)
        };
        let _ = writeln!(
            text,
            "| {} ({}) | {} | {} | {} | {:.2} | {hours} |",
            r.title,
            r.traces,
            pair(r.signal),
            pair(r.blind),
            pair(r.hpa),
            r.worst_short,
        );
    }
    text
}

fn cost(f: &Figures) -> String {
    f.cost.map_or_else(|| "-".to_owned(), |c| format!("{c:.2}"))
}

fn reach(o: &Outcome) -> String {
    let reach = o
        .in_reach
        .map_or_else(|| "-".to_owned(), |r| format!("{:.0}", 100.0 * r));
    format!("{:.0} / {reach}", 100.0 * o.trusted)
}

/// Costs; in brackets where no target meets the limit.
fn tuned(all: &[Tuned]) -> String {
    let one = |t: &Tuned| {
        if t.met {
            cost(&t.figures)
        } else {
            format!("({})", cost(&t.figures))
        }
    };
    all.iter().map(one).collect::<Vec<_>>().join(" · ")
}

/// Our cost over that of the cheapest baseline that is short for no longer, and over tuned HPA's.
fn against(o: &Outcome) -> String {
    let met = o.at_achieved.iter().filter(|t| t.met).filter_map(|t| t.figures.cost);
    let best = met.fold(f64::INFINITY, f64::min);
    let over = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |r| format!("{r:.2}"));
    let best = best.is_finite().then(|| o.ours.cost.map(|c| c / best)).flatten();
    format!("{} · {}", over(best), over(against_hpa(o)))
}

fn against_hpa(o: &Outcome) -> Option<f64> {
    let hpa = o.at_achieved.first().filter(|t| t.met)?;
    Some(o.ours.cost? / hpa.figures.cost?)
}

fn factor(o: &Outcome) -> String {
    match o.equal_cost {
        None => "-".to_owned(),
        Some(hpa) if o.ours.short_minutes_per_day > 0.0 => digits(hpa / o.ours.short_minutes_per_day),
        Some(hpa) => format!("{} : 0", digits(hpa)),
    }
}

fn ratio(a: f64, b: f64) -> String {
    if b > 0.0 {
        format!("{:.2}", a / b)
    } else {
        "-".to_owned()
    }
}

/// Two digits of what is small.
fn digits(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        a if a < 0.01 => "< 0.01".to_owned(),
        a if a < 1.0 => format!("{x:.2}"),
        a if a < 10.0 => format!("{x:.1}"),
        _ => format!("{x:.0}"),
    }
}
