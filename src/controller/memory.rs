//! What one policy remembers between two of its reconciles.
//!
//! Damping comes back from the object's status after a restart; everything else is rebuilt: the policy from the spec,
//! the forecast from Prometheus, but for the capacity that its signal taught, which only the status knows.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::bottleneck::Watch;
use super::history::Feed;
use crate::api::{PrometheusSource, ScalingPolicy, ScalingPolicyStatus};
use crate::engine::bottleneck;
use crate::engine::decision::ScaleEvent;
use crate::engine::forecast::Settings;
use crate::engine::observation::Sample;
use crate::engine::policy::{Policy, PredictionMode};
use crate::engine::state::State;
use crate::report::status;
use crate::validate::{self, Advice, Invalid};

/// Longest start-up time that is believed from a status, in seconds: a day. People can edit a status.
const MOST_STARTUP: i64 = 86_400;

/// How long a change whose answer was lost may still show: the watch brings it within seconds, or it was not made.
const LOST: SignedDuration = SignedDuration::from_secs(60);

/// What follows a change that was made: until `until`, the target at `from` (the cache is behind) or at `to` is our own
/// doing and no reason to decide again.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    pub(super) event: ScaleEvent,
    pub(super) until: Timestamp,
}

/// The memory of one policy. Empty until its first reconcile.
#[derive(Default)]
pub(super) struct Memory {
    /// Which object it belongs to: uid and generation.
    identity: Option<(String, i64)>,
    /// The policy as validated at that generation.
    pub(super) policy: Option<Result<Policy, Invalid>>,
    /// What is hardly meant in that generation's spec.
    pub(super) advice: Arc<[Advice]>,
    /// The thresholds of its pods, where they are watched.
    pub(super) limits: Option<bottleneck::Limits>,
    /// What is kept of them.
    pub(super) watch: Option<Watch>,
    /// The damping state, with the uid of the target that it is about; `None` until one was observed.
    state: Option<(String, State)>,
    /// A change of which it is not known whether it was made: the answer was lost.
    pub(super) pending: Option<ScaleEvent>,
    /// The last change, while it settles.
    pub(super) settling: Option<Settling>,
    /// When the next turn is due; `None` where none was set, or the last one failed.
    pub(super) due: Option<Timestamp>,
    /// When this process last decided.
    pub(super) decided: Option<Timestamp>,
    /// Conflicts in a row.
    pub(super) conflicts: u32,
    /// Whether this process has looked at the policy before.
    pub(super) seen: bool,
    /// Whether the status was read since this process acts for the policy.
    pub(super) read: bool,
    /// The status as last written, or as found at start.
    pub(super) status: Option<ScalingPolicyStatus>,
    /// Since when each metric has had no value, in the policy's order.
    failing: Vec<Option<Timestamp>>,
    /// The forecast and its supply of history.
    pub(super) feed: Option<Feed>,
    /// The measured start-up time of the target's pods.
    pub(super) startup: Option<SignedDuration>,
}

impl Memory {
    /// Takes in the object as it is now: a new uid starts afresh, a new generation is validated again.
    pub(super) fn refresh(&mut self, uid: &str, object: &ScalingPolicy) {
        let generation = object.metadata.generation.unwrap_or_default();
        let known = self
            .identity
            .as_ref()
            .map(|(uid, generation)| (uid.as_str(), *generation));
        if known == Some((uid, generation)) {
            return;
        }
        if known.is_none_or(|(known, _)| known != uid) {
            *self = Memory {
                status: object.status.clone(),
                startup: object
                    .status
                    .as_ref()
                    .and_then(|s| s.startup_seconds)
                    .map(|s| SignedDuration::from_secs(s.clamp(0, MOST_STARTUP))),
                seen: self.seen,
                read: self.read,
                ..Memory::default()
            };
        }
        self.identity = Some((uid.to_owned(), generation));
        self.policy = Some(validate::policy(&object.spec));
        self.advice = validate::advice(&object.spec).into();
        self.limits = validate::bottleneck(&object.spec);
        self.watch.iter_mut().for_each(Watch::forget);
        self.failing.clear();
        self.settling = None;
        if let Some((_, state)) = &mut self.state {
            state.policy_changed();
        }
    }

