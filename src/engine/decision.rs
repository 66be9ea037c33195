//! The typed decision: every proposal, the winner, every limit that changed it, and what is blocked until when.
//!
//! Status, events, metrics, logs, `explain` and `simulate` all render this one value; nothing else may say why
//! replicas are what they are. Words live in `report/`; here are only facts and their stable names.

use std::sync::Arc;

use jiff::Timestamp;

use super::observation::Failure;

/// What `decide` concluded at one instant.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an unread decision explains nothing"]
pub struct Decision {
    /// The instant it was made for.
    pub at: Timestamp,
    /// `spec.replicas` as observed.
    pub current: u32,
    /// Ready pods as observed.
    pub ready: Option<u32>,
    /// One entry per source, in the order metrics, schedules, forecast, fallback, baseline.
    pub proposals: Vec<Proposal>,
    /// Index into `proposals` of the largest one, where any source proposed.
    pub winner: Option<usize>,
    /// The winning proposal within floor and ceiling, before damping: what is remembered for stabilisation.
    pub recommended: u32,
    /// Each clamp that changed the number, in the order it was applied.
    pub limits: Vec<Limit>,
    /// The replica count that ought to be asked for now.
    pub desired: u32,
    /// What is to be done about it.
    pub action: Action,
    /// The windows' floor and ceiling in force, with the policy's own bounds.
    pub range: Range,
    /// The earliest instants at which a change in each direction may happen; `None` where nothing blocks.
    pub next_eligible: NextEligible,
    /// One entry per schedule, in the policy's order.
    pub windows: Vec<Window>,
    /// `spec.maxReplicas` as it was at this decision (an edit that lowers it acts at once).
    pub(crate) max_replicas: u32,
}

/// What is to be done about a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the target already has the desired count.
    Hold,
    /// Write this count to the scale subresource.
    Scale {
        /// The count to ask for.
        to: u32,
        /// A floor (or an edit of maxReplicas) forced it: it starts a cooldown but does not count against rate limits.
        forced: bool,
    },
    /// The policy is in DryRun, or something else scales the target: this is what would have been written.
    WouldScale {
        /// The count that would have been asked for.
        to: u32,
    },
    /// The policy is paused: the count is held.
    Paused,
    /// The target is at zero because a person put it there: autoscaling is off until it is raised (as HPA does).
    Disabled,
}

/// A change of the replica count, to be made or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleEvent {
    /// When.
    pub at: Timestamp,
    /// Replicas before.
    pub from: u32,
    /// Replicas after.
    pub to: u32,
    /// A floor forced it: it starts cooldowns and does not count against rate limits.
    pub forced: bool,
    /// The metric whose threshold rule asked for it: that rule's own cooldown begins.
    pub rule: Option<Arc<str>>,
}

impl ScaleEvent {
    /// Whether it grew.
    pub fn up(&self) -> bool {
        self.to > self.from
    }
}

/// One source's contribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Who says so.
    pub source: Source,
    /// What it says.
    pub outcome: Outcome,
    /// What became of the target's pods in it, where it is about pods.
    pub pods: Option<PodCount>,
}

/// What became of the target's pods in a proposal. Pods that leave are in none of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodCount {
    /// Pods whose sample was taken.
    pub sampled: u32,
    /// Pods that are starting: their samples say nothing of the load yet.
    pub unready: u32,
    /// Pods without a sample.
    pub missing: u32,
    /// Pods were counted by the target's selector, since no chain of owners leads to it.
    pub by_selector: bool,
}

/// Where a proposal comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A metric, by its name.
    Metric(Arc<str>),
    /// A window, by its schedule's name.
    Schedule(Arc<str>),
    /// The forecast of the metric with this name.
    Forecast(Arc<str>),
    /// `spec.fallback`.
    Fallback,
    /// `minReplicas`, for a policy without any metric.
    Baseline,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// This many replicas, from this value.
    Replicas {
        /// The proposed count.
        replicas: u32,
        /// The evidence behind it: the metric's value, the forecast's bound, the window's floor.
        value: f64,
        /// How the one came of the other.
        basis: Basis,
    },
    /// It would say this many, but is only previewed.
    Preview {
        /// The previewed count.
        replicas: u32,
        /// The forecast's bound.
        value: f64,
    },
    /// It says this many, and the forecast has taken its place: no part of the maximum.
    Replaced {
        /// The count that its own target asks for.
        replicas: u32,
        /// The metric's value.
        value: f64,
        /// How the one came of the other.
        basis: Basis,
    },
    /// Nothing, and that is no fault: it blocks nothing.
    Abstains(Abstention),
    /// The metric has no usable value: scale-down is blocked, scale-up is not.
    Invalid(Failure),
}

