//! A load over time: read from `timestamp,value` CSV, interpolated between its samples, averaged over windows.
//!
//! Reads from any `Read` (`mod.rs` opens the files) and refuses what cannot be replayed, naming file, line, value and
//! remedy. It must never look at anything but the samples; what it says about an instant may depend on the sample that
//! follows it, because the load between two is a straight line, and on none after that. Neighbours: `observe.rs` asks
//! for means, `replay.rs` for the load itself.

use std::fmt::Write as _;
use std::io::Read;

use jiff::{SignedDuration, Timestamp};

/// A distance between samples beyond this multiple of what is usual there is a hole: one sample that was missed, or
/// two, is jitter.
const FEW: i64 = 3;
/// Distances on each side of one that tell what is usual there. Ten, because history and trace may have steps of their
/// own, and more holes than samples are unlikely within twenty.
const NEAR: usize = 10;

/// Loads above this are mistakes, as for the forecaster.
const LARGEST_LOAD: f64 = 1e30;

/// Samples in time order; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    at: Vec<i64>,
    value: Vec<f64>,
}

/// Stretches without samples, oldest first.
#[derive(Clone, Debug)]
pub struct Holes(Vec<(i64, i64)>);

impl Holes {
    /// Whether the `window` that ends at `to` reaches into a hole.
    pub fn touch(&self, to: Timestamp, window: SignedDuration) -> bool {
        let to = nanos(to);
        let from = to.saturating_sub(i64::try_from(window.as_nanos()).unwrap_or(i64::MAX));
        let next = self.0.partition_point(|(_, end)| *end <= from);
        self.0.get(next).is_some_and(|(start, _)| *start < to)
    }
}

/// A file that is no trace; says which line and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// The file is not CSV, or reading it failed.
    #[error("{file}: cannot be read as CSV: {source}")]
    Csv {
        /// The file's name.
        file: String,
        /// What the CSV reader says, with the position.
        source: csv::Error,
    },
    /// The header lacks a column.
    #[error(
        "{file}, line 1: the header is {header:?} and has no column {column:?}; start the file with \"timestamp,value\""
    )]
    Header {
        /// The file's name.
        file: String,
        /// The first line.
        header: String,
        /// The column that is missing.
        column: &'static str,
    },
    /// A row is no sample.
    #[error("{file}, line {line}: {problem}")]
    Row {
        /// The file's name.
        file: String,
        /// Line in the file; the header is line 1.
        line: u64,
        /// The value and the remedy.
        problem: String,
    },
    /// There is a header and nothing else.
    #[error("{file}: has no rows; give one line for each sample, such as 2026-11-20T08:00:00Z,1250")]
    Empty {
        /// The file's name.
        file: String,
    },
}

