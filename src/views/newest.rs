//! When tasks were last spoken of, for their documents.

use crate::model::{Landing, Record, SeenTask, Timestamp, Updates};

use super::document::TaskDocument;

/// The newest events, by what they name.
pub(crate) struct Newest(pub(crate) Updates);

impl Newest {
    /// The newest event of all, those of the locks included.
    pub(crate) fn event(&self, locks: &[Record]) -> Option<Timestamp> {
        let of_locks = locks.iter().filter_map(|lock| lock.event.as_ref()).map(|event| event.ts);
        self.0.newest.max(of_locks.max())
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
        let logged = self.0.tasks.get(&seen.task.id).copied();
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
    use crate::model::{Action, View as _};
    use crate::views::fake::{Board, at, event, lock, task};

    #[test]
    fn a_task_was_updated_by_its_newest_stamp_or_event() {
        let seen = task("299833bc", "revenue", "t").held("agent-1", at(5));
        let board = Board::default()
            .logs(event("e1", at(9), "a", Action::TaskUpdated).with("task_id", "299833bc"))
            .logs(event("e2", at(3), "a", Action::TaskUpdated).with("task_id", "299833bc"))
            .logs(event("e3", at(20), "a", Action::TaskUpdated).with("task_id", "04b29b0b"));
        let newest = Newest(board.updates().unwrap());
        assert_eq!(newest.updated_at(&seen), at(9));
        assert_eq!(newest.event(&[]), Some(at(20)));
        let mut held = lock("git", "agent-1", at(25));
        held.event = Some(event("e4", at(25), "agent-1", Action::LockAcquired));
        assert_eq!(newest.event(&[held]), Some(at(25)));
        assert_eq!(Newest(Updates::default()).updated_at(&seen), at(5));
    }
}
