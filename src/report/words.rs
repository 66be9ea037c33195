//! Plain words: who won, what limited it, and what is blocked until when, for an admin who is paged.
//!
//! Used by status, events, logs, `simulate` and `explain`. Times are UTC and carry a `Z`; the day is named where it
//! is not the decision's. Nothing here is parsed by machines: those read the status' fields.

pub mod bottleneck;
pub mod forecast;
mod plain;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use crate::engine::decision::{
    Abstention, Action, Basis, Decision, Limit, LimitKind, Outcome, PodCount, Proposal, Source,
};
use crate::engine::observation::Failure;
use crate::engine::policy::{
    ASSUMED_STARTUP, Amount, Mode, Policy, Rule, ScalingRules, SelectPolicy, Step, Target, Thresholds,
};
use crate::engine::reading::PodMetric;

pub use plain::{ago, clip, instant, number, span};

/// Most bytes of a message: an event's note must stay below 1 kB (1,024 bytes), and a condition's need not be longer.
pub const MESSAGE_BYTES: usize = 1000;
/// Most bytes of one proposal's reason: 82 of them (16 metrics, 64 schedules, a forecast, the fallback) stay within 20 kB.
pub const REASON_BYTES: usize = 240;

/// The decision in one sentence, at most [`MESSAGE_BYTES`] long.
///
/// `scaled from 4 to 6: requests wants 8 (1 530, target 200 per replica); limited to 6 by the scale-up rate limit
/// (2 pods in 15s) until 10:00:15Z`
pub fn sentence(policy: &Policy, decision: &Decision) -> String {
    let current = decision.current;
    let head = match decision.action {
        Action::Scale { to, .. } => format!("scaled from {current} to {to}"),
        Action::WouldScale { to } => {
            let why = match policy.mode {
                Mode::Conflicted => "but for a conflict",
                _ => "dry run",
            };
            format!("would scale from {current} to {to} ({why})")
        }
        Action::Hold => format!("stays at {current}"),
        Action::Paused => format!("paused at {current}"),
        Action::Disabled => {
            return "the target is at 0 replicas, so autoscaling is off until somebody scales it up".to_owned();
        }
    };
    clip(format!("{head}: {}", because(policy, decision)), MESSAGE_BYTES)
}

/// The sentence for a change that was decided and not made, because the target changed in between.
pub fn put_off(policy: &Policy, decision: &Decision) -> String {
    let (from, to) = (decision.current, decision.desired);
    let text = format!("about to scale from {from} to {to}: {}", because(policy, decision));
    clip(text, MESSAGE_BYTES)
}

/// The sentence for a change that was tried and failed with `error`.
pub fn failed(policy: &Policy, decision: &Decision, error: &str) -> String {
    let (from, to) = (decision.current, decision.desired);
    // The error comes first: what follows may be clipped.
    let error = clip(error.trim(), MESSAGE_BYTES / 2);
    let text = format!(
        "could not scale from {from} to {to} ({error}): {}",
        because(policy, decision)
    );
    clip(text, MESSAGE_BYTES)
}

/// One proposal's reason: from what, or why not; at most [`REASON_BYTES`] long.
pub fn proposal(policy: &Policy, decision: &Decision, proposal: &Proposal) -> String {
    let text = match &proposal.outcome {
        Outcome::Replicas { replicas, value, basis } => match &proposal.source {
            Source::Metric(name) => {
                let held = *basis == Basis::Held;
                let pods = proposal
                    .pods
                    .as_ref()
                    .map(|count| pods(count, held))
                    .unwrap_or_default();
                format!("{}{pods}", metric(policy, name, *value, *basis, decision.at))
            }
            Source::Forecast(name) => forecast::reason(policy, name, *value, *basis),
            Source::Schedule(name) => match find(policy, name).and_then(|i| opens(decision, i)) {
                Some(opens) => format!("window {opens}: at least {replicas}"),
                None => format!("window is open: at least {replicas}"),
            },
            Source::Fallback => "a metric has had no usable value for too long".to_owned(),
            Source::Baseline => "minReplicas, for a policy without metrics".to_owned(),
        },
        Outcome::Preview { value, .. } => {
            let reason = forecast::reason(policy, proposal.source.name(), *value, Basis::Proportion);
            format!("preview, not acted upon: {reason}")
        }
        Outcome::Replaced { replicas, value, basis } => {
            let said = metric(policy, proposal.source.name(), *value, *basis, decision.at);
            format!("the fixed target would say {replicas} ({said}); the forecast has taken its place")
        }
        Outcome::Abstains(Abstention::Inactive) => "window is closed".to_owned(),
        Outcome::Abstains(Abstention::CeilingOnly) => "window is open, and limits only how many".to_owned(),
        Outcome::Abstains(Abstention::NoForecast) => "no forecast was made yet".to_owned(),
        Outcome::Abstains(Abstention::Forecast(why)) => format!("not trusted: {why}"),
        Outcome::Abstains(Abstention::NotAbove { value }) => {
            let rule = thresholds(policy, proposal.source.name());
            format!(
                "{}, not above {}",
                number(*value),
                rule.map_or(String::new(), |r| number(r.up.at))
            )
        }
        Outcome::Abstains(Abstention::NoPods) => "the target has no pods to measure".to_owned(),
        Outcome::Abstains(Abstention::MayRest) => {
            "no say: what pods use keeps no target from resting while every other metric is idle".to_owned()
        }
        Outcome::Abstains(Abstention::Healthy) => "every metric has a value".to_owned(),
        Outcome::Abstains(Abstention::FallbackAt { at }) => {
            format!(
                "counts from {}, unless the metric has a value before",
                instant(*at, decision.at)
            )
        }
        Outcome::Invalid(failure) => format!("{}: {}", failure.cause, failure.message),
    };
    clip(text, REASON_BYTES)
}

