//! What an operation wants: edits of entries, records, events, and an outcome.
//!
//! A [`Change`] is a value. It can be looked at, compared and thrown away; only the store makes it true,
//! whole or not at all: one commit on the board where there are board events, one commit a record.

use super::{Agent, Context, Event, Knowledge, Record, Refusal, Task, Topic, View, Workstream};

/// One entry of the board to write or remove. The store knows its file, and rewrites only the lines of
/// the fields that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Write this workstream.
    Workstream(Workstream),
    /// Write this task.
    Task(Box<Task>),
    /// Write this agent.
    Agent(Agent),
    /// Write this document.
    Knowledge(Knowledge),
    /// Remove the document of this topic.
    RemoveKnowledge(Topic),
    /// Write a file as it is (what `init` plants); from `.orchestrator/`, `/` between its parts.
    File {
        /// Such as `config.yaml`.
        path: String,
        /// The bytes.
        text: String,
    },
    /// Remove a file, by its path from `.orchestrator/`.
    RemoveFile(String),
}

/// One record to write: a compare-and-swap of its ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEdit {
    /// The record that was read, by its commit; `None` = there was none. Anything else there now: the
    /// change is planned again.
    pub expected: Option<String>,
    /// What it shall say.
    pub record: Record,
    /// The record replaces the one it was read from instead of following it (a renewal after a renewal).
    pub replaces: bool,
}

/// What one operation wants done, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<O> {
    /// Entries to write or remove.
    pub edits: Vec<Edit>,
    /// Records to write. The first one is published first.
    pub records: Vec<RecordEdit>,
    /// Events of the board's own log; each stands in the one board commit. Events of locks stand in
    /// their records instead.
    pub events: Vec<Event>,
    /// The commit's subject, without the `orchestrator: ` before it.
    pub subject: String,
    /// Further sentences of the commit message; may be empty.
    pub body: String,
    /// Further trailers of the commit message.
    pub trailers: Vec<(String, String)>,
    /// What to tell.
    pub outcome: O,
}

impl<O> Change<O> {
    /// Nothing is to be done: it is so already, or the answer is a result and no change.
    pub fn nothing(outcome: O) -> Self {
        Self {
            edits: Vec::new(),
            records: Vec::new(),
            events: Vec::new(),
            subject: String::new(),
            body: String::new(),
            trailers: Vec::new(),
            outcome,
        }
    }

    /// A change with this subject, to be filled.
    pub fn new(subject: impl Into<String>, outcome: O) -> Self {
        Self { subject: subject.into(), ..Self::nothing(outcome) }
    }

    /// Nothing is to be written.
    pub fn is_nothing(&self) -> bool {
        self.edits.is_empty() && self.records.is_empty() && self.events.is_empty() && self.trailers.is_empty()
    }

    /// A commit on the board is to be written (as opposed to records alone).
    pub fn touches_board(&self) -> bool {
        !(self.edits.is_empty() && self.events.is_empty() && self.trailers.is_empty())
    }

    /// One more entry to write or remove.
    #[must_use]
    pub fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// One more record to write.
    #[must_use]
    pub fn record(mut self, record: RecordEdit) -> Self {
        self.records.push(record);
        self
    }

    /// One more event of the board.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// The same change, with something else to tell.
    #[must_use]
    pub fn with_outcome<P>(self, outcome: P) -> Change<P> {
        let Self { edits, records, events, subject, body, trailers, outcome: _ } = self;
        Change { edits, records, events, subject, body, trailers, outcome }
    }

    /// The body of the commit message.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

/// A request: a value that knows what it wants of a board.
///
/// `plan` is deterministic given its arguments and touches nothing; it may be called again when somebody
/// else was faster.
pub trait Operation {
    /// What is told when it is done.
    type Outcome;

    /// What has to change, or why not.
    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Self::Outcome>, Refusal>;
}
