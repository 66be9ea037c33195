//! Who else has a hand in the target's replicas: rivals that scale it, managers of the field, rewrites of our value.
//!
//! Facts and the rules about them, pure; `decide` never looks here. `observe` finds the facts, `controller` obeys them
//! (with a rival nothing is written: [`Mode::Conflicted`]), `report` tells them.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::policy::{Mode, Policy};

/// Rewrites of our value within [`PERIOD`] that make a contest. Once is a person, twice a person who insists.
const REWRITES: usize = 3;
/// Argo CD and Flux apply anew every three to ten minutes, and at once where they are told to heal: both are caught, and
/// what people do over a day is not.
const PERIOD: SignedDuration = SignedDuration::from_mins(10);

/// Others with a hand in one target's replicas, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Who scales it besides us; a bounded list, the strongest claim first.
    pub rivals: Vec<Rival>,
    /// Rivals that could not be looked for.
    pub unseen: Vec<Unseen>,
    /// Field managers of `spec.replicas` besides us; a bounded list. No rivals: whoever ever applied a manifest with
    /// `replicas` is one.
    pub owners: Vec<Arc<str>>,
    /// Rewrites of our value; `None` where nobody watches the field.
    pub rewrites: Option<Rewrites>,
}

/// What scales targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scaler {
    /// Of `autoscaling/v2`, whatever its age: it knows nothing of us.
    HorizontalPodAutoscaler,
    /// KEDA's.
    ScaledObject,
    /// A policy that is older than this one.
    ScalingPolicy,
}

/// Something that scales the same target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rival {
    /// Its kind.
    pub scaler: Scaler,
    /// Its name, in the policy's namespace.
    pub name: Arc<str>,
}

/// A kind of rival that could not be looked for, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The kind.
    pub scaler: Scaler,
    /// Why, in words for the admin.
    pub why: Arc<str>,
}

/// One rewrite of our value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// When.
    pub at: Timestamp,
    /// The field manager that did it.
    pub manager: Arc<str>,
}

/// The last few rewrites, oldest first, and until when they make a contest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrites {
    last: VecDeque<Rewrite>,
    contested_until: Option<Timestamp>,
}

/// A value that is being fought over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contest<'a> {
    /// Who rewrote it, each once, sorted.
    pub managers: Vec<&'a str>,
    /// The last rewrite.
    pub last: Timestamp,
    /// When the contest is over, unless our value is rewritten before.
    pub until: Timestamp,
}

impl Scaler {
    /// The kind's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Scaler::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Scaler::ScaledObject => "ScaledObject",
            Scaler::ScalingPolicy => "ScalingPolicy",
        }
    }
}

impl Others {
    /// The policy that is to be obeyed: with a rival an active one decides as ever, and nothing is written.
    pub fn restrain(&self, policy: Policy) -> Policy {
        let mode = match policy.mode {
            Mode::Active if !self.rivals.is_empty() => Mode::Conflicted,
            mode => mode,
        };
        Policy { mode, ..policy }
    }

    /// The contest of our value at `now`, where there is one.
    pub fn contest(&self, now: Timestamp) -> Option<Contest<'_>> {
        self.rewrites.as_ref()?.contest(now)
    }
}

impl Rewrites {
    /// Takes in one more. Three within [`PERIOD`] are a contest until [`PERIOD`] after the last; a rewrite during a contest
    /// prolongs it.
    pub fn add(&mut self, rewrite: Rewrite) {
        let at = rewrite.at;
        self.last.push_back(rewrite);
        if self.last.len() > REWRITES {
            self.last.pop_front();
        }
        let dense = self.last.len() == REWRITES && self.last.iter().all(|r| at.duration_since(r.at).abs() <= PERIOD);
        if dense || self.contested_until.is_some_and(|until| at < until) {
            self.contested_until = at.checked_add(PERIOD).ok();
        }
    }

    /// The contest at `now`.
    pub fn contest(&self, now: Timestamp) -> Option<Contest<'_>> {
        let until = self.contested_until.filter(|until| now < *until)?;
        let mut managers: Vec<&str> = self.last.iter().map(|r| &*r.manager).collect();
        managers.sort_unstable();
        managers.dedup();
        Some(Contest {
            managers,
            last: self.last.back()?.at,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + 60 * minute).unwrap()
    }

    /// Rewrites at these minutes; contested at `now` until when, if at all.
    #[track_caller]
    fn check(minutes: &[i64], now: i64, expected: Option<i64>) {
        let mut rewrites = Rewrites::default();
        for minute in minutes {
            rewrites.add(Rewrite {
                at: at(*minute),
                manager: "argocd-controller".into(),
            });
        }
        assert!(rewrites.last.len() <= REWRITES, "bounded");
        let until = rewrites.contest(at(now)).map(|c| c.until);
        assert_eq!(until, expected.map(at), "{minutes:?} at {now}");
    }

    #[test]
    fn three_within_ten_minutes_until_ten_minutes_after_the_last() {
        check(&[], 0, None);
        check(&[0], 0, None); // a person
        check(&[0, 1], 1, None);
        check(&[0, 1, 2], 2, Some(12));
        check(&[0, 5, 10], 10, Some(20));
        check(&[0, 5, 11], 11, None);
        check(&[0, 5, 11, 14], 14, Some(24)); // 5, 11, 14
        check(&[0, 1, 2], 11, Some(12));
        check(&[0, 1, 2], 12, None); // over
        check(&[0, 1, 2, 11], 12, Some(21)); // prolonged, though 1, 2 and 11 take in eleven minutes at the end
        check(&[0, 1, 2, 11, 20], 29, Some(30)); // a slow one keeps it up
        check(&[0, 1, 2, 13], 13, None); // a new beginning
        check(&[0, 1, 2, 13, 14, 15], 15, Some(25));
        check(&[9, 5, 1], 1, Some(11)); // a clock that goes back
    }

    #[test]
    fn each_manager_is_named_once() {
        let mut rewrites = Rewrites::default();
        for (minute, manager) in [(0, "kubectl"), (1, "argocd-controller"), (2, "kubectl")] {
            let manager = manager.into();
            rewrites.add(Rewrite {
                at: at(minute),
                manager,
            });
        }
        let contest = rewrites.contest(at(2)).unwrap();
        assert_eq!(
            (contest.managers, contest.last),
            (vec!["argocd-controller", "kubectl"], at(2))
        );
    }
}