/// The rule behind a limit, and the index of the schedule where it is one's window.
pub(super) fn rule(policy: &Policy, decision: &Decision, kind: LimitKind) -> (String, Option<usize>) {
    let (up, down) = (&policy.behavior.up, &policy.behavior.down);
    let (floor, ceiling) = (decision.range.floor_by, decision.range.ceiling_by);
    match kind {
        LimitKind::MetricInvalid => (failing(decision), None),
        LimitKind::Paused => ("spec.mode Paused".to_owned(), None),
        LimitKind::ScaleUpStabilized => (window("scale-up stabilisation", up.stabilization), None),
        LimitKind::ScaleDownStabilized => (window("scale-down stabilisation", down.stabilization), None),
        LimitKind::ScaleUpCooldown => (window("scale-up cooldown", up.cooldown), None),
        LimitKind::ScaleDownCooldown => (window("scale-down cooldown", down.cooldown), None),
        LimitKind::ScaleUpLimit => (rate("scale-up", up), None),
        LimitKind::ScaleDownLimit => (rate("scale-down", down), None),
        LimitKind::MinReplicas => ("minReplicas".to_owned(), None),
        LimitKind::MaxReplicas => ("maxReplicas".to_owned(), None),
        LimitKind::WindowFloor => (schedule(policy, floor), floor),
        LimitKind::WindowCeiling => (schedule(policy, ceiling), ceiling),
    }
}

/// One limit of a decision: what it did, which rule or window, and until when.
pub fn limit(policy: &Policy, decision: &Decision, limit: &Limit) -> String {
    let Limit { before, after, .. } = limit;
    let (by, window) = rule(policy, decision, limit.kind);
    let verb = match limit.kind {
        LimitKind::MetricInvalid => return format!("held at {after}: nothing is scaled down while {by}"),
        LimitKind::Paused => return format!("held at {after} instead of {before} while the policy is paused"),
        _ if *after == decision.current => "held at",
        LimitKind::MinReplicas | LimitKind::WindowFloor => "raised to",
        _ => "limited to",
    };
    let when = match window {
        Some(i) => closes(decision, i),
        None => until(limit.until, decision.at),
    };
    format!("{verb} {after} by {by}{when}")
}

/// The winner for a column: `metric/requests`, `schedule/sale`, `forecast/requests` or `baseline/minReplicas`. With its
/// kind, because a metric and a schedule may have the same name.
pub fn winner(decision: &Decision) -> Option<String> {
    if decision.action == Action::Disabled {
        return None;
    }
    let named = |source: &Source| clip(format!("{}/{}", source.kind(), source.name()), 80);
    decision.winner_source().map(named)
}

/// What follows the colon: the winner, then everything that stood in its way.
fn because(policy: &Policy, decision: &Decision) -> String {
    let mut clauses = vec![wants(policy, decision)];
    clauses.extend(forecast::beside(decision));
    let mut told = false;
    let floor = |kind| matches!(kind, LimitKind::MinReplicas | LimitKind::WindowFloor);
    for l in in_force(&decision.limits, |l| (floor(l.kind), l.before.into(), l.after.into())) {
        told |= l.kind == LimitKind::MetricInvalid;
        clauses.push(limit(policy, decision, l));
    }
    if !told && decision.invalid().next().is_some() {
        clauses.push(failing(decision));
    }
    clauses.join("; ")
}

