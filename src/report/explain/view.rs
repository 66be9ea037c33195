//! The status as typed values: how far the operator came, and the decision that it wrote down, as the engine's own type.
//!
//! Status and command may be of different releases: what this one does not know is left out of the typed decision and
//! shown as it stands. Reasons of an abstention are only in the status' words. Neighbour: `status`, which wrote it.

use jiff::Timestamp;
use kube::ResourceExt;

use super::adaptive;
use super::names::{Right, cause, delays, limit_kind, source};
use crate::api::ScalingPolicy;
use crate::api::status::{ProposalStatus, ScalingPolicyStatus};
use crate::engine::damp::bounds;
use crate::engine::decision::{
    Abstention, Action, Basis, Decision, Early, Limit, LimitKind, NextEligible, Outcome, Proposal, ScaleEvent, Source,
    Window,
};
use crate::engine::observation::{Failure, Replicas};
use crate::engine::policy::{Mode, Policy, PredictionMode};
use crate::engine::propose::band::{self, Question};
use crate::engine::state::{RuleTimes, State};
use crate::report::status::{self, ABLE_TO_SCALE, CONFLICTED, READY, SCALING_ACTIVE, condition, reason, restore};
use crate::validate::{self, Invalid};

/// How far the operator came with this policy, by its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It never reported.
    Unseen,
    /// It cannot obey the spec.
    Invalid,
    /// It cannot read the target's scale.
    NoTarget,
    /// The target is at zero, which is left alone.
    AtZero,
    /// The last change was refused.
    Failed,
    /// It decided.
    Decided,
}

/// A policy and what its status says.
pub(super) struct View<'a> {
    pub object: &'a ScalingPolicy,
    pub now: Timestamp,
    pub status: ScalingPolicyStatus,
    pub policy: Result<Policy, Invalid>,
    pub standing: Standing,
}

/// The decision that the status tells of, with what it was made from.
pub(super) struct Known<'a> {
    pub policy: &'a Policy,
    /// The decision. Its winner is an index into its own proposals.
    pub decision: Decision,
    /// Past changes.
    pub state: State,
    /// The replicas after the decision: what the next one starts from.
    pub replicas: Replicas,
    /// The change that the decision made.
    pub made: Option<ScaleEvent>,
}

impl<'a> View<'a> {
    pub fn new(object: &'a ScalingPolicy, now: Timestamp) -> Self {
        let status = object.status.clone().unwrap_or_default();
        let conflicted = condition(&status, CONFLICTED).is_some_and(|c| c.status == "True");
        let restrained = |mut policy: Policy| {
            if conflicted && policy.mode == Mode::Active {
                policy.mode = Mode::Conflicted;
            }
            policy
        };
        View {
            object,
            now,
            policy: validate::policy(&object.spec).map(restrained),
            standing: standing(&status),
            status,
        }
    }

    /// `Deployment checkout`
    pub fn target(&self) -> String {
        let target = &self.object.spec.target_ref;
        format!("{} {}", target.kind, target.name)
    }

    /// `` `kubectl scale -n shop deployment/checkout --replicas=N` ``: how a person sets the count.
    pub fn by_hand(&self) -> String {
        let target = &self.object.spec.target_ref;
        format!(
            "`kubectl scale -n {} {}/{} --replicas=N`",
            self.object.namespace().unwrap_or_default(),
            target.kind.to_lowercase(),
            target.name
        )
    }

    /// The message of the condition Ready.
    pub fn ready(&self) -> &str {
        condition(&self.status, READY).map_or("", |c| &*c.message)
    }

