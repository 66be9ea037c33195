//! Whether a pod's use of a resource falls as its load does: seen when pods are added, or between pods that have more
//! and less to do.
//!
//! The measure is the shared part of the use: (1 − use after ÷ before) ÷ (1 − load after ÷ before), for the load *per
//! pod*. It is 1 where use is all load, 0 where each pod pays it whatever its load. Replicas alone do not tell: a count
//! that doubled because the load did leaves a pod's use as it was. So there is no answer without a load to compare with
//! ([`Proxy`]), nor one for a change too small to be told from noise.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::spread::Counted;
use super::{Look, Pod, Resource, Seen, Told, WARM};
use crate::engine::reading::Phase;

/// Below this shared part more replicas are no remedy. To take a fifth off a pod's use, of which the part s is shared,
/// the load of each must fall by 0.2 ÷ s, so replicas grow by 1 ÷ (1 − 0.2 ÷ s): by a quarter where s is 1, by two
/// thirds where it is a half, and below a fifth it cannot be done. A pod with a quarter more of that resource costs a
/// quarter: from a half down, adding pods costs more than twice as much.
pub(super) const SHARED: f64 = 0.5;
/// The load of each pod has to fall to this before and after are compared: from 4 pods to 5, at the same load. A mean of
/// cpu moves by some 5 % from one sample to the next; over a fall of a fifth that is a quarter of the shared part, so
/// that use which is all shared is not taken for the other.
const FALL: f64 = 0.8;
/// The same between two pods, which differ by more than one pod between two samples.
const FALL_BETWEEN: f64 = 0.5;
/// What lies further apart is not compared: the mix of requests changes with the time of day.
const LONGEST: SignedDuration = SignedDuration::from_mins(30);

/// What stands for the load of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// What the query for it says.
    Load,
    /// Its processor time.
    Cpu,
    /// The policy's own load metric, divided by the pods.
    Total,
}

/// Use against load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What the load is told by.
    pub by: Proxy,
    /// Pods before and after; `None`: two pods were compared.
    pub pods: Option<(u32, u32)>,
    /// The lower load over the higher.
    pub load: f64,
    /// The use at the lower load over that at the higher.
    pub used: f64,
}

impl Trial {
    /// The part of the use that more replicas share.
    pub fn shared(&self) -> f64 {
        (1.0 - self.used) / (1.0 - self.load)
    }

    fn conclusive(self, fall: f64) -> Option<Trial> {
        let told = self.load >= 0.0 && self.load <= fall && self.used.is_finite();
        told.then_some(self)
    }
}

/// What shows that more replicas do not help.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Seen by this process.
    Seen(Trial),
    /// Seen by one before, in words.
    Told(Arc<str>),
}

/// A pod, and not another of the same name.
type Id = (Arc<str>, Option<Timestamp>);

/// All pods of the target at rest: each of them ready for long enough, each with a sample.
#[derive(Clone, Debug)]
struct Point {
    at: Timestamp,
    pods: Vec<Id>,
    /// By resource, then the load: of each pod in that order.
    each: [Option<Vec<f64>>; 5],
    total: Option<f64>,
}

const LOAD: usize = 4;

/// What is remembered of earlier looks; lost at a restart, which then waits for the next change.
#[derive(Clone, Debug, Default)]
pub(super) struct Trials {
    reference: Option<Point>,
    found: [Option<Trial>; 4],
    swings: [Option<Swing>; 4],
}

/// Pods near their limit, at the lowest and the highest load at which one was seen. Only of pods that are still there: a
/// rollout may have changed what a load costs.
#[derive(Clone, Debug)]
struct Swing {
    by: Proxy,
    low: End,
    high: End,
}

/// One pod at one time.
#[derive(Clone, Debug)]
struct End {
    pod: Id,
    load: f64,
    used: f64,
}

impl Trials {
    /// Takes in one more look. `hot` says for each resource above which percentage a pod is near its limit, where one is.
    pub(super) fn take_in(&mut self, look: &Look, hot: [Option<f64>; 4], now: Timestamp) {
        self.swing(look, hot, now);
        let Some(point) = Point::of(look, now) else { return };
        let Some(before) = &self.reference else {
            self.reference = Some(point);
            return;
        };
        let present: HashSet<&Id> = point.pods.iter().collect();
        let stayed = before.pods.iter().filter(|id| present.contains(id)).count();
        if stayed == 0 {
            // Another rollout: what was found of its pods says nothing of these. Of the swings nothing is left of them either.
            self.found = [None; 4];
        }
        let apart = point.at.duration_since(before.at);
        let grown = stayed == before.pods.len() && point.pods.len() > stayed;
        if !grown || apart > LONGEST || apart.is_negative() {
            drop(present);
            self.reference = Some(point);
            return;
        }
        let mut told = false;
        for resource in Resource::ALL {
            if let Some(trial) = before.compared(&point, resource) {
                self.found[resource.index()] = Some(trial);
                told = true;
            }
        }
        // Growth in small steps is compared with where it began.
        if told {
            drop(present);
            self.reference = Some(point);
        }
    }

    /// The last that was seen of this resource: the growth, or the difference between pods.
    pub(super) fn found(&self, resource: Resource) -> Option<Trial> {
        let swing = self.swings[resource.index()].as_ref();
        let swing = swing.filter(|_| !resource.follows_load());
        self.found[resource.index()].or_else(|| swing?.trial())
    }

