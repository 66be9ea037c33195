//! What is told of the pods: how near their limits they are, and whether more of them would help.

use super::answer::sentence;
use super::types::Pods;
use super::view::View;
use crate::api::status::{PodLoadStatus, ResourceUseStatus};
use crate::engine::bottleneck::Finding;
use crate::report::status::{BOTTLENECKED, condition, reason};

/// The pods, where the policy watches them.
pub(super) fn of(view: &View<'_>) -> Option<Pods> {
    view.object.spec.bottleneck.as_ref()?;
    let status = view.status.bottleneck.clone();
    let said = condition(&view.status, BOTTLENECKED).filter(|c| c.reason != reason::NOT_EVALUATED);
    let mut sentences = Vec::new();
    match (said, &status) {
        (Some(said), Some(_)) => {
            sentences.push(sentence(&said.message));
        }
        _ => sentences.push("Nobody has looked at the pods yet.".to_owned()),
    }
    if let Some(told) = &status {
        let missing = Finding::SamplesMissing.as_str();
        let told_of = said.filter(|c| c.reason == missing).and(told.resource.as_ref());
        let others = told.resources.iter().filter(|r| Some(&r.name) != told_of);
        sentences.extend(others.filter_map(unknown));
        sentences.extend(told.load.as_ref().map(load));
    }
    Some(Pods { sentences, status })
}

/// A resource of which nothing is known.
fn unknown(told: &ResourceUseStatus) -> Option<String> {
    let (cause, message) = (told.cause.as_ref()?, told.message.as_ref()?);
    Some(format!("{} is not known ({cause}): {message}.", told.name))
}

fn load(told: &PodLoadStatus) -> String {
    let known = told
        .highest
        .as_ref()
        .zip(told.hottest_pod.as_ref())
        .zip(told.mean.as_ref());
    match (known, &told.imbalance, &told.cause) {
        (Some(((highest, pod), mean)), Some(times), _) => {
            format!("The load of a pod is {mean} on average and at most {highest}, {times} times as much, in {pod}.")
        }
        (Some(((highest, pod), _)), None, _) => format!("The load of pod {pod} is {highest}."),
        (None, _, Some(cause)) => {
            let message = told.message.as_deref().unwrap_or_default();
            format!("How the load spreads is not known ({cause}): {message}.")
        }
        (None, _, None) => "How the load spreads is not known.".to_owned(),
    }
}
