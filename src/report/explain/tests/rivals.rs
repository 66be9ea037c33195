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
    let mut scene = scene("", 4, 780.0);
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
