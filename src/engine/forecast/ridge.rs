//! Exact ridge regression from a compressed state: a decayed Gram matrix in, coefficients out through linfa-linear.
//!
//! Learning a row adds it to the sums (p²/2 multiplications). A fit centres and standardises the sums, factors them with
//! linfa-linalg (LLᵀ = C + λI) and hands linfa-linear the p × p system Lᵀβ = L⁻¹c, whose least squares *are* the
//! ridge's: microseconds however long the history, and no samples kept.
//!
//! It must never fit with linfa-linear's own intercept, or without λ: measured on 0.8.1, collinear columns then give
//! `Ok` with coefficients of 1e13, and a NaN gives `Ok` with a NaN model. So NaN is refused at the door and λ > 0
//! always. Matrices are column-major: row-major is six times slower there.
//!
//! Neighbours: `features` makes the rows, `mod` says when to learn and fit.

use linfa::DatasetBase;
use linfa::traits::Fit as _;
use linfa_linalg::cholesky::CholeskyInplace;
use linfa_linalg::triangular::{SolveTriangularInplace, UPLO};
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};

use super::decay::Decay;

/// Age at which a row weighs half: two weeks keep two of each weekday, and forget last quarter's shape.
const HALF_LIFE: f64 = 14.0 * 86_400.0;
/// λ per unit of variance of a standardised column. It bounds any coefficient by 1 / (2√λ) ≈ 16 target deviations.
const LAMBDA: f64 = 1e-3;
/// λ's worth in rows: with n rows the penalty is this / n more, so a first fit on one day (288 rows) shrinks by a
/// tenth.
const LAMBDA_ROWS: f64 = 30.0;
/// A column whose variance is below this share of its mean square is a constant: rounding, not evidence.
const CONSTANT: f64 = 1e-10;

/// Decayed sums over the rows learnt so far, for `P` columns. About `P`²/2 × 8 bytes on the heap.
#[derive(Clone, Debug)]
pub(super) struct Gram<const P: usize> {
    decay: Decay,
    rows: u64,
    weight: f64,
    weight_squared: f64,
    x: [f64; P],
    y: f64,
    xy: [f64; P],
    /// Upper triangle of Σ w x xᵀ, row after row.
    xx: Box<[f64]>,
}

/// A fitted model in the columns' own units.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coefficients<const P: usize> {
    pub(super) intercept: f64,
    pub(super) slopes: [f64; P],
    /// The columns' means as learnt.
    pub(super) mean: [f64; P],
}

impl<const P: usize> Coefficients<P> {
    pub(super) fn predict(&self, x: &[f64; P]) -> f64 {
        self.intercept + self.slopes.iter().zip(x).map(|(slope, x)| slope * x).sum::<f64>()
    }

    /// What is predicted at the mean row, and what each of `G` groups of columns (`group` < `G`) adds to that at `x`: together
    /// they are the prediction.
    pub(super) fn parts<const G: usize>(&self, x: &[f64; P], group: impl Fn(usize) -> usize) -> (f64, [f64; G]) {
        let mut parts = [0.0; G];
        for (j, x) in x.iter().enumerate() {
            parts[group(j)] += self.slopes[j] * (x - self.mean[j]);
        }
        (self.predict(&self.mean), parts)
    }
}

impl<const P: usize> Gram<P> {
    pub(super) fn new() -> Self {
        Self {
            decay: Decay::new(HALF_LIFE),
            rows: 0,
            weight: 0.0,
            weight_squared: 0.0,
            x: [0.0; P],
            y: 0.0,
            xy: [0.0; P],
            xx: vec![0.0; P * (P + 1) / 2].into_boxed_slice(),
        }
    }

    /// Rows learnt.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Learns that `x` was followed by `y` at `at` (Unix seconds, never decreasing). A row with anything that is not
    /// finite, or without weight, is not learnt.
    pub(super) fn learn(&mut self, at: i64, x: &[f64; P], y: f64, weight: f64) {
        if !(y.is_finite() && weight.is_finite() && weight > 0.0 && x.iter().all(|v| v.is_finite())) {
            return;
        }
        let (age, rebase) = self.decay.rebase(at);
        if let Some(factor) = rebase {
            let scale = |sums: &mut [f64]| sums.iter_mut().for_each(|sum| *sum *= factor);
            scale(&mut self.x);
            scale(&mut self.xy);
            scale(&mut self.xx);
            self.y *= factor;
            self.weight *= factor;
            self.weight_squared *= factor * factor;
        }
        let w = age * weight;
        self.rows = self.rows.saturating_add(1);
        self.weight += w;
        self.weight_squared += w * w;
        self.y += w * y;
        let mut triangle = self.xx.as_mut();
        for (i, xi) in x.iter().enumerate() {
            let wx = w * xi;
            self.x[i] += wx;
            self.xy[i] += wx * y;
            let (row, rest) = triangle.split_at_mut(P - i);
            triangle = rest;
            row.iter_mut().zip(&x[i..]).for_each(|(sum, xj)| *sum += wx * xj);
        }
    }

