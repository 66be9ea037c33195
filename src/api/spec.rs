//! `ScalingPolicy` and its spec, with the CEL rules that the API server enforces.
//!
//! A rule's message names the field, shows the value where CEL can, and says what to do. Lists are keyed and bounded
//! so that the rules stay within the API server's cost budget. Neighbours: `behavior.rs`, `prediction.rs`,
//! `bottleneck.rs`, `scalar.rs`, `source.rs`, `status.rs`.

use kube::core::{Message, Rule};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::behavior::PolicyBehavior;
use super::bottleneck::BottleneckSpec;
use super::prediction::PredictionSpec;
use super::scalar::{Duration, LeadTime, Level, LocalDate, LocalDateTime, Quantity};
use super::source::{ExternalSource, ObjectSource, PodsSource, PrometheusSource, ResourceSource, WarmUpSpec};
use super::status::ScalingPolicyStatus;

/// What a target should have ready, from which evidence, and within which limits.
#[derive(Clone, CustomResource, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "headroom.dev",
    version = "v1alpha1",
    kind = "ScalingPolicy",
    plural = "scalingpolicies",
    shortname = "spol",
    category = "autoscaling",
    namespaced,
    status = "ScalingPolicyStatus",
    derive = "PartialEq",
    doc = "Scales one target from live metrics, scheduled windows and a forecast, and says why.",
    printcolumn = r#"{"name": "Target", "type": "string", "jsonPath": ".spec.targetRef.name"}"#,
    printcolumn = r#"{"name": "Mode", "type": "string", "jsonPath": ".spec.mode"}"#,
    printcolumn = r#"{"name": "Replicas", "type": "integer", "jsonPath": ".status.currentReplicas"}"#,
    printcolumn = r#"{"name": "Desired", "type": "integer", "jsonPath": ".status.desiredReplicas"}"#,
    printcolumn = r#"{"name": "Winner", "type": "string", "jsonPath": ".status.decision.winner"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.minReplicas <= self.maxReplicas")
        // `format`, not `string(…) + …`: the API server cannot bound the length of an integer's string and refuses the CRD.
        .message(Message::Expression("'must not exceed maxReplicas: %d is more than %d; lower it or raise maxReplicas'.format([self.minReplicas, self.maxReplicas])".into()))
        .field_path(".minReplicas"),
    validation = Rule::new("size(self.metrics) + size(self.schedules) > 0")
        .message("nothing to scale by: give at least one entry in metrics or schedules")
        .field_path(".metrics"),
    validation = Rule::new("!has(self.prediction) || self.metrics.exists(m, m.name == self.prediction.metric)")
        .message(Message::Expression("'prediction.metric (' + self.prediction.metric + ') must be the name of an entry in metrics'".into()))
        .field_path(".prediction.metric"),
    validation = Rule::new("!has(self.prediction) || self.metrics.all(m, m.name != self.prediction.metric || has(m.target) && has(m.target.averageValue))")
        .message("prediction.metric must name a metric whose target is an averageValue: a total load can be forecast and divided, an average over the present replicas cannot")
        .field_path(".prediction.metric"),
    validation = Rule::new("self.minReplicas == 0 || self.metrics.all(m, !has(m.activationValue))")
        .message(Message::Expression("'activationValue acts only where minReplicas is 0; it is %d'.format([self.minReplicas])".into()))
        .field_path(".metrics"),
    validation = Rule::new("self.minReplicas > 0 || size(self.metrics) == 0 || self.metrics.exists(m, has(m.prometheus) || has(m.object) || has(m.external))")
        .message("minReplicas 0 needs a metric that is there without pods, to wake the target: prometheus, object or external; or no metrics at all, only schedules")
        .field_path(".minReplicas"),
    validation = Rule::new("self.metrics.all(m, !has(m.activationValue) || !has(m.resource) && !has(m.pods))")
        .message("activationValue has no effect on a metric of pods (resource, pods): at zero there are none")
        .field_path(".metrics"),
    validation = Rule::new("!has(self.fallback) || size(self.metrics) > 0")
        .message("fallback needs a metric that can fail; give one in metrics or leave fallback out")
        .field_path(".fallback"),
    validation = Rule::new("!has(self.fallback) || self.fallback.replicas >= self.minReplicas && self.fallback.replicas <= self.maxReplicas")
        .message(Message::Expression("'fallback.replicas must lie from minReplicas to maxReplicas (%d to %d); it is %d'.format([self.minReplicas, self.maxReplicas, self.fallback.replicas])".into()))
        .field_path(".fallback.replicas"),
    validation = Rule::new("!has(self.prediction) || self.metrics.all(m, m.name != self.prediction.metric || has(m.prometheus))")
        .message("prediction.metric must name a metric with a prometheus source: a forecast needs weeks of history, and no other source keeps any")
        .field_path(".prediction.metric"),
    validation = Rule::new("!has(self.prediction) || !has(self.prediction.capacity) || self.metrics.all(m, m.name != self.prediction.metric || !has(m.target) || !has(m.target.averageValue) || !quantity(string(self.prediction.capacity)).isLessThan(quantity(string(m.target.averageValue))))")
        .message(Message::Expression("'prediction.capacity (' + string(self.prediction.capacity) + ') must be at least the averageValue target of its metric: what one replica is meant to carry cannot be more than it can; lower the target or measure capacity again'".into()))
        .field_path(".prediction.capacity"),
    validation = Rule::new("self.schedules.all(s, has(s.maxReplicas) || !has(s.minReplicas) || s.minReplicas <= self.maxReplicas)")
        .message(Message::Expression("'schedule %s: minReplicas must not exceed the policy\\'s maxReplicas (%d); give the schedule a maxReplicas of its own, or raise the policy\\'s'.format([self.schedules.filter(s, !has(s.maxReplicas) && has(s.minReplicas) && s.minReplicas > self.maxReplicas)[0].name, self.maxReplicas])".into()))
        .field_path(".schedules"),
    validation = Rule::new("!has(self.scaleIn) || self.scaleIn.podDeletionCost == 'None' || self.targetRef.kind != 'StatefulSet'")
        .message("scaleIn.podDeletionCost has no effect on a StatefulSet, which always removes its highest ordinals; leave it out")
        .field_path(".scaleIn")
)]
pub struct ScalingPolicySpec {
    /// The object to scale: a Deployment, or anything else with a scale subresource, in the policy's namespace.
    pub target_ref: TargetRef,
    /// Never fewer replicas than this. Default 1. With 0 the target may rest without replicas: while no metric exceeds its
    /// activationValue, and outside the windows of a policy without metrics. A zero that a person set is left alone.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000000))]
    pub min_replicas: i32,
    /// Never more replicas than this, unless an active schedule sets a maxReplicas of its own.
    #[schemars(range(min = 1, max = 1000000))]
    pub max_replicas: i32,
    /// Time between two decisions, from 1s to 1h. Default 15s.
    #[serde(default = "fifteen_seconds")]
    // Seven digits could overflow CEL's duration, whose error would be shown instead of the message.
    #[x_kube(validation = Rule::new("!self.matches('[dw]|[0-9]{7}') && duration(self) >= duration('1s') && duration(self) <= duration('1h')")
        .message(Message::Expression("'interval must be from 1s to 1h, such as 15s; got ' + self".into())))]
    pub interval: Duration,
    /// Active: decisions are written. DryRun: everything but the write. Paused: the present count is held. Default Active.
    #[serde(default)]
    pub mode: PolicyMode,
    /// Reactive evidence. The largest proposal of all evidence wins; a metric without a value blocks scale-down.
    #[serde(default)]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub metrics: Vec<MetricSpec>,
    /// Scheduled evidence: windows with a floor, a ceiling or an exact count.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub schedules: Vec<ScheduleSpec>,
    /// Predicted evidence: a linear regression over the history of one metric's load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<PredictionSpec>,
    /// One more candidate in the maximum once a metric has had no value for long. Healthy metrics that want more win; and
    /// while a metric has no value, nothing is scaled down anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackSpec>,
    /// How fast and how eagerly the replica count may move. Defaults are HPA v2's.
    #[serde(default)]
    pub behavior: PolicyBehavior,
    /// Which pods a scale-down removes. Default: left to the target's own controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_in: Option<ScaleInSpec>,
    /// How long a starting pod's processor time is doubted. Defaults are HPA's.
    #[serde(default)]
    pub warm_up: WarmUpSpec,
    /// Watches how near their limits the target's pods are and how evenly they are used, so that status says when more
    /// replicas will not help. Never scales anything. Default: nothing is watched, and nothing is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<BottleneckSpec>,
}

