//! The drawing itself, through plotters: a plane over time with axes and grid, lines, areas, bands and words.
//!
//! Knows pixels and spans, not what they mean to anybody. Every colour has a name here and its dark twin in `page.css`,
//! which finds it by its value.

use jiff::Timestamp;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::timeline::{Column, Span};
use super::{RenderError, axes};

/// The palette, light; `page.css` has the dark one.
pub(super) mod palette {
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
pub(super) const FINE: i32 = 2;

/// How large a chart is, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) width: i32,
    pub(super) height: i32,
    /// Room for the marks of the value axis.
    pub(super) left: i32,
    pub(super) font: i32,
    /// Most columns, values and instants.
    pub(super) columns: usize,
    pub(super) values: u32,
    pub(super) instants: usize,
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

/// One of several charts below each other: its line needs half the points.
pub(super) const PANEL_WIDE: Size = Size {
    height: 150,
    columns: 533,
    ..WIDE
};

/// The same for a phone.
pub(super) const PANEL_NARROW: Size = Size {
    height: 130,
    columns: 157,
    values: 5,
    ..NARROW
};

impl Size {
    /// Width and height of the drawing.
    pub(super) fn pixels(self) -> (i32, i32) {
        (self.width * FINE, self.height * FINE)
    }
}

/// Room for the labels of the instants, in CSS pixels.
const BELOW: i32 = 24;
/// Room above and at the right.
const EDGE: i32 = 8;

pub(super) type Point = (i32, i32);
type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// A picture's axes: what spans it, and the marks with their labels.
pub(super) struct Axes {
    /// Left and right end.
    pub(super) span: (f64, f64),
    /// Marks below.
    pub(super) across: Vec<(f64, String)>,
    /// The top; the bottom is 0.
    pub(super) most: f64,
    /// Marks at the left.
    pub(super) up: Vec<(f64, String)>,
    /// Room kept between the plot and the labels below it, in CSS pixels.
    pub(super) strip: i32,
}

impl Axes {
    /// Of `marks` over a time.
    pub(super) fn over_time((from, to): (Timestamp, Timestamp), size: Size, marks: &[f64], strip: i32) -> Self {
        let instants = axes::instants(from, to, size.instants);
        Axes {
            span: (seconds(from), seconds(to)),
            across: instants.into_iter().map(|(at, label)| (seconds(at), label)).collect(),
            most: marks.last().copied().unwrap_or(1.0),
            up: marks.iter().map(|mark| (*mark, axes::short(*mark))).collect(),
            strip,
        }
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_second() as f64
}

/// The space between the axes, in drawing units.
pub(super) struct Plot<'a> {
    root: Root<'a>,
    span: (f64, f64),
    most: f64,
    pub(super) font: i32,
    left: i32,
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

/// Axes and grid, then what `inside` draws.
pub(super) fn draw(
    size: Size,
    axes: &Axes,
    inside: impl FnOnce(&Plot<'_>) -> Result<(), RenderError>,
) -> Result<String, RenderError> {
    let mut svg = String::with_capacity(128 * 1024);
    {
        let (width, height) = size.pixels();
        let pixels = (width.unsigned_abs(), height.unsigned_abs());
        let plot = Plot {
            root: SVGBackend::with_string(&mut svg, pixels).into_drawing_area(),
            span: axes.span,
            most: axes.most,
            font: size.font,
            left: size.left * FINE,
            right: width - EDGE * FINE,
            top: EDGE * FINE,
            bottom: height - (BELOW + axes.strip) * FINE,
        };
        for (mark, label) in &axes.up {
            let y = plot.y(*mark);
            plot.line(vec![(plot.left, y), (plot.right, y)], palette::GRID, 1.0, 1.0)?;
            let at = (plot.left - 6 * FINE, y);
            plot.text(label, at, palette::INK, HPos::Right, VPos::Center)?;
        }
        for (mark, label) in &axes.across {
            let x = plot.x(*mark);
            plot.line(vec![(x, plot.top), (x, plot.bottom)], palette::GRID, 1.0, 1.0)?;
            // A centred label must not leave the picture.
            let half = label.chars().count() as i32 * size.font * FINE * 3 / 10;
            let middle = x.min(width - half - FINE);
            let y = plot.bottom + (axes.strip + 6) * FINE;
            plot.text(label, (middle, y), palette::INK, HPos::Center, VPos::Top)?;
        }
        inside(&plot)?;
        plot.root.present().map_err(failed)?;
    }
    Ok(svg)
}

impl Plot<'_> {
    pub(super) fn left(&self) -> i32 {
        self.left
    }

    pub(super) fn x(&self, at: f64) -> i32 {
        let (from, to) = self.span;
        let share = ((at - from) / (to - from).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        self.left + (share * f64::from(self.right - self.left)).round() as i32
    }

    pub(super) fn y(&self, value: f64) -> i32 {
        let share = (value / self.most).clamp(0.0, 1.0);
        self.bottom - (share * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Where each column begins and ends.
    fn edges<'c>(&self, columns: &'c [Column]) -> impl Iterator<Item = (i32, i32, &'c Column)> {
        let next = columns.iter().skip(1).map(|c| seconds(c.at)).chain([self.span.1]);
        columns
            .iter()
            .zip(next)
            .map(|(c, end)| (self.x(seconds(c.at)), self.x(end), c))
    }

    /// Through every extreme, straight from column to column; a column that knows nothing is passed over.
    pub(super) fn curve(&self, columns: &[Column], of: impl Fn(&Column) -> Span) -> Vec<Point> {
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
    pub(super) fn steps(&self, columns: &[Column], of: impl Fn(&Column) -> Span) -> Vec<Point> {
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

    /// Through one value of each column.
    pub(super) fn through(&self, columns: &[Column], of: impl Fn(&Column) -> f64) -> Vec<Point> {
        let mut path = Vec::with_capacity(columns.len());
        for (x, _, column) in self.edges(columns) {
            self.extend(&mut path, x, of(column));
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
    pub(super) fn runs<T: PartialEq + Copy>(
        &self,
        columns: &[Column],
        of: impl Fn(&Column) -> Option<T>,
    ) -> Vec<(i32, i32, T)> {
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

    pub(super) fn line(&self, path: Vec<Point>, color: RGBColor, width: f64, opacity: f64) -> Result<(), RenderError> {
        let style = ShapeStyle {
            color: color.mix(opacity),
            filled: false,
            stroke_width: (width * f64::from(FINE)).round() as u32,
        };
        self.root.draw(&PathElement::new(path, style)).map_err(failed)
    }

    /// What lies between a path and the axis.
    pub(super) fn area(&self, path: &[Point], color: RGBColor, opacity: f64) -> Result<(), RenderError> {
        let (Some(first), Some(last)) = (path.first(), path.last()) else {
            return Ok(());
        };
        let ends = [(last.0, self.bottom), (first.0, self.bottom)];
        let outline: Vec<Point> = path.iter().copied().chain(ends).collect();
        self.root
            .draw(&Polygon::new(outline, color.mix(opacity).filled()))
            .map_err(failed)
    }

    /// The rectangle between two (left, right) and two (top, bottom).
    pub(super) fn band(
        &self,
        (from, to): Point,
        (top, bottom): Point,
        color: RGBColor,
        opacity: f64,
    ) -> Result<(), RenderError> {
        let corners = [(from, top), (to, bottom)];
        self.root
            .draw(&Rectangle::new(corners, color.mix(opacity).filled()))
            .map_err(failed)
    }

    /// The area between two paths, the second one drawn back.
    pub(super) fn between(
        &self,
        low: &[Point],
        high: &[Point],
        color: RGBColor,
        opacity: f64,
    ) -> Result<(), RenderError> {
        if low.is_empty() {
            return Ok(());
        }
        let outline: Vec<Point> = low.iter().chain(high.iter().rev()).copied().collect();
        self.root
            .draw(&Polygon::new(outline, color.mix(opacity).filled()))
            .map_err(failed)
    }

    /// A dot of so many CSS pixels' radius.
    pub(super) fn dot(&self, at: Point, radius: i32, color: RGBColor) -> Result<(), RenderError> {
        self.root
            .draw(&Circle::new(at, radius * FINE, color.filled()))
            .map_err(failed)
    }

    pub(super) fn text(&self, text: &str, at: Point, color: RGBColor, h: HPos, v: VPos) -> Result<(), RenderError> {
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
