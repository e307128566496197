//! What is to be tried.

use std::path::PathBuf;

/// A trial: how many, how often, how roughly.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The program.
    pub program: PathBuf,
    /// A repository of which a clone is used; none = one is made.
    pub repository: Option<PathBuf>,
    /// How many processes run at once.
    pub agents: usize,
    /// Over how many worktrees they are spread.
    pub worktrees: usize,
    /// How many times all of it is done, each in a repository of its own.
    pub rounds: usize,
    /// How many calls each agent makes in a round.
    pub calls: usize,
    /// Whether calls are killed at random points.
    pub kill: bool,
    /// What the choices grow from.
    pub seed: u64,
}
