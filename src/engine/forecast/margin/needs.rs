//! The distribution of the margin that would have been needed, and the margin that is exceeded with a given share of time.
//!
//! Every tick of a shadow replay says which margin would just have sufficed. Their decayed histogram answers any objective
//! at once, so the price curve costs nothing extra. A *helpless* tick, one whose jump no allowed margin covers, counts as
//! time but never as an exceedance: otherwise spikes that cannot be bought off would ruin the price of everything else.
//!
//! Neighbours: `shadow` adds, `choose` asks.

/// Bins of ln(1 + margin), from [`LEAST`] up to what `max_margin` allows.
const BINS: usize = 72;
/// The least margin: a forecast that was always 30 % too high is corrected that far down.
const LEAST: f64 = -0.3;

/// A decayed histogram of needed margins.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    /// Width of a bin of ln(1 + margin).
    width: f64,
    /// Seconds by bin.
    bins: [f32; BINS],
    /// Seconds in all, helpless ones included.
    total: f64,
    /// Seconds that were helpless.
    helpless: f64,
}

impl Needs {
    /// For margins of at most `max_margin` of what they are relative to.
    pub(super) fn new(max_margin: f64) -> Self {
        // Half as much again: a constant margin is relative to the mean load, and loads above the mean need more.
        let range = (1.0 + 1.5 * max_margin).ln() - (1.0 + LEAST).ln();
        Self {
            width: range / BINS as f64,
            bins: [0.0; BINS],
            total: 0.0,
            helpless: 0.0,
        }
    }

    /// Multiplies all that is known with `factor`.
    pub(super) fn fade(&mut self, factor: f64) {
        self.bins.iter_mut().for_each(|bin| *bin *= factor as f32);
        self.total *= factor;
        self.helpless *= factor;
    }

    /// `seconds` in which `margin` would just have sufficed.
    pub(super) fn add(&mut self, margin: f64, seconds: f64) {
        let bin = ((1.0 + margin).max(0.1).ln() - (1.0 + LEAST).ln()) / self.width;
        // Saturating by definition of `as`; NaN is 0.
        self.bins[(bin.ceil() as usize).min(BINS - 1)] += seconds as f32;
        self.total += seconds;
    }

    /// `seconds` in which no allowed margin would have sufficed.
    pub(super) fn add_helpless(&mut self, seconds: f64) {
        self.total += seconds;
        self.helpless += seconds;
    }

    /// The margin that is exceeded with `share` of the time.
    pub(super) fn margin(&self, share: f64) -> f64 {
        let allowed = share * self.total;
        let mut above = 0.0;
        for (index, seconds) in self.bins.iter().enumerate().rev() {
            let seconds = f64::from(*seconds);
            if above + seconds > allowed {
                // Within the bin, which ends at `index`, needs are taken as spread evenly.
                let position = index as f64 - (allowed - above) / seconds;
                return ((1.0 + LEAST).ln() + self.width * position).exp() - 1.0;
            }
            above += seconds;
        }
        LEAST
    }

    /// The share of time that was helpless.
    pub(super) fn helpless(&self) -> f64 {
        if self.total > 0.0 {
            self.helpless / self.total
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_leaves_its_share_above_it() {
        let mut needs = Needs::new(1.0);
        assert_eq!(needs.margin(0.1), LEAST);
        // Needed margins spread evenly from 0 to 99.9 %.
        (0..1_000).for_each(|i| needs.add(f64::from(i) / 1_000.0, 15.0));
        for (share, expected) in [(0.5, 0.5), (0.1, 0.9), (0.01, 0.99)] {
            let margin = needs.margin(share);
            assert!((margin - expected).abs() < 0.02, "{share}: {margin}");
        }
    }

    #[test]
    fn what_is_helpless_is_time_but_no_exceedance() {
        let mut needs = Needs::new(1.0);
        (0..50).for_each(|_| needs.add(0.2, 15.0));
        let before = needs.margin(0.02);
        (0..50).for_each(|_| needs.add_helpless(15.0));
        // Within the one bin.
        assert!((needs.margin(0.02) - before).abs() < 0.02);
        assert_eq!(needs.helpless(), 0.5);
    }

    #[test]
    fn old_needs_fade() {
        let mut needs = Needs::new(1.0);
        needs.add(0.9, 100.0);
        needs.fade(0.01);
        needs.add(0.1, 100.0);
        assert!(needs.margin(0.02) < 0.13, "{}", needs.margin(0.02));
    }

    #[test]
    fn any_margin_has_a_bin() {
        let mut needs = Needs::new(0.05);
        for margin in [f64::NAN, f64::NEG_INFINITY, -5.0, 0.0, 9.0, f64::INFINITY] {
            needs.add(margin, 1.0);
        }
        assert_eq!(needs.total, 6.0);
    }
}
