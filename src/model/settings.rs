//! Settings of a board: what `.orchestrator/config.yaml` may say.

use super::Span;

/// How hard a change is pushed to the disk before it is reported as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As git does by default: the kernel writes it out in its own time. A crash of the process loses
    /// nothing, a power cut may lose the last seconds.
    #[default]
    Kernel,
    /// Objects, refs and their directories are synchronised first.
    Fsync,
}

/// What a board's `config.yaml` says, with the defaults for what it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The format of the board's files. Above [`Settings::FORMAT`] a board is read-only.
    pub format: u64,
    /// The branch that the board lives on, when `HEAD`'s file proposes one.
    pub board: Option<String>,
    /// A claim whose agent has been silent for longer may be taken over.
    pub claims_stale_after: Span,
    /// Whether `next` takes stale claims by itself.
    pub claims_expire: bool,
    /// An agent unseen for longer shows as stale.
    pub agents_stale_after: Span,
    /// How long a lock is held when nobody says how long.
    pub locks_ttl: Span,
    /// The skew between clocks that is allowed for before a lock counts as expired.
    pub locks_slack: Span,
    /// The email of agents in commits; `<agent>` stands for the id.
    pub agent_email: String,
    /// How hard a change is pushed to the disk.
    pub durability: Durability,
}

impl Settings {
    /// The format that this version writes.
    pub const FORMAT: u64 = 1;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Self::FORMAT,
            board: None,
            claims_stale_after: Span::from_secs(60 * 60),
            claims_expire: false,
            agents_stale_after: Span::from_secs(5 * 60),
            locks_ttl: Span::from_secs(60),
            locks_slack: Span::from_secs(1),
            agent_email: "<agent>@orchestrator.invalid".to_owned(),
            durability: Durability::default(),
        }
    }
}
