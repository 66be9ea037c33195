//! What is in the way of a change, in each direction, and until when.

use jiff::Timestamp;

use super::types::{Block, Blocked};
use super::view::{Known, Standing, View, delays};
use crate::engine::damp::{cooldown, rate};
use crate::engine::decision::{Action, Limit, LimitKind};
use crate::engine::policy::SelectPolicy;
use crate::report::status::time;
use crate::report::words;

pub(super) fn of(view: &View<'_>) -> Blocked {
    let both = |why: &str| {
        let blocks = vec![block(None, why)];
        Blocked {
            up: blocks.clone(),
            down: blocks,
        }
    };
    match (view.standing, view.known()) {
        (Standing::Unseen, _) => both("no operator has reported on this policy"),
        (Standing::Invalid, _) => both("the spec has to be corrected first"),
        (Standing::NoTarget, _) => both("the target's scale has to be readable first"),
        (Standing::AtZero, _) => both("the target is at 0 replicas"),
        (Standing::Failed | Standing::Decided, None) => Blocked::default(),
        (Standing::Failed | Standing::Decided, Some(known)) if known.decision.action == Action::Paused => {
            let mut blocked = decided(view, &known);
            blocked.up.insert(0, block(None, "the policy is paused"));
            blocked.down.insert(0, block(None, "the policy is paused"));
            blocked
        }
        (Standing::Failed | Standing::Decided, Some(known)) => decided(view, &known),
    }
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

fn closes(known: &Known<'_>, schedule: Option<usize>, now: Timestamp) -> Option<Timestamp> {
    let window = schedule.and_then(|i| known.decision.windows.get(i));
    window.and_then(|w| w.until).filter(|at| *at > now)
}

fn block(until: Option<Timestamp>, why: impl Into<String>) -> Block {
    Block {
        until: until.map(time),
        why: why.into(),
    }
}
