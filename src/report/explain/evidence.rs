//! The evidence: what each source asks for, each limit, the conditions that are not as they should be, the forecast.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::adaptive;
use super::answer::{counted, sentence};
use super::freshness;
use super::names::{limit_kind, source};
use super::schedules::sets;
use super::types::{Forecast, Limit, Proposal};
use super::view::View;
use crate::api::PredictionModeSpec;
use crate::api::status::{ForecastStatus, ProposalStatus};
use crate::engine::decision::{self, Basis, LimitKind, Outcome, Source};
use crate::report::status::{ABLE_TO_SCALE, SCALING_ACTIVE, SCALING_LIMITED, reason};
use crate::report::words::{self, ago, instant, number};

/// Conditions that are well when False; any other is well when True.
const WELL_WHEN_FALSE: [&str; 4] = ["ScalingLimited", "Conflicted", "ReplicasContested", "Bottlenecked"];

pub(super) fn proposals(view: &View<'_>) -> Vec<Proposal> {
    let Some(told) = &view.status.decision else {
        return Vec::new();
    };
    let known = view.known();
    let each = told.proposals.iter().map(|p| {
        let typed = known.as_ref().and_then(|k| {
            let mut all = k.decision.proposals.iter();
            let same = all.find(|t| t.source.kind() == p.source && t.source.name() == p.name)?;
            Some((same, k.decision.at))
        });
        Proposal {
            kind: p.source.clone(),
            name: p.name.clone(),
            value: value(view, p),
            target: target(view, p),
            replicas: p.replicas,
            winner: told.winner.as_deref() == Some(&*format!("{}/{}", p.source, p.name)),
            reason: p.reason.clone(),
            note: match typed {
                Some((typed, at)) => note(view, p, typed, at),
                None => Some(p.reason.clone()),
            },
        }
    });
    each.collect()
}

/// The number behind a proposal, where it has one of its own.
fn value(view: &View<'_>, told: &ProposalStatus) -> Option<f64> {
    let text = match source(&told.source, &told.name)? {
        Source::Metric(name) => {
            let metric = view.status.metrics.iter().find(|m| *m.name == *name)?;
            metric.value.as_deref()?
        }
        // A bound that is not trusted is none.
        Source::Forecast(_) => view.status.forecast.as_ref().filter(|f| f.trusted)?.upper.as_deref()?,
        Source::Schedule(_) | Source::Fallback | Source::Baseline => return None,
    };
    text.parse().ok()
}

/// What the value is compared with, or what the schedule sets.
fn target(view: &View<'_>, told: &ProposalStatus) -> Option<String> {
    let policy = view.policy.as_ref().ok()?;
    match source(&told.source, &told.name)? {
        Source::Forecast(_) if adaptive::plans(view) => adaptive::target(view),
        Source::Metric(name) | Source::Forecast(name) => {
            let text = words::target(policy, &name);
            Some(text.strip_prefix("target ").map_or(text.clone(), str::to_owned))
        }
        Source::Schedule(name) => policy.schedules.iter().find(|s| s.name == name).map(sets),
        Source::Fallback => policy.fallback.map(|f| format!("at least {}", f.replicas)),
        Source::Baseline => Some(format!("at least {}", policy.bounds.min)),
    }
}

/// What the columns do not say.
fn note(view: &View<'_>, told: &ProposalStatus, typed: &decision::Proposal, at: Timestamp) -> Option<String> {
    let warming = view.status.schedules.iter().any(|s| s.name == told.name && s.warming);
    let text = match (&typed.outcome, &typed.source) {
        (Outcome::Replicas { .. }, Source::Schedule(_)) if warming => &told.reason,
        (Outcome::Replicas { .. }, Source::Schedule(_)) if freshness::is_past(view) => "its window was open",
        (Outcome::Replicas { .. }, Source::Schedule(_)) => "its window is open",
        (Outcome::Replicas { .. }, Source::Baseline) => "minReplicas, for a policy without metrics",
        (Outcome::Replicas { basis, .. }, Source::Metric(_)) => return based(*basis, at),
        (Outcome::Replicas { .. }, Source::Fallback) => "a metric has had no usable value for too long",
        (Outcome::Replicas { basis, .. }, Source::Forecast(_)) => adaptive::note(*basis),
        (Outcome::Replaced { .. }, _) => adaptive::REPLACED,
        (Outcome::Preview { .. }, _) => "preview: shown, not acted upon",
        (Outcome::Abstains(_) | Outcome::Invalid(_), _) => &told.reason,
    };
    Some(text.to_owned())
}

