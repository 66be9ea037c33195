//! What each policy's last decision had before it: bounds, load, proposals by kind, failing metrics, limits.
//!
//! Rendered from the typed decision at each scrape, one entry a policy, so that a metric that was taken out of a spec, or
//! a limit that no longer holds, leaves no series behind. Bounded: a policy has at most 16 metrics, the kinds and limits
//! are closed lists. Neighbours: `forecast.rs` shows what only the status knows.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::MetricType;

use super::labels::PolicyLabels;
use super::table::{Described, HELD, LOAD, MAX, METRIC_FAILING, MIN, PROPOSED};
use crate::engine::decision::{Abstention, Decision, Outcome, Proposal, Source};
use crate::engine::policy::{Policy, Rule};

/// The last evidence of every policy; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence(Arc<Mutex<HashMap<PolicyLabels, Seen>>>);

#[derive(Debug)]
struct Seen {
    floor: u32,
    ceiling: u32,
    /// The value of the forecast's metric.
    load: Option<f64>,
    /// The highest proposal of each kind.
    proposed: Vec<(&'static str, u32)>,
    failing: Vec<(Arc<str>, bool)>,
    held: Vec<&'static str>,
}

/// The policy's labels, and one more where there is one.
struct Labels<'a>(&'a PolicyLabels, Option<(&'static str, &'a str)>);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)?;
        match self.1 {
            Some(label) => label.encode(encoder.encode_label()),
            None => Ok(()),
        }
    }
}

impl Evidence {
    /// The policy's last decision; none where the last turn came to none.
    pub(super) fn show(&self, labels: &PolicyLabels, decided: Option<(&Policy, &Decision)>) {
        // Before the lock, which scrapes hold while they write.
        let seen = decided.map(|(policy, decision)| seen(policy, decision));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Some(seen) => all.insert(labels.clone(), seen),
            None => all.remove(labels),
        };
    }
}

fn seen(policy: &Policy, decision: &Decision) -> Seen {
    let of_metrics = || policy.metrics.iter().zip(&decision.proposals);
    let forecast = policy.prediction.as_ref().map(|p| p.metric);
    let mut proposed: Vec<(&'static str, u32)> = Vec::new();
    for (i, proposal) in decision.proposals.iter().enumerate() {
        let rule = policy.metrics.get(i).map(|m| &m.rule);
        let Some((kind, replicas)) = proposes(proposal, rule) else {
            continue;
        };
        match proposed.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, highest)) => *highest = replicas.max(*highest),
            None => proposed.push((kind, replicas)),
        }
    }
    let mut held: Vec<_> = decision.limits.iter().map(|limit| limit.kind.as_str()).collect();
    // A limit may act twice in one decision; a series is there once.
    held.sort_unstable();
    held.dedup();
    Seen {
        floor: decision.range.floor,
        ceiling: decision.range.ceiling,
        load: forecast.and_then(|i| value(&decision.proposals.get(i)?.outcome)),
        proposed,
        failing: of_metrics()
            .map(|(metric, proposal)| (metric.name.clone(), matches!(proposal.outcome, Outcome::Invalid(_))))
            .collect(),
        held,
    }
}

/// A proposal's kind and count. What does not take part in the maximum has a kind of its own.
fn proposes(proposal: &Proposal, rule: Option<&Rule>) -> Option<(&'static str, u32)> {
    let kind = match (&proposal.source, rule) {
        (Source::Metric(_), Some(Rule::Thresholds(_))) => "threshold",
        (source, _) => source.kind(),
    };
    match proposal.outcome {
        Outcome::Replicas { replicas, .. } => Some((kind, replicas)),
        Outcome::Preview { replicas, .. } => Some(("preview", replicas)),
        Outcome::Replaced { replicas, .. } => Some(("replaced", replicas)),
        Outcome::Abstains(_) | Outcome::Invalid(_) => None,
    }
}

fn value(outcome: &Outcome) -> Option<f64> {
    match outcome {
        Outcome::Replicas { value, .. }
        | Outcome::Replaced { value, .. }
        | Outcome::Preview { value, .. }
        | Outcome::Abstains(Abstention::NotAbove { value }) => Some(*value),
        Outcome::Abstains(_) | Outcome::Invalid(_) => None,
    }
}

impl Collector for Evidence {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = Page(&mut encoder);
        let plain = |policy, value: f64| (Labels(policy, None), value);
        page.family(MIN, all.iter().map(|(p, seen)| plain(p, seen.floor.into())))?;
        page.family(MAX, all.iter().map(|(p, seen)| plain(p, seen.ceiling.into())))?;
        page.family(LOAD, all.iter().filter_map(|(p, seen)| Some(plain(p, seen.load?))))?;
        let proposed = all.iter().flat_map(|(policy, seen)| {
            let each = seen.proposed.iter();
            each.map(move |(source, count)| (Labels(policy, Some(("source", *source))), f64::from(*count)))
        });
        page.family(PROPOSED, proposed)?;
        let failing = all.iter().flat_map(|(policy, seen)| {
            let each = seen.failing.iter();
            each.map(move |(metric, fails)| (Labels(policy, Some(("metric", &**metric))), f64::from(u8::from(*fails))))
        });
        page.family(METRIC_FAILING, failing)?;
        let held = all.iter().flat_map(|(policy, seen)| {
            let each = seen.held.iter();
            each.map(move |reason| (Labels(policy, Some(("reason", *reason))), 1.0))
        });
        page.family(HELD, held)
    }
}

