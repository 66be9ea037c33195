//! Label selectors as text, the way `status.selector` of a scale subresource has them: `app=web,tier in (a,b),!canary`.
//!
//! kube writes such text but does not read it. What cannot be read is `None`, never a selector that selects too much:
//! the empty text, which would select every pod, is a kind that says nothing of its pods.

use std::collections::BTreeSet;

use kube::core::{Expression, Selector};

/// The selector that the text means.
pub(super) fn parse(text: &str) -> Option<Selector> {
    let mut depth = 0_i32;
    let requirements = text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    requirements.map(requirement).collect()
}

fn requirement(text: &str) -> Option<Expression> {
    let text = text.trim();
    if let Some(key) = text.strip_prefix('!') {
        return Some(Expression::DoesNotExist(self::key(key)?));
    }
    if let Some((head, values)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) {
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        let values = values.split(',').map(value).collect::<Option<BTreeSet<String>>>()?;
        return match operator {
            "in" => Some(Expression::In(self::key(key)?, values)),
            "notin" => Some(Expression::NotIn(self::key(key)?, values)),
            _ => None,
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Expression::NotEqual(self::key(key)?, self::value(value)?));
    }
    match text.split_once("==").or_else(|| text.split_once('=')) {
        Some((key, value)) => Some(Expression::Equal(self::key(key)?, self::value(value)?)),
        None => Some(Expression::Exists(key(text)?)),
    }
}

/// A label's key, such as `app.kubernetes.io/name`.
fn key(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.chars().all(|c| c == '/' || of_a_value(c))).then(|| text.to_owned())
}

/// A label's value; it may be empty.
fn value(text: &str) -> Option<String> {
    let text = text.trim();
    text.chars().all(of_a_value).then(|| text.to_owned())
}

fn of_a_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text as kube writes what was read.
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|s| s.to_string()).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn what_kubernetes_writes_is_read() {
        check("app=web", Some("app=web"));
        check("app==web", Some("app=web"));
        check("app=", Some("app="));
        check("app!=web", Some("app!=web"));
        check(
            "app.kubernetes.io/name=web,tier in (a,b)",
            Some("app.kubernetes.io/name=web,tier in (a,b)"),
        );
        check("tier notin (b, a),!canary, live", Some("tier notin (a,b),!canary,live"));
        check("tier in(a)", Some("tier in (a)"));
    }

    #[test]
    fn what_cannot_be_read_selects_nothing() {
        for text in [
            "",
            " ",
            "a=b,",
            "=b",
            "a=b=c",
            "a in b",
            "a in (b",
            "a on (b)",
            "in (b)",
            "a>1",
            "{\"a\":\"b\"}",
        ] {
            check(text, None);
        }
    }
}
