//! `doctor`: what is wrong with a repository for our purpose.

use std::time::{Duration, Instant};

use crate::git::Repo;
use crate::model::{Code, Finding, Refusal};
use crate::store::{self, doctor};

use super::env::Env;
use super::orchestrator::{Options, Orchestrator};

/// Whether what can safely be put right is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Look only.
    No,
    /// Recover what a dead process of ours left. Nothing is removed that can't be proved to be ours.
    Yes,
}

/// Looks the repository around `options.start` over, and its board if there is one.
pub fn examine(options: Options, env: Env, mend: Mend) -> Result<Vec<Finding>, Refusal> {
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    let deadline = Instant::now() + Duration::from_millis(options.timeout.millis());
    let mut found = doctor::of_repository(&repo, mend == Mend::Yes, deadline)?;
    match Orchestrator::open(options, env).and_then(|board| board.examine()) {
        Ok(more) => found.extend(more),
        Err(refusal) if refusal.code == Code::NoBoard => {}
        Err(refusal) if !refusal.damage.is_empty() => {
            found.extend(refusal.damage.into_iter().map(doctor::damaged));
        }
        Err(refusal) => found.push(Finding {
            code: "board",
            place: "the board".to_owned(),
            what: refusal.message,
            fix: refusal.hint.unwrap_or_else(|| "git log -p -- .orchestrator".to_owned()),
            is_fixed: false,
        }),
    }
    Ok(found)
}

impl Orchestrator {
    fn examine(&self) -> Result<Vec<Finding>, Refusal> {
        let mut found = doctor::of_board(&self.store.repo, &self.snapshot()?)?;
        found.extend(doctor::of_worktrees(&self.store)?);
        Ok(found)
    }
}
