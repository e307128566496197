//! What a verification found, in text for people.

use std::collections::BTreeMap;

use super::Verification;
use crate::model::Severity;
use crate::views::style::{Text, bold, cell, dim, joined, red, yellow};
use crate::views::words::count;
use crate::{add, text};

impl Verification {
    /// What was found, for people: each error and warning, and of notes at most so many of each kind.
    pub fn text(&self, notes: usize) -> Text {
        let mut out = Text::default();
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.findings {
            if finding.severity == Severity::Note {
                let told = kinds.entry(finding.code).or_default();
                *told += 1;
                if *told > notes {
                    continue;
                }
            }
            let word = cell(finding.severity.word(), 7);
            let word = match finding.severity {
                Severity::Error => red(word),
                Severity::Warning => yellow(word),
                Severity::Note => dim(word),
            };
            let commit = finding.commit.as_deref().map(|commit| &commit[..commit.len().min(9)]);
            let place = [commit, finding.path.as_deref(), finding.reference.as_deref()];
            let place = joined(place.into_iter().flatten(), "  ");
            let head = text![word, "  ", bold(cell(finding.code, 17)), "  ", place].trimmed();
            add!(out, head, "\n         ", finding.what, "\n");
        }
        if notes == 0 && !kinds.is_empty() {
            let told = joined(kinds.iter().map(|(code, count)| format!("{code} {count}")), " · ");
            add!(out, dim("note"), "     ", told, "      (--notes lists them)\n");
        }
        if !out.is_empty() {
            out.ours("\n");
        }
        let (commits, events) = (count(self.commits, "commit"), count(self.events, "event"));
        add!(out, commits, ", ", events, ", ", count(self.records, "record"));
        if let Some(signed) = &self.signatures {
            let told = format!(
                "; signatures: {} good, {} of unknown keys, {} missing, {} bad",
                signed.good, signed.untrusted, signed.missing, signed.bad
            );
            add!(out, told);
        }
        match (self.errors, self.warnings) {
            (0, 0) => out.ours(": log and state agree\n"),
            (errors, warnings) => {
                add!(out, ": ", count(errors, "error"), ", ", count(warnings, "warning"), "\n");
            }
        }
        out
    }
}
