//! The chart, docs/performance.svg: cold + first, at full speed and slowed down.

use std::path::Path;

use plotters::prelude::*;

use crate::{
    error::BenchError,
    rounds::{Figure, Figures},
    subject::{AUTHORIZER, DEFAULT_SDK, HELLO, NODE, PYTHON},
};

const ROWS: [(&str, &str); 5] = [
    (HELLO, "bare runtime, no DynamoDB"),
    (AUTHORIZER, "Latchkey's authorizer"),
    (DEFAULT_SDK, "Rust, SDK by default"),
    (NODE, "Node, lib-dynamodb"),
    (PYTHON, "Python, boto3"),
];
const BARS: [(Figure, &str, RGBColor); 2] = [
    (Figure::ColdAndFirst, "at full speed", RGBColor(0x2f, 0x6f, 0xb4)),
    (Figure::Throttled, "7.24 % of a processor after init", RGBColor(0xe0, 0x8a, 0x3c)),
];
/// Per program: a bar for each, and space.
const STRIDE: f64 = 3.0;

/// Draws the chart.
///
/// # Errors
/// [`BenchError::Setup`] if the file can't be written.
pub fn draw(path: &Path, figures: &Figures) -> Result<(), BenchError> {
    drawn(path, figures).map_err(|error| BenchError::Setup(format!("{}: {error}", path.display())))
}

fn drawn(path: &Path, figures: &Figures) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, (900, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let longest = ROWS.iter().flat_map(|(name, _)| BARS.map(|(figure, ..)| figures.get(name, figure).unwrap_or(1.0))).fold(10.0, f64::max);
    let height = ROWS.len() as f64 * STRIDE;
    let mut chart = ChartBuilder::on(&area)
        .caption("Process start to first answer, ms (logarithmic)", ("sans-serif", 18))
        .margin(12)
        .margin_right(70)
        .x_label_area_size(28)
        .y_label_area_size(0)
        .build_cartesian_2d((0.05..longest * 2.0).log_scale(), 0.0..height + 1.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(6)
        .x_label_formatter(&|ms| if *ms < 1.0 { String::new() } else { format!("{ms}") })
        .draw()?;

    chart.draw_series([Rectangle::new([(0.05, 0.0), (1.0, height + 1.0)], WHITE.filled())])?;

    let text = ("sans-serif", 14).into_font().color(&BLACK);
    for (row, (name, title)) in ROWS.into_iter().enumerate() {
        let top = height - row as f64 * STRIDE;
        chart.draw_series([Text::new(title, (0.055, top - 0.75), text.clone())])?;
        for (bar, (figure, _, colour)) in BARS.into_iter().enumerate() {
            let Some(ms) = figures.get(name, figure) else { continue };
            let upper = top - bar as f64;
            chart.draw_series([Rectangle::new([(1.0, upper), (ms.max(1.0), upper - 0.9)], colour.filled())])?;
            chart.draw_series([Text::new(format!("{ms:.1}"), (ms.max(1.0) * 1.06, upper - 0.15), text.clone())])?;
        }
    }
    for (_, title, colour) in BARS {
        let legend = move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled());
        chart.draw_series(std::iter::empty::<Rectangle<(f64, f64)>>())?.label(title).legend(legend);
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).background_style(WHITE).label_font(text).draw()?;
    area.present()?;
    Ok(())
}
