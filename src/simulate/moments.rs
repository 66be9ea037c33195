//! The most notable moments of a run, with the decision's own words: what a person would look for first.
//!
//! Sees every decision once and keeps a few of each kind, an hour apart at least, so that one ramp is one moment. It
//! must not judge (a report that praises is not read twice) and holds no more than a page can show.

use jiff::{SignedDuration, Timestamp};

use super::spell;
use super::timeline::{Evidence, Tick};
use crate::engine::decision::{Decision, LimitKind, Outcome, Source};
use crate::engine::policy::Policy;
use crate::report::words;

/// Two moments of one kind are this far apart: a ramp takes minutes and many steps.
const APART: SignedDuration = SignedDuration::from_hours(1);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When it began.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: MomentKind,
    /// What happened, in one line.
    pub title: String,
    /// Why: the sentence of the decision.
    pub why: String,
}

/// The kinds of moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// Load exceeded ready capacity.
    Short,
    /// A metric asked for more.
    Growth,
    /// The forecast asked for more, ahead of the metrics.
    Forecast,
    /// A window asked for more.
    Window,
    /// Fewer replicas were needed.
    Shrink,
    /// More was wanted than may be had.
    Ceiling,
    /// The forecast became trusted, or no longer is.
    Trust,
}

impl MomentKind {
    /// What stands beside the moment.
    pub fn label(self) -> &'static str {
        match self {
            MomentKind::Short => "short",
            MomentKind::Growth => "metric",
            MomentKind::Forecast => "forecast",
            MomentKind::Window => "window",
            MomentKind::Shrink => "down",
            MomentKind::Ceiling => "ceiling",
            MomentKind::Trust => "trust",
        }
    }

    /// How many of a kind are kept: twelve or so fit a page that is read.
    fn most(self) -> usize {
        match self {
            MomentKind::Short => 4,
            MomentKind::Growth | MomentKind::Forecast | MomentKind::Window | MomentKind::Trust => 2,
            MomentKind::Shrink | MomentKind::Ceiling => 1,
        }
    }
}

/// A run of ticks in which the load exceeded the ready capacity.
#[derive(Clone, Debug)]
struct ShortRun {
    moment: Moment,
    ticks: u64,
    lost: f64,
    /// The most by which load exceeded capacity, as a share of the load.
    worst: f64,
}

/// Collects moments.
#[derive(Clone, Debug)]
pub struct Moments {
    tick: SignedDuration,
    kept: Vec<(f64, Moment)>,
    run: Option<ShortRun>,
    trusted: Option<bool>,
    ceiling: bool,
}

impl Moments {
    /// None yet; decisions are `tick` apart.
    pub fn new(tick: SignedDuration) -> Self {
        Moments {
            tick,
            kept: Vec::new(),
            run: None,
            trusted: None,
            ceiling: false,
        }
    }

    /// Looks at one decision and the tick it led to.
    pub fn see(&mut self, policy: &Policy, tick: &Tick, decision: &Decision) {
        self.short(policy, tick, decision);
        self.change(policy, tick, decision);
        self.ceiling(policy, decision);
        self.trust(policy, decision);
    }

    /// The moments, oldest first.
    pub fn finish(mut self) -> Vec<Moment> {
        self.end_run();
        let mut moments: Vec<Moment> = self.kept.into_iter().map(|(_, m)| m).collect();
        moments.sort_by_key(|m| m.at);
        moments
    }

    fn short(&mut self, policy: &Policy, tick: &Tick, decision: &Decision) {
        if !tick.short() {
            self.end_run();
            return;
        }
        let run = self.run.get_or_insert_with(|| ShortRun {
            moment: Moment {
                at: tick.at,
                kind: MomentKind::Short,
                title: String::new(),
                why: words::sentence(policy, decision),
            },
            ticks: 0,
            lost: 0.0,
            worst: 0.0,
        });
        let lost = tick.load - tick.capacity;
        run.ticks += 1;
        run.lost += lost;
        run.worst = run.worst.max(lost / tick.load);
    }

