//! Raw to validated: `api::ScalingPolicySpec` in, `engine::Policy` out, parsed once.
//!
//! The API server has already enforced schema and CEL; this re-checks what a policy from a file (`simulate`) or from
//! an older CRD could break, and parses what CEL cannot: quantities, durations, cron, time zones. Every problem names
//! the field, the value and the remedy; all of them are reported, not only the first. Pure. PromQL is checked by the
//! Prometheus server itself, at the first query.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use k8s_openapi::apimachinery::pkg::api::resource;
use kube_quantity::ParsedQuantity;

use crate::api::{
    Duration, HpaPolicyType, HpaScalingRules, HpaSelectPolicy, LeadTime, MetricSpec, Number, PolicyBehavior,
    PolicyMode, PredictionModeSpec, PredictionSpec, ScalingPolicySpec, ScheduleSpec,
};
use crate::engine::policy::{
    Amount, Behavior, Bounds, End, Lead, Metric, Mode, Policy, Prediction, PredictionMode, RatePolicy, ScalingRules,
    Schedule, SelectPolicy, Target,
};

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
        min: p.replicas("minReplicas", spec.min_replicas),
        max: p.replicas("maxReplicas", spec.max_replicas),
    };
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
    let metrics: Vec<Metric> = spec.metrics.iter().filter_map(|m| metric(m, &mut p)).collect();
    let schedules: Vec<Schedule> = spec.schedules.iter().filter_map(|s| schedule(s, &mut p)).collect();
    p.unique("metrics", spec.metrics.iter().map(|m| m.name.as_str()));
    p.unique("schedules", spec.schedules.iter().map(|s| s.name.as_str()));
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
    let prediction = spec.prediction.as_ref().and_then(|s| prediction(s, &metrics, &mut p));
    let interval = p.duration("interval", &spec.interval, 1, 3600);
    let behavior = behavior(&spec.behavior, &mut p);
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
        behavior,
    })
}

fn metric(spec: &MetricSpec, p: &mut Problems) -> Option<Metric> {
    let field = format!("metrics[{}].target", spec.name);
    let target = match (&spec.target.value, &spec.target.average_value) {
        (Some(value), None) => Target::Value(p.positive(&format!("{field}.value"), &value.0)?),
        (None, Some(value)) => Target::AverageValue(p.positive(&format!("{field}.averageValue"), &value.0)?),
        _ => {
            p.add(field, "must have exactly one of value and averageValue");
            return None;
        }
    };
    if spec.prometheus.query.trim().is_empty() {
        p.add(
            format!("metrics[{}].prometheus.query", spec.name),
            "is empty; write a PromQL query that returns one number",
        );
    }
    Some(Metric {
        name: spec.name.as_str().into(),
        target,
    })
}

fn schedule(spec: &ScheduleSpec, p: &mut Problems) -> Option<Schedule> {
    let field = |name: &str| format!("schedules[{}].{name}", spec.name);
    let zone = p.zone(&field("timeZone"), &spec.time_zone);
    let start = p.cron(&field("start"), &spec.start);
    let end = match (&spec.end, &spec.duration) {
        (Some(end), None) if end.trim() == spec.start.trim() => {
            p.add(
                field("end"),
                format!("{end:?} equals start, so the window would be empty; use duration"),
            );
            None
        }
        (Some(end), None) => p.cron(&field("end"), end).map(End::At),
        (None, Some(duration)) => Some(End::After(p.duration(field("duration"), duration, 60, 366 * 86_400))),
        _ => {
            p.add(
                field("end"),
                "must have exactly one of end (a cron expression) and duration (such as 10h)",
            );
            None
        }
    };
    let mut count = |name: &str, value: Option<i32>| value.map(|v| p.replicas(field(name), v));
    let (floor, ceiling) = match count("replicas", spec.replicas) {
        Some(exact) => (Some(exact), Some(exact)),
        None => (
            count("minReplicas", spec.min_replicas),
            count("maxReplicas", spec.max_replicas),
        ),
    };
    if floor.is_none() && ceiling.is_none() {
        p.add(
            field("replicas"),
            "must have minReplicas and/or maxReplicas, or replicas for an exact count",
        );
    }
    if let (Some(floor), Some(ceiling)) = (floor, ceiling)
        && floor > ceiling
    {
        p.add(
            field("minReplicas"),
            format!("{floor} exceeds the schedule's maxReplicas ({ceiling})"),
        );
    }
    Some(Schedule {
        name: spec.name.as_str().into(),
        zone: zone?,
        start: start?,
        end: end?,
        floor,
        ceiling,
    })
}

