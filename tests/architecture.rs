//! The shape of the code: who may import whom, a map in every file, no file too long, one clock.
//!
//! Textual, so that it also holds for paths written inline (`crate::engine::decide(…)`). Modules named here need not
//! exist yet; a module that exists and is not named here fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which top-level modules each may name, and does: main → cli → {controller, explain, simulate} → {observe, actuate,
/// report, …} → {api, engine}. `clock` is the leaf that whoever does I/O may ask, `address` that of whoever is given one; `engine` and `api` ask nobody.
const IMPORTS: &[(&str, &[&str])] = &[
    (
        "main",
        &["cli", "controller", "explain", "simulate", "probe", "telemetry", "api"],
    ),
    ("cli", &["controller", "explain", "simulate", "probe"]),
    (
        "controller",
        &[
            "observe",
            "actuate",
            "report",
            "validate",
            "server",
            "telemetry",
            "api",
            "engine",
            "clock",
        ],
    ),
    ("explain", &["report", "api", "clock"]),
    (
        "simulate",
        &["observe", "report", "validate", "api", "engine", "address"],
    ),
    ("probe", &["validate", "address"]),
    ("observe", &["api", "engine", "address"]),
    ("actuate", &[]),
    ("server", &["report"]),
    ("report", &["validate", "api", "engine"]),
    ("validate", &["api", "engine"]),
    ("telemetry", &["address"]),
    ("clock", &[]),
    ("address", &[]),
    ("api", &[]),
    ("engine", &[]),
];

/// Modules of `engine` that must not know each other.
const STAGES: [&str; 3] = ["propose", "combine", "damp"];

/// Crates that the engine must not name: it is pure.
const IMPURE: [&str; 8] = [
    "kube",
    "kube_runtime",
    "k8s_openapi",
    "tokio",
    "reqwest",
    "prometheus_http_query",
    "axum",
    "tracing",
];

/// Lines that a file may have; about 130 is normal, 400 is a smell.
const MOST_LINES: usize = 500;

struct Source {
    path: PathBuf,
    /// Without comments and string contents being told apart: a path in a comment counts only after `//` is cut.
    code: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let hidden = path
            .file_name()
            .is_some_and(|n| n == "target" || n.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The Rust files below these folders.
fn sources(dirs: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    dirs.iter().for_each(|d| rust_files(&root().join(d), &mut paths));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .map(|l| l.split("//").next().unwrap_or(""))
            .collect::<Vec<_>>()
            .join("\n");
        let path = path.strip_prefix(root()).unwrap().to_owned();
        Source { path, code, text }
    };
    paths.into_iter().map(read).collect()
}

/// The identifiers that follow `prefix` (`crate::`), also in braces: `use crate::{api, engine::State}`.
fn named(code: &str, prefix: &str) -> BTreeSet<String> {
    let ident = |s: &str| {
        s.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        // `mycrate::` and `$crate::` are other words.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => drop(names.insert(ident(rest))),
            Some(list) => {
                let (mut depth, mut item) = (0, String::new());
                for c in list.chars() {
                    match c {
                        '}' if depth == 0 => break,
                        ',' if depth == 0 => drop(names.insert(ident(std::mem::take(&mut item).trim()))),
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => item.push(c),
                    }
                }
                names.insert(ident(item.trim()));
            }
        }
    }
    names.remove("");
    names
}

/// `src/engine/damp/rate.rs` is of `engine`, `src/validate.rs` of `validate`; `lib.rs` only lists modules.
fn module(path: &Path) -> Option<String> {
    let mut parts = path.strip_prefix("src").ok()?.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
    (name != "lib").then_some(name)
}