/// The limits that had an effect. A floor acts at once, whatever damping stands before it: what it raises to where the
/// number had been already was limited by nothing. `seen`: whether one is a floor, the number before it and after.
pub(super) fn in_force<L>(limits: &[L], seen: impl Fn(&L) -> (bool, i64, i64)) -> &[L] {
    let first = limits.first().map(|l| seen(l).1);
    let restores = |l: &L| {
        let (floor, _, after) = seen(l);
        floor && Some(after) == first
    };
    match limits.iter().rposition(restores) {
        Some(last) => limits.get(last + 1..).unwrap_or_default(),
        None => limits,
    }
}

fn wants(policy: &Policy, decision: &Decision) -> String {
    let Some(winner) = decision.winner.and_then(|i| decision.proposals.get(i)) else {
        return "nobody proposes a count".to_owned();
    };
    let replicas = match winner.outcome {
        Outcome::Replicas { replicas, .. } => replicas,
        // A winner has a count by definition; say nothing wrong where it had not.
        Outcome::Preview { .. } | Outcome::Replaced { .. } | Outcome::Abstains(_) | Outcome::Invalid(_) => {
            decision.recommended
        }
    };
    match &winner.source {
        Source::Metric(name) => format!("{name} wants {replicas} ({})", proposal(policy, decision, winner)),
        Source::Forecast(name) => {
            let why = proposal(policy, decision, winner);
            format!("the forecast of {name} wants {replicas} ({why})")
        }
        Source::Fallback => format!("the fallback wants {replicas}"),
        Source::Schedule(name) => {
            let when = find(policy, name).map_or(String::new(), |i| when(decision, i));
            format!("schedule {name} wants {replicas}{when}")
        }
        Source::Baseline => format!("no open window asks for more than minReplicas ({replicas})"),
    }
}

/// `requests has no usable value (Timeout since 09:58:00Z)`, for each such metric.
pub(super) fn failing(decision: &Decision) -> String {
    let each = decision.invalid().map(|(source, Failure { cause, since, .. })| {
        let since = since.map_or(String::new(), |s| format!(" since {}", instant(s, decision.at)));
        format!("{} has no usable value ({cause}{since})", source.name())
    });
    each.collect::<Vec<_>>().join(", ")
}

/// `1 530, target 200 per replica`, or `0.8, above 0.5: 2 more`
fn metric(policy: &Policy, name: &str, value: f64, basis: Basis, now: Timestamp) -> String {
    let (up, down) = thresholds(policy, name).map_or((None, None), |r| (Some(r.up), r.down));
    // A basis of thresholds without thresholds cannot be; its words would be no worse than the value alone.
    let at = |step: Option<Step>| step.map_or(String::new(), |s| number(s.at));
    let by = |step: Option<Step>| step.map_or(0, |s| s.by);
    let value = format!("{}{}", number(value), unit(policy, name));
    match basis {
        Basis::Proportion => format!("{value}, {}", target(policy, name)),
        Basis::Tolerance => format!("{value}, within tolerance of {}", target(policy, name)),
        Basis::Above => format!("{value}, above {}: {} more", at(up), by(up)),
        Basis::Below => format!("{value}, below {}: {} fewer", at(down), by(down)),
        Basis::Band => format!("{value}, between {} and {}", at(down), at(up)),
        Basis::Cooling { until } => {
            let until = instant(until, now);
            format!("{value}, beyond its threshold; the rule's own cooldown runs until {until}")
        }
        Basis::Idle => format!("{value}, idle: no replica is needed"),
        Basis::Awake => format!("{value}, above its activation value: one replica at least"),
        // No metric's: it is the forecast's.
        Basis::Planned { .. } => value,
        Basis::Held => match thresholds(policy, name) {
            Some(_) => value,
            None => format!("{value}, {}", target(policy, name)),
        },
    }
}

/// `target 200 per replica`
pub(super) fn target(policy: &Policy, metric: &str) -> String {
    match policy.metrics.iter().find(|m| &*m.name == metric).map(|m| m.rule) {
        Some(Rule::Target(Target::Value(t))) => format!("target {}", number(t)),
        Some(Rule::Target(Target::AverageValue(t))) => format!("target {} per replica", number(t)),
        Some(Rule::Target(Target::Utilization(t))) => format!("target {} %", number(t)),
        Some(Rule::Target(Target::PodAverage(t))) => format!("target {} on average", number(t)),
        Some(Rule::Thresholds(rule)) => {
            let below = rule
                .down
                .map_or(String::new(), |step| format!(" and below {}", number(step.at)));
            format!("steps above {}{below}", number(rule.up.at))
        }
        None => "target unknown".to_owned(),
    }
}