/// What the count has to do with the value, where it is not simply in proportion.
fn based(basis: Basis, at: Timestamp) -> Option<String> {
    let text = match basis {
        // The plan's words are the forecast's own.
        Basis::Proportion | Basis::Planned { .. } => return None,
        Basis::Tolerance => "within tolerance: no change",
        Basis::Above => "above its threshold: a step up",
        Basis::Below => "below its threshold: a step down",
        Basis::Band => "between its thresholds: no change",
        Basis::Idle => "idle: no replica is needed",
        Basis::Awake => "above its activation value: one replica at least",
        Basis::Held => "some pods have no sample: no change",
        Basis::Cooling { until } => {
            let until = words::instant(until, at);
            return Some(format!("beyond its threshold, but its own cooldown runs until {until}"));
        }
    };
    Some(text.to_owned())
}

pub(super) fn limits(view: &View<'_>) -> Vec<Limit> {
    let Some(told) = &view.status.decision else {
        return Vec::new();
    };
    let known = view.known();
    let each = told.limits.iter().map(|l| {
        // In the typed decision are the limits that this release knows, in the same order.
        let why = known.as_ref().zip(limit_kind(&l.reason)).and_then(|(k, kind)| {
            let mut all = k.decision.limits.iter();
            let typed = all.find(|t| t.kind == kind && i32::try_from(t.before) == Ok(l.before))?;
            Some(words::limit(k.policy, &k.decision, typed))
        });
        Limit {
            reason: l.reason.clone(),
            before: l.before,
            after: l.after,
            until: l.until.clone(),
            why: why.unwrap_or_else(|| l.reason.clone()),
        }
    });
    each.collect()
}

pub(super) fn conditions(view: &View<'_>) -> Vec<Condition> {
    let well = |c: &&Condition| {
        let good = if WELL_WHEN_FALSE.contains(&&*c.type_) {
            "False"
        } else {
            "True"
        };
        c.status == good
    };
    let all = view.status.conditions.iter();
    all.filter(|c| !well(c)).cloned().collect()
}

/// Whether a condition is so because somebody set it so, or because a limit does what it is for; nothing is broken.
pub(super) fn as_set(condition: &Condition) -> bool {
    let because = &*condition.reason;
    match (&*condition.type_, &*condition.status) {
        (SCALING_LIMITED, "True") => because != LimitKind::MetricInvalid.as_str(),
        (ABLE_TO_SCALE, "False") => because == reason::BACKOFF_BOTH,
        (SCALING_ACTIVE, "False") => [reason::PAUSED, reason::DRY_RUN, reason::SCALING_DISABLED].contains(&because),
        _ => false,
    }
}

pub(super) fn forecast(view: &View<'_>) -> Option<Forecast> {
    let asked = view.object.spec.prediction.as_ref()?;
    let status = view.status.forecast.clone();
    let sentences = match &status {
        None => vec!["No forecast has been made yet.".to_owned()],
        Some(told) => forecast_sentences(view, told, asked.mode),
    };
    Some(Forecast {
        metric: asked.metric.clone(),
        mode: asked.mode,
        sentences,
        status,
    })
}

