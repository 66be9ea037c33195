//! What cargo-cyclonedx says of the workspace becomes the bill of one program, and is held against cargo itself.
//!
//! cargo-cyclonedx resolves features for the whole workspace: it lists crates that this program's tree has not, and
//! names the checkout's directory. A crate that it leaves out, or has no licence for, is an error. What is linked in beside
//! crates is added: a scanner cannot see a static glibc otherwise.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::{Value, json};

/// A crate as `cargo tree --format {p}` writes it.
type Crate = (String, String);

/// A library in the program that is no crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Who makes it, as the vulnerability databases write it: `gnu`.
    pub vendor: String,
    /// Its name there: `glibc`.
    pub name: String,
    /// Its version: `2.36`.
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
}

impl FromStr for Linked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').map(str::to_owned).collect();
        match <[String; 4]>::try_from(parts) {
            Ok(parts) if parts.iter().all(|p| !p.is_empty()) => {
                let [vendor, name, version, licence] = parts;
                Ok(Self {
                    vendor,
                    name,
                    version,
                    licence,
                })
            }
            _ => Err("must be VENDOR:NAME:VERSION:LICENCE, for example gnu:glibc:2.36:LGPL-2.1-or-later".into()),
        }
    }
}

impl Linked {
    fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    fn component(&self) -> Value {
        json!({
            "type": "library",
            "bom-ref": self.reference(),
            "name": self.name,
            "version": self.version,
            "licenses": [{"expression": self.licence}],
            // By this name a scanner finds it in the vulnerability databases.
            "cpe": format!("cpe:2.3:a:{}:{}:{}:*:*:*:*:*:*:*", self.vendor, self.name, self.version),
            "purl": format!("pkg:generic/{}", self.reference()),
        })
    }
}

/// Why there is no bill of materials.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// No CycloneDX document of a program with dependencies.
    #[error("no CycloneDX document: it has no {0}; make it with `cargo cyclonedx --format json`")]
    Document(&'static str),
    /// The tree is of nothing.
    #[error("`cargo tree` named no crate; check --package and --target")]
    Tree,
    /// The bill would be incomplete.
    #[error("not in the bill of materials, but in the program: {0}; make both from the same Cargo.lock and target")]
    Missing(String),
    /// The bill would not say what may be done with it.
    #[error("without a licence in the bill of materials: {0}")]
    Unlicensed(String),
}

/// The bill of the program whose `cargo tree --edges normal --prefix none --format {p}` is `tree`. `checkout` is the
/// directory that must not be named; `linked` is in the program too.
///
/// # Errors
/// A crate of the tree is not in the bill, or has no licence there; or one of the two is empty.
pub fn bill(mut document: Value, tree: &str, checkout: &str, linked: &[Linked]) -> Result<Value, SbomError> {
    let root = &document["metadata"]["component"];
    let own = crate_of(root).ok_or(SbomError::Document("metadata.component"))?;
    let own_reference = text(root, "bom-ref").ok_or(SbomError::Document("metadata.component"))?;
    let mut wanted: BTreeSet<Crate> = tree.lines().filter_map(crate_in_line).collect();
    if !wanted.remove(&own) {
        return Err(SbomError::Tree);
    }
    let components = document["components"]
        .as_array_mut()
        .ok_or(SbomError::Document("components"))?;
    components.retain(|c| crate_of(c).is_some_and(|c| wanted.contains(&c)));
    let unlicensed = components
        .iter()
        .filter(|c| c["licenses"].as_array().is_none_or(Vec::is_empty));
    let unlicensed = names(&unlicensed.filter_map(crate_of).collect());
    let found: BTreeSet<Crate> = components.iter().filter_map(crate_of).collect();
    let missing = names(&wanted.difference(&found).cloned().collect());
    if !missing.is_empty() {
        return Err(SbomError::Missing(missing));
    }
    if !unlicensed.is_empty() {
        return Err(SbomError::Unlicensed(unlicensed));
    }
    let mut kept: BTreeSet<String> = components.iter().filter_map(|c| text(c, "bom-ref")).collect();
    kept.insert(own_reference.clone());
    components.extend(linked.iter().map(Linked::component));
    let edges = document["dependencies"]
        .as_array_mut()
        .ok_or(SbomError::Document("dependencies"))?;
    edges.retain(|edge| text(edge, "ref").is_some_and(|r| kept.contains(&r)));
    for edge in edges {
        let own = text(edge, "ref").as_ref() == Some(&own_reference);
        // Not by index, which would put a null there: a crate without dependencies has no such field.
        if let Some(on) = edge.get_mut("dependsOn").and_then(Value::as_array_mut) {
            on.retain(|r| r.as_str().is_some_and(|r| kept.contains(r)));
            on.extend(linked.iter().filter(|_| own).map(|l| l.reference().into()));
        }
    }
    forget(&mut document, &format!("path+file://{checkout}#"));
    Ok(document)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn crate_of(component: &Value) -> Option<Crate> {
    Some((text(component, "name")?, text(component, "version")?))
}

/// `serde v1.0.2 (proc-macro) (*)`: what follows the version is no part of it.
fn crate_in_line(line: &str) -> Option<Crate> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
}

