//! What is in the way of a change, in each direction, and until when.

use jiff::Timestamp;

use super::freshness;
use super::names::{delays, named};
use super::types::{Block, Blocked, Verdict};
use super::view::{Known, Standing, View};
use super::waiting;
use crate::engine::damp::{cooldown, rate};
use crate::engine::decision::{Action, Basis, Limit, LimitKind, Outcome, Source};
use crate::engine::policy::{Mode, Rule, SelectPolicy};
use crate::engine::propose::scheduled;
use crate::report::status::time;
use crate::report::words::{self, number};

pub(super) fn of(view: &View<'_>) -> Blocked {
    let mut blocked = standing(view);
    match freshness::of(view).verdict {
        // What was in the way then is of no use now: nobody decides.
        Verdict::Stale => blocked = both("the operator does not seem to run, so nothing is written"),
        Verdict::Doubtful => in_front(&mut blocked, "the operator, if it does not run"),
        Verdict::Fresh | Verdict::Edited | Verdict::Quiet => {}
    }
    blocked
}

fn both(why: &str) -> Blocked {
    let mut blocked = Blocked::default();
    in_front(&mut blocked, why);
    blocked
}

/// One thing that is in the way of either direction, before all others.
fn in_front(blocked: &mut Blocked, why: &str) {
    for blocks in [&mut blocked.up, &mut blocked.down] {
        blocks.insert(0, block(None, why));
    }
}

fn standing(view: &View<'_>) -> Blocked {
    match (view.standing, view.known()) {
        (Standing::Unseen, _) => both("no operator has reported on this policy"),
        (Standing::Invalid, _) => both("the spec has to be corrected first"),
        (Standing::NoTarget, _) => both("the target's scale has to be readable first"),
        (Standing::AtZero, _) => both("the target is at 0 replicas, and not by this policy: that is left alone"),
        (Standing::Failed | Standing::Decided, None) => Blocked::default(),
        (Standing::Failed | Standing::Decided, Some(known)) => {
            let mut blocked = decided(view, &known);
            if view.standing == Standing::Failed {
                failed(view, &known, &mut blocked);
            }
            let held = match known.policy.mode {
                _ if known.decision.action == Action::Paused => Some("spec.mode is Paused: the present count is held"),
                Mode::DryRun => Some("spec.mode is DryRun: nothing is written"),
                Mode::Conflicted => Some("something else scales the target (see Conflicted): nothing is written"),
                Mode::Active | Mode::Paused => None,
            };
            if let Some(held) = held {
                in_front(&mut blocked, held);
            }
            if let Some(who) = view.contesters() {
                in_front(
                    &mut blocked,
                    &format!("{who} may set the count back (see ReplicasContested)"),
                );
            }
            blocked
        }
    }
}

/// The last write failed. Missing rights concern either direction; of what else it was, only the one that was tried is
/// known.
fn failed(view: &View<'_>, known: &Known<'_>, blocked: &mut Blocked) {
    let every = known.policy.interval;
    let (from, to) = (known.decision.current, known.decision.desired);
    if let Some(right) = view.lacks() {
        let why = format!(
            "the operator may not {} {}, so no write succeeds",
            right.verb, right.resource
        );
        in_front(blocked, &why);
        return;
    }
    let why = format!("the write from {from} to {to} failed (see AbleToScale); it is tried again every {every:#}");
    let blocks = if to > from { &mut blocked.up } else { &mut blocked.down };
    blocks.insert(0, block(None, why));
}

