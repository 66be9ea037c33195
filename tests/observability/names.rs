//! Every metric that a rule or a dashboard names exists, with the labels that it is selected and grouped by.
//!
//! Prometheus' own parser reads the expressions; the table of metrics says what the operator exposes. A typing error in a
//! name or a label is no error to Prometheus: the alert would just never fire.

use std::collections::{BTreeMap, BTreeSet};

use headroom::report::metrics::{ALL, Kind};
use headroom_cluster::{Binaries, Prometheus, PrometheusOptions};
use serde_json::Value;

use crate::boards;
use crate::rules::{files, text};

/// Labels that a scrape adds to every series: Prometheus' own, and those of a ServiceMonitor or of a scrape of pods.
const SCRAPED: [&str; 4] = ["job", "instance", "namespace", "pod"];

/// What stands for Grafana's variables; only the parser sees it.
const VARIABLES: boards::Variables<'_> = &[
    ("$__rate_interval", "1m"),
    ("$__range", "1h"),
    ("$__interval_ms", "15000"),
    ("$__interval", "15s"),
    ("$namespace", ".*"),
    ("$policy", ".*"),
    ("$job", ".*"),
];

/// The labels of each series that the operator exposes, by the series' name.
fn exposed() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut exposed = BTreeMap::new();
    for metric in ALL {
        let labels: BTreeSet<&str> = metric.labels.iter().chain(&SCRAPED).copied().collect();
        let name = metric.full_name();
        match metric.kind {
            Kind::Histogram => {
                let bucket = labels.iter().chain(&["le"]).copied().collect();
                exposed.insert(format!("{name}_bucket"), bucket);
                exposed.insert(format!("{name}_sum"), labels.clone());
                exposed.insert(format!("{name}_count"), labels);
            }
            Kind::Counter | Kind::Gauge | Kind::Info => drop(exposed.insert(name, labels)),
        }
    }
    exposed
}

/// The selectors of the operator's metrics at and below this node: name, and the labels it is selected by.
fn selectors<'a>(node: &'a Value, found: &mut Vec<(&'a str, Vec<&'a str>)>) {
    if let (Some(name), Some(matchers)) = (node["name"].as_str(), node["matchers"].as_array()) {
        let labels = matchers.iter().filter_map(|matcher| matcher["name"].as_str());
        if name.starts_with("headroom_") {
            found.push((name, labels.filter(|label| *label != "__name__").collect()));
        }
    }
    children(node).for_each(|child| selectors(child, found));
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    let fields = node.as_object().into_iter().flat_map(|fields| fields.values());
    fields.chain(node.as_array().into_iter().flatten())
}

/// Complains of groupings by labels that nothing below has; where foreign metrics are below, theirs are not known.
fn groupings(place: &str, node: &Value, exposed: &BTreeMap<String, BTreeSet<&'static str>>) {
    if let Some(grouping) = node["grouping"].as_array() {
        let mut below = Vec::new();
        selectors(&node["expr"], &mut below);
        let known: BTreeSet<&str> = below.iter().flat_map(|(name, _)| &exposed[*name]).copied().collect();
        let labels = grouping.iter().filter_map(Value::as_str);
        for label in labels.filter(|_| !below.is_empty() && !foreign(&node["expr"])) {
            assert!(
                known.contains(label),
                "{place}: nothing in {below:?} has a label {label}"
            );
        }
    }
    children(node).for_each(|child| groupings(place, child, exposed));
}

/// Whether a metric that is not the operator's own is at or below this node.
fn foreign(node: &Value) -> bool {
    let other = node["matchers"].is_array() && !node["name"].as_str().is_some_and(|n| n.starts_with("headroom_"));
    other || children(node).any(foreign)
}

#[tokio::test]
async fn rules_and_dashboards_name_what_the_operator_exposes() {
    let mut expressions = boards::queries(VARIABLES);
    let shown = expressions.len();
    for file in files() {
        for rule in &file.rules {
            let name = format!("{}: {}{}", file.name, text(rule, "alert"), text(rule, "record"));
            expressions.push((name, text(rule, "expr").to_owned()));
        }
    }
    let binaries = Binaries::ensure_prometheus(headroom_cluster::console()).await.unwrap();
    let prometheus = Prometheus::start(&binaries, PrometheusOptions::default())
        .await
        .unwrap();
    let exposed = exposed();
    let mut unseen: BTreeSet<String> = ALL.iter().map(|metric| metric.full_name()).collect();
    for (at, (place, expression)) in expressions.iter().enumerate() {
        let tree = prometheus.parse(expression).await;
        let tree = tree.unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut found = Vec::new();
        selectors(&tree, &mut found);
        for (name, labels) in &found {
            let known = exposed.get(*name);
            let known = known.unwrap_or_else(|| panic!("{place}: {name} is not in docs/metrics.md"));
            for label in labels {
                assert!(known.contains(label), "{place}: {name} has no label {label}");
            }
            if at < shown {
                let family = ["_bucket", "_sum", "_count"].iter().find_map(|s| name.strip_suffix(s));
                unseen.remove(*name);
                unseen.remove(family.unwrap_or(name));
            }
        }
        groupings(place, &tree, &exposed);
    }
    assert!(unseen.is_empty(), "no dashboard shows {unseen:?}");
}
