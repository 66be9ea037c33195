//! What would change the result: a repair, a person's decision, a metric beyond a value, or the mere passing of time.
//!
//! Values come from the engine's own rules (`propose::band`), for the count that the next decision starts from.

mod metrics;
mod windows;

use jiff::Timestamp;
use kube::ResourceExt;

use super::adaptive;
use super::answer::{counted, sentence};
use super::blocked::until;
use super::freshness;
use super::names::{delays, named};
use super::schedules::sets;
use super::types::{Change, ChangeKind, Verdict};
use super::view::{Known, Standing, View};
use super::waiting;
use crate::engine::decision::{Abstention, Action, LimitKind, Outcome};
use crate::engine::policy::{Mode, PredictionMode};
use crate::report::status::time;
use crate::report::words::{self, ago, instant, number};

pub(super) fn of(view: &View<'_>) -> Vec<Change> {
    let verdict = freshness::of(view).verdict;
    let mut changes = match view.standing {
        // What was said of values and waits is no longer so.
        _ if verdict == Verdict::Stale => operator(view),
        Standing::Unseen | Standing::Invalid | Standing::NoTarget | Standing::AtZero => vec![obstacle(view)],
        Standing::Failed | Standing::Decided => view.known().map_or(Vec::new(), |k| Changes::of(view, &k)),
    };
    if verdict == Verdict::Doubtful {
        let text = format!("If the operator does not run, the count stays as it is. {}", back(view));
        changes.insert(0, change(ChangeKind::Operator, text));
    }
    if let (Err(invalid), false) = (&view.policy, view.standing == Standing::Invalid) {
        let text = format!("This release of headroom cannot read the spec, so it cannot say more: {invalid}.");
        changes.push(change(ChangeKind::Spec, text));
    }
    changes
}

/// What has to be done before anything is decided.
fn obstacle(view: &View<'_>) -> Change {
    let namespace = view.object.namespace().unwrap_or_default();
    let target = view.target();
    let (kind, text) = match view.standing {
        Standing::Invalid => (
            ChangeKind::Spec,
            "A corrected spec is obeyed at once. This one could be stored because the CRD had no rule against it when it \
             was applied (`headroom crd` prints the CRD of this release; with it, `kubectl apply --dry-run=server` tells \
             what the API server refuses), or because only the operator can check this."
                .to_owned(),
        ),
        Standing::NoTarget => (
            ChangeKind::Target,
            format!("Once the scale of {target} in namespace {namespace} can be read, the next decision is made."),
        ),
        Standing::AtZero => {
            let text = format!(
                "Somebody has to raise the target from 0, for example by {}; from then on this policy scales it.",
                view.by_hand()
            );
            (ChangeKind::FromZero, text)
        }
        Standing::Unseen | Standing::Failed | Standing::Decided => (
            ChangeKind::Operator,
            format!(
                "An operator (`headroom run`) that looks at namespace {namespace} has to decide first. {}",
                freshness::check(view)
            ),
        ),
    };
    change(kind, text)
}

/// What an operator that was gone does once it is back.
fn back(view: &View<'_>) -> String {
    let every = view
        .policy
        .as_ref()
        .map_or(String::new(), |p| format!(" within {:#}", p.interval));
    format!(
        "Once it is back, it decides anew{every}, from the load and the windows of that moment; no cooldown is forgotten."
    )
}

/// What follows once an operator that is gone is back; and windows to come, which need it.
fn operator(view: &View<'_>) -> Vec<Change> {
    let back = back(view);
    let text = format!("The operator has to be at work again; until then the count stays as it is. {back}");
    let mut changes = vec![change(ChangeKind::Operator, text)];
    if let Some(known) = view.known() {
        changes.extend(Changes::new(view, &known).past());
    }
    changes
}

/// Collects what would change a decision.
struct Changes<'a> {
    view: &'a View<'a>,
    known: &'a Known<'a>,
    found: Vec<Change>,
}