#[test]
fn imports_point_one_way() {
    let known: BTreeSet<&str> = IMPORTS.iter().map(|(m, _)| *m).collect();
    let mut wrong = Vec::new();
    let mut unused: BTreeSet<(&str, &str)> = IMPORTS
        .iter()
        .flat_map(|(module, allowed)| allowed.iter().map(|name| (*module, *name)))
        .collect();
    for source in sources(&["src"]) {
        let Some(module) = module(&source.path) else { continue };
        let Some((_, allowed)) = IMPORTS.iter().find(|(m, _)| *m == module) else {
            wrong.push(format!(
                "{}: {module} is not in the import table",
                source.path.display()
            ));
            continue;
        };
        let mut names = named(&source.code, "crate::");
        // The binary names the library by its package's name.
        names.extend(named(&source.code, "headroom::"));
        for name in names.iter().filter(|n| known.contains(n.as_str()) && **n != module) {
            unused.retain(|used| *used != (module.as_str(), name.as_str()));
            if !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {module} must not know {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // Who has no need may not begin to have one unseen.
    assert!(unused.is_empty(), "allowed, and not needed: {unused:?}");
}

#[test]
fn the_table_s_own_imports_have_no_cycle() {
    // Each module may only name modules that stand below it in the table, so the table is an order.
    for (i, (module, allowed)) in IMPORTS.iter().enumerate() {
        for name in *allowed {
            let at = IMPORTS.iter().position(|(m, _)| m == name);
            assert!(at.is_some_and(|at| at > i), "{module} → {name}");
        }
    }
}

#[test]
fn stages_of_the_engine_do_not_know_each_other() {
    for stage in STAGES {
        let (dir, file) = (format!("src/engine/{stage}/"), format!("src/engine/{stage}.rs"));
        for source in sources(&["src/engine"]) {
            let path = source.path.to_string_lossy();
            if path.starts_with(&dir) || path == file {
                let engine = ["crate::engine::", "super::", "super::super::", "super::super::super::"];
                let names: BTreeSet<_> = engine.iter().flat_map(|p| named(&source.code, p)).collect();
                for other in STAGES.iter().filter(|s| **s != stage) {
                    assert!(!names.contains(*other), "{path} names {other}");
                }
            }
        }
    }
}

#[test]
fn no_decision_knows_of_the_pods_limits() {
    // `report` and `controller` may; of the engine its own folder alone, and the line that makes it a module.
    for source in sources(&["src/engine", "src/simulate"]) {
        let path = source.path.to_string_lossy();
        if !path.starts_with("src/engine/bottleneck/") {
            let code = source.code.replace("pub mod bottleneck;", "");
            let named = code.contains("bottleneck::") || code.contains("::bottleneck") || code.contains("Bottleneck");
            assert!(!named, "{path} names the bottleneck");
        }
    }
}

#[test]
fn the_engine_is_pure() {
    for source in sources(&["src/engine"]) {
        for name in IMPURE {
            let uses = named(&source.code, &format!("{name}::"));
            assert!(uses.is_empty(), "{} names {name}", source.path.display());
        }
        for io in ["std::fs", "std::net", "std::io", "std::env", "std::thread", "Instant::"] {
            assert!(!source.code.contains(io), "{} names {io}", source.path.display());
        }
    }
}

#[test]
fn every_file_begins_with_a_map() {
    let without: Vec<_> = sources(&["src", "e2e", "tests", "benches"])
        .into_iter()
        .filter(|s| !s.text.starts_with("//! "))
        .map(|s| s.path)
        .collect();
    assert!(
        without.is_empty(),
        "begin with a `//!` that says what the file does: {without:?}"
    );
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = sources(&["src", "e2e", "tests", "benches"])
        .into_iter()
        .map(|s| (s.text.lines().count(), s.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines: {long:?}");
}

#[test]
fn only_the_clock_knows_the_time() {
    for source in sources(&["src"]) {
        if source.path != Path::new("src/clock.rs") {
            for now in ["Timestamp::now", "Zoned::now", "SystemTime::now", "Utc::now"] {
                assert!(!source.code.contains(now), "{} calls {now}", source.path.display());
            }
        }
    }
}

#[test]
fn names_are_found_in_every_way_of_writing_them() {
    let found = |code: &str| named(code, "crate::").into_iter().collect::<Vec<_>>();
    assert_eq!(found("use crate::api::Duration;"), ["api"]);
    assert_eq!(
        found("use crate::{\n    api::{Duration, Quantity},\n    engine,\n};"),
        ["api", "engine"]
    );
    assert_eq!(found("let x = crate::engine::decide(a);"), ["engine"]);
    assert_eq!(found("mycrate::api::x; $crate::y"), ["y"]);
    assert_eq!(found("pub(in crate::engine) fn f() {}"), ["engine"]);
}
