//! Names of the status as the engine's own values, and of sources as people say them.
//!
//! Also the right that a refusal of the API server names. What a later release may have written is no error: it is `None`, or shown as it stands. Neighbour: `view`.

use crate::engine::decision::{LimitKind, Source};
use crate::engine::observation::Cause;

/// What holds a recommendation back for a time, as against what bounds it or a person's will.
pub(super) fn delays(kind: LimitKind) -> bool {
    match kind {
        LimitKind::ScaleUpStabilized
        | LimitKind::ScaleDownStabilized
        | LimitKind::ScaleUpCooldown
        | LimitKind::ScaleDownCooldown
        | LimitKind::ScaleUpLimit
        | LimitKind::ScaleDownLimit => true,
        LimitKind::MetricInvalid
        | LimitKind::MinReplicas
        | LimitKind::MaxReplicas
        | LimitKind::WindowFloor
        | LimitKind::WindowCeiling
        | LimitKind::Paused => false,
    }
}

/// `metric requests`, `schedule day`, `the forecast of requests`, `minReplicas`
pub(super) fn named(source: &Source) -> String {
    match source {
        Source::Metric(name) => format!("metric {name}"),
        Source::Schedule(name) => format!("schedule {name}"),
        Source::Forecast(name) => format!("the forecast of {name}"),
        Source::Fallback => "the fallback".to_owned(),
        Source::Baseline => "minReplicas".to_owned(),
    }
}

/// The source that is written `kind` and `name`; `None` for one of a later release.
pub(super) fn source(kind: &str, name: &str) -> Option<Source> {
    let all = [
        Source::Metric(name.into()),
        Source::Schedule(name.into()),
        Source::Forecast(name.into()),
        Source::Fallback,
        Source::Baseline,
    ];
    all.into_iter().find(|s| s.kind() == kind)
}

/// The rule with this stable name; `None` for one of a later release. the tests hold the list complete.
pub(super) fn limit_kind(name: &str) -> Option<LimitKind> {
    LIMITS.into_iter().find(|k| k.as_str() == name)
}

pub(super) const LIMITS: [LimitKind; 12] = [
    LimitKind::MetricInvalid,
    LimitKind::ScaleUpStabilized,
    LimitKind::ScaleDownStabilized,
    LimitKind::ScaleUpCooldown,
    LimitKind::ScaleDownCooldown,
    LimitKind::ScaleUpLimit,
    LimitKind::ScaleDownLimit,
    LimitKind::MinReplicas,
    LimitKind::MaxReplicas,
    LimitKind::WindowFloor,
    LimitKind::WindowCeiling,
    LimitKind::Paused,
];

/// The class of a failure; one of a later release counts as a bad answer, and its message says what it was.
pub(super) fn cause(name: &str) -> Cause {
    Cause::ALL
        .into_iter()
        .find(|c| c.as_str() == name)
        .unwrap_or(Cause::BadAnswer)
}

/// A right that somebody lacks, in the words of the API server's refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Right<'a> {
    /// `system:serviceaccount:headroom:headroom`
    pub user: &'a str,
    /// `patch`
    pub verb: &'a str,
    /// `deployments/scale`
    pub resource: &'a str,
}

impl<'a> Right<'a> {
    /// Read from `… is forbidden: User "…" cannot patch resource "deployments/scale" in API group …`, the words of every
    /// authoriser; an admission policy refuses with others.
    pub fn denied(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("is forbidden: User \"")?;
        let (user, rest) = rest.split_once("\" cannot ")?;
        let (verb, rest) = rest.split_once(" resource \"")?;
        let (resource, _) = rest.split_once('"')?;
        Some(Right { user, verb, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile when a variant is added: it then has its place in the lists above, too.
    #[test]
    fn everything_that_can_be_written_can_be_read() {
        for kind in LIMITS {
            let place = match kind {
                LimitKind::MetricInvalid => 0,
                LimitKind::ScaleUpStabilized => 1,
                LimitKind::ScaleDownStabilized => 2,
                LimitKind::ScaleUpCooldown => 3,
                LimitKind::ScaleDownCooldown => 4,
                LimitKind::ScaleUpLimit => 5,
                LimitKind::ScaleDownLimit => 6,
                LimitKind::MinReplicas => 7,
                LimitKind::MaxReplicas => 8,
                LimitKind::WindowFloor => 9,
                LimitKind::WindowCeiling => 10,
                LimitKind::Paused => 11,
            };
            assert_eq!(LIMITS[place], kind);
            assert_eq!(limit_kind(kind.as_str()), Some(kind));
        }
        for cause in Cause::ALL {
            let place = match cause {
                Cause::Unreachable => 0,
                Cause::Timeout => 1,
                Cause::BadAnswer => 2,
                Cause::BadQuery => 3,
                Cause::Empty => 4,
                Cause::Ambiguous => 5,
                Cause::NotFinite => 6,
                Cause::Negative => 7,
                Cause::Stale => 8,
                Cause::Missing => 9,
                Cause::UnknownServer => 10,
                Cause::Forbidden => 11,
                Cause::NotInstalled => 12,
                Cause::NoPods => 13,
                Cause::NoRequest => 14,
            };
            assert_eq!(Cause::ALL[place], cause);
            assert_eq!(super::cause(cause.as_str()), cause);
        }
        let sources = [
            Source::Metric("a".into()),
            Source::Schedule("a".into()),
            Source::Forecast("a".into()),
            Source::Fallback,
            Source::Baseline,
        ];
        for source in sources {
            match &source {
                Source::Metric(_) | Source::Schedule(_) | Source::Forecast(_) | Source::Fallback | Source::Baseline => {
                }
            }
            assert_eq!(super::source(source.kind(), source.name()), Some(source));
        }
    }

    #[test]
    fn a_right_that_is_lacking_is_read_from_the_refusal() {
        let rbac = "deployments.apps \"a\" is forbidden: User \"system:serviceaccount:h:h\" cannot patch resource \
                    \"deployments/scale\" in API group \"apps\" in the namespace \"shop\"";
        let right = Right {
            user: "system:serviceaccount:h:h",
            verb: "patch",
            resource: "deployments/scale",
        };
        assert_eq!(Right::denied(rbac), Some(right));
        let policy = "deployments.apps \"a\" is forbidden: ValidatingAdmissionPolicy 'most' denied request: too many";
        assert_eq!(Right::denied(policy), None);
        assert_eq!(Right::denied(""), None);
    }
}
