//! What happened over time, folded as it comes into a fixed number of columns, so that a year costs what a day costs.
//!
//! [`Tick`] is one instant, whoever recorded it (a replay, or a live demonstration); [`Timeline`] is what the page draws.
//! A column keeps first, last, least and most of each quantity: no peak disappears between two pixels.

use jiff::Timestamp;

use super::closeup::CloseUp;
use super::moments::Moment;
use crate::engine::decision::{Decision, Source};

/// Columns kept: seven for each CSS pixel of the wide chart, so that the page can be zoomed. A month has one for each 5
/// minutes, and a year costs the page no byte more.
pub const COLUMNS: u64 = 8192;

/// Whose proposal won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A metric's.
    Metric,
    /// A window's.
    Schedule,
    /// The forecast's.
    Forecast,
    /// Nobody proposed, or `minReplicas` or the fallback alone did.
    Nobody,
}

impl Evidence {
    /// All of them, in the order of their counts in a [`Column`].
    pub const ALL: [Evidence; 4] = [
        Evidence::Metric,
        Evidence::Schedule,
        Evidence::Forecast,
        Evidence::Nobody,
    ];

    /// The kind of evidence that won a decision.
    pub fn of(decision: &Decision) -> Self {
        match decision.winner_source() {
            Some(Source::Metric(_)) => Evidence::Metric,
            Some(Source::Schedule(_)) => Evidence::Schedule,
            Some(Source::Forecast(_)) => Evidence::Forecast,
            // A replay's metrics do not fail for long; where one did, nothing was known.
            Some(Source::Fallback | Source::Baseline) | None => Evidence::Nobody,
        }
    }
}

/// One instant. Everything holds until the next tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// The instant.
    pub at: Timestamp,
    /// The load, in the trace's unit; NaN where it is not known.
    pub load: f64,
    /// What the ready replicas can carry, in the load's unit.
    pub capacity: f64,
    /// Replicas asked for, this instant's decision included. They are billed from now on.
    pub desired: u32,
    /// Replicas that serve.
    pub ready: u32,
    /// Whose proposal won.
    pub evidence: Evidence,
    /// The first active window, as index into the timeline's windows.
    pub window: Option<usize>,
}

impl Tick {
    /// Whether the load exceeds what the ready replicas can carry.
    pub fn short(&self) -> bool {
        self.load > self.capacity
    }
}

/// What a forecast said at an instant of the load until its lead time ends, in the load's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The highest load expected.
    pub value: f64,
    /// What replicas are to be ready for.
    pub upper: f64,
}

/// One quantity over a column's ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// At its first tick.
    pub first: f64,
    /// At its last tick.
    pub last: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Span {
    fn new(value: f64) -> Self {
        Span {
            first: value,
            last: value,
            min: value,
            max: value,
        }
    }

    /// This one, followed by a later one.
    fn then(self, later: Span) -> Self {
        // `min` and `max` prefer a number over NaN, and so do the ends: an unknown load leaves no hole.
        let known = |a: f64, b: f64| if a.is_nan() { b } else { a };
        Span {
            first: known(self.first, later.first),
            last: known(later.last, self.last),
            min: self.min.min(later.min),
            max: self.max.max(later.max),
        }
    }
}

/// Some consecutive ticks, as one pixel can show them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The first tick's instant.
    pub at: Timestamp,
    /// The load.
    pub load: Span,
    /// What the ready replicas can carry.
    pub capacity: Span,
    /// Replicas asked for.
    pub desired: Span,
    /// Replicas that serve.
    pub ready: Span,
    /// The highest load that was forecast; NaN where none was.
    pub expected: Span,
    /// The forecast's upper bound; NaN where there was none.
    pub upper: Span,
    /// Ticks in which the load exceeded the capacity.
    pub short: u32,
    /// Ticks won by each of [`Evidence::ALL`].
    pub evidence: [u32; 4],
    /// An active window, as index into the timeline's windows.
    pub window: Option<usize>,
}

impl Column {
    fn new(tick: &Tick, band: Option<Band>) -> Self {
        let band = band.unwrap_or(Band {
            value: f64::NAN,
            upper: f64::NAN,
        });
        Column {
            at: tick.at,
            load: Span::new(tick.load),
            capacity: Span::new(tick.capacity),
            desired: Span::new(f64::from(tick.desired)),
            ready: Span::new(f64::from(tick.ready)),
            expected: Span::new(band.value),
            upper: Span::new(band.upper),
            short: u32::from(tick.short()),
            evidence: Evidence::ALL.map(|e| u32::from(e == tick.evidence)),
            window: tick.window,
        }
    }

    /// This column, followed by a later one.
    pub fn then(self, later: Column) -> Self {
        let mut evidence = self.evidence;
        for (mine, theirs) in evidence.iter_mut().zip(later.evidence) {
            *mine += theirs;
        }
        Column {
            at: self.at,
            load: self.load.then(later.load),
            capacity: self.capacity.then(later.capacity),
            desired: self.desired.then(later.desired),
            ready: self.ready.then(later.ready),
            expected: self.expected.then(later.expected),
            upper: self.upper.then(later.upper),
            short: self.short + later.short,
            evidence,
            window: self.window.or(later.window),
        }
    }

