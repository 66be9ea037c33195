//! Ageing for sums that grow with time: new evidence weighs more, and old sums are never touched.
//!
//! Multiplying a p × p sum by 0.999 at every sample costs as much as learning the sample. Weighting sample t with
//! 2^((t − origin) / half-life) gives the same ratios for one `exp2`; only when the exponent grows large does the owner
//! multiply its sums once, by the factor that [`Decay::rebase`] hands it.
//!
//! Neighbours: `ridge` (the Gram matrix), `backtest` (errors and ratios), `history` (running means).

/// The exponent at which sums are brought back to size: 2^64 leaves f64's range (2^1023) and precision untouched, and
/// at the shortest half-life in use (12 h) comes once a month.
const LARGEST_EXPONENT: f64 = 64.0;

/// The weight of a sample by its age.
#[derive(Clone, Debug)]
pub(super) struct Decay {
    half_life: f64,
    origin: Option<i64>,
}

impl Decay {
    /// `half_life` in seconds.
    pub(super) const fn new(half_life: f64) -> Self {
        Self {
            half_life,
            origin: None,
        }
    }

    /// The weight of a sample at `at` (Unix seconds). Samples that come first weigh 1.
    ///
    /// The second value, where there is one, is what all sums so far must be multiplied with before the sample is
    /// added.
    pub(super) fn rebase(&mut self, at: i64) -> (f64, Option<f64>) {
        let origin = *self.origin.get_or_insert(at);
        let exponent = at.saturating_sub(origin) as f64 / self.half_life;
        if exponent <= LARGEST_EXPONENT {
            return (exponent.exp2(), None);
        }
        self.origin = Some(at);
        (1.0, Some((-exponent).exp2()))
    }
}

/// An exponentially weighted mean.
#[derive(Clone, Debug)]
pub(super) struct DecayedMean {
    decay: Decay,
    weight: f64,
    sum: f64,
}

impl DecayedMean {
    /// `half_life` in seconds.
    pub(super) const fn new(half_life: f64) -> Self {
        Self {
            decay: Decay::new(half_life),
            weight: 0.0,
            sum: 0.0,
        }
    }

    /// Adds a finite value observed at `at` (Unix seconds).
    pub(super) fn add(&mut self, at: i64, value: f64) {
        let (weight, rebase) = self.decay.rebase(at);
        if let Some(factor) = rebase {
            self.weight *= factor;
            self.sum *= factor;
        }
        self.weight += weight;
        self.sum += weight * value;
    }

    /// The mean, or `None` before the first value.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_one_half_life_old_weighs_half() {
        let mut mean = DecayedMean::new(100.0);
        assert_eq!(mean.mean(), None);
        mean.add(0, 3.0);
        mean.add(100, 6.0);
        assert_eq!(mean.mean(), Some(5.0));
    }

    #[test]
    fn rebasing_changes_no_mean() {
        // 65 half-lives: the second value crosses the rebase, the third follows it.
        let mut mean = DecayedMean::new(100.0);
        for (at, value) in [(0, 1e6), (6_500, 3.0), (6_600, 6.0)] {
            mean.add(at, value);
        }
        assert!((mean.mean().unwrap() - 5.0).abs() < 1e-9);
    }
}