impl Series {
    /// Reads `timestamp,value` rows: RFC 3339 timestamps in strictly rising order, loads from 0 up. Other columns are
    /// ignored.
    ///
    /// # Errors
    /// [`SeriesError`] at the first row that is no sample, comes out of order or twice.
    pub fn read(input: impl Read, file: &str) -> Result<Self, SeriesError> {
        let csv_error = |source| SeriesError::Csv {
            file: file.to_owned(),
            source,
        };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let header = reader.headers().map_err(csv_error)?.clone();
        let column = |name: &'static str| {
            header
                .iter()
                .position(|c| c == name)
                .ok_or_else(|| SeriesError::Header {
                    file: file.to_owned(),
                    header: header.iter().collect::<Vec<_>>().join(","),
                    column: name,
                })
        };
        let (timestamp, value) = (column("timestamp")?, column("value")?);
        let mut series = Series {
            at: Vec::new(),
            value: Vec::new(),
        };
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(csv_error)? {
            let field = |i| record.get(i).unwrap_or_default();
            series
                .push_text(field(timestamp), field(value))
                .map_err(|problem| SeriesError::Row {
                    file: file.to_owned(),
                    line: record.position().map_or(0, csv::Position::line),
                    problem,
                })?;
        }
        if series.at.is_empty() {
            return Err(SeriesError::Empty { file: file.to_owned() });
        }
        Ok(series)
    }

    /// The series of these samples, or `None` where they are empty, out of order or no loads.
    pub fn new(samples: impl IntoIterator<Item = (Timestamp, f64)>) -> Option<Self> {
        let mut series = Series {
            at: Vec::new(),
            value: Vec::new(),
        };
        for (at, value) in samples {
            let at = nanos(at);
            if !(0.0..=LARGEST_LOAD).contains(&value) || series.at.last().is_some_and(|last| *last >= at) {
                return None;
            }
            series.at.push(at);
            series.value.push(value);
        }
        (!series.at.is_empty()).then_some(series)
    }

    fn push_text(&mut self, timestamp: &str, value: &str) -> Result<(), String> {
        let at: Timestamp = timestamp.parse().map_err(|_| {
            format!("{timestamp:?} is not a timestamp; write RFC 3339 in UTC, such as 2026-11-20T08:00:00Z")
        })?;
        let load = value
            .parse()
            .ok()
            .filter(|v| (0.0..=LARGEST_LOAD).contains(v))
            .ok_or_else(|| {
                format!(
                    "{value:?} is not a load; write a number from 0 up, or leave the row out: gaps are interpolated"
                )
            })?;
        if let Some(&last) = self.at.last() {
            let last = timestamp_of(last);
            if at == last {
                return Err(format!("{at} is there twice; keep one row for each instant"));
            }
            if at < last {
                return Err(format!("{at} comes after {last}; sort the rows by time, oldest first"));
            }
        }
        self.at.push(nanos(at));
        self.value.push(load);
        Ok(())
    }

    /// This series with the samples of `older` that lie before its first one in front, and how many of `older` do not.
    pub fn after(mut self, mut older: Series) -> (Self, usize) {
        let Some(first) = self.at.first().copied() else {
            return (older, 0);
        };
        let kept = older.at.partition_point(|at| *at < first);
        let dropped = older.at.len() - kept;
        older.at.truncate(kept);
        older.value.truncate(kept);
        older.at.append(&mut self.at);
        older.value.append(&mut self.value);
        (older, dropped)
    }

    /// As the CSV that [`read`](Self::read) reads; nothing is rounded.
    pub fn csv(&self) -> String {
        let mut csv = String::from("timestamp,value\n");
        for (at, value) in self.at.iter().zip(&self.value) {
            // Writing to a String cannot fail.
            let _ = writeln!(csv, "{},{value}", timestamp_of(*at));
        }
        csv
    }

    /// How many samples there are; never 0.
    pub fn rows(&self) -> usize {
        self.at.len()
    }

    /// The instant of the first sample.
    pub fn first(&self) -> Timestamp {
        self.at.first().map_or(Timestamp::UNIX_EPOCH, |at| timestamp_of(*at))
    }

    /// The instant of the last sample.
    pub fn last(&self) -> Timestamp {
        self.at.last().map_or(Timestamp::UNIX_EPOCH, |at| timestamp_of(*at))
    }

    /// Where the load is a straight line only because nobody knows it.
    pub fn holes(&self) -> Holes {
        let steps: Vec<i64> = self.at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        let usual = |i: usize| {
            let near = i.saturating_sub(NEAR)..(i + NEAR + 1).min(steps.len());
            let mut near = steps.get(near).unwrap_or_default().to_vec();
            let middle = near.len() / 2;
            *near.select_nth_unstable(middle).1
        };
        let long = |(i, step): &(usize, &i64)| **step > usual(*i).saturating_mul(FEW);
        let ends = |(i, _)| Some((*self.at.get(i)?, *self.at.get(i + 1)?));
        Holes(steps.iter().enumerate().filter(long).filter_map(ends).collect())
    }

    /// The longest step between two samples that [from, to] touches, and the sample it begins with.
    pub fn longest_step(&self, from: Timestamp, to: Timestamp) -> (SignedDuration, Timestamp) {
        let (from, to) = (nanos(from), nanos(to));
        let steps = self.at.windows(2).filter(|pair| pair[1] > from && pair[0] < to);
        // The first of equals: `max_by_key` alone would name the last.
        let longest = steps.rev().max_by_key(|pair| pair[1] - pair[0]);
        longest.map_or((SignedDuration::ZERO, self.first()), |pair| {
            (SignedDuration::from_nanos(pair[1] - pair[0]), timestamp_of(pair[0]))
        })
    }

    /// The load at an instant: linear between samples, the first one's before it and the last one's after it.
    pub fn load(&self, at: Timestamp) -> f64 {
        let at = nanos(at);
        self.value_at(at, self.at.partition_point(|t| *t <= at))
    }

    /// The load's mean over the `window` that ends at `to`.
    pub fn mean(&self, to: Timestamp, window: SignedDuration) -> f64 {
        let to = nanos(to);
        let from = to.saturating_sub(i64::try_from(window.as_nanos()).unwrap_or(i64::MAX));
        let mut next = self.at.partition_point(|t| *t <= from);
        let (mut at, mut value) = (from, self.value_at(from, next));
        if from >= to {
            return value;
        }
        let mut area = 0.0;
        while let (Some(&t), Some(&v)) = (self.at.get(next), self.value.get(next))
            && t < to
        {
            area += 0.5 * (value + v) * (t - at) as f64;
            (at, value) = (t, v);
            next += 1;
        }
        area += 0.5 * (value + self.value_at(to, self.at.partition_point(|t| *t <= to))) * (to - at) as f64;
        area / (to - from) as f64
    }

    /// The load at `at`, given the index of the first sample after it.
    fn value_at(&self, at: i64, next: usize) -> f64 {
        let last = next
            .checked_sub(1)
            .and_then(|i| Some((*self.at.get(i)?, *self.value.get(i)?)));
        let following = self.at.get(next).copied().zip(self.value.get(next).copied());
        match (last, following) {
            (Some((t, v)), Some((u, w))) if at > t => v + (w - v) * ((at - t) as f64 / (u - t) as f64),
            (Some((_, v)), _) | (None, Some((_, v))) => v,
            (None, None) => 0.0,
        }
    }
}

