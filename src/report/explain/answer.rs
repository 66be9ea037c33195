//! The answer in one sentence: how many replicas, who decided, since when.

use super::adaptive;
use super::freshness;
use super::names::named;
use super::view::{Known, Standing, View};
use super::waiting::{self, Waiting};
use crate::engine::decision::{Action, LimitKind, Outcome, Source};
use crate::engine::policy::Mode;
use crate::report::words::{self, ago, instant, number};

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
            format!(
                "{}{target} {} 0 replicas, and not by this policy, so autoscaling is off until somebody scales it up.",
                then(view),
                if freshness::is_past(view) { "had" } else { "has" }
            )
        }
        (Standing::Failed | Standing::Decided, Some(known)) => decided(view, &known),
        (Standing::Failed | Standing::Decided, None) => {
            let message = view.status.decision.as_ref().map_or("", |d| &*d.message);
            sentence(&format!("{}{target}: {message}", then(view)))
        }
    }
}

/// `At 10:00:00Z (8h ago) `, where the status is too old to speak of the present.
fn then(view: &View<'_>) -> String {
    let decided = view.status.decision.as_ref().map(|d| d.time.0);
    let past = decided.filter(|_| freshness::is_past(view));
    past.map_or(String::new(), |at| {
        format!("At {} ({}) ", instant(at, view.now), ago(at, view.now))
    })
}

fn decided(view: &View<'_>, known: &Known<'_>) -> String {
    let (target, decision) = (view.target(), &known.decision);
    let (current, because) = (known.replicas.spec, because(view, known));
    let replicas = counted(current);
    let scaled = known.made.as_ref().map(|e| {
        let when = format!("{} ({})", instant(e.at, view.now), ago(e.at, view.now));
        format!("{target} was scaled from {} to {} at {when}", e.from, counted(e.to))
    });
    let past = freshness::is_past(view);
    let tense = |now: &'static str, then: &'static str| if past { then } else { now };
    let (has, would) = (tense("has", "had"), tense("would be scaled", "would have been scaled"));
    let but_for = match known.policy.mode {
        Mode::Conflicted => tense("if nothing else scaled it", "if nothing else had scaled it"),
        _ => tense(
            "if the policy were not a dry run",
            "if the policy had not been a dry run",
        ),
    };
    let head = match (decision.action, scaled) {
        (_, Some(scaled)) => scaled,
        (Action::Hold | Action::Disabled, None) => {
            let stays = tense("stays", "stayed");
            format!("{target} {stays} at {replicas}{}", since(view, known))
        }
        (Action::WouldScale { to }, None) => format!("{target} {has} {replicas}; it {would} to {to} {but_for}"),
        (Action::Scale { to, .. }, None) if view.standing == Standing::Failed => {
            format!("{target} {has} {replicas} and could not be scaled to {to}")
        }
        (Action::Scale { to, .. }, None) => {
            format!(
                "{target} {has} {replicas} and {} about to be scaled to {to}",
                tense("is", "was")
            )
        }
        (Action::Paused, None) => {
            let held = decision.limits.iter().find(|l| l.kind == LimitKind::Paused);
            let instead = held.map_or(String::new(), |l| format!("; it {would} to {}", l.before));
            let is = tense("is", "was");
            format!("{target} {is} held at {replicas} because the policy {is} paused{instead}")
        }
    };
    let then = if known.made.is_some() {
        String::new()
    } else {
        then(view)
    };
    let answer = sentence(&format!("{then}{head}: {because}"));
    // A zero that is this policy's own; any other is `AtZero`.
    match current == 0 && !past && known.policy.mode == Mode::Active {
        true => format!("{answer} It rests, and wakes by itself."),
        false => answer,
    }
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
fn because(view: &View<'_>, known: &Known<'_>) -> String {
    let decision = &known.decision;
    let asks = if freshness::is_past(view) { "asked" } else { "asks" };
    let Some(winner) = decision.winner.and_then(|i| decision.proposals.get(i)) else {
        return match decision.invalid().next() {
            Some(_) => format!("{}, so the count is left as it is", words::failing(decision)),
            None => format!("nothing {asks} for a count"),
        };
    };
    let asked = match winner.outcome {
        Outcome::Replicas { replicas, .. } => replicas,
        // A winner has a count by definition.
        Outcome::Preview { .. } | Outcome::Replaced { .. } | Outcome::Abstains(_) | Outcome::Invalid(_) => {
            decision.recommended
        }
    };
    let mut text = format!("{} {asks} for {asked}", named(&winner.source));
    if let Some(more) = adaptive::answer(decision) {
        text = format!("{text}; {more}");
    }
    // The last limit made the final number; Paused is told already.
    let binds = decision.limits.iter().rfind(|l| l.kind != LimitKind::Paused);
    if let Some(limit) = binds.filter(|l| l.after != asked) {
        text = format!("{text}; {}", words::limit(known.policy, decision, limit));
    }
    // A rule that would have won, or that holds what it won, were it not for its own cooldown.
    let matters =
        |w: &&Waiting<'_>| w.replicas > asked || matches!(&winner.source, Source::Metric(n) if **n == *w.name);
    for rule in waiting::rules(known, view.now).iter().filter(matters) {
        let beyond = if rule.replicas > known.replicas.spec {
            "above"
        } else {
            "below"
        };
        text = format!(
            "{text}; metric {} ({}, {beyond} {}) would ask for {}, but its own cooldown runs until {}",
            rule.name,
            number(rule.value),
            number(rule.threshold),
            rule.replicas,
            instant(rule.until, view.now)
        );
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
    let end = if text.ends_with(['.', '?', '…']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
