//! Walking history and comparing trees.

use std::collections::HashSet;

use gix::bstr::ByteSlice as _;
use gix::objs::Kind;
use gix::revision::spec::parse::{Error as Unclear, ObjectKindHint, Options, RefsHint};

use super::error::Doing;
use super::object::{Entry, EntryKind, entries_of, entry_of, undecoded};
use super::repo::Repo;
use super::{GitError, Oid};

impl TreeChange {
    /// The blobs before and after.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = Oid> + use<> {
        let both = [&self.before, &self.after].map(|entry| entry.as_ref().filter(|entry| entry.is_blob()));
        both.map(|entry| entry.map(|entry| entry.id)).into_iter().flatten()
    }
}

impl Repo {
    /// In a partial clone: fetches at once what is lacking of what these commits changed below `prefix`.
    pub(crate) fn prefetch_changes(&self, commits: &[Oid], prefix: &str) -> Result<(), GitError> {
        if !self.is_partial() {
            return Ok(());
        }
        let mut pairs = Vec::new();
        for id in commits {
            let commit = self.commit(*id)?;
            let mut before = Vec::new();
            for parent in &commit.parents {
                match self.tree_of(*parent) {
                    Ok(tree) => before.push(tree),
                    Err(GitError::Beyond { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
            pairs.push((before, commit.tree));
        }
        self.prefetch(pairs.iter().flat_map(|(before, tree)| before.iter().chain([tree])).copied());
        let mut blobs = Vec::new();
        for (before, after) in pairs {
            for tree in before.iter().map(Some).chain(before.is_empty().then_some(None)) {
                let changes = self.diff_trees(tree.copied(), after, prefix)?;
                blobs.extend(changes.iter().flat_map(TreeChange::blobs));
            }
        }
        self.prefetch(blobs);
        Ok(())
    }
}

/// How many parents back it is looked why a revision names no commit.
const MOST_STEPS: usize = 10_000;

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

    /// Whether `commit` is `tip` or one of its ancestors. Costs the history of `tip` where it is not. What lies beyond
    /// the edge of a shallow clone counts as not there.
    pub(crate) fn is_ancestor(&self, commit: Oid, tip: Oid) -> Result<bool, GitError> {
        let mut open = vec![tip];
        let mut visited: HashSet<Oid> = open.iter().copied().collect();
        while let Some(id) = open.pop() {
            if id == commit {
                return Ok(true);
            }
            match self.commit(id) {
                Ok(found) => open.extend(found.parents.into_iter().filter(|parent| visited.insert(*parent))),
                Err(GitError::Beyond { .. }) => {}
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

    /// The best commits that both contain: several where the two were merged into each other before.
    pub(crate) fn merge_bases(&self, one: Oid, two: Oid) -> Result<Vec<Oid>, GitError> {
        let found = self.gix.merge_bases_many(one, &[two]).doing("look for a common commit")?;
        Ok(found.iter().map(|id| id.detach()).collect())
    }

    /// All commits that `tip` contains, as far as this clone has them.
    pub(crate) fn ancestry(&self, tip: Oid) -> Result<HashSet<Oid>, GitError> {
        let walk = self.gix.rev_walk([tip]).all().doing("walk history")?;
        walk.map(|found| found.map(|commit| commit.id)).collect::<Result<_, _>>().doing("walk history")
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
                Err(GitError::Beyond { .. }) => return Ok(None),
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
        let data =
            |tree: Option<Oid>| tree.map(|id| self.tree_data(id).map_err(|error| error.at(path))).transpose();
        let ids = (before, after);
        let (before, after) = (data(before)?, data(after)?);
        let none = self.empty_tree();
        let mut old = entries_of(ids.0.unwrap_or(none), before.as_deref().unwrap_or_default()).peekable();
        let mut new = entries_of(ids.1.unwrap_or(none), after.as_deref().unwrap_or_default()).peekable();
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

    /// The commit that a revision names: a branch, a tag, an id, `HEAD~3`. None if there is none; where there may be one,
    /// and an object on the way to it can't be read, that is the error.
    ///
    /// As in git a full id is an id before it is a name, a short one a name before it is an id, and of the objects
    /// whose ids a short one begins only what leads to a commit counts; where that leaves several, none is chosen.
    pub(crate) fn resolve(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        let options =
            Options { object_kind_hint: Some(ObjectKindHint::Committish), refs_hint: RefsHint::default() };
        match gix::revision::Spec::from_bstr(revision, &self.gix, options) {
            Ok(found) => match found.single().filter(|id| !id.is_null()) {
                Some(id) => self.peeled(id.detach()),
                None => Ok(None),
            },
            Err(error) => match error.downcast_any_ref::<Unclear>() {
                Some(Unclear::AmbiguousPrefix { candidates, .. }) => {
                    let candidates = candidates.iter().map(|(id, what)| format!("{id} {what}")).collect();
                    Err(GitError::Ambiguous { word: revision.to_owned(), candidates })
                }
                Some(_) | None => self.unresolved(revision).map(|()| None),
            },
        }
    }

    /// The commit that an object is, or that a tag leads to.
    pub(crate) fn peeled(&self, id: Oid) -> Result<Option<Oid>, GitError> {
        let mut id = id;
        loop {
            match self.look_up(id, "object")? {
                (Kind::Commit, _) => return Ok(Some(id)),
                (Kind::Tag, data) => {
                    let tag = gix::objs::TagRefIter::from_bytes(&data, gix::hash::Kind::Sha1);
                    id = tag.target_id().map_err(undecoded("tag", id))?;
                }
                (Kind::Tree | Kind::Blob, _) => return Ok(None),
            }
        }
    }

    /// Fails where a revision that could not be resolved begins with a ref, and what the ref leads to can't be read.
    fn unresolved(&self, revision: &str) -> Result<(), GitError> {
        let end = revision.find(['~', '^', '@', ':']).unwrap_or(revision.len());
        let (name, way) = revision.split_at(end);
        let Ok(Some(mut found)) = self.gix.try_find_reference(name) else { return Ok(()) };
        let Ok(id) = found.follow_to_object() else { return Ok(()) };
        let mut next = self.peeled(id.detach())?;
        // As far back as could be asked for by parents, and no farther than anybody means.
        let digits =
            way.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<usize>().ok());
        let steps = digits.sum::<usize>() + way.matches(['~', '^']).count();
        for _ in 0..steps.min(MOST_STEPS) {
            let Some(commit) = next else { break };
            next = self.commit(commit)?.parents.first().copied();
        }
        next.map_or(Ok(()), |commit| self.commit(commit).map(drop))
    }
}
