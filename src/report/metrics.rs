//! The operator's own Prometheus metrics: what it decides, what it is held back by, what it asks and writes.
//!
//! Names and help stand in one table, `table`, from which the reference is generated. Values of labels come from
//! closed enums, from objects (namespace, policy) or from the operator's configuration (server); never from `Debug`,
//! messages or metrics' answers, so the number of series is bounded by the number of policies.

mod forecast;
mod table;

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

pub use self::table::{ALL, Described, Kind};

use self::forecast::ForecastGauges;
use self::table::{
    BLOCKED, BUILD, CURRENT, DECISIONS, DESIRED, POLICY_CONFLICTED, POLICY_CONTESTED, POLICY_READY, PREFIX,
    QUERY_DURATION, QUERY_ERRORS, READY_PODS, RECONCILE_DURATION, RECONCILE_ERRORS, SCALE_WRITES, STATUS_WRITES,
};
use super::status::{CONFLICTED, READY, REPLICAS_CONTESTED, condition};
use crate::api::status::ScalingPolicyStatus;
use crate::engine::decision::{Action, Decision, Source};
use crate::engine::observation::Cause;

/// The media type of [`encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds in seconds: a healthy Prometheus answers in a few milliseconds, and no remote call waits longer than 10 s.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

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
    /// Anything else.
    Other,
}

impl ErrorKind {
    fn as_str(self) -> &'static str {
        match self {
            ErrorKind::InvalidSpec => "invalid_spec",
            ErrorKind::Target => "target",
            ErrorKind::Scale => "scale",
            ErrorKind::Status => "status",
            ErrorKind::Other => "other",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    winner: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    namespace: String,
    policy: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    server: String,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
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
    forecast: ForecastGauges,
    query_duration: Family<ServerLabels, Histogram, fn() -> Histogram>,
    query_errors: Family<FailureLabels, Counter>,
    reconcile_duration: Histogram,
    reconcile_errors: Family<KindLabels, Counter>,
    scale_writes: Family<OutcomeLabels, Counter>,
    status_writes: Family<OutcomeLabels, Counter>,
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
            forecast: ForecastGauges::default(),
            query_duration: Family::new_with_constructor(histogram),
            query_errors: Family::default(),
            reconcile_duration: histogram(),
            reconcile_errors: Family::default(),
            scale_writes: Family::default(),
            status_writes: Family::default(),
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
        metrics.forecast.register(&mut register);
        register.add(QUERY_DURATION, metrics.query_duration.clone());
        register.add(QUERY_ERRORS, metrics.query_errors.clone());
        register.add(RECONCILE_DURATION, metrics.reconcile_duration.clone());
        register.add(RECONCILE_ERRORS, metrics.reconcile_errors.clone());
        register.add(SCALE_WRITES, metrics.scale_writes.clone());
        register.add(STATUS_WRITES, metrics.status_writes.clone());
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

    /// Shows a policy's replicas, whether it is ready, whether others interfere, and its forecast, from its status. What is
    /// not known is not shown.
    pub fn policy(&self, namespace: &str, policy: &str, status: &ScalingPolicyStatus) {
        let labels = PolicyLabels {
            namespace: namespace.to_owned(),
            policy: policy.to_owned(),
        };
        self.forecast.show(&labels, status);
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
            match value {
                Some(value) => {
                    family.get_or_create(&labels).set(i64::from(value));
                }
                None => {
                    family.remove(&labels);
                }
            }
        }
    }

