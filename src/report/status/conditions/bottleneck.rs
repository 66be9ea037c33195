//! What is said of the pods: `Bottlenecked`, only with `spec.bottleneck`. Its reasons are the findings' names.

use super::super::Decided;
use super::{BOTTLENECKED, Verdict};
use crate::report::words;

/// Whether something else than more replicas is needed.
pub(super) fn bottlenecked(d: &Decided<'_>) -> Option<Verdict> {
    let verdict = &d.bottleneck?.verdict;
    Some(Verdict {
        type_: BOTTLENECKED,
        status: match verdict.finding.bottlenecked() {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        },
        reason: verdict.finding.as_str(),
        message: words::bottleneck::sentence(verdict),
    })
}
