//! Events: the facts of the log.
//!
//! The words of [`Action`] are frozen: they stand in histories that nobody can rewrite. An event keeps
//! whatever fields it was read with, known or not.

use serde_json::{Map, Value};

use super::{EventId, TaskId, Timestamp};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What happened.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $variant,)*
            /// A word of somebody's own (`event log`), or of a later version.
            Custom(String),
        }

        impl Action {
            /// Every word with a meaning of its own.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];

            /// The word of the log.
            pub fn word(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Custom(word) => word,
                }
            }

            /// The action of this word.
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    _ => Self::Custom(word.to_owned()),
                }
            }
        }
    };
}

actions! {
    /// Fields: `workstream`.
    WorkstreamCreated = "workstream_created",
    /// Fields: `workstream`, `changed` (names of the fields).
    WorkstreamUpdated = "workstream_updated",
    /// Its creation was undone, or its file is gone. Fields: `workstream`.
    WorkstreamDeleted = "workstream_deleted",
    /// Fields: `workstream`, `task_id`, `title`.
    TaskCreated = "task_created",
    /// Fields: `workstream`, `task_id`, `epoch`; `taken_from` where a stale claim was taken over.
    TaskClaimed = "task_claimed",
    /// Fields: `workstream`, `task_id`, `result`, `epoch` where it was claimed.
    TaskCompleted = "task_completed",
    /// Fields: `workstream`, `task_id`, `reason`, `released_from` where it was somebody else's.
    TaskReleased = "task_released",
    /// Fields: `workstream`, `task_id`, `reason`.
    TaskBlocked = "task_blocked",
    /// Fields: `workstream`, `task_id`.
    TaskUnblocked = "task_unblocked",
    /// Fields: `workstream`, `task_id`, `reason`.
    TaskCancelled = "task_cancelled",
    /// Fields: `workstream`, `task_id`; `assigned_to` and `epoch` where it is in somebody's hands again, whose end of
    /// it was undone.
    TaskReopened = "task_reopened",
    /// Fields: `workstream`, `task_id`, `changed` (names of the fields); `title` and `from_workstream` where they changed.
    TaskUpdated = "task_updated",
    /// Its creation was undone, or its file is gone. Fields: `workstream`, `task_id`.
    TaskDeleted = "task_deleted",
    /// Fields: `type`; `agent_id` where somebody else says so.
    AgentRegistered = "agent_registered",
    /// Its registration was undone, or its file is gone. Fields: `agent_id`.
    AgentDeleted = "agent_deleted",
    /// Fields: `resource`, `epoch`, `ttl_ms`.
    LockAcquired = "lock_acquired",
    /// Fields: `resource`, `epoch`, `ttl_ms`.
    LockRenewed = "lock_renewed",
    /// Fields: `resource`, `epoch`; `released_from` and `reason` where it was broken.
    LockReleased = "lock_released",
    /// Fields: `topic`.
    KnowledgeWritten = "knowledge_written",
    /// Fields: `topic`.
    KnowledgeDeleted = "knowledge_deleted",
    /// Fields: `completed`, a count.
    CycleCollected = "cycle_collected",
    /// Derived only: files of the board changed in a way no better word fits. Fields: `path`.
    BoardEdited = "board_edited",
}

impl Action {
    /// Whether it can be the inverse of an earlier change: it is about an entry of the board.
    fn may_undo(&self) -> bool {
        match self {
            Self::WorkstreamCreated
            | Self::WorkstreamUpdated
            | Self::WorkstreamDeleted
            | Self::TaskCreated
            | Self::TaskClaimed
            | Self::TaskCompleted
            | Self::TaskReleased
            | Self::TaskBlocked
            | Self::TaskUnblocked
            | Self::TaskCancelled
            | Self::TaskReopened
            | Self::TaskUpdated
            | Self::TaskDeleted
            | Self::AgentRegistered
            | Self::AgentDeleted
            | Self::KnowledgeWritten
            | Self::KnowledgeDeleted => true,
            Self::LockAcquired
            | Self::LockRenewed
            | Self::LockReleased
            | Self::CycleCollected
            | Self::BoardEdited
            | Self::Custom(_) => false,
        }
    }
}

/// The words that every event has, and that so can't be fields of an action.
pub const ENVELOPE: [&str; 5] = ["ts", "agent", "action", "id", "derived"];

/// The fields that readers trust, and that so only the program's own actions may have: an event of somebody's own
/// with one of them would change what another reader concludes from the log.
///
/// Other fields of the board's actions (`workstream`, `task_id`, `result` …) are free: readers look at them only where
/// the action is one of the board's, or use them to say what an event is about, which is what they are for.
pub const TRUSTED: [&str; 1] = ["undoes"];

/// One fact of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub ts: Timestamp,
    /// Who. An agent's id where we wrote it; any text where a person's commit or an import did.
    pub agent: String,
    /// What.
    pub action: Action,
    /// The action's own fields, in the order they are written.
    pub fields: Map<String, Value>,
    /// Its identity: a copy with the same id (a rebase, a cherry-pick) is the same event. An operation
    /// gives each of its events one; only lines of an import have none of their own.
    pub id: Option<EventId>,
    /// It was not written by anybody but told from the difference of two boards.
    pub derived: bool,
    /// The line as the predecessor wrote it, for imported events: exported and kept byte for byte.
    pub line: Option<String>,
}

impl Event {
    /// An event with its own id and no fields.
    pub fn new(ts: Timestamp, agent: impl Into<String>, action: Action, id: EventId) -> Self {
        Self { ts, agent: agent.into(), action, fields: Map::new(), id: Some(id), derived: false, line: None }
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// The text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// The events that it undoes, by their ids: any mutation of an entry may be the inverse of an earlier one, and says
    /// so in its field `undoes`. Of any other event the field says nothing: whoever logs an event of his own must not
    /// be able to hide what somebody else did from `undo`.
    pub fn undoes(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self.fields.get("undoes").filter(|_| self.action.may_undo()) {
            Some(Value::String(id)) => (Some(id.as_str()), None),
            Some(Value::Array(ids)) => (None, Some(ids)),
            Some(_) | None => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten().filter_map(Value::as_str))
    }

    /// The task it names.
    pub fn task_id(&self) -> Option<TaskId> {
        self.text("task_id").and_then(TaskId::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_as_its_action() {
        for word in Action::WORDS {
            let action = Action::from_word(word);
            assert!(!matches!(action, Action::Custom(_)), "{word}");
            assert_eq!(action.word(), *word);
        }
        assert_eq!(Action::from_word("deployed"), Action::Custom("deployed".to_owned()));
    }

    #[test]
    fn only_changes_of_entries_are_believed_to_undo_others() {
        let at = Timestamp::parse("2026-02-06T12:00:00Z").unwrap();
        let undone = |word: &str| -> Vec<String> {
            let id = EventId::parse("e2").unwrap();
            let event = Event::new(at, "bob", Action::from_word(word), id).with("undoes", "e1");
            event.undoes().map(str::to_owned).collect()
        };
        assert_eq!(undone("task_released"), ["e1"]);
        assert_eq!(undone("knowledge_deleted"), ["e1"]);
        for word in ["said", "deployed", "lock_released", "cycle_collected", "board_edited"] {
            assert_eq!(undone(word), [] as [String; 0], "{word}");
        }
    }
}
