//! Merges: what they made of the board that no merge of their parents gives.

use crate::model::{Blend, Exhibit, Severity};

use super::Judge;

impl Judge {
    /// What a merge put on the board, or left out of it.
    pub(super) fn blends(&mut self, exhibit: &Exhibit) {
        for blend in exhibit.blends.iter().flatten() {
            let Blend { path, fields, is_of_one_side, is_gone, is_state, is_disputed, .. } = blend;
            let severity = match (is_disputed, is_of_one_side, is_state) {
                // Several commits in which the sides parted, or a file that git may take for renamed.
                (true, ..) => Severity::Note,
                // It may have been meant so: `git merge -s ours`.
                (false, true, _) | (false, false, false) => Severity::Warning,
                (false, false, true) => Severity::Error,
            };
            let what = if *is_of_one_side {
                "what one of its parents changed is left out, and nothing conflicts with it".to_owned()
            } else if *is_gone {
                "it is gone, and no merge of its parents removes it".to_owned()
            } else if fields.is_empty() {
                "it is as no merge of its parents gives it".to_owned()
            } else {
                format!("{} as no merge of its parents gives it", fields.join(", "))
            };
            self.tell(severity, "evil_merge", exhibit, Some(path), what);
        }
    }
}