/// Which pods a scale-down removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleInSpec {
    /// None: the ReplicaSet controller decides alone; by node before age, and by age only roughly. YoungestFirst: before
    /// each scale-down the youngest pods, as many as are to go, get the annotation
    /// controller.kubernetes.io/pod-deletion-cost, so that pods that are warm for long stay. One PATCH per pod that goes
    /// at most; a value that somebody else set is left alone. For Deployments and whatever else runs its pods by
    /// ReplicaSets; the operator needs the right to patch pods. Default None.
    #[serde(default)]
    pub pod_deletion_cost: PodDeletionCost,
}

/// What decides the order in which pods are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PodDeletionCost {
    /// The ReplicaSet controller alone.
    #[default]
    None,
    /// The youngest pods go first.
    YoungestFirst,
}

/// The object to scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// For example apps/v1.
    #[schemars(
        regex(pattern = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]+$"),
        length(min = 1, max = 253)
    )]
    pub api_version: String,
    /// For example Deployment.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9]*$"), length(min = 1, max = 63))]
    pub kind: String,
    /// Its name, in the policy's namespace.
    // It becomes a part of the path of requests, so nothing in it may lead elsewhere.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][-A-Za-z0-9_.:]*$"), length(min = 1, max = 253))]
    pub name: String,
}