/// How a value became a count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// In proportion: to a target, or one to one for a floor.
    Proportion,
    /// The metric is within its tolerance, so the present count stands.
    Tolerance,
    /// The value is above the upper threshold: a step up.
    Above,
    /// The value is below the lower threshold: a step down.
    Below,
    /// The value lies between the thresholds, so the present count stands.
    Band,
    /// A threshold is crossed and the rule's own cooldown runs until then, so the present count stands.
    Cooling {
        /// When the rule may step again.
        until: Timestamp,
    },
    /// The value does not exceed the metric's activation value: nothing is needed for it.
    Idle,
    /// The value exceeds the activation value and asks for nothing more: at least one replica.
    Awake,
    /// What is not known of some pods leaves no reason to move, so the present count stands.
    Held,
    /// The forecast's plan: the load to be ready for, divided by what one replica carries.
    Planned {
        /// What one replica is counted to carry.
        capacity: f64,
        /// The plan's margin over the point forecast, as a fraction.
        margin: f64,
    },
}

/// Why a source has nothing to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Abstention {
    /// The window is not active.
    Inactive,
    /// The window is active but sets only a ceiling.
    CeilingOnly,
    /// The forecast is not trusted; with the forecaster's reason.
    Forecast(super::forecast::Abstention),
    /// No forecast was computed yet.
    NoForecast,
    /// The value is not above the upper threshold, and the rule has no lower one.
    NotAbove {
        /// The metric's value.
        value: f64,
    },
    /// A metric of the target's pods, of which there are none at zero.
    NoPods,
    /// Every metric that is there without pods is idle: what pods use keeps no target from zero.
    MayRest,
    /// Every metric has a value, so nothing is needed of the fallback.
    Healthy,
    /// A metric fails, and not yet for long enough.
    FallbackAt {
        /// When the fallback begins to count.
        at: Timestamp,
    },
}

/// One clamp: what it was before, what after, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which rule.
    pub kind: LimitKind,
    /// The number it was given.
    pub before: u32,
    /// The number it made of it.
    pub after: u32,
    /// When the rule may let more through, where that is known.
    pub until: Option<Timestamp>,
}

/// The rules that can change a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitKind {
    /// A metric has no usable value, so nothing is scaled down.
    MetricInvalid,
    /// A scale-up is held back until the recommendation has lasted.
    ScaleUpStabilized,
    /// A scale-down is held back by a higher recommendation within the window.
    ScaleDownStabilized,
    /// Too soon after the last scale-up.
    ScaleUpCooldown,
    /// Too soon after the last change.
    ScaleDownCooldown,
    /// A rate policy allows no more growth yet.
    ScaleUpLimit,
    /// A rate policy allows no more shrinking yet.
    ScaleDownLimit,
    /// Fewer than `minReplicas` were recommended.
    MinReplicas,
    /// More than `maxReplicas` were recommended.
    MaxReplicas,
    /// An active window's floor is above the recommendation.
    WindowFloor,
    /// An active window's ceiling is below the recommendation.
    WindowCeiling,
    /// The policy is paused.
    Paused,
}

impl LimitKind {
    /// The stable name, HPA's where HPA has one; fit for a condition's reason and a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            LimitKind::MetricInvalid => "MetricInvalid",
            LimitKind::ScaleUpStabilized => "ScaleUpStabilized",
            LimitKind::ScaleDownStabilized => "ScaleDownStabilized",
            LimitKind::ScaleUpCooldown => "ScaleUpCooldown",
            LimitKind::ScaleDownCooldown => "ScaleDownCooldown",
            LimitKind::ScaleUpLimit => "ScaleUpLimit",
            LimitKind::ScaleDownLimit => "ScaleDownLimit",
            LimitKind::MinReplicas => "TooFewReplicas",
            LimitKind::MaxReplicas => "TooManyReplicas",
            LimitKind::WindowFloor => "WindowFloor",
            LimitKind::WindowCeiling => "WindowCeiling",
            LimitKind::Paused => "Paused",
        }
    }
}

