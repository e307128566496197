//! The index of the log: of each event where it stands, and what a filter asks of it.
//!
//! The log of a commit begins with the log of its first parent. So what is known up to some commit stays true for
//! all that follow it, and is kept beside the repository (see [`super::frames`]) as a chain of stretches, each
//! from one first parent to a later one. A reading walks back from its tip to the nearest stretch; commits before
//! that are not looked at. The last few events need only the end of the file, and a filter no commit but those of the
//! events that fit it.
//!
//! Whether an event is a copy of an earlier one (a cherry-pick, a squash beside its commits) is told by its id.
//! Ids begin with their time: one that is newer than all before it needs no look at them.
//!
//! In a shallow clone nothing is kept: what a commit's parents are may change there.

mod stretch;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::codec::{message, path};
use crate::git::{Commit, GitError, Oid, Repo};
use crate::model::Event;

pub(super) use stretch::{Entry, mark_of_action, mark_of_agent};
use stretch::{Kept, START, Sum, is_timed, pack};

use super::derive;
use super::graph::{Graph, Reach, number_of};

/// How many commits back a stretch is looked for at the end of the file before all of it is read.
const NEAR: usize = 64;
/// Fewer new commits than this are looked at again each time, rather than kept.
const WORTH: usize = 16;
/// A stretch ends at the first parent after so many events.
const STRETCH: usize = 256;

/// The log of a board at one commit, by place.
pub(super) struct Annals<'r> {
    repo: &'r Repo,
    /// What is kept: the end of it, or all.
    kept: RefCell<Kept>,
    /// The tip of the stretch that the log begins with.
    base: Option<Oid>,
    /// The newest id up to there.
    newest_kept: u128,
    /// What came after it, oldest first.
    fresh: Vec<Entry>,
    sum: Sum,
    /// History is cut off.
    pub(super) is_cut: bool,
}

impl<'r> Annals<'r> {
    /// The log of the board at `tip`; what is new of it is read, and kept if it is worth it.
    pub(super) fn read(repo: &'r Repo, tip: Option<Oid>) -> Result<Self, GitError> {
        let is_cut = repo.is_shallow();
        let kept = if is_cut { Kept::none(repo) } else { Kept::end(repo) };
        let (mut annals, commits) = Self::walk(repo, tip, kept, is_cut)?;
        let Ok(payloads) = annals.add(tip, &commits)? else { return Self::read_anew(repo, tip) };
        if !is_cut && commits.len() >= WORTH {
            // To be appended to it must have been read to its sound end.
            if annals.kept.borrow().file.end() == 0 {
                annals.load_all();
            }
            let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
            annals.kept.borrow().file.append_all(&payloads);
        }
        Ok(annals)
    }

    /// The same from history alone, and what was kept is written anew: for when it has turned out to be damaged.
    pub(super) fn read_anew(repo: &'r Repo, tip: Option<Oid>) -> Result<Self, GitError> {
        let (mut annals, commits) = Self::walk(repo, tip, Kept::none(repo), true)?;
        // With nothing kept nothing is broken.
        let payloads = annals.add(tip, &commits)?.unwrap_or_default();
        annals.is_cut = repo.is_shallow();
        if !annals.is_cut {
            let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
            annals.kept.borrow().file.replace_all(&payloads);
        }
        Ok(annals)
    }

    fn load_all(&self) {
        if !self.is_cut && !self.kept.borrow().file.is_whole() {
            *self.kept.borrow_mut() = Kept::whole(self.repo);
        }
    }

