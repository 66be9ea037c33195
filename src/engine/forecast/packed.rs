//! A closed bucket in three bytes: its mean to 0.1 %, its maximum to a percent or so above it.
//!
//! Four weeks of 5-minute buckets are most of what a policy holds. As two f32 they are 64 kB, in this form 24 kB: ten
//! thousand policies then fit half a gigabyte with all else. No load is known better than to 0.1 %.
//!
//! Neighbour: `history` keeps a ring of them.

/// The mean takes 16 bits of an f32: 7 of its exponent (2⁻²⁸ to 2⁹⁹, or 4e-9 to 6e29) and 9 of its fraction.
const DROPPED: u32 = 14;
/// The code of 2⁻²⁸: what is below counts as nothing.
const LEAST: u32 = (127 - 28) << (23 - DROPPED);
/// Codes that are no number.
const MISSING: u16 = 0;
const ZERO: u16 = 1;
/// The maximum is mean × (1 + (code ÷ this)²): fine where it is near the mean, up to 21 times it.
const FINE: f64 = 57.0;

/// What is kept of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed([u8; 3]);

impl Packed {
    /// Nothing was observed.
    pub(super) const MISSING: Self = Self([0; 3]);

    /// A bucket's mean and maximum; both are finite, and 0 ≤ mean ≤ max.
    pub(super) fn new(mean: f64, max: f64) -> Self {
        let bits = (mean as f32).to_bits() + (1 << (DROPPED - 1));
        let code = (bits >> DROPPED).saturating_sub(LEAST);
        let [low, high] = if code <= u32::from(ZERO) {
            ZERO
        } else {
            u16::try_from(code).unwrap_or(u16::MAX)
        }
        .to_le_bytes();
        // Against what will be read back, and rounded up: a peak is not forgotten by rounding.
        let ratio = max / Self([low, high, 0]).get().map_or(1.0, |(mean, _)| mean);
        // Saturating by definition of `as`; NaN, nothing over nothing, is 0.
        let above = (FINE * (ratio - 1.0).max(0.0).sqrt()).ceil() as u8;
        Self([low, high, above])
    }

    /// The mean and the maximum, or `None` where nothing was observed.
    pub(super) fn get(self) -> Option<(f64, f64)> {
        let [low, high, above] = self.0;
        match u16::from_le_bytes([low, high]) {
            MISSING => None,
            ZERO => Some((0.0, 0.0)),
            code => {
                let mean = f64::from(f32::from_bits((u32::from(code) + LEAST) << DROPPED));
                let above = f64::from(above) / FINE;
                Some((mean, mean * (1.0 + above * above)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_and_no_load_are_told_apart() {
        assert_eq!(Packed::MISSING.get(), None);
        assert_eq!(Packed::new(0.0, 0.0).get(), Some((0.0, 0.0)));
        assert_eq!(Packed::new(1e-30, 1e-30).get(), Some((0.0, 0.0)));
        assert_eq!(Packed::new(1.0, 1.0).get(), Some((1.0, 1.0)));
        assert_eq!(size_of::<Packed>(), 3);
    }

    proptest! {
        #[test]
        fn a_load_comes_back_as_it_was(exponent in -8.0_f64..29.0, ratio in 1.0_f64..20.0) {
            let mean = 10_f64.powf(exponent);
            let (read, max) = Packed::new(mean, ratio * mean).get().unwrap();
            prop_assert!((read / mean - 1.0).abs() < 0.001, "{mean} {read}");
            prop_assert!(max >= 0.999_999 * ratio * mean, "a peak is not lost: {ratio} {}", max / mean);
            prop_assert!(max <= ratio * mean * 1.05 && (ratio > 1.01 || max <= ratio * mean * 1.006), "{ratio} {}", max / mean);
        }
    }
}
