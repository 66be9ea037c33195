//! Cron and clocks, known anew: a walk over every minute of some weeks, against what the engine says.
//!
//! It must not use croner. The five fields are matched one by one; gaps and overlaps are seen where the wall clock, read
//! minute by minute, jumps. The rules are those of `docs/schedules.md`.

use headroom::engine::propose::scheduled;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::schedule;

/// Random choices, the same each time: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as i64 % n
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as i64) as usize]
    }

    /// A field of numbers from `least` to `most`: one, a list, a range, with steps or without.
    fn field(&mut self, least: i64, most: i64) -> String {
        let a = least + self.below(most - least + 1);
        let b = a + self.below(most - a + 1);
        match self.below(10) {
            0..4 => a.to_string(),
            4 => format!("{a},{b}"),
            5 => format!("{a}-{b}"),
            6 => format!("{a}-{b}/{}", 1 + self.below(7)),
            7 => format!("*/{}", 1 + self.below(most - least)),
            8 => format!("{b},{a}-{b}"),
            _ => "*".to_owned(),
        }
    }

    /// An expression that comes at least once a week, but for gaps.
    fn cron(&mut self) -> String {
        // The hours in which clocks change come up half of the time.
        let hour = match self.below(2) {
            0 => self
                .pick(&["0", "1", "2", "2,3", "1-3", "23", "0,2", "*", "*/2"])
                .to_owned(),
            _ => self.field(0, 23),
        };
        let day = match self.below(4) {
            0 => format!(
                "{} * {}",
                self.field(1, 28),
                self.pick(&["SUN", "0,3", "5-7", "MON-FRI", "SAT,SUN"])
            ),
            1 => format!("* * {}", self.pick(&["SUN", "7", "FRI-SAT", "1,4", "THU,FRI"])),
            _ => "* * *".to_owned(),
        };
        format!("{} {hour} {day}", self.field(0, 59))
    }
}

/// Whether a field names the number. A step counts from the range's first.
fn names(field: &str, number: i8, first: i8, last: i8) -> bool {
    const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let value = |text: &str| match DAYS.iter().position(|d| *d == text) {
        Some(day) => day as i8,
        None => text.parse().unwrap(),
    };
    field.split(',').any(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((low, high)) => (value(low), value(high)),
            None => (value(range), value(range)),
        };
        (low..=high).contains(&number) && (number - low) % value(step) == 0
    })
}

/// An expression, spelt out.
struct Expression {
    minutes: Vec<bool>,
    hours: Vec<bool>,
    days: Vec<bool>,
    weekdays: Vec<bool>,
    either: bool,
    follows_the_clock: bool,
}

impl Expression {
    fn new(text: &str) -> Self {
        let [minute, hour, day, "*", weekday] = text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{text}: five fields, every month")
        };
        let all =
            |field: &str, first: i8, last: i8| (0..=last).map(|n| names(field, n, first, last)).collect::<Vec<_>>();
        let mut weekdays = all(weekday, 0, 7);
        weekdays[0] |= weekdays[7];
        Expression {
            minutes: all(minute, 0, 59),
            hours: all(hour, 0, 23),
            days: all(day, 1, 31),
            weekdays,
            either: day != "*" && weekday != "*",
            follows_the_clock: minute.starts_with('*') || hour.starts_with('*'),
        }
    }

    fn matches(&self, wall: &DateTime) -> bool {
        self.minutes[wall.minute() as usize] && self.hours[wall.hour() as usize] && {
            let day = self.days[wall.day() as usize];
            let weekday = self.weekdays[wall.weekday().to_sunday_zero_offset() as usize];
            if self.either { day || weekday } else { day && weekday }
        }
    }
}

