//! Walking history and comparing trees.

use std::collections::{BTreeMap, HashSet};

use super::error::Doing;
use super::object::{Entry, EntryKind};
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

    /// What differs below `prefix` (a directory), by path. Equal sub-trees are not read.
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
        let is_tree =
            |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.kind == EntryKind::Tree);
        if !is_tree(&before) && !is_tree(&after) {
            changes.push(TreeChange { path: path.to_owned(), before, after });
            return Ok(());
        }
        let mut names: BTreeMap<String, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        for (side, entry) in [(0, &before), (1, &after)] {
            let Some(Entry { kind: EntryKind::Tree, id, .. }) = entry else { continue };
            for child in self.entries(*id)? {
                let pair = names.entry(child.name.clone()).or_default();
                if side == 0 { pair.0 = Some(child) } else { pair.1 = Some(child) }
            }
        }
        // A file that became a directory, or the other way round.
        let files =
            (before.filter(|e| e.kind != EntryKind::Tree), after.filter(|e| e.kind != EntryKind::Tree));
        if files.0.is_some() || files.1.is_some() {
            changes.push(TreeChange { path: path.to_owned(), before: files.0, after: files.1 });
        }
        for (name, (before, after)) in names {
            self.compare(&format!("{path}/{name}"), before, after, changes)?;
        }
        Ok(())
    }

    /// The commit that a revision names: a branch, a tag, an id, `HEAD~3`. None if there is none.
    pub(crate) fn resolve(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        let Ok(id) = self.gix.rev_parse_single(revision) else { return Ok(None) };
        let object = id.object().doing("read an object")?;
        Ok(object.peel_to_kind(gix::objs::Kind::Commit).ok().map(|commit| commit.id))
    }
}
