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
        let mut ends = end.ok().map(|end| comes(end, minute));
        for (wall, begins) in comes(start, minute) {
            let ends = ends.as_mut().and_then(Iterator::next).is_some_and(|(_, ends)| ends);
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

/// A random schedule: as in a manifest, and taken apart for the walk.
struct Case {
    yaml: String,
    start: Expression,
    /// An expression, or minutes.
    end: Result<Expression, usize>,
    except: Vec<Date>,
}

impl Case {
    /// With exceptions in the days around a date.
    fn new(random: &mut Random, zone: &str, around: Date) -> Case {
        let start = random.cron();
        let (end, closes) = if random.below(2) == 0 {
            // Never the same times as the start's.
            let end = std::iter::repeat_with(|| random.cron())
                .find(|end| *end != start)
                .unwrap();
            (Ok(Expression::new(&end)), format!("end: \"{end}\""))
        } else {
            let minutes = [1, 10, 60, 600, 1440, 4000][random.below(6) as usize];
            (Err(minutes), format!("duration: {minutes}m"))
        };
        let mut except: Vec<Date> = (0..random.below(4))
            .map(|_| around.saturating_add(jiff::Span::new().days(random.below(6) - 3)))
            .collect();
        except.sort();
        except.dedup();
        let dates: Vec<String> = except.iter().map(|d| format!("\"{d}\"")).collect();
        let dates = dates.join(", ");
        Case {
            yaml: format!("start: \"{start}\", {closes}, except: [{dates}], timeZone: {zone}"),
            start: Expression::new(&start),
            end,
            except,
        }
    }
}

/// Days before an instant that is asked about: more than two weeks, so that a weekly end that a gap skipped is seen.
const BEFORE: i64 = 16;
const AFTER: i64 = 5;
/// How many windows that join the engine follows.
const JOINED: usize = 32;

/// What was asked, and of what kind it was, so that the test can tell whether it asked enough.
#[derive(Default)]
struct Asked {
    all: usize,
    open: usize,
    changes: usize,
}

/// Asks about instants within hours of `centre`, or days.
fn ask(random: &mut Random, case: &Case, minutes: &[Minute], begin: Timestamp, asked: &mut Asked) {
    let yaml = &case.yaml;
    let schedule = schedule(yaml);
    let walked = walk(minutes, &case.start, case.end.as_ref().map_err(|m| *m), &case.except);
    let at = |minute: usize| begin + SignedDuration::from_mins(minute as i64);
    for _ in 0..20 {
        let near = if random.below(2) == 0 { 5 * 60 } else { 3 * 1440 };
        let i = (BEFORE * 1440 + random.below(2 * near) - near) as usize;
        let now = at(i) + SignedDuration::from_secs(random.below(60));
        let (Some(open), starts) = walked[i] else {
            panic!("{yaml} at {now}: neither a start nor an end in weeks")
        };
        let got = scheduled::window(&schedule, now);
        assert_eq!(got.active, open, "{yaml} at {now}");

        let until = got.until.unwrap_or(Timestamp::MAX);
        let change = (i..walked.len()).find(|j| walked[*j].0 != Some(open));
        if until < at(change.unwrap_or(walked.len())) {
            let seen = (until.duration_since(begin).as_secs() / 60) as usize;
            let joined = open && walked[seen].1 - starts >= JOINED;
            assert!(joined, "{yaml} at {now}: until {until}, not {:?}", change.map(at));
        } else if let Some(change) = change {
            assert_eq!(until, at(change), "{yaml} at {now}");
            asked.changes += 1;
        }
        asked.all += 1;
        asked.open += usize::from(open);
    }
}

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
    let mut asked = Asked::default();
    for name in zones {
        let zone = TimeZone::get(name).unwrap();
        // Around the changes of clocks of a year, and around the end of February of a leap year.
        let year: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let mut centres: Vec<Timestamp> = zone.following(year).take(2).map(|t| t.timestamp()).collect();
        centres.push("2028-02-29T00:00:00Z".parse().unwrap());
        for centre in &centres {
            let begin = *centre - SignedDuration::from_hours(24 * BEFORE);
            let minutes = minutes(&zone, begin, BEFORE + AFTER);
            for _ in 0..54 / centres.len() + 1 {
                let case = Case::new(&mut random, name, zone.to_datetime(*centre).date());
                ask(&mut random, &case, &minutes, begin, &mut asked);
            }
        }
    }
    let Asked { all, open, changes } = asked;
    assert!(all >= 10_000, "{all}");
    assert!(open > all / 5 && open < all * 4 / 5, "{open} of {all} are open");
    assert!(changes > all / 2, "{changes} of {all} change within days");
}
