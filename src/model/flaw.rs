//! What a check of a board or of its history finds.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Damage, or a lie: something can't be read, or says what can't be so.
    Error,
    /// It works, and somebody should look.
    Warning,
    /// It can't be told from honest use, or not from here.
    Note,
}

impl Severity {
    /// The word of every format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong with a file of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// How bad.
    pub severity: Severity,
    /// One word for programs: `damaged`, `conflict`, `cycle`, …
    pub code: &'static str,
    /// From the repository's root; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One sentence, lower case, no full stop.
    pub what: String,
}
