//! Watching: a line whenever something changes, a recording of every second, and the report at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use headroom::api::ScalingPolicy;
use headroom::api::status::{ProposalStatus, ScalingPolicyStatus};
use headroom::simulate::moments::{Moment, MomentKind};
use headroom::simulate::render;
use headroom::simulate::summary::{Origin, Tally};
use headroom::simulate::timeline::{Evidence, Tick, Timeline};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::events::v1::Event;
use kube::Client;
use kube::api::{Api, ListParams};

use crate::script::{self, Script};
use crate::shop::now;
use crate::stage::{NAME, NAMESPACE, Stage};

/// A line at least this often, in seconds, so that nobody thinks it hangs.
const QUIET: u64 = 10;

/// When the operator told of a change, and in which words.
pub type Reason = (Timestamp, String);

/// What was seen.
#[derive(Clone)]
pub struct Recording {
    timeline: Timeline,
    tally: Tally,
    winners: BTreeMap<String, u64>,
    moments: Vec<Moment>,
    desired: Option<u32>,
    failed: u64,
}

/// What one second looked like.
struct Second {
    load: f64,
    desired: u32,
    ready: u32,
    status: ScalingPolicyStatus,
}

/// Shows and records until the show is over.
pub async fn until(stage: &Stage, length: Duration) -> anyhow::Result<Recording> {
    let policies: Api<ScalingPolicy> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut served = stage.shop.served();
    let mut shown: Option<(String, u64)> = None;
    let end = stage.script.start as f64 + length.as_secs_f64();
    println!("{}", heading());
    while now() < end {
        seconds.tick().await;
        let (policy, deployment) =
            tokio::try_join!(policies.get(NAME), deployments.get(NAME)).context("the API server")?;
        let before = std::mem::replace(&mut served, stage.shop.served());
        let ready = deployment.status.and_then(|s| s.ready_replicas).unwrap_or(0);
        let desired = deployment.spec.and_then(|s| s.replicas).unwrap_or(0);
        let second = Second {
            load: (served - before) as f64,
            desired: u32::try_from(desired).unwrap_or(0),
            ready: u32::try_from(ready).unwrap_or(0),
            status: policy.status.unwrap_or_default(),
        };
        let at = headroom::clock::now();
        let mut recording = stage
            .recording
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        recording.failed = stage.shop.failed();
        recording.take(at, &second);
        drop(recording);
        let elapsed = (now() - stage.script.start as f64).max(0.0) as u64;
        let line = line(&second);
        if shown
            .as_ref()
            .is_none_or(|(last, when)| *last != key(&second) || elapsed >= when + QUIET)
        {
            println!("{:>3}:{:02}  {line}", elapsed / 60, elapsed % 60);
            shown = Some((key(&second), elapsed));
        }
    }
    Ok(stage.recorded())
}

/// The operator's own words for each change it made, from its Events, with their time: `scaled from 3 to 7: …`.
pub async fn reasons(client: &Client) -> anyhow::Result<Vec<Reason>> {
    let events: Api<Event> = Api::namespaced(client.clone(), NAMESPACE);
    let made = ListParams::default().fields("reason=SuccessfulRescale");
    let events = events.list(&made).await.context("the Events")?;
    let reasons = events.into_iter().flat_map(|event| {
        let again = event.series.map(|series| series.last_observed_time);
        let note = event.note.unwrap_or_default();
        let times = event.event_time.into_iter().chain(again);
        times.map(move |at| (at.0, note.clone())).collect::<Vec<_>>()
    });
    Ok(reasons.collect())
}

fn heading() -> String {
    let columns = [
        "requests/s",
        "requests",
        "forecast",
        "newsletter",
        "winner",
        "desired",
        "ready",
    ];
    let [load, metric, forecast, window, winner, desired, ready] = columns;
    format!(" time  {load:>10}  {metric:>8}  {forecast:>8}  {window:>10}  {winner:>19}  {desired:>7}  {ready:>5}   why")
}

fn line(second: &Second) -> String {
    let decision = second.status.decision.as_ref();
    let says = |source: &str| {
        let proposals = decision.map_or(&[][..], |d| &d.proposals);
        proposals
            .iter()
            .find(|p| p.source == source)
            .map_or("-".to_owned(), replicas)
    };
    let winner = decision.and_then(|d| d.winner.as_deref()).unwrap_or("-");
    let why = decision.map_or("", |d| d.message.as_str());
    format!(
        "{:>10.0}  {:>8}  {:>8}  {:>10}  {winner:>19}  {:>7}  {:>5}   {}",
        second.load,
        says("metric"),
        says("forecast"),
        says("schedule"),
        second.desired,
        second.ready,
        why.chars().take(110).collect::<String>(),
    )
}

fn replicas(proposal: &ProposalStatus) -> String {
    proposal.replicas.map_or("-".to_owned(), |n| n.to_string())
}

/// What makes a new line: counts, proposals, winner.
fn key(second: &Second) -> String {
    let decision = second.status.decision.as_ref();
    let proposals: Vec<String> = decision.iter().flat_map(|d| d.proposals.iter().map(replicas)).collect();
    let winner = decision.and_then(|d| d.winner.clone());
    format!("{proposals:?} {winner:?} {} {}", second.desired, second.ready)
}