    /// The right that the last write lacked, where it failed for want of one.
    pub fn lacks(&self) -> Option<Right<'_>> {
        let failed = condition(&self.status, ABLE_TO_SCALE).filter(|c| c.reason == reason::FAILED_UPDATE_SCALE)?;
        Right::denied(&failed.message)
    }

    /// Who sets back what this policy writes, by name.
    pub fn contesters(&self) -> Option<&str> {
        let writes = self.policy.as_ref().is_ok_and(|p| p.mode == Mode::Active);
        status::contesters(&self.status).filter(|_| writes)
    }

    /// Whether the status speaks of an older spec.
    pub fn edited(&self) -> bool {
        let (spec, seen) = (self.object.metadata.generation, self.status.observed_generation);
        self.standing != Standing::Unseen && spec.zip(seen).is_some_and(|(spec, seen)| spec > seen)
    }

    /// The decision, where the spec can be read and the status tells of one that still stands.
    pub fn known(&self) -> Option<Known<'_>> {
        let policy = self.policy.as_ref().ok()?;
        if !matches!(self.standing, Standing::AtZero | Standing::Failed | Standing::Decided) {
            return None;
        }
        let told = self.status.decision.as_ref()?;
        let current = count(self.status.current_replicas?);
        let ready = self.status.ready_replicas.map(count);
        let desired = self.status.desired_replicas.map_or(current, count);
        let at = told.time.0;
        let uid = self.status.damping.as_ref().and_then(|d| d.target_uid.as_deref());
        let (remembered, _) = restore(Some(&self.status), uid.unwrap_or_default());
        // Written to the next whole second, while the decision's instant is cut to one.
        let made = remembered.events.last().cloned().filter(|e| {
            let after = e.at.duration_since(at);
            e.to == current && !after.is_negative() && after.as_secs() <= 1
        });
        let state = State::restore(remembered, current, at);
        let before = Replicas {
            spec: made.as_ref().map_or(current, |e| e.from),
            ready,
        };
        let proposals: Vec<Proposal> = told
            .proposals
            .iter()
            .filter_map(|p| self.proposal(policy, p, state.rules(), before, at))
            .collect();
        let won = |p: &Proposal| told.winner.as_deref() == Some(&*format!("{}/{}", p.source.kind(), p.source.name()));
        let windows = self.windows(policy, at);
        let limits: Vec<Limit> = told
            .limits
            .iter()
            .filter_map(|l| {
                Some(Limit {
                    kind: limit_kind(&l.reason)?,
                    before: count(l.before),
                    after: count(l.after),
                    until: l.until.as_ref().map(|t| t.0),
                })
            })
            .collect();
        let damped = limits.iter().find(|l| delays(l.kind) || l.kind == LimitKind::Paused);
        let next = told.next_eligible.as_ref();
        let decision = Decision {
            at,
            current: before.spec,
            ready,
            winner: proposals.iter().position(won),
            proposals,
            recommended: damped.map_or(desired, |l| l.before),
            limits,
            desired,
            action: action(policy.mode, self.standing, before.spec, desired, made.as_ref()),
            range: bounds::range(policy, &windows, at),
            next_eligible: NextEligible {
                up: next.and_then(|n| n.up.as_ref()).map(|t| t.0),
                down: next.and_then(|n| n.down.as_ref()).map(|t| t.0),
            },
            windows,
            max_replicas: policy.bounds.max,
        };
        Some(Known {
            policy,
            decision,
            state,
            replicas: Replicas { spec: current, ready },
            made,
        })
    }

    fn proposal(
        &self,
        policy: &Policy,
        told: &ProposalStatus,
        won: &[RuleTimes],
        before: Replicas,
        at: Timestamp,
    ) -> Option<Proposal> {
        let source = source(&told.source, &told.name)?;
        let outcome = match &source {
            Source::Metric(name) => self.metric(policy, name, told.replicas, won, before, at)?,
            Source::Schedule(_) | Source::Baseline => match told.replicas {
                Some(n) => replicas(n, f64::from(n)),
                None if self.is_open(&told.name) => Outcome::Abstains(Abstention::CeilingOnly),
                None => Outcome::Abstains(Abstention::Inactive),
            },
            Source::Fallback => match told.replicas {
                Some(n) => replicas(n, f64::from(n)),
                None => Outcome::Abstains(self.fallback()),
            },
            Source::Forecast(_) => {
                let upper = self.status.forecast.as_ref().and_then(|f| f.upper.as_deref());
                let value = upper.and_then(|u| u.parse().ok()).unwrap_or(f64::NAN);
                match (told.replicas, policy.prediction.as_ref().map(|p| p.mode)) {
                    (Some(n), Some(PredictionMode::ScaleOut)) => replicas(n, value),
                    (Some(n), Some(PredictionMode::Adaptive)) => adaptive::planned(&self.status, count(n), value),
                    (Some(n), _) => Outcome::Preview {
                        replicas: count(n),
                        value,
                    },
                    (None, _) => Outcome::Abstains(Abstention::NoForecast),
                }
            }
        };
        Some(Proposal {
            source,
            outcome,
            pods: None,
        })
    }

    /// Why the fallback does not count.
    fn fallback(&self) -> Abstention {
        let errors = self.status.metrics.iter().filter_map(|m| m.error.as_ref());
        let begins = errors.filter_map(|e| e.fallback_at.as_ref()).map(|t| t.0).min();
        begins.map_or(Abstention::Healthy, |at| Abstention::FallbackAt { at })
    }

    fn metric(
        &self,
        policy: &Policy,
        name: &str,
        proposed: Option<i32>,
        won: &[RuleTimes],
        before: Replicas,
        at: Timestamp,
    ) -> Option<Outcome> {
        let told = self.status.metrics.iter().find(|m| m.name == name)?;
        if let Some(error) = &told.error {
            return Some(Outcome::Invalid(Failure {
                cause: cause(&error.cause),
                message: error.message.as_str().into(),
                since: error.since.as_ref().map(|t| t.0),
            }));
        }
        let value = told.value.as_deref().and_then(|v| v.parse().ok()).unwrap_or(f64::NAN);
        let metric = policy.metrics.iter().find(|m| &*m.name == name)?;
        let about = Question {
            policy,
            metric,
            won,
            replicas: before,
            now: at,
        };
        // The rule itself says how the count came of the value; believed where it comes to the same count.
        let again = band::outcome(about, value);
        let Some(proposed) = proposed else {
            return Some(Outcome::Abstains(match again {
                Outcome::Abstains(why) => why,
                _ if before.spec == 0 => Abstention::NoPods,
                _ => Abstention::MayRest,
            }));
        };
        let basis = match again {
            Outcome::Replicas { replicas, basis, .. } if replicas == count(proposed) => basis,
            _ => Basis::Proportion,
        };
        Some(adaptive::or_replaced(&self.status, name, count(proposed), value, basis))
    }

    fn is_open(&self, schedule: &str) -> bool {
        self.status.schedules.iter().any(|s| s.name == schedule && s.active)
    }

    /// The schedules' states as told, in the policy's order.
    fn windows(&self, policy: &Policy, at: Timestamp) -> Vec<Window> {
        let each = policy.schedules.iter().map(|schedule| {
            let told = self.status.schedules.iter().find(|s| *s.name == *schedule.name);
            let changes = told.and_then(|s| s.until.as_ref().or(s.next_start.as_ref()));
            Window {
                active: told.is_some_and(|s| s.active),
                evaluated: at,
                until: changes.map(|t| t.0),
                early: told.and_then(|s| s.warming_from.as_ref()).map(|from| Early {
                    from: from.0,
                    // Words of the decision say so; here it makes no difference.
                    assumed: false,
                }),
            }
        });
        each.collect()
    }
}

