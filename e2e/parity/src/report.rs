//! The table and the page: `docs/parity.md`.
//!
//! Pure. Must never judge by anything but the difference of two tracks and the scenario's own word.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::compare::{Difference, Track};
use crate::scenario::Scenario;

/// Counts shown of a track: enough for every scenario that does not oscillate.
const SHOWN: usize = 9;

/// A played scenario.
pub struct Played {
    pub scenario: Scenario,
    pub tracks: [Track; 2],
    pub difference: Difference,
}

/// What becomes of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both did the same, within the lag.
    Agrees,
    /// They differ by a rule that the scenario names.
    Intended,
    /// They differ.
    Differs,
}

impl Played {
    /// What becomes of it.
    pub fn verdict(&self) -> Verdict {
        match (self.difference.largest, &self.scenario.intended) {
            (0, _) => Verdict::Agrees,
            (_, Some(_)) => Verdict::Intended,
            (_, None) => Verdict::Differs,
        }
    }

    fn row(&self) -> String {
        let Played {
            scenario,
            tracks: [hpa, other],
            difference,
        } = self;
        let verdict = match (self.verdict(), &scenario.intended) {
            (Verdict::Agrees, _) => "agrees".to_owned(),
            (Verdict::Intended, Some(rule)) => format!("intended: [{rule}](#{rule})"),
            _ => "**differs**".to_owned(),
        };
        format!(
            "| {} | {} | {} | {} | {} | {:.1} s | {verdict} |",
            scenario.name,
            scenario.shows,
            path(hpa),
            path(other),
            difference.largest,
            difference.longest.as_secs_f64()
        )
    }
}

/// The counts that a track went through, with the second of each change.
fn path(track: &Track) -> String {
    let mut text = String::new();
    for (index, (at, replicas)) in track.changes.iter().take(SHOWN).enumerate() {
        let _ = match index {
            0 => write!(text, "{replicas}"),
            _ => write!(text, " →{replicas} at {}", at.as_secs()),
        };
    }
    match track.changes.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} … {more} more"),
    }
}

/// The table.
pub fn table(played: &[Played], other: &str) -> String {
    let mut text = format!(
        "| scenario | what it shows | HPA | {other} | largest difference | longest disagreement | verdict |\n\
         |---|---|---|---|--:|--:|---|\n"
    );
    for one in played {
        text.push_str(&one.row());
        text.push('\n');
    }
    text
}

/// The page.
pub fn page(table: &str, intended: &BTreeMap<String, String>, date: &str, sync: Duration, lag: Duration) -> String {
    let head = include_str!("head.md")
        .replace("DATE", date)
        .replace("SYNC", &sync.as_secs().to_string())
        .replace("LAG", &lag.as_secs().to_string());
    let mut text = format!("{head}\n{table}\n## Differences that are intended\n");
    for (rule, why) in intended {
        let _ = write!(text, "### {rule}\n{}\n\n", why.trim());
    }
    text.push_str(include_str!("tail.md"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::scenarios;

    fn played(largest: i32, intended: Option<&str>) -> Played {
        let mut scenario = scenarios("steady").unwrap().remove(0);
        scenario.intended = intended.map(str::to_owned);
        let mut track = Track::default();
        for (at, replicas) in [(0, 4), (31, 6)] {
            track.note(Duration::from_secs(at), replicas);
        }
        let longest = Duration::from_millis(2500);
        Played {
            scenario,
            tracks: [track.clone(), track],
            difference: Difference { largest, longest },
        }
    }

    #[test]
    fn a_difference_is_intended_only_where_the_scenario_says_so() {
        assert_eq!(played(0, None).verdict(), Verdict::Agrees);
        assert_eq!(played(0, Some("rule")).verdict(), Verdict::Agrees);
        assert_eq!(played(1, Some("rule")).verdict(), Verdict::Intended);
        assert_eq!(played(1, None).verdict(), Verdict::Differs);
    }

    #[test]
    fn a_row_shows_both_paths_and_what_lies_between() {
        let table = table(&[played(1, None)], "Headroom");
        assert!(
            table.ends_with("| 4 →6 at 31 | 4 →6 at 31 | 1 | 2.5 s | **differs** |\n"),
            "{table}"
        );
    }

    #[test]
    fn the_page_explains_every_rule() {
        let rules = crate::scenario::intended().unwrap();
        let page = page(
            "TABLE",
            &rules,
            "2026-11-25",
            Duration::from_secs(5),
            Duration::from_secs(7),
        );
        assert!(page.contains("2026-11-25") && page.contains("TABLE"), "{page}");
        assert!(page.contains("### exact-percent\nA percentage"), "{page}");
    }
}
