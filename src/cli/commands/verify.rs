//! `verify`

use crate::cli::args::Verify;
use crate::cli::parse;
use crate::cli::report::Report;
use crate::engine::{SignaturePolicy, VerifyRequest};
use crate::model::{Bounds, Code, Refusal};
use crate::views::verify::Verification;

use super::App;

pub fn run(app: &App, args: &Verify) -> Result<Report, Refusal> {
    let request = VerifyRequest {
        range: args.range.clone(),
        signatures: match args.signatures.as_deref() {
            Some("require") => SignaturePolicy::Require,
            Some(_) => SignaturePolicy::Report,
            None => SignaturePolicy::Ignore,
        },
        slack: parse::span("--slack", &args.slack, Bounds::CLOCKS)?,
    };
    let found: Verification = app.board()?.verify(&request)?;
    let is_wrong = found.errors > 0 || (args.strict && found.warnings > 0);
    let notes = if args.notes { usize::MAX } else { 0 };
    let report = Report::long(found, move |found| found.text(notes));
    Ok(if is_wrong { report.exit(Code::Damaged.exit()) } else { report })
}
