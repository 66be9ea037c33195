//! Pages of what others do to the target, and of a metric that hardly fits its rule.

use super::*;
use crate::engine::others::{Others, Scaler};
use crate::report::fixtures::fought_over;

#[test]
fn an_hpa_scales_the_same_target() {
    let scene = Scene::rivalled(4, 1530.0, Scaler::HorizontalPodAutoscaler, "checkout");
    assert_snapshot!(seen("", &scene));
}

#[test]
fn somebody_rewrites_the_count() {
    // Each time it was set back to 4, and scaled to 8 again at once.
    let ours = [-165, -149, -89, -29].map(|seconds| change(seconds, 4, 8));
    let mut scene = Scene::new(policy(""), &ours, 8, Ok(1530.0), at(NOW));
    scene.others = Others {
        rewrites: Some(fought_over(-30)),
        owners: vec!["argocd-controller".into()],
        ..Others::default()
    };
    assert_snapshot!(seen("", &scene));
}

#[test]
fn a_metric_hardly_fits_its_rule() {
    let p99 = "
- name: p99
  prometheus: {query: 'histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m])))'}
  target: {value: '0.5'}
";
    let mut scene = Scene::observing(policy(p99), &[], 4, vec![Ok(780.0), Ok(0.45)], None, at(NOW));
    let object = object(p99, None);
    scene.advice = crate::validate::advice(&object.spec);
    assert_eq!(scene.advice.len(), 1);
    assert_snapshot!(seen(p99, &scene));
}

#[test]
fn a_refusal_that_is_not_about_rights_concerns_what_was_tried() {
    let policy = "the API server refused to scale the target: deployments.apps \"checkout\" is forbidden: \
                  ValidatingAdmissionPolicy 'most' denied request: no more than 6";
    let blocked = |scene: Scene| {
        let explanation = explain(&object("", Some(scene.failed(policy).status(None))), after(12));
        let written = explanation.would_change.iter().find(|c| c.kind == ChangeKind::Write);
        assert!(
            written
                .unwrap()
                .sentence
                .starts_with("Once the API server accepts the write")
        );
        (explanation.blocked.up.len(), explanation.blocked.down.len())
    };
    assert_eq!(blocked(scene("", 4, 1530.0)), (1, 0));
    let mut quick = crate::report::fixtures::policy("");
    quick.behavior.down.stabilization = SignedDuration::ZERO;
    assert_eq!(blocked(Scene::new(quick, &[], 8, Ok(780.0), at(NOW))), (0, 1));
}
