//! The script: how many visitors come when. The same every day at this time, but for one burst that nobody foresaw.
//!
//! Two weeks of history are made from it, so that the forecast knows the ramp that is about to come. Pure; the noise is
//! seeded.

use std::fmt::Write;

/// Requests a second that one replica of the shop is meant to serve.
pub const TARGET: f64 = 20.0;
/// Requests a second that it can serve at most.
pub const CAPACITY: f64 = 28.0;

/// Visitors before the ramp, after it, and in the burst; requests a second.
const CALM: f64 = 45.0;
const BUSY: f64 = 125.0;
const BURST: f64 = 230.0;
/// Share of the show at which the ramp comes, every day.
const RAMP: f64 = 0.33;
/// Seconds that the ramp takes.
const RAMP_SECONDS: f64 = 15.0;
/// Share of the show between which the burst lasts, today only.
const UNFORESEEN: std::ops::Range<f64> = 0.52..0.66;
/// Share of the show in which the scheduled window opens, at the next full minute.
pub const WINDOW: f64 = 0.7;
/// The busy time lasts this long every day, in seconds: beyond any show.
const BUSY_SECONDS: f64 = 2.0 * 3600.0;
/// Days of history.
pub const DAYS: i64 = 14;
/// Seconds between two samples of the history: a `rate` over 30 s needs two of them within any 30 s.
const STEP: i64 = 10;
/// Noise of the history, relative: real load is never twice the same.
const NOISE: f64 = 0.04;

/// Seconds that set-up is expected to take. Where it takes longer the ramp comes so much earlier in the show.
const SETUP: i64 = 18;

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The first second of the show, Unix time.
    pub start: i64,
    /// Its length in seconds.
    pub length: f64,
    /// When the ramp comes, today as on every day: written into the history before anybody knows when the show starts.
    ramp: f64,
}

impl Script {
    /// A show of this many seconds for which set-up begins now.
    pub fn new(now: i64, length: f64) -> Script {
        let start = now + SETUP;
        let ramp = start as f64 + RAMP * length;
        Script { start, length, ramp }
    }

    /// The same show, which begins now.
    pub fn begins(self, now: i64) -> Script {
        Script { start: now, ..self }
    }

    /// Requests a second at an instant of the show, today.
    pub fn today(&self, at: f64) -> f64 {
        let share = (at - self.start as f64) / self.length;
        if UNFORESEEN.contains(&share) {
            BURST
        } else {
            self.everyday(at)
        }
    }

    /// Requests a second at an instant of any day.
    fn everyday(&self, at: f64) -> f64 {
        let since = (at - self.ramp).rem_euclid(86_400.0);
        let up = (since / RAMP_SECONDS).min(1.0);
        if since > BUSY_SECONDS {
            // The rest of the day swings gently, as days do.
            let day = std::f64::consts::TAU * at / 86_400.0;
            return CALM * (1.0 + 0.15 * day.sin());
        }
        CALM + (BUSY - CALM) * up
    }

    /// Two weeks of the shop's request counter in OpenMetrics' text format, up to `until`.
    pub fn history(&self, until: i64) -> String {
        let mut text = String::from("# HELP http_requests Requests served.\n# TYPE http_requests counter\n");
        let mut served = 0.0;
        let mut noise = Noise(0x5EED);
        let mut at = until - DAYS * 86_400;
        while at < until {
            served += self.everyday(at as f64) * STEP as f64 * (1.0 + NOISE * noise.next());
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "http_requests_total{{job=\"shop\",instance=\"history\"}} {served:.0} {at}"
            );
            at += STEP;
        }
        text.push_str("# EOF\n");
        text
    }
}

/// Uniform numbers in −1..1 from a 64-bit linear congruential generator (Knuth's MMIX constants): enough for a show.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_comes_every_day_and_the_burst_today() {
        let script = Script::new(1_700_000_000, 300.0);
        let at = |second: f64| script.start as f64 + second;
        assert!(script.today(at(0.0)) < 60.0);
        assert_eq!(script.today(at(130.0)), BUSY);
        assert_eq!(script.today(at(170.0)), BURST);
        for day in 1..=14 {
            let then = 86_400.0 * f64::from(day);
            assert_eq!(script.everyday(at(130.0) - then), BUSY);
            assert_eq!(script.everyday(at(170.0) - then), BUSY, "no burst in history");
        }
    }

    #[test]
    fn history_is_a_counter_that_ends_before_the_show() {
        let script = Script::new(1_700_000_000, 300.0);
        let history = script.history(script.start);
        let samples: Vec<(f64, i64)> = history
            .lines()
            .filter(|l| !l.starts_with('#'))
            .map(|l| {
                let mut fields = l.split(' ').skip(1);
                (
                    fields.next().unwrap().parse().unwrap(),
                    fields.next().unwrap().parse().unwrap(),
                )
            })
            .collect();
        assert_eq!(samples.len() as i64, DAYS * 86_400 / STEP);
        assert!(samples.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 < w[1].1));
        assert!(samples.last().unwrap().1 < script.start);
        let late = script.begins(script.start + 20);
        assert_eq!(late.history(script.start), history, "a late start changes no history");
        assert!(history.ends_with("# EOF\n"));
    }
}
