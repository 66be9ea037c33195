//! The operator's own Prometheus metrics: what it decides, what it is held back by, what it asks and writes.
//!
//! Names and help stand in one table, `table`, from which the reference is generated. Values of labels come from
//! closed enums, from objects (namespace, policy) or from the operator's configuration (server); never from `Debug`,
//! messages or metrics' answers, so the number of series is bounded by the number of policies.

mod bottleneck;
mod cost;
mod evidence;
mod forecast;
mod labels;
mod lease;
mod plain;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{Atomic, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

pub use self::labels::ApiRequest;
pub use self::plain::{PLAIN, plain};
pub use self::table::{ALL, Described, Kind};

use self::bottleneck::BottleneckGauges;
use self::cost::{ReplicaSeconds, replica_seconds};
use self::evidence::Evidence;
use self::forecast::ForecastGauges;
use self::labels::{
    DecisionLabels, FailureLabels, KindLabels, OutcomeLabels, PolicyLabels, ReasonLabels, ServerLabels,
};
use self::lease::Leases;
use self::table::{
    API_REQUESTS, BLOCKED, BUILD, CURRENT, DECISIONS, DESIRED, POLICY_CONFLICTED, POLICY_CONTESTED, POLICY_READY,
    PREFIX, QUERY_DURATION, QUERY_ERRORS, READY_PODS, RECONCILE_DURATION, RECONCILE_ERRORS, RECONCILE_LAG,
    REPLICA_SECONDS, SCALE_WRITES, STATUS_WRITES,
};
use super::status::{CONFLICTED, READY, REPLICAS_CONTESTED, condition};
use crate::api::status::ScalingPolicyStatus;
use crate::engine::decision::{Action, Decision, Source};
use crate::engine::observation::Cause;
use crate::engine::policy::Policy;

/// The media type of [`encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds in seconds: a healthy Prometheus answers in a few milliseconds, and no remote call waits longer than 10 s.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Upper bounds in seconds: turns are taken within milliseconds, the shortest interval is 1 s and the usual one 15 s.
const LAG: [f64; 11] = [0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// What became of a write to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It was made.
    Succeeded,
    /// The object had changed in between; it is decided again.
    Conflict,
    /// It failed.
    Failed,
}

impl WriteOutcome {
    fn as_str(self) -> &'static str {
        match self {
            WriteOutcome::Succeeded => "succeeded",
            WriteOutcome::Conflict => "conflict",
            WriteOutcome::Failed => "failed",
        }
    }
}

/// What kept a reconcile from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The spec cannot be obeyed.
    InvalidSpec,
    /// The target is missing, not scalable or not readable.
    Target,
    /// The scale could not be written.
    Scale,
    /// The status could not be written.
    Status,
    /// The Lease was lost on the way.
    LeaseLost,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// Its name as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::InvalidSpec => "invalid_spec",
            ErrorKind::Target => "target",
            ErrorKind::Scale => "scale",
            ErrorKind::Status => "status",
            ErrorKind::LeaseLost => "lease_lost",
            ErrorKind::Other => "other",
        }
    }
}

/// The families; cheap to clone, all clones count into the same registry.
#[derive(Clone, Debug)]
pub struct Metrics {
    decisions: Family<DecisionLabels, Counter>,
    blocked: Family<ReasonLabels, Counter>,
    current: Family<PolicyLabels, Gauge>,
    desired: Family<PolicyLabels, Gauge>,
    ready_pods: Family<PolicyLabels, Gauge>,
    policy_ready: Family<PolicyLabels, Gauge>,
    conflicted: Family<PolicyLabels, Gauge>,
    contested: Family<PolicyLabels, Gauge>,
    evidence: Evidence,
    replica_seconds: ReplicaSeconds,
    forecast: ForecastGauges,
    bottleneck: BottleneckGauges,
    query_duration: Family<ServerLabels, Histogram, fn() -> Histogram>,
    query_errors: Family<FailureLabels, Counter>,
    reconcile_duration: Histogram,
    reconcile_lag: Histogram,
    reconcile_errors: Family<KindLabels, Counter>,
    scale_writes: Family<OutcomeLabels, Counter>,
    status_writes: Family<OutcomeLabels, Counter>,
    api_requests: Family<ApiRequest, Counter>,
    leases: Leases,
}