fn prediction(spec: &PredictionSpec, metrics: &[Metric], p: &mut Problems) -> Option<Prediction> {
    let metric = metrics.iter().position(|m| *m.name == *spec.metric);
    match metric.map(|i| metrics[i].target) {
        None => {
            let names: Vec<&str> = metrics.iter().map(|m| &*m.name).collect();
            p.add(
                "prediction.metric",
                format!(
                    "{:?} is not the name of a metric; there is: {}",
                    spec.metric,
                    names.join(", ")
                ),
            );
        }
        Some(Target::Value(_)) => p.add(
            "prediction.metric",
            format!(
                "{:?} has a value target; a forecast needs an averageValue target on a total load",
                spec.metric
            ),
        ),
        Some(Target::AverageValue(_)) => {}
    }
    let history = p.duration("prediction.history", &spec.history, 3 * 86_400, 35 * 86_400);
    let lead = match &spec.lead_time {
        LeadTime(text) if text == "auto" => Lead::Auto,
        LeadTime(text) => Lead::Fixed(p.duration("prediction.leadTime", &Duration(text.clone()), 30, 3600)),
    };
    Some(Prediction {
        metric: metric?,
        mode: match spec.mode {
            PredictionModeSpec::Preview => PredictionMode::Preview,
            PredictionModeSpec::ScaleOut => PredictionMode::ScaleOut,
        },
        lead,
        history,
    })
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
        let each = list.iter().enumerate().map(|(i, policy)| {
            let amount = u32::try_from(policy.value).unwrap_or(0);
            if amount == 0 || !(1..=1800).contains(&policy.period_seconds) {
                p.add(
                    format!("{field}.policies[{i}]"),
                    format!(
                        "value {} must be above 0 and periodSeconds {} from 1 to 1800",
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

/// A duration in Prometheus' style (`15s`, `1h30m`, `28d`); a day is 24 hours, a week seven days.
///
/// # Errors
/// The parser's own words.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let span = Span::from_str(text).map_err(|e| e.to_string())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|e| e.to_string())
}

/// A Kubernetes quantity as a number.
fn quantity(value: &Number) -> Option<f64> {
    match value {
        // Above 2⁵³ a float is off by less than one part in 10¹⁵.
        Number::Int(i) => Some(*i as f64),
        Number::String(s) => ParsedQuantity::try_from(resource::Quantity(s.clone()))
            .ok()?
            .to_bytes_f64(),
    }
}

/// Collects problems while parsing goes on with a harmless stand-in, so that all of them are reported at once.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            field: field.into(),
            message: message.into(),
        });
    }

    fn finish(self, policy: Policy) -> Result<Policy, Invalid> {
        if self.0.is_empty() {
            Ok(policy)
        } else {
            Err(Invalid(self.0))
        }
    }

    fn replicas(&mut self, field: impl Into<String>, value: i32) -> u32 {
        match u32::try_from(value) {
            Ok(n) if n > 0 => n,
            _ => {
                self.add(
                    field,
                    format!("{value} is not a replica count; give a number from 1 up"),
                );
                1
            }
        }
    }

    fn unique<'a>(&mut self, list: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if !seen.insert(name) {
                self.add(
                    format!("{list}[{name}].name"),
                    format!("{name:?} is used twice; names are unique in a policy"),
                );
            }
        }
    }

    fn positive(&mut self, field: &str, value: &Number) -> Option<f64> {
        let number = quantity(value).filter(|v| v.is_finite() && *v > 0.0);
        if number.is_none() {
            self.add(
                field,
                format!(
                    "{} is not a quantity above 0, such as 1000, \"0.5\" or \"500m\"",
                    shown(value)
                ),
            );
        }
        number
    }

    fn not_negative(&mut self, field: &str, value: &Number) -> Option<f64> {
        let number = quantity(value).filter(|v| v.is_finite() && *v >= 0.0);
        if number.is_none() {
            self.add(
                field,
                format!("{} is not a quantity from 0 up, such as \"0.1\"", shown(value)),
            );
        }
        number
    }

    fn duration(&mut self, field: impl Into<String>, text: &Duration, least: i64, most: i64) -> SignedDuration {
        let (least, most) = (SignedDuration::from_secs(least), SignedDuration::from_secs(most));
        match duration(&text.0) {
            Ok(d) if d >= least && d <= most => d,
            Ok(_) => {
                self.add(
                    field,
                    format!(
                        "{:?} is out of range; give a duration from {least:#} to {most:#}",
                        text.0
                    ),
                );
                least
            }
            Err(_) => {
                self.add(
                    field,
                    format!("{:?} is not a duration such as 15s, 5m, 1h30m or 28d", text.0),
                );
                least
            }
        }
    }

    fn cron(&mut self, field: &str, text: &str) -> Option<Cron> {
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        match parser.parse(text) {
            Ok(cron) => Some(cron),
            Err(e) => {
                let remedy =
                    "give five fields: minute, hour, day of month, month, day of week, such as \"0 8 * * MON-FRI\"";
                self.add(field, format!("{text:?} is not a cron expression ({e}); {remedy}"));
                None
            }
        }
    }

    fn zone(&mut self, field: &str, name: &str) -> Option<TimeZone> {
        match TimeZone::get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                self.add(
                    field,
                    format!("{name:?} is not a known IANA time zone, such as Europe/Zurich or UTC"),
                );
                None
            }
        }
    }
}

fn shown(value: &Number) -> String {
    match value {
        Number::Int(i) => i.to_string(),
        Number::String(s) => format!("{s:?}"),
    }
}
