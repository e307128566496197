//! The locks.

use crate::model::{Fault, Record, Resource, Settings, Timestamp, View};

use super::document::LockDocument;

/// The locks that somebody has now, by resource; those that can't be read among them.
pub fn live(view: &dyn View, now: Timestamp) -> Result<Vec<LockDocument>, Fault> {
    Ok(live_among(&view.locks()?, view.settings(), now))
}

/// Those of these locks that somebody has now.
pub(crate) fn live_among(locks: &[Record], settings: &Settings, now: Timestamp) -> Vec<LockDocument> {
    let documents = locks.iter().filter_map(|record| LockDocument::of(record, now, settings.locks_slack));
    documents.filter(LockDocument::is_live).collect()
}

/// One lock in whatever standing; `None` if it was never taken.
pub fn lock(view: &dyn View, resource: &Resource, now: Timestamp) -> Result<Option<LockDocument>, Fault> {
    let slack = view.settings().locks_slack;
    Ok(view.lock(resource)?.and_then(|record| LockDocument::of(&record, now, slack)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Standing;
    use crate::views::fake::{Board, at, lock as held};

    #[test]
    fn only_live_locks_are_listed() {
        let mut free = held("db", "agent-1", at(9));
        free.standing = Standing::Free;
        let board = Board {
            locks: vec![free, held("docs", "agent-1", at(0)), held("git", "agent-2", at(9))],
            ..Board::default()
        };
        let live: Vec<_> = live(&board, at(9)).unwrap().into_iter().map(|lock| lock.resource).collect();
        assert_eq!(live, ["git"]);
        let db = lock(&board, &Resource::parse("db").unwrap(), at(9)).unwrap().unwrap();
        assert_eq!((db.standing.as_str(), db.fencing_token), ("free", 1));
    }
}
