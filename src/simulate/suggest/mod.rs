//! `--suggest`: which values of a policy keep it short for no more than an objective, at the least cost.
//!
//! ```text
//! document ─▶ families (documents.rs, floors.rs) ─▶ validate ─▶ replay each knob ─▶ the cheapest that meets it
//! ```
//! A candidate is a document as for `kubectl apply`, so what is suggested has passed `validate`, and what `validate`
//! refuses is left out with its words. Knobs are turned on the very part of the trace that judges them: it is hindsight,
//! and [`Suggestion::text`] says so. Pure.

mod documents;
mod floors;
mod words;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_yaml::Value;

use super::baselines::{Course, Rival, oracle};
use super::contest::{self, OBJECTIVE};
use super::figures::Figures;
use super::input::parse;
use super::replay::Setup;
use super::series::Series;
use super::tuning::priced;
use crate::engine::policy::{Mode, PredictionMode};

/// Targets that are tried, in percent of what a replica carries, and the steps between two of them.
const TARGETS: std::ops::RangeInclusive<u32> = 40..=95;
const COARSE: usize = 5;
/// Objectives that an Adaptive policy is tried with, as parts of the one to meet: what is realised may exceed it.
const PARTS: [f64; 3] = [1.0, 0.5, 0.2];
/// The most history that is kept apart where no `--start` says how much: four weeks, or this share of the trace.
const HISTORY: SignedDuration = SignedDuration::from_hours(28 * 24);
const HISTORY_SHARE: f64 = 0.6;

/// What a replica carries is a guess until it is measured: a suggestion is tried once more with this part of it.
pub const LESS: f64 = 0.9;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The share of time that may be short.
    pub objective: f64,
    /// Whether any candidate meets it.
    pub within_reach: bool,
    /// The title of the one that is suggested: the cheapest that meets it, else the one that comes nearest.
    pub chosen: Option<String>,
    /// The policy to apply, as YAML.
    pub yaml: Option<String>,
    /// The share of time that the chosen one would be short if a replica carried [`LESS`] of what was given.
    pub short_with_less: Option<f64>,
    /// Where history began and the part that judges; that part's end.
    pub parts: [Timestamp; 3],
    /// The best of each kind, and what runs today.
    pub tried: Vec<Tried>,
    /// What could not be tried, and why.
    pub left_out: Vec<LeftOut>,
}

/// The best candidate of a kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// What it is.
    pub title: String,
    /// Whether it could be chosen: not what runs today, nor what only is compared with.
    pub candidate: bool,
    /// Whether it was short for no more than the objective.
    pub met: bool,
    /// What it came to.
    pub figures: Figures,
    /// The document.
    #[serde(skip)]
    document: Option<Value>,
}

/// A kind of policy that could not be tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// What it would have been.
    pub title: String,
    /// Why not.
    pub why: String,
}

/// One setting of a kind of policy.
#[derive(Clone, Debug)]
struct Candidate {
    title: String,
    document: Value,
}

/// A kind of policy: its settings, from the safest to the cheapest.
struct Family {
    title: &'static str,
    settings: Vec<Candidate>,
}

/// Where the part that judges begins, where nobody said so: what lies before is history.
pub fn start(series: &Series) -> Timestamp {
    let (first, last) = (series.first(), series.last());
    let share = last.duration_since(first).as_secs_f64() * HISTORY_SHARE / 60.0;
    // On a whole minute. Saturating by definition of `as`.
    let share = SignedDuration::from_mins(share as i64);
    first.checked_add(share.min(HISTORY)).unwrap_or(first)
}

/// The objective in force: what was asked for, else the policy's own, else [`OBJECTIVE`].
fn objective(asked: Option<f64>, setup: &Setup) -> f64 {
    let own = setup.policy.prediction.as_ref().and_then(|p| p.objective);
    asked.or(own.map(|o| o.shortfall)).unwrap_or(OBJECTIVE)
}

