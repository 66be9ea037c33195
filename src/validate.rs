//! Raw to validated: `api::ScalingPolicySpec` in, `engine::Policy` out, parsed once.
//!
//! The API server has already enforced schema and CEL; this re-checks what a policy from a file (`simulate`) or from
//! an older CRD could break, and parses what CEL cannot: quantities, durations, cron, time zones. Every problem names
//! the field, the value and the remedy; all of them are reported, not only the first. Pure. PromQL is checked by the
//! Prometheus server itself, at the first query.

mod advice;
mod bottleneck;
mod metric;
mod prediction;
mod problems;
mod schedules;
mod sources;

use std::fmt;

use jiff::SignedDuration;

use crate::api::{
    FallbackSpec, HpaPolicyType, HpaScalingRules, HpaSelectPolicy, PodDeletionCost, PolicyBehavior, PolicyMode,
    ScaleInSpec, ScalingPolicySpec,
};
use crate::engine::bottleneck::Limits;
use crate::engine::policy::{
    Amount, Behavior, Bounds, Fallback, Metric, Mode, Policy, RatePolicy, ScalingRules, Schedule, SelectPolicy,
};

use problems::{MOST_REPLICAS, Problems};

pub use advice::{Advice, Misfit, advice};
pub use problems::{duration, wait};

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field below `spec`, for example `schedules[business-hours].timeZone`.
    pub field: String,
    /// What is wrong with which value, and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spec.{}: {}", self.field, self.message)
    }
}

/// Everything that is wrong with a policy; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid(pub Vec<Problem>);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// The validated policy.
///
/// # Errors
/// [`Invalid`] with every problem found.
pub fn policy(spec: &ScalingPolicySpec) -> Result<Policy, Invalid> {
    let mut p = Problems::default();
    let bounds = Bounds {
        min: if spec.min_replicas == 0 {
            0
        } else {
            p.replicas("minReplicas", spec.min_replicas)
        },
        max: p.replicas("maxReplicas", spec.max_replicas),
    };
    sources::target_ref(&spec.target_ref, &mut p);
    if bounds.min > bounds.max {
        p.add(
            "minReplicas",
            format!(
                "{} exceeds maxReplicas ({}); lower it or raise maxReplicas",
                bounds.min, bounds.max
            ),
        );
    }
    if spec.metrics.is_empty() && spec.schedules.is_empty() {
        p.add(
            "metrics",
            "nothing to scale by: give at least one entry in metrics or schedules",
        );
    }
    let metrics: Vec<Metric> = spec.metrics.iter().filter_map(|m| metric::metric(m, &mut p)).collect();
    metric::rest(spec, bounds, &mut p);
    let schedules: Vec<Schedule> = spec
        .schedules
        .iter()
        .filter_map(|s| schedules::schedule(s, &mut p))
        .collect();
    p.names("metrics", spec.metrics.iter().map(|m| m.name.as_str()));
    p.names("schedules", spec.schedules.iter().map(|s| s.name.as_str()));
    for s in schedules.iter().filter(|s| s.ceiling.is_none()) {
        if let Some(floor) = s.floor.filter(|f| *f > bounds.max) {
            p.add(
                format!("schedules[{}].minReplicas", s.name),
                format!(
                    "{floor} exceeds the policy's maxReplicas ({}); give the schedule a maxReplicas of its own",
                    bounds.max
                ),
            );
        }
    }
    let ordered = |s: &ScaleInSpec| s.pod_deletion_cost != PodDeletionCost::None;
    if spec.scale_in.as_ref().is_some_and(ordered) && spec.target_ref.kind == "StatefulSet" {
        p.add(
            "scaleIn.podDeletionCost",
            "has no effect on a StatefulSet, which always removes its highest ordinals; leave it out",
        );
    }
    let prediction = spec
        .prediction
        .as_ref()
        .and_then(|s| prediction::prediction(s, &metrics, &mut p));
    let fallback = spec.fallback.as_ref().map(|s| fallback(s, bounds, &metrics, &mut p));
    if let Some(wanted) = &spec.prediction {
        sources::forecastable(&wanted.metric, &spec.metrics, &mut p);
    }
    let interval = p.duration("interval", &spec.interval, "1s", "1h");
    let behavior = behavior(&spec.behavior, &mut p);
    let warm_up = sources::warm_up(&spec.warm_up, &mut p);
    if let Some(spec) = &spec.bottleneck {
        bottleneck::limits(spec, &mut p);
    }
    p.finish(Policy {
        bounds,
        interval,
        mode: match spec.mode {
            PolicyMode::Active => Mode::Active,
            PolicyMode::DryRun => Mode::DryRun,
            PolicyMode::Paused => Mode::Paused,
        },
        metrics,
        schedules,
        prediction,
        fallback,
        behavior,
        warm_up,
    })
}

