//! Whose a repository is, and whether who stands in it has asked for it.

use std::path::Path;

use super::GitError;
use super::environment;

pub(super) fn is_own(path: &Path) -> bool {
    gix::sec::identity::is_path_owned_by_current_user(path).unwrap_or(true)
}

/// Whether the settings of a git directory name a worktree that is not there.
pub(super) fn has_lost_worktree(git_dir: &Path) -> bool {
    let config = gix::config::File::from_path_no_includes(git_dir.join("config"), gix::config::Source::Local);
    let named = config.ok().and_then(|config| config.string("core.worktree").map(|path| path.to_vec()));
    named.is_some_and(|path| !git_dir.join(environment::to_path(&path)).exists())
}

pub(super) fn foreign(directory: &Path) -> GitError {
    GitError::Unsupported {
        what: format!("`{}` belongs to somebody else", directory.display()),
        hint: format!("git config --global --add safe.directory '{}'", directory.display()),
    }
}

/// Refuses a bare repository that nobody named, where `safe.bareRepository` asks for that. Only the configuration of the
/// system, the user and the command counts, and what lies in a `.git` is no such repository.
pub(super) fn check_bare(gix: &gix::Repository, found: &Path) -> Result<(), GitError> {
    let config = gix.config_snapshot();
    let is_protected = |meta: &gix::config::file::Metadata| {
        !matches!(meta.source, gix::config::Source::Local | gix::config::Source::Worktree)
    };
    let value = config.plumbing().string_filter("safe.bareRepository", is_protected);
    let names: Vec<_> = found.iter().collect();
    let is_implied = names.last().is_some_and(|last| *last == ".git")
        || names.windows(2).any(|pair| pair[0] == ".git" && (pair[1] == "worktrees" || pair[1] == "modules"));
    if is_implied || value.is_none_or(|value| value.as_slice() != b"explicit") {
        return Ok(());
    }
    Err(GitError::Unsupported {
        what: format!(
            "`{}` is a bare repository, and safe.bareRepository wants it to be named",
            found.display()
        ),
        hint: format!("GIT_DIR='{}' orchestrator status", found.display()),
    })
}