/// Looks for the values. `setup` is of the policy in `document`.
///
/// # Errors
/// In words, where no metric of the policy has a target that could be turned.
pub fn suggest(document: &Value, setup: &Setup, series: &Series, asked: Option<f64>) -> Result<Suggestion, String> {
    let limit = objective(asked, setup);
    let course = Course::new(setup, series);
    let hours = oracle::run(&course, None).replica_hours;
    let mut found = Suggestion {
        objective: limit,
        within_reach: false,
        chosen: None,
        yaml: None,
        short_with_less: None,
        parts: [series.first(), setup.start, setup.end],
        tried: Vec::new(),
        left_out: Vec::new(),
    };
    for family in documents::families(document, setup, series, limit)? {
        match best(&family, setup, series, limit, hours) {
            Ok(tried) => found.tried.push(tried),
            Err(why) => found.left_out.push(LeftOut {
                title: family.title.to_owned(),
                why,
            }),
        }
    }
    let chosen = choose(&found.tried);
    found.within_reach = chosen.is_some_and(|t| t.met);
    found.chosen = chosen.map(|t| t.title.clone());
    if let Some(document) = chosen.and_then(|t| t.document.as_ref()) {
        found.yaml = serde_yaml::to_string(document).ok();
        let less = Setup {
            capacity: LESS * setup.capacity,
            ..setup.clone()
        };
        found.short_with_less = Some(replay(document, &less, series)?.short_share);
    }
    let beside = |title: &str, figures: Figures| Tried {
        title: title.to_owned(),
        candidate: false,
        met: figures.short_share <= limit,
        figures: priced(figures, hours),
        document: None,
    };
    found
        .tried
        .push(beside("The policy as it is", contest::replay(setup, series)));
    let hpa = course.run(&Rival::Hpa, super::baselines::hpa::USUAL, None);
    found.tried.push(beside("HPA v2 at 70 %", hpa));
    found.tried.push(beside("Oracle", oracle::run(&course, None)));
    Ok(found)
}

/// Picks the cheapest candidate that meets the objective, or the one that is short the least.
fn choose(tried: &[Tried]) -> Option<&Tried> {
    let hours = |t: &&Tried| t.figures.replica_hours;
    let met = tried.iter().filter(|t| t.candidate && t.met);
    let nearest = || {
        let order = |t: &&Tried| (t.figures.short_share, t.figures.replica_hours);
        let candidates = tried.iter().filter(|t| t.candidate);
        candidates.min_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal))
    };
    met.min_by(|a, b| hours(a).total_cmp(&hours(b))).or_else(nearest)
}

/// The best setting of a family: coarse steps first, then all between the last that meets the objective and the next.
fn best(family: &Family, setup: &Setup, series: &Series, limit: f64, hours: f64) -> Result<Tried, String> {
    let run = |index: &usize| -> Result<(usize, Tried), String> {
        let Some(candidate) = family.settings.get(*index) else {
            return Err("has no settings".to_owned());
        };
        let figures = priced(replay(&candidate.document, setup, series)?, hours);
        let tried = Tried {
            title: candidate.title.clone(),
            candidate: true,
            met: figures.short_share <= limit,
            figures,
            document: Some(candidate.document.clone()),
        };
        Ok((*index, tried))
    };
    // One that cannot be replayed speaks for its family: they differ in a number only.
    run(&0)?;
    let step = if family.settings.len() > 2 * COARSE { COARSE } else { 1 };
    let coarse: Vec<usize> = (0..family.settings.len()).step_by(step).collect();
    let mut runs: Vec<(usize, Tried)> = contest::each(&coarse, run).into_iter().collect::<Result<_, _>>()?;
    let last_met = runs.iter().filter(|(_, t)| t.met).map(|(i, _)| *i).max();
    let next = last_met.map_or(0..0, |i| i + 1..(i + step).min(family.settings.len()));
    let fine: Vec<usize> = next.collect();
    runs.extend(contest::each(&fine, run).into_iter().collect::<Result<Vec<_>, _>>()?);
    let tried: Vec<Tried> = runs.into_iter().map(|(_, tried)| tried).collect();
    choose(&tried).cloned().ok_or_else(|| "has no settings".to_owned())
}

/// What a document's policy comes to, or why it cannot be applied.
fn replay(document: &Value, setup: &Setup, series: &Series) -> Result<Figures, String> {
    let (_, mut policy) = parse(document)?;
    policy.mode = Mode::Active;
    // A preview proposes nothing: leaving it out changes no decision and saves the forecast.
    if policy
        .prediction
        .as_ref()
        .is_some_and(|p| p.mode == PredictionMode::Preview)
    {
        policy.prediction = None;
    }
    let setup = Setup {
        policy,
        ..setup.clone()
    };
    Ok(contest::replay(&setup, series))
}

#[cfg(test)]
mod tests;
