//! What a data directory of the predecessor says, in this program's own words.
//!
//! The predecessor is the Node.js program whose `state.json`, `events.jsonl` and `knowledge/` an import
//! takes over. Its values map onto ours one to one, but for what it never knew:
//!
//! - `claimed_at` and `completed_at` stay unknown, unless the directory was exported by this program;
//! - the epoch of its claims is 0: tokens are counted from the first claim that is made here;
//! - `created_by` is `system`, as its log always says.
//!
//! A stamp that the rest would not yield exactly stands in the entity's [`Imported`](super::Imported).

use super::{Agent, AgentId, Event, Knowledge, Resource, Span, Task, Timestamp, Workstream};

/// A whole data directory: everything in it was checked, every name is legal here, no id is there twice,
/// each task's workstream and dependencies are in it too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predecessor {
    /// In the order of the file.
    pub workstreams: Vec<Workstream>,
    /// In the order of the file, workstream by workstream.
    pub tasks: Vec<Task>,
    /// Those that registered, in the order of the file.
    pub agents: Vec<Agent>,
    /// By topic.
    pub knowledge: Vec<Knowledge>,
    /// In the order of the file. Each has its `line` and no `id`: who reads it from a history makes one
    /// of the line. An `id` that the line itself has stands among the fields.
    pub events: Vec<Event>,
    /// Whether or not they have run out.
    pub locks: Vec<PredecessorLock>,
    /// SHA-256 over names, lengths and bytes of all that was read, 64 hex digits.
    pub digest: String,
    /// What was read in another way than one might expect, or not kept; a sentence each.
    pub remarks: Vec<String>,
}

/// A lock as the predecessor keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredecessorLock {
    /// What it protects.
    pub resource: Resource,
    /// The holder.
    pub agent: AgentId,
    /// Since when.
    pub acquired_at: Timestamp,
    /// For how long from `acquired_at`; not bounded as our own are.
    pub ttl: Span,
    /// The fencing token, where this program exported the directory; else 0.
    pub epoch: u64,
    /// Why it was taken, where this program exported the directory.
    pub reason: Option<String>,
}
