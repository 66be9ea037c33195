//! One finding for each resource from how it stands and what was seen of it, and the one of them that counts.
//!
//! Every threshold has a second one on the way back, so that a value which hovers does not make two findings in turn.

use super::spread::Standing;
use super::state::Bottleneck;
use super::trial::{Evidence, SHARED, Trials};
use super::{Limits, Look, Resource, Spread};
use crate::engine::observation::{Cause, Failure};

/// How far below its threshold, in percent of it, the hottest pod must come to be near its limit no longer. cpu moves by
/// some 5 % from one sample to the next, of a pod near 80 % by 4 points.
const BACK: f64 = 0.94;
/// The mean is well below the threshold: by a fifth, so that load spread evenly alone would take the hottest pod as far
/// below it as a quarter more pods.
const WELL_BELOW: f64 = 0.8;
/// The mean is so no longer.
const NO_LONGER_BELOW: f64 = 0.9;

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// No pod is near a limit.
    WithinLimits,
    /// Pods are near a limit because of their load, which more of them would share.
    MoreReplicasHelp,
    /// The same, and there may be no more of them.
    AtMaxReplicas,
    /// One pod is near a limit while the mean is well below: more pods do not help that one.
    LoadUnbalanced,
    /// Pods are near a limit, and use did not fall with the load: each new pod would be near it too.
    UseNotShared,
    /// Pods are near a limit of what is stored, and whether it goes with the load was not seen yet.
    NotYetSeen,
    /// One pod is near a limit, which shows neither how load spreads nor what another would change.
    OnePod,
    /// Of a resource, or of some pods, nothing is known.
    SamplesMissing,
    /// Whatever is found has not lasted long enough to be told.
    TooEarly,
}

/// A finding and what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What is found.
    pub finding: Finding,
    /// Of which resource; `None` where of none in particular.
    pub resource: Option<Resource>,
    /// Its threshold in percent.
    pub threshold: f64,
    /// How it stands; `None` where only its finding outlived a restart.
    pub standing: Option<Standing>,
    /// How the load stands, where there is a query for it.
    pub load: Option<Standing>,
    /// What shows that more replicas do not help.
    pub evidence: Option<Evidence>,
    /// The most replicas that may be asked for.
    pub ceiling: u32,
}

impl Finding {
    /// All of them.
    pub const ALL: [Finding; 9] = [
        Finding::WithinLimits,
        Finding::MoreReplicasHelp,
        Finding::AtMaxReplicas,
        Finding::LoadUnbalanced,
        Finding::UseNotShared,
        Finding::NotYetSeen,
        Finding::OnePod,
        Finding::SamplesMissing,
        Finding::TooEarly,
    ];

    /// The name used in conditions and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Finding::WithinLimits => "WithinLimits",
            Finding::MoreReplicasHelp => "MoreReplicasHelp",
            Finding::AtMaxReplicas => "AtMaxReplicas",
            Finding::LoadUnbalanced => "LoadUnbalanced",
            Finding::UseNotShared => "UseNotShared",
            Finding::NotYetSeen => "NotYetSeen",
            Finding::OnePod => "OnePod",
            Finding::SamplesMissing => "SamplesMissing",
            Finding::TooEarly => "TooEarly",
        }
    }

    /// Whether something else than more replicas is needed; `None` where that is not known.
    pub fn bottlenecked(self) -> Option<bool> {
        match self {
            Finding::AtMaxReplicas | Finding::LoadUnbalanced | Finding::UseNotShared => Some(true),
            Finding::WithinLimits | Finding::MoreReplicasHelp => Some(false),
            Finding::NotYetSeen | Finding::OnePod | Finding::SamplesMissing | Finding::TooEarly => None,
        }
    }

    /// What goes before what: trouble before doubt, doubt before "all is well".
    fn weight(self) -> u8 {
        match self.bottlenecked() {
            Some(true) => 3,
            None => 2,
            Some(false) => u8::from(self == Finding::MoreReplicasHelp),
        }
    }
}

/// What was so at the last look, for the thresholds on the way back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Was {
    pub(super) hot: [bool; 4],
    pub(super) unbalanced: [bool; 4],
}

