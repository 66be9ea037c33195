//! The proportional rule for samples of pods, HPA v2's: which pods count, what the others are taken for, ⌈pods × ratio⌉.
//!
//! Pods that leave count for nothing. A pod that starts is *unready*, one without a sample is *missing*; the ratio comes
//! from the rest. Where it asks for less, missing pods are taken to be at the target (at what they request, for a
//! utilisation below 100 %); where it asks for more, missing and unready ones are taken to be idle. Then the ratio is
//! computed again, and nothing moves if it falls within the tolerance or on the other side of the target.
//!
//! Source: kubernetes `pkg/controller/podautoscaler/replica_calculator.go`, calculated in whole thousandths and whole
//! percent as there. Differences, all on the safe side: overload never proposes less than what is asked for, and too
//! little load never more (a rollout's surge times a ratio just below 1 would grow without end, kubernetes#72775); pods
//! beyond what is asked for do not fill up an average (the surge goes again); a sample that is stale counts as missing,
//! a negative one as a failure. Neighbours: `target.rs` (one number), `observe/pods/` (whose pods these are).

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::super::decision::{Basis, Outcome, PodCount};
use super::super::observation::{Cause, Failure};
use super::super::policy::{Behavior, Policy, Target, WarmUp};
use super::super::reading::{Phase, PodMetric, PodMetrics, PodReading, PodSample};
use super::ceil_replicas;

/// Oldest sample that is acted upon. metrics-server asks each node every 15 s, at the slowest setting in use every
/// 60 s, and goes on to tell what it heard last; after three rounds without an answer it is no longer the present.
const STALE: SignedDuration = SignedDuration::from_mins(3);

/// What the rule makes of the samples, for a target of which `spec` replicas are asked for.
pub(super) fn propose(
    target: Target,
    policy: &Policy,
    metrics: &PodMetrics,
    spec: u32,
    now: Timestamp,
) -> (Outcome, Option<PodCount>) {
    let groups = Groups::of(metrics, policy.warm_up, now);
    let count = groups.count(metrics);
    let first = match groups.usable(metrics).and_then(|ready| ready.measure(target, metrics)) {
        Ok(first) => first,
        Err(failure) => return (Outcome::Invalid(failure), Some(count)),
    };
    let (replicas, basis) = match groups.replicas(first.ratio, target, &policy.behavior, spec) {
        Verdict::Wants(replicas) => (replicas, Basis::Proportion),
        Verdict::WithinTolerance => (spec, Basis::Tolerance),
        Verdict::Held => (spec, Basis::Held),
    };
    let outcome = Outcome::Replicas {
        replicas,
        value: first.value,
        basis,
    };
    (outcome, Some(count))
}

/// What a rule for one number makes of the samples: of the percent of what is requested for cpu and memory, of the average
/// for other metrics of pods. As with the proportional rule, pods without a sample may be busy, so nothing is removed
/// while there are any. Of the number itself they are left out, which only ever hurries growth.
pub(super) fn by_level(
    policy: &Policy,
    metrics: &PodMetrics,
    spec: u32,
    now: Timestamp,
    propose: impl FnOnce(f64) -> Outcome,
) -> (Outcome, Option<PodCount>) {
    let groups = Groups::of(metrics, policy.warm_up, now);
    let level = match groups.level(metrics) {
        Ok(level) => level,
        Err(failure) => return (Outcome::Invalid(failure), None),
    };
    let outcome = match propose(level) {
        Outcome::Replicas { replicas, value, .. } if replicas < spec && !groups.missing.is_empty() => {
            Outcome::Replicas {
                replicas: spec,
                value,
                basis: Basis::Held,
            }
        }
        outcome => outcome,
    };
    (outcome, Some(groups.count(metrics)))
}

/// The pods by what they count for.
#[derive(Default)]
struct Groups {
    /// Those whose sample is taken.
    ready: Sum,
    /// What each starting pod requests.
    unready: Vec<i64>,
    /// What each pod without a sample requests.
    missing: Vec<i64>,
    /// Those of the missing that have one, too old.
    stale: u32,
    /// A sample that cannot be.
    negative: Option<i64>,
}