/// Floor and ceiling in force, and who set them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The highest of `minReplicas` and the floors of windows that are active or warming up.
    pub floor: u32,
    /// The highest ceiling of the active windows that set one, else `maxReplicas`; never below `floor`.
    pub ceiling: u32,
    /// Index of the schedule that set the floor, where it is not `minReplicas`.
    pub floor_by: Option<usize>,
    /// Index of the schedule that set the ceiling, where it is not `maxReplicas`.
    pub ceiling_by: Option<usize>,
}

/// The earliest instants at which a change may happen; `None`: now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextEligible {
    /// Growing.
    pub up: Option<Timestamp>,
    /// Shrinking.
    pub down: Option<Timestamp>,
}

/// A schedule's state at an instant; whether it is open holds until `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Whether the window is open.
    pub active: bool,
    /// From when this answer holds: the evaluation's own instant.
    pub evaluated: Timestamp,
    /// When it changes: the end of an open window, the start of a closed one; `None`: never.
    pub until: Option<Timestamp>,
    /// For a closed window with a lead time: from when its floor acts, ahead of the start.
    pub early: Option<Early>,
}

/// From when a window's floor acts ahead of its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Early {
    /// The start less the lead time.
    pub from: Timestamp,
    /// The lead time is `auto`, no start-up was measured yet, and one was assumed.
    pub assumed: bool,
}

impl Window {
    /// Closed, but about to open: its floor acts already, so that replicas are ready at the start. Its ceiling does not.
    pub fn warming(&self, now: Timestamp) -> bool {
        !self.active && self.early.is_some_and(|early| early.from <= now)
    }

    /// When what it asks for changes next: it opens, closes, or its floor begins to act.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let early = self.early.map(|early| early.from).filter(|from| *from > now);
        early.or(self.until)
    }
}

impl Decision {
    /// The change of the replica count that is to be made.
    pub fn change(&self) -> Option<ScaleEvent> {
        match self.action {
            Action::Scale { to, forced } => Some(ScaleEvent {
                at: self.at,
                from: self.current,
                to,
                forced,
                rule: self.winning_rule(to, forced),
            }),
            _ => None,
        }
    }

    /// The metric whose threshold rule asked for this change, where one did.
    fn winning_rule(&self, to: u32, forced: bool) -> Option<Arc<str>> {
        let winner = self.winner.and_then(|i| self.proposals.get(i))?;
        let Outcome::Replicas { basis, .. } = winner.outcome else {
            return None;
        };
        let stepped = match basis {
            Basis::Above => to > self.current,
            Basis::Below => to < self.current,
            Basis::Proportion
            | Basis::Tolerance
            | Basis::Band
            | Basis::Cooling { .. }
            | Basis::Idle
            | Basis::Awake
            | Basis::Held
            | Basis::Planned { .. } => false,
        };
        match &winner.source {
            Source::Metric(name) if stepped && !forced => Some(name.clone()),
            _ => None,
        }
    }

    /// The source of the winning proposal.
    pub fn winner_source(&self) -> Option<&Source> {
        self.winner.and_then(|i| self.proposals.get(i)).map(|p| &p.source)
    }

    /// The metrics without a usable value, with why.
    pub fn invalid(&self) -> impl Iterator<Item = (&Source, &Failure)> {
        self.proposals.iter().filter_map(|p| match &p.outcome {
            Outcome::Invalid(failure) => Some((&p.source, failure)),
            _ => None,
        })
    }
}

impl Source {
    /// The name of the metric or schedule; for the others the field of the spec that gives the count.
    pub fn name(&self) -> &str {
        match self {
            Source::Metric(name) | Source::Schedule(name) | Source::Forecast(name) => name,
            Source::Fallback => "replicas",
            Source::Baseline => "minReplicas",
        }
    }

    /// The kind of evidence: a closed list, fit for a label.
    pub fn kind(&self) -> &'static str {
        match self {
            Source::Metric(_) => "metric",
            Source::Schedule(_) => "schedule",
            Source::Forecast(_) => "forecast",
            Source::Fallback => "fallback",
            Source::Baseline => "baseline",
        }
    }
}