struct Page<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Page<'_, '_> {
    /// One family; without samples not even its name, as the registry's own families.
    fn family<L: EncodeLabelSet>(
        &mut self,
        described: Described,
        samples: impl Iterator<Item = (L, f64)>,
    ) -> Result<(), fmt::Error> {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        // The registry ends a help with a full stop; to a collector it leaves that.
        let help = format!("{}.", described.help);
        let mut family = self
            .0
            .encode_descriptor(described.name, &help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use prometheus_client::registry::Registry;

    use crate::engine::forecast::Trust;
    use crate::engine::observation::Cause;
    use crate::report::fixtures::{NOW, Scene, Value, after, at, change, failure, forecast, plan, policy};
    use crate::report::metrics::{Metrics, encode};

    const TWO: &str = "
- name: memory
  prometheus: {query: memory}
  thresholds: {scaleUp: {above: 80, by: 1}, scaleDown: {below: 30, by: 1}}
";

    fn page(scene: &Scene) -> (Metrics, Registry) {
        let (metrics, registry) = Metrics::new();
        metrics.policy(
            "shop",
            "checkout",
            &scene.status(None),
            Some((&scene.policy, &scene.decision)),
        );
        (metrics, registry)
    }

    /// The sorted samples of one family, without the name and the labels of the policy.
    #[track_caller]
    fn check(scene: &Scene, name: &str, expected: &[&str]) {
        let text = encode(&page(scene).1).unwrap();
        let name = format!("headroom_policy_{name}{{namespace=\"shop\",policy=\"checkout\"");
        let mut found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&*name)).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{name} in\n{text}");
    }

    fn two(samples: [Value; 2]) -> Scene {
        Scene::observing(policy(TWO), &[], 4, samples.into(), None, at(NOW))
    }

    #[test]
    fn proposals_are_told_by_their_kind() {
        let both = two([Ok(1000.0), Ok(85.0)]);
        check(
            &both,
            "proposed_replicas",
            &[",source=\"metric\"} 5.0", ",source=\"threshold\"} 5.0"],
        );
        let window = "schedules: [{name: all, start: '* * * * *', duration: 1m, minReplicas: 7, maxReplicas: 9}]";
        let window = Scene::new(policy(window), &[], 8, Ok(900.0), at(NOW));
        check(
            &window,
            "proposed_replicas",
            &[",source=\"metric\"} 5.0", ",source=\"schedule\"} 7.0"],
        );
        check(&window, "min_replicas", &["} 7.0"]);
        check(&window, "max_replicas", &["} 9.0"]);
        let planned = Scene::adaptive(plan(1600.0), 4, 1420.0, Ok(0.2));
        check(
            &planned,
            "proposed_replicas",
            &[",source=\"forecast\"} 7.0", ",source=\"replaced\"} 8.0"],
        );
        check(&planned, "load", &["} 1420.0"]);
        let mut trusted = forecast(600);
        trusted.trust = Trust::Trusted;
        let preview = policy("prediction: {metric: requests}");
        let preview = Scene::forecasting(preview, &[], 4, Ok(900.0), Some(trusted), at(NOW));
        check(
            &preview,
            "proposed_replicas",
            &[",source=\"metric\"} 5.0", ",source=\"preview\"} 5.0"],
        );
    }

    #[test]
    fn a_failing_metric_is_told_by_its_name() {
        let failing = two([failure(Cause::Timeout, "no answer"), Ok(50.0)]);
        check(
            &failing,
            "metric_failing",
            &[",metric=\"memory\"} 0.0", ",metric=\"requests\"} 1.0"],
        );
        check(&failing, "load", &[]);
    }

    #[test]
    fn limits_are_told_while_they_hold() {
        let cooling = policy("behavior: {scaleUp: {cooldownSeconds: 300}}");
        let event = change(-60, 3, 4);
        let held = Scene::new(cooling.clone(), std::slice::from_ref(&event), 4, Ok(1000.0), at(NOW));
        check(&held, "held", &[",reason=\"ScaleUpCooldown\"} 1.0"]);
        let later = after(0) + SignedDuration::from_secs(240);
        check(&Scene::new(cooling, &[event], 4, Ok(1000.0), later), "held", &[]);
    }

    #[test]
    fn a_metric_that_left_the_spec_leaves_no_series() {
        let (metrics, registry) = page(&two([Ok(1000.0), Ok(85.0)]));
        let one = Scene::new(policy(""), &[], 4, Ok(1000.0), at(NOW));
        metrics.policy(
            "shop",
            "checkout",
            &one.status(None),
            Some((&one.policy, &one.decision)),
        );
        let text = encode(&registry).unwrap();
        assert!(
            text.contains("metric=\"requests\"") && !text.contains("metric=\"memory\""),
            "{text}"
        );
        metrics.policy("shop", "checkout", &one.status(None), None);
        assert!(
            !encode(&registry).unwrap().contains("metric_failing"),
            "no decision, no evidence"
        );
    }
}
