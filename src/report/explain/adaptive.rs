//! What is told of an Adaptive forecast: read back from the status, and in words.
//!
//! Neighbours: `view` (the typed decision), `answer` and `evidence` (the parts that it adds to).

use super::answer::{counted, sentence};
use super::evidence::{carried, hours};
use super::view::View;
use crate::api::PredictionModeSpec;
use crate::api::status::{ForecastStatus, ScalingPolicyStatus, ShortfallStatus};
use crate::engine::decision::{Basis, Decision, Outcome};
use crate::report::status::{OBJECTIVE_MET, condition};
use crate::report::words::forecast::{beside, percent};
use crate::report::words::{ago, instant, number};

/// The note on a metric whose target is replaced.
pub(super) const REPLACED: &str = "the fixed target would say this; the forecast has taken its place";
/// What the mode means.
pub(super) const ACTS: &str = "in Adaptive it takes the place of the metric's target, and may lower the count";
/// What comes of doubt.
pub(super) const DISTRUSTED: &str = "Not trusted, so the metric's target rules";

/// The note on the forecast's own count.
pub(super) fn note(basis: Basis) -> &'static str {
    match basis {
        Basis::Planned { .. } => "the load to be ready for, in place of the metric's target",
        _ => "the load may rise to this",
    }
}

/// What the answer adds where a plan rules: what the fixed target would say, and who asks for more than the plan.
pub(super) fn answer(decision: &Decision) -> Option<String> {
    let clauses = beside(decision);
    (!clauses.is_empty()).then(|| clauses.join("; "))
}

/// Whether a plan rules.
pub(super) fn plans(view: &View<'_>) -> bool {
    let adaptive = |p: &crate::api::PredictionSpec| p.mode == PredictionModeSpec::Adaptive;
    let trusted = view.status.forecast.as_ref().is_some_and(|f| f.trusted);
    trusted && view.object.spec.prediction.as_ref().is_some_and(adaptive)
}

/// The load that a plan which rules is ready for, and what it counts with for one replica.
pub(super) fn ready_for(view: &View<'_>) -> Option<(f64, f64)> {
    let told = view.status.forecast.as_ref().filter(|_| plans(view))?;
    let capacity = told.capacity.as_ref()?.in_use.parse().ok()?;
    Some((told.upper.as_ref()?.parse().ok()?, capacity))
}

/// What the plan divides by.
pub(super) fn target(view: &View<'_>) -> Option<String> {
    let capacity = view.status.forecast.as_ref()?.capacity.as_ref()?;
    Some(format!("{} per replica", number(capacity.in_use.parse().ok()?)))
}

/// The plan's proposal as the engine made it.
pub(super) fn planned(status: &ScalingPolicyStatus, replicas: u32, value: f64) -> Outcome {
    let forecast = status.forecast.as_ref();
    let parse = |text: &String| text.parse::<f64>().ok();
    let capacity = forecast
        .and_then(|f| f.capacity.as_ref())
        .and_then(|c| parse(&c.in_use));
    let margin = forecast.and_then(|f| f.margin.as_ref()).and_then(parse);
    let basis = match capacity.zip(margin) {
        // A plan that needs nobody replaces no target.
        _ if replicas == 0 => Basis::Idle,
        Some((capacity, margin)) => Basis::Planned { capacity, margin },
        None => Basis::Proportion,
    };
    Outcome::Replicas { replicas, value, basis }
}

/// A metric's proposal, marked where the plan has taken its place.
pub(super) fn or_replaced(
    status: &ScalingPolicyStatus,
    metric: &str,
    replicas: u32,
    value: f64,
    basis: Basis,
) -> Outcome {
    let told = status.decision.iter().flat_map(|d| &d.proposals);
    let mut same = told.filter(|p| p.source == "metric" && p.name == metric);
    if same.any(|p| p.replaced) {
        Outcome::Replaced { replicas, value, basis }
    } else {
        Outcome::Replicas { replicas, value, basis }
    }
}

