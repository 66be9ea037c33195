//! What has to be remembered between two decisions: recommendations, scale events, open windows.
//!
//! `decide` reads it and never changes it; [`State::record`] takes in a decision, [`State::scaled`] a change that
//! was really made. The events survive a restart through the object's status (`report/status.rs`);
//! recommendations do not: [`State::restore`] seeds them with the present count, as HPA does.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::decision::{Action, Decision, ScaleEvent, Window};
use super::policy::Policy;

/// Most scale events kept: a rate policy looks back 30 min at most, and an interval of 1 s makes one change a second at
/// most. Beyond it (changes that nobody could have decided) the oldest is forgotten. Policies with HPA's 15 s periods
/// keep two or three.
const MAX_EVENTS: usize = 2048;

/// How far the cache of targets may lie behind a change of ours: the watch is renewed within a minute where it hangs.
const CACHE_LAG: SignedDuration = SignedDuration::from_secs(60);

/// The memory of one policy.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Past recommendations (within floor and ceiling, before damping), oldest first, thinned for each direction; they
    /// begin with the count that was found at first.
    pub(super) for_down: Extremes,
    pub(super) for_up: Extremes,
    /// Changes that were made, oldest first.
    events: VecDeque<ScaleEvent>,
    /// The schedules' states at the last decision, in the policy's order.
    pub(super) windows: Vec<Window>,
    /// `spec.maxReplicas` that the target last obeyed.
    pub(super) obeyed_max: Option<u32>,
    /// When the threshold rules last won a change: at most one entry a metric.
    rules: Vec<RuleTimes>,
    /// The target is at zero because this policy scaled it there; a person's zero is left alone.
    zeroed: bool,
}

/// When a metric's threshold rule last won a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTimes {
    /// The metric's name.
    pub name: Arc<str>,
    /// The last growth that it won.
    pub up: Option<Timestamp>,
    /// The last shrinking that it won.
    pub down: Option<Timestamp>,
}

/// What a status remembers of a [`State`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Changes, oldest first.
    pub events: Vec<ScaleEvent>,
    /// `spec.maxReplicas` that the target last obeyed.
    pub obeyed_max: Option<u32>,
    /// When the threshold rules last won.
    pub rules: Vec<RuleTimes>,
    /// This policy scaled the target to zero.
    pub zeroed: bool,
}

impl State {
    /// The state after a restart: known events, and the present count as the only recommendation, as HPA does.
    pub fn restore(known: Remembered, current: u32, now: Timestamp) -> Self {
        let mut state = State {
            obeyed_max: known.obeyed_max,
            rules: known.rules,
            ..State::default()
        };
        for event in known.events {
            state.scaled(event);
        }
        state.zeroed = known.zeroed;
        state.for_down.push(now, current, Keep::Highest);
        state.for_up.push(now, current, Keep::Lowest);
        state
    }

