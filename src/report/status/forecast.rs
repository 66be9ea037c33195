//! `status.forecast`: the forecast that acts, or that would, with what its objective costs.
//!
//! In mode Adaptive the plan acts, so bound, count and trust are the plan's; in the other modes they are the forecast's,
//! and what Adaptive would do stands beside them. [`learnt`] reads back what no history can tell again.

use super::{Decided, decimal, finite, proposed, time, words};
use crate::api::status::{
    AdaptiveStatus, CapacityStatus, FeatureStatus, ForecastErrorStatus, ForecastStatus, PriceStatus, SampleCount,
    ScalingPolicyStatus, ShortfallStatus,
};
use crate::engine::decision::{Abstention, Outcome, Proposal, Source};
use crate::engine::forecast::{Effects, Feature, Forecast, Plan, Trust};
use crate::engine::policy::PredictionMode;
use crate::engine::propose::predicted;

/// The bound of `status.forecast.price`.
const MOST_PRICES: usize = 32;

pub(super) fn status(forecast: &Forecast, d: &Decided<'_>) -> ForecastStatus {
    let by_forecast = |p: &&Proposal| matches!(p.source, Source::Forecast(_));
    let plan = forecast.plan.as_ref();
    let adaptive = adaptive(d);
    let acts = plan.filter(|_| adaptive);
    let (value, upper) = match acts {
        Some(plan) => (plan.value, plan.upper),
        None => (forecast.value, forecast.upper),
    };
    let reason = doubt(trust(forecast, d));
    let samples = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    ForecastStatus {
        at: time(forecast.at),
        lead_seconds: forecast.at.duration_since(d.decision.at).as_secs(),
        model: forecast.model.to_string(),
        value: finite(value),
        upper: finite(upper),
        replicas: d
            .decision
            .proposals
            .iter()
            .find(by_forecast)
            .and_then(|p| proposed(&p.outcome)),
        trusted: reason.is_none(),
        reason,
        samples: SampleCount {
            have: samples(forecast.samples.have),
            need: samples(forecast.samples.need),
        },
        error: forecast.error.map(|e| ForecastErrorStatus {
            model: decimal(e.model),
            naive: decimal(e.naive),
        }),
        features: forecast.effects.map_or_else(Vec::new, features),
        basis: plan.map(|p| p.basis.to_string()),
        margin: plan.and_then(|p| finite(p.margin)),
        capacity: plan.map(|p| CapacityStatus {
            believed: decimal(p.capacity.believed),
            in_use: decimal(p.capacity.in_use),
        }),
        shortfall: plan.map(|p| ShortfallStatus {
            objective: decimal(p.shortfall.objective),
            achieved: p.shortfall.achieved.and_then(finite),
            watched_seconds: p.shortfall.watched.as_secs(),
        }),
        within_reach: plan.map(|p| p.shortfall.within_reach),
        price: plan.map_or_else(Vec::new, prices),
        adaptive: plan.filter(|_| !adaptive).and_then(|p| would(p, d)),
    }
}

/// The verdict on what acts, or would: the plan in mode Adaptive, else the forecast; `None` while there is no plan and
/// nothing that keeps one from being made.
pub(super) fn trust<'a>(forecast: &'a Forecast, d: &Decided<'_>) -> Option<&'a Trust> {
    match &forecast.plan {
        Some(plan) if adaptive(d) => Some(&plan.trust),
        None if adaptive(d) => Some(&forecast.trust).filter(|trust| !trust.is_trusted()),
        _ => Some(&forecast.trust),
    }
}

fn adaptive(d: &Decided<'_>) -> bool {
    let prediction = d.policy.prediction.as_ref();
    prediction.is_some_and(|p| p.mode == PredictionMode::Adaptive)
}

fn doubt(trust: Option<&Trust>) -> Option<String> {
    match trust {
        Some(Trust::Trusted) => None,
        Some(Trust::Abstains(why)) => Some(words::clip(why.to_string(), words::REASON_BYTES)),
        None => Some("no plan was made yet".to_owned()),
    }
}

/// What Adaptive would ask for: the engine is asked, so that it is what it would do.
fn would(plan: &Plan, d: &Decided<'_>) -> Option<AdaptiveStatus> {
    let metric = d.policy.metrics.get(d.policy.prediction.as_ref()?.metric)?;
    let outcome = predicted::planned(d.policy, metric, plan, d.decision.current);
    let reason = match &outcome {
        Outcome::Abstains(Abstention::Forecast(why)) => Some(words::clip(why.to_string(), words::REASON_BYTES)),
        _ => None,
    };
    Some(AdaptiveStatus {
        upper: finite(plan.upper),
        replicas: proposed(&outcome),
        trusted: reason.is_none(),
        reason,
    })
}

/// The effects in tenths of a percent, the largest first. What rounds to nothing is left out: of a load at rest only
/// rounding errors would move, and each would be worth a write.
fn features(effects: Effects) -> Vec<FeatureStatus> {
    let tenths = |growth: f64| (1000.0 * growth.exp_m1()).round();
    let mut all: Vec<(Feature, f64)> = Feature::ALL.into_iter().zip(effects.of.map(tenths)).collect();
    all.retain(|(_, tenths)| *tenths != 0.0);
    all.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    let each = all.into_iter().filter_map(|(feature, tenths)| {
        Some(FeatureStatus {
            name: feature.as_str().to_owned(),
            effect: finite(tenths / 1000.0)?,
        })
    });
    each.collect()
}

/// The capacity in use that the status remembers, where it was learnt of this believed one: neither ready replicas nor the
/// signal are in the history that a restart reads.
pub fn learnt(status: Option<&ScalingPolicyStatus>, believed: f64) -> Option<f64> {
    let capacity = status?.forecast.as_ref()?.capacity.as_ref()?;
    let in_use = capacity.in_use.parse::<f64>().ok()?;
    (capacity.believed == decimal(believed) && in_use < believed).then_some(in_use)
}

fn prices(plan: &Plan) -> Vec<PriceStatus> {
    let each = plan.price.iter().take(MOST_PRICES).map(|price| PriceStatus {
        shortfall: decimal(price.shortfall),
        margin: decimal(price.margin),
    });
    each.collect()
}
