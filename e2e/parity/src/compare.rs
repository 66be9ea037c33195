//! How far two records of replicas are apart, if each may be a little late.
//!
//! At each moment, a stretch of time as long as the lag is laid around it. The two agree there if some count lies within
//! both ranges that they pass through in it: a change that one side makes up to a lag later is none, and one that is late by
//! more counts for the time beyond. Pure.

use std::time::Duration;

/// How finely time is looked at: well below the second in which replicas are written and seen.
const GRAIN: Duration = Duration::from_millis(100);

/// One side's replicas over time, from the start on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// When, since the start, and to what they changed.
    pub changes: Vec<(Duration, i32)>,
}

/// What is between two tracks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Replicas by which one side was off at most, with the lag allowed.
    pub largest: i32,
    /// The longest time without interruption that one was.
    pub longest: Duration,
}

impl Track {
    /// Notes the replicas at a moment; what is no change is none.
    pub fn note(&mut self, at: Duration, replicas: i32) {
        if self.changes.last().is_none_or(|(_, last)| *last != replicas) {
            self.changes.push((at, replicas));
        }
    }

    /// The least and the most replicas between two moments; before the first note, those of the first note.
    fn range(&self, from: Duration, to: Duration) -> (i32, i32) {
        let before = self.changes.iter().rev().find(|(at, _)| *at <= from);
        let start = before.or(self.changes.first()).map_or(0, |(_, replicas)| *replicas);
        let within = self.changes.iter().filter(|(at, _)| *at > from && *at <= to);
        within.fold((start, start), |(least, most), (_, replicas)| {
            (least.min(*replicas), most.max(*replicas))
        })
    }
}

/// Compares two tracks from the start until `end`, less half the lag: who changes just before the end is not off because
/// the other one has no time left.
pub fn compare(one: &Track, other: &Track, lag: Duration, end: Duration) -> Difference {
    let mut difference = Difference::default();
    let mut off_for = Duration::ZERO;
    let mut at = Duration::ZERO;
    while at + lag / 2 < end {
        let (from, to) = (at.saturating_sub(lag / 2), at + lag / 2);
        let ((least, most), (other_least, other_most)) = (one.range(from, to), other.range(from, to));
        let off = (other_least - most).max(least - other_most).max(0);
        off_for = if off > 0 { off_for + GRAIN } else { Duration::ZERO };
        difference.largest = difference.largest.max(off);
        difference.longest = difference.longest.max(off_for);
        at += GRAIN;
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn track(changes: &[(u64, i32)]) -> Track {
        let mut track = Track::default();
        for &(at, replicas) in changes {
            track.note(seconds(at), replicas);
        }
        track
    }

    #[track_caller]
    fn check(one: &[(u64, i32)], other: &[(u64, i32)], largest: i32, longest: u64) {
        let (one, other) = (track(one), track(other));
        let there = compare(&one, &other, seconds(5), seconds(60));
        assert_eq!(
            there,
            compare(&other, &one, seconds(5), seconds(60)),
            "the order does not matter"
        );
        assert_eq!(there.largest, largest);
        let off = there.longest.abs_diff(seconds(longest));
        assert!(off <= GRAIN * 2, "{:?} is not {longest} s", there.longest);
    }

    #[test]
    fn the_same_and_the_slightly_late_agree() {
        check(&[(0, 4)], &[(0, 4)], 0, 0);
        check(&[(0, 4), (10, 8)], &[(0, 4), (14, 8)], 0, 0);
        // Steps on the way are passed as each side likes.
        check(&[(0, 4), (10, 6), (12, 8)], &[(0, 4), (13, 8)], 0, 0);
    }

    #[test]
    fn who_is_later_than_the_lag_is_off_for_the_rest() {
        check(&[(0, 4), (10, 8)], &[(0, 4), (20, 8)], 4, 5);
        // From 12.5 to 57.5.
        check(&[(0, 4), (10, 8)], &[(0, 4)], 4, 45);
    }

    #[test]
    fn a_number_that_only_one_saw_counts() {
        check(&[(0, 4), (10, 9), (30, 4)], &[(0, 4)], 5, 15);
        check(&[(0, 4), (10, 9)], &[(0, 4), (10, 8)], 1, 45);
    }

    #[test]
    fn what_comes_at_the_end_is_not_judged() {
        check(&[(0, 4), (58, 8)], &[(0, 4)], 0, 0);
    }
}
