//! The proportional rule for one number, HPA v2's: ⌈basis × value ÷ target⌉, and nothing within the tolerance. For
//! samples of pods it is in `pods.rs`.
//!
//! Source: kubernetes `pkg/controller/podautoscaler/replica_calculator.go` (external metrics) and KEP-4951 for the
//! tolerance per direction. Differences, all on the safe side: the basis of a scale-down is what was asked for, not
//! only what is ready, and a rollout's surge neither grows nor shrinks the count.

use super::super::decision::{Basis, Outcome};
use super::super::observation::Replicas;
use super::super::policy::{Behavior, Target};
use super::ceil_replicas;

/// What the rule makes of one value, finite and not negative.
pub(super) fn propose(target: Target, behavior: &Behavior, value: f64, replicas: Replicas) -> Outcome {
    let current = f64::from(replicas.spec);
    // Relative load: 1 is exactly on target. With a total, the share of one replica is total ÷ current.
    let ratio = match target {
        Target::Value(target) | Target::Utilization(target) | Target::PodAverage(target) => value / target,
        Target::AverageValue(target) => value / (target * current),
    };
    if replicas.spec > 0 && ratio <= 1.0 + behavior.up.tolerance && ratio >= 1.0 - behavior.down.tolerance {
        return Outcome::Replicas {
            replicas: replicas.spec,
            value,
            basis: Basis::Tolerance,
        };
    }
    let proposed = match target {
        Target::AverageValue(target) => ceil_replicas(value / target),
        Target::Value(target) | Target::Utilization(target) | Target::PodAverage(target) => {
            let ratio = value / target;
            let ready = replicas.ready.unwrap_or(replicas.spec);
            if ratio > 1.0 {
                // The average comes from the pods that serve. Multiplying by pods that are still starting would ask
                // for the same growth again at each sync; never fewer than are already asked for. Nor do a rollout's
                // surge pods count: they go, and HPA, which counts them, grows with each of them (kubernetes#72775).
                ceil_replicas(f64::from(ready.min(replicas.spec)) * ratio).max(replicas.spec)
            } else {
                // Surge pods carry a share of the load and so lower the average: without them it would be as much
                // higher. HPA multiplies by them here too; unlike HPA, low load is no reason to grow.
                ceil_replicas(f64::from(ready.max(replicas.spec)) * ratio).min(replicas.spec)
            }
        }
    };
    Outcome::Replicas {
        replicas: proposed,
        value,
        basis: Basis::Proportion,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const VALUE: Target = Target::Value(100.0);
    const TOTAL: Target = Target::AverageValue(100.0);

    #[track_caller]
    fn check(target: Target, value: f64, spec: u32, ready: u32, expected: u32) {
        let replicas = Replicas {
            spec,
            ready: Some(ready),
        };
        let outcome = propose(target, &Behavior::default(), value, replicas);
        let Outcome::Replicas { replicas, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(replicas, expected, "{target:?} value {value} spec {spec} ready {ready}");
    }

    #[test]
    fn hpa_arithmetic() {
        // target, value, spec, ready, expected
        check(TOTAL, 1000.0, 4, 4, 10);
        check(TOTAL, 1001.0, 4, 4, 11);
        check(TOTAL, 0.0, 4, 4, 0);
        check(TOTAL, 440.0, 4, 4, 4); // 1.10: within tolerance
        check(TOTAL, 441.0, 4, 4, 5); // 1.1025: beyond
        check(TOTAL, 360.0, 4, 4, 4); // 0.90: within
        check(TOTAL, 359.0, 4, 4, 4); // beyond, but rounds up to the same
        check(TOTAL, 300.0, 4, 4, 3);
        check(VALUE, 200.0, 4, 4, 8);
        check(VALUE, 200.0, 8, 4, 8); // four still start: no growth on top of growth
        check(VALUE, 300.0, 8, 4, 12);
        check(VALUE, 50.0, 8, 8, 4);
        check(VALUE, 50.0, 8, 4, 4); // scale-down from what was asked for
        check(VALUE, 105.0, 8, 8, 8);
        check(VALUE, 110.0, 10, 10, 10);
        check(TOTAL, 0.3, 4, 4, 1);
    }

    /// A rollout of 10 replicas with a surge of up to 5: nothing is scaled in by it, nor grown by it.
    #[test]
    fn surge_pods_are_no_capacity_and_no_reason_to_shrink() {
        // 10 pods at 100 % carry 1000. Shared by 13 that is 77 % each, by 15 it is 67 %: below the tolerance, and yet
        // the load needs 10. HPA: ⌈13 × 0.77⌉ = 11, ⌈15 × 0.67⌉ = 11.
        check(VALUE, 77.0, 10, 13, 10);
        check(VALUE, 67.0, 10, 15, 10);
        // Half the load is half the load, surge or not. HPA says the same.
        check(VALUE, 500.0 / 13.0, 10, 13, 5);
        check(VALUE, 500.0 / 15.0, 10, 15, 5);
        // 20 % more load than 10 can carry, seen by 10 pods: 12. Were surge pods counted, 13 × 1.2 = 16 (HPA), of which
        // a quarter would surge again.
        check(VALUE, 120.0, 10, 10, 12);
        check(VALUE, 120.0, 10, 13, 12);
        check(VALUE, 120.0, 10, 15, 12);
        // A total is no share: pods do not matter.
        check(TOTAL, 1000.0, 10, 13, 10);
        check(TOTAL, 500.0, 10, 15, 5);
        // Pods are missing during a rollout without surge: no growth on top of growth, no shrinking below the load.
        check(VALUE, 133.0, 10, 7, 10);
        check(VALUE, 50.0, 10, 7, 5);
    }

    #[test]
    fn rounding_noise_adds_no_replica() {
        // 0.1 + 0.2 = 0.30000000000000004
        check(Target::AverageValue(0.1), 0.1 + 0.2, 1, 1, 3);
    }

    #[test]
    fn huge_saturates() {
        check(TOTAL, f64::MAX, 4, 4, i32::MAX as u32);
        check(Target::AverageValue(0.1), f64::MAX, 4, 4, i32::MAX as u32);
    }
}