    /// λ on the standardised scale, thin history included. Kish's (Σw)²/Σw² is the number of rows that the weights
    /// leave.
    fn lambda(&self) -> f64 {
        LAMBDA + LAMBDA_ROWS * self.weight_squared / (self.weight * self.weight)
    }

    /// The ridge solution over the columns that are `wanted` (the others get 0), or `None` where there is nothing to
    /// fit or the sums overflowed.
    pub(super) fn fit(&self, wanted: impl Fn(usize) -> bool) -> Option<Coefficients<P>> {
        if self.weight <= 0.0 {
            return None;
        }
        let mean: [f64; P] = self.x.map(|sum| sum / self.weight);
        let mean_y = self.y / self.weight;
        let deviation = self.deviations(&mean);
        let used: Vec<usize> = (0..P).filter(|&j| wanted(j) && deviation[j] > 0.0).collect();
        let mut slopes = [0.0; P];
        if !used.is_empty() {
            let scaled = self.solve(&used, &mean, mean_y, &deviation)?;
            for (&j, beta) in used.iter().zip(scaled) {
                slopes[j] = beta / deviation[j];
            }
        }
        let intercept = mean_y - slopes.iter().zip(&mean).map(|(slope, mean)| slope * mean).sum::<f64>();
        (intercept.is_finite() && slopes.iter().all(|s| s.is_finite())).then_some(Coefficients {
            intercept,
            slopes,
            mean,
        })
    }

    /// Standard deviation by column; 0 for a column that does not vary.
    fn deviations(&self, mean: &[f64; P]) -> [f64; P] {
        let mut deviation = [0.0; P];
        let mut diagonal = 0;
        for (j, slot) in deviation.iter_mut().enumerate() {
            let square = self.xx[diagonal] / self.weight;
            let variance = square - mean[j] * mean[j];
            if variance > CONSTANT * square {
                *slot = variance.sqrt();
            }
            diagonal += P - j;
        }
        deviation
    }