fn standing(status: &ScalingPolicyStatus) -> Standing {
    let of = |kind| condition(status, kind).map(|c| &*c.reason);
    match of(READY) {
        None => Standing::Unseen,
        Some(reason::INVALID_SPEC) => Standing::Invalid,
        Some(
            reason::TARGET_NOT_FOUND
            | reason::TARGET_NOT_SCALABLE
            | reason::TARGET_FORBIDDEN
            | reason::TARGET_UNREADABLE,
        ) => Standing::NoTarget,
        Some(_) if status.decision.is_none() => Standing::Unseen,
        Some(reason::FAILED_UPDATE_SCALE) => Standing::Failed,
        Some(_) if of(SCALING_ACTIVE) == Some(reason::SCALING_DISABLED) => Standing::AtZero,
        Some(_) => Standing::Decided,
    }
}

fn action(mode: Mode, standing: Standing, current: u32, desired: u32, made: Option<&ScaleEvent>) -> Action {
    match mode {
        _ if standing == Standing::AtZero => Action::Disabled,
        Mode::Paused => Action::Paused,
        _ if desired == current => Action::Hold,
        Mode::DryRun | Mode::Conflicted => Action::WouldScale { to: desired },
        Mode::Active => Action::Scale {
            to: desired,
            forced: made.is_some_and(|e| e.forced),
        },
    }
}

fn replicas(n: i32, value: f64) -> Outcome {
    Outcome::Replicas {
        replicas: count(n),
        value,
        basis: Basis::Proportion,
    }
}

/// A count of the status, which people can edit.
fn count(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}
