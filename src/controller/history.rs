//! Feeding the forecast: live samples as they come, and what is missing from Prometheus, in the background.
//!
//! A backfill never holds up a decision: it runs as its own task and is taken in when it is done. Until then there is
//! no forecast; after it, a forecast that abstains says how much history it has and needs.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::api::PrometheusSource;
use crate::engine::forecast::{Abstention, Forecast, Forecaster, Settings, Trust, Witness};
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

/// How long a plan that ruled before a restart is waited for, from the first request for its history on: four weeks come
/// within a second or two, and a load that grew meanwhile waits for no more than an interval.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

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
    /// The forecaster of other settings, which answers until this one has read its history.
    elder: Option<Forecaster>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Feed {
    /// A feed for this metric and these settings; the old one where they are the same. `learnt` is the capacity in use before
    /// a restart, where there was one of this believed capacity.
    pub(super) fn keep(old: Option<Feed>, source: &PrometheusSource, settings: Settings, learnt: Option<f64>) -> Feed {
        let mut elder = match old {
            Some(feed) if feed.source == *source && feed.forecaster.settings() == settings => return feed,
            old => old,
        };
        let mut forecaster = Forecaster::new(settings);
        let learnt = match &elder {
            None => learnt,
            // Of another load nothing is known.
            Some(feed) => Some(&feed.forecaster)
                .filter(|_| feed.source == *source)
                .and_then(Forecaster::capacity)
                .filter(|c| settings.objective.is_some_and(|o| o.capacity == c.believed))
                .map(|c| c.in_use),
        };
        if let Some(in_use) = learnt {
            forecaster.restore(in_use);
        }
        let elder = elder
            .as_mut()
            .filter(|feed| feed.source == *source && feed.answered)
            .map(|feed| std::mem::replace(&mut feed.forecaster, Forecaster::new(settings)));
        Feed {
            elder,
            source: source.clone(),
            forecaster,
            task: None,
            tried: None,
            answered: false,
            failed: None,
        }
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> Settings {
        self.forecaster.settings()
    }

    /// Takes in the present value, what was ready for it and whether that sufficed, and whatever history has arrived, asks for what is missing, and forecasts. `None`
    /// before the first answer: what is not known yet is no reason to distrust what was trusted before a restart.
    pub(super) async fn forecast(
        &mut self,
        servers: &Arc<Servers>,
        value: Option<f64>,
        witness: Witness,
        now: Timestamp,
    ) -> Option<Forecast> {
        if self.task.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(task) = self.task.take()
        {
            match task.await {
                Ok(Ok(samples)) => {
                    self.failed = None;
                    self.backfill(samples).await;
                }
                Ok(Err(failure)) => self.failed = Some(failure.message),
                Err(_) => {} // aborted: the feed is being dropped
            }
            self.answered = true;
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
            self.forecaster.witness(now, value, witness);
            if let Some(elder) = &mut self.elder {
                elder.witness(now, value, witness);
            }
        }
        if self.answered {
            self.elder = None;
        } else if let Some(elder) = &mut self.elder {
            return Some(elder.forecast(now));
        }
        let mut forecast = self.forecaster.forecast(now);
        if let Trust::Abstains(Abstention::ClockWentBack { .. }) = forecast.trust {
            // What was learnt lies in the future now; begin anew, history comes from Prometheus.
            self.forecaster = self.forecaster.anew();
            self.tried = None;
            self.answered = false;
        }
        if let Some(why) = &self.failed {
            let plan = forecast.plan.as_mut().map(|plan| &mut plan.trust);
            for trust in [Some(&mut forecast.trust), plan].into_iter().flatten() {
                if let Trust::Abstains(Abstention::TooLittleHistory(_) | Abstention::Stale { .. }) = trust {
                    *trust = Trust::Abstains(Abstention::NoHistory { why: why.clone() });
                }
            }
        }
        self.answered.then_some(forecast)
    }

    /// Learns from history on a thread of its own: 0.1 s with a margin, in which this one would serve nobody else.
    async fn backfill(&mut self, samples: Samples) {
        let fresh = self.forecaster.anew();
        let mut forecaster = std::mem::replace(&mut self.forecaster, fresh);
        let learning = tokio::task::spawn_blocking(move || {
            forecaster.backfill(samples);
            forecaster
        });
        // It fails where the runtime ends; a fresh one asks for history again.
        if let Ok(learnt) = learning.await {
            self.forecaster = learnt;
        }
    }

    /// Whether history is still being asked for, and nothing answers meanwhile.
    pub(super) fn is_awaited(&self, now: Timestamp) -> bool {
        let patient = |tried| (SignedDuration::ZERO..PATIENCE).contains(&now.duration_since(tried));
        !self.answered && self.elder.is_none() && self.tried.is_some_and(patient)
    }
}

/// The lead time. A measured one is kept while it still covers the need and is not half as long again, because each change
/// means learning the history anew.
pub(super) fn lead(
    prediction: &Prediction,
    startup: Option<SignedDuration>,
    interval: SignedDuration,
    present: Option<SignedDuration>,
) -> SignedDuration {
    let needed = prediction.horizon(startup, METRIC_DELAY, interval);
    match present.filter(|_| prediction.lead == Lead::Auto) {
        Some(present) if present >= needed && present <= needed + needed / 2 => present,
        _ => needed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;
    use crate::api::ScalingPolicy;
    use crate::engine::forecast::Objective;
    use crate::engine::policy::PredictionMode;

    #[test]
    fn a_measured_lead_covers_the_need_in_steps_and_is_kept() {
        let secs = SignedDuration::from_secs;
        let auto = Prediction {
            objective: None,
            signal: None,
            metric: 0,
            mode: PredictionMode::ScaleOut,
            lead: Lead::Auto,
            history: secs(28 * 86_400),
        };
        // start-up, present lead, expected; metric delay 30 s, interval 15 s
        for (startup, present, expected) in [
            (None, None, 105),           // a minute is assumed
            (Some(12), None, 60),        // 57
            (Some(15), Some(60), 60),    // exactly covered
            (Some(16), Some(60), 75),    // no longer
            (Some(12), Some(90), 90),    // not half as long again: kept
            (Some(12), Some(120), 60),   // twice what is needed
            (Some(86_400), None, 3_600), // at most an hour
        ] {
            let got = lead(&auto, startup.map(secs), secs(15), present.map(secs));
            assert_eq!(got, secs(expected), "{startup:?} {present:?}");
        }
        let fixed = Prediction {
            objective: None,
            signal: None,
            lead: Lead::Fixed(secs(77)),
            ..auto
        };
        assert_eq!(lead(&fixed, Some(secs(12)), secs(15), None), secs(77));
    }

    fn source(query: &str) -> PrometheusSource {
        PrometheusSource {
            query: query.into(),
            server: "default".into(),
        }
    }

    fn settings(capacity: f64) -> Settings {
        Settings {
            lead: SignedDuration::from_secs(60),
            history: SignedDuration::from_hours(28 * 24),
            objective: Some(Objective {
                capacity,
                target: 70.0,
                shortfall: 0.001,
                max_margin: 1.0,
            }),
        }
    }

    #[test]
    fn history_is_awaited_until_it_is_answered_and_no_longer_than_an_interval() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut feed = Feed::keep(None, &source("up"), settings(100.0), None);
        assert!(!feed.is_awaited(at(100)), "nothing was asked for");
        feed.tried = Some(at(100));
        let awaited = [99, 100, 114, 115].map(|second| feed.is_awaited(at(second)));
        assert_eq!(awaited, [false, true, true, false]);
        feed.answered = true;
        assert!(!feed.is_awaited(at(100)));
        let mut next = Feed::keep(Some(feed), &source("up"), settings(120.0), None);
        next.tried = Some(at(100));
        assert!(!next.is_awaited(at(100)), "the elder answers");
    }

    #[test]
    fn another_objective_is_learnt_anew_while_the_elder_answers() {
        let source = source("up");
        let mut feed = Feed::keep(None, &source, settings(100.0), None);
        feed.answered = true;
        let feed = Feed::keep(Some(feed), &source, settings(100.0), None);
        assert!(feed.answered, "the same is kept");
        let feed = Feed::keep(Some(feed), &source, settings(120.0), None);
        assert_eq!((feed.answered, feed.settings()), (false, settings(120.0)));
        let elder = feed.elder.as_ref().map(Forecaster::settings);
        assert_eq!(elder, Some(settings(100.0)));
    }
    /// A policy that was here before a restart, which had learnt that a replica carries 80, not 100.
    fn before_a_restart() -> Memory {
        let spec = "{targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 9}";
        let mut object = ScalingPolicy::new("web", serde_yaml::from_str(spec).unwrap());
        let status = "{forecast: {at: '2026-11-20T10:00:00Z', leadSeconds: 60, model: last-value, trusted: true, \
                      samples: {have: 9, need: 9}, capacity: {believed: '100', inUse: '80'}}}";
        object.status = Some(serde_yaml::from_str(status).unwrap());
        let mut memory = Memory::default();
        memory.refresh("uid", &object);
        memory
    }

    #[test]
    fn a_capacity_that_was_learnt_survives_a_restart_and_its_backfill() {
        let in_use = |feed: &Feed| feed.forecaster.capacity().map(|c| (c.believed, c.in_use));
        let mut memory = before_a_restart();
        let feed = memory.feed(&source("up"), settings(100.0));
        assert_eq!(in_use(feed), Some((100.0, 80.0)));
        let history = (0..600).map(|minute| (Timestamp::from_second(60 * minute).unwrap(), 300.0));
        feed.forecaster.backfill(history);
        assert_eq!(in_use(feed), Some((100.0, 80.0)));
        // Another lead time is the same replica; another load or another belief is not.
        let lead = Settings {
            lead: SignedDuration::from_secs(90),
            ..settings(100.0)
        };
        assert_eq!(in_use(memory.feed(&source("up"), lead)), Some((100.0, 80.0)));
        assert_eq!(in_use(memory.feed(&source("down"), lead)), Some((100.0, 100.0)));
        assert_eq!(
            in_use(before_a_restart().feed(&source("up"), settings(120.0))),
            Some((120.0, 120.0))
        );
    }
}