fn thresholds(policy: &Policy, metric: &str) -> Option<Thresholds> {
    match policy.metrics.iter().find(|m| &*m.name == metric)?.rule {
        Rule::Thresholds(thresholds) => Some(thresholds),
        Rule::Target(_) => None,
    }
}

/// ` % of requests`, for what is one.
fn unit(policy: &Policy, metric: &str) -> &'static str {
    match policy
        .metrics
        .iter()
        .find(|m| &*m.name == metric)
        .map(|m| (m.rule, m.pods))
    {
        Some((Rule::Target(Target::Utilization(_)), _)) => " % of requests",
        Some((Rule::Thresholds(_), Some(PodMetric::Cpu | PodMetric::Memory))) => " % of requests",
        _ => "",
    }
}

/// `; 2 pods start, 1 has no sample, so nothing moves`, where pods are in the way of a plain average.
fn pods(count: &PodCount, held: bool) -> String {
    let mut clauses = Vec::new();
    match count.unready {
        0 => {}
        1 => clauses.push("1 pod starts".to_owned()),
        n => clauses.push(format!("{n} pods start")),
    }
    match count.missing {
        0 => {}
        1 => clauses.push("1 pod has no sample".to_owned()),
        n => clauses.push(format!("{n} pods have no sample")),
    }
    if held {
        clauses.push("so nothing moves".to_owned());
    }
    let mut text = clauses.join(", ");
    if count.by_selector {
        let separator = if text.is_empty() { "" } else { "; " };
        text = format!("{text}{separator}pods are counted by the selector, for no chain of owners leads to the target");
    }
    if text.is_empty() { text } else { format!("; {text}") }
}

fn schedule(policy: &Policy, index: Option<usize>) -> String {
    match index.and_then(|i| policy.schedules.get(i)) {
        Some(schedule) => format!("schedule {}", schedule.name),
        None => "a schedule".to_owned(),
    }
}

/// The index of the schedule with this name.
fn find(policy: &Policy, name: &str) -> Option<usize> {
    policy.schedules.iter().position(|s| &*s.name == name)
}

/// ` until 18:00:00Z` for an open window, ` (opens at 08:00:00Z; …)` for one that warms up.
fn when(decision: &Decision, index: usize) -> String {
    match opens(decision, index) {
        Some(opens) => format!(" ({opens})"),
        None => until(decision.windows.get(index).and_then(|w| w.until), decision.at),
    }
}

/// `, which closes at 18:00:00Z` for an open window, `, which opens at 08:00:00Z` for one that warms up.
fn closes(decision: &Decision, index: usize) -> String {
    let edge = decision.windows.get(index).and_then(|w| Some((w.active, w.until?)));
    edge.map_or(String::new(), |(active, at)| {
        let verb = if active { "closes" } else { "opens" };
        format!(", which {verb} at {}", instant(at, decision.at))
    })
}

/// `opens at 08:00:00Z; its replicas are asked for from 07:58:30Z on`, for a window that warms up.
fn opens(decision: &Decision, index: usize) -> Option<String> {
    let window = decision.windows.get(index).filter(|w| w.warming(decision.at))?;
    let (at, early) = (window.until?, window.early?);
    let assumed = if early.assumed {
        format!(", since no start-up was measured yet and {ASSUMED_STARTUP:#} is assumed")
    } else {
        String::new()
    };
    Some(format!(
        "opens at {}; its replicas are asked for from {} on{assumed}",
        instant(at, decision.at),
        instant(early.from, decision.at)
    ))
}

fn window(name: &str, length: SignedDuration) -> String {
    format!("{name} ({length:#})")
}

/// `the scale-up rate limit (100 % in 15s or 4 pods in 15s, whichever is more)`
fn rate(direction: &str, rules: &ScalingRules) -> String {
    let each = rules.policies.iter().map(|p| match p.amount {
        Amount::Pods(1) => format!("1 pod in {:#}", p.period),
        Amount::Pods(n) => format!("{n} pods in {:#}", p.period),
        Amount::Percent(n) => format!("{n} % in {:#}", p.period),
    });
    let each: Vec<String> = each.collect();
    let which = match rules.select {
        SelectPolicy::Disabled => return format!("selectPolicy Disabled: {direction} is switched off"),
        _ if each.len() < 2 => "",
        SelectPolicy::Max => ", whichever is more",
        SelectPolicy::Min => ", whichever is less",
    };
    format!("the {direction} rate limit ({}{which})", each.join(" or "))
}

fn until(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or(String::new(), |at| format!(" until {}", instant(at, now)))
}
