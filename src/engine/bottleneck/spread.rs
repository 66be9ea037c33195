//! How a resource, or the load, spreads over the pods: the hottest, the mean, and how far the one is from the other.
//!
//! Only a pod that is ready counts, and only with a sample that began after it became so: start-up says nothing of the
//! load. Who is left out, and why, is told; a pod without a sample is never one without load.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Pod, PodUse, STALE, Seen, Told, WARM};
use crate::engine::observation::{Cause, Failure};
use crate::engine::reading::Phase;

/// What is known of a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Of each pod that counts.
    Each(Spread),
    /// Of all of them together, in percent.
    Whole(f64),
    /// Nothing.
    Unknown(Failure),
}

/// One measure over the pods that count; never of none.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Pods that count.
    pub pods: u32,
    /// The highest value.
    pub highest: f64,
    /// The pod that has it; of several the first by name.
    pub hottest: Arc<str>,
    /// The mean.
    pub mean: f64,
    /// Standard deviation over the mean; 0 where nothing is used.
    pub variation: f64,
    /// Pods that start, are not ready, or whose sample began before they were.
    pub unready: u32,
    /// Ready pods without a usable sample.
    pub missing: u32,
}

impl Spread {
    /// The highest over the mean; 1 is even. `None` for one pod, and where nothing is used.
    pub fn imbalance(&self) -> Option<f64> {
        (self.pods > 1 && self.mean > 0.0).then(|| self.highest / self.mean)
    }
}

/// Which sample of which pod counts, by its place in the look.
pub(super) struct Counted {
    pub(super) each: Vec<(usize, PodUse)>,
    unready: u32,
    missing: u32,
}

impl Counted {
    pub(super) fn of(pods: &[Pod], samples: &[Option<PodUse>], now: Timestamp) -> Counted {
        let mut counted = Counted {
            each: Vec::with_capacity(pods.len()),
            unready: 0,
            missing: 0,
        };
        for (i, pod) in pods.iter().enumerate() {
            let since = pod.ready.filter(|r| r.holds).map(|r| r.since);
            let (Phase::Running, Some(since)) = (pod.phase, since) else {
                counted.unready += u32::from(pod.phase != Phase::Leaving);
                continue;
            };
            let usable = |s: &PodUse| {
                let finite = |v: f64| v.is_finite() && v >= 0.0;
                finite(s.used) && finite(s.percent) && now.duration_since(s.at) <= STALE
            };
            match samples.get(i).copied().flatten().filter(usable) {
                Some(sample) if sample.from >= since => counted.each.push((i, sample)),
                Some(_) => counted.unready += 1,
                // metrics-server takes a round or two to know a new pod.
                None if now.duration_since(since) < WARM => counted.unready += 1,
                None => counted.missing += 1,
            }
        }
        counted
    }

    fn spread(&self, pods: &[Pod], value: impl Fn(&PodUse) -> f64) -> Result<Spread, Failure> {
        let values: Vec<f64> = self.each.iter().map(|(_, sample)| value(sample)).collect();
        let mut hottest: Option<(usize, f64)> = None;
        for ((i, _), value) in self.each.iter().zip(&values) {
            let named = |at: usize| pods.get(at).map(|p| &p.name);
            let hotter = hottest.is_none_or(|(at, most)| *value > most || (*value == most && named(*i) < named(at)));
            if hotter {
                hottest = Some((*i, *value));
            }
        }
        let Some((at, highest)) = hottest else {
            let (cause, what) = match pods {
                [] => (Cause::NoPods, "the target has no pods".to_owned()),
                _ => (
                    Cause::Empty,
                    format!(
                        "no pod has a sample to go by: {} starting or not ready, {} without a sample",
                        self.unready, self.missing
                    ),
                ),
            };
            return Err(Failure::new(cause, what));
        };
        let count = values.len() as f64;
        // Each value is at most the highest, so that the sum of shares cannot overflow.
        let mean = values.iter().map(|v| v / count).sum::<f64>();
        let variance = values
            .iter()
            .map(|v| ((v - mean) / mean.max(f64::MIN_POSITIVE)).powi(2) / count);
        Ok(Spread {
            pods: u32::try_from(values.len()).unwrap_or(u32::MAX),
            highest,
            hottest: pods.get(at).map_or_else(|| "".into(), |p| p.name.clone()),
            mean,
            variation: if mean > 0.0 { variance.sum::<f64>().sqrt() } else { 0.0 },
            unready: self.unready,
            missing: self.missing,
        })
    }
}

/// How what was seen stands: of a resource in percent.
pub(super) fn standing(pods: &[Pod], seen: &Seen, now: Timestamp) -> Standing {
    match seen {
        Err(failure) => Standing::Unknown(failure.clone()),
        Ok(Told::Whole(percent)) if !percent.is_finite() || *percent < 0.0 => {
            let cause = if percent.is_finite() {
                Cause::Negative
            } else {
                Cause::NotFinite
            };
            Standing::Unknown(Failure::new(cause, format!("the value is {percent}")))
        }
        Ok(Told::Whole(percent)) => Standing::Whole(*percent),
        Ok(Told::Each(samples)) => {
            let spread = Counted::of(pods, samples, now).spread(pods, |s| s.percent);
            spread.map_or_else(Standing::Unknown, Standing::Each)
        }
    }
}
