//! What one pass of the log yields for every entity: when it was last spoken of.

use std::collections::HashMap;

use crate::model::{Landing, Log, SeenTask, TaskId, Timestamp};

use super::document::TaskDocument;

/// The newest events, by what they name.
pub(crate) struct Newest {
    tasks: HashMap<TaskId, Timestamp>,
    imported: HashMap<String, Timestamp>,
    event: Option<Timestamp>,
}

impl Newest {
    /// One pass of the log.
    pub(crate) fn of(log: &Log) -> Self {
        let mut newest = Self { tasks: HashMap::new(), imported: HashMap::new(), event: None };
        for event in &log.events {
            newest.event = newest.event.max(Some(event.ts));
            if let Some(id) = event.task_id() {
                let known = newest.tasks.entry(id).or_insert(event.ts);
                *known = event.ts.max(*known);
            }
            if event.line.is_some() {
                let known = newest.imported.entry(event.agent.clone()).or_insert(event.ts);
                *known = event.ts.max(*known);
            }
        }
        newest
    }

    /// The newest event of all.
    pub(crate) fn event(&self) -> Option<Timestamp> {
        self.event
    }

    /// The newest event of this agent that came with an import.
    pub(crate) fn imported_of(&self, agent: &str) -> Option<Timestamp> {
        self.imported.get(agent).copied()
    }

    /// When a task last changed: the newest of its stamps and of the events that name it; where its claim
    /// record has the last word, of that record's event too.
    pub(crate) fn updated_at(&self, seen: &SeenTask) -> Timestamp {
        let record = match &seen.landing {
            Landing::Here => None,
            Landing::Elsewhere { .. } => {
                seen.record.as_ref().and_then(|record| record.event.as_ref()).map(|event| event.ts)
            }
        };
        let logged = self.tasks.get(&seen.task.id).copied();
        [logged, record].into_iter().flatten().fold(seen.task.newest_stamp(), Timestamp::max)
    }

    /// The task as a document.
    pub(crate) fn document(&self, seen: &SeenTask) -> TaskDocument {
        TaskDocument::of(seen, self.updated_at(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::views::fake::{Board, at, event, task};

    #[test]
    fn a_task_was_updated_by_its_newest_stamp_or_event() {
        let seen = task("299833bc", "revenue", "t").held("agent-1", at(5));
        let board = Board::default()
            .logs(event("e1", at(9), "a", Action::TaskUpdated).with("task_id", "299833bc"))
            .logs(event("e2", at(3), "a", Action::TaskUpdated).with("task_id", "299833bc"))
            .logs(event("e3", at(20), "a", Action::TaskUpdated).with("task_id", "04b29b0b"));
        let newest = Newest::of(&board.log);
        assert_eq!(newest.updated_at(&seen), at(9));
        assert_eq!(newest.event(), Some(at(20)));
        assert_eq!(Newest::of(&Board::default().log).updated_at(&seen), at(5));
    }
}