    /// Whether a turn at `now` would only see what our own last change did: the same sample would be acted upon twice.
    pub(super) fn settles(&self, current: u32, now: Timestamp) -> Option<Timestamp> {
        let Settling { event, until } = self.settling.as_ref()?;
        let own = current == event.from || current == event.to;
        // A clock that went back must not prolong the wait.
        (own && now < *until && now >= event.at).then_some(*until)
    }

    /// The damping state of the target with this uid; the first time it is restored from the status, with the target's
    /// present count. Another target begins anew. A change that was announced before a crash, or whose answer was lost,
    /// counts as made once the target no longer has its old count.
    pub(super) fn state(&mut self, target: &str, current: u32, now: Timestamp) -> &mut State {
        if self.state.as_ref().is_some_and(|(uid, _)| uid != target) {
            self.state = None;
            self.pending = None;
            self.settling = None;
            self.startup = None;
        }
        let status = self.status.as_ref();
        let pending = &mut self.pending;
        let (_, state) = self.state.get_or_insert_with(|| {
            let (remembered, announced) = status::restore(status, target);
            *pending = announced;
            (target.to_owned(), State::restore(remembered, current, now))
        });
        match pending.take() {
            Some(event) if event.from != current => state.scaled(event),
            Some(event) if now.duration_since(event.at).abs() <= LOST => *pending = Some(event),
            _ => {}
        }
        state
    }

    /// The feed of this metric; a new one goes on from the capacity that the status remembers.
    pub(super) fn feed(&mut self, source: &PrometheusSource, settings: Settings) -> &mut Feed {
        let believed = settings.objective.map(|o| o.capacity);
        let learnt = believed.and_then(|believed| status::learnt(self.status.as_ref(), believed));
        let feed = Feed::keep(self.feed.take(), source, settings, learnt);
        self.feed.insert(feed)
    }

    /// What is kept of the pods of the target with this uid; the first time only what the status tells of them.
    pub(super) fn watch(&mut self, target: &str) -> &mut Watch {
        let known = self.watch.take().filter(|watch| watch.is_of(target));
        let known = known.unwrap_or_else(|| Watch::new(target, status::looked_at(self.status.as_ref(), target)));
        self.watch.insert(known)
    }

    /// Whether a plan that ruled before a restart is still to be learnt from history: without it the fixed target would ask
    /// for its own count, and the plan would take that back a moment later.
    pub(super) fn awaits_plan(&self, policy: &Policy, now: Timestamp) -> bool {
        let ruled = || self.status.as_ref()?.forecast.as_ref().map(|told| told.trusted);
        policy
            .prediction
            .as_ref()
            .is_some_and(|p| p.mode == PredictionMode::Adaptive)
            && self.feed.as_ref().is_some_and(|feed| feed.is_awaited(now))
            && ruled() == Some(true)
    }

    /// The status announces this change; whatever is written next has to take that back.
    pub(super) fn announce(&mut self, event: &ScaleEvent) {
        status::announce(self.status.get_or_insert_default(), event);
    }

    /// The sample, with since when the metric fails where it does.
    pub(super) fn dated(&mut self, metric: usize, name: &str, sample: Sample, now: Timestamp) -> Sample {
        if self.failing.len() <= metric {
            self.failing.resize(metric + 1, None);
        }
        match sample {
            Ok(value) => {
                self.failing[metric] = None;
                Ok(value)
            }
            Err(mut failure) => {
                let before = || failing_since(self.status.as_ref(), name);
                let since = *self.failing[metric].get_or_insert_with(|| before().unwrap_or(now));
                failure.since = Some(since);
                Err(failure)
            }
        }
    }
}

/// Since when the status says that the metric fails: a restart does not begin the count anew.
fn failing_since(status: Option<&ScalingPolicyStatus>, metric: &str) -> Option<Timestamp> {
    let metric = status?.metrics.iter().find(|m| m.name == metric)?;
    Some(metric.error.as_ref()?.since.as_ref()?.0)
}
