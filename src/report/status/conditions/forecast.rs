//! What is said of the forecast: `ForecastTrusted`, and `ObjectiveMet` where there is an objective.
//!
//! A verdict that wants time (a day watched) or a signal that has no value is Unknown, never a success.

use jiff::SignedDuration;

use super::super::{Decided, FORECAST_TRUSTED, OBJECTIVE_MET, ScalingPolicyStatus, forecast};
use super::{Verdict, condition, reason};
use crate::engine::forecast::{Abstention, Forecast, Plan, Samples, Trust};
use crate::engine::observation::{Failure, usable};
use crate::report::words::forecast::{corrected, eaten, percent};
use crate::report::words::{clip, number, span};

/// Less was watched than this: a share of a thousandth is a minute and a half of it.
const LEAST_WATCHED: SignedDuration = SignedDuration::from_hours(24);

/// Whether the forecast may be acted upon; only with a prediction.
pub(super) fn trusted(d: &Decided<'_>) -> Option<Verdict> {
    d.policy.prediction.as_ref()?;
    let (status, reason, message) = match d.forecast.map(|f| (f, forecast::trust(f, d))) {
        Some((f, Some(Trust::Trusted))) => (
            "True",
            reason::TRUSTED,
            format!(
                "the forecast may be acted upon; {} samples of 5 min{}",
                f.samples.have,
                errors(f)
            ),
        ),
        // It has the numbers itself.
        Some((f, Some(Trust::Abstains(why @ Abstention::TooLittleHistory(_))))) => {
            ("False", distrust(why), format!("{why}{}", errors(f)))
        }
        Some((f, Some(Trust::Abstains(why)))) => {
            let Samples { have, need } = f.samples;
            let samples = format!("; {have} samples of 5 min, {need} are needed");
            ("False", distrust(why), format!("{why}{samples}{}", errors(f)))
        }
        Some((_, None)) => ("Unknown", reason::NO_FORECAST, "no plan was made yet".to_owned()),
        // Not a loss of trust: after a restart the history has to be read again first.
        None => ("Unknown", reason::NO_FORECAST, "no forecast was made yet".to_owned()),
    };
    Some(Verdict {
        type_: FORECAST_TRUSTED,
        status,
        reason,
        message,
    })
}

/// `; off by 4 % on average, the best simple guess by 6 %`
fn errors(forecast: &Forecast) -> String {
    forecast.error.map_or(String::new(), |e| {
        let (model, naive) = (percent(e.model), percent(e.naive));
        format!("; off by {model} on average, the best simple guess by {naive}")
    })
}

fn distrust(why: &Abstention) -> &'static str {
    match why {
        Abstention::TooLittleHistory(_) => "TooLittleHistory",
        Abstention::Stale { .. } => "LoadStale",
        Abstention::NoHistory { .. } => "NoHistory",
        Abstention::ClockWentBack { .. } => "ClockWentBack",
        Abstention::WorseThanNaive(_) => "WorseThanNaive",
        Abstention::ShortOfTarget { .. } => "ShortOfTarget",
        Abstention::NoSignal { .. } => "NoSignal",
        Abstention::CapacityFarOff => "CapacityFarOff",
        // Whatever else a model can answer is no load.
        _ => "ForecastUnusable",
    }
}

/// Whether the objective is met; only with one.
pub(super) fn objective(d: &Decided<'_>, previous: Option<&ScalingPolicyStatus>) -> Option<Verdict> {
    d.policy.prediction.as_ref()?.objective?;
    let (status, reason, message) = match (d.forecast.and_then(|f| f.plan.as_ref()), failing(d)) {
        (Some(plan), failure) => judged(d, plan, failure),
        // After a restart the history has to be read again; until then the last verdict stands, and is no news.
        (None, _) if d.forecast.is_none() && known(previous).is_some() => return known(previous),
        (None, Some(failure)) => (
            "Unknown",
            reason::SIGNAL_FAILING,
            format!("{}; no plan was made yet", unseen(&failure)),
        ),
        (None, None) => ("Unknown", reason::NO_FORECAST, "no plan was made yet".to_owned()),
    };
    Some(Verdict {
        type_: OBJECTIVE_MET,
        status,
        reason,
        message,
    })
}

