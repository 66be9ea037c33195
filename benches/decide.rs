//! What one decision costs, without the forecast's own part. The goal is below 5 µs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use headroom::engine::decide;
use headroom::engine::observation::{Observation, Replicas};
use headroom::engine::policy::Policy;
use headroom::engine::state::State;
use headroom::{api, validate};
use jiff::{SignedDuration, Timestamp};

const ONE_METRIC: &str = "
targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
maxReplicas: 50
metrics:
  - {name: rps, prometheus: {query: up}, target: {averageValue: 100}}
";

const MANY: &str = "
targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
maxReplicas: 50
metrics:
  - {name: rps, prometheus: {query: up}, target: {averageValue: 100}}
  - {name: queue, prometheus: {query: up}, target: {averageValue: 30}}
  - {name: cpu, prometheus: {query: up}, target: {value: 70}}
  - {name: memory, prometheus: {query: up}, target: {value: 80}}
schedules:
  - {name: office, timeZone: Europe/Zurich, start: '0 8 * * MON-FRI', end: '0 18 * * MON-FRI', minReplicas: 6}
  - {name: night, start: '0 22 * * *', duration: 8h, maxReplicas: 20}
  - {name: sale, start: '0 0 27 11 *', duration: 4d, minReplicas: 30, maxReplicas: 120}
behavior:
  scaleUp: {stabilizationWindowSeconds: 60, cooldownSeconds: 30}
  scaleDown: {stabilizationWindowSeconds: 600, cooldownSeconds: 120}
";

fn policy(spec: &str) -> Policy {
    let spec: api::ScalingPolicySpec = serde_yaml::from_str(spec).expect("the benchmark's policy is YAML");
    validate::policy(&spec).expect("the benchmark's policy is valid")
}

fn observation(policy: &Policy) -> Observation {
    Observation {
        signal: None,
        replicas: Replicas {
            spec: 10,
            ready: Some(9),
        },
        samples: policy.metrics.iter().map(|_| Ok(1234.5.into())).collect(),
        forecast: None,
        startup: Some(SignedDuration::from_secs(40)),
    }
}

/// A state with a past: a minute of decisions, so that windows and recommendations are known.
fn warm(policy: &Policy, observation: &Observation, start: Timestamp) -> State {
    let mut state = State::default();
    for tick in 0..4 {
        let now = start - SignedDuration::from_secs(60 - 15 * tick);
        let decision = decide(policy, &state, observation, now);
        state.record(policy, &decision);
    }
    state
}

fn bench(c: &mut Criterion) {
    let now: Timestamp = "2026-11-20T09:30:00Z".parse().expect("a constant");
    for (name, spec) in [("one metric", ONE_METRIC), ("four metrics, three schedules", MANY)] {
        let policy = policy(spec);
        let observation = observation(&policy);
        let mut state = warm(&policy, &observation, now);
        c.bench_function(&format!("decide: {name}"), |b| {
            b.iter(|| decide(black_box(&policy), black_box(&state), black_box(&observation), now));
        });
        c.bench_function(&format!("decide and record: {name}"), |b| {
            b.iter(|| {
                let decision = decide(black_box(&policy), &state, black_box(&observation), now);
                state.record(&policy, &decision);
                decision
            });
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