    /// The commits that hold a board and are in no stretch that is kept, in the order in which they landed: the
    /// first parent with all that it reaches, then what further parents bring, then the commit itself. So what
    /// a merge brings is news of that merge.
    fn walk(
        repo: &'r Repo,
        tip: Option<Oid>,
        kept: Kept,
        is_cut: bool,
    ) -> Result<(Self, Vec<Commit>), GitError> {
        let kept = RefCell::new(kept);
        let mut annals =
            Self { repo, kept, base: None, newest_kept: 0, fresh: Vec::new(), sum: START, is_cut };
        let mut visited: HashSet<Oid> = tip.into_iter().collect();
        let mut order = Vec::new();
        // A commit, and how many of its parents have been looked at.
        let mut open: Vec<(Commit, usize)> = Vec::new();
        let mut contained: Option<(Graph, Reach)> = None;
        // Down the first parents from the tip, before anything else is looked at.
        let mut next = tip;
        while let Some(id) = next {
            if open.len() >= NEAR {
                annals.load_all();
            }
            if annals.kept.borrow().stretches.contains_key(&id) {
                annals.base = Some(id);
                break;
            }
            let Some(commit) = annals.on_board(id, Some(id) == tip)? else { break };
            next = commit.parents.first().copied().filter(|parent| visited.insert(*parent));
            open.push((commit, 1));
        }
        while let Some((commit, looked)) = open.last_mut() {
            let Some(parent) = commit.parents.get(*looked).copied() else {
                order.extend(open.pop().map(|(commit, _)| commit));
                continue;
            };
            *looked += 1;
            if !visited.insert(parent) {
                continue;
            }
            if let Some(base) = annals.base {
                if contained.is_none() {
                    let mut graph = Graph::load(repo);
                    if let Some(gap) = graph.learn(repo, &[base])?.filter(GitError::is_of_object) {
                        return Err(gap);
                    }
                    let reach = graph.reach([base]);
                    contained = Some((graph, reach));
                }
                if contained.as_ref().is_some_and(|(graph, reach)| graph.has_commit(reach, parent)) {
                    continue;
                }
            }
            open.extend(annals.on_board(parent, false)?.map(|commit| (commit, 0)));
        }
        if let Some(base) = annals.base {
            annals.sum = annals.kept.borrow().stretches.get(&base).map_or(START, |stretch| stretch.sum);
            annals.newest_kept = annals.sum.newest;
        }
        Ok((annals, order))
    }

    /// The commit, if it holds a board.
    fn on_board(&self, id: Oid, is_tip: bool) -> Result<Option<Commit>, GitError> {
        let commit = match self.repo.commit(id) {
            Ok(commit) => commit,
            // The edge of a shallow clone.
            Err(GitError::Beyond { .. }) if !is_tip => return Ok(None),
            Err(other) => return Err(other),
        };
        let holds = is_tip
            || message::is_ours(&commit.message)
            || self.repo.entry_at(commit.tree, path::BOARD)?.is_some();
        Ok(holds.then_some(commit))
    }

    /// Takes the events of these commits; the stretches that they make.
    #[allow(clippy::type_complexity)]
    fn add(
        &mut self,
        tip: Option<Oid>,
        commits: &[Commit],
    ) -> Result<Result<Vec<Vec<u8>>, Broken>, GitError> {
        let first_parents: HashMap<Oid, Option<Oid>> =
            commits.iter().map(|commit| (commit.id, commit.parents.first().copied())).collect();
        let mut straight: HashSet<Oid> = HashSet::new();
        let mut next = tip;
        while let Some(id) = next {
            straight.insert(id);
            next = first_parents.get(&id).copied().flatten();
        }
        let mut new_ids: HashSet<u128> = HashSet::new();
        let mut known: Option<HashSet<u128>> = None;
        let (mut payloads, mut begun, mut base) = (Vec::new(), 0, self.base);
        if self.repo.is_partial() {
            let foreign = commits.iter().filter(|commit| !message::is_ours(&commit.message));
            let foreign: Vec<Oid> = foreign.map(|commit| commit.id).collect();
            self.repo.prefetch_changes(&foreign, path::BOARD)?;
        }
        for commit in commits {
            for (place, event) in events_of(self.repo, commit)?.iter().enumerate() {
                let id = event.id.as_ref().map_or(0, number_of);
                let may_be_copy = !event.derived && event.id.is_some();
                if may_be_copy && !new_ids.insert(id) {
                    continue;
                }
                let is_newest = is_timed(id) && id > self.newest_kept;
                if may_be_copy && self.base.is_some() && !is_newest {
                    match known_ids(self, &mut known) {
                        Ok(known) if known.contains(&id) => continue,
                        Ok(_) => {}
                        Err(broken) => return Ok(Err(broken)),
                    }
                }
                self.push(Entry::of(commit.id, place, event, id));
            }
            let digests = message::values(&commit.message, message::IMPORT).count();
            for place in 0..digests {
                self.push(Entry::digest(commit.id, place));
            }
            let is_end = Some(commit.id) == tip || self.fresh.len() - begun >= STRETCH;
            if is_end && straight.contains(&commit.id) {
                payloads.push(pack(commit.id, base, self.sum, &self.fresh[begun..]));
                (begun, base) = (self.fresh.len(), Some(commit.id));
            }
        }
        Ok(Ok(payloads))
    }

