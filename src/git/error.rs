//! What can go wrong with git and with files, told apart by kind and never by text.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why git, or the file system, could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no repository from here upwards.
    #[error("`{}` is in no git repository", path.display())]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// The repository is of a kind that can't be used: reftable, SHA-256, an unknown extension, a foreign owner.
    #[error("{what}")]
    Unsupported {
        /// One sentence.
        what: String,
        /// The next step.
        hint: String,
    },
    /// A lock file is in the way.
    #[error("`{}` is held by another process", path.display())]
    Contended {
        /// The lock file.
        path: PathBuf,
        /// When it was made, where that is known.
        since: Option<SystemTime>,
    },
    /// A ref is not what it was expected to be: somebody else was faster.
    #[error("`{name}` has moved")]
    Moved {
        /// The ref.
        name: String,
    },
    /// Something of the user's is at a path that has to be written.
    #[error("`{path}` is in the way: {why}")]
    InTheWay {
        /// From the worktree's root.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// An object that should be there is not.
    #[error("{what} is missing")]
    Missing {
        /// Kind and id.
        what: String,
    },
    /// A commit was to be signed, and could not be.
    #[error("the commit could not be signed: {why}")]
    Unsigned {
        /// What the program that signs said.
        why: String,
    },
    /// The program that signs did not answer in time.
    #[error("`{program}` gave no signature in time")]
    Unanswered {
        /// The program.
        program: String,
    },
    /// The file system refused.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Anything else that gix says.
    #[error("could not {doing}")]
    Gix {
        /// What was being done, as in "read a commit".
        doing: &'static str,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl GitError {
    /// An error of gix that needs no further distinction.
    pub(super) fn gix(
        doing: &'static str,
    ) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> GitError {
        move |source| GitError::Gix { doing, source }
    }

    /// An error of the file system at `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> GitError + use<'_> {
        move |source| GitError::Io { path: path.to_owned(), source }
    }
}

/// Turns whatever gix returned into an error that says what was being done.
pub(super) trait Doing<T> {
    /// `Err` becomes [`GitError::Gix`].
    fn doing(self, doing: &'static str) -> Result<T, GitError>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str) -> Result<T, GitError> {
        self.map_err(|error| GitError::gix(doing)(error.into()))
    }
}