/// What some pods use and request together.
#[derive(Clone, Copy, Default)]
struct Sum {
    used: i128,
    requested: i128,
    pods: u32,
}

/// Some pods against the target.
struct Measure {
    /// 1 is exactly on target.
    ratio: f64,
    /// Percent of the requests, or the average.
    value: f64,
}

enum Verdict {
    Wants(u32),
    WithinTolerance,
    /// What is not known of some pods leaves no reason to move.
    Held,
}

impl Groups {
    fn of(metrics: &PodMetrics, warm_up: WarmUp, now: Timestamp) -> Groups {
        let mut groups = Groups::default();
        for pod in &metrics.pods {
            let fresh = pod.sample.filter(|s| now.duration_since(s.at) <= STALE);
            match (pod.phase, fresh) {
                (Phase::Leaving, _) => {}
                (Phase::Pending, _) => groups.unready.push(pod.request),
                (Phase::Running, None) => {
                    groups.stale += u32::from(pod.sample.is_some());
                    groups.missing.push(pod.request);
                }
                (Phase::Running, Some(sample)) => {
                    if metrics.kind == PodMetric::Cpu && starting(pod, &sample, warm_up, now) {
                        groups.unready.push(pod.request);
                        continue;
                    }
                    if sample.value < 0 {
                        groups.negative = Some(sample.value);
                    }
                    groups.ready.add(i128::from(sample.value), pod.request);
                }
            }
        }
        groups
    }

    fn count(&self, metrics: &PodMetrics) -> PodCount {
        PodCount {
            sampled: self.ready.pods,
            unready: size(&self.unready),
            missing: size(&self.missing),
            by_selector: metrics.by_selector,
        }
    }

    /// The one number that the samples stand for, or why there is none. It takes in the pods whose sample counts, as the
    /// proportional rule does.
    fn level(&self, metrics: &PodMetrics) -> Result<f64, Failure> {
        let unit = match metrics.kind {
            PodMetric::Cpu | PodMetric::Memory => Target::Utilization(100.0),
            PodMetric::Custom => Target::PodAverage(1.0),
        };
        Ok(self.usable(metrics)?.measure(unit, metrics)?.value)
    }

    /// The pods whose sample is taken, or why there are none to go by.
    fn usable(&self, metrics: &PodMetrics) -> Result<Sum, Failure> {
        if metrics.pods.is_empty() {
            return Err(Failure::new(Cause::NoPods, "the target has no pods"));
        }
        if let Some(value) = self.negative {
            let message = format!("the value of a pod is {}", value as f64 / 1000.0);
            return Err(Failure::new(Cause::Negative, message));
        }
        if self.ready.pods > 0 {
            return Ok(self.ready);
        }
        let (cause, old) = match self.stale {
            0 => (Cause::Empty, String::new()),
            stale => {
                let limit = STALE.as_mins();
                (Cause::Stale, format!(", {stale} of them one older than {limit} min"))
            }
        };
        let (unready, missing) = (self.unready.len(), self.missing.len());
        Err(Failure::new(
            cause,
            format!("no pod has a sample to go by: {unready} starting, {missing} without a sample{old}"),
        ))
    }

