//! The kinds of policies that are tried, as documents: a copy of the admin's with a few fields set.
//!
//! Everything else in the document stays, names and behaviour included. It must never make up what only an admin knows: an
//! Adaptive policy gets its signal from the document or is left out by `validate`.

use serde_yaml::Value;

use super::super::replay::Setup;
use super::super::series::Series;
use super::super::spell::percent;
use super::{Candidate, Family, PARTS, TARGETS, floors};
use crate::report::words::number;

/// Less history than this and no forecast can be trusted.
const FORECASTS_FROM: i64 = 3 * 86_400;
/// Less than this and an hour of the week was seen once at most.
const FLOORS_FROM: i64 = 7 * 86_400;

/// The metric whose target is turned.
struct Knob {
    index: usize,
    name: String,
    field: &'static str,
    /// What the field is for a replica that is used in full.
    full: f64,
}

/// All kinds, for what this policy and this much history allow.
pub(super) fn families(document: &Value, setup: &Setup, series: &Series, limit: f64) -> Result<Vec<Family>, String> {
    let knob = knob(document, setup)?;
    let known = setup.start.duration_since(series.first()).as_secs();
    let preview = |document: &mut Value| {
        if document["spec"].get("prediction").is_some() {
            document["spec"]["prediction"]["mode"] = "Preview".into();
        }
    };
    let mut families = vec![Family {
        title: "Fixed target",
        settings: targets(document, &knob, "Fixed target", preview),
    }];
    if known >= FORECASTS_FROM {
        let ahead = |document: &mut Value| predict(document, &knob, "ScaleOut");
        families.push(Family {
            title: "Fixed target and a forecast that scales out",
            settings: targets(document, &knob, "Forecast (ScaleOut), target", ahead),
        });
        families.push(Family {
            title: "Adaptive",
            settings: adaptive(document, &knob, setup, limit),
        });
    }
    if known >= FLOORS_FROM {
        let schedules = floors::schedules(document, setup, series);
        if !schedules.is_empty() {
            let add = |document: &mut Value| {
                preview(document);
                append(document, &schedules);
            };
            families.push(Family {
                title: "Floors by the hour and a fixed target",
                settings: targets(document, &knob, "Floors by the hour, target", add),
            });
        }
    }
    Ok(families)
}

fn knob(document: &Value, setup: &Setup) -> Result<Knob, String> {
    let forecast = document["spec"]
        .get("prediction")
        .and_then(|p| p.get("metric")?.as_str());
    let metrics = document["spec"]["metrics"].as_sequence().map_or(&[][..], Vec::as_slice);
    let knob = |(index, metric): (usize, &Value)| {
        let target = metric.get("target")?;
        let fields = [("averageValue", setup.capacity), ("averageUtilization", 100.0)];
        let (field, full) = fields.into_iter().find(|(field, _)| target.get(*field).is_some())?;
        Some(Knob {
            index,
            name: metric.get("name")?.as_str()?.to_owned(),
            field,
            full,
        })
    };
    let mut knobs = metrics.iter().enumerate().filter_map(knob).collect::<Vec<_>>();
    let wanted = knobs
        .iter()
        .position(|k| Some(k.name.as_str()) == forecast)
        .unwrap_or(0);
    if knobs.is_empty() {
        return Err(
            "no metric of the policy has a target whose unit is known; give one an averageValue (the query returns \
                    a total) or an averageUtilization"
                .to_owned(),
        );
    }
    Ok(knobs.swap_remove(wanted))
}

/// One document for each target, from the safest on; `edit` makes the rest of it.
fn targets(document: &Value, knob: &Knob, title: &str, edit: impl Fn(&mut Value)) -> Vec<Candidate> {
    let one = |share: u32| {
        let mut document = document.clone();
        edit(&mut document);
        let value = significant(knob.full * f64::from(share) / 100.0);
        let field = &mut document["spec"]["metrics"][knob.index]["target"][knob.field];
        *field = match knob.field {
            "averageUtilization" => Value::from(u64::from(share)),
            // A quantity: a string, as `kubectl` prints it.
            _ => Value::from(value.to_string()),
        };
        let what = if knob.field == "averageUtilization" {
            ""
        } else {
            " of capacity"
        };
        Candidate {
            title: format!("{title} {} ({share} %{what})", number(value)),
            document,
        }
    };
    TARGETS.map(one).collect()
}

fn predict(document: &mut Value, knob: &Knob, mode: &str) {
    let spec = &mut document["spec"];
    if spec.get("prediction").is_none() {
        spec["prediction"]["metric"] = knob.name.as_str().into();
    }
    spec["prediction"]["mode"] = mode.into();
}

/// The strictest objective first: as everywhere, from the safest on.
fn adaptive(document: &Value, knob: &Knob, setup: &Setup, limit: f64) -> Vec<Candidate> {
    let one = |part: &f64| {
        let mut document = document.clone();
        predict(&mut document, knob, "Adaptive");
        // What the API takes.
        let objective = significant(100.0 * limit * part).clamp(0.01, 10.0);
        let prediction = &mut document["spec"]["prediction"];
        prediction["capacity"] = significant(setup.capacity).to_string().into();
        prediction["objective"]["shortfall"] = format!("{objective}%").into();
        if prediction["objective"].get("maxMargin").is_none() {
            prediction["objective"]["maxMargin"] = "100%".into();
        }
        Candidate {
            title: format!("Adaptive, objective {}", percent(objective / 100.0)),
            document,
        }
    };
    let mut candidates: Vec<Candidate> = PARTS.iter().rev().map(one).collect();
    candidates.dedup_by(|one, other| one.title == other.title);
    candidates
}

fn append(document: &mut Value, schedules: &[Value]) {
    let field = &mut document["spec"]["schedules"];
    match field.as_sequence_mut() {
        Some(there) => there.extend(schedules.iter().cloned()),
        None => *field = Value::Sequence(schedules.to_vec()),
    }
}

/// Four digits of a number: more than any trace knows, and short in YAML.
fn significant(value: f64) -> f64 {
    let scale = 10f64.powf(3.0 - value.abs().max(f64::MIN_POSITIVE).log10().floor());
    (value * scale).round() / scale
}
