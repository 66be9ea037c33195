//! The API server's audit log as the witness: every change of a scale, as it was asked for and answered.

use anyhow::Context;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// One write of a scale.
pub struct Write {
    /// The target.
    pub name: String,
    /// When the API server received it.
    pub at: Timestamp,
    /// The count that it had to find.
    pub from: u32,
    /// The count that it set.
    pub to: u32,
    /// Whether it was taken.
    pub made: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    request_received_timestamp: Timestamp,
    response_status: Status,
    object_ref: Object,
    request_object: Vec<Operation>,
}

#[derive(Deserialize)]
struct Object {
    name: String,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

/// One operation of the JSON Patch that the operator writes.
#[derive(Deserialize)]
struct Operation {
    op: String,
    path: String,
    value: Value,
}

/// The writes since then.
pub fn writes(log: &str, since: Timestamp) -> anyhow::Result<Vec<Write>> {
    let entry = |line: &str| -> anyhow::Result<Write> {
        let entry: Entry = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let replicas = |op: &str| {
            let mut operations = entry.request_object.iter();
            let found = operations.find(|o| o.op == op && o.path == "/spec/replicas");
            found
                .and_then(|o| u32::try_from(o.value.as_u64()?).ok())
                .context("a patch without replicas")
        };
        Ok(Write {
            from: replicas("test")?,
            to: replicas("add")?,
            at: entry.request_received_timestamp,
            made: entry.response_status.code == 200,
            name: entry.object_ref.name,
        })
    };
    let writes = log.lines().map(entry).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(writes.into_iter().filter(|w| w.at >= since).collect())
}
