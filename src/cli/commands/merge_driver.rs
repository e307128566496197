//! `merge-driver`

use crate::cli::args::MergeDriver;
use crate::cli::report::Report;
use crate::engine::{self, Driven, Markers, MergedFile, Method};
use crate::model::Refusal;

use super::App;

pub fn run(app: &App, args: &MergeDriver) -> Result<Report, Refusal> {
    let files = Driven {
        base: args.base.clone(),
        ours: args.ours.clone(),
        theirs: args.theirs.clone(),
        place: args.path.clone(),
    };
    // A git that does not know a placeholder leaves it as it stands.
    let label = |given: &str, usual: &str| if given.starts_with('%') { usual } else { given }.to_owned();
    let markers = Markers {
        size: usize::from(args.marker_size.max(1)),
        ours: label(&args.our_label, "ours"),
        base: label(&args.base_label, "base"),
        theirs: label(&args.their_label, "theirs"),
        ..Markers::default()
    };
    let merged = engine::drive(&app.options().start, &files, markers)?;
    let json = serde_json::json!({
        "path": args.path,
        "conflicts": merged.conflicts,
        "merged_by": merged.method.word(),
    });
    Ok(match told(&args.path, &merged) {
        None => Report::new(&json, ""),
        Some(remark) => Report::negative(&json, "").remarks([remark]),
    })
}

/// What is to be said of a merged file; nothing where all is decided.
fn told(path: &str, merged: &MergedFile) -> Option<String> {
    if merged.conflicts.is_empty() {
        return None;
    }
    Some(match merged.method {
        Method::Fields => {
            format!("`{path}`: both sides changed {}; the rest is merged", merged.conflicts.join(", "))
        }
        Method::Lines => format!("`{path}`: both sides changed the same lines"),
        Method::Binary => format!("`{path}` is no text: ours was kept"),
    })
}