/// The thresholds of what is watched of the pods, where something is; of a spec that [`policy`] takes.
pub fn bottleneck(spec: &ScalingPolicySpec) -> Option<Limits> {
    let spec = spec.bottleneck.as_ref()?;
    Some(bottleneck::limits(spec, &mut Problems::default()))
}

fn fallback(spec: &FallbackSpec, bounds: Bounds, metrics: &[Metric], p: &mut Problems) -> Fallback {
    let replicas = p.replicas("fallback.replicas", spec.replicas);
    let Bounds { min, max } = bounds;
    if min <= max && !(min..=max).contains(&replicas) {
        p.add(
            "fallback.replicas",
            format!("{replicas} is not from minReplicas to maxReplicas ({min} to {max})"),
        );
    }
    if metrics.is_empty() {
        p.add(
            "fallback",
            "needs a metric that can fail; give one in metrics or leave fallback out",
        );
    }
    Fallback {
        replicas,
        after: p.duration("fallback.after", &spec.after, "15s", "1d"),
    }
}

fn behavior(spec: &PolicyBehavior, p: &mut Problems) -> Behavior {
    let default = Behavior::default();
    Behavior {
        up: rules("behavior.scaleUp", spec.scale_up.as_ref(), default.up, p),
        down: rules("behavior.scaleDown", spec.scale_down.as_ref(), default.down, p),
    }
}

fn rules(field: &str, spec: Option<&HpaScalingRules>, default: ScalingRules, p: &mut Problems) -> ScalingRules {
    let Some(spec) = spec else { return default };
    let mut seconds = |name: &str, value: Option<i32>, most: i32, default: SignedDuration| match value {
        None => default,
        Some(s) if (0..=most).contains(&s) => SignedDuration::from_secs(i64::from(s)),
        Some(s) => {
            p.add(
                format!("{field}.{name}"),
                format!("{s} is out of range; give seconds from 0 to {most}"),
            );
            default
        }
    };
    let stabilization = seconds(
        "stabilizationWindowSeconds",
        spec.stabilization_window_seconds,
        3600,
        default.stabilization,
    );
    let cooldown = seconds("cooldownSeconds", spec.cooldown_seconds, 86_400, default.cooldown);
    let tolerance = match &spec.tolerance {
        None => default.tolerance,
        Some(t) => p
            .not_negative(&format!("{field}.tolerance"), &t.0)
            .unwrap_or(default.tolerance),
    };
    let policies = spec.policies.as_ref().map(|list| {
        if list.is_empty() {
            p.add(
                format!("{field}.policies"),
                "is empty; give a policy, leave it out for HPA's default, or set selectPolicy: Disabled",
            );
        }
        let each = list.iter().enumerate().map(|(i, policy)| {
            let amount = u32::try_from(policy.value).unwrap_or(0);
            if !(1..=MOST_REPLICAS).contains(&amount) || !(1..=1800).contains(&policy.period_seconds) {
                p.add(
                    format!("{field}.policies[{i}]"),
                    format!(
                        "value {} must be from 1 to {MOST_REPLICAS} and periodSeconds {} from 1 to 1800",
                        policy.value, policy.period_seconds
                    ),
                );
            }
            RatePolicy {
                amount: match policy.kind {
                    HpaPolicyType::Pods => Amount::Pods(amount),
                    HpaPolicyType::Percent => Amount::Percent(amount),
                },
                period: SignedDuration::from_secs(i64::from(policy.period_seconds)),
            }
        });
        each.collect()
    });
    ScalingRules {
        stabilization,
        policies: policies.unwrap_or(default.policies),
        select: match spec.select_policy {
            None | Some(HpaSelectPolicy::Max) => SelectPolicy::Max,
            Some(HpaSelectPolicy::Min) => SelectPolicy::Min,
            Some(HpaSelectPolicy::Disabled) => SelectPolicy::Disabled,
        },
        tolerance,
        cooldown,
    }
}
