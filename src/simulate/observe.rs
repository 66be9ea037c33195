//! What metrics see of the trace: late, and as a mean of the last minute.
//!
//! A target on an `averageValue` sees the load itself; a `value` target, an average over the replicas, and thresholds see a
//! utilisation in percent: 100 × that load ÷ (ready × capacity), beyond 100 where replicas are short. So does a resource
//! metric's `averageUtilization`: the ready replicas share the load evenly, and the capacity stands for what each
//! requests; the average of pods sees load ÷ ready. Every metric of a policy sees the same trace. It must never look
//! past `now` − delay, but for the trace's row that follows: between
//! two rows the load is a straight line. Over a hole that is an invention, which metrics must live with (`notes.rs`
//! says so) and the forecast must not learn.

use jiff::{SignedDuration, Timestamp};

use super::series::{Holes, Series};
use crate::engine::observation::{Cause, Failure, Sample};
use crate::engine::policy::{Metric, Policy, Rule, Target};
use crate::engine::reading::PodMetric;

/// What `rate(...[1m])` averages over.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// How a trace is seen.
#[derive(Clone, Copy, Debug)]
pub struct Lens<'a> {
    /// The load.
    pub series: &'a Series,
    /// What one replica can carry, in the load's unit.
    pub capacity: f64,
    /// How late a metric is.
    pub delay: SignedDuration,
}

impl Lens<'_> {
    /// The load as a query at `now` returns it.
    pub fn load(&self, now: Timestamp) -> f64 {
        self.series.mean(self.until(now), WINDOW)
    }

    /// Whether the load that a query at `now` returns was measured, and not drawn across one of the trace's `holes`.
    pub fn measured(&self, now: Timestamp, holes: &Holes) -> bool {
        !holes.touch(self.until(now), WINDOW)
    }

    /// The newest instant that a query at `now` knows of.
    pub fn until(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.delay).unwrap_or(Timestamp::MIN)
    }

    /// One sample for each metric of the policy.
    pub fn samples(&self, policy: &Policy, now: Timestamp, ready: u32) -> Vec<Sample> {
        self.samples_of(policy, self.load(now), ready)
    }

    /// One sample for each metric of the policy where a query returns `load`.
    pub fn samples_of(&self, policy: &Policy, load: f64, ready: u32) -> Vec<Sample> {
        let see = |metric: &Metric| match (metric.rule, metric.pods) {
            (Rule::Target(Target::AverageValue(_)), _) => Ok(load.into()),
            _ if ready == 0 => Err(Failure::new(Cause::Empty, "no replica is ready to be measured")),
            (Rule::Target(Target::PodAverage(_)), _) | (Rule::Thresholds(_), Some(PodMetric::Custom)) => {
                Ok((load / f64::from(ready)).into())
            }
            (Rule::Target(Target::Value(_) | Target::Utilization(_)) | Rule::Thresholds(_), _) => {
                Ok((100.0 * load / (f64::from(ready) * self.capacity)).into())
            }
        };
        policy.metrics.iter().map(see).collect()
    }

    /// The replicas that the policy's targets ask for at `now`, within its bounds: what runs when a replay begins.
    pub fn initial(&self, policy: &Policy, now: Timestamp) -> u32 {
        let load = self.series.load(now);
        let need = |metric: &Metric| match (metric.rule, metric.pods) {
            (Rule::Target(Target::AverageValue(target) | Target::PodAverage(target)), _) => load / target,
            (Rule::Target(Target::Value(target) | Target::Utilization(target)), _) => {
                100.0 * load / (target * self.capacity)
            }
            // Just not above the threshold: where a step rule comes to rest on its way up.
            (Rule::Thresholds(rule), Some(PodMetric::Custom)) => load / rule.up.at.max(f64::MIN_POSITIVE),
            (Rule::Thresholds(rule), _) => 100.0 * load / (rule.up.at.max(f64::MIN_POSITIVE) * self.capacity),
        };
        let most = policy.metrics.iter().map(need).fold(0.0, f64::max);
        // Saturating by definition of `as`, and bounded right after.
        (most.ceil() as u32).clamp(policy.bounds.min, policy.bounds.max)
    }

    /// The history that a query would return at `now`, one value a minute, from at most `reach` ago; nothing in holes.
    pub fn history(&self, now: Timestamp, reach: SignedDuration) -> impl Iterator<Item = (Timestamp, f64)> {
        let from = now
            .checked_sub(reach)
            .unwrap_or(Timestamp::MIN)
            .max(self.series.first());
        let minutes = now.duration_since(from).as_mins().max(0);
        let back = move |minute| now.checked_sub(SignedDuration::from_mins(minute)).ok();
        let holes = self.series.holes();
        let measured = (1..=minutes)
            .rev()
            .filter_map(back)
            .filter(move |at| self.measured(*at, &holes));
        measured.map(|at| (at, self.load(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::policy::{Behavior, Bounds, Metric, Mode, WarmUp};

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    fn policy(targets: &[Target]) -> Policy {
        let metric = |t: &Target| Metric {
            name: "m".into(),
            rule: Rule::Target(*t),
            activation: 0.0,
            pods: None,
        };
        Policy {
            bounds: Bounds { min: 2, max: 20 },
            interval: SignedDuration::from_secs(15),
            mode: Mode::Active,
            metrics: targets.iter().map(metric).collect(),
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: Behavior::default(),
            warm_up: WarmUp::default(),
        }
    }

    #[test]
    fn targets_see_a_late_mean_and_a_utilisation() {
        // 0 until 600 s, then 6 a second more.
        let series = Series::new([(second(0), 0.0), (second(600), 0.0), (second(1600), 6000.0)]).unwrap();
        let lens = Lens {
            series: &series,
            capacity: 100.0,
            delay: SignedDuration::from_secs(30),
        };
        let policy = policy(&[Target::AverageValue(70.0), Target::Value(60.0)]);
        // At 730 s: the mean over [640, 700] is 6 × 70 = 420.
        let samples = lens.samples(&policy, second(730), 6);
        assert_eq!(samples, [Ok(420.0.into()), Ok(70.0.into())]);
        let none_ready = lens.samples(&policy, second(730), 0);
        assert!(
            matches!(&none_ready[1], Err(f) if f.cause == Cause::Empty),
            "{none_ready:?}"
        );
        // At 730 s the load is 780: 780 ÷ 70 = 11.1, and 78000 ÷ 6000 = 13.
        assert_eq!(lens.initial(&policy, second(730)), 13);
        assert_eq!(lens.initial(&policy, second(0)), 2);
        assert_eq!(lens.initial(&policy, second(1600)), 20);
    }

    #[test]
    fn history_is_what_lies_before_now_and_within_reach() {
        let rows = [0, 60, 120, 180, 240, 4800, 4860, 4920, 4980];
        let series = Series::new(rows.map(|s| (second(s), 5.0))).unwrap();
        let lens = Lens {
            series: &series,
            capacity: 1.0,
            delay: SignedDuration::ZERO,
        };
        let seconds = |now, reach| {
            let history = lens.history(second(now), SignedDuration::from_secs(reach));
            history.map(|(at, _)| at.as_second()).collect::<Vec<_>>()
        };
        assert_eq!(seconds(300, 180), [120, 180, 240]);
        assert_eq!(seconds(130, 9999), [10, 70]);
        assert_eq!(seconds(0, 9999), [0; 0]);
        // Nobody knows the load between 240 and 4800: of windows of a minute, the first that is whole ends at 4860.
        assert_eq!(seconds(4980, 9999), [0, 60, 120, 180, 240, 4860, 4920]);
    }
}
