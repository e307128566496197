//! The event log, read from history.
//!
//! Every commit's message is searched for event lines; copies of an event (rebase, cherry-pick, squash
//! with its commits still around) count once, by id. What a commit changes on the board without a line of
//! ours saying so, by hand or in a squash whose message was cut, is derived from the difference of its
//! boards and marked so. Commits before the board's birth are not walked.
//!
//! A message that a mutation of ours wrote is believed to explain its commit; whether it does is for a
//! verification of history to prove, not for each reading of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use crate::codec::{message, path};
use crate::git::{Commit, GitError, Oid, Repo};
use crate::model::{Event, EventId, Log, Timestamp};

use super::{derive, records};

/// The board's own log, without locks.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Oldest first, by ancestry.
    pub(crate) events: Vec<Event>,
    /// The ids of the events.
    pub(crate) ids: HashSet<EventId>,
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
    history.ids = known;
    Ok(history)
}

/// Whether the board at `tip` has this event.
pub(crate) fn contains(repo: &Repo, tip: Oid, event: &EventId) -> Result<bool, GitError> {
    Ok(walk(repo, Some(tip))?.iter().any(|commit| commit.message.contains(event.as_str())))
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

/// The commits that hold a board, parents before children; among the rest, older ones first.
fn walk(repo: &Repo, tip: Option<Oid>) -> Result<Vec<Commit>, GitError> {
    let mut commits: HashMap<Oid, Commit> = HashMap::new();
    let mut children: HashMap<Oid, Vec<Oid>> = HashMap::new();
    let mut open: Vec<Oid> = tip.into_iter().collect();
    let mut visited: HashSet<Oid> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        let commit = match repo.commit(id) {
            Ok(commit) => commit,
            // The boundary of a shallow clone, or of what a partial one has.
            Err(GitError::Missing { .. }) if Some(id) != tip => continue,
            Err(other) => return Err(other),
        };
        if !message::is_ours(&commit.message)
            && repo.entry_at(commit.tree, path::BOARD)?.is_none()
            && Some(id) != tip
        {
            continue;
        }
        for parent in &commit.parents {
            children.entry(*parent).or_default().push(id);
            if visited.insert(*parent) {
                open.push(*parent);
            }
        }
        commits.insert(id, commit);
    }
    let known_parents = |commit: &Commit| commit.parents.iter().filter(|p| commits.contains_key(*p)).count();
    let mut waiting: HashMap<Oid, usize> = commits.iter().map(|(id, c)| (*id, known_parents(c))).collect();
    let place = |id: Oid| Reverse((commits[&id].committer.seconds, id));
    let mut ready: BinaryHeap<_> =
        waiting.iter().filter(|(_, n)| **n == 0).map(|(id, _)| place(*id)).collect();
    let mut order = Vec::with_capacity(commits.len());
    while let Some(Reverse((_, id))) = ready.pop() {
        order.push(id);
        for child in children.get(&id).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(child) {
                *left -= 1;
                if *left == 0 {
                    ready.push(place(*child));
                }
            }
        }
    }
    Ok(order.into_iter().filter_map(|id| commits.remove(&id)).collect())
}
