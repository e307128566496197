//! What the store answers when it can't, and how that reads to whoever asked.

use crate::git::GitError;
use crate::model::{Code, Fault, Refusal};

/// Why an attempt came to nothing. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The answer is no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Git, the file system, or another process.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl StoreError {
    /// Whether the next attempt may succeed because another process has moved on.
    pub(crate) fn is_contention(&self) -> bool {
        match self {
            Self::Git(GitError::Contended { .. } | GitError::Moved { .. }) => true,
            Self::Git(_) => false,
            Self::Refused(refusal) => refusal.code.is_retryable(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => refusal,
            StoreError::Git(error) => refusal_of(error),
        }
    }
}

/// How an error of git reads. Never advises to remove a file: whose it is can't be known here.
pub(crate) fn refusal_of(error: GitError) -> Refusal {
    match error {
        GitError::NotARepository { path } => {
            Refusal::new(Code::NoBoard, format!("`{}` is in no git repository", path.display()))
                .hint("git init")
        }
        GitError::Unsupported { what, hint } => Refusal::new(Code::Unsupported, what).hint(hint),
        GitError::Contended { path, since } => {
            let age = since.and_then(|since| since.elapsed().ok());
            let age = age.map(|age| format!(" for {} s", age.as_secs())).unwrap_or_default();
            Refusal::new(Code::Contended, format!("`{}` is held by another process{age}", path.display()))
                .hint("run the same command again; a longer wait: --timeout 120s")
        }
        GitError::Moved { name } => {
            Refusal::new(Code::Contended, format!("`{name}` was moved by another process again and again"))
                .hint("run the same command again; a longer wait: --timeout 120s")
        }
        GitError::InTheWay { path, why } => {
            Refusal::new(Code::InTheWay, format!("`{path}` is in the way: {why}"))
                .hint(format!("git status -- {path}"))
        }
        GitError::Missing { what } => Refusal::new(
            Code::Unreadable,
            format!("{what} is not in this repository (a shallow or partial clone, or damage)"),
        )
        .hint("git fetch --unshallow"),
        GitError::Unsigned { why } => {
            Refusal::new(Code::Unsigned, format!("the commit could not be signed: {why}"))
                .hint("git config --show-origin --get-regexp '^(commit.gpgsign|gpg|user.signingkey)'")
        }
        GitError::Unanswered { program } => Refusal::new(
            Code::Contended,
            format!("`{program}` gave no signature in time; nothing was changed"),
        )
        .hint("run the same command again; a longer wait: --timeout 120s"),
        GitError::Io { path, source } => {
            Refusal::new(Code::Unreadable, format!("`{}`: {source}", path.display()))
        }
        GitError::Gix { doing, source } => {
            Fault::Unreadable(Box::new(GitError::Gix { doing, source })).into()
        }
    }
}

impl From<GitError> for Fault {
    fn from(error: GitError) -> Self {
        Fault::Unreadable(Box::new(error))
    }
}