    /// What the first ratio, of the pods whose sample is taken, comes to with the others in mind.
    fn replicas(&self, first: f64, target: Target, behavior: &Behavior, spec: u32) -> Verdict {
        let within = |ratio| ratio <= 1.0 + behavior.up.tolerance && ratio >= 1.0 - behavior.down.tolerance;
        let wants = |ratio: f64, pods: u32| {
            let replicas = ceil_replicas(ratio * f64::from(pods));
            if ratio > 1.0 {
                replicas.max(spec)
            } else {
                replicas.min(spec)
            }
        };
        if self.missing.is_empty() && (self.unready.is_empty() || first <= 1.0) {
            return match within(first) {
                true => Verdict::WithinTolerance,
                false => Verdict::Wants(wants(first, self.ready.pods)),
            };
        }
        let mut all = self.ready;
        if first < 1.0 {
            for request in &self.missing {
                all.add(full(target, *request), *request);
            }
        } else if first > 1.0 {
            let room = spec.saturating_sub(all.pods) as usize;
            let idle = self.missing.iter().chain(&self.unready);
            idle.take(room).for_each(|request| all.add(0, *request));
        }
        let ratio = all.ratio(target);
        let turned = (first < 1.0 && ratio > 1.0) || (first > 1.0 && ratio < 1.0);
        if turned || within(ratio) {
            return if within(first) {
                Verdict::WithinTolerance
            } else {
                Verdict::Held
            };
        }
        Verdict::Wants(wants(ratio, all.pods))
    }
}

impl Sum {
    fn add(&mut self, used: i128, request: i64) {
        self.used = self.used.saturating_add(used);
        self.requested += i128::from(request.max(0));
        self.pods = self.pods.saturating_add(1);
    }

    /// Against the target, or why a utilisation cannot be told.
    fn measure(self, target: Target, metrics: &PodMetrics) -> Result<Measure, Failure> {
        if matches!(target, Target::Utilization(_)) {
            if let Some(which) = &metrics.unrequested {
                return Err(Failure::new(Cause::NoRequest, which.clone()));
            }
            if self.requested <= 0 {
                return Err(Failure::new(Cause::NoRequest, "the pods' requests add up to nothing"));
            }
        }
        Ok(Measure {
            ratio: self.ratio(target),
            value: match target {
                Target::Utilization(_) => self.percent(),
                _ => self.average() / 1000.0,
            },
        })
    }

    fn ratio(self, target: Target) -> f64 {
        match target {
            Target::Utilization(target) => self.percent() / target,
            Target::PodAverage(target) | Target::AverageValue(target) | Target::Value(target) => {
                self.average() / thousandths(target)
            }
        }
    }

    /// Whole percent, as HPA has it.
    fn percent(self) -> f64 {
        (self.used.saturating_mul(100)).checked_div(self.requested).unwrap_or(0) as f64
    }

    /// Whole thousandths, as HPA has it.
    fn average(self) -> f64 {
        self.used.checked_div(i128::from(self.pods)).unwrap_or(0) as f64
    }
}

/// Whether the pod is in its start-up, or never came out of it: its processor time says nothing of the load.
fn starting(pod: &PodReading, sample: &PodSample, warm_up: WarmUp, now: Timestamp) -> bool {
    let after = |at: Timestamp, time| at.checked_add(time).unwrap_or(Timestamp::MAX);
    let (Some(started), Some(ready)) = (pod.started, pod.ready) else {
        return true;
    };
    if after(started, warm_up.cpu_initialization_period) > now {
        // Part of a sample that began before the pod was ready is start-up.
        !ready.holds || sample.at < after(ready.since, sample.window)
    } else {
        // Unready since its first moments: it never served. One that lost its readiness later did.
        !ready.holds && after(started, warm_up.initial_readiness_delay) > ready.since
    }
}

/// What a pod without a sample is taken to use where less is asked for, in thousandths: the target itself; of a
/// utilisation what it requests, or the target where that is higher.
fn full(target: Target, request: i64) -> i128 {
    match target {
        Target::Utilization(target) => i128::from(request).saturating_mul(target.max(100.0) as i128) / 100,
        Target::PodAverage(target) | Target::AverageValue(target) | Target::Value(target) => {
            thousandths(target) as i128
        }
    }
}

/// A target in thousandths, rounded up as Kubernetes' quantities are; rounding noise does not round up.
fn thousandths(target: f64) -> f64 {
    let exact = (target * 1000.0).min(f64::MAX);
    (exact - exact * 1e-12).ceil()
}

fn size(pods: &[i64]) -> u32 {
    u32::try_from(pods.len()).unwrap_or(u32::MAX)
}
