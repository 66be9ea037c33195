//! Feeding the forecast: live samples as they come, and what is missing from Prometheus, in the background.
//!
//! A backfill never holds up a decision: it runs as its own task and is taken in when it is done. Until then there is
//! no forecast; after it, a forecast that abstains says how much history it has and needs.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::api::PrometheusSource;
use crate::engine::forecast::{Abstention, Forecast, Forecaster, Settings, Trust};
use crate::engine::observation::Failure;
use crate::engine::policy::{Lead, Prediction};
use crate::observe::Servers;

/// Step of the history asked for. Five-minute buckets need their mean and their peak; one sample a minute gives both
/// and keeps four weeks at four requests.
const STEP: SignedDuration = SignedDuration::from_mins(1);
/// Time between two attempts to fetch what is missing.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// What a metric lags behind: half of the usual `rate[1m]` window.
const METRIC_DELAY: SignedDuration = SignedDuration::from_secs(30);
/// Start-up time assumed until a pod was seen to become ready.
const UNKNOWN_STARTUP: SignedDuration = SignedDuration::from_secs(60);

type Samples = Vec<(Timestamp, f64)>;

/// One forecaster and its supply.
pub(super) struct Feed {
    source: PrometheusSource,
    forecaster: Forecaster,
    task: Option<JoinHandle<Result<Samples, Failure>>>,
    tried: Option<Timestamp>,
    /// Whether the first request for history has ended, well or badly.
    answered: bool,
    /// Why the last request for history failed, where it did.
    failed: Option<Arc<str>>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Feed {
    /// A feed for this metric and these settings; the old one where they are the same.
    pub(super) fn keep(old: Option<Feed>, source: &PrometheusSource, settings: Settings) -> Feed {
        match old {
            Some(feed) if feed.source == *source && feed.forecaster.settings() == settings => feed,
            _ => Feed {
                source: source.clone(),
                forecaster: Forecaster::new(settings),
                task: None,
                tried: None,
                answered: false,
                failed: None,
            },
        }
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> Settings {
        self.forecaster.settings()
    }

    /// Takes in the present value and whatever history has arrived, asks for what is missing, and forecasts. `None`
    /// before the first answer: what is not known yet is no reason to distrust what was trusted before a restart.
    pub(super) async fn forecast(
        &mut self,
        servers: &Arc<Servers>,
        value: Option<f64>,
        now: Timestamp,
    ) -> Option<Forecast> {
        if self.task.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(task) = self.task.take()
        {
            self.answered = true;
            match task.await {
                Ok(Ok(samples)) => {
                    self.failed = None;
                    self.forecaster.backfill(samples);
                }
                Ok(Err(failure)) => self.failed = Some(failure.message),
                Err(_) => {} // aborted: the feed is being dropped
            }
        }
        let due = self.tried.is_none_or(|tried| now.duration_since(tried) >= RETRY);
        if self.task.is_none()
            && due
            && let Some(range) = self.forecaster.missing(now)
        {
            self.tried = Some(now);
            let (servers, source) = (servers.clone(), self.source.clone());
            self.task = Some(tokio::spawn(async move {
                servers.range(&source.server, &source.query, range, STEP).await
            }));
        }
        if let Some(value) = value {
            self.forecaster.observe(now, value);
        }
        let mut forecast = self.forecaster.forecast(now);
        if let Trust::Abstains(Abstention::ClockWentBack { .. }) = forecast.trust {
            // What was learnt lies in the future now; begin anew, history comes from Prometheus.
            self.forecaster = Forecaster::new(self.forecaster.settings());
            self.tried = None;
            self.answered = false;
        }
        if let Trust::Abstains(Abstention::TooLittleHistory(_) | Abstention::Stale { .. }) = forecast.trust
            && let Some(why) = &self.failed
        {
            forecast.trust = Trust::Abstains(Abstention::NoHistory { why: why.clone() });
        }
        self.answered.then_some(forecast)
    }
}

/// The lead time: fixed, or measured start-up + metric delay + interval. A measured one is kept while it still covers
/// the need and is not half as long again, because each change means learning the history anew.
pub(super) fn lead(
    prediction: &Prediction,
    startup: Option<SignedDuration>,
    interval: SignedDuration,
    present: Option<SignedDuration>,
) -> SignedDuration {
    let needed = match prediction.lead {
        Lead::Fixed(lead) => return lead,
        Lead::Auto => startup.unwrap_or(UNKNOWN_STARTUP) + METRIC_DELAY + interval,
    };
    let needed = needed.clamp(SignedDuration::from_secs(30), SignedDuration::from_hours(1));
    match present {
        Some(present) if present >= needed && present <= needed + needed / 2 => present,
        _ => needed,
    }
}
