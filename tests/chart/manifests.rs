//! What is written from the chart and checked in: plain manifests, and copies for those who use no Helm. And what the
//! chart takes from elsewhere: the CRD.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::generated;
use crate::release::{Release, objects, rendered};

const CRD: &str = include_str!("../../crds/scalingpolicies.headroom.dev.yaml");

/// The namespace that Helm's users create with `--create-namespace`.
const NAMESPACE: &str = "\
---
apiVersion: v1
kind: Namespace
metadata:
  name: headroom-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of a folder's files.
fn files(folder: &str) -> BTreeSet<String> {
    let found = std::fs::read_dir(root().join(folder)).unwrap();
    found.map(|f| f.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn the_plain_manifests_are_the_chart_as_it_comes() {
    let text = rendered("{}", &["--skip-tests"]).await.unwrap();
    // Helm marks each document's end with a blank line, which it does not print when it installs.
    let text = text.trim_end().replace("\n\n---", "\n---");
    let page =
        format!("# Generated from charts/headroom by tests/chart/manifests.rs; do not edit.\n{NAMESPACE}{text}\n");
    generated::check("deploy/headroom.yaml", &page);
    let kinds: Vec<Value> = objects(&page).into_iter().map(|o| o["kind"].clone()).collect();
    assert_eq!(kinds[0], "Namespace");
    assert!(
        kinds.iter().any(|k| k == "CustomResourceDefinition") && !kinds.iter().any(|k| k == "Pod"),
        "{kinds:?}"
    );
}

#[test]
fn alerts_and_dashboards_are_copied_for_those_without_helm() {
    for (from, to) in [
        ("charts/headroom/files/alerts", "deploy/alerts"),
        ("charts/headroom/files/dashboards", "deploy/dashboards"),
    ] {
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(root().join(to)).unwrap();
            let gone = files(to)
                .into_iter()
                .filter(|name| !files(from).contains(name))
                .collect::<Vec<_>>();
            gone.iter()
                .for_each(|name| std::fs::remove_file(root().join(to).join(name)).unwrap());
        }
        for name in files(from) {
            let text = std::fs::read_to_string(root().join(from).join(&name)).unwrap();
            generated::check(&format!("{to}/{name}"), &text);
        }
        assert_eq!(files(from), files(to), "{to} is stale: run `make generate`");
    }
}

#[tokio::test]
async fn the_chart_s_crd_is_the_generated_one() {
    generated::check("charts/headroom/files/scalingpolicies.headroom.dev.yaml", CRD);
    let release = Release::with("{}").await;
    let mut crd = release
        .object("CustomResourceDefinition/scalingpolicies.headroom.dev")
        .unwrap()
        .clone();
    let metadata = crd["metadata"].as_object_mut().unwrap();
    let annotations = metadata.remove("annotations").unwrap();
    assert_eq!(annotations, serde_json::json!({"helm.sh/resource-policy": "keep"}));
    assert_eq!(
        metadata.remove("labels").unwrap()["app.kubernetes.io/managed-by"],
        "Helm"
    );
    assert!(crd == objects(CRD)[0], "rendering changed the CRD");
}

#[tokio::test]
async fn rules_reach_prometheus_as_they_are_in_their_files() {
    let release = Release::with("prometheusRule: {enabled: true}").await;
    let files = files("charts/headroom/files/alerts");
    assert_eq!(
        files.iter().map(String::as_str).collect::<Vec<_>>(),
        ["operator.yaml", "policies.yaml", "workloads.yaml"]
    );
    for file in files {
        let text = std::fs::read_to_string(root().join("charts/headroom/files/alerts").join(&file)).unwrap();
        let group = file.trim_end_matches(".yaml");
        let rule = release.object(&format!("PrometheusRule/headroom-{group}")).unwrap();
        assert!(rule["spec"] == objects(&text)[0], "{file} is another once rendered");
        assert!(
            !rule["spec"]["groups"][0]["rules"].as_array().unwrap().is_empty(),
            "{file}"
        );
    }
}

#[tokio::test]
async fn dashboards_reach_grafana_as_they_are_in_their_files() {
    let release = Release::with("dashboards: {enabled: true}").await;
    let data = &release.object("ConfigMap/headroom-dashboards").unwrap()["data"];
    let files = files("charts/headroom/files/dashboards");
    assert_eq!(data.as_object().unwrap().len(), files.len());
    for file in files {
        let text = std::fs::read_to_string(root().join("charts/headroom/files/dashboards").join(&file)).unwrap();
        let shown: Value = serde_json::from_str(data[format!("headroom-{file}")].as_str().unwrap()).unwrap();
        let is: Value = serde_json::from_str(&text).unwrap();
        assert!(
            shown == is && is["panels"].is_array(),
            "{file} is another once rendered"
        );
    }
}
