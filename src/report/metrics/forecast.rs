//! What each policy's forecast says, as gauges: bound, margin, realised error, shortfall against the objective.
//!
//! Read from the status, so that a dashboard and `kubectl get` never tell different stories. What is not known is not
//! shown.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::labels::PolicyLabels;
use super::table::{
    FORECAST_BOUND, FORECAST_CAPACITY, FORECAST_ERROR, FORECAST_LOAD, FORECAST_MARGIN, FORECAST_NAIVE_ERROR,
    FORECAST_OBJECTIVE, FORECAST_SHORTFALL, FORECAST_TRUST, OBJECTIVE,
};
use super::{Registrar, show};
use crate::api::status::ScalingPolicyStatus;
use crate::report::status::{FORECAST_TRUSTED, OBJECTIVE_MET, condition};

type Numbers = Family<PolicyLabels, Gauge<f64, AtomicU64>>;

/// The families of the forecast.
#[derive(Clone, Debug, Default)]
pub(super) struct ForecastGauges {
    load: Numbers,
    bound: Numbers,
    margin: Numbers,
    capacity: Numbers,
    shortfall: Numbers,
    objective: Numbers,
    error: Numbers,
    naive_error: Numbers,
    trusted: Numbers,
    met: Numbers,
}

impl ForecastGauges {
    pub(super) fn register(&self, registrar: &mut Registrar<'_>) {
        for (described, family) in [
            (FORECAST_LOAD, &self.load),
            (FORECAST_BOUND, &self.bound),
            (FORECAST_MARGIN, &self.margin),
            (FORECAST_CAPACITY, &self.capacity),
            (FORECAST_SHORTFALL, &self.shortfall),
            (FORECAST_OBJECTIVE, &self.objective),
            (FORECAST_ERROR, &self.error),
            (FORECAST_NAIVE_ERROR, &self.naive_error),
            (FORECAST_TRUST, &self.trusted),
            (OBJECTIVE, &self.met),
        ] {
            registrar.add(described, family.clone());
        }
    }

    pub(super) fn show(&self, labels: &PolicyLabels, status: &ScalingPolicyStatus) {
        let number = |text: Option<&String>| text.and_then(|t| t.parse::<f64>().ok());
        let forecast = status.forecast.as_ref();
        let error = forecast.and_then(|f| f.error.as_ref());
        let shortfall = forecast.and_then(|f| f.shortfall.as_ref());
        let capacity = forecast.and_then(|f| f.capacity.as_ref());
        let is = |type_| match &*condition(status, type_)?.status {
            "True" => Some(1.0),
            "False" => Some(0.0),
            _ => None,
        };
        for (family, value) in [
            (&self.load, number(forecast.and_then(|f| f.value.as_ref()))),
            (&self.bound, number(forecast.and_then(|f| f.upper.as_ref()))),
            (&self.margin, number(forecast.and_then(|f| f.margin.as_ref()))),
            (&self.capacity, number(capacity.map(|c| &c.in_use))),
            (&self.shortfall, number(shortfall.and_then(|s| s.achieved.as_ref()))),
            (&self.objective, number(shortfall.map(|s| &s.objective))),
            (&self.error, number(error.map(|e| &e.model))),
            (&self.naive_error, number(error.map(|e| &e.naive))),
            (&self.trusted, is(FORECAST_TRUSTED)),
            (&self.met, is(OBJECTIVE_MET)),
        ] {
            show(family, labels, value);
        }
    }
}
