//! The proportional rule, HPA v2's: ⌈basis × value ÷ target⌉, and nothing within the tolerance.
//!
//! Source: kubernetes `pkg/controller/podautoscaler/replica_calculator.go` (external metrics) and KEP-4951 for the
//! tolerance per direction. Differences, all on the safe side: the basis of a scale-down is what was asked for, not
//! only what is ready; a value that cannot be used is an outcome of its own.

use super::super::decision::Outcome;
use super::super::observation::{Replicas, Sample, usable};
use super::super::policy::{Behavior, Target};
use super::ceil_replicas;

/// What the rule makes of one sample.
pub(super) fn propose(target: Target, behavior: &Behavior, sample: Option<&Sample>, replicas: Replicas) -> Outcome {
    let value = match usable(sample) {
        Ok(value) => value,
        Err(failure) => return Outcome::Invalid(failure),
    };
    let current = f64::from(replicas.spec);
    // Relative load: 1 is exactly on target. With a total, the share of one replica is total ÷ current.
    let ratio = match target {
        Target::Value(target) => value / target,
        Target::AverageValue(target) => value / (target * current),
    };
    if replicas.spec > 0 && ratio <= 1.0 + behavior.up.tolerance && ratio >= 1.0 - behavior.down.tolerance {
        return Outcome::Replicas {
            replicas: replicas.spec,
            value,
            within_tolerance: true,
        };
    }
    let proposed = match target {
        Target::AverageValue(target) => ceil_replicas(value / target),
        Target::Value(target) => {
            let ratio = value / target;
            if ratio > 1.0 {
                // The average comes from the pods that serve. Multiplying by pods that are still starting would ask
                // for the same growth again at each sync; never fewer than are already asked for.
                let ready = replicas.ready.map_or(replicas.spec, |r| r.min(replicas.spec));
                ceil_replicas(f64::from(ready) * ratio).max(replicas.spec)
            } else {
                ceil_replicas(current * ratio)
            }
        }
    };
    Outcome::Replicas {
        replicas: proposed,
        value,
        within_tolerance: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::observation::{Cause, Failure};

    const VALUE: Target = Target::Value(100.0);
    const TOTAL: Target = Target::AverageValue(100.0);

    /// `Some(n)`: proposes n; `None`: invalid.
    fn check(target: Target, value: f64, spec: u32, ready: u32, expected: Option<u32>) {
        let replicas = Replicas {
            spec,
            ready: Some(ready),
        };
        let outcome = propose(target, &Behavior::default(), Some(&Ok(value)), replicas);
        let got = match outcome {
            Outcome::Replicas { replicas, .. } => Some(replicas),
            _ => None,
        };
        assert_eq!(got, expected, "{target:?} value {value} spec {spec} ready {ready}");
    }

    #[test]
    fn hpa_arithmetic() {
        // target, value, spec, ready, expected
        check(TOTAL, 1000.0, 4, 4, Some(10));
        check(TOTAL, 1001.0, 4, 4, Some(11));
        check(TOTAL, 0.0, 4, 4, Some(0));
        check(TOTAL, 440.0, 4, 4, Some(4)); // 1.10: within tolerance
        check(TOTAL, 441.0, 4, 4, Some(5)); // 1.1025: beyond
        check(TOTAL, 360.0, 4, 4, Some(4)); // 0.90: within
        check(TOTAL, 359.0, 4, 4, Some(4)); // beyond, but rounds up to the same
        check(TOTAL, 300.0, 4, 4, Some(3));
        check(VALUE, 200.0, 4, 4, Some(8));
        check(VALUE, 200.0, 8, 4, Some(8)); // four still start: no growth on top of growth
        check(VALUE, 300.0, 8, 4, Some(12));
        check(VALUE, 50.0, 8, 8, Some(4));
        check(VALUE, 50.0, 8, 4, Some(4)); // scale-down from what was asked for
        check(VALUE, 105.0, 8, 8, Some(8));
        check(VALUE, 110.0, 10, 10, Some(10));
        check(TOTAL, 0.3, 4, 4, Some(1));
    }

    #[test]
    fn rounding_noise_adds_no_replica() {
        // 0.1 + 0.2 = 0.30000000000000004
        check(Target::AverageValue(0.1), 0.1 + 0.2, 1, 1, Some(3));
    }

    #[test]
    fn nonsense_is_invalid_and_huge_saturates() {
        check(TOTAL, f64::NAN, 4, 4, None);
        check(TOTAL, f64::INFINITY, 4, 4, None);
        check(TOTAL, -1.0, 4, 4, None);
        check(TOTAL, f64::MAX, 4, 4, Some(i32::MAX as u32));
        check(Target::AverageValue(0.1), f64::MAX, 4, 4, Some(i32::MAX as u32));
        let replicas = Replicas { spec: 4, ready: None };
        let failed = Err(Failure::new(Cause::Timeout, "no answer in 5 s"));
        let outcome = propose(TOTAL, &Behavior::default(), Some(&failed), replicas);
        assert!(matches!(outcome, Outcome::Invalid(f) if f.cause == Cause::Timeout));
        let outcome = propose(TOTAL, &Behavior::default(), None, replicas);
        assert!(matches!(outcome, Outcome::Invalid(f) if f.cause == Cause::Missing));
    }
}