/// Nanoseconds since 1970; beyond the years 1678 and 2261 the nearest of them.
fn nanos(at: Timestamp) -> i64 {
    let clamped = at.as_nanosecond().clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(clamped).unwrap_or(0)
}

fn timestamp_of(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn refuses(csv: &str, message: &str) {
        let error = Series::read(csv.as_bytes(), "t.csv").unwrap_err().to_string();
        assert_eq!(error, message);
    }

    #[test]
    fn bad_files_name_line_value_and_remedy() {
        refuses(
            "time,value\n",
            "t.csv, line 1: the header is \"time,value\" and has no column \"timestamp\"; start the file with \"timestamp,value\"",
        );
        refuses(
            "timestamp,value\n",
            "t.csv: has no rows; give one line for each sample, such as 2026-11-20T08:00:00Z,1250",
        );
        refuses(
            "timestamp,value\n20.11.2026 08:00,1\n",
            "t.csv, line 2: \"20.11.2026 08:00\" is not a timestamp; write RFC 3339 in UTC, such as 2026-11-20T08:00:00Z",
        );
        for bad in ["-1", "NaN", "inf", "", "12 rps"] {
            refuses(
                &format!("timestamp,value\n2026-11-20T08:00:00Z,1\n2026-11-20T08:01:00Z,{bad}\n"),
                &format!(
                    "t.csv, line 3: {bad:?} is not a load; write a number from 0 up, or leave the row out: gaps are interpolated"
                ),
            );
        }
        refuses(
            "timestamp,value\n2026-11-20T08:01:00Z,1\n2026-11-20T08:00:00Z,1\n",
            "t.csv, line 3: 2026-11-20T08:00:00Z comes after 2026-11-20T08:01:00Z; sort the rows by time, oldest first",
        );
        refuses(
            "timestamp,value\n2026-11-20T08:00:00Z,1\n2026-11-20T09:00:00+01:00,1\n",
            "t.csv, line 3: 2026-11-20T08:00:00Z is there twice; keep one row for each instant",
        );
        refuses(
            "timestamp,value\n2026-11-20T08:00:00Z\n",
            "t.csv: cannot be read as CSV: CSV error: record 1 (line: 2, byte: 16): found record with 1 fields, but the previous record has 2 fields",
        );
    }

    #[test]
    fn columns_are_found_by_name() {
        let csv = "\u{feff}host,timestamp, value\na,2026-11-20T08:00:00Z, 7.5\n";
        let series = Series::read(csv.as_bytes(), "t.csv").unwrap();
        assert_eq!(series.load(at("2026-11-20T08:00:00Z")), 7.5);
    }

    #[test]
    fn loads_are_linear_and_means_are_areas() {
        let samples = [
            (at("2026-11-20T08:00:00Z"), 0.0),
            (at("2026-11-20T08:01:00Z"), 60.0),
            (at("2026-11-20T08:02:00Z"), 60.0),
        ];
        let series = Series::new(samples).unwrap();
        let minute = SignedDuration::from_mins(1);
        // instant, load, mean of the minute before
        let table = [
            ("2026-11-20T07:00:00Z", 0.0, 0.0),
            ("2026-11-20T08:00:00Z", 0.0, 0.0),
            ("2026-11-20T08:00:30Z", 30.0, 7.5),
            ("2026-11-20T08:01:00Z", 60.0, 30.0),
            ("2026-11-20T08:01:30Z", 60.0, 52.5),
            ("2026-11-20T09:00:00Z", 60.0, 60.0),
        ];
        for (instant, load, mean) in table {
            assert_eq!(
                (series.load(at(instant)), series.mean(at(instant), minute)),
                (load, mean),
                "{instant}"
            );
        }
    }

    #[test]
    fn holes_are_long_for_where_they_are() {
        // Steps in minutes, and the holes among them by index.
        let check = |steps: &[i64], expected: &[usize]| {
            let mut minutes = vec![0];
            minutes.extend(steps.iter().scan(0, |at, step| {
                *at += step;
                Some(*at)
            }));
            let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
            let series = Series::new(minutes.iter().map(|m| (at(*m), 1.0))).unwrap();
            let expected: Vec<_> = expected
                .iter()
                .map(|i| (nanos(at(minutes[*i])), nanos(at(minutes[*i + 1]))))
                .collect();
            assert_eq!(series.holes().0, expected, "{steps:?}");
        };
        check(&[], &[]);
        check(&[60], &[]);
        check(&[1, 1, 3, 1], &[]);
        check(&[1, 1, 4, 1, 90, 1], &[2, 4]);
        // History every five minutes, a trace every minute, and a day between them.
        check(&[vec![5; 30], vec![1; 30]].concat(), &[]);
        check(&[vec![5; 30], vec![1440], vec![1; 30]].concat(), &[30]);
    }

    #[test]
    fn a_window_touches_a_hole_it_overlaps() {
        let second = |s| Timestamp::from_second(s).unwrap();
        let holes = Holes(vec![(nanos(second(100)), nanos(second(200)))]);
        for (to, touches) in [(100, false), (101, true), (200, true), (259, true), (260, false)] {
            assert_eq!(holes.touch(second(to), SignedDuration::from_secs(60)), touches, "{to}");
        }
    }

    #[test]
    fn history_goes_in_front_and_never_replaces_the_trace() {
        let series = |loads: &[(&str, f64)]| Series::new(loads.iter().map(|(t, v)| (at(t), *v))).unwrap();
        let trace = series(&[("2026-11-20T08:00:00Z", 1.0), ("2026-11-20T09:00:00Z", 2.0)]);
        let history = series(&[("2026-11-20T07:00:00Z", 5.0), ("2026-11-20T08:30:00Z", 9.0)]);
        let (joined, dropped) = trace.after(history);
        let expected = series(&[
            ("2026-11-20T07:00:00Z", 5.0),
            ("2026-11-20T08:00:00Z", 1.0),
            ("2026-11-20T09:00:00Z", 2.0),
        ]);
        assert_eq!((joined, dropped), (expected, 1));
    }
}
