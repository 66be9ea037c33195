//! Damping: what keeps a recommendation from being followed too eagerly.
//!
//! In this order: stabilisation window, cooldown, rate policies (the metric's tolerance was applied in its proposal);
//! then `bounds::enforce` lets floors act at once. Each step is a function of numbers and past events, appends a
//! [`Limit`] where it changed something, and knows nothing of where the recommendation came from.

pub mod bounds;
pub mod cooldown;
pub mod rate;
pub mod stabilize;

use jiff::Timestamp;

use super::decision::{Limit, NextEligible};
use super::policy::Policy;
use super::state::State;

/// The recommendation after stabilisation, cooldown and rate limits, and when each direction is free again.
pub(super) fn damp(
    policy: &Policy,
    state: &State,
    current: u32,
    recommended: u32,
    now: Timestamp,
    limits: &mut Vec<Limit>,
) -> (u32, NextEligible) {
    let mut eligible = NextEligible {
        up: cooldown::up_until(&policy.behavior.up, state, now),
        down: cooldown::down_until(&policy.behavior.down, state, now),
    };
    let steps = [stabilize::apply, cooldown::apply, rate::apply];
    let mut replicas = recommended;
    for step in steps {
        if let Some(limit) = step(policy, state, current, replicas, now) {
            let blocked = if limit.before > current {
                &mut eligible.up
            } else {
                &mut eligible.down
            };
            if limit.after == current {
                *blocked = (*blocked).max(limit.until);
            }
            replicas = limit.after;
            limits.push(limit);
        }
    }
    (replicas, eligible)
}
