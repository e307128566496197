//! Walking history and comparing trees.

use std::collections::HashSet;

use gix::bstr::ByteSlice as _;

use super::error::Doing;
use super::object::{Entry, EntryKind, entries_of, entry_of};
use super::repo::Repo;
use super::{GitError, Oid};

/// One path that differs between two trees. Directories are looked into, never listed themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeChange {
    /// From the root of the trees.
    pub(crate) path: String,
    /// What was there.
    pub(crate) before: Option<Entry>,
    /// What is there.
    pub(crate) after: Option<Entry>,
}

impl Repo {
    /// Whether history is cut off.
    pub(crate) fn is_shallow(&self) -> bool {
        self.gix.is_shallow().unwrap_or(false)
    }

    /// Whether `commit` is `tip` or one of its ancestors. Costs the history of `tip` where it is not. What a
    /// shallow or partial clone does not have counts as not there.
    pub(crate) fn is_ancestor(&self, commit: Oid, tip: Oid) -> Result<bool, GitError> {
        let mut open = vec![tip];
        let mut visited: HashSet<Oid> = open.iter().copied().collect();
        while let Some(id) = open.pop() {
            if id == commit {
                return Ok(true);
            }
            match self.commit(id) {
                Ok(found) => open.extend(found.parents.into_iter().filter(|parent| visited.insert(*parent))),
                Err(GitError::Missing { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }

    /// The best commit that both contain; none where they have none in common, or where a shallow clone does
    /// not have it.
    pub(crate) fn merge_base(&self, one: Oid, two: Oid) -> Result<Option<Oid>, GitError> {
        let found = self.gix.merge_bases_many(one, &[two]).doing("look for a common commit")?;
        Ok(found.first().map(|id| id.detach()))
    }

    /// The commits that `tip` contains and `base` does not, in no order.
    pub(crate) fn commits_since(&self, base: Oid, tip: Oid) -> Result<HashSet<Oid>, GitError> {
        let walk = self.gix.rev_walk([tip]).with_hidden([base]).all().doing("walk history")?;
        walk.map(|found| found.map(|commit| commit.id)).collect::<Result<_, _>>().doing("walk history")
    }

    /// The last commit on the way of first parents from `tip` that was written at this second or earlier; none if
    /// there is none, or none that a shallow clone has.
    pub(crate) fn last_until(&self, tip: Oid, seconds: i64) -> Result<Option<Oid>, GitError> {
        let mut next = Some(tip);
        while let Some(id) = next {
            let commit = match self.commit(id) {
                Ok(commit) => commit,
                Err(GitError::Missing { .. }) => return Ok(None),
                Err(other) => return Err(other),
            };
            if commit.committer.seconds <= seconds {
                return Ok(Some(id));
            }
            next = commit.parents.first().copied();
        }
        Ok(None)
    }

    /// What differs below `prefix` (a directory), in the order of git's trees. Equal sub-trees are not read.
    pub(crate) fn diff_trees(
        &self,
        before: Option<Oid>,
        after: Oid,
        prefix: &str,
    ) -> Result<Vec<TreeChange>, GitError> {
        let below = |tree: Oid| -> Result<Option<Entry>, GitError> { self.entry_at(tree, prefix) };
        let before = before.map(below).transpose()?.flatten();
        let after = below(after)?;
        let mut changes = Vec::new();
        self.compare(prefix, before, after, &mut changes)?;
        Ok(changes)
    }

    /// What a merge made differ from all of these trees, as against the first of them: all of it where there is none.
    pub(crate) fn diff_from_all(
        &self,
        before: &[Oid],
        after: Oid,
        prefix: &str,
    ) -> Result<Vec<TreeChange>, GitError> {
        let mut changes = self.diff_trees(before.first().copied(), after, prefix)?;
        for tree in before.iter().skip(1) {
            let theirs = self.diff_trees(Some(*tree), after, prefix)?;
            let theirs: HashSet<&str> = theirs.iter().map(|change| change.path.as_str()).collect();
            changes.retain(|change| theirs.contains(change.path.as_str()));
        }
        Ok(changes)
    }

    fn compare(
        &self,
        path: &str,
        before: Option<Entry>,
        after: Option<Entry>,
        changes: &mut Vec<TreeChange>,
    ) -> Result<(), GitError> {
        if before == after {
            return Ok(());
        }
        let tree = |entry: &Option<Entry>| {
            entry.as_ref().filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.id)
        };
        let trees = (tree(&before), tree(&after));
        // A file that became a directory, or the other way round.
        let files = (before.filter(|_| trees.0.is_none()), after.filter(|_| trees.1.is_none()));
        if files.0.is_some() || files.1.is_some() {
            changes.push(TreeChange { path: path.to_owned(), before: files.0, after: files.1 });
        }
        self.compare_trees(path, trees.0, trees.1, changes)
    }

    /// Both are walked side by side, and only what differs is taken up: a directory of a history has hundreds of
    /// entries, of which a commit changes one.
    fn compare_trees(
        &self,
        path: &str,
        before: Option<Oid>,
        after: Option<Oid>,
        changes: &mut Vec<TreeChange>,
    ) -> Result<(), GitError> {
        let data = |tree: Option<Oid>| tree.map(|id| self.tree_data(id)).transpose();
        let (before, after) = (data(before)?, data(after)?);
        let mut old = entries_of(before.as_deref().unwrap_or_default()).peekable();
        let mut new = entries_of(after.as_deref().unwrap_or_default()).peekable();
        loop {
            let (takes_old, takes_new) = match (old.peek(), new.peek()) {
                (None, None) => return Ok(()),
                (Some(Ok(one)), Some(Ok(two))) => {
                    if one == two {
                        let _of_both = (old.next(), new.next());
                        continue;
                    }
                    let order = one.cmp(two);
                    (order.is_le(), order.is_ge())
                }
                (one, two) => (one.is_some(), two.is_some()),
            };
            let gone = if takes_old { old.next().transpose()? } else { None };
            let come = if takes_new { new.next().transpose()? } else { None };
            let Some(name) = come.or(gone).map(|entry| entry.filename.to_str_lossy()) else { continue };
            let (gone, come) = (gone.map(|entry| entry_of(&entry)), come.map(|entry| entry_of(&entry)));
            self.compare(&format!("{path}/{name}"), gone, come, changes)?;
        }
    }

    /// The commit that a revision names: a branch, a tag, an id, `HEAD~3`. None if there is none.
    pub(crate) fn resolve(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        let Ok(id) = self.gix.rev_parse_single(revision) else { return Ok(None) };
        let object = id.object().doing("read an object")?;
        Ok(object.peel_to_kind(gix::objs::Kind::Commit).ok().map(|commit| commit.id))
    }
}
