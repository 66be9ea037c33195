//! The dashboards as data: their JSON, and every query of every panel with Grafana's variables filled in.

use std::path::Path;

use serde_json::Value;

/// Each dashboard's file name and content, in the order of the names.
pub fn all() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/headroom/files/dashboards");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let board = serde_json::from_str(&std::fs::read_to_string(path).unwrap());
        (name.clone(), board.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    paths.iter().map(|path| read(path)).collect()
}

/// The panels, those of collapsed rows included.
pub fn panels(board: &Value) -> Vec<&Value> {
    let outer = list(board, "panels");
    let inner: Vec<_> = outer.iter().flat_map(|panel| list(panel, "panels")).collect();
    outer.into_iter().chain(inner).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value[key].as_array().into_iter().flatten().collect()
}

/// What a variable of Grafana stands for.
pub type Variables<'a> = &'a [(&'a str, &'a str)];

/// Of each query where it stands (`operator.json: Memory (A)`), and its expression with the variables filled in.
///
/// # Panics
/// Where a variable is left over, that nobody gave.
pub fn queries(variables: Variables<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, board) in all() {
        for panel in panels(&board) {
            for target in list(panel, "targets") {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let place = format!("{name}: {} ({})", text(&panel["title"]), text(&target["refId"]));
                let mut expr = text(&target["expr"]);
                for (variable, value) in variables {
                    expr = expr.replace(variable, value);
                }
                assert!(!expr.is_empty() && !expr.contains("$"), "{place}: {expr}");
                found.push((place, expr));
            }
        }
    }
    found
}
