//! Registered agents.

use super::{AgentId, Imported, Timestamp};

/// Whoever registered. Agents that never did may act all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id, also the name of its file.
    pub id: AgentId,
    /// A free word, such as `worker`; `general` by default.
    pub kind: String,
    /// `active` unless an import brought another word.
    pub status: String,
    /// Free words.
    pub capabilities: Vec<String>,
    /// When it (last) registered.
    pub registered_at: Timestamp,
    /// Stamps of the predecessor.
    pub imported: Imported,
}