impl Recording {
    /// Nothing was seen yet.
    pub fn new(script: &Script) -> Self {
        Recording {
            timeline: Timeline::new(script.length as u64, vec!["newsletter".to_owned()]),
            tally: Tally::new(SignedDuration::from_secs(1)),
            winners: BTreeMap::new(),
            moments: Vec::new(),
            desired: None,
            failed: 0,
        }
    }

    fn take(&mut self, at: Timestamp, second: &Second) {
        let decision = second.status.decision.as_ref();
        let winner = decision.and_then(|d| d.winner.as_deref());
        let evidence = match winner.and_then(|w| w.split_once('/')) {
            Some(("forecast", _)) => Evidence::Forecast,
            Some(("schedule", _)) => Evidence::Schedule,
            Some(_) => Evidence::Metric,
            None => Evidence::Nobody,
        };
        let open = second.status.schedules.first().is_some_and(|w| w.active);
        let tick = Tick {
            at,
            load: second.load,
            capacity: f64::from(second.ready) * script::CAPACITY,
            desired: second.desired,
            ready: second.ready,
            evidence,
            window: open.then_some(0),
        };
        self.timeline.push(&tick);
        self.tally.tick(&tick);
        if let Some(winner) = winner {
            *self.winners.entry(winner.to_owned()).or_default() += 1;
        }
        let before = self.desired.replace(second.desired).unwrap_or(second.desired);
        if before != second.desired {
            let kind = match evidence {
                _ if second.desired < before => MomentKind::Shrink,
                Evidence::Forecast => MomentKind::Forecast,
                Evidence::Schedule => MomentKind::Window,
                Evidence::Metric | Evidence::Nobody => MomentKind::Growth,
            };
            self.moments.push(Moment {
                at,
                kind,
                title: format!("from {before} to {} replicas", second.desired),
                // Told by the Event of the change, which comes after it.
                why: format!("scaled from {before} to {}: ", second.desired),
            });
        }
    }

    /// Writes the report and says what happened and why, in the words of `reasons`.
    pub fn write(&self, reasons: &[Reason], out: &Path) -> anyhow::Result<()> {
        let mut timeline = self.timeline.clone();
        timeline.moments = self.moments.iter().map(|m| explained(m, reasons)).collect();
        let mut summary = self.tally.finish();
        summary.policy = NAME.to_owned();
        summary.origin = Origin::Live;
        summary.replica_capacity = script::CAPACITY;
        let ticks = summary.ticks.max(1) as f64;
        summary.winners = self
            .winners
            .iter()
            .map(|(name, n)| (name.clone(), *n as f64 / ticks))
            .collect();
        summary.notes = vec![
            "Recorded live: a real API server, controller manager and Prometheus; pods on a fake node.".to_owned(),
        ];
        let page = out.join("report.html");
        std::fs::write(&page, render::report(&timeline, &summary)?).with_context(|| page.display().to_string())?;
        let json = out.join("summary.json");
        std::fs::write(&json, serde_json::to_string_pretty(&summary)?).with_context(|| json.display().to_string())?;

        println!("\nWhat happened, and why");
        for moment in &timeline.moments {
            println!("  {:.0}  {}: {}", moment.at, moment.title, moment.why);
        }
        println!("\n{}", render::headline(&summary));
        for (winner, share) in &summary.winners {
            println!("  {winner:<20} won {:>3.0} % of the time", share * 100.0);
        }
        if self.failed > 0 {
            println!("  {} visits found the shop itself busy", self.failed);
        }
        println!("\nreport: {}", page.canonicalize().unwrap_or(page).display());
        Ok(())
    }
}

/// The moment with the reason of the Event that begins with the moment's own words; of several, of the closest in time.
fn explained(moment: &Moment, reasons: &[Reason]) -> Moment {
    let told = |(at, words): &'_ Reason| {
        Some((
            at.duration_since(moment.at).abs(),
            words.strip_prefix(&moment.why)?.to_owned(),
        ))
    };
    let closest = reasons.iter().filter_map(told).min_by_key(|(off, _)| *off);
    Moment {
        why: closest.map_or_else(|| "by somebody else".to_owned(), |(_, why)| why),
        ..moment.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_explained_by_the_event_of_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = |second, words: &str| (at(second), words.to_owned());
        let reasons = [
            told(100, "scaled from 3 to 7: the ramp"),
            told(101, "scaled from 7 to 9: the window"),
            told(300, "scaled from 3 to 7: the burst"),
        ];
        for (second, why, expected) in [
            (99, "scaled from 3 to 7: ", "the ramp"),
            (302, "scaled from 3 to 7: ", "the burst"),
            (302, "scaled from 7 to 9: ", "the window"),
            (100, "scaled from 9 to 3: ", "by somebody else"),
        ] {
            let moment = Moment {
                at: at(second),
                kind: MomentKind::Growth,
                title: String::new(),
                why: why.to_owned(),
            };
            assert_eq!(explained(&moment, &reasons).why, expected, "at {second}");
        }
    }
}
