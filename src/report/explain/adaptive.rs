//! What is told of an Adaptive forecast: read back from the status, and in words.
//!
//! Neighbours: `view` (the typed decision), `answer` and `evidence` (the parts that it adds to).

use super::answer::{counted, sentence};
use super::view::View;
use crate::api::PredictionModeSpec;
use crate::api::status::{ForecastStatus, ScalingPolicyStatus, ShortfallStatus};
use crate::engine::decision::{Basis, Decision, Outcome};
use crate::report::status::{OBJECTIVE_MET, condition};
use crate::report::words::forecast::{beside, percent};
use crate::report::words::number;

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

/// The margin, the objective and its price, where there is a capacity.
pub(super) fn sentences(view: &View<'_>, told: &ForecastStatus) -> Vec<String> {
    let fraction = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<f64>().ok()).map(percent);
    let mut sentences = Vec::new();
    if let Some((margin, basis)) = fraction(&told.margin).zip(told.basis.as_deref()) {
        let target = target(view).map_or(String::new(), |t| format!(", at {t}"));
        sentences.push(format!(
            "The objective needs a margin of {margin} over {}{target}.",
            self::basis(basis)
        ));
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
    let price: Vec<String> = told
        .price
        .iter()
        .filter_map(|p| {
            let (shortfall, margin) = (p.shortfall.parse().ok()?, p.margin.parse().ok()?);
            Some(format!("{} for {}", percent(margin), percent(shortfall)))
        })
        .collect();
    if !price.is_empty() {
        sentences.push(format!("Margin that a shortfall would take: {}.", price.join(", ")));
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
        "trend" => "the present load and its slope",
        "growth" => "the growth of the last days at this time",
        "volatility" => "the present load and its usual movement",
        "daily-regression" => "the linear regression on the day",
        "weekly-regression" => "the linear regression on the week",
        other => other,
    }
}
