//! The charts as SVG, through plotters: lines as envelopes of their columns, shortages, windows and winners as bands.
//!
//! Knows columns and pixels, not what they mean to anybody. Every colour has a name here and its dark twin in `page.css`,
//! which finds it by its value.

use jiff::Timestamp;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::timeline::{Column, Evidence, Span, Timeline};
use super::{RenderError, axes};

/// The palette, light; `page.css` has the dark one.
mod palette {
    use plotters::style::RGBColor;

    pub const INK: RGBColor = RGBColor(0x5B, 0x64, 0x72);
    pub const GRID: RGBColor = RGBColor(0xE3, 0xE7, 0xED);
    pub const LOAD: RGBColor = RGBColor(0x1D, 0x4E, 0xD8);
    pub const READY: RGBColor = RGBColor(0x0D, 0x94, 0x88);
    pub const SHORT: RGBColor = RGBColor(0xDC, 0x26, 0x26);
    pub const DESIRED: RGBColor = RGBColor(0x33, 0x41, 0x55);
    pub const SCHEDULE: RGBColor = RGBColor(0xD9, 0x77, 0x06);
    pub const FORECAST: RGBColor = RGBColor(0xC0, 0x26, 0xD3);
    pub const NOBODY: RGBColor = RGBColor(0x9C, 0xA3, 0xAF);
    #[cfg(test)]
    pub const ALL: [RGBColor; 9] = [INK, GRID, LOAD, READY, SHORT, DESIRED, SCHEDULE, FORECAST, NOBODY];
}

/// Units of the drawing to a CSS pixel: plotters rounds to whole units, and half a pixel shows.
const FINE: i32 = 2;

/// How large a chart is, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    width: i32,
    height: i32,
    /// Room for the marks of the value axis.
    left: i32,
    font: i32,
    /// Most columns, values and instants.
    columns: usize,
    values: u32,
    instants: usize,
}

/// As wide as the page.
pub(super) const WIDE: Size = Size {
    width: 1120,
    height: 320,
    left: 46,
    font: 12,
    columns: 1066,
    values: 5,
    instants: 9,
};

/// For a phone.
pub(super) const NARROW: Size = Size {
    width: 360,
    height: 250,
    left: 38,
    font: 12,
    columns: 314,
    values: 4,
    instants: 4,
};

impl Size {
    /// Width and height of the drawing.
    pub(super) fn pixels(self) -> (i32, i32) {
        (self.width * FINE, self.height * FINE)
    }
}

/// Room for the labels of the instants, in CSS pixels.
const BELOW: i32 = 24;
/// The strip of winners and the space above it.
const STRIP: i32 = 9;
const GAP: i32 = 5;
/// Room above and at the right.
const EDGE: i32 = 8;

/// Load over the area that the ready replicas carry, with the shortages marked.
pub(super) fn load(timeline: &Timeline, size: Size) -> Result<String, RenderError> {
    let columns = timeline.folded(size.columns);
    let most = columns
        .iter()
        .map(|c| c.load.max.max(c.capacity.max))
        .fold(0.0, f64::max);
    let marks = axes::values(most, size.values);
    draw(timeline, size, &marks, 0, |plot| {
        let carried = plot.steps(&columns, |c| c.capacity);
        plot.area(&carried, palette::READY, 0.16)?;
        plot.line(carried, palette::READY, 1.0, 0.9)?;
        plot.line(plot.curve(&columns, |c| c.load), palette::LOAD, 1.5, 1.0)?;
        for (from, to) in plot
            .runs(&columns, |c| (c.short > 0).then_some(()))
            .into_iter()
            .map(|(a, b, ())| (a, b))
        {
            // A run of seconds in a chart of weeks still is a line that one can see.
            let (from, to) = (from - FINE / 2, to.max(from + FINE));
            plot.band(from, to, plot.top, plot.bottom, palette::SHORT, 0.22)?;
            plot.band(
                from - FINE,
                to + FINE,
                plot.top,
                plot.top + 4 * FINE,
                palette::SHORT,
                1.0,
            )?;
        }
        Ok(())
    })
}

