//! What a metric's source said: one number, or one sample for each pod of the target.
//!
//! Pods are kept apart as far as the rule needs them apart (`propose/pods.rs`): a pod that starts, leaves or has no
//! sample is neither no load nor full load, and which of the two it is taken for depends on the direction. Facts only;
//! `observe/` fills them in, nothing here judges them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// One metric's value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// One number for the target as a whole.
    Number(f64),
    /// One sample a pod.
    Pods(Arc<PodMetrics>),
}

/// A metric of the target's pods.
#[derive(Clone, Debug, PartialEq)]
pub struct PodMetrics {
    /// What is measured.
    pub kind: PodMetric,
    /// Every pod of the target, with or without a sample.
    pub pods: Vec<PodReading>,
    /// Which container lacks the request that a utilisation is measured against, in words; `None` where each has one.
    pub unrequested: Option<Arc<str>>,
    /// No chain of owners leads from the pods to the target, so that whatever its selector selects was counted.
    pub by_selector: bool,
}

/// What is measured of each pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodMetric {
    /// Processor time; starting up costs some that says nothing of the load.
    Cpu,
    /// Memory.
    Memory,
    /// Whatever an adapter of custom metrics measures.
    Custom,
}

/// One pod. Amounts are thousandths, the unit in which Kubernetes' own autoscaler calculates: sums stay exact.
#[derive(Clone, Debug, PartialEq)]
pub struct PodReading {
    /// Where it is in its life.
    pub phase: Phase,
    /// When a node took it.
    pub started: Option<Timestamp>,
    /// Its Ready condition, where it has one.
    pub ready: Option<Ready>,
    /// What it requests of the resource that is measured, in thousandths; 0 for a custom metric.
    pub request: i64,
    /// What it uses, where that is known.
    pub sample: Option<PodSample>,
}

/// Where a pod is in its life, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was asked to go, or has failed.
    Leaving,
    /// It does not run yet.
    Pending,
    /// Anything else.
    Running,
}

/// A pod's Ready condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Whether it is anything but False.
    pub holds: bool,
    /// Since when.
    pub since: Timestamp,
}

/// One pod's sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// The amount, in thousandths.
    pub value: i64,
    /// The end of the time over which it was measured.
    pub at: Timestamp,
    /// The length of that time.
    pub window: SignedDuration,
}

impl From<f64> for Reading {
    fn from(value: f64) -> Self {
        Reading::Number(value)
    }
}

impl Reading {
    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Reading::Number(value) => Some(*value),
            Reading::Pods(_) => None,
        }
    }
}
