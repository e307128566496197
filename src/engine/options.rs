//! How a board is opened.

use std::path::PathBuf;

use crate::git::Repo;
use crate::model::{AgentId, Code, Refusal, Span};
use crate::store;

/// How a board is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to look for the repository, upwards from here.
    pub start: PathBuf,
    /// The board, where one is named: a branch, or `HEAD`.
    pub board: Option<String>,
    /// The environment variable that names the board, where one does: a refusal of that name names it too.
    pub board_variable: Option<&'static str>,
    /// A revision or a time to read the board at, instead of its tip. Mutations are refused then.
    pub at: Option<String>,
    /// Who acts.
    pub agent: Option<AgentId>,
    /// Why it can't be told who acts, where somebody was named whose name is none. Whatever would be done in nobody's
    /// name is refused so; readings need nobody.
    pub no_agent: Option<Refusal>,
    /// How long a mutation may wait for other processes.
    pub timeout: Span,
}

impl Options {
    /// The board of the repository around `start`, nobody in particular acting, 30 s of patience.
    pub fn new(start: impl Into<PathBuf>) -> Self {
        let (start, timeout) = (start.into(), Span::from_secs(30));
        Self { start, board: None, board_variable: None, at: None, agent: None, no_agent: None, timeout }
    }

    /// The board that these options choose; see [`store::choose`].
    pub(super) fn choose_board(&self, repo: &Repo) -> Result<store::Board, Refusal> {
        store::choose(repo, self.board.as_deref()).map_err(|error| self.of_board(error.into()))
    }

    /// A refusal of the board that was named: where the environment names it, nobody sees that name in the words.
    pub(super) fn of_board(&self, refusal: Refusal) -> Refusal {
        match (self.board_variable, refusal.code) {
            (Some(variable), Code::Usage | Code::NoBoard) => {
                let message = format!("{variable}: {}", refusal.message);
                Refusal { message, ..refusal }.hint(format!("unset {variable}"))
            }
            (Some(_) | None, _) => refusal,
        }
    }

    /// Who acts, for a mutation; none is `system`.
    pub fn actor(&self) -> Result<Option<AgentId>, Refusal> {
        match (&self.agent, &self.no_agent) {
            (Some(agent), _) => Ok(Some(agent.clone())),
            (None, Some(refusal)) => Err(refusal.clone()),
            (None, None) => Ok(None),
        }
    }
}
