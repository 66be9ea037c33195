//! `headroom simulate` from files to files: what it writes, and what it refuses with which words.

use std::fs;
use std::path::Path;

use clap::Parser;
use headroom::simulate::{self, Args};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn run(line: &str) -> Result<(), simulate::Error> {
    let words = ["simulate"].into_iter().chain(line.split_whitespace());
    simulate::run(Cli::parse_from(words).args)
}

const POLICY: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: beside}
---
apiVersion: headroom.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: 'shop <b>'}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  maxReplicas: 9
  mode: DryRun
  metrics:
    - {name: rps, prometheus: {query: up}, target: {averageValue: 10}}
";

const TRACE: &str = "timestamp,value
2026-11-20T08:00:00Z,10
2026-11-20T08:10:00Z,10
2026-11-20T08:11:00Z,50
2026-11-20T08:20:00Z,50
";

/// A directory with a policy and a trace, and the command line that replays them.
fn files(policy: &str, trace: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("p.yaml"), policy).unwrap();
    fs::write(dir.path().join("t.csv"), trace).unwrap();
    let at = dir.path().display();
    let line = format!("--policy {at}/p.yaml --trace {at}/t.csv --replica-capacity 12 --out {at}/out");
    (dir, line)
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join("out").join(name)).unwrap()
}

#[test]
fn writes_timeline_summary_and_page() {
    let (dir, line) = files(POLICY, TRACE);
    run(&format!("{line} --startup 1m --tick 30s")).unwrap();

    let timeline = read(dir.path(), "timeline.csv");
    let rows: Vec<&str> = timeline.lines().collect();
    assert_eq!(
        rows[..2],
        ["timestamp,load,desired,ready", "2026-11-20T08:00:00Z,10,1,1"]
    );
    assert_eq!(rows.len(), 1 + 20 * 2 + 1);
    assert_eq!(*rows.last().unwrap(), "2026-11-20T08:20:00Z,50,5,5");

    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    assert_eq!(summary["ticks"], 41);
    assert_eq!(summary["peakReplicas"], 5);
    assert_eq!(
        summary["notes"][0],
        "The policy's mode is DryRun; it was replayed as if it were Active."
    );
    let desired = |row: &&str| row.split(',').nth(2).unwrap().parse::<f64>().unwrap();
    let hours = rows[1..].iter().map(desired).sum::<f64>() / 120.0;
    assert!((summary["replicaHours"].as_f64().unwrap() - hours).abs() < 1e-9);

    let page = read(dir.path(), "report.html");
    assert!(page.contains("<h1>shop &lt;b&gt;</h1>"));
    // Self-contained: nothing is fetched, and nobody's name becomes a tag.
    assert_eq!(page.matches("<script").count(), 2);
    for outside in [
        "http://", "https://", "src=", "href=", "fetch(", "import(", "@import", "url(", "shop <b>",
    ] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
}