/// What happens with a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyMode {
    /// It is written to the target.
    #[default]
    Active,
    /// Everything but the write: status, events and metrics say what would have been done.
    DryRun,
    /// The present count is held; evidence is still collected and shown.
    Paused,
}

/// One metric: where its value comes from and how it becomes replicas. Exactly one source, and exactly one rule: target
/// or thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.target) != has(self.thresholds)")
        .message(Message::Expression("'metric ' + self.name + ' must have exactly one of target (the proportional rule) and thresholds (fixed steps)'".into())),
    validation = Rule::new("[has(self.prometheus), has(self.resource), has(self.pods), has(self.object), has(self.external)].exists_one(s, s)")
        .message(Message::Expression("'metric ' + self.name + ' must have exactly one source: prometheus, resource, pods, object or external'".into())),
    validation = Rule::new("!has(self.resource) || !has(self.target) || !has(self.target.value)")
        .message(Message::Expression("'metric ' + self.name + ': a resource takes averageUtilization (percent of what is requested) or averageValue (per pod) as its target, not value'".into()))
        .field_path(".target"),
    validation = Rule::new("!has(self.pods) || !has(self.target) || has(self.target.averageValue)")
        .message(Message::Expression("'metric ' + self.name + ': a metric of pods takes averageValue (per pod) as its target'".into()))
        .field_path(".target"),
    validation = Rule::new("has(self.resource) || !has(self.target) || !has(self.target.averageUtilization)")
        .message(Message::Expression("'metric ' + self.name + ': averageUtilization is a target for a resource, which containers request; give value or averageValue'".into()))
        .field_path(".target")
)]
pub struct MetricSpec {
    /// A name of your choice; unique in the policy.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(min = 1, max = 63))]
    pub name: String,
    /// A PromQL query that returns one number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusSource>,
    /// The cpu or memory of the target's pods, from metrics.k8s.io.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceSource>,
    /// A metric of each of the target's pods, from custom.metrics.k8s.io.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsSource>,
    /// A metric of one object, from custom.metrics.k8s.io.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectSource>,
    /// A metric from outside the cluster, from external.metrics.k8s.io.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSource>,
    /// The proportional rule, as HPA v2: for what falls as replicas are added, such as requests per replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<MetricTarget>,
    /// Fixed steps at thresholds: for what tells that something is wrong but not how much of it, such as latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<ThresholdsSpec>,
    /// With minReplicas 0: at or below this value the metric needs no replica, above it at least one. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_value: Option<Level>,
}

