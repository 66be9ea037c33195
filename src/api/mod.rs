//! The API: `headroom.dev/v1alpha1`, kind `ScalingPolicy`. Types only; what they mean is decided in `validate.rs`.
//!
//! The schema that `headroom crd` prints is generated from these types, doc comments included, so `kubectl explain
//! spol.spec` shows what stands here. Whatever schema and CEL can check is checked by the API server itself, so that
//! `kubectl apply --dry-run=server` tells the truth without a webhook. There is no conversion webhook: changes stay
//! additive.

pub mod behavior;
pub mod bottleneck;
pub mod crd;
pub mod prediction;
pub mod scalar;
pub mod source;
pub mod spec;
pub mod status;

pub use behavior::{HpaPolicy, HpaPolicyType, HpaScalingRules, HpaSelectPolicy, PolicyBehavior};
pub use bottleneck::{
    BottleneckSpec, CpuLimitSpec, DiskLimitSpec, MemoryLimitSpec, NetworkLimitSpec, PodLoadSpec, PodQuery,
};
pub use prediction::{ObjectiveSpec, PredictionModeSpec, PredictionSpec, SignalSpec};
pub use scalar::{Duration, LeadTime, Level, LocalDate, LocalDateTime, Number, Percent, Quantity, Tolerance};
pub use source::{
    DescribedObject, ExternalSource, LabelOperator, LabelRequirement, LabelValue, MetricIdentifier, MetricSelector,
    ObjectSource, PodsSource, PrometheusSource, ResourceName, ResourceSource, WarmUpSpec,
};
pub use spec::{
    FallbackSpec, MetricSpec, MetricTarget, PodDeletionCost, PolicyMode, ScaleInSpec, ScalingPolicy, ScalingPolicySpec,
    ScheduleSpec, StepDownSpec, StepUpSpec, TargetRef, ThresholdsSpec,
};
pub use status::ScalingPolicyStatus;

/// The API group of everything Headroom defines.
pub const GROUP: &str = "headroom.dev";
