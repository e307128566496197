//! How cost grows, as a picture: the medians that criterion has kept, over the size of the board.

use std::path::Path;

use plotters::prelude::*;
use serde_json::Value;

/// One line of the picture: what is called, and the median of each size in microseconds.
struct Line {
    name: String,
    medians: Vec<(f64, f64)>,
}

/// Draws what was measured of these calls at these sizes to `to`. Nothing, where one was not measured.
pub fn draw(criterion: &Path, names: &[&str], sizes: &[usize], to: &Path) -> Option<()> {
    let line = |name: &&str| {
        let medians = sizes.iter().map(|size| Some((*size as f64, median(criterion, name, *size)?)));
        Some(Line { name: (*name).to_owned(), medians: medians.collect::<Option<_>>()? })
    };
    let lines: Vec<Line> = names.iter().map(line).collect::<Option<_>>()?;
    table(&lines, sizes);
    picture(&lines, to).unwrap();
    Some(())
}

/// In microseconds.
fn median(criterion: &Path, name: &str, size: usize) -> Option<f64> {
    let path = criterion.join(name).join(size.to_string()).join("new/estimates.json");
    let text = std::fs::read_to_string(path).ok()?;
    let estimates: Value = serde_json::from_str(&text).unwrap();
    Some(estimates["median"]["point_estimate"].as_f64().unwrap() / 1000.0)
}

fn table(lines: &[Line], sizes: &[usize]) {
    let head: Vec<String> = sizes.iter().map(usize::to_string).collect();
    println!("| microseconds | {} |\n|---|{}", head.join(" | "), "---|".repeat(sizes.len()));
    for line in lines {
        let row: Vec<String> = line.medians.iter().map(|(_, median)| format!("{median:.0}")).collect();
        println!("| {} | {} |", line.name, row.join(" | "));
    }
}

fn picture(lines: &[Line], to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|line| &line.medians);
    let ends = |values: Vec<f64>| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        (low, values.iter().copied().fold(0.0, f64::max))
    };
    let (least, most) = ends(points().map(|(size, _)| *size).collect());
    let (fastest, slowest) = ends(points().map(|(_, median)| *median).collect());
    let root = SVGBackend::new(to, (860, 560)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .margin_right(180)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((least..most).log_scale(), (fastest / 2.0..slowest * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("tasks on the board")
        .y_desc("microseconds, without the start of a process")
        .x_label_formatter(&|tasks| format!("{tasks:.0}"))
        .y_label_formatter(&|time| format!("{time:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    for (number, line) in lines.iter().enumerate() {
        let style = Palette99::pick(number).stroke_width(2);
        chart.draw_series(LineSeries::new(line.medians.iter().copied(), style))?;
    }
    // Each name where its line ends; those that end at one place, one below the other.
    let mut names: Vec<(usize, i32)> = lines
        .iter()
        .enumerate()
        .filter_map(|(number, line)| line.medians.last().map(|last| (number, chart.backend_coord(last).1)))
        .collect();
    names.sort_by_key(|(_, y)| *y);
    let mut free = 0;
    let (right, _) = chart.backend_coord(&(most, fastest));
    for (number, y) in names {
        let y = y.max(free);
        free = y + 16;
        let style = ("sans-serif", 14).into_font().color(&Palette99::pick(number));
        root.draw(&Text::new(lines[number].name.clone(), (right + 8, y - 7), style))?;
    }
    root.present()?;
    Ok(())
}
