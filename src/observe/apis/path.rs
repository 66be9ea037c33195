//! What a metrics API is asked for, as a path. Every part that comes from a policy is encoded, so that no name can lead
//! to another path; `validate.rs` has refused those that could already.

use std::fmt::Write;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use kube::core::Selector;

use super::Group;
use crate::api::{DescribedObject, LabelOperator, MetricIdentifier, MetricSelector};

/// A question.
pub(super) enum Ask<'a> {
    /// What each pod of a namespace uses.
    Uses { namespace: &'a str },
    /// A metric of each selected pod.
    Pods {
        namespace: &'a str,
        selector: &'a Selector,
        metric: &'a MetricIdentifier,
    },
    /// A metric of one object.
    Object {
        namespace: &'a str,
        object: &'a DescribedObject,
        metric: &'a MetricIdentifier,
    },
    /// A metric from outside the cluster.
    External {
        namespace: &'a str,
        metric: &'a MetricIdentifier,
    },
}

impl Ask<'_> {
    pub(super) fn group(&self) -> Group {
        match self {
            Ask::Uses { .. } => Group::Resource,
            Ask::Pods { .. } | Ask::Object { .. } => Group::Custom,
            Ask::External { .. } => Group::External,
        }
    }

    /// What tells this question from others.
    pub(super) fn key(&self) -> String {
        let kind = match self {
            Ask::Object { object, .. } => format!("{}/{}", object.api_version, object.kind),
            _ => String::new(),
        };
        self.path("", Some(&kind))
    }

    /// The path in this version of the API; `resource` is the plural name of the object's kind.
    pub(super) fn path(&self, version: &str, resource: Option<&str>) -> String {
        let group = self.group().name();
        let root = |namespace: &str| format!("/apis/{group}/{version}/namespaces/{}", encoded(namespace));
        match self {
            Ask::Uses { namespace } => format!("{}/pods", root(namespace)),
            Ask::Pods {
                namespace,
                selector,
                metric,
            } => {
                let pods = format!("labelSelector={}", encoded(&selector.to_string()));
                let path = format!("{}/pods/%2A/{}?{pods}", root(namespace), encoded(&metric.name));
                narrowed(path, '&', "metricLabelSelector", metric)
            }
            Ask::Object {
                namespace,
                object,
                metric,
            } => {
                let name = encoded(&metric.name);
                let path = match (&*object.kind, &*object.api_version) {
                    // Namespaces are not in a namespace; only the policy's own is ever asked for, as HPA does.
                    ("Namespace", "v1") => format!("{}/metrics/{name}", root(namespace)),
                    _ => {
                        let resource = encoded(resource.unwrap_or_default());
                        format!("{}/{resource}/{}/{name}", root(namespace), encoded(&object.name))
                    }
                };
                narrowed(path, '?', "metricLabelSelector", metric)
            }
            Ask::External { namespace, metric } => {
                let path = format!("{}/{}", root(namespace), encoded(&metric.name));
                narrowed(path, '?', "labelSelector", metric)
            }
        }
    }
}

/// The path with the metric's own selector, where it has one.
fn narrowed(path: String, join: char, parameter: &str, metric: &MetricIdentifier) -> String {
    match metric.selector.as_ref().and_then(selector) {
        Some(selector) => format!("{path}{join}{parameter}={}", encoded(&selector)),
        None => path,
    }
}

/// The selector as text.
fn selector(selector: &MetricSelector) -> Option<String> {
    let requirements = selector.match_expressions.iter().map(|r| LabelSelectorRequirement {
        key: r.key.clone(),
        operator: match r.operator {
            LabelOperator::In => "In",
            LabelOperator::NotIn => "NotIn",
            LabelOperator::Exists => "Exists",
            LabelOperator::DoesNotExist => "DoesNotExist",
        }
        .to_owned(),
        values: (!r.values.is_empty()).then(|| r.values.iter().map(|v| v.0.clone()).collect()),
    });
    let labels = selector.match_labels.iter().map(|(k, v)| (k.clone(), v.0.clone()));
    let selector = LabelSelector {
        match_labels: Some(labels.collect()),
        match_expressions: Some(requirements.collect()),
    };
    // An operator of another name cannot be: the types above have none.
    let text = Selector::try_from(selector).ok()?.to_string();
    (!text.is_empty()).then_some(text)
}

/// The text with everything encoded but letters, digits, `-`, `.`, `_` and `~`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
