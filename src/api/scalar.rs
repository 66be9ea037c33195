//! Scalars of the API with a schema of their own: quantities, percentages, durations, lead times, dates and
//! times.
//!
//! They carry what was written, unparsed; `validate.rs` turns them into numbers.

use schemars::{Schema, json_schema};
use serde::{Deserialize, Serialize};

/// A scalar's schema, written out wherever the scalar is used: a structural schema knows no references.
macro_rules! inline_schema {
    ($scalar:ident, $schema:expr) => {
        impl schemars::JsonSchema for $scalar {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($scalar).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}
pub(super) use inline_schema;

/// An integer or a string, as written. Kubernetes' own `IntOrString` holds 32 bits only, while the API server lets any
/// integer through: one policy with `averageValue: 5000000000` would then stop the watch of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// `1000`.
    Int(i64),
    /// `"0.5"`, `500m`.
    String(String),
}

/// A Kubernetes quantity above zero, as integer or string: `1000`, `"0.5"`, `"500m"`, `"1k"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(pub Number);

inline_schema!(
    Quantity,
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 32,
        "x-kubernetes-validations": [{
            "rule": "type(self) == int ? int(self) > 0 : isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0'))",
            "messageExpression": "'must be a quantity above 0, such as 1000, \"0.5\" or \"500m\"; got ' + string(self)"
        }]
    })
);

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Quantity(Number::String(text.to_owned()))
    }
}

/// A value of a metric: a quantity from 0 up, as integer or string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub Number);

inline_schema!(Level, not_negative("1000, \"0.5\" or \"500m\""));

/// A quantity from 0 up, with what to write instead.
fn not_negative(such_as: &str) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 32,
        "x-kubernetes-validations": [{
            "rule": "type(self) == int ? int(self) >= 0 : isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('0'))",
            "messageExpression": format!("'must be a quantity from 0 up, such as {such_as}; got ' + string(self)")
        }]
    })
}

/// A relative deviation, HPA's `tolerance`: a quantity from 0 up, such as `"0.1"` for 10 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tolerance(pub Number);

inline_schema!(Tolerance, not_negative("\"0.1\" for 10 %"));

/// A percentage: `0.1%`, `100%`. Its limits are the field's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(pub String);

inline_schema!(
    Percent,
    json_schema!({
        "type": "string",
        "pattern": "^[0-9]{1,4}([.][0-9]{1,4})?%$",
        "maxLength": 16,
    })
);

impl From<&str> for Percent {
    fn from(text: &str) -> Self {
        Percent(text.to_owned())
    }
}

/// A duration in Prometheus' style: `15s`, `5m`, `1h30m`, `28d`, `2w`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(pub String);

/// Whole units from weeks to seconds, largest first, each at most once.
const DURATION_PATTERN: &str = "^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";

inline_schema!(
    Duration,
    json_schema!({
        "type": "string",
        "pattern": DURATION_PATTERN,
        "minLength": 2,
        "maxLength": 16,
        "x-kubernetes-validations": [{
            "rule": "self.matches('[1-9]')",
            "messageExpression": "'must be longer than nothing, such as 15s, 5m or 28d; got ' + self"
        }]
    })
);

impl From<&str> for Duration {
    fn from(text: &str) -> Self {
        Duration(text.to_owned())
    }
}

/// `auto`, or a duration in Prometheus' style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadTime(pub String);

inline_schema!(
    LeadTime,
    json_schema!({
        "type": "string",
        "pattern": "^(auto|([0-9]+h)?([0-9]+m)?([0-9]+s)?)$",
        "minLength": 2,
        "maxLength": 16,
    })
);

/// A date without a zone: `2026-12-25`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalDate(pub String);

inline_schema!(
    LocalDate,
    json_schema!({
        "type": "string",
        "maxLength": 32,
        // A date that does not exist is an error of the evaluation, which shows the date and this message.
        "x-kubernetes-validations": [{
            "rule": "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}$') && timestamp(self + 'T00:00:00Z') >= timestamp('0001-01-01T00:00:00Z')",
            "message": "must be a date that exists, such as 2026-12-25"
        }]
    })
);

/// A date and a time of day without a zone: `2026-11-27T00:00:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalDateTime(pub String);

inline_schema!(
    LocalDateTime,
    json_schema!({
        "type": "string",
        "maxLength": 32,
        "x-kubernetes-validations": [{
            "rule": "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$') && timestamp(self + 'Z') >= timestamp('0001-01-01T00:00:00Z')",
            "message": "must be a date and time that exists, without a zone, such as 2026-11-27T00:00:00; timeZone says where"
        }]
    })
);
