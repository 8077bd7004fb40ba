//! The chart, docs/growth.svg.

use std::path::Path;

use plotters::prelude::*;

use crate::{error::LoadError, growth::Point};

type Line = (&'static str, RGBColor, fn(&Point) -> f64);

const LINES: [Line; 3] = [
    ("GET /me", RGBColor(0x2f, 0x6f, 0xb4), |point| point.authorize),
    ("POST /refresh", RGBColor(0xe0, 0x8a, 0x3c), |point| point.refresh),
    ("POST /login", RGBColor(0x6a, 0x9a, 0x4a), |point| point.login),
];

/// Draws the chart.
///
/// # Errors
/// [`LoadError::Setup`] if the file can't be written.
pub fn draw(path: &Path, by_sessions: &[Point]) -> Result<(), LoadError> {
    drawn(path, by_sessions).map_err(|error| LoadError::Setup(format!("{}: {error}", path.display())))
}

fn drawn(path: &Path, points: &[Point]) -> Result<(), Box<dyn std::error::Error>> {
    let (least, most) = (points.first().map_or(1, |point| point.size), points.last().map_or(10, |point| point.size));
    let highest = points.iter().flat_map(|point| LINES.map(|(.., of)| of(point))).fold(1.0, f64::max);
    let area = SVGBackend::new(path, (760, 320)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Median by sessions in the table, ms", ("sans-serif", 18))
        .margin(14)
        .x_label_area_size(34)
        .y_label_area_size(44)
        .build_cartesian_2d((least as f64..most as f64).log_scale(), 0.0..highest * 1.2)?;
    chart.configure_mesh().x_desc("sessions").light_line_style(WHITE).x_label_formatter(&|sessions| format!("{sessions:.0}")).draw()?;
    for (title, colour, of) in LINES {
        let line: Vec<_> = points.iter().map(|point| (point.size as f64, of(point))).collect();
        chart
            .draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?
            .label(title)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(line.into_iter().map(|at| Circle::new(at, 3, colour.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}