    /// Coefficients of the `used` columns on the standardised scale.
    fn solve(&self, used: &[usize], mean: &[f64; P], mean_y: f64, deviation: &[f64; P]) -> Option<Array1<f64>> {
        let n = used.len();
        let lambda = self.lambda();
        let mut factor = Array2::zeros((n, n));
        for (a, &i) in used.iter().enumerate() {
            // Row i of the packed triangle starts after the P + (P − 1) + … of the rows above.
            let start = i * (2 * P + 1 - i) / 2;
            for (b, &j) in used.iter().enumerate().skip(a) {
                let covariance = self.xx[start + j - i] / self.weight - mean[i] * mean[j];
                factor[[b, a]] = covariance / (deviation[i] * deviation[j]);
            }
            factor[[a, a]] = 1.0 + lambda;
        }
        let mut right = Array2::from_shape_fn((n, 1), |(a, _)| {
            let i = used[a];
            (self.xy[i] / self.weight - mean[i] * mean_y) / deviation[i]
        });
        factor.cholesky_inplace().ok()?;
        factor.solve_triangular_inplace(&mut right, UPLO::Lower).ok()?;
        // L is row-major, so its transpose is the column-major matrix that linfa-linear is fast on.
        let system = DatasetBase::new(factor.reversed_axes(), right.column(0).to_owned());
        let model = LinearRegression::new().with_intercept(false).fit(&system).ok()?;
        Some(model.params().clone())
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(self.xx.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn learnt<const P: usize>(rows: &[([f64; P], f64)]) -> Gram<P> {
        let mut gram = Gram::new();
        for (x, y) in rows {
            gram.learn(0, x, *y, 1.0);
        }
        gram
    }

    /// The same ridge the long way: centred and standardised rows, √λ·I appended, least squares by linfa-linear.
    fn by_augmented_rows<const P: usize>(rows: &[([f64; P], f64)], lambda: f64) -> Vec<f64> {
        use ndarray::ShapeBuilder;
        let n = rows.len();
        let column = |j: usize| rows.iter().map(move |(x, _)| x[j]);
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n as f64;
        let means: Vec<f64> = (0..P).map(|j| mean(&mut column(j))).collect();
        let deviations: Vec<f64> = (0..P)
            .map(|j| mean(&mut column(j).map(|v| (v - means[j]).powi(2))).sqrt())
            .collect();
        let mean_y = mean(&mut rows.iter().map(|(_, y)| *y));
        let share = 1.0 / (n as f64).sqrt();
        let mut x = Array2::zeros((n + P, P).f());
        let mut y = Array1::zeros(n + P);
        for (i, (row, target)) in rows.iter().enumerate() {
            for j in 0..P {
                x[[i, j]] = share * (row[j] - means[j]) / deviations[j];
            }
            y[i] = share * (target - mean_y);
        }
        for j in 0..P {
            x[[n + j, j]] = lambda.sqrt();
        }
        let model = LinearRegression::new()
            .with_intercept(false)
            .fit(&DatasetBase::new(x, y))
            .unwrap();
        model
            .params()
            .iter()
            .zip(&deviations)
            .map(|(beta, deviation)| beta / deviation)
            .collect()
    }

    #[test]
    fn a_small_system_gives_the_coefficients_worked_out_by_hand() {
        // x ∈ {−1, 1} twice each with y = 3 + 2x: mean 0, deviation 1, Σxy/n = 2, so β = 2 / (1 + λ), λ = 0.001 + 30/4.
        let fit = learnt(&[([-1.0], 1.0), ([1.0], 5.0), ([-1.0], 1.0), ([1.0], 5.0)])
            .fit(|_| true)
            .unwrap();
        assert!((fit.slopes[0] - 2.0 / 8.501).abs() < 1e-12, "{fit:?}");
        assert!((fit.intercept - 3.0).abs() < 1e-12, "{fit:?}");
    }

    #[test]
    fn weights_count_as_repetitions_do() {
        let mut gram = Gram::new();
        for (x, y, weight) in [([0.0], 1.0, 3.0), ([1.0], 2.0, 1.0)] {
            gram.learn(0, &x, y, weight);
        }
        // Mean of y is 5/4 and of x 1/4 with variance 3/16; the intercept puts the line through the means.
        let fit = gram.fit(|_| true).unwrap();
        assert!((fit.predict(&[0.25]) - 1.25).abs() < 1e-12);
    }

    #[test]
    fn collinear_duplicate_and_constant_columns_stay_sane() {
        // Seven weekday dummies add up to a constant; an eighth column repeats the first, a ninth never changes.
        let rows: Vec<([f64; 9], f64)> = (0..700_usize)
            .map(|i| {
                let mut x = [0.0; 9];
                x[i % 7] = 1.0;
                x[7] = x[0];
                x[8] = 4.2;
                (x, (i % 7) as f64)
            })
            .collect();
        let fit = learnt(&rows).fit(|_| true).unwrap();
        assert!(fit.slopes.iter().all(|slope| slope.abs() < 10.0), "{fit:?}");
        assert_eq!(fit.slopes[8], 0.0);
        assert!(
            (fit.slopes[0] - fit.slopes[7]).abs() < 1e-9,
            "a duplicate shares the weight: {fit:?}"
        );
        for (x, y) in rows.iter().take(7) {
            assert!((fit.predict(x) - y).abs() < 0.2, "{y} {}", fit.predict(x));
        }
    }

    #[test]
    fn a_column_that_is_not_wanted_might_as_well_not_be_there() {
        let rows: Vec<([f64; 2], f64)> = (0..50)
            .map(|i| ([f64::from(i % 7), f64::from(i % 3)], f64::from(i)))
            .collect();
        let alone: Vec<([f64; 1], f64)> = rows.iter().map(|(x, y)| ([x[0]], *y)).collect();
        let fit = learnt(&rows).fit(|column| column == 0).unwrap();
        let expected = learnt(&alone).fit(|_| true).unwrap();
        assert_eq!(
            (fit.slopes, fit.intercept),
            ([expected.slopes[0], 0.0], expected.intercept)
        );
    }

    #[test]
    fn what_is_not_finite_never_enters() {
        let mut gram = learnt(&[([1.0, 0.0], 1.0), ([2.0, 1.0], 2.0), ([3.0, 5.0], 3.0)]);
        let before = gram.fit(|_| true).unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            gram.learn(0, &[bad, 1.0], 1.0, 1.0);
            gram.learn(0, &[1.0, 1.0], bad, 1.0);
            gram.learn(0, &[1.0, 1.0], 1.0, bad);
        }
        assert_eq!(gram.fit(|_| true).unwrap(), before);
    }

    #[test]
    fn nothing_learnt_is_no_model_and_sums_that_overflow_never_give_one_that_is_not_finite() {
        assert_eq!(Gram::<2>::new().fit(|_| true), None);
        let overflowing = learnt(&[([1e300, 1.0], 1.0), ([-1e300, 2.0], 1e300)]).fit(|_| true);
        assert!(overflowing.is_none_or(|fit| fit.predict(&[1.0, 1.0]).is_finite()));
    }

    proptest! {
        #[test]
        fn the_compressed_fit_is_the_fit_on_all_rows(
            rows in prop::collection::vec((prop::array::uniform4(-10.0..10.0_f64), -100.0..100.0_f64), 8..60),
        ) {
            let gram = learnt(&rows);
            let plain = by_augmented_rows(&rows, gram.lambda());
            let fit = gram.fit(|_| true).unwrap();
            for (compressed, plain) in fit.slopes.iter().zip(plain) {
                prop_assert!((compressed - plain).abs() <= 1e-8 * (1.0 + plain.abs()), "{compressed} {plain}");
            }
            // Its parts are the whole.
            let x = rows[0].0;
            let (usual, parts) = fit.parts::<2>(&x, |column| column % 2);
            let whole = fit.predict(&x);
            prop_assert!((usual + parts[0] + parts[1] - whole).abs() <= 1e-9 * (1.0 + whole.abs()), "{usual} {parts:?} {whole}");
        }
    }
}
