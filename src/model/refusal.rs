//! Refusals: an answer of "no" that says why, and what to do instead.

use super::{Damage, Unread};

/// What kind of "no". The word goes into the JSON of an error, the exit code to the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Nothing of that name or id.
    NotFound,
    /// Something of that name is there already.
    Exists,
    /// Somebody else holds it.
    Held,
    /// The one who acts does not hold it (any more).
    NotHolder,
    /// The state does not allow it.
    Transition,
    /// A prefix names several.
    Ambiguous,
    /// A dependency would lead back to its task.
    Cycle,
    /// Input (a name, a text, a file to import) that can't be accepted.
    Invalid,
    /// The command line was not understood.
    Usage,
    /// Somebody else was faster or holds a lock file; trying again is sensible.
    Contended,
    /// A change of somebody's own is in the way; it has to be committed or moved first.
    InTheWay,
    /// The repository is in a state in which the board can't be changed (a merge, say).
    RepositoryState,
    /// There is no board here.
    NoBoard,
    /// The board, or the repository, is of a kind that this version can't write or read.
    Unsupported,
    /// Files of the board are damaged.
    Damaged,
    /// The repository could not be read or written.
    Unreadable,
    /// A commit was to be signed, and could not be.
    Unsigned,
    /// What was asked for is done, or was read, and the answer could not be printed.
    Unprinted,
    /// A bug of ours.
    Internal,
}

impl Code {
    /// Every code, for documentation and tests.
    pub const ALL: [Self; 19] = [
        Self::NotFound,
        Self::Exists,
        Self::Held,
        Self::NotHolder,
        Self::Transition,
        Self::Ambiguous,
        Self::Cycle,
        Self::Invalid,
        Self::Usage,
        Self::Contended,
        Self::InTheWay,
        Self::RepositoryState,
        Self::NoBoard,
        Self::Unsupported,
        Self::Damaged,
        Self::Unreadable,
        Self::Unsigned,
        Self::Unprinted,
        Self::Internal,
    ];

    /// The word of the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::Held => "held",
            Self::NotHolder => "not_holder",
            Self::Transition => "transition",
            Self::Ambiguous => "ambiguous",
            Self::Cycle => "cycle",
            Self::Invalid => "invalid",
            Self::Usage => "usage",
            Self::Contended => "contended",
            Self::InTheWay => "in_the_way",
            Self::RepositoryState => "repository_state",
            Self::NoBoard => "no_board",
            Self::Unsupported => "unsupported",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
            Self::Unsigned => "unsigned",
            Self::Unprinted => "unprinted",
            Self::Internal => "internal",
        }
    }

    /// The exit code of the shell.
    pub fn exit(self) -> u8 {
        match self {
            Self::NotFound
            | Self::Exists
            | Self::Held
            | Self::NotHolder
            | Self::Transition
            | Self::Ambiguous
            | Self::Cycle
            | Self::Invalid => 1,
            Self::Usage => 2,
            Self::Contended | Self::InTheWay | Self::RepositoryState => 3,
            Self::NoBoard | Self::Unsupported => 4,
            Self::Damaged => 5,
            Self::Unreadable | Self::Unsigned => 1,
            Self::Internal => 70,
            Self::Unprinted => 74,
        }
    }

    /// The same call may succeed later, with nobody doing anything about it.
    pub fn is_retryable(self) -> bool {
        self == Self::Contended
    }
}

/// Why something was not done, and the next step. Nothing was changed, except where the code is [`Code::Unprinted`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The kind.
    pub code: Code,
    /// What was asked and what was found: lower case, back-quotes around the user's words, no full stop.
    pub message: String,
    /// A command that can be pasted and works, or a sentence where no single command is right.
    pub hint: Option<String>,
    /// The files of the board that can't be read, where that is the reason: by path, each named in its own line.
    pub damage: Vec<Damage>,
}

impl Refusal {
    /// A refusal with no hint yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, damage: Vec::new() }
    }

    /// Files of the board can't be read: each of them is named.
    pub fn damaged(unread: Unread) -> Self {
        let damage = unread.into_damage();
        let first = damage.first().map(ToString::to_string).unwrap_or_default();
        let message = match damage.len() {
            0 | 1 => first,
            many => format!("{first} (and {} more)", many - 1),
        };
        // A check is of the files of the board; refs and what is beside them are looked at by the other one.
        let is_of_board = damage.iter().all(|one| one.path.starts_with(".orchestrator"));
        let hint = if is_of_board { "orchestrator check" } else { "orchestrator doctor" };
        Self { damage, ..Self::new(Code::Damaged, message) }.hint(hint)
    }

    /// The same with a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// How many things one message lists.
const LISTED: usize = 10;

/// The things, with commas between them: the first few, and how many more there are. A message must not become as
/// long as a board is large.
pub(crate) fn listed(things: impl IntoIterator<Item = String>) -> String {
    let mut things = things.into_iter();
    let shown: Vec<String> = things.by_ref().take(LISTED).collect();
    match things.count() {
        0 => shown.join(", "),
        more => format!("{}, and {} more", shown.join(", "), grouped(more)),
    }
}

/// `19,980`
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl From<super::BadName> for Refusal {
    fn from(bad: super::BadName) -> Self {
        let refusal = Self::new(Code::Invalid, bad.to_string());
        match bad.suggestion {
            Some(better) => refusal.hint(format!("use `{better}`")),
            None => refusal,
        }
    }
}

impl From<super::BadTime> for Refusal {
    fn from(bad: super::BadTime) -> Self {
        Self::new(Code::Usage, bad.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        let things = |count: usize| listed((0..count).map(|n| n.to_string()));
        assert_eq!(things(0), "");
        assert_eq!(things(3), "0, 1, 2");
        assert_eq!(things(10), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
        assert_eq!(things(11), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 1 more");
        assert!(things(19_990).ends_with(", and 19,980 more"));
    }
}
