//! `doctor`: what is wrong with a repository for our purpose.

use std::time::{Duration, Instant};

use crate::git::Repo;
use crate::model::{Code, Finding, Refusal, Settings};
use crate::store::{self, doctor};

use super::env::Env;
use super::merge_driver;
use super::options::Options;
use super::orchestrator::Orchestrator;

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

/// Begins the archive of finished claims anew where it can't be read, with what can still be read of it; how many records
/// that is. Refused where it is sound.
pub fn renew_archive(options: Options, env: Env) -> Result<usize, Refusal> {
    let deadline = Instant::now() + Duration::from_millis(options.timeout.millis());
    let board = Orchestrator::open(options, env)?;
    let now = board.env.now();
    let committer = board.identity("system", &Settings::default()).committer_at(now);
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let kept = doctor::renew_archive(&board.store.repo, &committer, millis, deadline)?;
    kept.ok_or_else(|| {
        Refusal::new(Code::Exists, "the archive of finished claims can be read; nothing was changed")
            .hint("orchestrator doctor")
    })
}

impl Orchestrator {
    fn examine(&self) -> Result<Vec<Finding>, Refusal> {
        let (repo, snapshot) = (&self.store.repo, self.snapshot()?);
        let mut found: Vec<Finding> =
            merge_driver::findings(repo, doctor::names_driver(&snapshot)?).into_iter().collect();
        found.extend(doctor::of_board(&snapshot)?);
        found.extend(doctor::of_worktrees(&self.store)?);
        Ok(found)
    }
}
