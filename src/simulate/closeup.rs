//! Closer looks: the six hours that a person would zoom into, kept at full resolution while the run goes by.
//!
//! A week on a page gives a pixel nine minutes; a start-up of three is invisible there. Six hours give it 19 seconds.

use jiff::{SignedDuration, Timestamp};

use super::timeline::{Band, Evidence, Tick, Timeline};

/// Length of a closer look, and where they begin: at 0, 6, 12 and 18 o'clock UTC.
const BLOCK: i64 = 6 * 3_600;
/// Runs shorter than two blocks are close enough already.
const LEAST_BLOCKS: u64 = 2;

/// Six hours of a run.
#[derive(Clone, Debug)]
pub struct CloseUp {
    /// Why these: "where …".
    pub reason: &'static str,
    /// The hours, at full resolution.
    pub timeline: Timeline,
}

/// Six hours, and how much of what makes them worth a look they have had so far.
#[derive(Clone, Debug)]
struct Block {
    index: i64,
    timeline: Timeline,
    /// Load that found no capacity, summed over ticks.
    lost: f64,
    /// Replicas that the forecast was first to ask for.
    foreseen: u32,
    /// Most replicas that were asked for beyond those ready, where the above tell nothing.
    growth: u32,
}

/// Collects closer looks.
#[derive(Clone, Debug)]
pub struct CloseUps {
    ticks_a_block: u64,
    windows: Vec<String>,
    current: Option<Block>,
    seen: u64,
    desired: Option<u32>,
    most_lost: Option<Block>,
    most_foreseen: Option<Block>,
    most_growth: Option<Block>,
}

impl CloseUps {
    /// None yet; ticks are `tick` apart.
    pub fn new(tick: SignedDuration, windows: Vec<String>) -> Self {
        CloseUps {
            ticks_a_block: u64::try_from(BLOCK / tick.as_secs().max(1)).unwrap_or(1),
            windows,
            current: None,
            seen: 0,
            desired: None,
            most_lost: None,
            most_foreseen: None,
            most_growth: None,
        }
    }

    /// Looks at the next tick, and at what the forecast said at it.
    pub fn see(&mut self, tick: &Tick, band: Option<Band>) {
        let index = block_of(tick.at);
        if self.current.as_ref().is_none_or(|b| b.index != index) {
            self.close();
        }
        let before = self.desired.replace(tick.desired).unwrap_or(tick.desired);
        let block = self.current.get_or_insert_with(|| Block {
            index,
            timeline: Timeline::new(self.ticks_a_block, self.windows.clone()),
            lost: 0.0,
            foreseen: 0,
            growth: 0,
        });
        block.timeline.foresee(tick, band);
        if tick.short() {
            block.lost += tick.load - tick.capacity;
        }
        if tick.evidence == Evidence::Forecast {
            block.foreseen += tick.desired.saturating_sub(before);
        }
        block.growth = block.growth.max(tick.desired.saturating_sub(tick.ready));
    }

    /// The closer looks: the most load lost (or else the most growth), and the most foreseen; none of a short run.
    pub fn finish(mut self) -> Vec<CloseUp> {
        self.close();
        if self.seen < LEAST_BLOCKS {
            return Vec::new();
        }
        let lost = self
            .most_lost
            .map(|b| ("where the most load exceeded ready capacity", b));
        let growth = || self.most_growth.map(|b| ("where replicas had to grow the most", b));
        let foreseen = self.most_foreseen.map(|b| ("where the forecast asked for the most", b));
        let mut looks: Vec<(&str, Block)> = lost.or_else(growth).into_iter().collect();
        if let Some(look) = foreseen
            && looks.iter().all(|(_, b)| b.index != look.1.index)
        {
            looks.push(look);
        }
        let close_up = |(reason, block): (&'static str, Block)| CloseUp {
            reason,
            timeline: block.timeline,
        };
        looks.into_iter().map(close_up).collect()
    }

    /// Keeps the current block where it outdoes what is kept.
    fn close(&mut self) {
        let Some(block) = self.current.take() else { return };
        self.seen += 1;
        keep(&mut self.most_lost, &block, |b| b.lost);
        keep(&mut self.most_foreseen, &block, |b| f64::from(b.foreseen));
        keep(&mut self.most_growth, &block, |b| f64::from(b.growth));
    }
}

/// Replaces the kept block where `of` is larger in the new one; nothing is worth no look.
fn keep(kept: &mut Option<Block>, block: &Block, of: impl Fn(&Block) -> f64) {
    if of(block) > kept.as_ref().map_or(0.0, of) {
        *kept = Some(block.clone());
    }
}

fn block_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(second: i64, load: f64, desired: u32, evidence: Evidence) -> Tick {
        Tick {
            at: Timestamp::from_second(second).unwrap(),
            load,
            capacity: 10.0,
            desired,
            ready: 1,
            evidence,
            window: None,
        }
    }

    /// Ticks of a minute over two days, with something special at some minutes.
    #[track_caller]
    fn check(special: &[(i64, f64, u32, Evidence)], expected: &[(i64, &str)]) {
        let mut looks = CloseUps::new(SignedDuration::from_mins(1), Vec::new());
        for minute in 0..2 * 1440 {
            let found = special.iter().find(|s| s.0 == minute);
            let (load, desired, evidence) = found.map_or((1.0, 1, Evidence::Metric), |s| (s.1, s.2, s.3));
            looks.see(&tick(60 * minute, load, desired, evidence), None);
        }
        let hours = |c: &CloseUp| c.timeline.columns().first().unwrap().at.as_second() / 3_600;
        let looks: Vec<_> = looks.finish().iter().map(|c| (hours(c), c.reason)).collect();
        assert_eq!(looks, expected);
    }

    #[test]
    fn looks_where_it_was_short_and_where_it_was_foreseen() {
        let (lost, grew) = (
            "where the most load exceeded ready capacity",
            "where replicas had to grow the most",
        );
        let foreseen = "where the forecast asked for the most";
        check(&[], &[]);
        check(&[(400, 1.0, 5, Evidence::Metric)], &[(6, grew)]);
        check(
            &[
                (400, 1.0, 5, Evidence::Metric),
                (800, 11.0, 1, Evidence::Metric),
                (1500, 12.0, 1, Evidence::Metric),
                (2000, 1.0, 3, Evidence::Forecast),
            ],
            &[(24, lost), (30, foreseen)],
        );
        check(&[(800, 99.0, 7, Evidence::Forecast)], &[(12, lost)]);
    }
}