/// A minute of real time: what the clock shows, and what it skipped just before, or that it shows this once more.
struct Minute {
    wall: DateTime,
    skipped: Vec<DateTime>,
    again: bool,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The minutes of so many days, on the clock of a zone.
fn minutes(zone: &TimeZone, begin: Timestamp, days: i64) -> Vec<Minute> {
    let mut before = zone.to_datetime(begin - MINUTE);
    let mut latest = before;
    let each = (0..days * 1440).map(|i| {
        let wall = zone.to_datetime(begin + SignedDuration::from_mins(i));
        let due = before.saturating_add(MINUTE);
        let skipped = std::iter::successors(Some(due), |w| Some(w.saturating_add(MINUTE))).take_while(|w| *w < wall);
        let again = wall <= latest;
        (before, latest) = (wall, latest.max(wall));
        Minute {
            wall,
            skipped: skipped.collect(),
            again,
        }
    });
    each.collect()
}

/// Whether an expression comes at this minute, once for each time of day that it stands for, in their order.
fn comes<'a>(expression: &'a Expression, minute: &'a Minute) -> impl Iterator<Item = (DateTime, bool)> + 'a {
    let skipped = minute.skipped.iter();
    let skipped = skipped.map(|w| (*w, !expression.follows_the_clock && expression.matches(w)));
    let now = expression.matches(&minute.wall) && (expression.follows_the_clock || !minute.again);
    skipped.chain([(minute.wall, now)])
}

/// Whether the window is open at each minute, as far as that can be told, and how often it started by then.
fn walk(
    minutes: &[Minute],
    start: &Expression,
    end: Result<&Expression, usize>,
    except: &[Date],
) -> Vec<(Option<bool>, usize)> {
    let (mut open, mut started, mut starts) = (None, None, 0);
    let each = minutes.iter().enumerate().map(|(i, minute)| {
        let ends: Vec<bool> = match end {
            Ok(end) => comes(end, minute).map(|(_, ends)| ends).collect(),
            Err(_) => vec![false; minute.skipped.len() + 1],
        };
        for ((wall, begins), ends) in comes(start, minute).zip(ends) {
            if ends {
                open = Some(false);
            }
            if begins && !except.contains(&wall.date()) {
                (open, started) = (Some(true), Some(i));
                starts += 1;
            }
        }
        if let Err(duration) = end {
            open = match started {
                Some(started) => Some(i < started + duration),
                None => Some(false).filter(|_| i >= duration),
            };
        }
        (open, starts)
    });
    each.collect()
}

/// Days before an instant that is asked about: more than two weeks, so that a weekly end that a gap skipped is seen.
const BEFORE: i64 = 16;
const AFTER: i64 = 5;
/// How many windows that join the engine follows.
const JOINED: usize = 32;

#[test]
fn the_engine_agrees_with_a_walk_over_every_minute() {
    let zones = [
        "UTC",
        "Europe/Zurich",
        "America/New_York",
        "America/St_Johns",
        "Africa/Cairo",
        "Africa/Casablanca",
        "America/Nuuk",
        "America/Havana",
        "Antarctica/Troll",
        "Australia/Lord_Howe",
    ];
    let mut random = Random(0x5eed_0000_cafe_f00d);
    let (mut asked, mut open, mut changes) = (0, 0, 0);
    for name in zones {
        let zone = TimeZone::get(name).unwrap();
        // Around the changes of clocks of a year, and around the end of February of a leap year.
        let year: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let mut centres: Vec<Timestamp> = zone.following(year).take(2).map(|t| t.timestamp()).collect();
        centres.push("2028-02-29T00:00:00Z".parse().unwrap());
        let times = 54 / centres.len() + 1;
        for centre in centres {
            let begin = centre - SignedDuration::from_hours(24 * BEFORE);
            let minutes = minutes(&zone, begin, BEFORE + AFTER);
            for _ in 0..times {
                let start = random.cron();
                let (end, text) = match random.below(2) {
                    0 => (Some(random.cron()), String::new()),
                    _ => (None, [1, 10, 60, 600, 1440, 4000][random.below(6) as usize].to_string()),
                };
                let except: Vec<_> = (0..random.below(4))
                    .map(|_| {
                        let days = random.below(6) - 3;
                        zone.to_datetime(centre)
                            .date()
                            .saturating_add(jiff::Span::new().days(days))
                    })
                    .collect();
                let except: Vec<_> = (except.iter().enumerate().filter(|(i, d)| !except[..*i].contains(d)))
                    .map(|(_, d)| *d)
                    .collect();
                let closes = end
                    .as_ref()
                    .map_or(format!("duration: {text}m"), |end| format!("end: \"{end}\""));
                let dates: Vec<String> = except.iter().map(|d| format!("\"{d}\"")).collect();
                if end.as_ref() == Some(&start) {
                    continue;
                }
                let yaml = format!(
                    "start: \"{start}\", {closes}, except: [{}], timeZone: {name}",
                    dates.join(", ")
                );
                let schedule = schedule(&yaml);
                let end = end.as_deref().map(Expression::new);
                let walked = walk(
                    &minutes,
                    &Expression::new(&start),
                    end.as_ref().ok_or_else(|| text.parse().unwrap()),
                    &except,
                );
                for _ in 0..20 {
                    // Within hours of the change, or days.
                    let near = if random.below(2) == 0 { 5 * 60 } else { 3 * 1440 };
                    let i = (BEFORE * 1440 + random.below(2 * near) - near) as usize;
                    let now = begin + SignedDuration::from_secs(60 * i as i64 + random.below(60));
                    let (Some(is_open), starts) = walked[i] else {
                        panic!("{yaml} at {now}: neither a start nor an end in weeks")
                    };
                    let got = scheduled::window(&schedule, now);
                    assert_eq!(got.active, is_open, "{yaml} at {now}");
                    let change = (i..walked.len()).find(|j| walked[*j].0 != Some(is_open));
                    let at = |j: usize| begin + SignedDuration::from_mins(j as i64);
                    let until = got.until.unwrap_or(Timestamp::MAX);
                    match change {
                        Some(j) if until < at(j) => {
                            let u = (until.duration_since(begin).as_secs() / 60) as usize;
                            assert!(
                                walked[u].1 - starts >= JOINED,
                                "{yaml} at {now}: until {until}, not {}",
                                at(j)
                            );
                        }
                        Some(j) => {
                            assert_eq!(until, at(j), "{yaml} at {now}");
                            changes += 1;
                        }
                        None => assert!(until >= at(walked.len()) || is_open, "{yaml} at {now}: until {until}"),
                    }
                    asked += 1;
                    open += usize::from(is_open);
                }
            }
        }
    }
    assert!(asked >= 10_000, "{asked}");
    assert!(open > asked / 5 && open < asked * 4 / 5, "{open} of {asked} are open");
    assert!(changes > asked / 2, "{changes} of {asked} change within days");
}
