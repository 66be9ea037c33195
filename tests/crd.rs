//! The CRD: the checked-in copy is what the types give, and the schema is documented and bounded.
//!
//! Bounds are what keep CEL's estimated cost within the API server's budget; whether it really accepts the CRD is
//! asked of a real one in `tests/cluster*`. `make generate` writes `crds/` anew.

mod generated;

use headroom::api::crd;
use serde_json::Value;

fn schema() -> Value {
    let crd: Value = serde_yaml::from_str(&crd::yaml().unwrap()).unwrap();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone()
}

/// Calls `visit` with the path and schema of each field below, as `spec.metrics[].name`.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        for (name, field) in fields {
            let path = format!("{path}.{name}");
            visit(&path, field);
            walk(&path, field, visit);
        }
    }
    if let Some(items) = schema.get("items") {
        let path = format!("{path}[]");
        visit(&path, items);
        walk(&path, items, visit);
    }
}

/// The fields of `spec` or `status` for which `wrong` holds.
fn fields(part: &str, wrong: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let schema = schema();
    let mut found = Vec::new();
    let part_schema = schema.pointer(&format!("/properties/{part}")).unwrap();
    walk(part, part_schema, &mut |path, field| {
        if wrong(path, field) {
            found.push(path.to_owned());
        }
    });
    found
}

fn is(field: &Value, kind: &str) -> bool {
    field.get("type").is_some_and(|t| t == kind)
}

const NONE: Vec<String> = Vec::new();

#[test]
fn the_checked_in_crd_is_what_the_types_give() {
    generated::check("crds/scalingpolicies.headroom.dev.yaml", &crd::yaml().unwrap());
}

#[test]
fn the_walk_sees_the_whole_spec() {
    let deep = fields("spec", |_, _| true);
    for path in [
        "spec.metrics[].target.averageValue",
        "spec.behavior.scaleUp.policies[].periodSeconds",
    ] {
        assert!(deep.iter().any(|p| p == path), "{path} not in {deep:?}");
    }
}

#[test]
fn every_field_has_a_description() {
    let described = |f: &Value| {
        f.get("description")
            .and_then(Value::as_str)
            .is_some_and(|d| !d.trim().is_empty())
    };
    let missing = |path: &str, f: &Value| !path.ends_with("[]") && !described(f);
    assert_eq!(fields("spec", missing), NONE);
    assert_eq!(fields("status", missing), NONE);
}

#[test]
fn every_list_of_the_spec_is_bounded() {
    assert_eq!(
        fields("spec", |_, f| is(f, "array") && f.get("maxItems").is_none()),
        NONE
    );
    // The lists that people name entries of are keyed, so that two appliers can own an entry each.
    let keyed = fields("spec", |_, f| f.get("x-kubernetes-list-map-keys").is_some());
    assert_eq!(keyed, ["spec.metrics", "spec.schedules"]);
}

#[test]
fn every_string_of_the_spec_is_bounded() {
    let bounded = |f: &Value| f.get("maxLength").is_some() || f.get("enum").is_some();
    let text = |f: &Value| is(f, "string") || f.get("x-kubernetes-int-or-string").is_some();
    assert_eq!(fields("spec", |_, f| text(f) && !bounded(f)), NONE);
}

#[test]
fn every_integer_of_the_spec_is_bounded() {
    let bounded = |f: &Value| f.get("minimum").is_some() && f.get("maximum").is_some();
    assert_eq!(fields("spec", |_, f| is(f, "integer") && !bounded(f)), NONE);
}

#[test]
fn every_rule_says_what_to_do() {
    let silent = |_: &str, f: &Value| {
        let rules = f.get("x-kubernetes-validations").and_then(Value::as_array);
        rules.is_some_and(|r| {
            r.iter()
                .any(|r| r.get("message").is_none() && r.get("messageExpression").is_none())
        })
    };
    assert_eq!(fields("spec", silent), NONE);
}

#[test]
fn unknown_fields_are_refused_not_kept() {
    // Pruned, and reported by `kubectl apply` (strict field validation): nothing keeps unknown fields.
    assert_eq!(
        fields("spec", |_, f| f.get("x-kubernetes-preserve-unknown-fields").is_some()),
        NONE
    );
}

#[test]
fn the_kind_is_namespaced_with_status_and_a_short_name() {
    let crd: Value = serde_yaml::from_str(&crd::yaml().unwrap()).unwrap();
    assert_eq!(crd.pointer("/spec/scope").unwrap(), "Namespaced");
    assert_eq!(crd.pointer("/spec/names/shortNames/0").unwrap(), "spol");
    assert!(crd.pointer("/spec/versions/0/subresources/status").is_some());
}