impl Metrics {
    /// The families, and the registry that [`encode`] reads.
    pub fn new() -> (Metrics, Registry) {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let metrics = Metrics {
            decisions: Family::default(),
            blocked: Family::default(),
            current: Family::default(),
            desired: Family::default(),
            ready_pods: Family::default(),
            policy_ready: Family::default(),
            conflicted: Family::default(),
            contested: Family::default(),
            evidence: Evidence::default(),
            replica_seconds: ReplicaSeconds::default(),
            forecast: ForecastGauges::default(),
            bottleneck: BottleneckGauges::default(),
            query_duration: Family::new_with_constructor(histogram),
            query_errors: Family::default(),
            reconcile_duration: histogram(),
            reconcile_lag: Histogram::new(LAG),
            reconcile_errors: Family::default(),
            scale_writes: Family::default(),
            status_writes: Family::default(),
            api_requests: Family::default(),
            leases: Leases::default(),
        };
        let mut registry = Registry::with_prefix(PREFIX);
        let mut register = Registrar(&mut registry);
        register.add(BUILD, Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        register.add(DECISIONS, metrics.decisions.clone());
        register.add(BLOCKED, metrics.blocked.clone());
        register.add(CURRENT, metrics.current.clone());
        register.add(DESIRED, metrics.desired.clone());
        register.add(READY_PODS, metrics.ready_pods.clone());
        register.add(POLICY_READY, metrics.policy_ready.clone());
        register.add(POLICY_CONFLICTED, metrics.conflicted.clone());
        register.add(POLICY_CONTESTED, metrics.contested.clone());
        register.add(REPLICA_SECONDS, metrics.replica_seconds.clone());
        metrics.forecast.register(&mut register);
        metrics.bottleneck.register(&mut register);
        register.add(QUERY_DURATION, metrics.query_duration.clone());
        register.add(QUERY_ERRORS, metrics.query_errors.clone());
        register.add(RECONCILE_DURATION, metrics.reconcile_duration.clone());
        register.add(RECONCILE_LAG, metrics.reconcile_lag.clone());
        register.add(RECONCILE_ERRORS, metrics.reconcile_errors.clone());
        register.add(SCALE_WRITES, metrics.scale_writes.clone());
        register.add(STATUS_WRITES, metrics.status_writes.clone());
        register.add(API_REQUESTS, metrics.api_requests.clone());
        metrics.leases.register(&mut register);
        registry.register_collector(Box::new(metrics.evidence.clone()));
        (metrics, registry)
    }

    /// Counts a decision and the limits that changed it.
    pub fn decided(&self, decision: &Decision) {
        let labels = DecisionLabels {
            winner: decision.winner_source().map_or("none", Source::kind),
            action: action(decision),
        };
        self.decisions.get_or_create(&labels).inc();
        for limit in &decision.limits {
            let reason = limit.kind.as_str();
            self.blocked.get_or_create(&ReasonLabels { reason }).inc();
        }
    }

    /// Shows a policy's replicas, whether it is ready, whether others interfere, and its forecast, from its status; and from
    /// its last decision, where its last turn came to one, the evidence. What is not known is not shown.
    pub fn policy(
        &self,
        namespace: &str,
        policy: &str,
        status: &ScalingPolicyStatus,
        decided: Option<(&Policy, &Decision)>,
    ) {
        let labels = PolicyLabels::of(namespace, policy);
        self.evidence.show(&labels, decided);
        self.forecast.show(&labels, status);
        self.bottleneck.show(&labels, status);
        let is = |type_| condition(status, type_).map(|c| i32::from(c.status == "True"));
        let families = [
            (&self.current, status.current_replicas),
            (&self.desired, status.desired_replicas),
            (&self.ready_pods, status.ready_replicas),
            (&self.policy_ready, is(READY)),
            (&self.conflicted, is(CONFLICTED)),
            (&self.contested, is(REPLICAS_CONTESTED)),
        ];
        for (family, value) in families {
            show(family, &labels, value.map(i64::from));
        }
    }

    /// Forgets a policy that was deleted.
    pub fn forget_policy(&self, namespace: &str, policy: &str) {
        self.policy(namespace, policy, &ScalingPolicyStatus::default(), None);
        self.replica_seconds.remove(&PolicyLabels::of(namespace, policy));
    }

    /// A policy's target was asked for `replicas` from its last decision, at `since`, until this one.
    pub fn asked_for(
        &self,
        (namespace, policy): (&str, &str),
        replicas: u32,
        since: Timestamp,
        interval: SignedDuration,
        now: Timestamp,
    ) {
        let labels = PolicyLabels::of(namespace, policy);
        let more = replica_seconds(replicas, since, interval, now);
        self.replica_seconds.get_or_create(&labels).inc_by(more);
    }

    /// A query of a configured server took so long and, where it failed, for this cause.
    pub fn queried(&self, server: &str, took: Duration, failure: Option<Cause>) {
        let server = server.to_owned();
        let labels = ServerLabels { server };
        self.query_duration.get_or_create(&labels).observe(took.as_secs_f64());
        if let Some(cause) = failure {
            let labels = FailureLabels {
                server: labels.server,
                cause: cause.as_str(),
            };
            self.query_errors.get_or_create(&labels).inc();
        }
    }

    /// A reconcile took so long and, where it did not come to its end, failed of this.
    pub fn reconciled(&self, took: Duration, error: Option<ErrorKind>) {
        self.reconcile_duration.observe(took.as_secs_f64());
        if let Some(kind) = error {
            let kind = kind.as_str();
            self.reconcile_errors.get_or_create(&KindLabels { kind }).inc();
        }
    }

    /// A reconcile whose turn had come began so much later.
    pub fn late(&self, lag: Duration) {
        self.reconcile_lag.observe(lag.as_secs_f64());
    }

    /// The API server was asked.
    pub fn requested(&self, request: &ApiRequest) {
        self.api_requests.get_or_create(request).inc();
    }

    /// A scale subresource was written, or not.
    pub fn scale_written(&self, outcome: WriteOutcome) {
        let outcome = outcome.as_str();
        self.scale_writes.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// A status was written, or not.
    pub fn status_written(&self, outcome: WriteOutcome) {
        let outcome = outcome.as_str();
        self.status_writes.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Whether this process holds the Lease; a change is counted.
    pub fn lease(&self, lease: &str, held: bool) {
        self.leases.show(lease, held);
    }
}

/// The registry as OpenMetrics text.
///
/// # Errors
/// None in practice: only what writing to a `String` may return.
pub fn encode(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    text::encode(&mut text, registry)?;
    Ok(text)
}

/// Shows what is known for these labels, and else nothing any more. Most often there is nothing then, and to look needs no
/// lock that scrapes wait for.
fn show<L, N, A>(family: &Family<L, Gauge<N, A>>, labels: &L, value: Option<N>)
where
    L: Clone + Hash + Eq,
    A: Atomic<N> + Default,
{
    if let Some(value) = value {
        family.get_or_create(labels).set(value);
    } else if family.get(labels).is_some() {
        family.remove(labels);
    }
}

struct Registrar<'a>(&'a mut Registry);

impl Registrar<'_> {
    fn add(&mut self, described: Described, metric: impl Metric) {
        self.0.register(described.name, described.help, metric);
    }
}

fn action(decision: &Decision) -> &'static str {
    match decision.action {
        Action::Hold => "hold",
        Action::Scale { to, .. } if to > decision.current => "scale_up",
        Action::Scale { .. } => "scale_down",
        Action::WouldScale { .. } => "dry_run",
        Action::Paused => "paused",
        Action::Disabled => "disabled",
    }
}
