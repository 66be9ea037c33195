//! What is said of the pods: `Bottlenecked`, only with `spec.bottleneck`. Its reasons are the findings' names.

use super::super::bottleneck::{stands, told};
use super::super::{Decided, View, condition};
use super::{BOTTLENECKED, Verdict};
use crate::api::status::ScalingPolicyStatus;
use crate::engine::bottleneck::{self, Finding};
use crate::report::words;

/// Whether something else than more replicas is needed. Before this process has seen the pods, what was told stands.
pub(super) fn bottlenecked(d: &Decided<'_>, previous: Option<&ScalingPolicyStatus>) -> Option<Verdict> {
    let before = || {
        let before = stands(d.target_uid, previous)?;
        Some((told(before)?, condition(before, BOTTLENECKED)?.message.clone()))
    };
    let (finding, message) = match d.bottleneck? {
        View::Seen(bottleneck) => (
            bottleneck.verdict.finding,
            words::bottleneck::sentence(&bottleneck.verdict),
        ),
        View::Awaited => before().unwrap_or_else(|| {
            let early = bottleneck::Verdict::of(Finding::TooEarly, None);
            (early.finding, words::bottleneck::sentence(&early))
        }),
    };
    Some(Verdict {
        type_: BOTTLENECKED,
        status: match finding.bottlenecked() {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        },
        reason: finding.as_str(),
        message,
    })
}