impl<'a> Changes<'a> {
    fn new(view: &'a View<'a>, known: &'a Known<'a>) -> Self {
        Changes {
            view,
            known,
            found: Vec::new(),
        }
    }

    fn of(view: &'a View<'a>, known: &'a Known<'a>) -> Vec<Change> {
        let mut changes = Changes::new(view, known);
        changes.person();
        changes.waits();
        changes.rules();
        // While no write succeeds, no value of a metric changes anything.
        if known.decision.action != Action::Paused && view.standing != Standing::Failed {
            changes.up();
            changes.down();
        }
        changes.fallback();
        changes.bounds();
        changes.windows();
        changes.forecast();
        changes.found
    }

    fn say(&mut self, kind: ChangeKind, sentence: impl Into<String>) -> &mut Change {
        self.found.push(change(kind, sentence));
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Mode, a failed write, somebody who sets the count back.
    fn person(&mut self) {
        let Known { decision, policy, .. } = self.known;
        match decision.action {
            Action::Paused => {
                let held = decision.limits.iter().find(|l| l.kind == LimitKind::Paused);
                let then = held.map_or("the count would stay for now".to_owned(), |l| {
                    format!("the target would be scaled to {}", counted(l.before))
                });
                let replicas = held.map(|l| l.before);
                let text = format!("With spec.mode Active {then}.");
                self.say(ChangeKind::Mode, text).replicas = replicas;
                let text = format!(
                    "While it is paused, a {} is left alone: this policy does not undo it.",
                    self.view.by_hand()
                );
                self.say(ChangeKind::Mode, text);
            }
            Action::WouldScale { to } => {
                let (kind, once) = match policy.mode {
                    Mode::Conflicted => (ChangeKind::Rival, "Once nothing else scales it (see Conflicted)"),
                    _ => (ChangeKind::Mode, "With spec.mode Active"),
                };
                let text = format!("{once} the target would be scaled to {}.", counted(to));
                self.say(kind, text).replicas = Some(to);
            }
            Action::Scale { to, .. } if self.view.standing == Standing::Failed => {
                let (there, every) = (counted(to), policy.interval);
                let text = match self.view.lacks() {
                    Some(right) => format!(
                        "Grant `{}` on {} to {} (docs/install.md). The write is tried again every {every:#}; \
                         once it succeeds, the target has {there}.",
                        right.verb, right.resource, right.user
                    ),
                    None => format!(
                        "Once the API server accepts the write, the target has {there}; it is tried again every {every:#}."
                    ),
                };
                self.say(ChangeKind::Write, text).replicas = Some(to);
                if self.view.lacks().is_some() {
                    let text = format!(
                        "Until then a {} stays as it is, for no write of this policy succeeds; afterwards it decides anew.",
                        self.view.by_hand()
                    );
                    self.say(ChangeKind::Write, text);
                }
            }
            Action::Hold | Action::Scale { .. } | Action::Disabled => {}
        }
        if policy.mode == Mode::Conflicted {
            let text = "If it is the other one that is to stay, delete this policy, or set spec.mode DryRun to go on seeing what it \
                        would do.";
            self.say(ChangeKind::Rival, text);
        }
        if let Some(who) = self.view.contesters() {
            let text = format!(
                "Take spec.replicas out of what {who} applies (docs/rivals.md says how without a fall to 1 replica): as \
                 long as it is there, the count may be set back to it."
            );
            self.say(ChangeKind::Rival, text);
        }
    }

    /// Delays that end by themselves: the one that binds.
    fn waits(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let now = self.view.now;
        let count = self.known.replicas.spec;
        let Some(limit) = decision.limits.iter().rfind(|l| delays(l.kind) && l.after == count) else {
            return;
        };
        let Some(at) = until(self.known, limit, now) else {
            return;
        };
        let (rule, _) = words::rule(policy, decision, limit.kind);
        let wanted = decision.recommended;
        let may = if policy.mode == Mode::Active { "may" } else { "would" };
        let goes_on = if wanted > count {
            format!("the count {may} grow towards {wanted}, if as many are still asked for")
        } else {
            format!("the count {may} fall towards {wanted}, if no more are asked for until then")
        };
        let text = format!("{} {goes_on}: {rule} is in the way until then.", from(at, now));
        let change = self.say(ChangeKind::WaitOver, text);
        (change.replicas, change.at) = (Some(wanted), Some(time(at)));
    }

    /// Threshold rules that wait for their own cooldown.
    fn rules(&mut self) {
        let now = self.view.now;
        let then = if freshness::is_past(self.view) { "then" } else { "now" };
        for rule in waiting::rules(self.known, now) {
            let beyond = if rule.replicas > self.known.replicas.spec {
                "above"
            } else {
                "below"
            };
            let text = format!(
                "{} metric {} asks for {}, if it is still {beyond} {} ({then} {}): its own cooldown is in the way until then.",
                from(rule.until, now),
                rule.name,
                counted(rule.replicas),
                number(rule.threshold),
                number(rule.value),
            );
            let change = self.say(ChangeKind::WaitOver, text);
            (change.source, change.at) = (Some(rule.name.to_owned()), Some(time(rule.until)));
            change.replicas = Some(rule.replicas);
        }
    }

    /// A fallback that is to come.
    fn fallback(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let waits = decision.proposals.iter().find_map(|p| match p.outcome {
            Outcome::Abstains(Abstention::FallbackAt { at }) => Some(at),
            _ => None,
        });
        if let Some((at, fallback)) = waits.zip(policy.fallback) {
            let when = instant(at, self.view.now);
            let text = format!(
                "From {when} the fallback asks for {}, unless the metric has a value before.",
                counted(fallback.replicas)
            );
            self.say(ChangeKind::WaitOver, text).replicas = Some(fallback.replicas);
        }
    }

    /// Bounds of the spec that cut the winner's proposal.
    fn bounds(&mut self) {
        // Before any delay: a bound that only undoes one would not be missed if it were another.
        let limits = self.known.decision.limits.iter();
        let first = limits.take_while(|l| !delays(l.kind) && l.kind != LimitKind::Paused);
        for limit in first {
            let text = match limit.kind {
                LimitKind::MaxReplicas => format!(
                    "A maxReplicas above {} would let the count grow towards {}.",
                    limit.after, limit.before
                ),
                LimitKind::MinReplicas => format!(
                    "A minReplicas below {} would let the count fall towards {}.",
                    limit.after, limit.before
                ),
                LimitKind::WindowCeiling => {
                    let index = self.known.decision.range.ceiling_by;
                    let Some(schedule) = index.and_then(|i| self.known.policy.schedules.get(i)) else {
                        continue;
                    };
                    let (name, sets) = (&schedule.name, sets(schedule));
                    format!(
                        "A higher limit in schedule {name} (now {sets}) would let the count grow towards {}.",
                        limit.before
                    )
                }
                _ => continue,
            };
            self.say(ChangeKind::Bound, text).replicas = Some(limit.before);
        }
    }

    /// A forecast that would ask for more if it were acted upon.
    fn forecast(&mut self) {
        let count = self.known.replicas.spec;
        for proposal in &self.known.decision.proposals {
            let Outcome::Preview { replicas, .. } = proposal.outcome else {
                continue;
            };
            if replicas > count {
                let mode = PredictionMode::ScaleOut;
                let text = format!(
                    "With prediction.mode {mode:?} {} would ask for {}.",
                    named(&proposal.source),
                    counted(replicas)
                );
                self.say(ChangeKind::Forecast, text).replicas = Some(replicas);
            }
        }
    }
}

fn change(kind: ChangeKind, text: impl Into<String>) -> Change {
    Change {
        kind,
        sentence: sentence(&text.into()),
        source: None,
        value: None,
        replicas: None,
        at: None,
    }
}

/// `From 10:04:00Z (in 4m)`
fn from(at: Timestamp, now: Timestamp) -> String {
    format!("From {} ({})", instant(at, now), ago(at, now))
}
