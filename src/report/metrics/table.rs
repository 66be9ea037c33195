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
pub(super) const MIN: Described = described(
    "policy_min_replicas",
    Kind::Gauge,
    &["namespace", "policy"],
    "Fewest replicas that the policy allows now, windows included",
);
pub(super) const MAX: Described = described(
    "policy_max_replicas",
    Kind::Gauge,
    &["namespace", "policy"],
    "Most replicas that the policy allows now, windows included",
);
pub(super) const LOAD: Described = described(
    "policy_load",
    Kind::Gauge,
    &["namespace", "policy"],
    "Present value of the metric that is forecast, where the policy has a prediction",
);
pub(super) const PROPOSED: Described = described(
    "policy_proposed_replicas",
    Kind::Gauge,
    &["namespace", "policy", "source"],
    "Highest proposal of each kind in the last decision: metric, threshold, schedule, forecast, fallback, baseline; and \
     outside the maximum preview (a forecast's that only shows) and replaced (a target's whose place the forecast took)",
);
pub(super) const METRIC_FAILING: Described = described(
    "policy_metric_failing",
    Kind::Gauge,
    &["namespace", "policy", "metric"],
    "1 while the policy's metric has no usable value (nothing is scaled down), else 0",
);
pub(super) const HELD: Described = described(
    "policy_held",
    Kind::Gauge,
    &["namespace", "policy", "reason"],
    "1 while this limit changed the number of the last decision; absent while it did not",
);
pub(super) const REPLICA_SECONDS: Described = described(
    "policy_replica_seconds",
    Kind::Counter,
    &["namespace", "policy"],
    "Replicas that the target was asked for, times the seconds that it was, while this process decided",
);
pub(super) const FORECAST_LOAD: Described = described(
    "policy_forecast_load",
    Kind::Gauge,
    &["namespace", "policy"],
    "Highest load that is expected within the lead time",
);
pub(super) const FORECAST_BOUND: Described = described(
    "policy_forecast_load_bound",
    Kind::Gauge,
    &["namespace", "policy"],
    "Load that replicas are to be ready for: the expected load with its margin",
);
pub(super) const FORECAST_MARGIN: Described = described(
    "policy_forecast_margin_ratio",
    Kind::Gauge,
    &["namespace", "policy"],
    "Margin over the expected load that the objective needs, where there is one",
);
pub(super) const FORECAST_CAPACITY: Described = described(
    "policy_forecast_replica_capacity",
    Kind::Gauge,
    &["namespace", "policy"],
    "Load that one replica is counted to carry, where spec.prediction.capacity is given",
);
pub(super) const FORECAST_SHORTFALL: Described = described(
    "policy_forecast_shortfall_ratio",
    Kind::Gauge,
    &["namespace", "policy"],
    "Share of the last 7 days' watched time in which load exceeded ready capacity or the signal said so",
);
pub(super) const FORECAST_OBJECTIVE: Described = described(
    "policy_forecast_shortfall_objective_ratio",
    Kind::Gauge,
    &["namespace", "policy"],
    "Share of time that is accepted for it",
);
pub(super) const FORECAST_ERROR: Described = described(
    "policy_forecast_error_ratio",
    Kind::Gauge,
    &["namespace", "policy"],
    "Realised error: by how much forecasts whose lead time has passed were off, relative to the load that came",
);
pub(super) const FORECAST_NAIVE_ERROR: Described = described(
    "policy_forecast_naive_error_ratio",
    Kind::Gauge,
    &["namespace", "policy"],
    "Realised error of the best naive forecast (last value, yesterday, last week) of the same load",
);
pub(super) const FORECAST_TRUST: Described = described(
    "policy_forecast_trusted",
    Kind::Gauge,
    &["namespace", "policy"],
    "1 while the policy's condition ForecastTrusted is True, else 0; absent while it is unknown",
);
pub(super) const OBJECTIVE: Described = described(
    "policy_objective_met",
    Kind::Gauge,
    &["namespace", "policy"],
    "1 while the policy's condition ObjectiveMet is True, else 0; absent while it is unknown",
);
pub(super) const UTILIZATION: Described = described(
    "policy_utilization_ratio",
    Kind::Gauge,
    &["namespace", "policy", "resource"],
    "What the pod nearest its limit uses of it (cpu, memory, disk, network), where spec.bottleneck is given",
);
pub(super) const IMBALANCE: Described = described(
    "policy_imbalance_ratio",
    Kind::Gauge,
    &["namespace", "policy", "resource"],
    "What the hottest pod uses over the mean of all (cpu, memory, disk, network, load); 1 is even",
);
pub(super) const BIGGER_PODS: Described = described(
    "policy_bigger_pods_advised",
    Kind::Gauge,
    &["namespace", "policy"],
    "1 while status.bottleneck.advice is BiggerPods, else 0; absent while the condition Bottlenecked is Unknown",
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
pub(super) const RECONCILE_LAG: Described = described(
    "reconcile_lag_seconds",
    Kind::Histogram,
    &[],
    "How much later than its turn a policy's reconcile began",
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
pub(super) const API_REQUESTS: Described = described(
    "api_requests",
    Kind::Counter,
    &["verb", "resource", "code"],
    "Requests to the API server by verb, resource[/subresource] and status code; without one `timeout`, `error`, or `abandoned` where the asker gave up before its answer",
);
pub(super) const LEADER: Described = described(
    "leader",
    Kind::Gauge,
    &["lease"],
    "1 while this process holds the Lease and acts for its policies, else 0; absent without leader election",
);
pub(super) const LEASE_TRANSITIONS: Described = described(
    "lease_transitions",
    Kind::Counter,
    &["lease"],
    "Times that this process gained or lost the Lease",
);

/// Every metric there is.
pub const ALL: &[Described] = &[
    BUILD,
    DECISIONS,
    BLOCKED,
    CURRENT,
    DESIRED,
    READY_PODS,
    POLICY_READY,
    POLICY_CONFLICTED,
    POLICY_CONTESTED,
    MIN,
    MAX,
    LOAD,
    PROPOSED,
    METRIC_FAILING,
    HELD,
    REPLICA_SECONDS,
    FORECAST_LOAD,
    FORECAST_BOUND,
    FORECAST_MARGIN,
    FORECAST_CAPACITY,
    FORECAST_SHORTFALL,
    FORECAST_OBJECTIVE,
    FORECAST_ERROR,
    FORECAST_NAIVE_ERROR,
    FORECAST_TRUST,
    OBJECTIVE,
    UTILIZATION,
    IMBALANCE,
    BIGGER_PODS,
    QUERY_DURATION,
    QUERY_ERRORS,
    RECONCILE_DURATION,
    RECONCILE_LAG,
    RECONCILE_ERRORS,
    SCALE_WRITES,
    STATUS_WRITES,
    API_REQUESTS,
    LEADER,
    LEASE_TRANSITIONS,
];
