//! Schedules: both forms of a window, excepted dates, lead times and limits.

use super::check;

#[test]
fn schedules() {
    let s = |s: &str| format!("maxReplicas: 9\nschedules: [{{name: w, {s}}}]");
    let field = |f: &str| format!("schedules[w].{f}");
    let w = "start: '0 8 * * *'";
    for bad in [
        "0 8 * *",
        "0 0 8 * * *",
        "61 * * * *",
        "0 25 * * *",
        "0 8 * * FOO",
        "often",
        "",
        "0 8 32 * *",
        "@daily",
    ] {
        let text = s(&format!("start: {bad:?}, duration: 1h, minReplicas: 2"));
        check(
            &text,
            &field("start"),
            &[&format!("{bad:?} is not a cron expression"), "five fields"],
        );
    }
    // An end that never comes would leave the window open for ever.
    check(
        &s(&format!("{w}, end: '0 18 30 2 *', minReplicas: 2")),
        &field("end"),
        &["\"0 18 30 2 *\" never comes", "a date that exists"],
    );
    check(
        &s(&format!("{w}, end: '0 0 18 * * *', minReplicas: 2")),
        &field("end"),
        &["not a cron expression"],
    );
    for same in ["0 8 * * *", "00 8 * * *"] {
        check(
            &s(&format!("{w}, end: '{same}', minReplicas: 2")),
            &field("end"),
            &[&format!("{same:?} equals start"), "duration"],
        );
    }
    check(
        &s(&format!("{w}, minReplicas: 2")),
        &field("end"),
        &["exactly one of end"],
    );
    check(
        &s(&format!("{w}, end: '0 9 * * *', duration: 1h, minReplicas: 2")),
        &field("end"),
        &["exactly one of end"],
    );
    check(
        &s(&format!("{w}, duration: 10s, minReplicas: 2")),
        &field("duration"),
        &["\"10s\" is out of range", "1m"],
    );
    check(
        &s(&format!("{w}, duration: 400d, minReplicas: 2")),
        &field("duration"),
        &["\"400d\" is out of range", "366d"],
    );
    for zone in ["Europe/Zurch", "CETX", "", "+02:00", "../etc/passwd"] {
        let text = s(&format!("{w}, timeZone: {zone:?}, duration: 1h, minReplicas: 2"));
        check(
            &text,
            &field("timeZone"),
            &[&format!("{zone:?} is not a known IANA time zone"), "Europe/Zurich"],
        );
    }
    check(
        &s(&format!("{w}, duration: 1h")),
        &field("replicas"),
        &["minReplicas and/or maxReplicas"],
    );
    check(
        &s(&format!("{w}, duration: 1h, replicas: 2, maxReplicas: 3")),
        &field("replicas"),
        &["exact count", "minReplicas and/or maxReplicas"],
    );
    check(
        &s(&format!("{w}, duration: 1h, minReplicas: 5, maxReplicas: 4")),
        &field("minReplicas"),
        &["5 exceeds", "(4)"],
    );
    check(
        &s(&format!("{w}, duration: 1h, minReplicas: 12")),
        &field("minReplicas"),
        &["12 exceeds", "(9)", "maxReplicas of its own"],
    );
    check(
        &s(&format!("{w}, duration: 1h, minReplicas: 0")),
        &field("minReplicas"),
        &["0 is not a replica count"],
    );
    let twice = format!(
        "maxReplicas: 9\nschedules: [{{name: w, {w}, duration: 1h, minReplicas: 2}}, {{name: w, {w}, duration: 1h, minReplicas: 3}}]"
    );
    check(&twice, "schedules[w].name", &["\"w\" is used twice"]);
}

#[test]
fn windows_that_are_open_once() {
    let s = |s: &str| format!("maxReplicas: 9\nschedules: [{{name: w, {s}, minReplicas: 2}}]");
    let field = |f: &str| format!("schedules[w].{f}");
    let (from, until) = ("from: '2026-11-27T00:00:00'", "until: '2026-11-30T23:59:59'");
    let start = "start: '0 8 * * *', duration: 1h";
    check(
        &s("timeZone: UTC"),
        &field("start"),
        &["exactly one of start (a cron expression", "and from (a date and time"],
    );
    check(
        &s(&format!("{start}, {from}, {until}")),
        &field("start"),
        &["exactly one of start"],
    );
    check(&s(from), &field("until"), &["is missing", "2026-11-30T23:00:00"]);
    check(
        &s(&format!("{start}, {until}")),
        &field("until"),
        &["belongs to from", "end instead"],
    );
    for more in ["end: '0 9 * * *'", "duration: 1h", "except: ['2026-11-28']"] {
        check(
            &s(&format!("{from}, {until}, {more}")),
            &field("from"),
            &["end, duration and except belong to a window that recurs"],
        );
    }
    for until in ["2026-11-27T00:00:00", "2026-11-26T23:59:59"] {
        check(
            &s(&format!("{from}, until: '{until}'")),
            &field("until"),
            &[&format!("{until} must be later than from (2026-11-27T00:00:00)")],
        );
    }
    for bad in [
        "2026-02-30T00:00:00",
        "2026-11-27T24:00:00",
        "2026-11-27T00:00:60",
        "2026-11-27T00:00",
        "2026-11-27 00:00:00",
        "2026-11-27T00:00:00Z",
        "2026-11-27T00:00:00+01:00",
        "2026-11-27",
        "20261127T000000",
        "tomorrow",
        "",
    ] {
        check(
            &s(&format!("from: {bad:?}, {until}")),
            &field("from"),
            &[
                &format!("{bad:?} is not a date and time that exists"),
                "without a zone",
                "2026-11-27T00:00:00",
            ],
        );
    }
}

#[test]
fn excepted_dates_and_lead_times() {
    let s = |s: &str| format!("maxReplicas: 9\nschedules: [{{name: w, start: '0 8 * * *', duration: 1h, {s}}}]");
    let field = |f: &str| format!("schedules[w].{f}");
    for bad in [
        "2026-02-29",
        "25.12.2026",
        "2026-12-25T00:00:00",
        "20261225",
        "2026-1-1",
        "Christmas",
        "",
    ] {
        check(
            &s(&format!("minReplicas: 2, except: ['2026-12-24', {bad:?}]")),
            &field("except[1]"),
            &[&format!("{bad:?} is not a date that exists"), "2026-12-25"],
        );
    }
    check(
        &s("minReplicas: 2, except: ['2026-12-25', '2026-12-26', '2026-12-25']"),
        &field("except[2]"),
        &["2026-12-25 is there twice"],
    );
    check(
        &s("maxReplicas: 2, leadTime: auto"),
        &field("leadTime"),
        &[
            "\"auto\" has nothing to do",
            "a ceiling never acts early",
            "give minReplicas or replicas",
        ],
    );
}
