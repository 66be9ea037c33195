//! The highest of the values seen lately, in constant memory: slots, each with its maximum.
//!
//! A window of sixteen slots and the one that is filling is longer than asked for, by a sixteenth at most (or a second),
//! which errs on the safe side for both of its uses: a bound is held a little longer, and capacity is counted as ready a
//! little later.
//!
//! Neighbours: `shadow` slides over bounds, `gate` over replica counts.

/// Whole slots in a window.
const SLOTS: usize = 16;
/// Seconds after which a value does not hold any more: what was in between is not known.
const SILENCE: i64 = 300;

/// The maximum over a sliding window.
#[derive(Clone, Debug)]
pub(super) struct Sliding {
    /// Seconds in a slot.
    width: f64,
    /// Maxima, by slot number modulo the length. Replicas to seven digits are more than enough.
    slots: [f32; SLOTS + 1],
    /// When the newest value came, and which.
    newest: Option<(i64, f32)>,
    /// When the present run of values began.
    since: i64,
}

impl Sliding {
    /// A window over `span` seconds.
    pub(super) fn new(span: i64) -> Self {
        Self {
            width: (span as f64 / SLOTS as f64).max(1.0),
            slots: [f32::NEG_INFINITY; SLOTS + 1],
            newest: None,
            since: 0,
        }
    }

    /// Adds a value seen at `at` (Unix seconds, never decreasing).
    pub(super) fn put(&mut self, at: i64, value: f64) {
        let numbered = |at: i64| (at as f64 / self.width).floor() as i64;
        let slot = numbered(at);
        let length = self.slots.len() as i64;
        let index = |slot: i64| slot.rem_euclid(length) as usize;
        match self.newest {
            Some((then, held)) if at - then <= SILENCE => {
                let newest = numbered(then);
                // Where values are further apart than the window is long, the one before was in force all through it.
                let between = if slot - newest >= SLOTS as i64 {
                    held
                } else {
                    f32::NEG_INFINITY
                };
                for passed in (newest + 1).max(slot - length + 1)..slot {
                    self.slots[index(passed)] = between;
                }
                if slot > newest {
                    self.slots[index(slot)] = f32::NEG_INFINITY;
                }
            }
            _ => {
                self.slots = [f32::NEG_INFINITY; SLOTS + 1];
                self.since = at;
            }
        }
        self.newest = Some((at, value as f32));
        let highest = &mut self.slots[index(slot)];
        *highest = highest.max(value as f32);
    }

    /// The maximum, or `None` before any value.
    pub(super) fn max(&self) -> Option<f64> {
        self.newest?;
        let highest = self.slots.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Some(f64::from(highest))
    }

    /// Whether values cover the window that ends at `at`.
    pub(super) fn is_full(&self, at: i64) -> bool {
        self.newest.is_some() && (at - self.since) as f64 >= self.width * SLOTS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_holds_what_it_promises_and_little_more() {
        let mut window = Sliding::new(160);
        assert_eq!((window.max(), window.is_full(0)), (None, false));
        for (at, value, highest, full) in [
            (0, 9.0, 9.0, false),
            (10, 1.0, 9.0, false),
            (159, 2.0, 9.0, false),
            (160, 3.0, 9.0, true), // exactly the span: still there
            (169, 1.0, 9.0, true),
            (170, 1.0, 3.0, true), // one slot more: gone
            (175, 4.0, 4.0, true),
            (250, 0.5, 4.0, true),  // what came last held until then
            (600, 0.5, 0.5, false), // after a silence it begins anew
        ] {
            window.put(at, value);
            assert_eq!((window.max(), window.is_full(at)), (Some(highest), full), "at {at}");
        }
    }

    #[test]
    fn values_further_apart_than_the_window_hold_in_between() {
        // A window of half a minute, a value a minute.
        let mut window = Sliding::new(30);
        for (at, value, highest, full) in [
            (0, 9.0, 9.0, false),
            (60, 1.0, 9.0, true),
            (120, 2.0, 2.0, true),
            (180, 1.0, 2.0, true),
            (240, 1.0, 1.0, true),
        ] {
            window.put(at, value);
            assert_eq!((window.max(), window.is_full(at)), (Some(highest), full), "at {at}");
        }
    }

    #[test]
    fn a_span_shorter_than_its_slots_is_a_second_a_slot() {
        let mut window = Sliding::new(0);
        window.put(5, 7.0);
        window.put(20, 1.0);
        assert_eq!(window.max(), Some(7.0));
        window.put(22, 1.0);
        assert_eq!(window.max(), Some(1.0));
    }
}
