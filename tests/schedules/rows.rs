//! The table of cases. The expectation is the documented one, not what the code gave.

use super::Row;

fn row(case: &'static str, schedule: &'static str, at: &'static str, expected: &'static str) -> Row {
    Row { case, schedule, at, expected }
}

pub fn all() -> Vec<Row> {
    [plain(), exceptions(), once(), gaps(), overlaps(), dates()].into_iter().flatten().collect()
}

fn plain() -> Vec<Row> {
    const NIGHT: &str = r#"start: "0 22 * * *", end: "0 6 * * *""#;
    vec![
        row("half-open: the start belongs to it", r#"start: "0 8 * * MON-FRI", end: "0 18 * * MON-FRI", timeZone: Europe/Zurich"#, "2026-11-20 08:00 +01:00", "open until 2026-11-20 18:00 +01:00"),
        row("half-open: the end does not", r#"start: "0 8 * * MON-FRI", end: "0 18 * * MON-FRI", timeZone: Europe/Zurich"#, "2026-11-20 18:00 +01:00", "closed until 2026-11-23 08:00 +01:00"),
        row("across midnight", NIGHT, "2026-11-21 03:00 +00:00", "open until 2026-11-21 06:00 +00:00"),
        row("each hour for an hour: they join", r#"start: "0 8-17 * * *", duration: 1h"#, "2026-11-20 12:30 +00:00", "open until 2026-11-20 18:00 +00:00"),
        row("end and start at one time: the end comes first", r#"start: "0 0 * * MON-FRI", end: "0 0 * * *""#, "2026-11-23 12:00 +00:00", "open until 2026-11-28 00:00 +00:00"),
    ]
}

fn exceptions() -> Vec<Row> {
    const OFFICE: &str = r#"start: "0 8 * * MON-FRI", end: "0 18 * * MON-FRI", except: ["2026-12-25"], timeZone: Europe/Zurich"#;
    const NIGHT: &str = r#"start: "0 22 * * *", end: "0 6 * * *", except: ["2026-12-24"]"#;
    const LONG: &str = r#"start: "0 20 * * *", duration: 24h, except: ["2026-12-24"]"#;
    vec![
        row("excepted date", OFFICE, "2026-12-25 10:00 +01:00", "closed until 2026-12-28 08:00 +01:00"),
        row("excepted date, across midnight: it does not open", NIGHT, "2026-12-24 23:00 +00:00", "closed until 2026-12-25 22:00 +00:00"),
        row("excepted date, across midnight: nor after midnight", NIGHT, "2026-12-25 03:00 +00:00", "closed until 2026-12-25 22:00 +00:00"),
        row("excepted date, across midnight: what opened before stays", NIGHT, "2026-12-24 03:00 +00:00", "open until 2026-12-24 06:00 +00:00"),
        row("excepted date, with a duration: what opened before stays", LONG, "2026-12-24 19:59 +00:00", "open until 2026-12-24 20:00 +00:00"),
        row("excepted date, with a duration: it does not open", LONG, "2026-12-24 20:00 +00:00", "closed until 2026-12-25 20:00 +00:00"),
    ]
}

fn once() -> Vec<Row> {
    const SALE: &str = r#"from: "2026-11-27T00:00:00", until: "2026-11-30T23:30:00", timeZone: Europe/Zurich"#;
    vec![
        row("once, before", SALE, "2026-11-20 12:00 +01:00", "closed until 2026-11-27 00:00 +01:00"),
        row("once", SALE, "2026-11-27 00:00 +01:00", "open until 2026-11-30 23:30 +01:00"),
        row("once, past", SALE, "2026-11-30 23:30 +01:00", "closed for good"),
        row("once, over an overlap: from the first 02:30", r#"from: "2026-10-25T02:30:00", until: "2026-10-25T03:00:00", timeZone: Europe/Zurich"#, "2026-10-25 02:30 +02:00", "open until 2026-10-25 03:00 +01:00"),
        row("once, within a gap: there is nothing of it", r#"from: "2026-03-29T02:10:00", until: "2026-03-29T02:50:00", timeZone: Europe/Zurich"#, "2026-03-29 01:00 +01:00", "closed for good"),
    ]
}

fn gaps() -> Vec<Row> {
    const CAIRO: &str = r#"start: "0 0 * * FRI", duration: 1h, timeZone: Africa/Cairo"#;
    vec![
        row("gap: a start at 02:30 comes when it is over", r#"start: "30 2 * * *", duration: 1h, timeZone: Europe/Zurich"#, "2026-03-29 03:00 +02:00", "open until 2026-03-29 04:00 +02:00"),
        row("gap: an end at 02:30 comes when it is over", r#"start: "0 1 * * *", end: "30 2 * * *", timeZone: Europe/Zurich"#, "2026-03-29 01:59 +01:00", "open until 2026-03-29 03:00 +02:00"),
        row("gap: start and end within it", r#"start: "30 2 * * *", end: "45 2 * * *", timeZone: Europe/Zurich"#, "2026-03-29 03:00 +02:00", "closed until 2026-03-30 02:30 +02:00"),
        row("gap: from 02:30 until its end", r#"start: "30 2 * * *", end: "0 3 * * *", timeZone: Europe/Zurich"#, "2026-03-29 03:00 +02:00", "closed until 2026-03-30 02:30 +02:00"),
        row("gap: a list of hours is a set of times", r#"start: "0 2,14 * * *", duration: 1h, timeZone: Europe/Zurich"#, "2026-03-29 03:00 +02:00", "open until 2026-03-29 04:00 +02:00"),
        row("gap: an expression with `*` skips it", r#"start: "*/30 2 * * *", duration: 10m, timeZone: Europe/Zurich"#, "2026-03-29 03:00 +02:00", "closed until 2026-03-30 02:00 +02:00"),
        row("gap at midnight (Cairo): a start at 00:00", CAIRO, "2026-04-24 01:00 +03:00", "open until 2026-04-24 02:00 +03:00"),
        row("gap at midnight (Cairo): an end at 00:00", r#"start: "0 20 * * THU", end: "0 0 * * FRI", timeZone: Africa/Cairo"#, "2026-04-23 23:59 +02:00", "open until 2026-04-24 01:00 +03:00"),
        row("gap at midnight (Cairo): the date is excepted", r#"start: "0 0 * * FRI", duration: 1h, except: ["2026-04-24"], timeZone: Africa/Cairo"#, "2026-04-24 01:00 +03:00", "closed until 2026-05-01 00:00 +03:00"),
        row("gap before midnight (Nuuk): a Saturday's end comes on Sunday", r#"start: "0 8 * * SAT", end: "30 23 * * SAT", timeZone: America/Nuuk"#, "2026-03-28 22:59 -02:00", "open until 2026-03-29 00:00 -01:00"),
    ]
}

fn overlaps() -> Vec<Row> {
    const ZURICH: &str = r#"start: "30 2 * * *", duration: 1h, timeZone: Europe/Zurich"#;
    const NEW_YORK: &str = r#"start: "30 1 * * *", end: "45 1 * * *", timeZone: America/New_York"#;
    vec![
        row("overlap: the first 02:30", ZURICH, "2026-10-25 02:30 +02:00", "open until 2026-10-25 02:30 +01:00"),
        row("overlap: not the second 02:30", ZURICH, "2026-10-25 02:30 +01:00", "closed until 2026-10-26 02:30 +01:00"),
        row("overlap: the first 01:30", NEW_YORK, "2026-11-01 01:30 -04:00", "open until 2026-11-01 01:45 -04:00"),
        row("overlap: not the second 01:30", NEW_YORK, "2026-11-01 01:30 -05:00", "closed until 2026-11-02 01:30 -05:00"),
        row("overlap: an expression with `*` comes in both hours", r#"start: "*/30 1 * * *", duration: 10m, timeZone: America/New_York"#, "2026-11-01 01:30 -05:00", "open until 2026-11-01 01:40 -05:00"),
        row("overlap: a window over it is an hour longer", r#"start: "0 1 * * *", end: "0 4 * * *", timeZone: Europe/Zurich"#, "2026-10-25 02:30 +01:00", "open until 2026-10-25 04:00 +01:00"),
    ]
}

fn dates() -> Vec<Row> {
    vec![
        row("leap day", r#"start: "0 0 29 2 *", duration: 1d"#, "2026-11-20 12:00 +00:00", "closed until 2028-02-29 00:00 +00:00"),
        row("leap day, on it", r#"start: "0 0 29 2 *", duration: 1d"#, "2028-02-29 12:00 +00:00", "open until 2028-03-01 00:00 +00:00"),
        row("the 13th or a Friday: a Friday", r#"start: "0 0 13 * FRI", duration: 1d"#, "2026-11-20 12:00 +00:00", "open until 2026-11-21 00:00 +00:00"),
        row("the 13th or a Friday: the 13th", r#"start: "0 0 13 * FRI", duration: 1d"#, "2026-12-13 12:00 +00:00", "open until 2026-12-14 00:00 +00:00"),
        row("a Friday the 13th (`+`)", r#"start: "0 0 13 * +FRI", duration: 1d"#, "2026-11-20 12:00 +00:00", "closed until 2027-08-13 00:00 +00:00"),
        row("each other day, or a Monday", r#"start: "0 0 */2 * MON", duration: 1h"#, "2026-11-30 00:00 +00:00", "open until 2026-11-30 01:00 +00:00"),
        row("the second Tuesday (`#`)", r#"start: "0 3 * * TUE#2", duration: 1h"#, "2026-11-20 12:00 +00:00", "closed until 2026-12-08 03:00 +00:00"),
        row("the month's last day (`L`)", r#"start: "0 0 L * *", duration: 1d"#, "2026-11-20 12:00 +00:00", "closed until 2026-11-30 00:00 +00:00"),
    ]
}
