//! The table of metrics: each one's name, kind, labels and help, once. `docs/metrics.md` is generated from [`ALL`].

/// Every name begins with it.
pub(super) const PREFIX: &str = "headroom";

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds in buckets.
    Histogram,
    /// Always 1; its labels are the information.
    Info,
}

/// One metric's entry in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name without the prefix and without the suffix that its kind gives it.
    pub(super) name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// One sentence, without its full stop.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
}

impl Described {
    /// The name as Prometheus shows it.
    pub fn full_name(&self) -> String {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("{PREFIX}_{}{suffix}", self.name)
    }
}

const fn described(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Described {
    Described {
        name,
        kind,
        help,
        labels,
    }
}

pub(super) const BUILD: Described = described("build", Kind::Info, &["version"], "The operator's version");
pub(super) const DECISIONS: Described = described(
    "decisions",
    Kind::Counter,
    &["winner", "action"],
    "Decisions by the kind of evidence that won and by what was to be done",
);
pub(super) const BLOCKED: Described = described(
    "blocked",
    Kind::Counter,
    &["reason"],
    "Decisions whose number a limit changed, by that limit",
);
pub(super) const CURRENT: Described = described(
    "policy_current_replicas",
    Kind::Gauge,
    &["namespace", "policy"],
    "Replicas that the target is asked for",
);
pub(super) const DESIRED: Described = described(
    "policy_desired_replicas",
    Kind::Gauge,
    &["namespace", "policy"],
    "Replicas that the last decision wants",
);
pub(super) const READY_PODS: Described = described(
    "policy_ready_replicas",
    Kind::Gauge,
    &["namespace", "policy"],
    "Pods of the target that are ready, where known",
);
pub(super) const POLICY_READY: Described = described(
    "policy_ready",
    Kind::Gauge,
    &["namespace", "policy"],
    "1 while the policy's condition Ready is True, else 0",
);
pub(super) const POLICY_CONFLICTED: Described = described(
    "policy_conflicted",
    Kind::Gauge,
    &["namespace", "policy"],
    "1 while the policy's condition Conflicted is True (something else scales the target), else 0",
);
pub(super) const POLICY_CONTESTED: Described = described(
    "policy_replicas_contested",
    Kind::Gauge,
    &["namespace", "policy"],
    "1 while the policy's condition ReplicasContested is True (somebody rewrites the count), else 0, where known",
);
pub(super) const QUERY_DURATION: Described = described(
    "metric_query_duration_seconds",
    Kind::Histogram,
    &["server"],
    "Time until a metrics server answered or failed",
);
pub(super) const QUERY_ERRORS: Described = described(
    "metric_query_errors",
    Kind::Counter,
    &["server", "cause"],
    "Queries without a usable value, by server and cause",
);
pub(super) const RECONCILE_DURATION: Described = described(
    "reconcile_duration_seconds",
    Kind::Histogram,
    &[],
    "Time from the start of a reconcile to its end, queries included",
);
pub(super) const RECONCILE_ERRORS: Described = described(
    "reconcile_errors",
    Kind::Counter,
    &["kind"],
    "Reconciles that could not do all they should, by what failed",
);
pub(super) const SCALE_WRITES: Described = described(
    "scale_writes",
    Kind::Counter,
    &["outcome"],
    "Writes of a scale subresource by outcome",
);
pub(super) const STATUS_WRITES: Described = described(
    "status_writes",
    Kind::Counter,
    &["outcome"],
    "Writes of a policy's status by outcome",
);

/// Every metric there is.
pub const ALL: [Described; 15] = [
    BUILD,
    DECISIONS,
    BLOCKED,
    CURRENT,
    DESIRED,
    READY_PODS,
    POLICY_READY,
    POLICY_CONFLICTED,
    POLICY_CONTESTED,
    QUERY_DURATION,
    QUERY_ERRORS,
    RECONCILE_DURATION,
    RECONCILE_ERRORS,
    SCALE_WRITES,
    STATUS_WRITES,
];
