//! The curves: how often a setting is short, against what it costs; to the left is cheaper, below is safer.
//!
//! Shares of time span decades, so that axis is logarithmic; what is short for less than 0.001 % stands at its foot.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::super::compare::{Baseline, Comparison, Point, Sweep};
use super::super::figures::Figures;
use super::super::spell::percent;
use super::plot::{self, Axes, FINE, Plot, Size, draw, palette};
use super::{RenderError, axes};

/// Shares of time below it are drawn as it.
const FOOT: f64 = 1e-5;

/// What the picture shows.
pub(super) struct Curves<'a> {
    ours: &'a [Point],
    hpa: &'a [Point],
    comparison: Option<&'a Comparison>,
}

impl<'a> Curves<'a> {
    /// Of a comparison and of a sweep; `None` where neither has a curve.
    pub(super) fn new(comparison: Option<&'a Comparison>, sweep: Option<&'a Sweep>) -> Option<Self> {
        let swept = sweep.map_or(&[][..], |s| &s.hpa);
        let tuned = comparison.map_or(&[][..], |c| &c.hpa_curve);
        let curves = Curves {
            ours: sweep.map_or(&[], |s| &s.objective),
            hpa: if swept.is_empty() { tuned } else { swept },
            comparison,
        };
        (curves.ours.len() + curves.hpa.len() > 0).then_some(curves)
    }

    /// Whether the policy's objective was swept.
    pub(super) fn ours(&self) -> bool {
        !self.ours.is_empty()
    }

    /// Whether HPA's target was swept.
    pub(super) fn hpa(&self) -> bool {
        !self.hpa.is_empty()
    }

    /// Whether costs are multiples of the oracle's.
    pub(super) fn relative(&self) -> bool {
        self.all().all(|f| f.cost.is_some())
    }

    fn all(&self) -> impl Iterator<Item = &'a Figures> {
        let points = self.ours.iter().chain(self.hpa).map(|p| &p.figures);
        let runs = self.comparison.into_iter();
        points.chain(runs.flat_map(|c| c.baselines.iter().map(|b| &b.figures).chain([&c.policy])))
    }

    /// The picture.
    pub(super) fn draw(&self, size: Size) -> Result<String, RenderError> {
        // Shares have longer labels than loads.
        let size = Size {
            left: size.left + 14,
            ..size
        };
        let relative = self.relative();
        let cost = |f: &Figures| {
            if relative {
                f.cost.unwrap_or_default()
            } else {
                f.replica_hours
            }
        };
        let (least, most) = (self.all().map(cost)).fold((f64::INFINITY, 0.0), |(a, b), c| (c.min(a), c.max(b)));
        let worst = self.all().map(|f| f.short_share).fold(10.0 * FOOT, f64::max);
        let top = (height(worst) - 1e-9).ceil();
        let (span, marks) = axes::between(least, most, size.instants as u32);
        let unit = if relative { "×" } else { "" };
        let axes = Axes {
            span,
            across: marks
                .into_iter()
                .map(|m| (m, format!("{}{unit}", axes::short(m))))
                .collect(),
            most: top,
            up: (0..=top as i32)
                .map(|decade| match decade {
                    0 => (0.0, "0 %".to_owned()),
                    _ => (f64::from(decade), percent(FOOT * 10f64.powi(decade))),
                })
                .collect(),
            strip: 0,
        };
        draw(size, &axes, |plot| {
            let at = |f: &Figures| (plot.x(cost(f)), plot.y(height(f.short_share)));
            if let Some(c) = self.comparison {
                let y = plot.y(height(c.objective));
                plot.band((plot.left(), plot.right), (y, y + FINE / 2), palette::SHORT, 0.7)?;
            }
            curve(plot, self.hpa, palette::DESIRED, &at)?;
            curve(plot, self.ours, palette::READY, &at)?;
            let Some(c) = self.comparison else { return Ok(()) };
            for contender in &c.baselines {
                let colour = match contender.baseline {
                    Baseline::Oracle => palette::FORECAST,
                    Baseline::Hpa | Baseline::HpaTuned => palette::DESIRED,
                    _ => palette::SCHEDULE,
                };
                plot.dot(at(&contender.figures), 5, colour)?;
            }
            plot.dot(at(&c.policy), 6, palette::READY)
        })
    }
}

/// Decades above the foot.
fn height(share: f64) -> f64 {
    (share.max(FOOT) / FOOT).log10()
}

/// A line through the points, with their knobs where there is room.
fn curve(
    plot: &Plot<'_>,
    points: &[Point],
    color: RGBColor,
    at: &impl Fn(&Figures) -> plot::Point,
) -> Result<(), RenderError> {
    let path: Vec<plot::Point> = points.iter().map(|p| at(&p.figures)).collect();
    plot.line(path.clone(), color, 1.5, 1.0)?;
    let mut last: Option<plot::Point> = None;
    for (point, (x, y)) in points.iter().zip(path) {
        plot.dot((x, y), 2, color)?;
        let height = plot.font * FINE * 3 / 2;
        let label = percent(point.knob);
        let width = label.chars().count() as i32 * plot.font * FINE * 3 / 5;
        let clear = last.is_none_or(|(a, b)| (a - x).abs() > width || (b - y).abs() > height);
        if clear && x + width < plot.right {
            plot.text(&label, (x + 5 * FINE, y - 3 * FINE), color, HPos::Left, VPos::Bottom)?;
            last = Some((x, y));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(knob: f64, cost: f64, short_share: f64) -> Point {
        let figures = Figures {
            cost: Some(cost),
            short_share,
            ..Figures::default()
        };
        Point { knob, figures }
    }

    #[test]
    fn a_curve_has_its_points_and_its_knobs() {
        assert!(Curves::new(None, None).is_none());
        let sweep = Sweep {
            hpa: vec![point(0.4, 2.0, 0.0), point(0.7, 1.4, 0.002), point(0.95, 1.05, 0.3)],
            ..Sweep::default()
        };
        let curves = Curves::new(None, Some(&sweep)).unwrap();
        assert!(curves.relative() && curves.hpa() && !curves.ours());
        let svg = curves.draw(plot::WIDE).unwrap();
        for label in ["40 %", "70 %", "95 %", "0.1 %", "1.4×"] {
            assert!(svg.contains(&format!("\n{label}\n")), "{label}: {svg}");
        }
        assert_eq!(svg.matches("<circle").count(), 3);
    }

    #[test]
    fn heights_are_decades() {
        for (share, expected) in [(0.0, 0.0), (1e-5, 0.0), (1e-3, 2.0), (1.0, 5.0)] {
            assert!((height(share) - expected).abs() < 1e-9, "{share}");
        }
    }
}