/// Replicas asked for and ready, with windows behind and winners below.
pub(super) fn replicas(timeline: &Timeline, size: Size) -> Result<String, RenderError> {
    let columns = timeline.folded(size.columns);
    let most = columns
        .iter()
        .map(|c| c.desired.max.max(c.ready.max))
        .fold(0.0, f64::max);
    // The windows' names stand above the lines.
    let room = if timeline.windows.is_empty() { 1.0 } else { 1.1 };
    let marks = axes::counts(most * room, size.values);
    draw(timeline, size, &marks, STRIP + GAP, |plot| {
        let mut free = 0;
        for (from, to, window) in plot.runs(&columns, |c| c.window) {
            let to = to.max(from + FINE);
            plot.band(from, to, plot.top, plot.bottom, palette::SCHEDULE, 0.16)?;
            let name = timeline.windows.get(window).map_or("", String::as_str);
            // A label beside the last one, not across it: about 0.6 of the font's height to a letter.
            let width = name.chars().count() as i32 * size.font * FINE * 3 / 5;
            if from >= free && from + width <= plot.right {
                plot.text(
                    name,
                    (from + 2 * FINE, plot.top),
                    palette::SCHEDULE,
                    HPos::Left,
                    VPos::Top,
                )?;
                free = from + width + 8 * FINE;
            }
        }
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
            plot.band(from, to, top, top + STRIP * FINE, color, 1.0)?;
        }
        Ok(())
    })
}

type Point = (i32, i32);
type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// The space between the axes, in drawing units.
struct Plot<'a> {
    root: Root<'a>,
    from: Timestamp,
    to: Timestamp,
    most: f64,
    font: i32,
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

