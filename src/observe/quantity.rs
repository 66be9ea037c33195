//! Kubernetes' quantities (`250m`, `123456789n`, `17188Ki`) in whole thousandths, rounded up as Kubernetes does it.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube_quantity::ParsedQuantity;

/// The quantity in thousandths; what is beyond `i64` is its limit.
pub(super) fn thousandths(quantity: &Quantity) -> Option<i64> {
    let parsed = ParsedQuantity::try_from(quantity);
    // The parser does not know exponents, as in `12e6`.
    let value = parsed.map_or_else(|_| quantity.0.parse().ok(), |parsed| parsed.to_bytes_f64());
    let exact = value.filter(|v: &f64| v.is_finite())? * 1000.0;
    // The smallest unit is a millionth of a thousandth; anything closer to a whole number is a float's rounding.
    let whole = exact.round();
    let up = if (exact - whole).abs() < 5e-7 {
        whole
    } else {
        exact.ceil()
    };
    Some(up as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_rounded_up() {
        for (text, expected) in [
            ("0", Some(0)),
            ("250m", Some(250)),
            ("57m", Some(57)),
            ("1", Some(1000)),
            ("0.1", Some(100)),
            ("1.0005", Some(1001)),
            ("123456789n", Some(124)),
            ("1n", Some(1)),
            ("100u", Some(1)),
            ("17188Ki", Some(17_600_512_000)),
            ("2Gi", Some(2_147_483_648_000)),
            ("1k", Some(1_000_000)),
            ("-5", Some(-5000)),
            ("12e6", Some(12_000_000_000)),
            ("1E3", Some(1_000_000)),
            ("8P", Some(8_000_000_000_000_000_000)),
            ("9999P", Some(i64::MAX)),
            ("inf", None),
            ("NaN", None),
            ("", None),
            ("lots", None),
        ] {
            assert_eq!(thousandths(&Quantity(text.to_owned())), expected, "{text:?}");
        }
    }
}
