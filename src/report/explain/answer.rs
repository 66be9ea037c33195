//! The answer in one sentence: how many replicas, who decided, since when.

use super::adaptive;
use super::view::{Known, Standing, View, named};
use crate::engine::decision::{Action, LimitKind, Outcome};
use crate::report::words::{self, ago, instant};

pub(super) fn of(view: &View<'_>) -> String {
    let target = view.target();
    match (view.standing, view.known()) {
        (Standing::Unseen, _) => {
            format!("No operator has reported on this policy yet, so {target} is not scaled by it.")
        }
        // Ready's own message names what is wrong and what to do.
        (Standing::Invalid | Standing::NoTarget, _) => {
            let count = view.status.current_replicas.and_then(|n| u32::try_from(n).ok());
            let count = count.map_or(String::new(), |n| {
                format!("{target} had {} when last seen, and ", counted(n))
            });
            sentence(&format!("{count}{}", view.ready()))
        }
        (Standing::AtZero, _) => {
            format!("{target} has 0 replicas, so autoscaling is off until somebody scales it up.")
        }
        (Standing::Failed | Standing::Decided, Some(known)) => decided(view, &known),
        (Standing::Failed | Standing::Decided, None) => {
            let message = view.status.decision.as_ref().map_or("", |d| &*d.message);
            sentence(&format!("{target}: {message}"))
        }
    }
}

fn decided(view: &View<'_>, known: &Known<'_>) -> String {
    let (target, decision) = (view.target(), &known.decision);
    let (current, because) = (known.replicas.spec, because(known));
    let replicas = counted(current);
    let scaled = known.made.as_ref().map(|e| {
        let when = format!("{} ({})", instant(e.at, view.now), ago(e.at, view.now));
        format!("{target} was scaled from {} to {} at {when}", e.from, counted(e.to))
    });
    let head = match (decision.action, scaled) {
        (_, Some(scaled)) => scaled,
        (Action::Hold | Action::Disabled, None) => format!("{target} stays at {replicas}{}", since(view, known)),
        (Action::WouldScale { to }, None) => {
            format!("{target} has {replicas}; it would be scaled to {to} if the policy were not a dry run")
        }
        (Action::Scale { to, .. }, None) if view.standing == Standing::Failed => {
            format!("{target} has {replicas} and could not be scaled to {to}")
        }
        (Action::Scale { to, .. }, None) => format!("{target} has {replicas} and is about to be scaled to {to}"),
        (Action::Paused, None) => {
            let held = decision.limits.iter().find(|l| l.kind == LimitKind::Paused);
            let instead = held.map_or(String::new(), |l| format!("; it would be scaled to {}", l.before));
            format!("{target} is held at {replicas} because the policy is paused{instead}")
        }
    };
    sentence(&format!("{head}: {because}"))
}

/// ` since 09:30:00Z (30m ago)`, where the last change led to the present count.
fn since(view: &View<'_>, known: &Known<'_>) -> String {
    let last = known.state.events().max_by_key(|e| e.at);
    let last = last.filter(|e| e.to == known.replicas.spec);
    last.map_or(String::new(), |e| {
        format!(" since {} ({})", instant(e.at, view.now), ago(e.at, view.now))
    })
}

/// The winner, and what made another number of its proposal.
fn because(known: &Known<'_>) -> String {
    let decision = &known.decision;
    let Some(winner) = decision.winner.and_then(|i| decision.proposals.get(i)) else {
        return match decision.invalid().next() {
            Some(_) => format!("{}, so the count is left as it is", words::failing(decision)),
            None => "nothing asks for a count".to_owned(),
        };
    };
    let asked = match winner.outcome {
        Outcome::Replicas { replicas, .. } => replicas,
        // A winner has a count by definition.
        Outcome::Preview { .. } | Outcome::Replaced { .. } | Outcome::Abstains(_) | Outcome::Invalid(_) => {
            decision.recommended
        }
    };
    let mut text = format!("{} asks for {asked}", named(&winner.source));
    if let Some(more) = adaptive::answer(decision) {
        text = format!("{text}; {more}");
    }
    // The last limit made the final number; Paused is told already.
    let binds = decision.limits.iter().rfind(|l| l.kind != LimitKind::Paused);
    if let Some(limit) = binds.filter(|l| l.after != asked) {
        text = format!("{text}; {}", words::limit(known.policy, decision, limit));
    }
    text
}

/// `1 replica`, `4 replicas`
pub(super) fn counted(n: u32) -> String {
    if n == 1 {
        "1 replica".to_owned()
    } else {
        format!("{n} replicas")
    }
}

/// A clause as a sentence: a capital letter first, a full stop last.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '…']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