    /// Whose proposals won most of it.
    pub fn winner(&self) -> Evidence {
        let mut most = (0, Evidence::Nobody);
        for (count, evidence) in self.evidence.into_iter().zip(Evidence::ALL) {
            if count > most.0 {
                most = (count, evidence);
            }
        }
        most.1
    }
}

/// What the page draws.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Names of the policy's windows.
    pub windows: Vec<String>,
    /// The most notable moments, oldest first.
    pub moments: Vec<Moment>,
    /// The hours worth a closer look.
    pub close_ups: Vec<CloseUp>,
    columns: Vec<Column>,
    per_column: u64,
    filled: u64,
    last: Option<Timestamp>,
    end: Timestamp,
}

impl Timeline {
    /// An empty timeline that expects `ticks` ticks (more of them make more columns).
    pub fn new(ticks: u64, windows: Vec<String>) -> Self {
        Timeline {
            windows,
            moments: Vec::new(),
            close_ups: Vec::new(),
            columns: Vec::new(),
            per_column: ticks.div_ceil(COLUMNS).max(1),
            filled: 0,
            last: None,
            end: Timestamp::UNIX_EPOCH,
        }
    }

    /// Takes in the next tick; ticks come in time order.
    pub fn push(&mut self, tick: &Tick) {
        self.foresee(tick, None);
    }

    /// The same, with what the forecast said at that tick.
    pub fn foresee(&mut self, tick: &Tick, band: Option<Band>) {
        let column = Column::new(tick, band);
        match self.columns.last_mut() {
            Some(last) if self.filled < self.per_column => {
                *last = last.then(column);
                self.filled += 1;
            }
            _ => {
                self.columns.push(column);
                self.filled = 1;
            }
        }
        // The page must not end where the last tick begins.
        let length = self.last.map(|last| tick.at.duration_since(last)).unwrap_or_default();
        self.end = tick.at.checked_add(length).unwrap_or(tick.at);
        self.last = Some(tick.at);
    }

    /// The instant at which the last tick ends.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The columns, oldest first.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns folded further, to at most `most` of them.
    pub fn folded(&self, most: usize) -> Vec<Column> {
        folded(&self.columns, most)
    }
}

/// Columns folded to at most `most` of them.
pub fn folded(columns: &[Column], most: usize) -> Vec<Column> {
    let per = columns.len().div_ceil(most.max(1)).max(1);
    let fold = |chunk: &[Column]| chunk.iter().copied().reduce(Column::then);
    columns.chunks(per).filter_map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(second: i64, load: f64) -> Tick {
        Tick {
            at: Timestamp::from_second(second).unwrap(),
            load,
            capacity: 10.0,
            desired: 1,
            ready: 1,
            evidence: if load > 5.0 { Evidence::Metric } else { Evidence::Nobody },
            window: None,
        }
    }

    #[test]
    fn folding_keeps_every_extreme_and_every_short_tick() {
        let ticks = 10 * COLUMNS;
        let mut timeline = Timeline::new(ticks, Vec::new());
        for i in 0..ticks {
            let load = if i == 4321 { 99.0 } else { (i % 10) as f64 };
            timeline.push(&tick(15 * i as i64, load));
        }
        assert_eq!(timeline.columns().len() as u64, COLUMNS);
        for most in [COLUMNS as usize, 340, 1] {
            let columns = timeline.folded(most);
            assert!(columns.len() <= most);
            let peak = columns.iter().map(|c| c.load.max).fold(0.0, f64::max);
            let short: u32 = columns.iter().map(|c| c.short).sum();
            let evidence: u32 = columns.iter().flat_map(|c| c.evidence).sum();
            assert_eq!((peak, short, evidence), (99.0, 1, ticks as u32));
        }
        assert_eq!(timeline.end(), Timestamp::from_second(15 * ticks as i64).unwrap());
    }

    #[test]
    fn an_unknown_load_leaves_no_hole() {
        let mut timeline = Timeline::new(2 * COLUMNS, Vec::new());
        timeline.push(&tick(0, f64::NAN));
        timeline.push(&tick(15, 3.0));
        let load = timeline.columns()[0].load;
        assert_eq!((load.first, load.last, load.min, load.max), (3.0, 3.0, 3.0, 3.0));
        assert!(timeline.columns()[0].upper.max.is_nan(), "nothing was forecast");
        let band = |upper| Some(Band { value: 1.0, upper });
        timeline.foresee(&tick(30, 3.0), band(4.0));
        timeline.foresee(&tick(45, 3.0), band(9.0));
        let upper = timeline.columns()[1].upper;
        assert_eq!((upper.first, upper.max), (4.0, 9.0));
    }
}
