//! `--at`: the commit that a revision or a time means, and the time that it shows.
//!
//! A revision wins where a word may be both. A time means the last commit on the board's way of first parents that
//! was written by then; the records, and what was seen of agents, count as of that time too, so nothing of now is
//! mixed into what is shown.

use crate::codec::message;
use crate::git::{Oid, Repo};
use crate::model::{Code, Refusal, Timestamp};
use crate::store;

use super::options::Options;

/// The commit that holds the board, and the time as of which it is read.
pub(super) fn find(
    repo: &Repo,
    word: &str,
    options: &Options,
    now: Timestamp,
) -> Result<(Oid, Timestamp), Refusal> {
    let (commit, then) = match repo.resolve(word).map_err(store::refusal_of)? {
        Some(commit) => (commit, time_of(repo, commit)?),
        None => {
            let Ok(then) = Timestamp::parse_moment(word, now) else { return Err(unknown(word)) };
            if then > now {
                return Err(to_come(word));
            }
            (last_until(repo, options, then)?.ok_or_else(|| too_early(word))?, then)
        }
    };
    if store::holds_board(repo, commit)? {
        return Ok((commit, then));
    }
    Err(Refusal::new(Code::NoBoard, format!("there is no board at `{}`", word.escape_debug()))
        .hint("git log --oneline -- .orchestrator"))
}

/// When a commit of ours happened, to the millisecond; any other at the end of its second.
fn time_of(repo: &Repo, commit: Oid) -> Result<Timestamp, Refusal> {
    let commit = repo.commit(commit).map_err(store::refusal_of)?;
    let events =
        if message::is_ours(&commit.message) { message::events(&commit.message).0 } else { Vec::new() };
    let written = commit.committer.seconds.saturating_mul(1000);
    let said = events.iter().filter(|event| event.line.is_none()).map(|event| event.ts).max();
    Ok(said.unwrap_or_else(|| Timestamp::from_millis(written.saturating_add(999))))
}

fn last_until(repo: &Repo, options: &Options, then: Timestamp) -> Result<Option<Oid>, Refusal> {
    let board = options.choose_board(repo)?;
    let Some(tip) = board.tip(repo).map_err(store::refusal_of)? else { return Ok(None) };
    repo.last_until(tip, then.millis().div_euclid(1000)).map_err(store::refusal_of)
}

/// Whether it is the id that git gives what is not there.
fn is_null(word: &str) -> bool {
    matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte == b'0')
}

/// That a revision is none.
pub(super) fn no_commit(word: &str) -> String {
    let told = format!("no commit is called `{}`", word.escape_debug());
    if is_null(word) {
        format!("{told}: to git it stands for none, as before a branch is made and after it is deleted")
    } else {
        told
    }
}

fn unknown(word: &str) -> Refusal {
    Refusal::new(
        Code::NotFound,
        if is_null(word) {
            no_commit(word)
        } else {
            format!("{}, and it is no time such as 2026-02-06T07:37:39Z, 2026-02-06 or 2h", no_commit(word))
        },
    )
    .hint("git log --oneline -- .orchestrator")
}

/// What will be at a time that is still to come nobody can show: locks would seem to have run out, agents to be silent.
fn to_come(word: &str) -> Refusal {
    Refusal::new(Code::Usage, format!("`--at {}` is still to come", word.escape_debug()))
        .hint("leave out --at for the board as it is now")
}

fn too_early(word: &str) -> Refusal {
    Refusal::new(
        Code::NotFound,
        format!("the history that is here has no commit as old as `{}`", word.escape_debug()),
    )
    .hint("git log --oneline -- .orchestrator")
}

/// The refusal of a change while the past is shown.
pub(crate) fn unchangeable(word: &str) -> Refusal {
    Refusal::new(Code::Usage, format!("`--at {}` shows the past; it can't be changed", word.escape_debug()))
        .hint("leave out --at")
}
