//! What a replay is made of, from files or from Prometheus: the policy, the load, and for the example both.
//!
//! Reads, and writes only the example's files and `--save-trace`. Neighbours: `live.rs` asks Prometheus, `series.rs`
//! reads CSV, `validate` judges the policy.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use kube::ResourceExt;
use serde::Deserialize;
use serde_yaml::Value;

use super::args::Args;
use super::error::Error;
use super::series::Series;
use super::{create_dir, example, write};
use crate::api::ScalingPolicy;
use crate::engine::policy::{Mode, Policy};
use crate::validate;

/// The files to read, and the capacity; for the example they are written first.
pub(super) fn inputs(mut args: Args) -> Result<(Args, PathBuf, f64), Error> {
    if args.example {
        create_dir(&args.out)?;
        let (policy, trace) = (args.out.join("policy.yaml"), args.out.join("trace.csv"));
        let files = [(&policy, example::POLICY.to_owned()), (&trace, example::trace())];
        for (path, text) in &files {
            unedited(path, text)?;
        }
        for (path, text) in &files {
            write(path, text)?;
        }
        args.start = Some(example::start());
        args.trace = Some(trace);
        return Ok((args, policy, example::REPLICA_CAPACITY));
    }
    let missing = |option| Error::Option {
        option,
        problem: "is missing; give it, or --example".to_owned(),
    };
    let policy = args.policy.clone().ok_or_else(|| missing("policy"))?;
    let capacity = args.replica_capacity.ok_or_else(|| missing("replica-capacity"))?;
    Ok((args, policy, capacity))
}

/// Refuses to write over what somebody wrote.
fn unedited(path: &Path, text: &str) -> Result<(), Error> {
    let path = path.to_owned();
    match fs::read(&path) {
        Ok(there) if there == text.as_bytes() => Ok(()),
        Ok(_) => Err(Error::Edited { path }),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// The only ScalingPolicy in a YAML file; other objects in the file are passed over.
pub(super) fn read_document(path: &Path) -> Result<Value, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut policies = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&text) {
        let value = Value::deserialize(document).map_err(|e| problem(path, format!("is not YAML: {e}")))?;
        if value.get("kind").and_then(|k| k.as_str()) == Some("ScalingPolicy") {
            policies.push(value);
        }
    }
    let count = policies.len();
    match (policies.pop(), count) {
        (Some(policy), 1) => Ok(policy),
        _ => Err(problem(
            path,
            format!("holds {count} objects of kind ScalingPolicy; give a file with one"),
        )),
    }
}

/// The policy of [`read_document`], validated.
pub(super) fn read_policy(path: &Path, notes: &mut Vec<String>) -> Result<(String, Policy), Error> {
    let (name, mut policy) = parse(&read_document(path)?).map_err(|words| problem(path, words))?;
    if policy.mode != Mode::Active {
        // A replay writes to nothing, so the question can only be what the policy would do if it were let.
        notes.push(format!(
            "The policy's mode is {:?}; it was replayed as if it were Active.",
            policy.mode
        ));
        policy.mode = Mode::Active;
    }
    Ok((name, policy))
}

/// A document's policy and its name, or what is wrong with it.
pub(super) fn parse(document: &Value) -> Result<(String, Policy), String> {
    let object: ScalingPolicy =
        serde_yaml::from_value(document.clone()).map_err(|e| format!("is no ScalingPolicy: {e}"))?;
    let policy = validate::policy(&object.spec).map_err(|e| e.to_string())?;
    Ok((object.name_any(), policy))
}

fn problem(path: &Path, problem: String) -> Error {
    Error::Policy {
        path: path.to_owned(),
        problem,
    }
}

/// The load: from Prometheus where that is asked for, else from the trace's file.
pub(super) fn read_trace(args: &Args) -> Result<Series, Error> {
    if let Some(range) = args.live.range()? {
        let series = range.read()?;
        if let Some(path) = &args.live.save_trace {
            write(path, &series.csv())?;
        }
        return Ok(series);
    }
    let path = args.trace.as_deref().ok_or_else(|| Error::Option {
        option: "trace",
        problem: "is missing; give it, or --prometheus".to_owned(),
    })?;
    read_series(path)
}

pub(super) fn read_series(path: &Path) -> Result<Series, Error> {
    let file = File::open(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(Series::read(file, &path.display().to_string())?)
}
