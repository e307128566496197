//! Worktrees: where they are, and what they are in the middle of.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::GitError;
use super::directory::items;
use super::repo::{Repo, read_symbolic};
use super::small;
use super::work_tree::WorkTree;

/// A worktree of a repository.
#[derive(Clone, Debug)]
pub(crate) struct Worktree {
    /// Its own git directory.
    pub(crate) git_dir: PathBuf,
    /// Its root; none where the repository is bare or the directory is gone.
    pub(crate) path: Option<PathBuf>,
    /// Why what is checked out there can't be brought in step with its `HEAD`, although git counts on it.
    pub(crate) lost: Option<String>,
    /// The full name of the branch that it has checked out; none on a detached `HEAD`.
    pub(crate) branch: Option<String>,
}

impl Repo {
    /// The main worktree and the linked ones, read from disk.
    pub(crate) fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let common = self.common_dir();
        let seen = |git_dir: &Path, tree: &WorkTree, head: Result<String, super::Oid>| {
            let lost = tree.why_lost(git_dir);
            let path = tree.path().filter(|_| lost.is_none()).map(Path::to_owned);
            Worktree { git_dir: git_dir.to_owned(), path, lost, branch: head.ok() }
        };
        let mut found = vec![seen(common, &self.main_work_tree(), read_symbolic(common)?)];
        let directory = common.join("worktrees");
        let items = match items(&directory) {
            Ok(items) => items,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(GitError::Io { path: directory, source }),
        };
        for item in items {
            let git_dir = directory.join(item.name);
            if git_dir == self.git_dir() {
                // Where we stand it is as we found it.
                found.push(seen(&git_dir, self.work_tree(), read_symbolic(&git_dir)?));
                continue;
            }
            let pointer = git_dir.join("gitdir");
            let Some(pointer) = unless_absent(small::read_text(&pointer), &pointer)? else { continue };
            let link = PathBuf::from(pointer.trim_end());
            let link = if link.is_absolute() { link } else { git_dir.join(link) };
            let path = match link.parent() {
                Some(path) if is_directory(path)? => unless_absent(path.canonicalize(), path)?,
                Some(_) | None => None,
            };
            let head = match read_symbolic(&git_dir) {
                Err(GitError::Io { source, .. }) if is_absent(&source) => continue,
                // It names nothing.
                Err(GitError::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidData => continue,
                head => head?,
            };
            // One that is gone can be pruned; one that is locked comes back, as it was.
            let is_away = path.is_none() && git_dir.join("locked").exists();
            let lost = is_away.then(|| format!("the locked worktree of `{}` is not there", link.display()));
            found.push(Worktree { git_dir, path, lost, branch: head.ok() });
        }
        Ok(found)
    }

    /// Where git looks for hooks.
    pub(crate) fn hooks_dir(&self) -> PathBuf {
        let root = self.work_dir().unwrap_or_else(|| self.git_dir().to_owned());
        match self.config_path("core.hooksPath") {
            Some(path) => root.join(path),
            None => self.common_dir().join("hooks"),
        }
    }

    /// Whether this is a hook that git would run.
    pub(crate) fn is_hook(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
    }

    /// The number of the user whose file this is.
    pub(crate) fn owner_of(&self, path: &Path) -> Option<u32> {
        fs::symlink_metadata(path).ok().map(|meta| meta.uid())
    }

    /// The worktrees that have this branch checked out, whether or not they still exist.
    pub(crate) fn checked_out_at(&self, branch: &str) -> Result<Vec<Worktree>, GitError> {
        let mut all = self.worktrees()?;
        all.retain(|tree| tree.branch.as_deref() == Some(branch));
        Ok(all)
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// None for what is not there. That something can't be looked at is no sign of it: a worktree that is there, and is not
/// brought along, shows the change as one that is to be taken back.
fn unless_absent<T>(looked: io::Result<T>, path: &Path) -> Result<Option<T>, GitError> {
    match looked {
        Err(error) if is_absent(&error) => Ok(None),
        looked => looked.map(Some).map_err(GitError::io(path)),
    }
}

fn is_directory(path: &Path) -> Result<bool, GitError> {
    Ok(unless_absent(fs::metadata(path), path)?.is_some_and(|meta| meta.is_dir()))
}

/// What is under way in the worktree of this git directory: `merge`, `rebase`, `cherry-pick`, `revert`,
/// `bisect`, or `am`.
pub(crate) fn operation_under_way(git_dir: &Path) -> Result<Option<&'static str>, GitError> {
    let signs = [
        ("rebase-merge", "rebase"),
        ("rebase-apply/applying", "am"),
        ("rebase-apply", "rebase"),
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("sequencer", "cherry-pick or revert"),
        ("BISECT_LOG", "bisect"),
    ];
    for (sign, operation) in signs {
        let path = git_dir.join(sign);
        if path.try_exists().map_err(GitError::io(&path))? {
            return Ok(Some(operation));
        }
    }
    Ok(None)
}
