//! What is watched of the pods, validated: thresholds within their range, queries that say something.
//!
//! Apart from the `Policy`, for no decision may know of it. Re-checks what the schema says, for policies from files.

use super::problems::Problems;
use crate::api::{BottleneckSpec, PodQuery};
use crate::engine::bottleneck::Limits;

/// The schema's bound of a percentage of what is requested, which may be exceeded.
const MOST_OF_A_REQUEST: i32 = 1000;
/// The same of what cannot be exceeded.
const MOST: i32 = 100;

/// The thresholds, or problems.
pub(super) fn limits(spec: &BottleneckSpec, p: &mut Problems) -> Limits {
    if let Some(load) = &spec.load {
        query("load", &load.prometheus, p);
    }
    Limits([
        Some(percent("cpu", spec.cpu.above, MOST_OF_A_REQUEST, p)),
        Some(percent("memory", spec.memory.above, MOST_OF_A_REQUEST, p)),
        spec.disk.as_ref().map(|disk| {
            query("disk", &disk.prometheus, p);
            percent("disk", disk.above, MOST, p)
        }),
        spec.network.as_ref().map(|network| {
            query("network", &network.prometheus, p);
            percent("network", network.above, MOST, p)
        }),
    ])
}

fn percent(name: &str, above: i32, most: i32, p: &mut Problems) -> f64 {
    if !(1..=most).contains(&above) {
        p.add(
            format!("bottleneck.{name}.above"),
            format!("{above} is out of range; give a percentage from 1 to {most}"),
        );
    }
    f64::from(above)
}

fn query(name: &str, source: &PodQuery, p: &mut Problems) {
    if source.query.trim().is_empty() {
        p.add(
            format!("bottleneck.{name}.prometheus.query"),
            "is empty; write a PromQL query that returns one series for each pod (label pod)",
        );
    }
}
