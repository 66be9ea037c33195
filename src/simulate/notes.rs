//! What to know when reading a replay's numbers: where the trace or the plant stands for something else than it would be.
//!
//! Pure. A replay that is confidently wrong is worse than none, so whatever the lens makes up is said here.

use super::observe::{Lens, WINDOW};
use super::replay::Setup;
use crate::engine::policy::{Rule, Target};
use crate::engine::propose::scheduled;
use crate::engine::reading::PodMetric;

/// The notes on a replay of `setup` through `lens`.
pub fn notes(setup: &Setup, lens: &Lens<'_>) -> Vec<String> {
    let policy = &setup.policy;
    let mut notes = Vec::new();
    for metric in &policy.metrics {
        let name = &metric.name;
        let utilisation = "100 × load ÷ (ready replicas × replica capacity)";
        notes.extend(match (metric.rule, metric.pods) {
            (Rule::Target(Target::AverageValue(_)), _) => None,
            (Rule::Target(Target::Utilization(_)), _) | (Rule::Thresholds(_), Some(PodMetric::Cpu | PodMetric::Memory)) => {
                Some(format!(
                    "Metric {name} is a utilisation and was fed {utilisation}, for all ready replicas alike: the capacity \
                     was taken for what a replica requests, so give --replica-capacity for that."
                ))
            }
            (Rule::Target(Target::PodAverage(_)), _) | (Rule::Thresholds(_), Some(PodMetric::Custom)) => Some(format!(
                "Metric {name} is an average over pods and was fed load ÷ ready replicas, in the trace's unit: give a trace \
                 of what all replicas use together."
            )),
            (Rule::Target(Target::Value(_)), _) | (Rule::Thresholds(_), None) => Some(format!(
                "Metric {name} has a `value` target or thresholds and was fed a utilisation in percent, {utilisation}. \
                 Where its query returns anything else, these numbers do not hold."
            )),
        });
    }
    if policy.metrics.len() > 1 {
        notes.push(format!(
            "All {} metrics saw the same trace. Where their queries return different loads, replay one metric at a time, \
             each with its own trace.",
            policy.metrics.len()
        ));
    }
    if policy.prediction.as_ref().is_some_and(|p| p.signal.is_some()) {
        notes.push(
            "The objective's signal was not asked of its query: it was fed whether the load exceeded ready replicas × \
             replica capacity in the last tick."
                .to_owned(),
        );
    }
    let (step, after) = lens.series.longest_step(setup.start, setup.end);
    if step > lens.delay + WINDOW {
        notes.push(format!(
            "Rows of the trace are up to {step:#} apart (after {after}), more than metrics are late: between two rows the \
             load is a straight line, so metrics there knew of the next row before its time."
        ));
    }
    let initial = lens.initial(policy, setup.start);
    for schedule in &policy.schedules {
        let open = scheduled::window(schedule, setup.start).active;
        if let Some(floor) = schedule.floor.filter(|floor| open && *floor > initial) {
            notes.push(format!(
                "The replay begins within schedule {} and with {initial} replicas; the start-up of those up to its {floor} \
                 counts, although they would have been there. Begin before the window opens to leave it out.",
                schedule.name
            ));
        }
    }
    notes
}

/// The note on rows of history that were left out.
pub fn dropped(rows: usize, file: &str) -> Option<String> {
    (rows > 0).then(|| {
        format!("{rows} rows of {file} do not lie before the trace and were left out: there the trace counts.")
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::engine::policy::{Behavior, Bounds, End, Metric, Mode, Policy, Recurrence, Schedule, WarmUp, When};
    use crate::simulate::series::Series;

    /// So many seconds after 2026-01-01T00:00:00Z.
    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + s).unwrap()
    }

    /// The beginnings of the notes on a replay of [0, 3600] s over a trace with rows `step` apart.
    #[track_caller]
    fn check(targets: &[Target], step: usize, floor: Option<u32>, expected: &[&str]) {
        let series = Series::new((0..=3600).step_by(step).map(|s| (second(s), 10.0))).unwrap();
        let lens = Lens {
            series: &series,
            capacity: 10.0,
            delay: SignedDuration::from_secs(30),
        };
        let metric = |(i, target): (usize, &Target)| Metric {
            name: format!("m{i}").into(),
            rule: Rule::Target(*target),
            activation: 0.0,
            pods: None,
        };
        // Open from 23:00 to 01:00, and the replay begins at midnight.
        let schedule = Schedule {
            name: "night".into(),
            zone: TimeZone::UTC,
            when: When::Recurring(Box::new(Recurrence {
                start: "0 23 * * *".parse().unwrap(),
                end: End::After(SignedDuration::from_hours(2)),
                except: Vec::new(),
            })),
            lead: None,
            floor,
            ceiling: Some(9),
        };
        let setup = Setup {
            policy: Policy {
                bounds: Bounds { min: 2, max: 9 },
                interval: SignedDuration::from_secs(15),
                mode: Mode::Active,
                metrics: targets.iter().enumerate().map(metric).collect(),
                schedules: vec![schedule],
                prediction: None,
                fallback: None,
                behavior: Behavior::default(),
                warm_up: WarmUp::default(),
            },
            capacity: 10.0,
            startup: SignedDuration::from_secs(180),
            delay: lens.delay,
            tick: SignedDuration::from_secs(15),
            start: second(0),
            end: second(3600),
        };
        let notes = notes(&setup, &lens);
        assert_eq!(notes.len(), expected.len(), "{notes:?}");
        for (note, expected) in notes.iter().zip(expected) {
            assert!(note.starts_with(expected), "{note}");
        }
    }

    #[test]
    fn whatever_is_made_up_is_said() {
        let (total, average) = (Target::AverageValue(10.0), Target::Value(60.0));
        check(&[total], 60, None, &[]);
        check(&[total], 90, Some(2), &[]);
        check(&[average], 60, None, &["Metric m0 has a `value` target"]);
        check(&[Target::Utilization(70.0)], 60, None, &["Metric m0 is a utilisation"]);
        check(
            &[Target::PodAverage(7.0)],
            60,
            None,
            &["Metric m0 is an average over pods"],
        );
        let both = ["Metric m1 has a `value` target", "All 2 metrics saw the same trace"];
        check(&[total, average], 60, None, &both);
        check(
            &[total],
            300,
            None,
            &["Rows of the trace are up to 5m apart (after 2026-01-01T00:00:00Z)"],
        );
        check(
            &[total],
            60,
            Some(5),
            &["The replay begins within schedule night and with 2 replicas"],
        );
    }
}