#[test]
fn a_comparison_and_a_sweep_are_in_the_summary() {
    let (dir, line) = files(POLICY, TRACE);
    run(&format!("{line} --startup 1m --tick 30s --compare --sweep")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    let compared = &summary["comparison"];
    // Its own policy is HPA at 10 of 12, so both come to the same; the load jumps to five replicas of 12 within a minute.
    let [own, hpa] = [&compared["policy"], &compared["baselines"][0]["figures"]];
    assert_eq!(own, hpa);
    assert_eq!(own["replicaHours"], summary["replicaHours"]);
    assert!(
        own["shortShare"].as_f64().unwrap() > 0.0 && own["cost"].as_f64().unwrap() > 0.0,
        "{own}"
    );
    let names: Vec<&str> = compared["baselines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["baseline"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["hpa", "hpa-tuned", "cron", "seasonal", "phpa", "oracle"]);
    assert_eq!(compared["baselines"][5]["figures"]["shortShare"], 0.0);
    assert_eq!(compared["baselines"][5]["figures"]["cost"], 1.0);
    let sweep = &summary["sweep"];
    // No Adaptive prediction, no objective to sweep.
    assert_eq!(sweep["objective"].as_array().unwrap().len(), 0);
    let targets: Vec<f64> = sweep["hpa"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["knob"].as_f64().unwrap())
        .collect();
    assert_eq!((targets.len(), targets[0], targets[11]), (12, 0.4, 0.95));
}

#[test]
fn history_is_known_and_not_replayed() {
    let (dir, line) = files(POLICY, TRACE);
    let history = dir.path().join("h.csv");
    fs::write(
        &history,
        "timestamp,value\n2026-11-20T07:00:00Z,30\n2026-11-20T08:10:00Z,99\n",
    )
    .unwrap();
    run(&format!(
        "{line} --history {} --start 2026-11-20T08:05:00Z",
        history.display()
    ))
    .unwrap();
    let timeline = read(dir.path(), "timeline.csv");
    assert_eq!(timeline.lines().nth(1), Some("2026-11-20T08:05:00Z,10,1,1"));
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    let note = summary["notes"][1].as_str().unwrap();
    assert!(
        note.starts_with("1 rows of ") && note.ends_with("there the trace counts."),
        "{note}"
    );
}

#[test]
fn the_summary_tells_what_the_replay_made_up_and_which_lead_time_it_used() {
    let policy = POLICY.replace("mode: DryRun", "prediction: {metric: rps}").replace(
        "averageValue: 10}}",
        "averageValue: 10}}\n    - {name: cpu, prometheus: {query: up}, target: {value: 60}}",
    );
    let (dir, line) = files(&policy, TRACE);
    run(&format!("{line} --startup 2h")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    let notes: Vec<&str> = summary["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap())
        .collect();
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes[0].contains("cpu has a `value` target"), "{notes:?}");
    assert!(notes[1].contains("All 2 metrics"), "{notes:?}");
    assert!(notes[2].contains("up to 10m apart"), "{notes:?}");
    // Two hours of start-up are more than a forecast covers.
    assert_eq!(summary["forecast"]["leadSeconds"], 3600.0);
}

/// What the binary says on standard error when it fails.
fn stderr(args: &[&str], env: &[(&str, &str)]) -> String {
    let mut headroom = std::process::Command::new(env!("CARGO_BIN_EXE_headroom"));
    let output = headroom.args(args).envs(env.iter().copied()).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_binary_says_each_cause_once() {
    let simulate = "simulate --policy none.yaml --trace t.csv --replica-capacity 1 --out out";
    assert_eq!(
        stderr(&simulate.split(' ').collect::<Vec<_>>(), &[]),
        "headroom: none.yaml: cannot be read: No such file or directory (os error 2)\n"
    );
    // A cause that the error above it does not name is said too: nothing listens on port 1.
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = dir.path().join("kubeconfig");
    let cluster = "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]";
    let context = "contexts: [{name: c, context: {cluster: c, user: u}}]";
    let text = format!("{cluster}\n{context}\nusers: [{{name: u, user: {{}}}}]\ncurrent-context: c\n");
    fs::write(&kubeconfig, text).unwrap();
    let message = stderr(&["run"], &[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
    assert_eq!(message.matches("Connection refused").count(), 1, "{message}");
    assert_eq!(
        message.matches("ScalingPolicies cannot be listed").count(),
        1,
        "{message}"
    );

    let message = stderr(&["run"], &[("RUST_LOG", "headroom=loud")]);
    assert!(
        message.starts_with("headroom: RUST_LOG: \"headroom=loud\" cannot be read"),
        "{message}"
    );
}

#[test]
fn refuses_with_file_field_value_and_remedy() {
    let broken = |from: &str, to: &str| POLICY.replace(from, to);
    // policy, trace, more options, what the message says
    let table = [
        (
            POLICY.to_owned(),
            "timestamp,value\n2026-11-20T08:00:00Z,x\n",
            "",
            "t.csv, line 2: \"x\" is not a load",
        ),
        (POLICY.to_owned(), "", "", "has no column \"timestamp\""),
        (
            POLICY.to_owned(),
            TRACE,
            "--start 2026-11-21T00:00:00Z",
            "--start: 2026-11-21T00:00:00Z is not within the trace; give an instant from 2026-11-20T08:00:00Z to 2026-11-20T08:20:00Z",
        ),
        (
            broken("ScalingPolicy", "HPA"),
            TRACE,
            "",
            "p.yaml: holds 0 objects of kind ScalingPolicy; give a file with one",
        ),
        (
            broken("averageValue: 10", "averageValue: ten"),
            TRACE,
            "",
            "p.yaml: spec.metrics[rps].target.averageValue: \"ten\" is not a quantity",
        ),
        (
            broken("maxReplicas", "mxReplicas"),
            TRACE,
            "",
            "p.yaml: is no ScalingPolicy: ",
        ),
        (broken("metadata:", "\tmetadata:"), TRACE, "", "p.yaml: is not YAML: "),
    ];
    for (policy, trace, more, words) in table {
        let (dir, line) = files(&policy, trace);
        let message = run(&format!("{line} {more}")).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
        assert!(!dir.path().join("out").exists(), "wrote before it refused: {message}");
    }
    let (_dir, line) = files(POLICY, TRACE);
    let message = run(&line.replace("t.csv", "none.csv")).unwrap_err().to_string();
    assert!(message.contains("none.csv: cannot be read: No such file"), "{message}");
}

#[test]
fn the_example_replays_and_is_there_to_be_edited() {
    let dir = tempfile::tempdir().unwrap();
    run(&format!(
        "--example --tick 5m --out {}",
        dir.path().join("out").display()
    ))
    .unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    assert_eq!(summary["from"], "2026-11-22T23:00:00Z");
    for file in ["policy.yaml", "trace.csv", "timeline.csv", "report.html"] {
        assert!(!read(dir.path(), file).is_empty(), "{file}");
    }
    let again = format!("--example --tick 5m --out {}", dir.path().join("out").display());
    run(&again).unwrap();
    // What was edited stays, whichever file it is.
    for (edited, other) in [("trace.csv", "policy.yaml"), ("policy.yaml", "trace.csv")] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join(edited), "mine\n").unwrap();
        let again = format!("--example --out {}", out.display());
        let message = run(&again).unwrap_err().to_string();
        assert!(message.contains(&format!("{edited}: was edited")), "{message}");
        assert!(message.contains("--out"), "{message}");
        assert_eq!(read(dir.path(), edited), "mine\n");
        assert!(!out.join(other).exists(), "wrote before it refused");
    }
}

#[test]
fn an_adaptive_policy_without_history_does_as_its_target() {
    let prediction = "  prediction: {metric: rps, mode: Adaptive, capacity: 12, objective: {signal: {prometheus: {query: late}, above: 2}}}\n";
    let replay = |policy: &str| {
        let (dir, line) = files(policy, TRACE);
        run(&format!("{line} --startup 1m --tick 30s")).unwrap();
        (read(dir.path(), "timeline.csv"), read(dir.path(), "summary.json"))
    };
    let (adaptive, summary) = replay(&format!("{POLICY}{prediction}"));
    assert_eq!(adaptive, replay(POLICY).0, "a plan that is not trusted changes nothing");
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary.pointer("/forecast/mode").unwrap(), "Adaptive");
    let notes = summary.get("notes").and_then(|n| n.as_array()).unwrap();
    assert!(
        notes
            .iter()
            .any(|n| n.as_str().unwrap().starts_with("The objective's signal was not asked")),
        "{notes:?}"
    );
}

#[test]
fn json_is_the_summary_and_nothing_else_and_prices_stand_beside_hours() {
    let (dir, line) = files(POLICY, TRACE);
    let line = format!("simulate {line} --json --replica-cost 0.5EUR --compare hpa,oracle");
    let mut headroom = std::process::Command::new(env!("CARGO_BIN_EXE_headroom"));
    let output = headroom.args(line.split_whitespace()).output().unwrap();
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout, read(dir.path(), "summary.json"));
    let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    for run in [
        &summary,
        &summary["comparison"]["policy"],
        &summary["comparison"]["baselines"][0]["figures"],
    ] {
        let hours = run["replicaHours"].as_f64().unwrap();
        let total = run["money"]["total"].as_f64().unwrap();
        assert!((total - 0.5 * hours).abs() < 1e-9, "{run}");
        assert_eq!(run["money"]["currency"], "EUR");
        // Twenty minutes say nothing about a year.
        assert!(run["money"].get("perYear").is_none());
    }
}

#[test]
fn the_page_of_a_comparison_names_every_baseline_and_what_it_would_cost() {
    let (dir, line) = files(POLICY, TRACE);
    run(&format!("{line} --compare all --sweep --replica-cost 0.5EUR")).unwrap();
    let page = read(dir.path(), "report.html");
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    assert_eq!(summary["comparison"]["baselines"].as_array().unwrap().len(), 6);
    for name in [
        "HPA v2, at ",
        "tuned in hindsight",
        "Cron floors",
        "Seasonal-naive",
        "regression",
        "the oracle",
    ] {
        assert!(
            page.contains(&format!("<dt>Against {name}")) || page.contains(name),
            "{name}"
        );
    }
    // A picture of each for wide and narrow, one of the curves, and the numbers for the one that can be zoomed.
    assert_eq!(page.matches("<div class=\"panel\">").count(), 7);
    assert!(page.contains("Cost against shortfall") && page.contains("id=\"zoom-data\""));
    assert!(page.contains(" EUR</td>"));
    assert!(page.len() < 2_000_000, "{}", page.len());
}

#[test]
fn a_suggestion_is_a_file_that_can_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    run(&format!(
        "--example --tick 5m --suggest --shortfall 1% --out {}",
        out.display()
    ))
    .unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    let suggestion = &summary["suggestion"];
    assert_eq!(suggestion["objective"], 0.01);
    assert_eq!(suggestion["yaml"], read(dir.path(), "suggested.yaml"));
    let tried = suggestion["tried"].as_array().unwrap();
    let chosen = tried.iter().find(|t| t["title"] == suggestion["chosen"]).unwrap();
    let at = out.display();
    run(&format!(
        "--policy {at}/suggested.yaml --trace {at}/trace.csv --replica-capacity 1000 --tick 5m --start \
         2026-11-22T23:00:00Z --out {at}"
    ))
    .unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read(dir.path(), "summary.json")).unwrap();
    assert_eq!(summary["replicaHours"], chosen["figures"]["replicaHours"]);
    assert_eq!(summary["shortShare"], chosen["figures"]["shortShare"]);
}
