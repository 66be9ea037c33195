//! What one policy remembers between two of its reconciles.
//!
//! Damping comes back from the object's status after a restart; everything else is rebuilt: the policy from the spec,
//! the forecast from Prometheus.

use jiff::{SignedDuration, Timestamp};

use super::history::Feed;
use crate::api::{ScalingPolicy, ScalingPolicyStatus};
use crate::engine::observation::Sample;
use crate::engine::policy::Policy;
use crate::engine::state::{ScaleEvent, State};
use crate::observe::TargetKey;
use crate::report::status;
use crate::validate::{self, Invalid};

/// The memory of one policy. Empty until its first reconcile.
#[derive(Default)]
pub(super) struct Memory {
    /// Which object it belongs to: uid and generation.
    identity: Option<(String, i64)>,
    /// The policy as validated at that generation.
    pub(super) policy: Option<Result<Policy, Invalid>>,
    /// The damping state; `None` until the target was observed for the first time.
    pub(super) state: Option<State>,
    /// The status as last written, or as found at start.
    pub(super) status: Option<ScalingPolicyStatus>,
    /// Since when each metric has had no value, in the policy's order.
    failing: Vec<Option<Timestamp>>,
    /// The forecast and its supply of history.
    pub(super) feed: Option<Feed>,
    /// The measured start-up time of the target's pods.
    pub(super) startup: Option<SignedDuration>,
    /// The target under which the policy is known to the context.
    pub(super) target: Option<TargetKey>,
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
            let target = self.target.take();
            *self = Memory {
                target,
                status: object.status.clone(),
                startup: object
                    .status
                    .as_ref()
                    .and_then(|s| s.startup_seconds)
                    .map(SignedDuration::from_secs),
                ..Memory::default()
            };
        }
        self.identity = Some((uid.to_owned(), generation));
        self.policy = Some(validate::policy(&object.spec));
        self.failing.clear();
        if let Some(state) = &mut self.state {
            state.policy_changed();
        }
    }

    /// The damping state; the first time it is restored from the status, with the target's present count. A change that
    /// was announced before a crash counts as made, unless the target still has its old count.
    pub(super) fn state(&mut self, current: u32, now: Timestamp) -> &mut State {
        let status = self.status.as_ref();
        self.state.get_or_insert_with(|| {
            let (events, pending, obeyed_max) = status::restore(status);
            let made = pending.filter(|p| current != p.from);
            State::restore(events.into_iter().chain(made), current, obeyed_max, now)
        })
    }

    /// The status now announces this change; whatever is written next has to take that back.
    pub(super) fn announced(&mut self, event: ScaleEvent) {
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