fn decided(view: &View<'_>, known: &Known<'_>) -> Blocked {
    let (policy, decision, count) = (known.policy, &known.decision, known.replicas.spec);
    let rule = |kind| words::rule(policy, decision, kind).0;
    let mut blocked = Blocked::default();
    if count >= decision.range.ceiling {
        let (kind, by) = match decision.range.ceiling_by {
            Some(_) => (LimitKind::WindowCeiling, decision.range.ceiling_by),
            None => (LimitKind::MaxReplicas, None),
        };
        let why = format!("{} allows no more than {}", rule(kind), decision.range.ceiling);
        blocked.up.push(block(closes(known, by, view.now), why));
    }
    if count == 0 {
        let why = "there is nothing below 0".to_owned();
        blocked.down.push(block(None, why));
    } else if count <= decision.range.floor {
        let (kind, by) = match decision.range.floor_by {
            Some(_) => (LimitKind::WindowFloor, decision.range.floor_by),
            None => (LimitKind::MinReplicas, None),
        };
        let why = format!("{} allows no fewer than {}", rule(kind), decision.range.floor);
        blocked.down.push(block(closes(known, by, view.now), why));
    }
    if decision.invalid().next().is_some() {
        blocked.down.push(block(None, rule(LimitKind::MetricInvalid)));
    }
    if !policy.metrics.is_empty() && decision.invalid().count() == policy.metrics.len() {
        let why = "no metric has a usable value, so none can ask for more";
        blocked.up.push(block(None, why));
    } else if decision.invalid().next().is_some() {
        let names: Vec<&str> = decision.invalid().map(|(source, _)| source.name()).collect();
        let why = format!("{} cannot ask for more meanwhile", names.join(" and "));
        blocked.up.push(block(None, why));
    }
    // The largest proposal wins, so a forecast holds the count like a floor, whatever the metrics ask for.
    for proposal in &decision.proposals {
        if let (Source::Forecast(_), Outcome::Replicas { replicas, .. }) = (&proposal.source, &proposal.outcome)
            && *replicas >= count.max(1)
        {
            let why = format!("{} asks for {replicas}", named(&proposal.source));
            blocked.down.push(block(None, why));
        }
    }
    for between in bands(known) {
        blocked.down.push(block(None, between));
    }
    let waiting = waiting::rules(known, view.now);
    for rule in waiting::cooldowns(known, view.now) {
        let (name, above) = (rule.name, number(rule.above));
        let waits = waiting.iter().any(|w| w.name == name && w.replicas > count);
        if let Some(until) = rule.up.filter(|_| !waits && count < decision.range.ceiling) {
            let why = format!("metric {name} asks for no more, even above {above}, while its own cooldown runs");
            blocked.up.push(block(Some(until), why));
        }
        if let Some(until) = rule.holds.filter(|_| count > decision.range.floor) {
            let why = format!("metric {name} asks for the present count while its own cooldown runs");
            blocked.down.push(block(Some(until), why));
        }
    }
    for rule in waiting {
        let more = rule.replicas > count;
        let (beyond, blocks) = match more {
            true => ("above", &mut blocked.up),
            false => ("below", &mut blocked.down),
        };
        let (name, value, threshold) = (rule.name, number(rule.value), number(rule.threshold));
        let why = format!("the own cooldown of metric {name} ({value}, {beyond} {threshold})");
        blocks.push(block(Some(rule.until), why));
    }
    for (rules, kind, blocks) in [
        (&policy.behavior.up, LimitKind::ScaleUpLimit, &mut blocked.up),
        (&policy.behavior.down, LimitKind::ScaleDownLimit, &mut blocked.down),
    ] {
        if rules.select == SelectPolicy::Disabled {
            blocks.push(block(None, rule(kind)));
        }
    }
    // Asked of the engine anew: the decision that made a change was made before its cooldown began.
    let (up, down) = (&policy.behavior.up, &policy.behavior.down);
    if let Some(until) = cooldown::up_until(up, &known.state, view.now) {
        blocked.up.push(block(Some(until), rule(LimitKind::ScaleUpCooldown)));
    }
    if let Some(until) = cooldown::down_until(down, &known.state, view.now) {
        blocked
            .down
            .push(block(Some(until), rule(LimitKind::ScaleDownCooldown)));
    }
    for limit in waits(known) {
        let Some(until) = until(known, limit, view.now) else {
            continue;
        };
        let blocks = if limit.before > limit.after {
            &mut blocked.up
        } else {
            &mut blocked.down
        };
        blocks.push(block(Some(until), rule(limit.kind)));
    }
    blocked
}

/// Threshold rules between their thresholds: they ask for the present count, so nothing shrinks below it.
fn bands(known: &Known<'_>) -> Vec<String> {
    let each = known.decision.proposals.iter().filter_map(|p| {
        let (Source::Metric(name), Outcome::Replicas { basis: Basis::Band, .. }) = (&p.source, &p.outcome) else {
            return None;
        };
        let metric = known.policy.metrics.iter().find(|m| m.name == *name)?;
        let Rule::Thresholds(rule) = metric.rule else {
            return None;
        };
        let (from, to) = (number(rule.down?.at), number(rule.up.at));
        Some(format!(
            "metric {name} is between its thresholds ({from} and {to}), so it asks for the present count"
        ))
    });
    each.collect()
}

/// The limits that hold the present count until a moment that comes by itself; cooldowns aside.
fn waits<'a>(known: &'a Known<'_>) -> impl Iterator<Item = &'a Limit> {
    let limits = known.decision.limits.iter();
    limits.filter(|l| {
        let cooldown = matches!(l.kind, LimitKind::ScaleUpCooldown | LimitKind::ScaleDownCooldown);
        delays(l.kind) && !cooldown && l.after == known.replicas.spec
    })
}

/// When a limit lets more through, where that is still to come.
pub(super) fn until(known: &Known<'_>, limit: &Limit, now: Timestamp) -> Option<Timestamp> {
    let behavior = &known.policy.behavior;
    let again = match limit.kind {
        // The change that the decision made counts from now on.
        LimitKind::ScaleUpLimit => rate::free_at(&behavior.up, &known.state, now),
        LimitKind::ScaleDownLimit => rate::free_at(&behavior.down, &known.state, now),
        LimitKind::ScaleUpCooldown => cooldown::up_until(&behavior.up, &known.state, now),
        LimitKind::ScaleDownCooldown => cooldown::down_until(&behavior.down, &known.state, now),
        LimitKind::ScaleUpStabilized
        | LimitKind::ScaleDownStabilized
        | LimitKind::MetricInvalid
        | LimitKind::MinReplicas
        | LimitKind::MaxReplicas
        | LimitKind::WindowFloor
        | LimitKind::WindowCeiling
        | LimitKind::Paused => limit.until,
    };
    again.filter(|at| *at > now)
}

/// When the window that sets a bound closes: for one that warms up, the end of the window to come.
pub(super) fn closes(known: &Known<'_>, schedule: Option<usize>, now: Timestamp) -> Option<Timestamp> {
    let index = schedule?;
    let window = known.decision.windows.get(index)?;
    let edge = window.until?;
    let closes = match window.active {
        true => Some(edge),
        false => scheduled::window(known.policy.schedules.get(index)?, edge).until,
    };
    closes.filter(|at| *at > now)
}

fn block(until: Option<Timestamp>, why: impl Into<String>) -> Block {
    Block {
        until: until.map(time),
        why: why.into(),
    }
}
