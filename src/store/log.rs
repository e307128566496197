//! The event log, read from history.
//!
//! Every commit's message is searched for event lines; copies of an event (rebase, cherry-pick, squash
//! with its commits still around) count once, by id. What a commit changes on the board without a line of
//! ours saying so, by hand or in a squash whose message was cut, is derived from the difference of its
//! boards and marked so. Commits before the board's birth are not walked.
//!
//! A message that a mutation of ours wrote is believed to explain its commit; whether it does is for a
//! verification of history to prove, not for each reading of it.

use std::collections::{BTreeMap, HashSet};

use crate::codec::{message, path};
use crate::git::{Commit, GitError, Oid, Repo};
use crate::model::{Event, EventId, Log, Timestamp};

use super::{derive, records};

/// The board's own log, without locks.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Oldest first, in the order in which they landed.
    pub(crate) events: Vec<Event>,
    /// When each agent acted last.
    pub(crate) last_seen: BTreeMap<String, Timestamp>,
    /// The digests of imports.
    pub(crate) imports: Vec<String>,
    /// History is cut off.
    pub(crate) is_cut: bool,
}

/// The log of the board at `tip`.
pub(crate) fn read(repo: &Repo, tip: Option<Oid>) -> Result<History, GitError> {
    let mut history = History { is_cut: repo.is_shallow(), ..History::default() };
    let mut known: HashSet<EventId> = HashSet::new();
    for commit in walk(repo, tip)? {
        let (mut events, _) = message::events(&commit.message);
        if !message::is_ours(&commit.message) {
            let derived = derive::events(repo, &commit, &events)?;
            events.extend(derived);
        }
        history.imports.extend(message::values(&commit.message, message::IMPORT).map(str::to_owned));
        for event in events {
            if event.id.as_ref().is_some_and(|id| !known.insert(id.clone())) {
                continue;
            }
            let seen = history.last_seen.entry(event.agent.clone()).or_insert(event.ts);
            *seen = (*seen).max(event.ts);
            history.events.push(event);
        }
    }
    Ok(history)
}

/// The board's events with those of the locks merged in by time.
pub(crate) fn with_locks(repo: &Repo, history: &History) -> Result<Log, GitError> {
    let mut of_locks = Vec::new();
    for (_, tip) in repo.list_refs(crate::codec::ref_name::LOCKS)? {
        of_locks.extend(records::chain(repo, tip)?.into_iter().filter_map(|record| record.event));
    }
    // A lock that an import brought carries an event that the board has too.
    let known: HashSet<&EventId> = history.events.iter().filter_map(|event| event.id.as_ref()).collect();
    of_locks.retain(|event| event.id.as_ref().is_none_or(|id| !known.contains(id)));
    of_locks.sort_by(|one, two| (one.ts, &one.id).cmp(&(two.ts, &two.id)));
    let mut events = Vec::with_capacity(history.events.len() + of_locks.len());
    let mut locks = of_locks.into_iter().peekable();
    for event in &history.events {
        while let Some(lock) = locks.next_if(|lock| lock.ts < event.ts) {
            events.push(lock);
        }
        events.push(event.clone());
    }
    events.extend(locks);
    Ok(Log { events, board_events: history.events.len() as u64, is_cut: history.is_cut })
}

/// The commits that hold a board, in the order in which they landed: the first parent with all that it
/// reaches, then what further parents bring, then the commit itself. So the log of a commit begins with the
/// log of its first parent, and what a merge brings is news of that merge.
fn walk(repo: &Repo, tip: Option<Oid>) -> Result<Vec<Commit>, GitError> {
    let holds_board = |id: Oid| -> Result<Option<Commit>, GitError> {
        let commit = match repo.commit(id) {
            Ok(commit) => commit,
            // The boundary of a shallow clone, or of what a partial one has.
            Err(GitError::Missing { .. }) if Some(id) != tip => return Ok(None),
            Err(other) => return Err(other),
        };
        let is_on_board = message::is_ours(&commit.message)
            || repo.entry_at(commit.tree, path::BOARD)?.is_some()
            || Some(id) == tip;
        Ok(is_on_board.then_some(commit))
    };
    let mut visited: HashSet<Oid> = tip.into_iter().collect();
    let mut order = Vec::new();
    // A commit, and how many of its parents have been looked at.
    let mut open: Vec<(Commit, usize)> = Vec::new();
    if let Some(tip) = tip {
        open.extend(holds_board(tip)?.map(|commit| (commit, 0)));
    }
    while let Some((commit, looked)) = open.last_mut() {
        match commit.parents.get(*looked).copied() {
            Some(parent) => {
                *looked += 1;
                if visited.insert(parent) {
                    open.extend(holds_board(parent)?.map(|commit| (commit, 0)));
                }
            }
            None => order.extend(open.pop().map(|(commit, _)| commit)),
        }
    }
    Ok(order)
}
