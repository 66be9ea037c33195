//! Tuning in hindsight: a rival's runs over the targets it may aim at, and the cheapest that meets a limit.
//!
//! Runs are kept, so another limit on the same course costs only what is new. Sequential; whoever has several rivals runs
//! them side by side.

use std::collections::BTreeMap;

use super::baselines::{Course, Rival};
use super::compare::{Baseline, Point};
use super::figures::Figures;

/// Targets that are always tried, in percent of what a replica carries.
const COARSE: std::ops::RangeInclusive<u32> = 40..=95;
const STEP: u32 = 5;
/// Where no coarse target meets the limit, lower ones are tried, down to this: ten times the replicas.
const LEAST: u32 = 10;

/// One rival on one course.
#[derive(Debug)]
pub struct Tuning<'a> {
    course: &'a Course<'a>,
    rival: Rival,
    oracle_hours: f64,
    /// By target, in percent.
    runs: BTreeMap<u32, Figures>,
}

/// The outcome of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The target, as a share of what a replica carries.
    pub target: f64,
    /// Whether it meets the limit; if not, no target does, and this is the one with the least shortfall.
    pub met: bool,
    /// What it came to.
    pub figures: Figures,
}

impl<'a> Tuning<'a> {
    /// Nothing was tried yet; costs are multiples of `oracle_hours`.
    pub fn new(course: &'a Course<'a>, rival: Rival, oracle_hours: f64) -> Self {
        Tuning {
            course,
            rival,
            oracle_hours,
            runs: BTreeMap::new(),
        }
    }

    /// The rival that is tuned.
    pub fn rival(&self) -> &Rival {
        &self.rival
    }

    /// What aiming at `percent` came to.
    pub fn at(&mut self, percent: u32) -> &Figures {
        self.runs.entry(percent).or_insert_with(|| {
            let figures = self.course.run(&self.rival, f64::from(percent) / 100.0, None);
            priced(figures, self.oracle_hours)
        })
    }

    /// All that was tried, lowest target first.
    pub fn curve(&self) -> Vec<Point> {
        let point = |(percent, figures): (&u32, &Figures)| Point {
            knob: f64::from(*percent) / 100.0,
            figures: figures.clone(),
        };
        self.runs.iter().map(point).collect()
    }

    /// The cheapest run that is short for at most `limit`, a share of time: of 40 to 95 % in steps of 5, lower where none of
    /// these meets it, then in steps of 1 above the best.
    pub fn cheapest(&mut self, limit: f64) -> Tuned {
        for percent in COARSE.step_by(STEP as usize) {
            self.at(percent);
        }
        let mut percent = *COARSE.start();
        while self.best(limit).is_none() && percent > LEAST {
            percent -= STEP;
            self.at(percent);
        }
        if let Some(best) = self.best(limit) {
            for percent in (best + 1..best + STEP).take_while(|p| p <= COARSE.end()) {
                self.at(percent);
            }
        }
        let met = self.best(limit);
        let least_short = || {
            let by = |a: &Figures, b: &Figures| {
                let short = a.short_share.total_cmp(&b.short_share);
                short.then(a.replica_hours.total_cmp(&b.replica_hours))
            };
            self.runs
                .iter()
                .min_by(|a, b| by(a.1, b.1))
                .map(|(percent, _)| *percent)
        };
        let percent = met.or_else(least_short).unwrap_or(*COARSE.start());
        Tuned {
            target: f64::from(percent) / 100.0,
            met: met.is_some(),
            figures: self.at(percent).clone(),
        }
    }

    /// The cheapest target tried so far that meets the limit.
    fn best(&self, limit: f64) -> Option<u32> {
        let meets = self.runs.iter().filter(|(_, f)| f.short_share <= limit);
        let cheapest = meets.min_by(|a, b| a.1.replica_hours.total_cmp(&b.1.replica_hours));
        cheapest.map(|(percent, _)| *percent)
    }
}

/// A baseline with all the rivals that it may be.
#[derive(Debug)]
pub struct Contestant<'a> {
    first: Tuning<'a>,
    others: Vec<Tuning<'a>>,
}

impl<'a> Contestant<'a> {
    /// Nothing was tried yet; `None` for the oracle.
    pub fn new(course: &'a Course<'a>, baseline: Baseline, oracle_hours: f64) -> Option<Self> {
        let rivals = Rival::all(baseline, course).into_iter();
        let mut tunings = rivals.map(|rival| Tuning::new(course, rival, oracle_hours));
        Some(Contestant {
            first: tunings.next()?,
            others: tunings.collect(),
        })
    }

    /// The first of its rivals: the only one, but for cron.
    pub fn first(&mut self) -> &mut Tuning<'a> {
        &mut self.first
    }

    /// The cheapest run of any rival that is short for at most `limit`, and that rival.
    pub fn cheapest(&mut self, limit: f64) -> (Tuned, &Rival) {
        let mut best = (self.first.cheapest(limit), self.first.rival());
        for tuning in &mut self.others {
            let tuned = tuning.cheapest(limit);
            if tuned.beats(&best.0) {
                best = (tuned, tuning.rival());
            }
        }
        best
    }
}

impl Tuned {
    /// Meets the limit where the other does not, costs less where both do, is short for less where neither does.
    fn beats(&self, other: &Tuned) -> bool {
        match (self.met, other.met) {
            (true, true) => self.figures.replica_hours < other.figures.replica_hours,
            (false, false) => self.figures.short_share < other.figures.short_share,
            (met, _) => met,
        }
    }
}

/// Figures with their cost.
pub fn priced(figures: Figures, oracle_hours: f64) -> Figures {
    Figures {
        cost: (oracle_hours > 0.0).then(|| figures.replica_hours / oracle_hours),
        ..figures
    }
}

/// Short minutes a day at `replica_hours`, by linear interpolation in cost between the two runs around it; `None` where
/// the curve does not reach there.
pub fn short_at(curve: &[Point], replica_hours: f64) -> Option<f64> {
    let mut by_cost: Vec<&Figures> = curve.iter().map(|p| &p.figures).collect();
    by_cost.sort_by(|a, b| a.replica_hours.total_cmp(&b.replica_hours));
    let above = by_cost.iter().position(|f| f.replica_hours >= replica_hours)?;
    let dear = by_cost[above];
    if dear.replica_hours == replica_hours {
        return Some(dear.short_minutes_per_day);
    }
    let cheap = by_cost[above.checked_sub(1)?];
    let share = (replica_hours - cheap.replica_hours) / (dear.replica_hours - cheap.replica_hours);
    Some(cheap.short_minutes_per_day + share * (dear.short_minutes_per_day - cheap.short_minutes_per_day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_runs_the_curve_is_straight() {
        let point = |hours, short| Point {
            knob: 0.5,
            figures: Figures {
                replica_hours: hours,
                short_minutes_per_day: short,
                ..Figures::default()
            },
        };
        let curve = [point(200.0, 2.0), point(100.0, 12.0), point(400.0, 0.0)];
        // replica-hours, minutes
        let table = [
            (99.0, None),
            (100.0, Some(12.0)),
            (150.0, Some(7.0)),
            (300.0, Some(1.0)),
            (400.0, Some(0.0)),
            (401.0, None),
        ];
        for (hours, minutes) in table {
            assert_eq!(short_at(&curve, hours), minutes, "{hours}");
        }
        assert_eq!(short_at(&[], 1.0), None);
    }
}