impl Was {
    /// Above which percentage a pod is near its limit, for each resource of which one is. Takes note of it.
    pub(super) fn hot(&mut self, limits: &Limits, view: &Bottleneck) -> [Option<f64>; 4] {
        Resource::ALL.map(|resource| {
            let (threshold, standing) = limits.of(resource).zip(view.standing(resource))?;
            let hot = &mut self.hot[resource.index()];
            let above = if *hot { threshold * BACK } else { threshold };
            // An answer that is missing for once changes nothing.
            if let Some(percent) = highest(standing) {
                *hot = percent > above;
            }
            hot.then_some(threshold * BACK)
        })
    }

    fn unbalanced(&mut self, resource: Resource, spread: &Spread, threshold: f64) -> bool {
        let was = &mut self.unbalanced[resource.index()];
        let below = threshold * if *was { NO_LONGER_BELOW } else { WELL_BELOW };
        *was = spread.pods > 1 && spread.mean < below;
        *was
    }
}

/// The finding that counts. `told` is what was told last: what was seen then holds while nothing else is seen. Of nearly
/// equal troubles the one counts that was told, or is `pending`: two that change places would each begin to last anew.
pub(super) fn verdict(
    was: &mut Was,
    trials: &Trials,
    view: &Bottleneck,
    limits: &Limits,
    look: &Look,
    told: Option<&Verdict>,
    pending: Option<Resource>,
) -> Verdict {
    let trouble = told
        .filter(|t| t.finding.bottlenecked() == Some(true))
        .and_then(|t| t.resource);
    let each = Resource::ALL.into_iter().filter_map(|resource| {
        let (threshold, standing) = limits.of(resource).zip(view.standing(resource))?;
        let earlier = told.filter(|t| t.resource == Some(resource) && t.finding == Finding::UseNotShared);
        let evidence = match trials.found(resource) {
            Some(trial) => (trial.shared() < SHARED).then_some(Evidence::Seen(trial)),
            None => earlier.and_then(|t| t.evidence.clone()),
        };
        let shared = trials.found(resource).is_some_and(|t| t.shared() >= SHARED);
        let finding = match standing {
            Standing::Unknown(_) => Finding::SamplesMissing,
            _ if !was.hot[resource.index()] => match standing {
                Standing::Each(spread) if spread.missing > 0 => Finding::SamplesMissing,
                _ => Finding::WithinLimits,
            },
            Standing::Each(spread) if was.unbalanced(resource, spread, threshold) => Finding::LoadUnbalanced,
            _ if evidence.is_some() => Finding::UseNotShared,
            Standing::Each(spread) if spread.pods < 2 => Finding::OnePod,
            _ if !shared && !resource.follows_load() => Finding::NotYetSeen,
            _ if look.current >= look.ceiling => Finding::AtMaxReplicas,
            _ => Finding::MoreReplicasHelp,
        };
        Some(Verdict {
            finding,
            resource: Some(resource),
            threshold,
            standing: Some(standing.clone()),
            load: view.load.clone(),
            evidence: evidence.filter(|_| finding == Finding::UseNotShared),
            ceiling: look.ceiling,
        })
    });
    let near = |v: &Verdict| {
        let near = v.standing.as_ref().and_then(highest).map_or(0.0, |p| p / v.threshold);
        // By as much as a value moves from one sample to the next.
        let favoured = v.resource.is_some() && (v.resource == trouble || v.resource == pending);
        if favoured { near / BACK } else { near }
    };
    let most = each.max_by(|a, b| {
        let weights = a.finding.weight().cmp(&b.finding.weight());
        // Of equals the first.
        weights
            .then(near(a).total_cmp(&near(b)))
            .then(b.resource.map(Resource::index).cmp(&a.resource.map(Resource::index)))
    });
    most.unwrap_or_else(|| Verdict {
        standing: Some(Standing::Unknown(Failure::new(
            Cause::Missing,
            "no resource is watched",
        ))),
        ..Verdict::of(Finding::SamplesMissing, None)
    })
}

impl Verdict {
    /// A finding of which nothing else is known.
    pub fn of(finding: Finding, resource: Option<Resource>) -> Verdict {
        Verdict {
            finding,
            resource,
            threshold: 0.0,
            standing: None,
            load: None,
            evidence: None,
            ceiling: 0,
        }
    }
}

/// What is nearest the limit, in percent of it.
pub(super) fn highest(standing: &Standing) -> Option<f64> {
    match standing {
        Standing::Each(spread) => Some(spread.highest),
        Standing::Whole(percent) => Some(*percent),
        Standing::Unknown(_) => None,
    }
}
