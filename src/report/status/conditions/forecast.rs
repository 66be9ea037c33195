//! What is said of the forecast: `ForecastTrusted`.

use super::super::{Decided, FORECAST_TRUSTED};
use super::{Verdict, reason};
use crate::engine::forecast::{Abstention, Trust};

/// Whether the forecast may be acted upon; only with a prediction.
pub(super) fn trusted(d: &Decided<'_>) -> Option<Verdict> {
    d.policy.prediction.as_ref()?;
    let (status, reason, message) = match d.forecast.map(|f| &f.trust) {
        Some(Trust::Trusted) => ("True", reason::TRUSTED, "the forecast may be acted upon".to_owned()),
        Some(Trust::Abstains(why)) => ("False", distrust(why), why.to_string()),
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

fn distrust(why: &Abstention) -> &'static str {
    match why {
        Abstention::TooLittleHistory(_) => "TooLittleHistory",
        Abstention::Stale { .. } => "LoadStale",
        Abstention::NoHistory { .. } => "NoHistory",
        Abstention::ClockWentBack { .. } => "ClockWentBack",
        Abstention::WorseThanNaive(_) => "WorseThanNaive",
        // Whatever else a model can answer is no load.
        _ => "ForecastUnusable",
    }
}
