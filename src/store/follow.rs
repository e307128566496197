//! Worktrees that have the board's branch checked out, and follow it: their files and their index.
//!
//! Whatever the user has staged, modified or left untracked stays as it is. A path is written only where
//! the commit, the index and the file agree; everything else in the index is carried over byte for byte.

use std::path::PathBuf;

use crate::git::{
    self, Files, GitError, Index, IndexEdit, IndexLock, Oid, PreparedIndexLock, Repo, Tidy, Worktree,
};

use super::draft::DraftFile;
use super::journal::{Following, Place};

/// A worktree that follows, before its index is locked.
pub(crate) struct Follower {
    git_dir: PathBuf,
    root: PathBuf,
    prepared: PreparedIndexLock,
}

/// A worktree whose index is locked by us.
pub(crate) struct Locked {
    files: Files,
    lock: IndexLock,
    index: Index,
    git_dir: PathBuf,
    root: PathBuf,
}

/// The worktrees that have the board's branch checked out, or this one alone where `HEAD` is detached; this one first.
/// The first one is the one whose `HEAD` the board is moved through.
pub(crate) fn worktrees(repo: &Repo, branch: Option<&str>) -> Result<Vec<Worktree>, GitError> {
    let here = repo.git_dir();
    let mut all = match branch {
        Some(name) => repo.checked_out_at(name)?,
        None => repo.worktrees()?.into_iter().filter(|tree| tree.git_dir == here).collect(),
    };
    if let Some(why) = all.iter_mut().find_map(|tree| tree.lost.take()) {
        return Err(GitError::NoWorkTree { why });
    }
    all.retain(|tree| tree.path.is_some());
    if all.iter().any(|tree| tree.git_dir == here) {
        repo.check_index()?;
    }
    all.sort_by_key(|tree| tree.git_dir != here);
    Ok(all)
}

/// What is under way in a worktree, if anything is: a merge, a rebase, …
pub(crate) fn operation_in(trees: &[Worktree]) -> Result<Option<(&'static str, PathBuf)>, GitError> {
    for tree in trees {
        if let Some(operation) = git::operation_under_way(&tree.git_dir)? {
            return Ok(Some((operation, tree.path.clone().unwrap_or_else(|| tree.git_dir.clone()))));
        }
    }
    Ok(None)
}

impl Follower {
    /// Makes the file that will become `index.lock`. Nothing is visible yet.
    pub(crate) fn prepare(tree: &Worktree) -> Result<Option<Self>, GitError> {
        let Some(root) = tree.path.clone() else { return Ok(None) };
        let prepared = IndexLock::prepare(&tree.git_dir)?;
        Ok(Some(Self { git_dir: tree.git_dir.clone(), root, prepared }))
    }

    /// What the journal says of it.
    pub(crate) fn announcement(&self, files: &[DraftFile]) -> Following {
        Following {
            git_dir: Place::from(&*self.git_dir),
            root: Place::from(&*self.root),
            files: files.iter().map(|file| file.moved.clone()).collect(),
        }
    }

    /// Takes `index.lock`, reads the index, and checks that commit, index and file agree on each path.
    pub(crate) fn lock(self, files: &[DraftFile]) -> Result<Locked, GitError> {
        let Self { git_dir, root, prepared } = self;
        let lock = prepared.take()?;
        let index = Index::load(&git_dir)?;
        let locked = Locked { files: Files::at(&root), lock, index, git_dir, root };
        for file in files {
            locked.check(&file.moved.path, file.old)?;
        }
        Ok(locked)
    }
}

impl Locked {
    fn check(&self, path: &str, old: Option<Oid>) -> Result<(), GitError> {
        let refuse = |why: &str| Err(GitError::InTheWay { path: path.to_owned(), why: why.to_owned() });
        if self.index.is_conflicted(path) {
            return refuse("it has an unresolved merge conflict");
        }
        if self.index.covered_by_sparse_directory(path) {
            return refuse("it lies outside of the sparse checkout");
        }
        let entry = self.index.entry(path);
        if entry.as_ref().is_some_and(|entry| entry.is_intent_to_add) {
            return refuse("it was announced with `git add -N`");
        }
        let staged = entry.as_ref().map(|entry| entry.id);
        if staged != old {
            return refuse("it has a staged change that is not committed");
        }
        if entry.is_some_and(|entry| entry.is_skip_worktree) {
            // Sparse: git keeps no file here, and neither do we.
            return Ok(());
        }
        match (self.files.read(path)?, old) {
            (None, None) => Ok(()),
            (Some(bytes), Some(old)) if git::blob_id(&bytes) == old => Ok(()),
            (Some(bytes), Some(old)) => {
                match git::why_rewritten(&self.git_dir, &self.root, path, &bytes, old) {
                    Some(why) => Err(GitError::Rewritten { path: path.to_owned(), why }),
                    None => refuse("it was edited and is not committed"),
                }
            }
            (Some(_), None) => refuse("an untracked file of that name is there"),
            (None, Some(_)) => refuse("it was deleted and is not committed"),
        }
    }

    /// Writes the files and the index. After this the worktree shows the new board.
    pub(crate) fn advance(self, files: &[DraftFile]) -> Result<Tidy, GitError> {
        let (index, on_disk) = (&self.index, &self.files);
        let (written, removed): (Vec<&DraftFile>, Vec<_>) = files.iter().partition(|file| file.new.is_some());
        let advance =
            |part: &[&DraftFile]| part.iter().map(|file| advance_file(index, on_disk, file)).collect();
        let mut edits = git::in_parallel(&written, advance)?;
        // One after the other, and last: a directory goes when it is empty, and must not go while it is filled.
        let removed: Vec<IndexEdit> = advance(&removed)?;
        edits.extend(removed);
        self.lock.commit(|file| self.index.splice(&edits, file))
    }
}

/// Writes or removes one file; what the index is to say of it.
fn advance_file(index: &Index, on_disk: &Files, file: &DraftFile) -> Result<IndexEdit, GitError> {
    let path = &file.moved.path;
    let is_skipped = index.entry(path).is_some_and(|entry| entry.is_skip_worktree);
    let entry = match &file.new {
        Some((id, _)) if is_skipped => Some((*id, git::Stat::default())),
        Some((id, bytes)) => Some((*id, on_disk.write(path, file.old, bytes)?)),
        None => {
            if let Some(old) = file.old.filter(|_| !is_skipped) {
                on_disk.remove(path, old)?;
            }
            None
        }
    };
    Ok((path.clone(), entry))
}