/// The threshold rule. While it is between its thresholds, or cools down, it proposes the present count, so others
/// cannot scale down either; without scaleDown it has nothing to say unless it is above.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.scaleDown) || quantity(string(self.scaleDown.below)).isLessThan(quantity(string(self.scaleUp.above)))")
    .message(Message::Expression("'scaleDown.below (' + string(self.scaleDown.below) + ') must be less than scaleUp.above (' + string(self.scaleUp.above) + '), or each step would undo the other'".into())))]
pub struct ThresholdsSpec {
    /// When and how to grow.
    pub scale_up: StepUpSpec,
    /// When and how to shrink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<StepDownSpec>,
}

/// A step up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepUpSpec {
    /// Above this value, in the metric's unit.
    pub above: Level,
    /// So many more replicas. Default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000000))]
    pub by: i32,
    /// Least time since the last scale-up that this rule won. Default 5m.
    #[serde(default = "five_minutes")]
    #[x_kube(validation = a_cooldown())]
    pub cooldown: Duration,
}

/// A step down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepDownSpec {
    /// Below this value, in the metric's unit.
    pub below: Level,
    /// So many fewer replicas. Default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000000))]
    pub by: i32,
    /// Least time since the last change, up or down, that this rule won. Default 5m.
    #[serde(default = "five_minutes")]
    #[x_kube(validation = a_cooldown())]
    pub cooldown: Duration,
}

/// What is wanted while a metric fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FallbackSpec {
    /// The count that is proposed.
    #[schemars(range(min = 1, max = 1000000))]
    pub replicas: i32,
    /// How long a metric must have had no value. Default 3m.
    #[serde(default = "three_minutes")]
    #[x_kube(validation = Rule::new("self == '1d' || !self.matches('[dw]|[0-9]{7}') && duration(self) >= duration('15s') && duration(self) <= duration('24h')")
        .message(Message::Expression("'after must be from 15s to 1d, such as 3m; got ' + self".into())))]
    pub after: Duration,
}

/// The proportional rule. Exactly one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.value), has(self.averageValue), has(self.averageUtilization)].exists_one(t, t)")
    .message("target must have exactly one of value (the source gives an average or a ratio), averageValue (the source gives a total, which is divided by the replicas, or samples of pods) and averageUtilization (percent of what is requested, for a resource)"))]
pub struct MetricTarget {
    /// The source gives an average over the replicas: replicas = ⌈ready × value ÷ target⌉.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
    /// The source gives a total: replicas = ⌈total ÷ target⌉. For a resource or a metric of pods the target of their
    /// average: replicas = ⌈pods × average ÷ target⌉.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_value: Option<Quantity>,
    /// For a resource: percent of what the pods request, from 1 up: replicas = ⌈pods × percent ÷ target⌉.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub average_utilization: Option<i32>,
}