fn names(crates: &BTreeSet<Crate>) -> String {
    let names: Vec<_> = crates
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    names.join(", ")
}

/// Takes `prefix` off every string that begins with it.
fn forget(value: &mut Value, prefix: &str) {
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(prefix) {
                *text = rest.to_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forget(item, prefix)),
        Value::Object(fields) => fields.values_mut().for_each(|item| forget(item, prefix)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "app v1.0.0 (/src/app)\nserde v1.0.2\nserde v1.0.2 (*)\nderive v2.0.0+spec-1 (proc-macro)\n";

    fn document() -> Value {
        let component = |name: &str, version: &str| json!({"bom-ref": format!("r#{name}"), "name": name, "version": version, "licenses": [{"expression": "MIT"}]});
        json!({
            "metadata": {"component": {"bom-ref": "path+file:///src/app#app@1.0.0", "name": "app", "version": "1.0.0"}},
            "components": [component("serde", "1.0.2"), component("derive", "2.0.0+spec-1"), component("borsh", "1.0.0")],
            "dependencies": [
                {"ref": "path+file:///src/app#app@1.0.0", "dependsOn": ["r#serde", "r#borsh"]},
                {"ref": "r#serde", "dependsOn": ["r#derive"]},
                {"ref": "r#derive"},
                {"ref": "r#borsh"},
            ],
        })
    }

    #[test]
    fn holds_what_the_program_holds_and_no_directory() {
        let glibc = "gnu:glibc:2.36:LGPL-2.1-or-later".parse().unwrap();
        let bill = bill(document(), TREE, "/src/app", &[glibc]).unwrap();
        let names: Vec<_> = bill["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["name"])
            .collect();
        assert_eq!(names, ["serde", "derive", "glibc"]);
        assert_eq!(bill["components"][2]["cpe"], "cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*");
        let expected = json!([
            {"ref": "app@1.0.0", "dependsOn": ["r#serde", "glibc@2.36"]},
            {"ref": "r#serde", "dependsOn": ["r#derive"]},
            {"ref": "r#derive"},
        ]);
        assert_eq!(bill["dependencies"], expected);
        assert!(!bill.to_string().contains("/src/app"), "{bill}");
    }

    #[test]
    fn incomplete_bills_are_refused() {
        let message = |document: Value, tree: &str| bill(document, tree, "/src/app", &[]).unwrap_err().to_string();
        let more = format!("{TREE}serde v0.9.0\nring v0.17.14\n");
        assert!(message(document(), &more).contains("but in the program: ring 0.17.14, serde 0.9.0;"));
        let mut bare = document();
        bare["components"][0]["licenses"] = json!([]);
        assert!(message(bare, TREE).contains("without a licence in the bill of materials: serde 1.0.2"));
        assert!(message(document(), "").contains("named no crate"));
        assert!(message(json!({}), TREE).contains("it has no metadata.component"));
    }

    #[test]
    fn a_library_has_four_parts() {
        for text in [
            "",
            "gnu:glibc:2.36",
            "gnu::2.36:MIT",
            ":glibc:2.36:MIT",
            "gnu:glibc:2.36:",
            "a:b:c:d:e",
        ] {
            let error = text.parse::<Linked>().unwrap_err();
            assert!(error.contains("VENDOR:NAME:VERSION:LICENCE"), "{text}");
        }
    }
}
