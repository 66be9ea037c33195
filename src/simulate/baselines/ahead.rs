//! The running maximum of what lies ahead: the one loop that the oracle, floors and seasons have in common.

use std::collections::VecDeque;

/// For each value the highest of it and the `ahead` that follow; fewer follow at the end. NaN counts as nothing, and is
/// the answer where there is nothing else.
pub(super) fn highest(values: &[f64], ahead: usize) -> Vec<f64> {
    let mut highest = vec![f64::NAN; values.len()];
    // Indices whose values fall: from the back of the series, each is the highest up to the next.
    let mut candidates: VecDeque<usize> = VecDeque::new();
    for (i, value) in values.iter().enumerate().rev() {
        while candidates.back().is_some_and(|last| values[*last] <= *value) {
            candidates.pop_back();
        }
        if !value.is_nan() {
            candidates.push_back(i);
        }
        while candidates.front().is_some_and(|first| *first > i + ahead) {
            candidates.pop_front();
        }
        highest[i] = candidates.front().map_or(f64::NAN, |first| values[*first]);
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_plain_search_says() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 7919 % 31)).collect();
        for ahead in [0, 1, 5, 300] {
            let plain: Vec<f64> = (0..values.len())
                .map(|i| {
                    values[i..(i + ahead + 1).min(values.len())]
                        .iter()
                        .copied()
                        .fold(0.0, f64::max)
                })
                .collect();
            assert_eq!(highest(&values, ahead), plain, "{ahead}");
        }
    }

    #[test]
    fn nan_is_nothing() {
        let nan = f64::NAN;
        let text = format!("{:?}", highest(&[nan, nan, 3.0, nan, 1.0, nan], 1));
        assert_eq!(text, "[NaN, 3.0, 3.0, 1.0, 1.0, NaN]");
    }
}