    fn swing(&mut self, look: &Look, hot: [Option<f64>; 4], now: Timestamp) {
        let cpu = look.uses[Resource::Cpu.index()].as_ref();
        let loads = counted(look, look.load.as_ref(), now).map(|c| (Proxy::Load, c));
        let loads = loads.or_else(|| Some((Proxy::Cpu, counted(look, cpu, now)?)));
        for resource in Resource::ALL {
            let swing = &mut self.swings[resource.index()];
            *swing = swing.take().and_then(|swing| swing.left(&look.pods));
            let (Some(above), Some((by, loads))) = (hot[resource.index()], &loads) else {
                *swing = None;
                continue;
            };
            let Some(uses) = counted(look, look.uses[resource.index()].as_ref(), now) else {
                continue;
            };
            for (i, sample) in uses.each.iter().filter(|(_, s)| s.percent >= above) {
                // In the order of the look.
                let load = loads.each.binary_search_by_key(i, |(at, _)| *at);
                let load = load.ok().and_then(|at| loads.each.get(at));
                if let Some(((_, load), pod)) = load.zip(look.pods.get(*i)) {
                    let seen = End {
                        pod: id(pod),
                        load: load.used,
                        used: sample.used,
                    };
                    let known = swing.take().filter(|s| s.by == *by);
                    *swing = Some(match known {
                        Some(known) => known.with(seen),
                        None => Swing {
                            by: *by,
                            low: seen.clone(),
                            high: seen,
                        },
                    });
                }
            }
        }
    }
}

impl Swing {
    /// What is left of it where only these pods are.
    fn left(self, pods: &[Pod]) -> Option<Swing> {
        let there = |end: &End| pods.iter().any(|pod| end.pod.0 == pod.name && end.pod.1 == pod.started);
        match (there(&self.low), there(&self.high)) {
            (true, true) => Some(self),
            (false, false) => None,
            (low, _) => {
                let end = if low { self.low } else { self.high };
                Some(Swing {
                    by: self.by,
                    low: end.clone(),
                    high: end,
                })
            }
        }
    }

    fn with(mut self, seen: End) -> Swing {
        if seen.load < self.low.load {
            self.low = seen;
        } else if seen.load > self.high.load {
            self.high = seen;
        }
        self
    }

    fn trial(&self) -> Option<Trial> {
        let trial = Trial {
            by: self.by,
            pods: None,
            load: self.low.load / self.high.load,
            used: self.low.used / self.high.used,
        };
        trial.conclusive(FALL_BETWEEN)
    }
}

impl Point {
    fn of(look: &Look, now: Timestamp) -> Option<Point> {
        let stay: Vec<(usize, &Pod)> = (look.pods.iter().enumerate())
            .filter(|(_, p)| p.phase != Phase::Leaving)
            .collect();
        let warm = |p: &Pod| p.ready.is_some_and(|r| r.holds && now.duration_since(r.since) >= WARM);
        if stay.is_empty() || !stay.iter().all(|(_, pod)| warm(pod)) {
            return None;
        }
        let values = |seen: Option<&Seen>| {
            let counted = counted(look, seen, now)?;
            let all = counted.each.len() == stay.len();
            all.then(|| counted.each.iter().map(|(_, sample)| sample.used).collect())
        };
        let [cpu, memory, disk, network] = &look.uses;
        let each = [cpu, memory, disk, network, &look.load].map(|seen| values(seen.as_ref()));
        Some(Point {
            at: now,
            pods: stay.iter().map(|(_, p)| id(p)).collect(),
            each,
            total: look.total.filter(|t| t.is_finite() && *t >= 0.0),
        })
    }

    /// The pods of here, there: more have come since. Against the load of the same pods, because new ones are cold, and
    /// connections may stay where they are; cpu can be compared with the load of all, which tells only their mean.
    fn compared(&self, after: &Point, resource: Resource) -> Option<Trial> {
        let pods: HashSet<&Id> = self.pods.iter().collect();
        let same = |from: usize| Some((self.mean(from)?, after.mean_of(from, &pods)?));
        let all = |from: usize| Some((self.mean(from)?, after.mean(from)?));
        let (by, load, used) = if let Some(load) = same(LOAD) {
            (Proxy::Load, load, same(resource.index())?)
        } else if resource == Resource::Cpu {
            let each = |p: &Point| Some(p.total? / p.pods.len() as f64);
            (Proxy::Total, (each(self)?, each(after)?), all(resource.index())?)
        } else {
            (Proxy::Cpu, same(Resource::Cpu.index())?, same(resource.index())?)
        };
        let count = |p: &Point| u32::try_from(p.pods.len()).unwrap_or(u32::MAX);
        let trial = Trial {
            by,
            pods: Some((count(self), count(after))),
            load: load.1 / load.0,
            used: used.1 / used.0,
        };
        trial.conclusive(FALL)
    }

    fn mean(&self, of: usize) -> Option<f64> {
        let values = self.each[of].as_ref()?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    fn mean_of(&self, of: usize, pods: &HashSet<&Id>) -> Option<f64> {
        let values = self.each[of].as_ref()?;
        let theirs = self.pods.iter().zip(values).filter(|(id, _)| pods.contains(id));
        let theirs: Vec<f64> = theirs.map(|(_, value)| *value).collect();
        Some(theirs.iter().sum::<f64>() / theirs.len() as f64)
    }
}

fn id(pod: &Pod) -> Id {
    (pod.name.clone(), pod.started)
}

fn counted(look: &Look, seen: Option<&Seen>, now: Timestamp) -> Option<Counted> {
    match seen? {
        Ok(Told::Each(samples)) => Some(Counted::of(&look.pods, samples, now)),
        Ok(Told::Whole(_)) | Err(_) => None,
    }
}
