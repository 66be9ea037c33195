//! `status.bottleneck`, and what a restart reads back from it.

use std::sync::Arc;

use super::conditions::BOTTLENECKED;
use super::{NAME_BYTES, View, condition, count, finite, time};
use crate::api::status::{BottleneckStatus, PodLoadStatus, ResourceUseStatus, ScalingPolicyStatus};
use crate::engine::bottleneck::{Bottleneck, Finding, Resource, Standing, State};
use crate::report::words::{self, clip};

/// What to do, where more replicas will not help.
const BIGGER_PODS: &str = "BiggerPods";
const BALANCE_LOAD: &str = "BalanceLoad";
const RAISE_MAX_REPLICAS: &str = "RaiseMaxReplicas";
/// Most bytes of what is told of a failure.
const MESSAGE: usize = 240;

/// Whether bigger pods are advised; `None` where that is not known.
pub fn bigger_pods_advised(status: &ScalingPolicyStatus) -> Option<bool> {
    let known = condition(status, BOTTLENECKED)?.status != "Unknown";
    let advice = status.bottleneck.as_ref()?.advice.as_deref();
    known.then_some(advice == Some(BIGGER_PODS))
}

/// What is shown. Before this process has seen the pods it is what was told of the same target.
pub(super) fn status(view: View<'_>, target: &str, previous: Option<&ScalingPolicyStatus>) -> Option<BottleneckStatus> {
    match view {
        View::Seen(bottleneck) => Some(seen(bottleneck)),
        View::Awaited => stands(target, previous)?.bottleneck.clone(),
    }
}

/// The status, where it is of the target with this uid.
pub(super) fn stands<'a>(target: &str, previous: Option<&'a ScalingPolicyStatus>) -> Option<&'a ScalingPolicyStatus> {
    previous.filter(|p| {
        p.damping
            .as_ref()
            .is_some_and(|d| d.target_uid.as_deref() == Some(target))
    })
}

/// The finding that a status tells.
pub(super) fn told(status: &ScalingPolicyStatus) -> Option<Finding> {
    let reason = &condition(status, BOTTLENECKED)?.reason;
    Finding::ALL.into_iter().find(|f| f.as_str() == reason)
}

fn seen(bottleneck: &Bottleneck) -> BottleneckStatus {
    let verdict = &bottleneck.verdict;
    let advice = match verdict.finding {
        Finding::UseNotShared => Some(BIGGER_PODS),
        Finding::LoadUnbalanced => Some(BALANCE_LOAD),
        Finding::AtMaxReplicas => Some(RAISE_MAX_REPLICAS),
        Finding::WithinLimits
        | Finding::MoreReplicasHelp
        | Finding::NotYetSeen
        | Finding::OnePod
        | Finding::SamplesMissing
        | Finding::TooEarly => None,
    };
    let evidence = verdict.evidence.as_ref();
    BottleneckStatus {
        nearest: bottleneck.nearest().map(name),
        resources: bottleneck
            .uses
            .iter()
            .map(|(r, threshold, s)| one(*r, *threshold, s))
            .collect(),
        load: bottleneck.load.as_ref().map(load),
        advice: advice.map(str::to_owned),
        resource: verdict.resource.map(name),
        evidence: evidence.map(|e| clip(words::bottleneck::evidence(e, verdict.resource), MESSAGE)),
        since: Some(time(bottleneck.since)),
    }
}

/// The memory of the pods as a restart finds it: what was told of the target with this uid, if anything was.
pub fn looked_at(status: Option<&ScalingPolicyStatus>, target: &str) -> State {
    let told = || {
        let status = stands(target, status)?;
        let finding = self::told(status)?;
        let told = status.bottleneck.as_ref()?;
        let resource = told.resource.as_deref().and_then(Resource::named);
        let evidence = told.evidence.as_deref().map(Arc::from);
        Some(State::restore(finding, resource, evidence, told.since.as_ref()?.0))
    };
    told().unwrap_or_default()
}

fn one(resource: Resource, threshold: f64, standing: &Standing) -> ResourceUseStatus {
    let mut status = ResourceUseStatus {
        name: name(resource),
        threshold: whole(threshold),
        ..ResourceUseStatus::default()
    };
    match standing {
        Standing::Each(spread) => {
            status.percent = Some(whole(spread.highest));
            status.hottest_pod = Some(clip(&*spread.hottest, 2 * NAME_BYTES));
            status.mean = Some(whole(spread.mean));
            status.imbalance = spread.imbalance().and_then(ratio);
            status.variation = ratio(spread.variation).filter(|_| spread.pods > 1);
            status.pods = Some(count(spread.pods));
        }
        Standing::Whole(percent) => status.percent = Some(whole(*percent)),
        Standing::Unknown(failure) => {
            status.cause = Some(failure.cause.as_str().to_owned());
            status.message = Some(clip(&*failure.message, MESSAGE));
        }
    }
    status
}

fn load(standing: &Standing) -> PodLoadStatus {
    match standing {
        Standing::Each(spread) => PodLoadStatus {
            highest: finite(spread.highest),
            hottest_pod: Some(clip(&*spread.hottest, 2 * NAME_BYTES)),
            mean: finite(spread.mean),
            imbalance: spread.imbalance().and_then(ratio),
            variation: ratio(spread.variation).filter(|_| spread.pods > 1),
            ..PodLoadStatus::default()
        },
        // `observe` makes it a failure.
        Standing::Whole(_) => PodLoadStatus::default(),
        Standing::Unknown(failure) => PodLoadStatus {
            cause: Some(failure.cause.as_str().to_owned()),
            message: Some(clip(&*failure.message, MESSAGE)),
            ..PodLoadStatus::default()
        },
    }
}

fn name(resource: Resource) -> String {
    resource.as_str().to_owned()
}

/// Two decimals: more is noise.
fn ratio(value: f64) -> Option<String> {
    finite((value * 100.0).round() / 100.0)
}

fn whole(percent: f64) -> i32 {
    percent.round() as i32
}
