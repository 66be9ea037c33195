//! The command line of `headroom simulate`.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::compare::Baseline;
use super::live::Live;
use super::money::Price;
use crate::validate;

/// Replay a policy on a load trace: the same decisions as the operator's, on simulated replicas.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The ScalingPolicy to replay: a YAML file as for `kubectl apply`
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    pub policy: Option<PathBuf>,

    /// The load: CSV with the columns timestamp (RFC 3339, UTC) and value, oldest row first; linear between rows.
    /// Every metric of the policy sees this load, one with a `value` target as a utilisation in percent
    #[arg(long, value_name = "FILE", required_unless_present_any = ["example", "prometheus"])]
    pub trace: Option<PathBuf>,

    /// A trace straight from Prometheus.
    #[command(flatten)]
    pub live: Live,

    /// What one replica can carry, in the trace's unit
    #[arg(long, value_name = "LOAD", required_unless_present = "example", value_parser = capacity)]
    pub replica_capacity: Option<f64>,

    /// Write a policy and five weeks of load of an imagined web shop into --out and replay the last week of them
    #[arg(long, conflicts_with_all = ["policy", "trace", "prometheus", "replica_capacity", "history", "start"])]
    pub example: bool,

    /// Time from the asking for a replica to its being ready
    #[arg(long, value_name = "DURATION", default_value = "180s", value_parser = at_most_a_day)]
    pub startup: SignedDuration,

    /// How late metrics are, on top of their being means of the last minute
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = at_most_a_day)]
    pub metric_delay: SignedDuration,

    /// Time between two decisions, from 1s to 1h [default: the policy's interval]
    #[arg(long, value_name = "DURATION", value_parser = tick)]
    pub tick: Option<SignedDuration>,

    /// Older load, in a file of its own: known to the forecast, not replayed
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,

    /// Where in the trace the replay begins; what lies before is history [default: the trace's first row]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub start: Option<Timestamp>,

    /// Replay these beside the policy, with a comma between two: hpa, hpa-tuned, cron, seasonal, phpa, oracle; or all.
    /// Tuned ones are tuned in hindsight, to the policy's objective (0.1 % of the time where it has none)
    #[arg(long, value_name = "LIST", num_args = 0..=1, default_missing_value = "all", value_parser = baselines)]
    pub compare: Option<Baselines>,

    /// Replay the policy with other objectives (where its prediction is Adaptive), and HPA v2 with other targets
    #[arg(long)]
    pub sweep: bool,

    /// Find the values of the policy that keep it short for no more than --shortfall at the least cost, and write them to
    /// suggested.yaml. Without --start the first 60 % of the trace, four weeks at most, are history
    #[arg(long)]
    pub suggest: bool,

    /// Share of the time that --suggest accepts to be short, such as 0.1% [default: the policy's objective, else 0.1%]
    #[arg(long, value_name = "PERCENT", requires = "suggest", value_parser = shortfall)]
    pub shortfall: Option<f64>,

    /// What a replica costs an hour, with the currency if you like, such as 0.05 or 0.05EUR: costs stand beside
    /// replica-hours everywhere
    #[arg(long, value_name = "PRICE")]
    pub replica_cost: Option<Price>,

    /// Print summary.json to standard output, and nothing else
    #[arg(long)]
    pub json: bool,

    /// Where timeline.csv, summary.json and report.html go; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// What `--compare` lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baselines(pub Vec<Baseline>);

fn baselines(text: &str) -> Result<Baselines, String> {
    if text == "all" {
        return Ok(Baselines(Baseline::ALL.to_vec()));
    }
    let named = |name: &str| Baseline::ALL.into_iter().find(|b| b.as_str() == name.trim());
    let known = Baseline::ALL.map(Baseline::as_str).join(", ");
    let list = text
        .split(',')
        .map(|name| named(name).ok_or_else(|| format!("{name:?} is none of {known}; give some of these, or all")));
    list.collect::<Result<_, _>>().map(Baselines)
}

fn capacity(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|c: &f64| c.is_finite() && *c > 0.0);
    number.ok_or_else(|| "give a number above 0, such as 1400".to_owned())
}

