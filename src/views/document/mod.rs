//! The documents of single entities. Their keys are frozen: scripts of agents read them.

mod acquire;
mod agent;
mod event;
mod knowledge;
mod lock;
mod task;
mod workstream;

pub use acquire::AcquireDocument;
pub use agent::AgentDocument;
pub use event::EventDocument;
pub use knowledge::{KnowledgeDocument, TopicDocument};
pub use lock::LockDocument;
pub use task::{ElsewhereDocument, TaskDocument};
pub use workstream::{Counts, WorkstreamDocument, WorkstreamSummary};

use crate::model::{Imported, Timestamp};

/// The stamp as it was imported under `key`, else as it is.
fn stamp(imported: &Imported, key: &str, known: Timestamp) -> String {
    imported.get(key).map_or_else(|| known.to_string(), str::to_owned)
}
