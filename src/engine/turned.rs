//! What the commits of a board changed, by file: what a later one may say to take back, and what another one may have
//! done as well.
//!
//! A message may say to revert anything. It is believed where the change is what a revert gives: of the commit that it
//! names if that is in this history, or else (a rebase copies commits, and not their names in messages) of any that is.

use std::collections::{HashMap, HashSet};

use crate::codec::path;
use crate::git::{GitError, Oid, Repo};
use crate::model::{Exhibit, FileChange};

use super::blend;

/// What a file was, and what it became.
type Turn = (Option<Oid>, Option<Oid>);

/// All changes so far, of commits with one parent.
#[derive(Debug, Default)]
pub(super) struct Turned(HashMap<String, Vec<Turn>>);

fn turn(change: &FileChange) -> Turn {
    let id = |hex: &str| Oid::from_hex(hex.as_bytes()).ok();
    (id(&change.object_before), id(&change.object))
}

impl Turned {
    /// Takes note of a commit, after it was judged.
    pub(super) fn note(&mut self, exhibit: &Exhibit) {
        if exhibit.parents.len() > 1 {
            return;
        }
        for change in exhibit.changes.iter().filter(|change| change.is_changed) {
            self.0.entry(change.path.clone()).or_default().push(turn(change));
        }
    }

    /// Whether all that a commit changed of the board was so changed by others.
    pub(super) fn has_all_of(&self, repo: &Repo, commit: Oid) -> Result<bool, GitError> {
        let changes = changes_of(repo, commit)?;
        let is_made =
            |(path, turn): &(String, Turn)| self.0.get(path).is_some_and(|made| made.contains(turn));
        Ok(!changes.is_empty() && changes.iter().all(is_made))
    }

    /// Finds the changes of a commit that are what a revert of those gives that it names; `is_here` says which commits
    /// are in this history.
    pub(super) fn take_back(
        &self,
        repo: &Repo,
        exhibit: &mut Exhibit,
        is_here: &dyn Fn(Oid) -> bool,
    ) -> Result<(), GitError> {
        if exhibit.reverts.is_empty() || exhibit.parents.len() > 1 {
            return Ok(());
        }
        let named: HashSet<Oid> =
            exhibit.reverts.iter().filter_map(|hex| Oid::from_hex(hex.as_bytes()).ok()).collect();
        let mut turns: HashMap<String, Vec<Turn>> = HashMap::new();
        let mut are_here = true;
        for commit in named {
            if !is_here(commit) {
                are_here = false;
                continue;
            }
            match changes_of(repo, commit) {
                Ok(changes) => {
                    for (path, turn) in changes {
                        turns.entry(path).or_default().push(turn);
                    }
                }
                Err(GitError::Beyond { .. }) => are_here = false,
                Err(other) => return Err(other),
            }
        }
        let is_beyond = !are_here && repo.is_shallow();
        for change in exhibit.changes.iter_mut().filter(|change| change.is_changed) {
            let mut candidates = turns.get(&change.path).cloned().unwrap_or_default();
            if !are_here {
                candidates.extend(self.0.get(&change.path).into_iter().flatten());
            }
            let (before, after) = turn(change);
            let mut is_reverted = is_beyond;
            for (was, became) in candidates {
                is_reverted =
                    is_reverted || blend::is_merge(repo, &change.path, became, [before, was], after)?;
            }
            change.is_reverted = is_reverted;
        }
        Ok(())
    }
}

/// What a commit changed of the board, against each of its parents.
fn changes_of(repo: &Repo, commit: Oid) -> Result<Vec<(String, Turn)>, GitError> {
    let commit = repo.commit(commit)?;
    let mut parents = Vec::new();
    for parent in &commit.parents {
        parents.push(Some(repo.tree_of(*parent)?));
    }
    if parents.is_empty() {
        parents.push(None);
    }
    let mut found = Vec::new();
    for parent in parents {
        for change in repo.diff_trees(parent, commit.tree, path::BOARD)? {
            let id = |entry: Option<crate::git::Entry>| entry.map(|entry| entry.id);
            found.push((change.path, (id(change.before), id(change.after))));
        }
    }
    Ok(found)
}
