//! `diff`, `check`

use crate::cli::args::{Check, CheckFormat, Diff, DiffFormat};
use crate::cli::report::{Body, Report};
use crate::engine;
use crate::model::{Code, Refusal};
use crate::views::diff::{markdown::markdown, text::text};
use crate::views::style::Text;
use crate::views::{check as checks, json};

use super::App;

pub fn diff(app: &App, args: &Diff) -> Result<Report, Refusal> {
    let (found, remarks) = engine::diff(&app.options(), args.range.as_deref())?;
    let report = match args.format {
        DiffFormat::Text => Report::long(found, text),
        DiffFormat::Markdown => Report::long(found, |found| Text::page(&markdown(found))),
        DiffFormat::Json => Report::long(found, json_document),
    };
    Ok(report.remarks(remarks))
}

pub fn check(app: &App, args: &Check) -> Result<Report, Refusal> {
    let found = engine::check(&app.options(), args.range.as_deref())?;
    let exit = if found.errors > 0 { Code::Damaged.exit() } else { 0 };
    let unseen = found.unseen.clone();
    let report = match args.format {
        CheckFormat::Text => Report::long(found, checks::text),
        CheckFormat::Json => Report::long(found, json_document),
        CheckFormat::Github => Report::long(found, checks::github),
        CheckFormat::Sarif => Report::long(found, |found| json_document(&checks::sarif(found))),
    };
    Ok(report.exit(exit).remarks(unseen))
}

/// As `--json` prints it.
fn json_document<T: serde::Serialize>(document: &T) -> Body {
    Body::Json(json::for_terminal(json::pretty(document)))
}