fn forecast_sentences(view: &View<'_>, told: &ForecastStatus, mode: PredictionModeSpec) -> Vec<String> {
    let acts = match mode {
        PredictionModeSpec::Preview => "in Preview it is shown and never acted upon",
        PredictionModeSpec::ScaleOut => "in ScaleOut it can raise the count and never lower it",
        PredictionModeSpec::Adaptive => adaptive::ACTS,
    };
    let mut sentences = vec![match &told.reason {
        None if told.trusted => format!("Trusted; {acts}."),
        None => format!("Not trusted; {acts}."),
        Some(why) if mode == PredictionModeSpec::Adaptive => sentence(&format!("{}: {why}", adaptive::DISTRUSTED)),
        Some(why) => sentence(&format!("Not trusted, so it asks for nothing: {why}")),
    }];
    if mode == PredictionModeSpec::Adaptive && told.basis.is_some() {
        sentences.extend(adaptive::acting(view, told));
    } else {
        sentences.extend(point(view, told));
    }
    sentences.extend(adaptive::sentences(view, told, mode));
    sentences
}

/// The point forecast that acts, or is shown: its load and bound, how good it is, and what carried it.
fn point(view: &View<'_>, told: &ForecastStatus) -> Vec<String> {
    let parsed = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<f64>().ok());
    let mut sentences = Vec::new();
    let bound = parsed(&told.value).zip(parsed(&told.upper));
    if let Some((value, upper)) = bound.filter(|_| told.trusted) {
        let asks = told.replicas.map_or(String::new(), |n| {
            format!(", which takes {}", counted(u32::try_from(n).unwrap_or(0)))
        });
        sentences.push(format!(
            "Until {} ({}) the load is expected to reach {}, and likely no more than {}{asks}.",
            instant(told.at.0, view.now),
            ago(told.at.0, view.now),
            number(value),
            number(upper)
        ));
    }
    let error = told.error.as_ref().and_then(|e| {
        let percent = |text: &str| Some(number(100.0 * text.parse::<f64>().ok()?));
        let (model, naive) = (percent(&e.model)?, percent(&e.naive)?);
        Some(format!(
            "Average error of its past forecasts: {model} % (simple baseline: {naive} %). "
        ))
    });
    let (have, need) = (told.samples.have, told.samples.need);
    let enough = match have >= need {
        true => "enough".to_owned(),
        false => format!(
            "trust may come in {} h, if the load is seen without a gap",
            hours(need - have)
        ),
    };
    // Before there is enough history no model was tested.
    let tested = have >= need;
    let model = if tested {
        format!("Model: {}. ", model(&told.model))
    } else {
        String::new()
    };
    sentences.push(format!(
        "{model}{}History: {} h, at least {} h required: {enough}.",
        error.filter(|_| tested).unwrap_or_default(),
        hours(have),
        hours(need)
    ));
    sentences.extend(carried(told).filter(|_| tested));
    sentences
}

/// Hours of five-minute samples.
pub(super) fn hours(samples: i64) -> String {
    number((samples as f64 / 1.2).round() / 10.0)
}

/// `Carried by: time of day +12 %, recent load -3 %`, what rounds to nothing left out.
pub(super) fn carried(told: &ForecastStatus) -> Option<String> {
    let each = told.features.iter().filter_map(|f| {
        let percent = (1000.0 * f.effect.parse::<f64>().ok()?).round() / 10.0;
        let name = match &*f.name {
            "time-of-day" => "time of day",
            "day-of-week" => "day of the week",
            "recent-load" => "recent load",
            "earlier-days" => "same time on earlier days",
            other => other,
        };
        let sign = if percent > 0.0 { "+" } else { "" };
        (percent != 0.0).then(|| format!("{name} {sign}{} %", number(percent)))
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| {
        format!(
            "The linear regression is carried by: {} (against an average moment).",
            each.join(", ")
        )
    })
}

/// The model in plain words; one of a later release by its name.
fn model(name: &str) -> &str {
    match name {
        "linear-regression" => "linear regression",
        "damped-regression" => "half the last known load, half the linear regression",
        "seasonal-naive-1d" => "as yesterday at the same time",
        "seasonal-naive-7d" => "as a week ago at the same time",
        "last-value" => "the last known load goes on",
        other => other,
    }
}
