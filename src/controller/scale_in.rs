//! What comes before a scale-down: the order in which pods go, where the policy asks for one.
//!
//! It never keeps the scale-down from being made, nor makes one: whatever goes wrong is an Event, and the ReplicaSet
//! controller decides as it would have without.

use std::time::Duration;

use super::context::Context;
use super::lease::Refused;
use super::publish::{self, Policy as Subject};
use crate::actuate::deletion_cost::{self, Marks};
use crate::api::PodDeletionCost;
use crate::engine::decision::ScaleEvent;
use crate::observe::{Target, scale};
use crate::report::events;

/// Longest time that a scale-down waits for its marks: one answer of the API server.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has the pods that are to go first marked.
///
/// # Errors
/// The Lease was lost: nothing is wrong with the pods, and the scale-down is the next leader's.
pub(super) async fn prepare(
    context: &Context,
    subject: Subject<'_>,
    target: &Target,
    event: &ScaleEvent,
) -> Result<(), Refused> {
    let order = subject.object.spec.scale_in.unwrap_or_default().pod_deletion_cost;
    if event.up() || order == PodDeletionCost::None {
        return Ok(());
    }
    let trouble = match &target.selector {
        None => Some("its scale subresource does not tell which pods are its own".to_owned()),
        Some(selector) => {
            let namespace = subject.object.metadata.namespace.as_deref().unwrap_or_default();
            let going = event.from - event.to;
            let key = scale::key(&subject.object.spec.target_ref, namespace);
            let foreign = |set: &str| {
                key.as_ref()
                    .is_ok_and(|key| context.owners.foreign(set, key, &target.uid))
            };
            let marked = deletion_cost::youngest_first(subject.client, namespace, selector, going, foreign);
            match tokio::time::timeout(PATIENCE, marked).await {
                Ok(Ok(marks)) => {
                    let failed = marks.failed.as_ref();
                    if let Some(refused) = failed.and_then(|(_, error)| Refused::of(error)) {
                        return Err(refused);
                    }
                    trouble(&marks)
                }
                Ok(Err(error)) => Some(format!("its pods cannot be listed: {error}")),
                Err(_) => Some(format!("not every pod was marked within {} s", PATIENCE.as_secs())),
            }
        }
    };
    if let Some(trouble) = trouble {
        publish::news(subject, &events::unordered(&trouble)).await;
    }
    Ok(())
}

/// What did not go as asked for, in words.
fn trouble(marks: &Marks) -> Option<String> {
    let mut parts = Vec::new();
    if marks.foreign > 0 {
        parts.push(format!(
            "the pod-deletion-cost of {} was set by somebody else and is left as it is",
            pods(marks.foreign)
        ));
    }
    if let Some((count, error)) = &marks.failed {
        parts.push(format!(
            "{} could not be marked (may the operator patch pods?): {error}",
            pods(*count)
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn pods(count: usize) -> String {
    format!("{count} pod{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_in_words() {
        let failed = || (1, Box::new(kube::Error::LinesCodecMaxLineLengthExceeded));
        for (foreign, failed, expected) in [
            (0, None, None),
            (2, None, Some("the pod-deletion-cost of 2 pods was set")),
            (0, Some(failed()), Some("1 pod could not be marked")),
            (2, Some(failed()), Some("left as it is; 1 pod could not be marked")),
        ] {
            let words = trouble(&Marks { foreign, failed });
            match (&words, expected) {
                (None, None) => {}
                (Some(words), Some(part)) => assert!(words.contains(part), "{words}"),
                _ => panic!("{words:?} instead of {expected:?}"),
            }
        }
    }
}
