//! The alerts: promtool finds nothing wrong, each has cases in which it fires and in which it must not, and a runbook.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use headroom_cluster::Binaries;
use serde_yaml::Value;

const RULES: &str = "charts/headroom/files/alerts";
const CASES: &str = "tests/observability";
const RUNBOOKS: &str = "https://github.com/headroom-dev/headroom/blob/main/docs/alerts.md";

/// One rule file.
pub struct File {
    /// `operator` of `operator.yaml`.
    pub name: String,
    path: PathBuf,
    /// Its rules, in their order.
    pub rules: Vec<Value>,
}

/// Every rule file, in the order of the names.
pub fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let groups = yaml(&path);
        let rules = list(&groups["groups"]).flat_map(|group| list(&group["rules"])).cloned();
        File {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            rules: rules.collect(),
            path,
        }
    };
    paths.into_iter().map(read).collect()
}

/// A field's text; empty where there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

fn cases(file: &File) -> PathBuf {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES);
    cases.join(format!("{}.test.yaml", file.name))
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_and_every_case_holds() {
    let binaries = Binaries::ensure_prometheus(headroom_cluster::console()).await.unwrap();
    let promtool = |arguments: &[&str], file: &Path| {
        let output = Command::new(&binaries.promtool)
            .args(arguments)
            .arg(file)
            .output()
            .unwrap();
        let (out, err) = (&output.stdout, &output.stderr);
        let said = format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err));
        assert!(output.status.success(), "{}: {said}", file.display());
        said
    };
    for file in files() {
        let said = promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &file.path);
        let found = format!("{} rules found", file.rules.len());
        assert!(said.contains(&found), "{}: {said}", file.name);
        promtool(&["test", "rules"], &cases(&file));
    }
}

#[test]
fn every_alert_has_cases_in_which_it_fires_and_in_which_it_must_not() {
    for file in files() {
        let cases = yaml(&cases(&file));
        let checks: Vec<(&str, bool)> = list(&cases["tests"])
            .flat_map(|test| list(&test["alert_rule_test"]))
            .map(|check| (text(check, "alertname"), list(&check["exp_alerts"]).next().is_some()))
            .collect();
        let alerts: Vec<&str> = file.rules.iter().map(|rule| text(rule, "alert")).collect();
        for alert in alerts.iter().filter(|alert| !alert.is_empty()) {
            for fires in [true, false] {
                let covered = checks.contains(&(*alert, fires));
                assert!(covered, "{}: no case in which {alert} firing is {fires}", file.name);
            }
        }
        // A case for a name that no rule has would hold whatever the rules say.
        for (name, _) in checks {
            assert!(
                alerts.contains(&name),
                "{}: a case for {name}, which is no alert",
                file.name
            );
        }
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/alerts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let mut runbooks: BTreeSet<&str> = headings.filter(|heading| heading.starts_with("Headroom")).collect();
    let files = files();
    for rule in files.iter().flat_map(|file| &file.rules) {
        let alert = text(rule, "alert");
        if alert.is_empty() {
            continue;
        }
        let severity = text(&rule["labels"], "severity");
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{alert}: {severity}"
        );
        assert!(
            !text(rule, "for").is_empty(),
            "{alert}: one bad scrape must not page anybody"
        );
        for annotation in ["summary", "description"] {
            let words = text(&rule["annotations"], annotation);
            assert!(!words.is_empty(), "{alert} has no {annotation}");
        }
        let anchor = format!("{RUNBOOKS}#{}", alert.to_lowercase());
        assert_eq!(text(&rule["annotations"], "runbook_url"), anchor);
        assert!(runbooks.remove(alert), "docs/alerts.md has no runbook of {alert}");
    }
    assert!(
        runbooks.is_empty(),
        "runbooks of alerts that are not there: {runbooks:?}"
    );
}
