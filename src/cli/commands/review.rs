//! `diff`, `check`

use crate::cli::args::{Check, CheckFormat, Diff, DiffFormat};
use crate::cli::report::Report;
use crate::engine;
use crate::model::{Code, Refusal};
use crate::views::diff::{markdown::markdown, text::text};
use crate::views::{check as checks, json};

use super::App;

pub fn diff(app: &App, args: &Diff) -> Result<Report, Refusal> {
    let (found, remarks) = engine::diff(&app.options(), args.range.as_deref())?;
    let paint = app.paint;
    let report = match args.format {
        DiffFormat::Text => Report::long(found, move |found| text(found, paint)),
        DiffFormat::Markdown => Report::long(found, markdown),
        DiffFormat::Json => Report::long(found, json::pretty),
    };
    Ok(report.remarks(remarks))
}

pub fn check(app: &App, args: &Check) -> Result<Report, Refusal> {
    let found = engine::check(&app.options(), args.range.as_deref())?;
    let exit = if found.errors > 0 { Code::Damaged.exit() } else { 0 };
    let unseen = found.unseen.clone();
    let paint = app.paint;
    let report = match args.format {
        CheckFormat::Text => Report::long(found, move |found| checks::text(found, paint)),
        CheckFormat::Json => Report::long(found, json::pretty),
        CheckFormat::Github => Report::long(found, checks::github),
        CheckFormat::Sarif => Report::long(found, |found| json::pretty(&checks::sarif(found))),
    };
    Ok(report.exit(exit).remarks(unseen))
}