    /// Forgets a policy that was deleted.
    pub fn forget_policy(&self, namespace: &str, policy: &str) {
        self.policy(namespace, policy, &ScalingPolicyStatus::default());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{NOW, Scene, at, plan, policy};

    /// One of everything.
    fn filled() -> (Metrics, Registry) {
        let (metrics, registry) = Metrics::new();
        let behavior = "behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}}";
        let scene = Scene::new(policy(behavior), &[], 4, Ok(1530.0), at(NOW));
        metrics.decided(&scene.decision);
        metrics.policy("shop", "checkout", &scene.status(None));
        let planned = Scene::adaptive(plan(1600.0), 4, 1420.0, Ok(0.2));
        metrics.policy("shop", "planned", &planned.status(None));
        metrics.queried("default", Duration::from_millis(7), Some(Cause::Empty));
        metrics.reconciled(Duration::from_millis(9), Some(ErrorKind::Target));
        metrics.scale_written(WriteOutcome::Succeeded);
        metrics.status_written(WriteOutcome::Conflict);
        (metrics, registry)
    }

    #[test]
    fn what_is_exposed_is_what_the_table_says() {
        let text = encode(&filled().1).unwrap();
        for described in ALL {
            let name = described.full_name();
            let samples: Vec<&str> = text.lines().filter(|l| l.starts_with(&name)).collect();
            assert!(!samples.is_empty(), "{name} is not exposed:\n{text}");
            for label in described.labels {
                assert!(
                    samples[0].contains(&format!("{label}=\"")),
                    "{name} has no label {label}"
                );
            }
            let help = format!("# HELP {PREFIX}_{} {}.", described.name, described.help);
            assert!(text.contains(&help), "{help}");
        }
        assert_eq!(text.lines().filter(|l| l.starts_with("# TYPE")).count(), ALL.len());
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn labels_are_the_stable_names() {
        let text = encode(&filled().1).unwrap();
        for line in [
            r#"headroom_decisions_total{winner="metric",action="scale_up"} 1"#,
            r#"headroom_blocked_total{reason="ScaleUpLimit"} 1"#,
            r#"headroom_policy_current_replicas{namespace="shop",policy="checkout"} 6"#,
            r#"headroom_policy_desired_replicas{namespace="shop",policy="checkout"} 6"#,
            r#"headroom_policy_ready_replicas{namespace="shop",policy="checkout"} 4"#,
            r#"headroom_policy_ready{namespace="shop",policy="checkout"} 1"#,
            r#"headroom_policy_conflicted{namespace="shop",policy="checkout"} 0"#,
            r#"headroom_policy_replicas_contested{namespace="shop",policy="checkout"} 0"#,
            r#"headroom_policy_forecast_load{namespace="shop",policy="planned"} 1429"#,
            r#"headroom_policy_forecast_load_bound{namespace="shop",policy="planned"} 1600"#,
            r#"headroom_policy_forecast_margin_ratio{namespace="shop",policy="planned"} 0.12"#,
            r#"headroom_policy_forecast_replica_capacity{namespace="shop",policy="planned"} 250"#,
            r#"headroom_policy_forecast_shortfall_ratio{namespace="shop",policy="planned"} 0.0004"#,
            r#"headroom_policy_forecast_shortfall_objective_ratio{namespace="shop",policy="planned"} 0.001"#,
            r#"headroom_policy_forecast_error_ratio{namespace="shop",policy="planned"} 0.04"#,
            r#"headroom_policy_forecast_naive_error_ratio{namespace="shop",policy="planned"} 0.06"#,
            r#"headroom_policy_forecast_trusted{namespace="shop",policy="planned"} 1"#,
            r#"headroom_policy_objective_met{namespace="shop",policy="planned"} 1"#,
            r#"headroom_metric_query_errors_total{server="default",cause="Empty"} 1"#,
            r#"headroom_metric_query_duration_seconds_count{server="default"} 1"#,
            r#"headroom_reconcile_errors_total{kind="target"} 1"#,
            r#"headroom_scale_writes_total{outcome="succeeded"} 1"#,
            r#"headroom_status_writes_total{outcome="conflict"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }

    #[test]
    fn a_deleted_policy_leaves_no_series() {
        let (metrics, registry) = filled();
        metrics.forget_policy("shop", "checkout");
        metrics.forget_policy("shop", "planned");
        assert!(!encode(&registry).unwrap().contains("shop"));
    }
}