fn shortfall(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|n| n.trim().parse().ok());
    let share = number.map(|n: f64| n / 100.0).filter(|s| *s > 0.0 && *s < 1.0);
    share.ok_or_else(|| "give a share of the time between 0 and 100, such as 0.1%".to_owned())
}

pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "give an instant such as 2026-11-20T08:00:00Z".to_owned())
}

fn at_most_a_day(text: &str) -> Result<SignedDuration, String> {
    within(text, SignedDuration::ZERO, SignedDuration::from_hours(24))
}

pub(super) fn tick(text: &str) -> Result<SignedDuration, String> {
    let tick = within(text, SignedDuration::from_secs(1), SignedDuration::from_hours(1))?;
    if tick.subsec_nanos() != 0 {
        return Err("give whole seconds, such as 15s".to_owned());
    }
    Ok(tick)
}

fn within(text: &str, least: SignedDuration, most: SignedDuration) -> Result<SignedDuration, String> {
    let duration = validate::duration(text).map_err(|_| "give a duration such as 15s, 3m or 1h30m".to_owned())?;
    if duration < least || duration > most {
        return Err(format!("give a duration from {least:#} to {most:#}"));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &str) -> Result<Args, String> {
        let words = ["simulate"].into_iter().chain(line.split_whitespace());
        Cli::try_parse_from(words).map(|c| c.args).map_err(|e| e.to_string())
    }

    #[test]
    fn the_design_s_command_line() {
        let line = "--policy p.yaml --trace t.csv --replica-capacity 1400 --startup 3m --metric-delay 0s --tick 15s \
                    --history h.csv --start 2026-11-20T00:00:00Z --out d";
        let args = parse(line).unwrap();
        assert_eq!(args.startup, SignedDuration::from_secs(180));
        assert_eq!(args.tick, Some(SignedDuration::from_secs(15)));
        assert_eq!(args.replica_capacity, Some(1400.0));
        assert!(parse("--example --out d").unwrap().example);
        assert_eq!(args.compare, None);
        let compared = |list: &str| {
            parse(&format!("--example --out d --compare {list}"))
                .unwrap()
                .compare
                .unwrap()
                .0
        };
        assert_eq!(compared("hpa-tuned,oracle"), [Baseline::HpaTuned, Baseline::Oracle]);
        assert_eq!(compared("all"), Baseline::ALL);
        assert_eq!(compared(""), Baseline::ALL);
    }

    #[test]
    fn bad_values_name_the_option_and_the_remedy() {
        let base = "--policy p --trace t --out d --replica-capacity";
        // command line, words of the message
        let table = [
            (
                format!("{base} 0"),
                "'0' for '--replica-capacity <LOAD>': give a number above 0",
            ),
            (
                format!("{base} 1 --tick 500ms"),
                "'500ms' for '--tick <DURATION>': give a duration from",
            ),
            (format!("{base} 1 --tick 1500ms"), "give whole seconds"),
            (format!("{base} 1 --startup soon"), "give a duration such as 15s"),
            (format!("{base} 1 --startup=-5s"), "give a duration such as 15s"),
            (format!("{base} 1 --startup 25h"), "give a duration from"),
            (
                format!("{base} 1 --start monday"),
                "'monday' for '--start <TIME>': give an instant such as 2026-11-20T08:00:00Z",
            ),
            (
                format!("{base} 1 --compare hpa,keda"),
                "\"keda\" is none of hpa, hpa-tuned, cron, seasonal, phpa, oracle; give some of these, or all",
            ),
            ("--out d".to_owned(), "--policy <FILE>"),
            (format!("{base} 1 --example"), "cannot be used with"),
            (
                format!("{base} 1 --suggest --shortfall 0.1"),
                "'0.1' for '--shortfall <PERCENT>': give a share of the time between 0 and 100, such as 0.1%",
            ),
            (format!("{base} 1 --suggest --shortfall 100%"), "such as 0.1%"),
            (format!("{base} 1 --shortfall 1%"), "--suggest"),
            (
                format!("{base} 1 --replica-cost EUR"),
                "'EUR' for '--replica-cost <PRICE>': give a number above 0",
            ),
        ];
        for (line, words) in table {
            let message = parse(&line).unwrap_err();
            assert!(message.contains(words), "{line}: {message}");
        }
    }
}
