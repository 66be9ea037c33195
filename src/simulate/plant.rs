//! The plant: how long replicas take to become ready, and which of them go first.
//!
//! A replica is ready `startup` after it was asked for and is billed from the asking; a scale-down removes the youngest
//! first, so one that is still starting goes before one that serves. It knows counts and times, no load and no policy.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The simulated replicas of one target.
#[derive(Clone, Debug)]
pub struct Plant {
    startup: SignedDuration,
    ready: u32,
    /// When they become ready, and how many; oldest first.
    starting: VecDeque<(Timestamp, u32)>,
}

impl Plant {
    /// A plant with `ready` replicas that serve.
    pub fn new(startup: SignedDuration, ready: u32) -> Self {
        Plant {
            startup,
            ready,
            starting: VecDeque::new(),
        }
    }

    /// Lets time pass: what has been starting for long enough is ready now.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(&(at, count)) = self.starting.front()
            && at <= now
        {
            self.ready += count;
            self.starting.pop_front();
        }
    }

    /// Asks for `to` replicas in all.
    pub fn scale(&mut self, now: Timestamp, to: u32) {
        let billed = self.billed();
        if to > billed {
            let ready_at = now.checked_add(self.startup).unwrap_or(Timestamp::MAX);
            self.starting.push_back((ready_at, to - billed));
            self.advance(now);
            return;
        }
        let mut surplus = billed - to;
        while surplus > 0
            && let Some((_, count)) = self.starting.back_mut()
        {
            let removed = surplus.min(*count);
            *count -= removed;
            surplus -= removed;
            if *count == 0 {
                self.starting.pop_back();
            }
        }
        self.ready -= surplus;
    }

    /// Replicas that serve.
    pub fn ready(&self) -> u32 {
        self.ready
    }

    /// Replicas that cost: those that serve and those that start.
    pub fn billed(&self) -> u32 {
        self.ready + self.starting.iter().map(|(_, count)| count).sum::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of (second, scale to) and what is (billed, ready) after each.
    #[track_caller]
    fn check(startup: i64, initial: u32, steps: &[(i64, Option<u32>, (u32, u32))]) {
        let mut plant = Plant::new(SignedDuration::from_secs(startup), initial);
        for &(second, to, expected) in steps {
            let now = Timestamp::from_second(second).unwrap();
            plant.advance(now);
            if let Some(to) = to {
                plant.scale(now, to);
            }
            assert_eq!((plant.billed(), plant.ready()), expected, "at {second} s, to {to:?}");
        }
    }

    #[test]
    fn billed_from_the_asking_and_ready_after_the_start_up() {
        check(
            180,
            2,
            &[
                (0, Some(5), (5, 2)),
                (179, None, (5, 2)),
                (180, None, (5, 5)),
                (181, Some(6), (6, 5)),
                (361, None, (6, 6)),
            ],
        );
    }

    #[test]
    fn the_youngest_go_first() {
        check(
            100,
            4,
            &[
                (0, Some(6), (6, 4)),
                (50, Some(9), (9, 4)),
                (60, Some(7), (7, 4)), // two of the three youngest
                (70, Some(5), (5, 4)), // the last of them, and one of the first two
                (100, None, (5, 5)),
                (110, Some(3), (3, 3)), // none is starting: what serves goes
                (120, Some(0), (0, 0)),
            ],
        );
    }

    #[test]
    fn no_start_up_time_is_ready_at_once() {
        check(0, 1, &[(0, Some(3), (3, 3)), (0, Some(2), (2, 2))]);
    }
}
