//! What the store answers when it can't, and how that reads to whoever asked.

use crate::git::{GitError, Lack, Sought};
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
        // git sees no difference there, so its status would tell of none.
        GitError::Rewritten { path, why } => {
            Refusal::new(Code::InTheWay, format!("`{path}` is in the way: {why}")).hint("orchestrator doctor")
        }
        GitError::NoWorkTree { why } => Refusal::new(
            Code::RepositoryState,
            format!("{why}; what is checked out there could not follow, and nothing was changed"),
        )
        .hint("orchestrator doctor"),
        GitError::Missing { what, lack } => lacking(&what, lack),
        GitError::Beyond { what } => Refusal::new(
            Code::Unreadable,
            format!("{what} is not in this clone, which is shallow: it lies beyond its edge"),
        )
        .hint("git fetch --unshallow"),
        GitError::Corrupt { what, why } => {
            Refusal::new(Code::Damaged, format!("{what} can't be read: {why}")).hint("git fsck")
        }
        GitError::BadRef { name, why } => {
            Refusal::new(Code::Damaged, format!("the ref `{name}` can't be read: {why}"))
                .hint("orchestrator doctor")
        }
        GitError::Ambiguous { word, candidates } => {
            let named = crate::model::listed(candidates.iter().map(|one| format!("`{one}`")));
            Refusal::new(
                Code::Ambiguous,
                format!("`{}` is the beginning of several ids: {named}", word.escape_debug()),
            )
            .hint("type more digits of it, such as: git log --oneline --no-abbrev-commit")
        }
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

/// How an object that is not here reads: by what the clone is.
fn lacking(what: &Sought, lack: Lack) -> Refusal {
    // git fetches what it is asked to look at, and says why where it can't; it changes nothing else.
    let look = format!("git cat-file -e {}", what.id);
    match lack {
        Lack::Damage => Refusal::new(
            Code::Damaged,
            format!("{what} is missing, and no remote has promised it: this repository is damaged"),
        )
        .hint("git fsck"),
        Lack::NotGiven { remote, why } => Refusal::new(
            Code::Unreadable,
            format!("{what} is not in this partial clone, and could not be fetched from `{remote}`: {why}"),
        )
        .hint(look),
        Lack::Forbidden { remote } => Refusal::new(
            Code::Unreadable,
            format!("{what} is not in this partial clone, and GIT_NO_LAZY_FETCH forbids to fetch it from `{remote}`"),
        )
        .hint(format!("env -u GIT_NO_LAZY_FETCH {look}")),
        Lack::Noted => {
            Refusal::new(Code::Unreadable, format!("{what} is not in this partial clone yet")).hint(look)
        }
    }
}

impl From<GitError> for Fault {
    fn from(error: GitError) -> Self {
        match error {
            // What can be told with a code and a next step is.
            GitError::Missing { .. }
            | GitError::Beyond { .. }
            | GitError::Corrupt { .. }
            | GitError::BadRef { .. } => Fault::Refused(Box::new(refusal_of(error))),
            other => Fault::Unreadable(Box::new(other)),
        }
    }
}
