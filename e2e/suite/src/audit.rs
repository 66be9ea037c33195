//! The API server's audit log as the witness of what the operator wrote.

use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde::Deserialize;

/// One change of a scale that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScaleWrite {
    /// When the API server had answered.
    pub(crate) at: Timestamp,
    /// The pod that asked, where its token says so.
    pub(crate) pod: Option<String>,
    /// The count that was asked for.
    pub(crate) replicas: i64,
    /// The HTTP status of the answer.
    pub(crate) code: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    verb: String,
    user: User,
    object_ref: Option<ObjectRef>,
    response_status: Option<Status>,
    request_object: Option<serde_json::Value>,
    stage_timestamp: Timestamp,
}

#[derive(Deserialize)]
struct User {
    username: String,
    #[serde(default)]
    extra: std::collections::BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct ObjectRef {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    subresource: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

/// The changes of one target's scale by `user`, in the order of the log.
pub(crate) fn scale_writes(log: &Path, user: &str, namespace: &str, name: &str) -> anyhow::Result<Vec<ScaleWrite>> {
    let text = std::fs::read_to_string(log).with_context(|| format!("cannot read the audit log {}", log.display()))?;
    parse(&text, user, namespace, name)
}

fn parse(text: &str, user: &str, namespace: &str, name: &str) -> anyhow::Result<Vec<ScaleWrite>> {
    let mut writes = Vec::new();
    // The last line may still be being written.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let entry: Entry = serde_json::from_str(line).with_context(|| format!("no audit event: {line}"))?;
        let of_target = entry.object_ref.as_ref().is_some_and(|object| {
            object.subresource == "scale" && object.namespace == namespace && object.name == name
        });
        if !of_target || entry.user.username != user || !matches!(entry.verb.as_str(), "patch" | "update") {
            continue;
        }
        let asked = entry.request_object.as_ref().and_then(replicas);
        writes.push(ScaleWrite {
            at: entry.stage_timestamp,
            pod: entry
                .user
                .extra
                .get("authentication.kubernetes.io/pod-name")
                .and_then(|names| names.first().cloned()),
            replicas: asked.with_context(|| format!("a change of scale without a count: {line}"))?,
            code: entry.response_status.map_or(0, |status| status.code),
        });
    }
    Ok(writes)
}

/// The count of a JSON Patch, or of a Scale.
fn replicas(request: &serde_json::Value) -> Option<i64> {
    if let Some(operations) = request.as_array() {
        let sets = |operation: &&serde_json::Value| {
            operation["path"] == "/spec/replicas" && (operation["op"] == "replace" || operation["op"] == "add")
        };
        return operations.iter().find(sets)?["value"].as_i64();
    }
    request.pointer("/spec/replicas")?.as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(user: &str, name: &str, subresource: &str, verb: &str, body: &str) -> String {
        format!(
            r#"{{"verb":"{verb}","user":{{"username":"{user}","extra":{{"authentication.kubernetes.io/pod-name":["op-1"]}}}},"objectRef":{{"namespace":"shop","name":"{name}","subresource":"{subresource}"}},"responseStatus":{{"code":200}},"requestObject":{body},"stageTimestamp":"2026-11-27T12:00:00.000000Z"}}"#
        ) + "\n"
    }

    #[test]
    fn only_the_users_writes_of_the_targets_scale_count() {
        let patch =
            r#"[{"op":"test","path":"/spec/replicas","value":2},{"op":"replace","path":"/spec/replicas","value":4}]"#;
        let text = [
            line("op", "web", "scale", "patch", patch),
            line("op", "web", "scale", "update", r#"{"spec":{"replicas":3}}"#),
            line("op", "web", "scale", "get", "null"),
            line("op", "web", "status", "patch", "{}"),
            line("op", "other", "scale", "patch", patch),
            line("someone", "web", "scale", "patch", patch),
            "{\"half".into(),
        ]
        .concat();
        let writes = parse(&text, "op", "shop", "web").unwrap();
        let counts: Vec<_> = writes.iter().map(|write| (write.replicas, write.code)).collect();
        assert_eq!(counts, [(4, 200), (3, 200)]);
        assert_eq!(writes[0].pod.as_deref(), Some("op-1"));
    }

    #[test]
    fn a_write_that_cannot_be_read_is_no_silence() {
        let text = line("op", "web", "scale", "patch", "[]");
        assert!(
            parse(&text, "op", "shop", "web")
                .unwrap_err()
                .to_string()
                .contains("without a count")
        );
    }
}
