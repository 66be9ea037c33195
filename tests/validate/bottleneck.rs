//! What is watched of the pods: its thresholds, and that no decision can know of it.

use headroom::engine::bottleneck::Resource;
use proptest::prelude::*;

use super::*;

const SPEC: &str = "
maxReplicas: 10
metrics: [{name: requests, prometheus: {query: q}, target: {averageValue: 100}}]
";

fn spec(bottleneck: &str) -> headroom::api::ScalingPolicySpec {
    let head = "targetRef: {apiVersion: apps/v1, kind: Deployment, name: x}";
    serde_yaml::from_str(&format!("{head}{SPEC}{bottleneck}")).unwrap()
}

#[test]
fn thresholds_have_defaults_and_only_what_is_asked_for_is_watched() {
    assert_eq!(validate::bottleneck(&spec("")), None);
    let of = |bottleneck| {
        let limits = validate::bottleneck(&spec(bottleneck)).unwrap();
        Resource::ALL.map(|r| limits.of(r))
    };
    assert_eq!(of("bottleneck: {}"), [Some(80.0), Some(85.0), None, None]);
    let queries = "disk: {prometheus: {query: d}}, network: {prometheus: {query: n}}";
    let all = format!("bottleneck: {{cpu: {{above: 150}}, {queries}}}");
    assert_eq!(of(&all), [Some(150.0), Some(85.0), Some(90.0), Some(75.0)]);
}

#[test]
fn thresholds_out_of_range_and_empty_queries_are_named() {
    let wrong = |bottleneck: &str| format!("{SPEC}bottleneck: {bottleneck}");
    let range = "out of range; give a percentage from 1 to";
    check(
        &wrong("{cpu: {above: 0}}"),
        "bottleneck.cpu.above",
        &["0 is", range, "1000"],
    );
    check(
        &wrong("{memory: {above: 1001}}"),
        "bottleneck.memory.above",
        &["1001 is", range],
    );
    let disk = wrong("{disk: {prometheus: {query: d}, above: 101}}");
    check(&disk, "bottleneck.disk.above", &["101 is", range, "100"]);
    let load = wrong("{load: {prometheus: {query: ' '}}}");
    check(&load, "bottleneck.load.prometheus.query", &["is empty", "label pod"]);
}

proptest! {
    /// A decision is made by the policy, its state, what was observed and the time; none of them tells what is watched of
    /// the pods.
    #[test]
    fn a_policy_that_watches_its_pods_is_the_same_policy(
        cpu in 1..1000_i32,
        memory in 1..1000_i32,
        disk in prop::option::of(1..100_i32),
        load in any::<bool>(),
    ) {
        let disk = disk.map_or(String::new(), |above| format!(", disk: {{prometheus: {{query: d}}, above: {above}}}"));
        let load = if load { ", load: {prometheus: {query: l}}" } else { "" };
        let watched = format!("bottleneck: {{cpu: {{above: {cpu}}}, memory: {{above: {memory}}}{disk}{load}}}");
        let [with, without] = [&*watched, ""].map(|b| validate::policy(&spec(b)).unwrap());
        prop_assert_eq!(format!("{with:?}"), format!("{without:?}"));
    }
}
