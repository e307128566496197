//! Worktrees: where they are, and what they are in the middle of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::GitError;
use super::repo::{Repo, read_symbolic};

/// A worktree of a repository.
#[derive(Clone, Debug)]
pub(crate) struct Worktree {
    /// Its own git directory.
    pub(crate) git_dir: PathBuf,
    /// Its root; none where the repository is bare or the directory is gone.
    pub(crate) path: Option<PathBuf>,
    /// The full name of the branch that it has checked out; none on a detached `HEAD`.
    pub(crate) branch: Option<String>,
}

impl Repo {
    /// The main worktree and the linked ones, read from disk.
    pub(crate) fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let common = self.common_dir();
        let mut found = vec![Worktree {
            git_dir: common.to_owned(),
            path: self.main_work_dir().filter(|path| path.is_dir()),
            branch: read_symbolic(common)?.ok(),
        }];
        let directory = common.join("worktrees");
        let names = match fs::read_dir(&directory) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(GitError::Io { path: directory, source }),
        };
        for name in names {
            let git_dir = name.map_err(GitError::io(&directory))?.path();
            let Ok(pointer) = fs::read_to_string(git_dir.join("gitdir")) else { continue };
            let link = PathBuf::from(pointer.trim_end());
            let link = if link.is_absolute() { link } else { git_dir.join(link) };
            let path = link.parent().map(Path::to_owned).filter(|path| path.is_dir());
            let path = path.and_then(|path| path.canonicalize().ok());
            let Ok(head) = read_symbolic(&git_dir) else { continue };
            found.push(Worktree { git_dir, path, branch: head.ok() });
        }
        Ok(found)
    }

    /// The worktrees that have this branch checked out and still exist.
    pub(crate) fn checked_out_at(&self, branch: &str) -> Result<Vec<Worktree>, GitError> {
        let mut all = self.worktrees()?;
        all.retain(|tree| tree.path.is_some() && tree.branch.as_deref() == Some(branch));
        Ok(all)
    }
}

/// What is under way in the worktree of this git directory: `merge`, `rebase`, `cherry-pick`, `revert`,
/// `bisect`, or `am`.
pub(crate) fn operation_under_way(git_dir: &Path) -> Option<&'static str> {
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
    signs.iter().find(|(sign, _)| git_dir.join(sign).exists()).map(|(_, operation)| *operation)
}
