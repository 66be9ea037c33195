//! What one look leaves to the next, and what is told: a finding only once it has lasted.
//!
//! A restart keeps what was told (the status has it) and forgets what it was made of. That costs no advice: what was seen
//! before holds until something else is seen, or no pod is near the limit any more.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::judge::{Finding, Verdict, Was, highest, verdict};
use super::spread::{Standing, standing};
use super::trial::{Evidence, Trials};
use super::{Limits, Look, Resource};

/// A finding is told once it has been so for this long, and so is its end: three rounds of metrics-server, so that one
/// odd sample makes no Event.
pub const LASTS: SignedDuration = SignedDuration::from_secs(45);

/// The memory of one target's pods.
#[derive(Clone, Debug, Default)]
pub struct State {
    was: Was,
    trials: Trials,
    told: Option<(Verdict, Timestamp)>,
    /// What is about to be told, and since when it has been so.
    next: Option<(Key, Timestamp)>,
}

/// What is one finding and not another. "All is well" is one whichever resource is nearest.
type Key = (Finding, Option<Resource>);

/// The pods against their limits, as it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// Each watched resource with its threshold in percent.
    pub uses: Vec<(Resource, f64, Standing)>,
    /// The load, where there is a query for it.
    pub load: Option<Standing>,
    /// What is told; its numbers are those of the last look at which it was so.
    pub verdict: Verdict,
    /// Since when it has been so.
    pub since: Timestamp,
}

impl Bottleneck {
    /// How a watched resource stands.
    pub fn standing(&self, resource: Resource) -> Option<&Standing> {
        let mut all = self.uses.iter();
        all.find(|(r, ..)| *r == resource).map(|(.., standing)| standing)
    }

    /// The resource that is nearest its limit, measured by its threshold.
    pub fn nearest(&self) -> Option<Resource> {
        let known = self.uses.iter();
        let known = known.filter_map(|(resource, threshold, s)| Some((*resource, highest(s)? / threshold)));
        known
            .reduce(|most, next| if next.1 > most.1 { next } else { most })
            .map(|(resource, _)| resource)
    }
}

impl State {
    /// What was told before a restart, since when, and what had shown it.
    pub fn restore(
        finding: Finding,
        resource: Option<Resource>,
        evidence: Option<Arc<str>>,
        since: Timestamp,
    ) -> State {
        let mut was = Was::default();
        if let Some(resource) = resource {
            was.hot[resource.index()] = finding.bottlenecked() == Some(true);
            was.unbalanced[resource.index()] = finding == Finding::LoadUnbalanced;
        }
        let told = Verdict {
            evidence: evidence.map(Evidence::Told),
            ..Verdict::of(finding, resource)
        };
        State {
            was,
            told: Some((told, since)),
            ..State::default()
        }
    }

    /// Takes in what was seen and yields what is told of it.
    pub fn look(&mut self, limits: &Limits, look: &Look, now: Timestamp) -> Bottleneck {
        let uses = Resource::ALL.into_iter().filter_map(|resource| {
            let (threshold, seen) = limits.of(resource).zip(look.uses[resource.index()].as_ref())?;
            Some((resource, threshold, standing(&look.pods, seen, now)))
        });
        let mut view = Bottleneck {
            uses: uses.collect(),
            load: look.load.as_ref().map(|seen| standing(&look.pods, seen, now)),
            verdict: Verdict::of(Finding::TooEarly, None),
            since: now,
        };
        let hot = self.was.hot(limits, &view);
        self.trials.take_in(look, hot, now);
        let told = self.told.as_ref().map(|(verdict, _)| verdict);
        let pending = self.next.as_ref().and_then(|((_, resource), _)| *resource);
        let found = verdict(&mut self.was, &self.trials, &view, limits, look, told, pending);
        (view.verdict, view.since) = self.tell(found, now);
        view
    }

    fn tell(&mut self, found: Verdict, now: Timestamp) -> (Verdict, Timestamp) {
        let key = key(&found);
        // A clock that went back must not make it wait.
        let since = self
            .next
            .filter(|(next, _)| *next == key)
            .map_or(now, |(_, since)| since.min(now));
        let lasting = now.duration_since(since) >= LASTS;
        match &mut self.told {
            Some((told, since)) if self::key(told) == key => {
                self.next = None;
                *told = found.clone();
                (found, *since)
            }
            _ if lasting => {
                self.next = None;
                self.told = Some((found.clone(), since));
                (found, since)
            }
            told => {
                self.next = Some((key, since));
                told.get_or_insert_with(|| (Verdict::of(Finding::TooEarly, None), now))
                    .clone()
            }
        }
    }
}

fn key(verdict: &Verdict) -> Key {
    let of_one = verdict.finding.bottlenecked() == Some(true);
    (verdict.finding, verdict.resource.filter(|_| of_one))
}
