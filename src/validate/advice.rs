//! Advice: what is allowed and yet hardly meant. It changes no decision; the status shows it.
//!
//! By the text of the query, because nothing here knows the series behind it: only what is wrong whatever they are.

use std::fmt;

use crate::api::ScalingPolicySpec;

/// A metric whose query does not fit its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The metric's name.
    pub metric: String,
    /// What does not fit.
    pub misfit: Misfit,
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A target on a quantile, so on a latency or a size: it does not fall in proportion as replicas are added.
    ProportionalQuantile,
    /// A counter as it is: it only ever grows, and starts anew with each restart.
    RawCounter,
}

impl Misfit {
    /// The name used in conditions.
    pub fn as_str(self) -> &'static str {
        match self {
            Misfit::ProportionalQuantile => "ProportionalQuantile",
            Misfit::RawCounter => "RawCounter",
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Advice { metric, misfit } = self;
        match misfit {
            Misfit::ProportionalQuantile => write!(
                f,
                "{metric}: a latency does not fall in proportion as replicas are added, so a target asks for too many or \
                 too few; use thresholds, and a target on the load itself"
            ),
            Misfit::RawCounter => write!(
                f,
                "{metric}: a counter (…_total) only ever grows; ask for its rate, such as sum(rate(…_total[1m]))"
            ),
        }
    }
}

/// What is hardly meant, in the order of the spec.
pub fn advice(spec: &ScalingPolicySpec) -> Vec<Advice> {
    let each = spec.metrics.iter().filter_map(|metric| {
        let query = metric.prometheus.as_ref()?.query.as_str();
        let has = |any: &[&str]| any.iter().any(|part| query.contains(part));
        let misfit = if metric.target.is_some() && has(&["histogram_quantile(", "quantile_over_time(", "{quantile="]) {
            Misfit::ProportionalQuantile
        } else if has(&["_total"]) && !has(&["rate(", "increase(", "delta("]) {
            Misfit::RawCounter
        } else {
            return None;
        };
        Some(Advice {
            metric: metric.name.clone(),
            misfit,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, rule: &str, expected: Option<Misfit>) {
        let spec = serde_yaml::from_str(&format!(
            "{{targetRef: {{apiVersion: apps/v1, kind: Deployment, name: a}}, maxReplicas: 9, \
             metrics: [{{name: m, prometheus: {{query: '{query}'}}, {rule}}}]}}"
        ));
        let found: Vec<Misfit> = advice(&spec.unwrap()).iter().map(|a| a.misfit).collect();
        assert_eq!(found, Vec::from_iter(expected), "{query} {rule}");
    }

    #[test]
    fn only_what_is_wrong_whatever_the_series_are() {
        let (target, thresholds) = ("target: {value: 1}", "thresholds: {scaleUp: {above: 1}}");
        let p99 = "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))";
        check(p99, target, Some(Misfit::ProportionalQuantile));
        check(p99, thresholds, None);
        check(
            "rpc_duration_seconds{quantile=\"0.99\"}",
            target,
            Some(Misfit::ProportionalQuantile),
        );
        check("sum(http_requests_total)", target, Some(Misfit::RawCounter));
        check("sum(http_requests_total)", thresholds, Some(Misfit::RawCounter));
        check("sum(rate(http_requests_total[1m]))", target, None);
        check("sum(irate(http_requests_total[1m]))", target, None);
        check("sum(increase(jobs_total[5m]))", target, None);
        check("sum(queue_depth)", target, None);
    }
}
