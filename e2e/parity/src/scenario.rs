//! What is played: a shape, metrics, a behavior and a load over time, read from `scenarios/*.yaml`.
//!
//! One scenario is both sides' specification: metrics are told once and written in each side's own words
//! ([`crate::objects`]), and `behavior` is the same block for both. Must never know how it is played ([`crate::play`]).

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Every file of scenarios, in the order of the report.
const FILES: [&str; 4] = [
    include_str!("../scenarios/load.yaml"),
    include_str!("../scenarios/pods.yaml"),
    include_str!("../scenarios/windows.yaml"),
    include_str!("../scenarios/rates.yaml"),
];

/// One comparison.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// Its name, also of its namespace.
    pub name: String,
    /// What it is about, in a line.
    pub shows: String,
    /// Replicas at the start.
    #[serde(default = "four")]
    pub replicas: i32,
    /// Bounds of both sides.
    #[serde(default = "one")]
    pub min: i32,
    /// The other bound.
    #[serde(default = "twenty")]
    pub max: i32,
    /// What the container requests of each resource.
    #[serde(default = "requests")]
    pub requests: BTreeMap<String, String>,
    /// Start-up time of pods after the first, as kwok takes it: `20s`. None: at once.
    pub ready_after: Option<String>,
    /// Target by resource: `{averageUtilization: 50}` or `{averageValue: 50m}`.
    #[serde(default = "half_of_the_cpu")]
    pub metrics: BTreeMap<String, Value>,
    /// `behavior`, for both sides alike.
    #[serde(default)]
    pub behavior: Value,
    /// How long it takes.
    pub seconds: u64,
    /// The load, in the order of time; the first is there from the start.
    pub load: Vec<Step>,
    /// Where the two differ on purpose: a rule of `intended.yaml`.
    pub intended: Option<String>,
}

/// The state of the world from one moment on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds since the start. A multiple of metrics-server's ten seconds, so that no step falls into a look of it.
    pub at: u64,
    /// Millicores, spread evenly over the ready pods.
    pub cpu: u64,
    /// Mebibytes, likewise.
    #[serde(default = "mebibytes")]
    pub memory: u64,
    /// So many of the oldest pods are not ready.
    #[serde(default)]
    pub unready: usize,
    /// So many of the oldest pods have no metrics.
    #[serde(default)]
    pub silent: usize,
    /// The pod template is changed at this moment.
    #[serde(default)]
    pub rollout: bool,
}

fn one() -> i32 {
    1
}

fn four() -> i32 {
    4
}

fn twenty() -> i32 {
    20
}

fn mebibytes() -> u64 {
    200
}

fn requests() -> BTreeMap<String, String> {
    [("cpu", "100m"), ("memory", "100Mi")]
        .map(|(name, amount)| (name.to_owned(), amount.to_owned()))
        .into()
}

fn half_of_the_cpu() -> BTreeMap<String, Value> {
    [("cpu".to_owned(), serde_json::json!({"averageUtilization": 50}))].into()
}

impl Scenario {
    /// How long it takes.
    pub fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// The scenarios whose names begin with `name`; all where it is empty.
pub fn scenarios(name: &str) -> anyhow::Result<Vec<Scenario>> {
    let mut all: Vec<Scenario> = Vec::new();
    for text in FILES {
        all.extend(serde_yaml::from_str::<Vec<Scenario>>(text).context("a file of scenarios")?);
    }
    let names: Vec<String> = all.iter().map(|scenario| scenario.name.clone()).collect();
    all.retain(|scenario| scenario.name.starts_with(name));
    ensure!(
        !all.is_empty(),
        "SCENARIO={name}: give (the beginning of) one of {}",
        names.join(", ")
    );
    Ok(all)
}

/// Differences that are meant: why, by name.
pub fn intended() -> anyhow::Result<BTreeMap<String, String>> {
    serde_yaml::from_str(include_str!("../scenarios/intended.yaml")).context("intended.yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_played() {
        let rules = intended().unwrap();
        let all = scenarios("").unwrap();
        for scenario in &all {
            let name = &scenario.name;
            assert_eq!(
                all.iter().filter(|one| one.name == *name).count(),
                1,
                "{name} is there twice"
            );
            assert_eq!(scenario.load[0].at, 0, "{name}: the first step is the start");
            assert_eq!(
                (scenario.load[0].unready, scenario.load[0].silent),
                (0, 0),
                "{name}: begins once every pod has metrics"
            );
            for pair in scenario.load.windows(2) {
                assert!(pair[0].at < pair[1].at, "{name}: steps in the order of time");
            }
            for step in &scenario.load {
                assert_eq!(step.at % 10, 0, "{name}: steps keep clear of metrics-server's looks");
                assert!(
                    step.at + 30 < scenario.seconds,
                    "{name}: nothing is seen of the step at {}",
                    step.at
                );
                assert!(step.memory > 0, "{name}: a pod without memory has no metrics");
            }
            if let Some(rule) = &scenario.intended {
                assert!(rules.contains_key(rule), "{name}: no rule {rule} in intended.yaml");
            }
        }
        for rule in rules.keys() {
            let shown = all.iter().any(|one| one.intended.as_ref() == Some(rule));
            assert!(shown, "no scenario shows {rule}");
        }
    }

    #[test]
    fn windows_and_periods_are_no_multiple_of_the_sync() {
        // What ends exactly at a sync is found ended by one side and a hair from it by the other.
        fn numbers(value: &Value, found: &mut Vec<(String, u64)>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| match value.as_u64() {
                    Some(number) if key.ends_with("Seconds") => found.push((key.clone(), number)),
                    _ => numbers(value, found),
                }),
                Value::Array(list) => list.iter().for_each(|value| numbers(value, found)),
                _ => (),
            }
        }
        for scenario in scenarios("").unwrap() {
            let mut found = Vec::new();
            numbers(&scenario.behavior, &mut found);
            for (key, number) in found {
                assert!(
                    number == 0 || number % crate::SYNC.as_secs() != 0,
                    "{}: {key}: {number}",
                    scenario.name
                );
            }
        }
    }

    #[test]
    fn a_name_that_is_none_lists_those_that_are() {
        let error = scenarios("nonsense").unwrap_err().to_string();
        assert!(
            error.contains("SCENARIO=nonsense") && error.contains("steady"),
            "{error}"
        );
    }
}