/// A window: while it is open, its limits hold. It recurs, from `start` to `end` or for `duration`; or it is open once,
/// from `from` to `until`. Rules for overlaps, midnight and changes of clocks: docs/schedules.md.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.start) != has(self.from)")
        .message(Message::Expression("'schedule ' + self.name + ' must have exactly one of start (a cron expression, for a window that recurs) and from (a date and time, for one that does not)'".into())),
    validation = Rule::new("!has(self.start) || has(self.end) != has(self.duration)")
        .message(Message::Expression("'schedule ' + self.name + ' must have exactly one of end (a cron expression) and duration (such as 10h)'".into())),
    validation = Rule::new("has(self.from) == has(self.until)")
        .message(Message::Expression("'schedule ' + self.name + ' must have both from and until, or neither'".into())),
    validation = Rule::new("has(self.start) || !(has(self.end) || has(self.duration) || (has(self.except) && size(self.except) > 0))")
        .message(Message::Expression("'schedule ' + self.name + ': end, duration and except belong to a window that recurs; leave them out, or give start instead of from and until'".into())),
    validation = Rule::new("!has(self.from) || !has(self.until) || self.from < self.until")
        .message(Message::Expression("'schedule ' + self.name + ': until (' + self.until + ') must be later than from (' + self.from + ')'".into())),
    validation = Rule::new("has(self.replicas) != (has(self.minReplicas) || has(self.maxReplicas))")
        .message(Message::Expression("'schedule ' + self.name + ' must have minReplicas and/or maxReplicas, or replicas for an exact count'".into())),
    validation = Rule::new("!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas")
        .message(Message::Expression("'schedule ' + self.name + ': minReplicas must not exceed maxReplicas'".into())),
    validation = Rule::new("!has(self.start) || !has(self.end) || self.end != self.start")
        .message(Message::Expression("'schedule ' + self.name + ': start and end are the same (' + self.start + '), so the window would be empty; use duration'".into())),
    validation = Rule::new("!has(self.leadTime) || has(self.minReplicas) || has(self.replicas)")
        .message(Message::Expression("'schedule ' + self.name + ': leadTime (' + self.leadTime + ') has nothing to do, for a ceiling never acts early; leave it out, or give minReplicas or replicas'".into()))
)]
pub struct ScheduleSpec {
    /// A name of your choice; unique in the policy.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(min = 1, max = 63))]
    pub name: String,
    /// The IANA time zone in which times and dates are read, for example Europe/Zurich. Default UTC.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    // The API server carries its own time zones (for CronJob); an unknown name is an error of the evaluation, which
    // shows the name and this message.
    #[x_kube(validation = Rule::new("timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0")
        .message("must be an IANA time zone, such as Europe/Zurich or UTC"))]
    pub time_zone: String,
    /// When the window opens: a cron expression of five fields (minute, hour, day of month, month, day of week).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^\S+( +\S+){4}$"), length(max = 128))]
    pub start: Option<String>,
    /// When it closes: a cron expression of five fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^\S+( +\S+){4}$"), length(max = 128))]
    pub end: Option<String>,
    /// How long it stays open, from 1m to 366d; instead of end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Dates on which a recurring window does not open, such as 2026-12-25. What would have opened on that date is left
    /// out whole, also its part after midnight; what opened the day before stays open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub except: Vec<LocalDate>,
    /// When a window opens that is open once, instead of start: a date and time such as 2026-11-27T00:00:00.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<LocalDateTime>,
    /// When it closes; later than from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<LocalDateTime>,
    /// How much before the window opens its minReplicas (or replicas) are asked for, so that they are ready when it does:
    /// auto, the measured start-up time of the target's pods plus the interval, 1h at most; or up to 24h. Its maxReplicas
    /// never acts early. Default: not before it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    // Seven digits could overflow CEL's duration, as with interval.
    #[x_kube(validation = Rule::new("self == 'auto' || (!self.matches('[0-9]{7}') && duration(self) <= duration('24h'))")
        .message(Message::Expression("'leadTime must be auto, or at most 24h; got ' + self".into())))]
    pub lead_time: Option<LeadTime>,
    /// Never fewer replicas than this while the window is open. Acts at once: no tolerance, cooldown or rate limit delays it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000000))]
    pub min_replicas: Option<i32>,
    /// Never more replicas than this while the window is open; may exceed the policy's maxReplicas. Stops growth at
    /// once; the way down to it is damped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000000))]
    pub max_replicas: Option<i32>,
    /// Exactly this many while the window is open: minReplicas and maxReplicas in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000000))]
    pub replicas: Option<i32>,
}

/// The rule of a step's cooldown. CEL's own durations know no days, and seven digits could overflow them.
fn a_cooldown() -> Rule {
    Rule::new("self == '1d' || !self.matches('[dw]|[0-9]{7}') && duration(self) <= duration('24h')").message(
        Message::Expression("'cooldown must be from 1s to 1d, such as 5m; got ' + self".into()),
    )
}

fn one() -> i32 {
    1
}

fn fifteen_seconds() -> Duration {
    "15s".into()
}

fn five_minutes() -> Duration {
    "5m".into()
}

fn three_minutes() -> Duration {
    "3m".into()
}

fn utc() -> String {
    "UTC".into()
}