    fn end_run(&mut self) {
        if let Some(mut run) = self.run.take() {
            let lasted = self.tick.as_secs_f64() * run.ticks as f64;
            run.moment.title = format!(
                "Load exceeded ready capacity for {}, by {} of the load at most",
                spell::seconds(lasted),
                spell::percent(run.worst)
            );
            self.offer(run.lost, run.moment.at, run.moment.kind, || run.moment.clone());
        }
    }

    fn change(&mut self, policy: &Policy, tick: &Tick, decision: &Decision) {
        let (from, to) = (decision.current, tick.desired);
        if from == to {
            return;
        }
        let floor = decision.limits.iter().any(|l| l.kind == LimitKind::WindowFloor);
        let kind = match tick.evidence {
            _ if to < from => MomentKind::Shrink,
            _ if floor => MomentKind::Window,
            Evidence::Schedule => MomentKind::Window,
            Evidence::Forecast => MomentKind::Forecast,
            Evidence::Metric | Evidence::Nobody => MomentKind::Growth,
        };
        self.offer(f64::from(from.abs_diff(to)), tick.at, kind, || Moment {
            at: tick.at,
            kind,
            title: format!("{from} → {to} replicas"),
            why: words::sentence(policy, decision),
        });
    }

    fn ceiling(&mut self, policy: &Policy, decision: &Decision) {
        let kinds = [LimitKind::MaxReplicas, LimitKind::WindowCeiling];
        let limit = decision.limits.iter().find(|l| kinds.contains(&l.kind));
        let entered = limit.is_some() && !self.ceiling;
        self.ceiling = limit.is_some();
        if let (true, Some(limit)) = (entered, limit) {
            let over = f64::from(limit.before.saturating_sub(limit.after));
            self.offer(over, decision.at, MomentKind::Ceiling, || Moment {
                at: decision.at,
                kind: MomentKind::Ceiling,
                title: format!("{} replicas were asked for, {} are allowed", limit.before, limit.after),
                why: words::sentence(policy, decision),
            });
        }
    }

    fn trust(&mut self, policy: &Policy, decision: &Decision) {
        let forecast = decision
            .proposals
            .iter()
            .find(|p| matches!(p.source, Source::Forecast(_)));
        let Some(forecast) = forecast else { return };
        let trusted = !matches!(forecast.outcome, Outcome::Abstains(_));
        if self.trusted.replace(trusted) == Some(!trusted) {
            // All of a kind are equal here: the first ones stay.
            self.offer(0.0, decision.at, MomentKind::Trust, || Moment {
                at: decision.at,
                kind: MomentKind::Trust,
                title: if trusted {
                    "The forecast is trusted from here on".to_owned()
                } else {
                    "The forecast is not trusted any more".to_owned()
                },
                why: words::sentence(policy, decision),
            });
        }
    }

    /// Keeps the moment if it ranks among the most of its kind; words are made only then.
    fn offer(&mut self, rank: f64, at: Timestamp, kind: MomentKind, make: impl FnOnce() -> Moment) {
        let close = |m: &Moment| at.duration_since(m.at).abs() < APART;
        if let Some((old, moment)) = self.kept.iter_mut().find(|(_, m)| m.kind == kind && close(m)) {
            if rank > *old {
                (*old, *moment) = (rank, make());
            }
            return;
        }
        let of_kind = self.kept.iter().filter(|(_, m)| m.kind == kind);
        if of_kind.clone().count() < kind.most() {
            self.kept.push((rank, make()));
            return;
        }
        let least = of_kind.map(|(r, _)| *r).fold(f64::INFINITY, f64::min);
        if rank > least
            && let Some(slot) = self.kept.iter_mut().find(|(r, m)| m.kind == kind && *r == least)
        {
            *slot = (rank, make());
        }
    }
}
