//! The chart's README and the descriptions in its schema: generated from the comments of `values.yaml`, so that they are
//! written once.
//!
//! The comment above a key describes it; lines that are indented further are examples, and stay in `values.yaml`. Types,
//! patterns and required keys are the schema's own.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::generated;
use crate::release::chart;

const VALUES: &str = include_str!("../../charts/headroom/values.yaml");
const HEAD: &str = include_str!("head.md");

/// The keys of `values.yaml` in their order, as `image.tag`, with the comment above each.
fn keys() -> Vec<(String, String)> {
    let (mut keys, mut above, mut open) = (Vec::new(), Vec::new(), Vec::<(usize, String)>::new());
    for line in VALUES.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(comment) = text.strip_prefix('#') {
            if !comment.starts_with("  ") {
                above.push(comment.trim().to_owned());
            }
        } else if let Some((key, _)) = text.split_once(':') {
            open.retain(|(i, _)| *i < indent);
            open.push((indent, key.to_owned()));
            let path: Vec<&str> = open.iter().map(|(_, key)| key.as_str()).collect();
            keys.push((path.join("."), above.join(" ")));
            above.clear();
        } else {
            above.clear();
        }
    }
    keys
}

fn schema() -> Value {
    let path = chart().join("values.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn defaults() -> Value {
    serde_yaml::from_str(VALUES).unwrap()
}

/// The schema of a value; none for what lies within a value of somebody else's shape, such as labels.
fn of<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(schema, |schema, key| schema.get("properties")?.get(key))
}

fn is_section(schema: &Value) -> bool {
    schema.get("properties").is_some()
}

/// The paths of all values that are not sections.
pub fn paths() -> Vec<String> {
    let schema = schema();
    let value = |path: &String| of(&schema, path).is_some_and(|s| !is_section(s) || path == "affinity");
    keys().into_iter().map(|(path, _)| path).filter(value).collect()
}

/// What a person reads of a type.
fn kind(schema: &Value, root: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices.iter().map(|c| format!("`{}`", c.as_str().unwrap())).collect();
        return choices.join(", ");
    }
    if let Some(reference) = schema.pointer("/allOf/0/$ref").and_then(Value::as_str) {
        let definition = root.pointer(reference.trim_start_matches('#')).unwrap();
        return match definition.get("required").and_then(Value::as_array) {
            Some(keys) => format!(
                "`{{{}}}`",
                keys.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            ),
            None => "map".to_owned(),
        };
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => "map".to_owned(),
        Some("array") => "list".to_owned(),
        Some(other) => other.to_owned(),
        None => "any".to_owned(),
    }
}

#[test]
fn the_schema_has_the_words_of_the_values() {
    let mut described = schema();
    for (path, comment) in keys() {
        let pointer = format!("/properties/{}", path.replace('.', "/properties/"));
        if let Some(Value::Object(node)) = described.pointer_mut(&pointer)
            && !comment.is_empty()
        {
            node.insert("description".to_owned(), Value::String(comment));
        }
    }
    let text = serde_json::to_string_pretty(&described).unwrap() + "\n";
    generated::check("charts/headroom/values.schema.json", &text);
}

#[test]
fn the_readme_lists_every_value() {
    let (schema, defaults) = (schema(), defaults());
    let mut page = format!("{HEAD}\n| Value | Type | Default | Meaning |\n|---|---|---|---|\n");
    for (path, comment) in keys() {
        let Some(node) = of(&schema, &path) else { continue };
        let pointer = format!("/{}", path.replace('.', "/"));
        let cell = comment.replace('|', "\\|");
        if is_section(node) && path != "affinity" {
            if !cell.is_empty() {
                let _ = writeln!(page, "| **`{path}`** | | | {cell} |");
            }
            continue;
        }
        let default = defaults.pointer(&pointer).unwrap();
        let _ = writeln!(page, "| `{path}` | {} | `{default}` | {cell} |", kind(node, &schema));
        if let Some(Value::Object(fields)) = node.pointer("/items/properties") {
            let required = node.pointer("/items/required").and_then(Value::as_array);
            for (name, field) in fields {
                let must = required.is_some_and(|r| r.iter().any(|r| r == name));
                let words = field.get("description").and_then(Value::as_str).unwrap_or_default();
                let default = if must { "required" } else { "" };
                let kind = kind(field, &schema);
                let _ = writeln!(page, "| `{path}[].{name}` | {kind} | {default} | {words} |");
            }
        }
    }
    generated::check("charts/headroom/README.md", &page);
}

/// Calls `visit` with each schema below and its path.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    let Value::Object(node) = schema else { return };
    visit(path, node);
    for (name, field) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(&format!("{path}/{name}"), field, visit);
    }
    for (name, field) in node.get("definitions").and_then(Value::as_object).into_iter().flatten() {
        walk(&format!("{path}#{name}"), field, visit);
    }
    if let Some(items) = node.get("items") {
        walk(&format!("{path}[]"), items, visit);
    }
}

#[test]
fn the_schema_knows_every_value_and_describes_it() {
    let schema = schema();
    let (mut open, mut silent, mut shapeless, mut strange) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let known: Vec<String> = keys().into_iter().map(|(path, _)| path).collect();
    walk("", &schema, &mut |path, node| {
        if node.contains_key("properties") && node.get("additionalProperties") != Some(&Value::Bool(false)) {
            open.push(path.to_owned());
        }
        if !["type", "enum", "allOf"].iter().any(|k| node.contains_key(*k)) {
            shapeless.push(path.to_owned());
        }
        let is_value = !path.contains(['#', '[']) && !path.is_empty() && path != "/global" && path != "/enabled";
        let name = path.trim_start_matches('/').replace('/', ".");
        if is_value && !known.contains(&name) && !name.starts_with("affinity.") {
            strange.push(path.to_owned());
        }
        if !path.ends_with(']') && is_value && !node.contains_key("properties") && !node.contains_key("description") {
            silent.push(path.to_owned());
        }
    });
    assert_eq!(open, [""; 0], "unknown keys are let through");
    assert_eq!(shapeless, [""; 0], "anything is let through");
    assert_eq!(strange, [""; 0], "in the schema and not in values.yaml");
    assert_eq!(
        silent, [""; 0],
        "without a comment in values.yaml, or a description in the schema"
    );
}
