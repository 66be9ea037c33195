//! The decision engine: policy, state, observation and time in; one typed decision out.
//!
//! ```text
//! policy ──┐
//! state ───┤            propose            combine        damp
//! observed ┼─ decide ─▶ target, threshold, ─▶ largest ─▶ bounds, stabilise, ─▶ Decision
//! now ─────┘            scheduled, predicted, wins        cooldown, rate, floor
//!                        fallback
//! ```
//! Pure and total: no I/O, no clock, no panic, no `Err`; a missing or nonsensical input is a value with a reason. It
//! knows neither kube nor tokio nor `api`; `propose`, `combine` and `damp` do not know each other. The same function
//! serves the operator, `simulate`, the tests and the benchmarks.

pub mod bottleneck;
pub mod combine;
pub mod damp;
pub mod decision;
pub mod forecast;
pub mod observation;
pub mod others;
pub mod policy;
pub mod propose;
pub mod reading;
pub mod state;

use jiff::Timestamp;

use decision::{Action, Decision, Limit, LimitKind};
use observation::Observation;
use policy::{Mode, Policy};
use state::State;

/// Decides how many replicas the target ought to have at `now`.
///
/// The precedence, in order: a target that a person put to zero stays there; the largest proposal wins; a metric without
/// a value blocks scale-down; window ceilings and `maxReplicas` bound the recommendation; stabilisation, cooldown and
/// rate policies damp it; a floor (and an edit that lowers `maxReplicas`) acts at once; `Paused` holds; `DryRun` and a conflict with
/// another autoscaler do not write.
pub fn decide(policy: &Policy, state: &State, observation: &Observation, now: Timestamp) -> Decision {
    let current = observation.replicas.spec;
    let windows = propose::scheduled::windows(policy, state, observation.startup, now);
    let proposals = propose::all(policy, state, &windows, observation, now);
    let winner = combine::largest(&proposals);
    let range = damp::bounds::range(policy, &windows, now);

    let mut limits = Vec::new();
    let wanted = combine::replicas(&proposals, winner, current, &mut limits);
    let recommended = damp::bounds::recommend(wanted, current, range, &proposals, &mut limits);
    let (damped, next_eligible) = damp::damp(policy, state, current, recommended, now, &mut limits);
    let bounded = damp::bounds::enforce(policy, state, damped, current, range, &mut limits);

    let mut desired = bounded.replicas;
    let action = match policy.mode {
        _ if current == 0 && !state.zeroed() => {
            desired = 0;
            limits.clear();
            Action::Disabled
        }
        Mode::Paused => {
            if desired != current {
                limits.push(Limit {
                    kind: LimitKind::Paused,
                    before: desired,
                    after: current,
                    until: None,
                });
            }
            desired = current;
            Action::Paused
        }
        _ if desired == current => Action::Hold,
        Mode::DryRun | Mode::Conflicted => Action::WouldScale { to: desired },
        Mode::Active => Action::Scale {
            to: desired,
            forced: bounded.forced,
        },
    };

    Decision {
        at: now,
        current,
        ready: observation.replicas.ready,
        proposals,
        winner,
        recommended,
        limits,
        desired,
        action,
        range,
        next_eligible,
        windows,
        max_replicas: policy.bounds.max,
    }
}
