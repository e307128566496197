//! Where the worktree of a git directory is, in git's order: `GIT_WORK_TREE`, `core.bare`, `core.worktree`, and what
//! follows from the place where the git directory was found.

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;
use gix::config::{File, Source};

use super::discovery::{Found, How};
use super::environment;
use super::small;

/// The worktree of a git directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WorkTree {
    /// Here. Whether it is there has not been looked at.
    At(PathBuf),
    /// The repository is bare.
    Bare,
    /// There may be one, but not for who stands where we stand: git says "must be run in a work tree".
    NotFromHere,
}

impl WorkTree {
    /// Where it is, whether or not it is there.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::At(path) => Some(path),
            Self::Bare | Self::NotFromHere => None,
        }
    }

    /// Why nothing can be written into it; none where it is there, or where there is none.
    pub(super) fn why_lost(&self, git_dir: &Path) -> Option<String> {
        match self {
            Self::Bare => None,
            Self::At(path) if path.starts_with(git_dir) => {
                Some(format!("the worktree `{}` lies in the git directory", path.display()))
            }
            // Asked for through itself, it is one and may be entered.
            Self::At(path) => match fs::metadata(path.join(".")) {
                Ok(_) => None,
                Err(error) => Some(format!("the worktree `{}` can't be used: {error}", path.display())),
            },
            Self::NotFromHere => {
                Some(format!("the worktree of `{}` is not known from here", git_dir.display()))
            }
        }
    }
}

/// The setting that counts for worktrees: of the repository's own file, and of the worktree's where that has one. Neither
/// includes nor other files count, as for git.
struct Own<'c> {
    config: &'c File,
    is_linked: bool,
}

impl Own<'_> {
    /// A linked worktree takes nothing from the settings that all share, unless each has its own.
    fn counts(&self) -> bool {
        !self.is_linked
            || self.config.boolean_filter("extensions.worktreeConfig", is_own).ok().flatten().unwrap_or(false)
    }

    fn is_bare(&self) -> Option<bool> {
        self.config.boolean_filter("core.bare", is_own).ok().flatten().filter(|_| self.counts())
    }

    fn worktree(&self) -> Option<PathBuf> {
        let value = self.config.string_filter("core.worktree", is_own).filter(|_| self.counts())?;
        Some(environment::to_path(value.as_bytes()))
    }
}

fn is_own(meta: &gix::config::file::Metadata) -> bool {
    matches!(meta.source, Source::Local | Source::Worktree) && meta.level == 0
}

/// The worktree for who found the repository so, standing in `start`.
pub(super) fn of_found(
    config: &File,
    git_dir: &Path,
    common_dir: &Path,
    found: &Found,
    start: &Path,
) -> WorkTree {
    let own = Own { config, is_linked: git_dir != common_dir };
    if let Some(named) = environment::path("GIT_WORK_TREE", start) {
        return at(named);
    }
    if own.is_bare() == Some(true) {
        return WorkTree::Bare;
    }
    if let Some(configured) = own.worktree() {
        return at(git_dir.join(configured));
    }
    match &found.how {
        How::Within(directory) => at(directory.clone()),
        // A directory that is found so and says nothing of itself is bare.
        How::Around if own.is_bare().is_none() && !own.is_linked => WorkTree::Bare,
        How::Around => WorkTree::NotFromHere,
        How::Named if environment::is_true_unless_said("GIT_IMPLICIT_WORK_TREE") => at(start.to_owned()),
        How::Named => WorkTree::NotFromHere,
    }
}

/// The worktree of a git directory, wherever one stands and whatever the environment says.
pub(super) fn of_git_dir(config: &File, git_dir: &Path, common_dir: &Path) -> WorkTree {
    let own = Own { config, is_linked: git_dir != common_dir };
    if own.is_linked {
        let Ok(pointer) = small::read(&git_dir.join("gitdir")) else { return WorkTree::NotFromHere };
        let link = git_dir.join(environment::to_path(pointer.trim_end()));
        return link.parent().map_or(WorkTree::NotFromHere, |root| at(root.to_owned()));
    }
    if own.is_bare() == Some(true) {
        return WorkTree::Bare;
    }
    match (own.worktree(), git_dir.parent()) {
        (Some(configured), _) => at(git_dir.join(configured)),
        (None, Some(parent)) if git_dir.ends_with(".git") => at(parent.to_owned()),
        (None, _) if own.is_bare().is_none() => WorkTree::Bare,
        (None, _) => WorkTree::NotFromHere,
    }
}

/// With its links resolved, where it is there.
fn at(path: PathBuf) -> WorkTree {
    WorkTree::At(fs::canonicalize(&path).unwrap_or(path))
}
