//! The values at which a metric would ask for another count than the present one: what `explain` says would change the
//! result.
//!
//! Found by asking the rule itself and not by a formula of its own, so that it cannot drift from the rule: proposals
//! never fall as the value grows, and floats that are not negative are ordered as their bits are, so 64 questions
//! find the very float at which the answer changes. Neighbour: `target.rs`, the rule.

use jiff::Timestamp;

use super::super::decision::Outcome;
use super::super::observation::Replicas;
use super::super::policy::{Metric, Policy};
use super::super::state::RuleTimes;

/// The values next to the band in which a metric asks for the present count; `None`: no value does it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The highest value at which it asks for fewer.
    pub below: Option<Edge>,
    /// The lowest value at which it asks for more.
    pub above: Option<Edge>,
}

/// The first value beyond the band, and what is asked for there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The value.
    pub value: f64,
    /// The count that is proposed at it.
    pub replicas: u32,
}

/// What a metric is asked about: all that its proposal depends on besides its value.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// One of its metrics.
    pub metric: &'a Metric,
    /// When threshold rules last won a change.
    pub won: &'a [RuleTimes],
    /// The target's replicas.
    pub replicas: Replicas,
    /// The instant.
    pub now: Timestamp,
}

/// What the metric would propose at a value. For a metric of pods: if every ready pod had that value.
pub fn outcome(about: Question<'_>, value: f64) -> Outcome {
    super::number(about.policy, about.metric, value, about.won, about.replicas, about.now)
}

/// The values at which the metric would ask for more or fewer than `replicas.spec`.
pub fn band(about: Question<'_>) -> Band {
    let replicas = about.replicas;
    let asks = |value| match outcome(about, value) {
        Outcome::Replicas { replicas, .. } | Outcome::Preview { replicas, .. } | Outcome::Replaced { replicas, .. } => {
            replicas
        }
        // Whoever says nothing asks for no other count.
        Outcome::Abstains(_) | Outcome::Invalid(_) => replicas.spec,
    };
    let edge = |bits: u64| {
        let value = f64::from_bits(bits);
        Edge {
            value,
            replicas: asks(value),
        }
    };
    let above = first(|value| asks(value) > replicas.spec).map(edge);
    // The last float before the first at which it asks for no fewer; none where it never asks for fewer.
    let below = first(|value| asks(value) >= replicas.spec)
        .and_then(|bits| bits.checked_sub(1))
        .map(edge);
    Band { below, above }
}

