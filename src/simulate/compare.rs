//! A policy beside what people use today, on the same trace: the types of `--compare` and `--sweep`.
//!
//! `baselines/` decides, `contest.rs` runs, the page and `table.rs` show. Shares are from 0 to 1, costs are multiples of
//! the oracle's replica-hours, targets are shares of what one replica can carry.

use std::fmt;

use serde::Serialize;

use super::figures::Figures;
use super::timeline::Column;

/// What a policy is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// HPA v2 with the policy's own target.
    Hpa,
    /// HPA v2 with the cheapest target that meets the objective, chosen in hindsight.
    HpaTuned,
    /// KEDA: floors by the hour learnt from history, HPA for the rest; tuned in hindsight.
    Cron,
    /// The load of a week ago (a day, where there is no week) over the start-up time, HPA for the rest; tuned in
    /// hindsight.
    Seasonal,
    /// predictive-horizontal-pod-autoscaler's linear regression on its own replicas; tuned in hindsight.
    Phpa,
    /// The cheapest plan that is never short, made by somebody who knows the future.
    Oracle,
}

impl Baseline {
    /// All of them, in the order of the table.
    pub const ALL: [Baseline; 6] = [
        Baseline::Hpa,
        Baseline::HpaTuned,
        Baseline::Cron,
        Baseline::Seasonal,
        Baseline::Phpa,
        Baseline::Oracle,
    ];

    /// Its name on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Baseline::Hpa => "hpa",
            Baseline::HpaTuned => "hpa-tuned",
            Baseline::Cron => "cron",
            Baseline::Seasonal => "seasonal",
            Baseline::Phpa => "phpa",
            Baseline::Oracle => "oracle",
        }
    }

    /// Its name in tables and legends.
    pub fn title(self) -> &'static str {
        match self {
            Baseline::Hpa => "HPA v2",
            Baseline::HpaTuned => "HPA v2, tuned in hindsight",
            Baseline::Cron => "Cron floors + HPA (KEDA)",
            Baseline::Seasonal => "Seasonal-naive + HPA",
            Baseline::Phpa => "PHPA's regression",
            Baseline::Oracle => "Oracle",
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A policy and its baselines on one trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The share of time that may be short: the policy's objective, else 0.001.
    pub objective: f64,
    /// The policy that was replayed.
    pub policy: Figures,
    /// What it was compared with, in the order of [`Baseline::ALL`].
    pub baselines: Vec<Contender>,
    /// HPA at the policy's replica-hours; absent where `hpa-tuned` was not asked for, or its curve does not reach there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equal_cost: Option<EqualCost>,
    /// HPA's cost and shortfall by target, lowest target first; empty where `hpa-tuned` was not asked for.
    pub hpa_curve: Vec<Point>,
}

/// One baseline's run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contender {
    /// Which baseline.
    pub baseline: Baseline,
    /// The utilisation it aims at, as a share of what one replica carries (above 0; 0.7 is 70 %): chosen in hindsight
    /// where the baseline is tuned. Absent for the oracle, which aims at none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// What its floors carry, as a multiple of the highest load that history had at that hour: chosen in hindsight. Only
    /// cron has floors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Whether it was short for no more than the objective. A tuned one that is not: no target meets it, and this is the
    /// one with the least shortfall.
    pub met: bool,
    /// What it came to.
    pub figures: Figures,
    /// What the page draws of it: load, capacity, desired and ready, as the policy's own timeline has them.
    #[serde(skip)]
    pub columns: Vec<Column>,
}

/// Under-provisioning at equal replica-hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EqualCost {
    /// The policy's replica-hours.
    pub replica_hours: f64,
    /// The policy's short minutes a day.
    pub policy_short_minutes_per_day: f64,
    /// HPA's at the same replica-hours: its curve, linear between two targets.
    pub hpa_short_minutes_per_day: f64,
}

impl EqualCost {
    /// How many times as long HPA is short; `None` where the policy never is.
    pub fn factor(&self) -> Option<f64> {
        (self.policy_short_minutes_per_day > 0.0)
            .then(|| self.hpa_short_minutes_per_day / self.policy_short_minutes_per_day)
    }
}

/// What one setting of a knob came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// The knob: a share (HPA's target as a share of capacity, or the objective as a share of time).
    pub knob: f64,
    /// What it came to.
    pub figures: Figures,
}

/// The curves of `--sweep`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// The policy by its objective, strictest first; empty unless its prediction is Adaptive.
    pub objective: Vec<Point>,
    /// HPA v2 by its target, lowest first.
    pub hpa: Vec<Point>,
}
