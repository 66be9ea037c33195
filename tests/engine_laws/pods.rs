//! Laws of metrics of pods: whatever the pods are, more use never means fewer replicas, and no use that can be known
//! never scales down.

use std::sync::Arc;

use headroom::engine::decide;
use headroom::engine::decision::Outcome;
use headroom::engine::observation::{Observation, Replicas};
use headroom::engine::policy::{Rule, Target};
use headroom::engine::reading::{Phase, PodMetric, PodMetrics, PodReading, PodSample, Reading, Ready};
use headroom::engine::state::{Remembered, State};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::generate::{policy, seconds, start};

/// An instant near the runs' beginning, mostly; the ends of time now and then.
fn instant() -> impl Strategy<Value = Timestamp> {
    let offset = -7200_i64..7200;
    prop_oneof![
        20 => offset.prop_map(|s| start() + SignedDuration::from_secs(s)),
        1 => select(vec![Timestamp::MIN, Timestamp::MAX]),
    ]
}

fn pod(sample: impl Strategy<Value = Option<PodSample>>) -> impl Strategy<Value = PodReading> {
    let phase = prop_oneof![8 => Just(Phase::Running), 1 => Just(Phase::Pending), 1 => Just(Phase::Leaving)];
    let request = prop_oneof![8 => Just(1000_i64), 2 => 0..5000_i64, 1 => select(vec![0, -1, i64::MAX, i64::MIN])];
    let ready = option::of((any::<bool>(), instant()).prop_map(|(holds, since)| Ready { holds, since }));
    (phase, option::of(instant()), ready, request, sample).prop_map(|(phase, started, ready, request, sample)| {
        PodReading {
            phase,
            started,
            ready,
            request,
            sample,
        }
    })
}

fn sample() -> impl Strategy<Value = Option<PodSample>> {
    let value = prop_oneof![10 => 0..3000_i64, 1 => select(vec![0, -1, i64::MAX, i64::MIN])];
    option::of(
        (value, instant(), seconds(&[0, 15, 60])).prop_map(|(value, at, window)| PodSample { value, at, window }),
    )
}

fn metrics(pods: impl Strategy<Value = Vec<PodReading>>) -> impl Strategy<Value = PodMetrics> {
    let kind = select(vec![PodMetric::Cpu, PodMetric::Memory, PodMetric::Custom]);
    let unrequested = option::weighted(0.1, Just(Arc::from("container app has no request")));
    (kind, pods, unrequested).prop_map(|(kind, pods, unrequested)| PodMetrics {
        kind,
        pods,
        unrequested,
        by_selector: false,
    })
}

/// Any pods, with every kind of nonsense.
pub fn pods() -> impl Strategy<Value = Reading> {
    metrics(vec(pod(sample()), 0..12)).prop_map(|m| Reading::Pods(Arc::new(m)))
}

/// Pods of which nothing is known.
pub fn silent_pods() -> impl Strategy<Value = Reading> {
    metrics(vec(pod(Just(None)), 0..12)).prop_map(|m| Reading::Pods(Arc::new(m)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn more_use_never_means_fewer_replicas(
        policy in policy(),
        metrics in metrics(vec(pod(sample()), 1..12)),
        spec in 1..80_u32,
        which in any::<prop::sample::Index>(),
        more in 1..5000_i64,
    ) {
        let mut policy = policy;
        policy.metrics.truncate(1);
        prop_assume!(!policy.metrics.is_empty());
        let proposes = |metrics: &PodMetrics| {
            let observation = Observation {
                signal: None,
                replicas: Replicas { spec, ready: None },
                samples: vec![Ok(Reading::Pods(Arc::new(metrics.clone())))],
                forecast: None,
                startup: None,
            };
            let decision = decide(&policy, &State::restore(Remembered::default(), spec, start()), &observation, start());
            match decision.proposals[0].outcome {
                Outcome::Replicas { replicas, .. } => Some(replicas),
                _ => None,
            }
        };
        let mut heavier = metrics.clone();
        let pod = which.index(heavier.pods.len());
        if let Some(sample) = &mut heavier.pods[pod].sample {
            sample.value = sample.value.saturating_add(more);
        }
        if let (Some(less), Some(more)) = (proposes(&metrics), proposes(&heavier)) {
            prop_assert!(less <= more, "{less} > {more}");
        }
    }

    #[test]
    fn a_utilisation_far_above_its_target_never_scales_down(pods in metrics(vec(pod(sample()), 1..12)), spec in 1..80_u32, policy in policy()) {
        let mut policy = policy;
        policy.metrics.truncate(1);
        prop_assume!(!policy.metrics.is_empty());
        policy.metrics[0].rule = Rule::Target(Target::Utilization(1.0));
        let mut pods = pods;
        for pod in &mut pods.pods {
            if let Some(sample) = &mut pod.sample {
                sample.value = pod.request.max(1);
            }
        }
        let observation = Observation {
            signal: None,
            replicas: Replicas { spec, ready: None },
            samples: vec![Ok(Reading::Pods(Arc::new(pods)))],
            forecast: None,
                startup: None,
        };
        let decision = decide(&policy, &State::restore(Remembered::default(), spec, start()), &observation, start());
        if let Outcome::Replicas { replicas, .. } = decision.proposals[0].outcome {
            prop_assert!(replicas >= spec);
        }
    }
}
