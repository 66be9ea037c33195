//! `deploy/samples`: policies to begin with. Each is valid, and together they show every field of the API. The API server
//! judges them in `tests/cluster/admission.rs`.

use std::collections::BTreeSet;
use std::path::Path;

use headroom::api::{ScalingPolicy, crd};
use headroom::validate;
use serde_json::Value;

fn samples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples");
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    files
        .map(|f| (f.display().to_string(), std::fs::read_to_string(f).unwrap()))
        .collect()
}

#[test]
fn every_sample_is_valid_and_says_what_it_is_for() {
    let samples = samples();
    assert!(samples.len() >= 10, "only {}", samples.len());
    for (name, text) in samples {
        assert!(text.starts_with("# "), "{name} begins without a comment");
        let policy: ScalingPolicy = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        validate::policy(&policy.spec).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

/// The paths of a schema's fields.
fn fields(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
    for (name, field) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let path = format!("{path}.{name}");
        fields(&path, field, found);
        if let Some(items) = field.get("items") {
            fields(&path, items, found);
        }
        found.insert(path);
    }
}

/// The paths of an object's fields.
fn shown(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(all) => {
            for (name, field) in all {
                let path = format!("{path}.{name}");
                shown(&path, field, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| shown(path, item, found)),
        _ => (),
    }
}

#[test]
fn every_field_is_shown_by_some_sample() {
    let crd: Value = serde_yaml::from_str(&crd::yaml().unwrap()).unwrap();
    let spec = crd
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
        .unwrap();
    let (mut all, mut used) = (BTreeSet::new(), BTreeSet::new());
    fields("spec", spec, &mut all);
    for (name, text) in samples() {
        let sample: Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        shown("spec", &sample["spec"], &mut used);
    }
    // Three sources have the same `metric`, and all Prometheus sources are alike: each of their fields once is enough.
    let sources = [".pods.metric", ".object.metric", ".external.metric"];
    let same = |path: String| match path.find(".prometheus.") {
        Some(at) => path[at..].to_owned(),
        None => sources
            .iter()
            .fold(path, |path, source| path.replace(source, ".metric")),
    };
    let (all, used): (BTreeSet<_>, BTreeSet<_>) = (
        all.into_iter().map(same).collect(),
        used.into_iter().map(same).collect(),
    );
    let missing: Vec<&String> = all.difference(&used).collect();
    assert!(all.len() > 60 && missing.is_empty(), "no sample shows {missing:?}");
}