    /// The known changes, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &ScaleEvent> + ExactSizeIterator {
        self.events.iter()
    }

    /// `spec.maxReplicas` that the target last obeyed: lets a lowering edit be told from a window's end.
    pub fn obeyed_max(&self) -> Option<u32> {
        self.obeyed_max
    }

    /// When the threshold rules last won a change.
    pub fn rules(&self) -> &[RuleTimes] {
        &self.rules
    }

    /// Whether the target is at zero because this policy scaled it there.
    pub fn zeroed(&self) -> bool {
        self.zeroed
    }

    /// Forgets what belongs to an older version of the policy: its windows. Recommendations and events stay.
    pub fn policy_changed(&mut self) {
        self.windows.clear();
    }

    /// Takes in what was decided, whether or not it is written.
    pub fn record(&mut self, policy: &Policy, decision: &Decision) {
        let now = decision.at;
        self.forget_the_future(now);
        if decision.action == Action::Disabled {
            // A target at zero tells nothing about the count it will be raised to: begin anew then, as after a restart.
            self.for_down = Extremes::default();
            self.for_up = Extremes::default();
        } else {
            if self.for_down.is_empty() {
                self.for_down.push(now, decision.current, Keep::Highest);
                self.for_up.push(now, decision.current, Keep::Lowest);
            }
            self.for_down.push(now, decision.recommended, Keep::Highest);
            self.for_up.push(now, decision.recommended, Keep::Lowest);
        }
        self.for_down.prune(now, policy.behavior.down.stabilization);
        self.for_up.prune(now, policy.behavior.up.stabilization);
        self.windows.clone_from(&decision.windows);
        // An edit that lowers maxReplicas stays visible until it was obeyed; while a window's ceiling governs, it has
        // nothing to lower, and the window's end must not look like an edit.
        let raised = self.obeyed_max.is_none_or(|m| m < decision.max_replicas);
        if raised || decision.current <= decision.max_replicas || decision.range.ceiling_by.is_some() {
            self.obeyed_max = Some(decision.max_replicas);
        }
        self.forget_the_old(now, policy.longest_rate_period());
        self.rules.retain(|r| {
            policy
                .metrics
                .iter()
                .any(|m| m.name == r.name && m.rule.target().is_none())
        });
        // Somebody raised the target: should it be at zero again, that was not us. Right after our own change a cache
        // that is behind may still show the old count, and taking that for somebody's would switch the policy off.
        let ours = |at| now.duration_since(at) < CACHE_LAG;
        if decision.current > 0 && !self.last_change().is_some_and(ours) {
            self.zeroed = false;
        }
    }

    /// Takes in a change that was made.
    pub fn scaled(&mut self, event: ScaleEvent) {
        self.zeroed = event.to == 0;
        if let Some(name) = &event.rule {
            let known = self.rules.iter().position(|r| r.name == *name);
            let index = known.unwrap_or_else(|| {
                self.rules.push(RuleTimes {
                    name: name.clone(),
                    ..RuleTimes::default()
                });
                self.rules.len() - 1
            });
            let times = &mut self.rules[index];
            let last = if event.up() { &mut times.up } else { &mut times.down };
            *last = (*last).max(Some(event.at));
        }
        self.events.push_back(event);
        if self.events.len() > MAX_EVENTS {
            self.events.pop_front();
        }
    }

    /// The last change in either direction.
    pub fn last_change(&self) -> Option<Timestamp> {
        self.events.iter().map(|e| e.at).max()
    }

    /// The last growth.
    pub fn last_up(&self) -> Option<Timestamp> {
        self.events.iter().filter(|e| e.up()).map(|e| e.at).max()
    }

    /// Drops the events that no rate policy looks at any more, but for the last change and the last growth: cooldowns
    /// run from these, and an edit may make one longer.
    fn forget_the_old(&mut self, now: Timestamp, longest: SignedDuration) {
        let last = self.events.len().saturating_sub(1);
        let last_up = self.events.iter().rposition(ScaleEvent::up);
        let mut i = 0;
        self.events.retain(|e| {
            let keep = i == last || Some(i) == last_up || now.duration_since(e.at) <= longest;
            i += 1;
            keep
        });
    }

    /// A clock that went back must not leave entries that expire late: whatever lies ahead of `now` counts as now.
    fn forget_the_future(&mut self, now: Timestamp) {
        self.for_down.clamp_to(now);
        self.for_up.clamp_to(now);
        let ahead = self.rules.iter_mut().flat_map(|r| [&mut r.up, &mut r.down]).flatten();
        for at in self.events.iter_mut().map(|e| &mut e.at).chain(ahead) {
            *at = (*at).min(now);
        }
    }
}

/// Which end of the recommendations a direction needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Highest,
    Lowest,
}

/// The running maximum (or minimum) of a sliding window, as a monotonic queue: only entries that can still become the
/// extreme are kept, so a one-second interval over an hour's window costs a handful of entries instead of 3,600.
#[derive(Clone, Debug, Default)]
pub(super) struct Extremes {
    entries: VecDeque<(Timestamp, u32)>,
}

impl Extremes {
    /// Nothing was ever recommended, as far as is known.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn push(&mut self, at: Timestamp, value: u32, keep: Keep) {
        while let Some(&(_, last)) = self.entries.back()
            && match keep {
                Keep::Highest => last <= value,
                Keep::Lowest => last >= value,
            }
        {
            self.entries.pop_back();
        }
        self.entries.push_back((at, value));
    }

    fn prune(&mut self, now: Timestamp, window: SignedDuration) {
        while let Some(&(at, _)) = self.entries.front()
            && now.duration_since(at) >= window
            && self.entries.len() > 1
        {
            self.entries.pop_front();
        }
    }

    fn clamp_to(&mut self, now: Timestamp) {
        for (at, _) in &mut self.entries {
            *at = (*at).min(now);
        }
    }

    /// The extreme within `window` before `now`, with the instant at which it was recommended.
    pub(super) fn within(&self, now: Timestamp, window: SignedDuration) -> Option<(Timestamp, u32)> {
        self.entries
            .iter()
            .find(|(at, _)| now.duration_since(*at) < window)
            .copied()
    }
}
