//! The figure: for each group, cost against time short: HPA's curve over its targets as a line, Headroom's default as a dot.

use headroom::simulate::figures::Figures;
use plotters::prelude::*;

use crate::protocol::Outcome;
use crate::trace::GROUPS;

const SIZE: (u32, u32) = (1120, 720);
/// Costs that are shown, and shares of time, in percent; what is less stands at the lower edge.
const COSTS: std::ops::Range<f64> = 1.0..3.0;
const SHORT: (f64, f64) = (0.003, 10.0);
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x1D, 0x4E, 0xD8),
    RGBColor(0xD9, 0x77, 0x06),
    RGBColor(0x0D, 0x94, 0x88),
    RGBColor(0xC0, 0x26, 0xD3),
    RGBColor(0x65, 0xA3, 0x0D),
    RGBColor(0x5B, 0x64, 0x72),
];

/// An SVG with one panel a group.
pub fn draw(outcomes: &[&Outcome]) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let groups: Vec<&str> = GROUPS
            .into_iter()
            .filter(|g| outcomes.iter().any(|o| o.group == *g))
            .collect();
        let columns = groups.len().clamp(1, 3);
        let panels = root.split_evenly((groups.len().div_ceil(columns).max(1), columns));
        for (group, panel) in groups.iter().zip(&panels) {
            let of_group: Vec<&Outcome> = outcomes.iter().copied().filter(|o| o.group == *group).collect();
            draw_group(panel, group, &of_group)?;
        }
        root.present()?;
    }
    Ok(svg)
}

fn draw_group(
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    group: &str,
    outcomes: &[&Outcome],
) -> anyhow::Result<()> {
    let mut chart = ChartBuilder::on(panel)
        .caption(group, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(34)
        .y_label_area_size(46)
        .build_cartesian_2d(COSTS, (SHORT.0..SHORT.1).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(0xF3, 0xF5, 0xF8))
        .bold_line_style(RGBColor(0xE3, 0xE7, 0xED))
        .x_desc("cost × oracle")
        .y_desc("% of time short")
        .label_style(("sans-serif", 12))
        .draw()?;
    let place = |f: &Figures| {
        let short = (100.0 * f.short_share).clamp(SHORT.0, SHORT.1);
        (f.cost.unwrap_or(COSTS.start).clamp(COSTS.start, COSTS.end), short)
    };
    for (outcome, colour) in outcomes.iter().zip(COLOURS.iter().cycle()) {
        let mut curve: Vec<(f64, f64)> = outcome
            .curve
            .iter()
            .filter(|p| p.figures.cost.is_some_and(|c| COSTS.contains(&c)))
            .map(|p| place(&p.figures))
            .collect();
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        chart
            .draw_series(LineSeries::new(curve, colour.stroke_width(1)))?
            .label(outcome.name.as_str())
            .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], colour.stroke_width(2)));
        chart.draw_series([Circle::new(place(&outcome.ours), 5, colour.filled())])?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 11))
        .draw()?;
    Ok(())
}
