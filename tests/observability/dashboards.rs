//! The dashboards as JSON: what Grafana 11 and newer show, described, in one style, with nothing on top of another.

use serde_json::Value;

use crate::boards;
use crate::generated;

/// Grafana 11.0 writes this schema; newer ones read it.
const SCHEMA: u64 = 39;
/// Panels that are not deprecated, of those that are used.
const PANELS: [&str; 5] = ["row", "stat", "state-timeline", "table", "timeseries"];
/// Grafana's grid has so many columns.
const COLUMNS: u64 = 24;

#[test]
fn one_style() {
    for (name, board) in boards::all() {
        // Sorted keys: what Grafana exports differs by what was changed, once `UPDATE=1` has passed over it.
        let text = format!("{}\n", serde_json::to_string_pretty(&board).unwrap());
        generated::check(&format!("charts/headroom/files/dashboards/{name}"), &text);
    }
}

#[test]
fn each_is_found_by_its_name_and_asks_the_chosen_server() {
    for (name, board) in boards::all() {
        assert_eq!(board["schemaVersion"], SCHEMA, "{name}");
        assert_eq!(board["uid"], format!("headroom-{}", name.trim_end_matches(".json")));
        assert_eq!(board["templating"]["list"][0]["type"], "datasource", "{name}");
        for panel in boards::panels(&board)
            .into_iter()
            .filter(|panel| panel["type"] != "row")
        {
            let targets = panel["targets"].as_array().unwrap();
            assert!(!targets.is_empty(), "{name}: {}", panel["title"]);
            for source in targets.iter().chain([panel]).map(|asks| &asks["datasource"]["uid"]) {
                assert_eq!(source, "${datasource}", "{name}: {}", panel["title"]);
            }
        }
    }
}

#[test]
fn panels_are_of_today_and_say_what_they_show() {
    for (name, board) in boards::all() {
        let mut ids = Vec::new();
        for panel in boards::panels(&board) {
            let (title, kind) = (text(panel, "title"), text(panel, "type"));
            assert!(PANELS.contains(&kind), "{name}: {title} is a {kind}");
            assert!(!title.is_empty() && !ids.contains(&&panel["id"]), "{name}: {title}");
            ids.push(&panel["id"]);
            if kind != "row" {
                assert!(
                    text(panel, "description").ends_with('.'),
                    "{name}: {title} has no description"
                );
                let unit = &panel["fieldConfig"]["defaults"]["unit"];
                assert!(unit.is_string(), "{name}: {title} has no unit");
            }
        }
    }
}

#[test]
fn nothing_stands_on_top_of_another() {
    for (name, board) in boards::all() {
        let panels = boards::panels(&board);
        for (i, panel) in panels.iter().enumerate() {
            let here = place(panel);
            assert!(here[0] + here[2] <= COLUMNS, "{name}: {}", panel["title"]);
            for other in &panels[i + 1..] {
                let there = place(other);
                let apart = |axis: usize| {
                    here[axis] + here[axis + 2] <= there[axis] || there[axis] + there[axis + 2] <= here[axis]
                };
                assert!(
                    apart(0) || apart(1),
                    "{name}: {} and {}",
                    panel["title"],
                    other["title"]
                );
            }
        }
    }
}

/// x, y, width, height.
fn place(panel: &Value) -> [u64; 4] {
    ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap())
}

fn text<'a>(panel: &'a Value, key: &str) -> &'a str {
    panel[key].as_str().unwrap_or_default()
}
