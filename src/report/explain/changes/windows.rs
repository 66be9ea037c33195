//! Windows that open or close, and what the other sources ask for without them.

use super::*;
use crate::engine::damp::{bounds, cooldown};
use crate::engine::decision::{Proposal, Source, Window};
use crate::engine::policy::SelectPolicy;
use crate::engine::propose::{band, scheduled};
use crate::report::explain::blocked::closes;
use crate::report::explain::waiting::{question, value};

impl Changes<'_> {
    /// Windows whose opening or closing moves a bound past the present count.
    pub(super) fn windows(&mut self) {
        let Known { decision, policy, .. } = self.known;
        let (now, count) = (self.view.now, self.known.replicas.spec);
        let before = self.found.len();
        for (i, (schedule, window)) in policy.schedules.iter().zip(&decision.windows).enumerate() {
            let Some(at) = window.until.filter(|at| *at > now) else {
                continue;
            };
            let when = format!("{} ({})", instant(at, now), ago(at, now));
            let (name, sets) = (&schedule.name, sets(schedule));
            let moves = schedule.floor.is_some_and(|n| n > count) || schedule.ceiling.is_some_and(|n| n < count);
            let binds = decision.range.floor_by == Some(i) || decision.range.ceiling_by == Some(i);
            let opened = schedule.floor.or(schedule.ceiling);
            let (kind, at, replicas, text) = if binds {
                let Some(end) = closes(self.known, Some(i), now) else {
                    continue;
                };
                let opens = match window.active {
                    true => String::new(),
                    false => format!("opens {when} and "),
                };
                let then = self.then(i, Some(end));
                let end_when = format!("{} ({})", instant(end, now), ago(end, now));
                let text = format!("Schedule {name} {opens}closes {end_when}: {then}.");
                (ChangeKind::WindowCloses, end, Some(self.without(i).1), text)
            } else if moves && !window.active {
                let text = format!("Schedule {name} opens {when} and sets {sets}.");
                (ChangeKind::WindowOpens, at, opened, text)
            } else {
                continue;
            };
            let name = name.to_string();
            let change = self.say(kind, text);
            (change.source, change.at, change.replicas) = (Some(name), Some(time(at)), replicas);
        }
        self.by_time(before);
    }

    /// Those that were found since then in the order in which they come.
    fn by_time(&mut self, since: usize) {
        if let Some(found) = self.found.get_mut(since..) {
            found.sort_by_key(|c| c.at.as_ref().map(|t| t.0));
        }
    }

    /// Windows that closed or open unnoticed, and those to come.
    pub(super) fn past(mut self) -> Vec<Change> {
        let Known { decision, policy, .. } = self.known;
        let (now, count) = (self.view.now, self.known.replicas.spec);
        for (i, (schedule, window)) in policy.schedules.iter().zip(&decision.windows).enumerate() {
            let Some(at) = window.until else { continue };
            let (name, sets) = (schedule.name.to_string(), sets(schedule));
            let when = format!("{} ({})", instant(at, now), ago(at, now));
            let binds = decision.range.floor_by == Some(i) || decision.range.ceiling_by == Some(i);
            let moves = schedule.floor.is_some_and(|n| n > count) || schedule.ceiling.is_some_and(|n| n < count);
            let (ahead, open) = (at > now, scheduled::window(schedule, now).active);
            let (kind, replicas, text) = match window.active {
                true if binds && !ahead && !open => {
                    let text = format!("Schedule {name} closed {when}: {}.", self.then(i, None));
                    (ChangeKind::WindowCloses, Some(self.without(i).1), text)
                }
                false if moves && (ahead || open) => {
                    let verb = if ahead { "opens" } else { "opened" };
                    let text = format!("Schedule {name} {verb} {when} and sets {sets}.");
                    (ChangeKind::WindowOpens, schedule.floor.or(schedule.ceiling), text)
                }
                // It closes later, or has opened and closed meanwhile.
                _ => continue,
            };
            let change = self.say(kind, text);
            (change.source, change.at, change.replicas) = (Some(name), Some(time(at)), replicas);
        }
        self.by_time(0);
        self.found
    }

    /// `the other sources ask for 4, so the count would fall towards 4 from about 17:05:00Z on (scale-down stabilisation 5m)`,
    /// where it is known when the window closes; for the operator that did not see it close, the wait begins anew.
    fn then(&self, index: usize, closes: Option<Timestamp>) -> String {
        let count = self.known.replicas.spec;
        let (asked, without) = self.without(index);
        let past = freshness::is_past(self.view);
        let ask = match asked {
            Some(asked) if past => format!("by the values of then, the other sources ask for {asked}"),
            Some(asked) => format!("the other sources ask for {asked}"),
            None => "nothing else asks for a count".to_owned(),
        };
        let rules = &self.known.policy.behavior.down;
        if without < count && rules.select == SelectPolicy::Disabled {
            format!("{ask}, but scale-down is switched off (selectPolicy Disabled)")
        } else if without < count {
            match closes.map(|at| self.falls(at)) {
                Some((at, Some(why))) => {
                    let at = instant(at, self.view.now);
                    format!("{ask}, so the count would fall towards {without} from about {at} on ({why})")
                }
                Some((_, None)) => format!("{ask}, so the count would then fall towards {without}"),
                None => {
                    let stabilised = rules.stabilization;
                    let damped = match stabilised.is_positive() {
                        true => format!("damped (scale-down stabilisation {stabilised:#})"),
                        false => "damped".to_owned(),
                    };
                    format!("{ask}, so the count would then fall towards {without}, {damped}")
                }
            }
        } else if without > count {
            format!("{ask}, so the count may then grow towards {without}")
        } else {
            format!("{ask}, so the count would stay at {count}")
        }
    }

    /// From when the count may fall where the window that holds it closes at this instant, and what is in the way until
    /// then. The last recommendation that the window raised lies an interval before its end at most.
    fn falls(&self, closes: Timestamp) -> (Timestamp, Option<String>) {
        let rules = &self.known.policy.behavior.down;
        let stabilised = closes.checked_add(rules.stabilization).unwrap_or(closes);
        match cooldown::down_until(rules, &self.known.state, self.view.now) {
            Some(cooled) if cooled > stabilised => (cooled, Some(format!("scale-down cooldown {:#}", rules.cooldown))),
            _ if stabilised > closes => (
                stabilised,
                Some(format!("scale-down stabilisation {:#}", rules.stabilization)),
            ),
            _ => (closes, None),
        }
    }

    /// What the other sources ask for, by the values of the last decision, and what becomes of it without this window,
    /// before any damping.
    fn without(&self, index: usize) -> (Option<u32>, u32) {
        let Known { decision, policy, .. } = self.known;
        let count = self.known.replicas.spec;
        let name = policy.schedules.get(index).map(|s| &s.name);
        let others = decision.proposals.iter().filter(|p| match &p.source {
            Source::Schedule(schedule) => Some(schedule) != name,
            _ => true,
        });
        let asked = others.filter_map(|p| self.proposed(p)).max();
        let mut wanted = asked.unwrap_or(count);
        if decision.invalid().next().is_some() {
            wanted = wanted.max(count);
        }
        let mut windows = decision.windows.clone();
        if let Some(window) = windows.get_mut(index) {
            *window = Window {
                active: false,
                early: None,
                ..*window
            };
        }
        let range = bounds::range(policy, &windows, decision.at);
        (asked, wanted.clamp(range.floor, range.ceiling))
    }

    /// What a source proposes for the count that the next decision starts from; a metric of pods as it did.
    pub(super) fn proposed(&self, proposal: &Proposal) -> Option<u32> {
        let Outcome::Replicas { replicas, .. } = proposal.outcome else {
            return None;
        };
        let Source::Metric(name) = &proposal.source else {
            return Some(replicas);
        };
        let mut metrics = self.known.policy.metrics.iter();
        let metric = metrics.find(|m| m.name == *name && m.pods.is_none());
        let again = metric.zip(value(proposal)).map(|(metric, value)| {
            let rules = self.known.state.rules();
            band::outcome(question(self.known, metric, rules, self.view.now), value)
        });
        match again {
            Some(Outcome::Replicas { replicas, .. }) => Some(replicas),
            _ => Some(replicas),
        }
    }
}
