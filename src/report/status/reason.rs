//! The reasons of conditions that are not a limit's: stable, for alerts and scripts.

/// `Ready`: all is well.
pub const RECONCILE_SUCCEEDED: &str = "ReconcileSucceeded";
/// The spec cannot be obeyed.
pub const INVALID_SPEC: &str = "InvalidSpec";
/// The target does not exist.
pub const TARGET_NOT_FOUND: &str = "TargetNotFound";
/// The target has no scale subresource.
pub const TARGET_NOT_SCALABLE: &str = "TargetNotScalable";
/// RBAC keeps the operator from the target's scale.
pub const TARGET_FORBIDDEN: &str = "TargetForbidden";
/// The target's scale could not be read.
pub const TARGET_UNREADABLE: &str = "TargetUnreadable";
/// `Ready`: a metric has no value.
pub const METRIC_FAILING: &str = "MetricFailing";
/// `ScalingActive`: every metric has a value.
pub const VALID_METRIC_FOUND: &str = "ValidMetricFound";
/// `ScalingActive`: the policy has schedules only.
pub const SCHEDULES_ONLY: &str = "SchedulesOnly";
/// `ScalingActive`: a metric has no value.
pub const FAILED_GET_METRIC: &str = "FailedGetMetric";
/// The target is at zero.
pub const SCALING_DISABLED: &str = "ScalingDisabled";
/// The policy is paused.
pub const PAUSED: &str = "Paused";
/// The policy is in dry run.
pub const DRY_RUN: &str = "DryRun";
/// Something else scales the target.
pub const CONFLICTED: &str = "Conflicted";
/// `Conflicted`: by an older ScalingPolicy. Other rivals' reasons are their kinds.
pub const OLDER_POLICY: &str = "OlderScalingPolicy";
/// `Conflicted`: no.
pub const NO_RIVAL: &str = "NoRival";
/// `Conflicted`: unknown, because a kind of rival may not be listed.
pub const RIVALS_UNSEEN: &str = "RivalsUnseen";
/// `ReplicasContested`: yes.
pub const REWRITTEN: &str = "Rewritten";
/// `ReplicasContested`: no.
pub const NOT_REWRITTEN: &str = "NotRewritten";
/// `AbleToScale`: nothing is in the way.
pub const READY_FOR_NEW_SCALE: &str = "ReadyForNewScale";
/// `AbleToScale`: the target was asked for the desired count.
pub const SUCCEEDED_RESCALE: &str = "SucceededRescale";
/// `AbleToScale`: the write failed.
pub const FAILED_UPDATE_SCALE: &str = "FailedUpdateScale";
/// `AbleToScale`: the target's scale could not be read.
pub const FAILED_GET_SCALE: &str = "FailedGetScale";
/// `AbleToScale`: neither direction may move yet.
pub const BACKOFF_BOTH: &str = "BackoffBoth";
/// `ScalingLimited`: no.
pub const DESIRED_WITHIN_RANGE: &str = "DesiredWithinRange";
/// Unknown, because the reconcile did not come so far.
pub const NOT_EVALUATED: &str = "NotEvaluated";
/// `ForecastTrusted`: yes.
pub const TRUSTED: &str = "Trusted";
/// `ForecastTrusted`, `ObjectiveMet`: there is none yet.
pub const NO_FORECAST: &str = "NoForecast";
/// `ObjectiveMet`: yes.
pub const MET: &str = "Met";
/// `ObjectiveMet`: yes, with less capacity a replica than the spec says.
pub const CAPACITY_CORRECTED: &str = "CapacityCorrected";
/// `ObjectiveMet`: no.
pub const SHORTFALL_ABOVE_OBJECTIVE: &str = "ShortfallAboveObjective";
/// `ObjectiveMet`: no, and within maxMargin it cannot be.
pub const OUT_OF_REACH: &str = "OutOfReach";
/// `ObjectiveMet`: unknown, because less than a day was watched.
pub const TOO_EARLY: &str = "TooEarly";
/// `ObjectiveMet`: unknown, because the signal has no value.
pub const SIGNAL_FAILING: &str = "SignalFailing";
