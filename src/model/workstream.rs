//! Workstreams: named streams of tasks.

use super::{Imported, Priority, Timestamp, WorkstreamName};

/// Whether a workstream takes and hands out tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkstreamStatus {
    /// It does.
    Active,
    /// It is kept for the record; nothing is added to it or handed out from it.
    Closed,
}

impl WorkstreamStatus {
    /// The word of the file and of the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Closed => "closed",
        }
    }

    /// The status of this word, if it is one.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "closed" => Some(Self::Closed),
            _ => None,
        }
    }
}

/// A named stream of tasks with a priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workstream {
    /// Its name, also the name of its file.
    pub name: WorkstreamName,
    /// Any text, may be empty.
    pub description: String,
    /// How urgent its tasks are beside those of other workstreams.
    pub priority: Priority,
    /// Active or closed.
    pub status: WorkstreamStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
    /// Stamps of the predecessor.
    pub imported: Imported,
}
