//! What can go wrong with git and with files, told apart by kind and never by text.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Oid;
use super::promised::Lack;

/// An object that was sought, and where it is known to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sought {
    /// `commit`, `tree`, `blob`; `object` where that is not known.
    pub(crate) kind: String,
    /// Its id.
    pub(crate) id: Oid,
    /// The path, or the ref, that it belongs to.
    pub(crate) path: Option<String>,
}

impl Sought {
    /// An object of which nothing more is known.
    pub(crate) fn new(kind: &str, id: Oid) -> Self {
        Self { kind: kind.to_owned(), id, path: None }
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.id)?;
        self.path.as_ref().map_or(Ok(()), |path| write!(out, " (`{path}`)"))
    }
}

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
    /// git itself writes other bytes to a path that has to be written than those that are stored.
    #[error("`{path}` is in the way: {why}")]
    Rewritten {
        /// From the worktree's root.
        path: String,
        /// Which attribute or setting makes it do so.
        why: String,
    },
    /// What is checked out can't follow: its worktree is not there, or can't be reached.
    #[error("{why}")]
    NoWorkTree {
        /// One sentence.
        why: String,
    },
    /// An object that should be there is not.
    #[error("{what} is missing")]
    Missing {
        /// Which.
        what: Sought,
        /// Why.
        lack: Lack,
    },
    /// A commit that lies beyond the edge of a shallow clone: nobody said that it is here.
    #[error("{what} lies beyond the edge of this shallow clone")]
    Beyond {
        /// Kind and id.
        what: String,
    },
    /// An object that is here, and can't be read or is not what it should be.
    #[error("{what} can't be read: {why}")]
    Corrupt {
        /// Kind and id.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A ref that is there, and names no commit.
    #[error("the ref `{name}` can't be read: {why}")]
    BadRef {
        /// Its full name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A short id that begins the ids of several objects.
    #[error("`{word}` is the beginning of several ids")]
    Ambiguous {
        /// What was given.
        word: String,
        /// The objects, each with what it is; those that are commits stand first.
        candidates: Vec<String>,
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

    /// The same of an object that is known to be at `path`.
    pub(crate) fn at(self, path: &str) -> Self {
        if path.is_empty() {
            return self;
        }
        match self {
            Self::Missing { what, lack } => {
                Self::Missing { what: Sought { path: Some(path.to_owned()), ..what }, lack }
            }
            Self::Corrupt { what, why } => Self::Corrupt { what: format!("{what} (`{path}`)"), why },
            other => other,
        }
    }

    /// Whether an object could not be read, in whatever way: not that it is not there, but that it can't be told what it
    /// says. A commit beyond the edge of a shallow clone is none.
    pub(crate) fn is_of_object(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Corrupt { .. })
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
