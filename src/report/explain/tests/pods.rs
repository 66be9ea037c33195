//! Pages of policies that watch their pods.

use super::*;
use crate::report::fixtures::pods;

const WATCHED: &str = "bottleneck: {load: {prometheus: {query: 'sum by (pod) (rate(http_requests_total[1m]))'}}}";

fn watched(cpu: &[f64], memory: &[f64], load: Option<&[f64]>) -> String {
    let mut scene = scene(WATCHED, 4, 780.0);
    scene.bottleneck = Some(pods(cpu, memory, load, 0));
    seen(WATCHED, &scene)
}

#[test]
fn pods_are_within_their_limits() {
    assert_snapshot!(watched(&[50.0, 62.0, 41.0], &[40.0; 3], Some(&[90.0, 110.0, 100.0])));
}

#[test]
fn one_pod_has_most_of_the_load() {
    assert_snapshot!(watched(&[97.0, 21.0, 24.0], &[40.0; 3], Some(&[900.0, 90.0, 110.0])));
}

#[test]
fn a_bigger_pod_would_help() {
    assert_snapshot!(watched(&[20.0, 60.0], &[90.0, 91.0], Some(&[100.0, 300.0])));
}

#[test]
fn some_of_it_is_not_known() {
    assert_snapshot!(watched(&[f64::NAN; 2], &[40.0, 41.0], Some(&[f64::NAN; 2])));
}

#[test]
fn nobody_has_looked_at_the_pods() {
    let told = scene(WATCHED, 4, 780.0).status(None);
    let page = page(&object(WATCHED, Some(told)), after(12));
    assert!(page.contains("Nobody has looked at the pods yet."), "{page}");
    let calm = pods(&[50.0; 2], &[40.0; 2], None, 0);
    let mut scene = scene("", 4, 780.0);
    scene.bottleneck = Some(calm);
    // What the spec does not ask for any more is not told.
    assert!(!seen("", &scene).contains("PODS"));
}