/// The plan that acts, or would if it were trusted: what it rests on, what it is ready for, and what carried it.
pub(super) fn acting(view: &View<'_>, told: &ForecastStatus) -> Vec<String> {
    let mut sentences = Vec::new();
    let parsed = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<f64>().ok());
    let loads = parsed(&told.value).zip(parsed(&told.upper));
    match loads.zip(rests(view, told)).filter(|_| told.trusted) {
        Some(((value, upper), (basis, margin, capacity))) => {
            let asks = told.replicas.map_or(String::new(), |n| {
                let n = counted(u32::try_from(n).unwrap_or(0));
                format!(", for which it asks for {n}{capacity}")
            });
            sentences.push(format!(
                "Until {} ({}) the load is expected to reach {}: the plan rests on {basis}. With a margin of {margin} for the \
                 objective it is ready for {}{asks}.",
                instant(told.at.0, view.now),
                ago(told.at.0, view.now),
                number(value),
                number(upper)
            ));
        }
        None => sentences.extend(would_rest(view, told, "If it were trusted, the plan")),
    }
    if told.basis.as_deref().is_some_and(|b| b.ends_with("-regression")) {
        sentences.extend(carried(told));
    }
    let (have, need) = (told.samples.have, told.samples.need);
    let joins = format!("; the linear regression is not weighed before {} h", hours(need));
    let joins = if have < need { joins } else { String::new() };
    sentences.push(format!("History: {} h{joins}.", hours(have)));
    sentences
}

/// What the plan rests on, its margin, and ` at 250 per replica`.
fn rests<'a>(view: &View<'_>, told: &'a ForecastStatus) -> Option<(&'a str, String, String)> {
    let margin = told.margin.as_deref()?.parse().ok()?;
    let capacity = target(view).map_or(String::new(), |t| format!(" at {t}"));
    Some((basis(told.basis.as_deref()?), percent(margin), capacity))
}

fn would_rest(view: &View<'_>, told: &ForecastStatus, who: &str) -> Option<String> {
    let (basis, margin, capacity) = rests(view, told)?;
    let comma = if capacity.is_empty() { "" } else { "," };
    Some(format!(
        "{who} would rest on {basis}, with a margin of {margin} for the objective{comma}{capacity}."
    ))
}

/// What Adaptive would do where it does not act, the objective and its price, where there is a capacity.
pub(super) fn sentences(view: &View<'_>, told: &ForecastStatus, mode: PredictionModeSpec) -> Vec<String> {
    let mut sentences = Vec::new();
    if mode != PredictionModeSpec::Adaptive {
        sentences.extend(would_rest(view, told, "Adaptive"));
    }
    if let Some(would) = &told.adaptive {
        sentences.push(match (&would.reason, would.replicas) {
            (None, Some(n)) => format!("Adaptive would ask for {}.", counted(u32::try_from(n).unwrap_or(0))),
            (why, _) => sentence(&format!(
                "Adaptive would leave it to the metric's target: {}",
                why.as_deref().unwrap_or("it is not trusted")
            )),
        });
    }
    match condition(&view.status, OBJECTIVE_MET) {
        Some(c) => sentences.push(sentence(&format!("objective {}: {}", c.reason, c.message))),
        None => sentences.extend(told.shortfall.as_ref().and_then(short)),
    }
    let price: Vec<(String, String)> = told
        .price
        .iter()
        .filter_map(|p| {
            let (shortfall, margin) = (p.shortfall.parse().ok()?, p.margin.parse().ok()?);
            Some((percent(margin), percent(shortfall)))
        })
        .collect();
    if !price.is_empty() {
        let each = price.iter().map(|(margin, short)| format!("of {short}: {margin}"));
        let each: Vec<String> = each.collect();
        sentences.push(format!(
            "Mean margin over the load for a shortfall {}.",
            each.join("; ")
        ));
    }
    sentences
}

/// The shortfall alone, where a status of another release has no condition about it.
fn short(told: &ShortfallStatus) -> Option<String> {
    let achieved = percent(told.achieved.as_deref()?.parse().ok()?);
    Some(format!("Short {achieved} of the time that was watched."))
}

/// What the margin stands on, in plain words; one of a later release by its name.
fn basis(name: &str) -> &str {
    match name {
        "trend" => "the last load and its slope",
        "growth" => "the last load and what followed it at this time on earlier days",
        "volatility" => "the last load and its usual movement",
        "daily-regression" => "half the last load and half the linear regression on the day",
        "weekly-regression" => "half the last load and half the linear regression on the week",
        other => other,
    }
}
