//! predictive-horizontal-pod-autoscaler's `Linear` model: a straight line through its own last replica counts, read off
//! where a replica asked for now is ready.
//!
//! As jthomperoo/predictive-horizontal-pod-autoscaler does it (v0.13, `algorithms/linear_regression`): ordinary least
//! squares on the last `historySize` counts that HPA's rule calculated, one a sync, evaluated `lookAhead` after now and
//! rounded up; the maximum of that and of what HPA's rule says goes through HPA's behaviour. `historySize` is 6, as in its
//! documentation, and `lookAhead` the lead time that our own forecast would have.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::engine::policy::Behavior;
use crate::simulate::replay::Setup;

/// `historySize` of its documentation and examples.
const HISTORY: usize = 6;

/// The model's memory.
#[derive(Clone, Debug)]
pub(super) struct Regression {
    look_ahead: SignedDuration,
    behavior: Behavior,
    /// HPA's counts, oldest first.
    counts: VecDeque<(Timestamp, f64)>,
}

impl Regression {
    pub(super) fn new(setup: &Setup) -> Self {
        Regression {
            look_ahead: setup.startup + setup.delay + setup.tick,
            behavior: Behavior::default(),
            counts: VecDeque::with_capacity(HISTORY + 1),
        }
    }

    /// Takes in what the load needs at `now`, in replicas at the target, while `current` are asked for; returns the
    /// replicas that the line expects.
    pub(super) fn next(&mut self, now: Timestamp, need: f64, current: u32) -> f64 {
        let ratio = need / f64::from(current);
        let within = ratio <= 1.0 + self.behavior.up.tolerance && ratio >= 1.0 - self.behavior.down.tolerance;
        let count = if within { f64::from(current) } else { need.ceil() };
        self.counts.push_back((now, count));
        if self.counts.len() > HISTORY {
            self.counts.pop_front();
        }
        self.line(now).ceil().max(0.0)
    }

    /// The line's value `look_ahead` after `now`; the mean where all counts are of one instant.
    fn line(&self, now: Timestamp) -> f64 {
        let n = self.counts.len() as f64;
        // Seconds before the instant that is asked for, so that the intercept is the answer.
        let x = |at: Timestamp| (at.duration_since(now) - self.look_ahead).as_secs_f64();
        let mean_x = self.counts.iter().map(|(at, _)| x(*at)).sum::<f64>() / n;
        let mean_y = self.counts.iter().map(|(_, y)| y).sum::<f64>() / n;
        let (mut xx, mut xy) = (0.0, 0.0);
        for (at, y) in &self.counts {
            xx += (x(*at) - mean_x).powi(2);
            xy += (x(*at) - mean_x) * (y - mean_y);
        }
        let slope = if xx > 0.0 { xy / xx } else { 0.0 };
        // A whole number that rounding lifted is still that number.
        mean_y - slope * mean_x - 1e-9
    }
}