/// The bits of the lowest float from 0 up at which `holds`, which must hold from there on.
fn first(holds: impl Fn(f64) -> bool) -> Option<u64> {
    let (mut no, mut yes) = (0.0_f64.to_bits(), f64::MAX.to_bits());
    if holds(f64::from_bits(no)) {
        return Some(no);
    }
    if !holds(f64::from_bits(yes)) {
        return None;
    }
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if holds(f64::from_bits(middle)) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    Some(yes)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::engine::decide;
    use crate::engine::observation::Observation;
    use crate::engine::policy::{Behavior, Bounds, Mode, Rule, Step, Target, Thresholds, WarmUp};
    use crate::engine::state::State;

    fn policy(rule: Rule, behavior: &Behavior) -> Policy {
        Policy {
            bounds: Bounds {
                min: 0,
                max: i32::MAX as u32,
            },
            interval: SignedDuration::from_secs(15),
            mode: Mode::Active,
            metrics: vec![Metric {
                name: "m".into(),
                rule,
                activation: 0.0,
                pods: None,
            }],
            schedules: Vec::new(),
            prediction: None,
            fallback: None,
            behavior: behavior.clone(),
            warm_up: WarmUp::default(),
        }
    }

    fn about(policy: &Policy, replicas: Replicas) -> Question<'_> {
        Question {
            policy,
            metric: &policy.metrics[0],
            won: &[],
            replicas,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// The band of a metric for `spec` replicas, all ready, as (value, count) with values rounded to a millionth.
    #[track_caller]
    fn check(target: Target, spec: u32, below: Option<(f64, u32)>, above: Option<(f64, u32)>) {
        let replicas = Replicas {
            spec,
            ready: Some(spec),
        };
        let policy = policy(Rule::Target(target), &Behavior::default());
        let band = band(about(&policy, replicas));
        let shown = |edge: Option<Edge>| edge.map(|e| ((e.value * 1e6).round() / 1e6, e.replicas));
        let close = |is: Option<(f64, u32)>, to: Option<(f64, u32)>| match (is, to) {
            (Some((is, n)), Some((to, m))) => n == m && (is - to).abs() <= to * 1e-8,
            (is, to) => is == to,
        };
        let (is_below, is_above) = (shown(band.below), shown(band.above));
        assert!(
            close(is_below, below) && close(is_above, above),
            "{target:?} at {spec}: {is_below:?} {is_above:?}"
        );
    }

    #[test]
    fn where_the_count_changes() {
        let total = Target::AverageValue(200.0);
        // 880 is 10 % above 4 × 200; 720 is 10 % below, but still needs 4.
        check(total, 4, Some((600.0, 3)), Some((880.0, 5)));
        // With many replicas the tolerance is more than one of them. At 22.000000000000004 × 200, 22 are enough.
        check(total, 20, Some((3600.0, 18)), Some((4400.0, 22)));
        check(total, 1, Some((0.0, 0)), Some((220.0, 2)));
        check(Target::Value(80.0), 4, Some((60.0, 3)), Some((88.0, 5)));
        check(total, i32::MAX as u32, Some((386_547_056_460.0, 1_932_735_281)), None);
    }

    /// A rule, and the value around which it changes its mind, for one replica.
    fn rules() -> impl Strategy<Value = (Rule, f64)> {
        (0..3, -3.0..9.0_f64, 0.1..1.0_f64).prop_map(|(kind, exponent, share)| {
            let at = 10_f64.powf(exponent);
            let step = |at, by| Step {
                at,
                by,
                cooldown: SignedDuration::from_secs(60),
            };
            let rule = match kind {
                0 => Rule::Target(Target::AverageValue(at)),
                1 => Rule::Target(Target::Value(at)),
                _ => Rule::Thresholds(Thresholds {
                    up: step(at, 2),
                    down: (share > 0.3).then(|| step(at * share, 1)),
                }),
            };
            (rule, at)
        })
    }

    /// What the whole engine recommends at a value, where nothing else has a say.
    fn decided(policy: &Policy, value: f64, replicas: Replicas) -> u32 {
        let observation = Observation {
            signal: None,
            replicas,
            samples: vec![Ok(value.into())],
            forecast: None,
            startup: None,
        };
        decide(policy, &State::default(), &observation, Timestamp::UNIX_EPOCH).recommended
    }

    proptest! {
        /// At the edge the decision asks for another count; at the next float inside it does not.
        #[test]
        fn an_edge_is_exact(
            (rule, _) in rules(),
            spec in 1..2000u32,
            ready in 0..2000u32,
            up in 0.0..0.5_f64,
            down in 0.0..0.5_f64,
        ) {
            let mut behavior = Behavior::default();
            (behavior.up.tolerance, behavior.down.tolerance) = (up, down);
            let policy = policy(rule, &behavior);
            let replicas = Replicas { spec, ready: Some(ready) };
            let asks = |value| decided(&policy, value, replicas);
            let band = band(about(&policy, replicas));
            if let Some(above) = band.above {
                prop_assert!(above.replicas > spec && asks(above.value) == above.replicas, "{:?}", band);
                prop_assert!(asks(above.value.next_down()) <= spec, "{:?}", band);
            }
            if let Some(below) = band.below {
                prop_assert!(below.replicas < spec && asks(below.value) == below.replicas, "{:?}", band);
                prop_assert!(asks(below.value.next_up()) >= spec, "{:?}", band);
            } else {
                prop_assert!(asks(0.0) >= spec, "{:?}", band);
            }
        }

        /// What the search rests on.
        #[test]
        fn more_load_never_asks_for_less(
            (rule, unit) in rules(),
            spec in 0..2000u32,
            ready in 0..2000u32,
            one in 0.0..4.0_f64,
            other in 0.0..4.0_f64,
        ) {
            let policy = policy(rule, &Behavior::default());
            let replicas = Replicas { spec, ready: Some(ready) };
            for scale in [unit, unit * f64::from(spec.max(1))] {
                let asks = |relative: f64| decided(&policy, scale * relative, replicas);
                prop_assert!(asks(one.min(other)) <= asks(one.max(other)));
            }
        }
    }
}
