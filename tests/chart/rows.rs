//! The table `rows.yaml`: values, and what they make of the release.
//!
//! A row's `expect` names `Kind/name` (`Kind/namespace/name` outside the release's own) and a JSON pointer into it; the
//! value there must be equal. `args` in place of a pointer: the operator's arguments have all of these; `-args`: none.
//! Without a pointer: whether the object is there.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::readme;
use crate::release::{Release, said};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What is shown.
    row: String,
    /// Nothing: the chart as it comes.
    #[serde(default)]
    values: serde_json::Map<String, Value>,
    expect: BTreeMap<String, Value>,
}

fn rows() -> Vec<Row> {
    serde_yaml::from_str(include_str!("rows.yaml")).unwrap()
}

/// Where the release is not what is expected.
fn wrong(release: &Release, at: &str, expected: &Value) -> Option<String> {
    let Some((reference, pointer)) = at.split_once(' ') else {
        let is = release.object(at).is_some();
        return (json!(is) != *expected).then(|| format!("{at}: there: {is}; there are {:?}", release.references()));
    };
    let Some(object) = release.object(reference) else {
        return Some(format!("{reference} is not among {:?}", release.references()));
    };
    if let Some(has) = ["args", "-args"].iter().position(|word| *word == pointer) {
        let args = object.pointer("/spec/template/spec/containers/0/args").unwrap();
        let args = args.as_array().unwrap();
        let mut named = expected.as_array().unwrap().iter();
        return match has {
            0 => named.find(|arg| !args.contains(arg)),
            // By what it begins with: whatever its value.
            _ => named.find(|arg| {
                args.iter()
                    .any(|a| a.as_str().unwrap().starts_with(arg.as_str().unwrap()))
            }),
        }
        .map(|arg| format!("{arg} in {args:?}"));
    }
    let found = object.pointer(pointer).unwrap_or(&Value::Null);
    (found != expected).then(|| format!("{at} is {found}, not {expected}"))
}

#[tokio::test]
async fn values_make_what_the_table_says() {
    let mut all = Vec::new();
    for row in rows() {
        let release = Release::with(&json!(row.values).to_string()).await;
        assert!(!row.expect.is_empty(), "{} expects nothing", row.row);
        let wrong = row
            .expect
            .iter()
            .filter_map(|(at, expected)| wrong(&release, at, expected));
        all.extend(wrong.map(|w| format!("{}: {w}", row.row)));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

/// The paths of all values that are set, as `image.tag`; entries of a list count for the list.
fn set(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                set(&path, field, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn no_value_is_without_a_row() {
    let mut shown = Vec::new();
    rows().iter().for_each(|row| set("", &json!(row.values), &mut shown));
    let is_shown = |path: &String| shown.iter().any(|s| s == path || s.starts_with(&format!("{path}.")));
    let missing: Vec<String> = readme::paths().into_iter().filter(|path| !is_shown(path)).collect();
    assert!(
        missing.is_empty(),
        "values that no row of tests/chart/rows.yaml sets: {missing:?}"
    );
}

#[tokio::test]
async fn the_operator_knows_every_argument_that_the_chart_gives_it() {
    for row in rows() {
        let release = Release::with(&json!(row.values).to_string()).await;
        let deployment = ["Deployment/headroom", "Deployment/hr"];
        let deployment = deployment.iter().find_map(|name| release.object(name)).unwrap();
        let args = deployment.pointer("/spec/template/spec/containers/0/args").unwrap();
        let args: Vec<String> = serde_json::from_value(args.clone()).unwrap();
        // With --help all that stands before it is read, and nothing is run.
        let mut operator = Command::new(env!("CARGO_BIN_EXE_headroom"));
        let read = said(operator.args(&args).arg("--help"));
        assert!(read.is_ok(), "{}: {args:?}: {}", row.row, read.unwrap_err());
    }
}