    fn push(&mut self, entry: Entry) {
        let sum = &mut self.sum;
        let is_digest = entry.is_digest();
        if is_digest {
            sum.digests += 1;
        } else {
            sum.events += 1;
            sum.peak = sum.peak.max(entry.ts);
            sum.newest = sum.newest.max(if is_timed(entry.id) { entry.id } else { 0 });
        }
        let ts = if is_digest { sum.peak } else { entry.ts };
        self.fresh.push(Entry { ts, peak: sum.peak, ..entry });
    }

    /// The entries of the stretches, newest first, for as long as `visit` says.
    fn each_kept(&self, visit: &mut dyn FnMut(&Entry) -> bool) -> Result<(), Broken> {
        let mut next = self.base;
        while let Some(tip) = next {
            if !self.kept.borrow().stretches.contains_key(&tip) {
                self.load_all();
            }
            let kept = self.kept.borrow();
            let stretch = kept.stretches.get(&tip).ok_or(Broken)?;
            for entry in kept.entries(stretch).rev() {
                if !visit(&entry) {
                    return Ok(());
                }
            }
            next = stretch.base;
        }
        Ok(())
    }

    /// The events, newest first, for as long as `visit` says.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Entry) -> bool) -> Result<(), Broken> {
        self.each_entry(&mut |entry| entry.is_digest() || visit(entry))
    }

    fn each_entry(&self, visit: &mut dyn FnMut(&Entry) -> bool) -> Result<(), Broken> {
        if self.fresh.iter().rev().all(&mut *visit) { self.each_kept(visit) } else { Ok(()) }
    }

    /// How many events there are.
    pub(super) fn count(&self) -> u64 {
        self.sum.events
    }

    /// Whether an import brought events, so that a lock may have one that the board has too.
    pub(super) fn has_imports(&self) -> bool {
        self.sum.digests > 0
    }

    /// The commits that import something, oldest first.
    pub(super) fn imports(&self) -> Result<Vec<Oid>, Broken> {
        let mut commits = Vec::new();
        if self.has_imports() {
            self.each_entry(&mut |entry| {
                if entry.is_digest() && commits.last() != Some(&entry.commit) {
                    commits.push(entry.commit);
                }
                true
            })?;
        }
        commits.reverse();
        Ok(commits)
    }
}

/// What was kept does not hold together: it was damaged, or deleted just now.
#[derive(Debug)]
pub(super) struct Broken;

fn known_ids<'k>(
    annals: &Annals<'_>,
    known: &'k mut Option<HashSet<u128>>,
) -> Result<&'k HashSet<u128>, Broken> {
    if known.is_none() {
        let mut ids = HashSet::new();
        annals.each_kept(&mut |entry| {
            ids.insert(entry.id);
            true
        })?;
        *known = Some(ids);
    }
    Ok(known.get_or_insert_default())
}

/// All events of a commit: those that its message says, and what its difference says besides.
pub(super) fn events_of(repo: &Repo, commit: &Commit) -> Result<Vec<Event>, GitError> {
    let (mut events, _) = message::events(&commit.message);
    if !message::is_ours(&commit.message) {
        let derived = derive::events(repo, commit, &events)?;
        events.extend(derived);
    }
    Ok(events)
}
