//! The charts over time as SVG: load and capacity, replicas, the forecast; shortages, windows and winners as bands.
//!
//! Neighbours: `plot.rs` draws, `axes.rs` chooses marks.

use jiff::Timestamp;
use plotters::style::text_anchor::{HPos, VPos};

use super::super::timeline::{Column, Evidence, Timeline, folded};
use super::plot::{Axes, FINE, Plot, Size, draw, palette};
use super::{RenderError, axes};

/// The strip of winners and the space above it, in CSS pixels.
const STRIP: i32 = 9;
const GAP: i32 = 5;

/// Columns, and the time that they span: what a chart shows.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    columns: &'a [Column],
    from: Timestamp,
    to: Timestamp,
}

impl<'a> Stretch<'a> {
    /// Columns that begin with the first and end at `to`.
    pub(super) fn new(columns: &'a [Column], to: Timestamp) -> Self {
        Stretch {
            columns,
            from: columns.first().map_or(Timestamp::UNIX_EPOCH, |c| c.at),
            to,
        }
    }

    fn time(self) -> (Timestamp, Timestamp) {
        (self.from, self.to)
    }
}

impl<'a> From<&'a Timeline> for Stretch<'a> {
    fn from(timeline: &'a Timeline) -> Self {
        Stretch::new(timeline.columns(), timeline.end())
    }
}

/// The highest load or capacity: what a value axis must reach.
pub(super) fn most(columns: &[Column]) -> f64 {
    let most = |c: &Column| c.load.max.max(c.capacity.max);
    columns.iter().map(most).fold(0.0, f64::max)
}

/// Load over the area that the ready replicas carry, with the shortages marked; the axis reaches `most`.
pub(super) fn load(stretch: Stretch<'_>, most: f64, size: Size) -> Result<String, RenderError> {
    let columns = folded(stretch.columns, size.columns);
    let marks = axes::values(most, size.values);
    draw(size, &Axes::over_time(stretch.time(), size, &marks, 0), |plot| {
        let carried = plot.steps(&columns, |c| c.capacity);
        plot.area(&carried, palette::READY, 0.16)?;
        plot.line(carried, palette::READY, 1.0, 0.9)?;
        plot.line(plot.curve(&columns, |c| c.load), palette::LOAD, 1.5, 1.0)?;
        shortages(plot, &columns)
    })
}

/// The load within the forecast's band.
pub(super) fn forecast(stretch: Stretch<'_>, size: Size) -> Result<String, RenderError> {
    let columns = folded(stretch.columns, size.columns);
    let most = columns.iter().map(|c| c.load.max.max(c.upper.max)).fold(0.0, f64::max);
    let marks = axes::values(most, size.values);
    draw(size, &Axes::over_time(stretch.time(), size, &marks, 0), |plot| {
        // Nothing is drawn across a time without a forecast.
        for known in columns.chunk_by(|a, b| a.upper.max.is_nan() == b.upper.max.is_nan()) {
            let (low, high) = (
                plot.through(known, |c| c.expected.min),
                plot.through(known, |c| c.upper.max),
            );
            plot.between(&low, &high, palette::FORECAST, 0.2)?;
            plot.line(high, palette::FORECAST, 1.0, 0.9)?;
        }
        plot.line(plot.curve(&columns, |c| c.load), palette::LOAD, 1.5, 1.0)
    })
}

/// Replicas asked for and ready, with windows behind and winners below.
pub(super) fn replicas(timeline: &Timeline, size: Size) -> Result<String, RenderError> {
    let stretch = Stretch::from(timeline);
    let columns = folded(stretch.columns, size.columns);
    let most = columns
        .iter()
        .map(|c| c.desired.max.max(c.ready.max))
        .fold(0.0, f64::max);
    // The windows' names stand above the lines.
    let room = if timeline.windows.is_empty() { 1.0 } else { 1.1 };
    let marks = axes::counts(most * room, size.values);
    draw(
        size,
        &Axes::over_time(stretch.time(), size, &marks, STRIP + GAP),
        |plot| {
            windows(plot, &columns, &timeline.windows)?;
            let ready = plot.steps(&columns, |c| c.ready);
            plot.area(&ready, palette::READY, 0.16)?;
            plot.line(ready, palette::READY, 1.0, 0.9)?;
            plot.line(plot.steps(&columns, |c| c.desired), palette::DESIRED, 1.5, 1.0)?;
            let top = plot.bottom + GAP * FINE;
            for (from, to, winner) in plot.runs(&columns, |c| Some(c.winner())) {
                let color = match winner {
                    Evidence::Metric => palette::LOAD,
                    Evidence::Schedule => palette::SCHEDULE,
                    Evidence::Forecast => palette::FORECAST,
                    Evidence::Nobody => palette::NOBODY,
                };
                plot.band((from, to), (top, top + STRIP * FINE), color, 1.0)?;
            }
            Ok(())
        },
    )
}

/// Red bands; a run of seconds in a chart of weeks still is a line that one can see.
fn shortages(plot: &Plot<'_>, columns: &[Column]) -> Result<(), RenderError> {
    for (from, to, ()) in plot.runs(columns, |c| (c.short > 0).then_some(())) {
        let (from, to) = (from - FINE / 2, to.max(from + FINE));
        plot.band((from, to), (plot.top, plot.bottom), palette::SHORT, 0.22)?;
        let flag = (plot.top, plot.top + 4 * FINE);
        plot.band((from - FINE, to + FINE), flag, palette::SHORT, 1.0)?;
    }
    Ok(())
}

fn windows(plot: &Plot<'_>, columns: &[Column], names: &[String]) -> Result<(), RenderError> {
    let mut free = 0;
    for (from, to, window) in plot.runs(columns, |c| c.window) {
        let to = to.max(from + FINE);
        plot.band((from, to), (plot.top, plot.bottom), palette::SCHEDULE, 0.16)?;
        let name = names.get(window).map_or("", String::as_str);
        // A label beside the last one, not across it: about 0.6 of the font's height to a letter.
        let width = name.chars().count() as i32 * plot.font * FINE * 3 / 5;
        if from >= free && from + width <= plot.right {
            let at = (from + 2 * FINE, plot.top);
            plot.text(name, at, palette::SCHEDULE, HPos::Left, VPos::Top)?;
            free = from + width + 8 * FINE;
        }
    }
    Ok(())
}