fn judged(d: &Decided<'_>, plan: &Plan, failure: Option<Failure>) -> (&'static str, &'static str, String) {
    let shortfall = plan.shortfall;
    let early = shortfall.watched < LEAST_WATCHED;
    let above = shortfall
        .achieved
        .is_some_and(|achieved| achieved > shortfall.objective);
    let so_far = so_far(plan);
    let lower = corrected(plan.capacity);
    let (status, reason, mut message) = match failure {
        _ if !shortfall.within_reach => (
            "False",
            reason::OUT_OF_REACH,
            format!("{}; {so_far}", out_of_reach(d, plan)),
        ),
        _ if above && !early => ("False", reason::SHORTFALL_ABOVE_OBJECTIVE, so_far),
        Some(failure) => (
            "Unknown",
            reason::SIGNAL_FAILING,
            format!("{}; {so_far}", unseen(&failure)),
        ),
        None if early => (
            "Unknown",
            reason::TOO_EARLY,
            format!("watched for less than a day: {so_far}"),
        ),
        None if lower => ("True", reason::CAPACITY_CORRECTED, so_far),
        None => ("True", reason::MET, so_far),
    };
    if lower {
        let (believed, in_use) = (number(plan.capacity.believed), number(plan.capacity.in_use));
        message = format!(
            "{message}; the signal told of a shortage below spec.prediction.capacity ({believed}), so {in_use} a replica is \
             counted with: correct it"
        );
    }
    if let Some(eaten) = eaten(d.decision) {
        message = format!("{message}; {eaten}");
    }
    (status, reason, message)
}

/// Why the signal says nothing, and what that means.
fn unseen(failure: &Failure) -> String {
    let (cause, message) = (failure.cause, clip(&*failure.message, 160));
    format!("the signal has no usable value ({cause}: {message}), so a shortage that it would tell of goes unseen")
}

/// `short 0.04 % of the last 7d, 0.1 % is accepted; margin 12 %`
fn so_far(plan: &Plan) -> String {
    let shortfall = plan.shortfall;
    let short = match shortfall.achieved {
        Some(achieved) => format!("short {} of the last {}", percent(achieved), span(shortfall.watched)),
        None => "nothing was watched yet".to_owned(),
    };
    let (accepted, margin) = (percent(shortfall.objective), percent(plan.margin));
    format!("{short}, {accepted} is accepted; margin {margin}")
}

/// What the objective would cost, and what is to be had for the most that may be paid.
fn out_of_reach(d: &Decided<'_>, plan: &Plan) -> String {
    let most = d
        .policy
        .prediction
        .as_ref()
        .and_then(|p| p.objective)
        .map_or(f64::INFINITY, |o| o.max_margin);
    let objective = plan.shortfall.objective;
    // From the strictest to the laxest: the last that is strict enough is the cheapest that meets it.
    let needs = plan.price.iter().rfind(|p| p.shortfall <= objective * (1.0 + 1e-9));
    let instead = plan.price.iter().find(|p| p.margin <= most).map_or(String::new(), |p| {
        format!(", within which a shortfall of {} can be had", percent(p.shortfall))
    });
    let (objective, most) = (percent(objective), percent(most));
    match needs.map(|p| percent(p.margin)) {
        Some(needs) => format!(
            "a shortfall of {objective} would need a margin of about {needs}, and maxMargin is {most}{instead}; raise \
             maxMargin or accept more shortfall"
        ),
        None => format!(
            "the load jumps beyond maxMargin ({most}) for longer than a shortfall of {objective} allows{instead}; raise \
             maxMargin, accept more shortfall, or make pods start faster"
        ),
    }
}

/// Why the signal has no value, where there is one to be had. A service without pods rightly has none.
fn failing(d: &Decided<'_>) -> Option<Failure> {
    d.policy.prediction.as_ref()?.signal?;
    if d.decision.current == 0 {
        return None;
    }
    usable(d.signal).err()
}

/// The verdict that the status has.
fn known(previous: Option<&ScalingPolicyStatus>) -> Option<Verdict> {
    const STATUSES: [&str; 3] = ["True", "False", "Unknown"];
    const REASONS: [&str; 6] = [
        reason::MET,
        reason::CAPACITY_CORRECTED,
        reason::SHORTFALL_ABOVE_OBJECTIVE,
        reason::OUT_OF_REACH,
        reason::TOO_EARLY,
        reason::SIGNAL_FAILING,
    ];
    let known = condition(previous?, OBJECTIVE_MET)?;
    Some(Verdict {
        type_: OBJECTIVE_MET,
        status: STATUSES.into_iter().find(|s| *s == known.status)?,
        reason: REASONS.into_iter().find(|r| *r == known.reason)?,
        message: known.message.clone(),
    })
}
