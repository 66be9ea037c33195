//! Rivals, from the watches that find them to the policy that gives way.
//!
//! HPAs are watched always, ScaledObjects where KEDA is installed: that is asked at the start and twice a minute, by one
//! request for one group's discovery. KEDA makes an HPA of each ScaledObject, so a KEDA that comes later is seen by
//! that at once all the same. Whoever's claim changes wakes the policies of its target.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, future};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::ApiResource;
use kube::discovery;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, Event};

use super::context::Context;
use crate::api::ScalingPolicy;
use crate::engine::others::{Others, Rival, Scaler};
use crate::observe::{Target, TargetKey, rivals, scale};

/// Between two looks for KEDA.
const LOOK: Duration = Duration::from_secs(30);
/// After a look that failed: the first decision waits for it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Feeds the index of HPAs; yields the targets whose rivals changed.
pub(super) fn hpas(
    events: impl Stream<Item = Result<Event<HorizontalPodAutoscaler>, watcher::Error>>,
    context: &Context,
    synced: impl Fn(),
) -> impl Stream<Item = TargetKey> {
    context.rivals.hpas.follow(events, rivals::of_hpa, synced)
}

/// Feeds the index of ScaledObjects as long as their kind exists, and tells `changed` the targets whose rivals changed.
pub(super) async fn scaled_objects<S>(
    watch: impl Fn(&ApiResource) -> S,
    context: Arc<Context>,
    synced: impl Fn(),
    changed: impl Fn(TargetKey),
) where
    S: Stream<Item = Result<Event<DynamicObject>, watcher::Error>>,
{
    let claims = &context.rivals.scaled_objects;
    loop {
        let pause = match discovery::pinned_kind(&context.client, &rivals::scaled_object()).await {
            Ok((resource, _)) => {
                tracing::info!("KEDA is installed; its ScaledObjects are watched as rivals");
                let known =
                    watch(&resource).take_while(|event| future::ready(!event.as_ref().is_err_and(rivals::is_unknown)));
                let news = claims.follow(known, rivals::of_scaled_object, &synced);
                let tell = |target| {
                    changed(target);
                    future::ready(())
                };
                news.for_each(tell).await;
                tracing::info!("KEDA was removed");
                claims.none().into_iter().for_each(&changed);
                LOOK
            }
            Err(error) => match looked(error) {
                Look::Absent => {
                    claims.none().into_iter().for_each(&changed);
                    synced();
                    LOOK
                }
                Look::Forbidden(words) => {
                    claims.unseen(&words);
                    synced();
                    LOOK
                }
                Look::Failed(error) => {
                    tracing::warn!(%error, "whether KEDA is installed is not known; it will be asked again");
                    LOOK_AGAIN
                }
            },
        };
        tokio::time::sleep(pause).await;
    }
}

enum Look {
    Absent,
    Forbidden(String),
    Failed(kube::Error),
}

/// What a look that found no kind means.
fn looked(error: kube::Error) -> Look {
    match error {
        kube::Error::Discovery(_) => Look::Absent,
        kube::Error::Api(status) if status.code == 404 => Look::Absent,
        kube::Error::Api(status) if status.code == 403 => Look::Forbidden(status.message.clone()),
        error => Look::Failed(error),
    }
}

/// Who else has a hand in the replicas of the policy's target.
pub(super) fn others(
    context: &Context,
    object: &ScalingPolicy,
    reference: &ObjectRef<ScalingPolicy>,
    target: &Target,
) -> Others {
    let key = scale::key(&object.spec.target_ref, &object.namespace().unwrap_or_default());
    let (mut rivals, unseen) = key.map(|key| context.rivals.of(&key)).unwrap_or_default();
    rivals.extend(context.elder(reference).map(|elder| Rival {
        scaler: Scaler::ScalingPolicy,
        name: elder.name.as_str().into(),
    }));
    Others {
        rivals,
        unseen,
        owners: target.owners.clone(),
        rewrites: target.rewrites.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::policy::Mode;

    #[test]
    fn a_rival_restrains_who_would_write() {
        let text = "{targetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, maxReplicas: 9, schedules: [{name: w, start: '* * * * *', duration: 1m, minReplicas: 2}]}";
        let rivalled = Others {
            rivals: vec![Rival {
                scaler: Scaler::HorizontalPodAutoscaler,
                name: "web".into(),
            }],
            ..Others::default()
        };
        for (mode, with, without) in [
            (Mode::Active, Mode::Conflicted, Mode::Active),
            (Mode::DryRun, Mode::DryRun, Mode::DryRun),
            (Mode::Paused, Mode::Paused, Mode::Paused),
        ] {
            let mut policy = crate::validate::policy(&serde_yaml::from_str(text).unwrap()).unwrap();
            policy.mode = mode;
            assert_eq!(rivalled.restrain(policy.clone()).mode, with);
            assert_eq!(Others::default().restrain(policy).mode, without);
        }
    }

    #[test]
    fn what_a_look_for_keda_means() {
        let api = |code: u16| {
            let status = serde_json::json!({"status": "Failure", "code": code, "message": "m", "reason": "r"});
            looked(kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())))
        };
        assert!(matches!(api(404), Look::Absent));
        assert!(matches!(api(403), Look::Forbidden(words) if words == "m"));
        assert!(matches!(api(503), Look::Failed(_)), "not known is not absent");
    }
}