/// Axes and grid, then what `inside` draws; `strip` is room kept below the plot.
fn draw(
    timeline: &Timeline,
    size: Size,
    marks: &[f64],
    strip: i32,
    inside: impl FnOnce(&Plot<'_>) -> Result<(), RenderError>,
) -> Result<String, RenderError> {
    let mut svg = String::with_capacity(128 * 1024);
    {
        let (width, height) = size.pixels();
        let pixels = (width.unsigned_abs(), height.unsigned_abs());
        let plot = Plot {
            root: SVGBackend::with_string(&mut svg, pixels).into_drawing_area(),
            from: timeline.columns().first().map_or(Timestamp::UNIX_EPOCH, |c| c.at),
            to: timeline.end(),
            most: marks.last().copied().unwrap_or(1.0),
            font: size.font,
            left: size.left * FINE,
            right: width - EDGE * FINE,
            top: EDGE * FINE,
            bottom: height - (BELOW + strip) * FINE,
        };
        for &mark in marks {
            let y = plot.y(mark);
            plot.line(vec![(plot.left, y), (plot.right, y)], palette::GRID, 1.0, 1.0)?;
            let at = (plot.left - 6 * FINE, y);
            plot.text(&axes::short(mark), at, palette::INK, HPos::Right, VPos::Center)?;
        }
        for (at, label) in axes::instants(plot.from, plot.to, size.instants) {
            let x = plot.x(at);
            plot.line(vec![(x, plot.top), (x, plot.bottom)], palette::GRID, 1.0, 1.0)?;
            // A centred label must not leave the picture.
            let half = label.chars().count() as i32 * size.font * FINE * 3 / 10;
            let middle = x.min(width - half - FINE);
            let y = plot.bottom + (strip + 6) * FINE;
            plot.text(&label, (middle, y), palette::INK, HPos::Center, VPos::Top)?;
        }
        inside(&plot)?;
        plot.root.present().map_err(failed)?;
    }
    Ok(svg)
}

impl Plot<'_> {
    fn x(&self, at: Timestamp) -> i32 {
        let length = self.to.duration_since(self.from).as_secs_f64().max(1.0);
        let share = (at.duration_since(self.from).as_secs_f64() / length).clamp(0.0, 1.0);
        self.left + (share * f64::from(self.right - self.left)).round() as i32
    }

    fn y(&self, value: f64) -> i32 {
        let share = (value / self.most).clamp(0.0, 1.0);
        self.bottom - (share * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Where each column begins and ends.
    fn edges<'c>(&self, columns: &'c [Column]) -> impl Iterator<Item = (i32, i32, &'c Column)> {
        let next = columns.iter().skip(1).map(|c| c.at).chain([self.to]);
        columns.iter().zip(next).map(|(c, end)| (self.x(c.at), self.x(end), c))
    }

    /// Through every extreme, straight from column to column; a column that knows nothing is passed over.
    fn curve(&self, columns: &[Column], of: impl Fn(&Column) -> Span) -> Vec<Point> {
        let mut path = Vec::with_capacity(columns.len() * 2);
        for (x, _, column) in self.edges(columns) {
            let span = of(column);
            let low_first = (span.first - span.min) <= (span.max - span.first);
            let (second, third) = if low_first {
                (span.min, span.max)
            } else {
                (span.max, span.min)
            };
            for value in [span.first, second, third, span.last] {
                self.extend(&mut path, x, value);
            }
        }
        path
    }

    /// The same, level from column to column: counts change at an instant.
    fn steps(&self, columns: &[Column], of: impl Fn(&Column) -> Span) -> Vec<Point> {
        let mut path = Vec::with_capacity(columns.len() * 2);
        for (x, end, column) in self.edges(columns) {
            let span = of(column);
            for value in [span.first, span.min, span.max, span.last] {
                self.extend(&mut path, x, value);
            }
            self.extend(&mut path, end, span.last);
        }
        path
    }

    /// One more point, unless the path is there already or on a straight line through it.
    fn extend(&self, path: &mut Vec<Point>, x: i32, value: f64) {
        if value.is_nan() {
            return;
        }
        let point = (x, self.y(value));
        if path.last() == Some(&point) {
            return;
        }
        if let [.., (_, before), (_, last)] = path[..]
            && before == point.1
            && last == point.1
        {
            path.pop();
        }
        path.push(point);
    }

    /// Consecutive columns with the same answer, as (begin, end, answer).
    fn runs<T: PartialEq + Copy>(&self, columns: &[Column], of: impl Fn(&Column) -> Option<T>) -> Vec<(i32, i32, T)> {
        let mut runs: Vec<(i32, i32, T)> = Vec::new();
        for (begin, end, column) in self.edges(columns) {
            let Some(answer) = of(column) else { continue };
            match runs.last_mut() {
                Some((_, until, last)) if *until == begin && *last == answer => *until = end,
                _ => runs.push((begin, end, answer)),
            }
        }
        runs
    }

    fn line(&self, path: Vec<Point>, color: RGBColor, width: f64, opacity: f64) -> Result<(), RenderError> {
        let style = ShapeStyle {
            color: color.mix(opacity),
            filled: false,
            stroke_width: (width * f64::from(FINE)).round() as u32,
        };
        self.root.draw(&PathElement::new(path, style)).map_err(failed)
    }

    /// What lies between a path and the axis.
    fn area(&self, path: &[Point], color: RGBColor, opacity: f64) -> Result<(), RenderError> {
        let (Some(first), Some(last)) = (path.first(), path.last()) else {
            return Ok(());
        };
        let ends = [(last.0, self.bottom), (first.0, self.bottom)];
        let outline: Vec<Point> = path.iter().copied().chain(ends).collect();
        self.root
            .draw(&Polygon::new(outline, color.mix(opacity).filled()))
            .map_err(failed)
    }

    fn band(
        &self,
        from: i32,
        to: i32,
        top: i32,
        bottom: i32,
        color: RGBColor,
        opacity: f64,
    ) -> Result<(), RenderError> {
        let corners = [(from, top), (to, bottom)];
        self.root
            .draw(&Rectangle::new(corners, color.mix(opacity).filled()))
            .map_err(failed)
    }

    fn text(&self, text: &str, at: Point, color: RGBColor, h: HPos, v: VPos) -> Result<(), RenderError> {
        // plotters divides a font's size by 1.24 on its way into SVG.
        let size = f64::from(self.font * FINE) * 1.24;
        let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(h, v));
        self.root.draw(&Text::new(text.to_owned(), at, style)).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> RenderError {
    RenderError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_has_a_dark_twin() {
        for RGBColor(r, g, b) in palette::ALL {
            for attribute in ["fill", "stroke"] {
                let selector = format!("[{attribute}=\"#{r:02X}{g:02X}{b:02X}\"]");
                assert!(super::super::CSS.contains(&selector), "page.css lacks {selector}");
            }
        }
    }
}
