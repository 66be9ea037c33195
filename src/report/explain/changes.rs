//! What would change the result: a repair, a person's decision, a metric beyond a value, or the mere passing of time.
//!
//! Values come from the engine's own rules (`propose::band`), for the count that the next decision starts from.

use jiff::Timestamp;
use kube::ResourceExt;

use super::answer::{counted, sentence};
use super::blocked::until;
use super::freshness;
use super::schedules::{local, sets};
use super::types::{Change, ChangeKind, Verdict};
use super::view::{Known, Standing, View, delays, named};
use crate::engine::decision::{Abstention, Action, LimitKind, Outcome, Proposal, Source};
use crate::engine::policy::{Mode, PredictionMode, ScalingRules, SelectPolicy};
use crate::engine::propose::band::{self, Edge, Question};
use crate::report::status::time;
use crate::report::words::{self, ago, instant, number};

pub(super) fn of(view: &View<'_>) -> Vec<Change> {
    let namespace = view.object.namespace().unwrap_or_default();
    let target = view.target();
    let mut changes = match view.standing {
        Standing::Unseen => vec![change(
            ChangeKind::Operator,
            format!("An operator (`headroom run`) that looks at namespace {namespace} has to decide first."),
        )],
        Standing::Invalid => vec![change(
            ChangeKind::Spec,
            "A corrected spec is obeyed at once; `kubectl apply --dry-run=server` tells whether it is right.",
        )],
        Standing::NoTarget => vec![change(
            ChangeKind::Target,
            format!("Once the scale of {target} in namespace {namespace} can be read, the next decision is made."),
        )],
        Standing::AtZero => {
            let kind = view.object.spec.target_ref.kind.to_lowercase();
            let name = &view.object.spec.target_ref.name;
            let command = format!("kubectl scale -n {namespace} {kind}/{name} --replicas=N");
            vec![change(
                ChangeKind::FromZero,
                format!(
                    "Somebody has to raise the target from 0, for example by `{command}`; from then on it is scaled."
                ),
            )]
        }
        Standing::Failed | Standing::Decided => view.known().map_or(Vec::new(), |k| Changes::of(view, &k)),
    };
    if freshness::of(view).verdict == Verdict::Stale {
        let text = "The operator has to be at work again; what follows holds only then.";
        changes.insert(0, change(ChangeKind::Operator, text));
    }
    if let (Err(invalid), false) = (&view.policy, view.standing == Standing::Invalid) {
        let text = format!("This release of headroom cannot read the spec, so it cannot say more: {invalid}.");
        changes.push(change(ChangeKind::Spec, text));
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
    fn of(view: &'a View<'a>, known: &'a Known<'a>) -> Vec<Change> {
        let mut changes = Changes {
            view,
            known,
            found: Vec::new(),
        };
        changes.person();
        changes.waits();
        if known.decision.action != Action::Paused {
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

    /// Mode, a failed write.
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
                let text = format!(
                    "Once the API server accepts the write, the target has {}; it is tried again every {:#}.",
                    counted(to),
                    policy.interval
                );
                self.say(ChangeKind::Write, text).replicas = Some(to);
            }
            Action::Hold | Action::Scale { .. } | Action::Disabled => {}
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
        let goes_on = if wanted > count {
            format!("the count may grow towards {wanted}, if as many are still asked for")
        } else {
            format!("the count may fall towards {wanted}, if no more are asked for until then")
        };
        let text = format!("{} {goes_on}: {rule} is in the way until then.", from(at, now));
        let change = self.say(ChangeKind::WaitOver, text);
        (change.replicas, change.at) = (Some(wanted), Some(time(at)));
    }

    /// Metrics that would ask for more.
    fn up(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let count = self.known.replicas.spec;
        let rules = &policy.behavior.up;
        if count >= decision.range.ceiling || rules.select == SelectPolicy::Disabled {
            return;
        }
        let lasts = lasting(rules, "scale-up stabilisation");
        for (name, value, edge) in self.edges(count, Side::Above) {
            let edge = Edge {
                replicas: edge.replicas.min(decision.range.ceiling),
                ..edge
            };
            let asks = asks(Side::Above, &name, value, edge);
            let text = format!("{asks}{}.", which_counts(lasts.as_deref(), &[]));
            self.metric(ChangeKind::MetricAbove, &name, edge, text);
        }
    }

    /// Metrics that would have to ask for less, or to answer at all.
    fn down(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let count = self.known.replicas.spec;
        let rules = &policy.behavior.down;
        if decision.invalid().next().is_some() {
            let names: Vec<&str> = decision.invalid().map(|(source, _)| source.name()).collect();
            let text = format!(
                "Once metric {} has a usable value again, the count may fall as well as grow.",
                names.join(" and metric ")
            );
            self.say(ChangeKind::MetricValue, text).source = Some(names.join(","));
            return;
        }
        if count <= decision.range.floor || rules.select == SelectPolicy::Disabled {
            return;
        }
        let lasts = lasting(rules, "scale-down stabilisation");
        for (name, value, edge) in self.edges(count, Side::Below) {
            let edge = Edge {
                replicas: edge.replicas.max(decision.range.floor),
                ..edge
            };
            // The largest proposal wins, so every other source that holds the count would have to let go too.
            let others = self.holders(count);
            let others: Vec<String> = others
                .filter(|s| !matches!(s, Source::Metric(n) if **n == *name))
                .map(named)
                .collect();
            let asks = asks(Side::Below, &name, value, edge);
            let text = format!("{asks}{}.", which_counts(lasts.as_deref(), &others));
            self.metric(ChangeKind::MetricBelow, &name, edge, text);
        }
        // Floors were told apart above; what is left is a forecast that alone holds the count.
        let forecasts: Vec<String> = match self.holders(count).all(|s| matches!(s, Source::Forecast(_))) {
            true => self.holders(count).map(named).collect(),
            false => Vec::new(),
        };
        for forecast in forecasts {
            let lasts = lasts.as_deref().map_or(String::new(), |l| format!(" and {l}"));
            let text = format!("The count falls once {forecast} asks for fewer than {count}{lasts}.");
            self.say(ChangeKind::Forecast, text);
        }
    }

    /// The metrics that do not yet ask for a count beyond the present one in a direction, with value and edge.
    fn edges(&self, count: u32, direction: Side) -> Vec<(String, f64, Edge)> {
        let Known { decision, policy, .. } = self.known;
        let each = policy.metrics.iter().filter_map(|metric| {
            let is = |p: &&Proposal| matches!(&p.source, Source::Metric(name) if *name == metric.name);
            let Outcome::Replicas { replicas, value, .. } = decision.proposals.iter().find(is)?.outcome else {
                return None;
            };
            let band = band::band(Question {
                policy,
                metric,
                won: self.known.state.rules(),
                replicas: self.known.replicas,
                now: decision.at,
            });
            let edge = match direction {
                Side::Above => band.above.filter(|_| replicas <= count)?,
                Side::Below => band.below.filter(|_| replicas >= count)?,
            };
            Some((metric.name.to_string(), value, edge))
        });
        each.collect()
    }

    /// The sources that ask for the present count or more.
    fn holders(&self, count: u32) -> impl Iterator<Item = &Source> {
        let all = self.known.decision.proposals.iter();
        all.filter(move |p| matches!(p.outcome, Outcome::Replicas { replicas, .. } if replicas >= count))
            .map(|p| &p.source)
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
            let text = format!("From {when} the fallback asks for {}.", counted(fallback.replicas));
            self.say(ChangeKind::WaitOver, text).replicas = Some(fallback.replicas);
        }
    }

    fn metric(&mut self, kind: ChangeKind, name: &str, edge: Edge, text: String) {
        let change = self.say(kind, text);
        change.source = Some(name.to_owned());
        change.value = Some(tidy(edge.value));
        change.replicas = Some(edge.replicas);
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
                _ => continue,
            };
            self.say(ChangeKind::Bound, text).replicas = Some(limit.before);
        }
    }

    /// Windows whose opening or closing moves a bound past the present count.
    fn windows(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let (now, count) = (self.view.now, self.known.replicas.spec);
        for (i, (schedule, window)) in policy.schedules.iter().zip(&decision.windows).enumerate() {
            let Some(at) = window.until.filter(|at| *at > now) else {
                continue;
            };
            let moves = schedule.floor.is_some_and(|n| n > count) || schedule.ceiling.is_some_and(|n| n < count);
            let binds = decision.range.floor_by == Some(i) || decision.range.ceiling_by == Some(i);
            let (kind, verb, then) = match window.active {
                false if moves => (ChangeKind::WindowOpens, "opens", format!("and sets {}", sets(schedule))),
                true if binds => (
                    ChangeKind::WindowCloses,
                    "closes",
                    format!("and no longer sets {}", sets(schedule)),
                ),
                _ => continue,
            };
            let name = schedule.name.to_string();
            let when = local(at, &schedule.zone, now);
            let change = self.say(
                kind,
                format!("Schedule {name} {verb} {when} ({}) {then}.", ago(at, now)),
            );
            (change.source, change.at) = (Some(name), Some(time(at)));
            change.replicas = schedule.floor.or(schedule.ceiling);
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

/// Which side of the band.
#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
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

/// `Metric requests: below 600 (now 780) it asks for 3 replicas`
fn asks(side: Side, name: &str, value: f64, edge: Edge) -> String {
    // The edge is the first float beyond; people say what it is above or below of.
    let at = match side {
        Side::Above => edge.value.next_down(),
        Side::Below => edge.value.next_up(),
    };
    let (at, now, replicas) = (number(at), number(value), counted(edge.replicas));
    let side = match side {
        Side::Above => "above",
        Side::Below => "below",
    };
    format!("Metric {name}: {side} {at} (now {now}) it asks for {replicas}")
}

/// `, which counts once metric latency asks for fewer as well and that has lasted 5m (scale-down stabilisation)`
fn which_counts(lasts: Option<&str>, others: &[String]) -> String {
    let others = others.iter().map(|o| format!("{o} asks for fewer as well"));
    let conditions: Vec<String> = others.chain(lasts.map(str::to_owned)).collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!(", which counts once {}", conditions.join(" and ")),
    }
}

/// `that has lasted 5m (scale-down stabilisation)`
fn lasting(rules: &ScalingRules, name: &str) -> Option<String> {
    let window = rules.stabilization;
    window
        .is_positive()
        .then(|| format!("that has lasted {window:#} ({name})"))
}

/// `From 10:04:00Z (in 4m)`
fn from(at: Timestamp, now: Timestamp) -> String {
    format!("From {} ({})", instant(at, now), ago(at, now))
}

/// Seven digits: the float itself lies a rounding error beyond the number that people reckon with.
fn tidy(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}
