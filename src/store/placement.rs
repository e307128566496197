//! Which board a command uses, and where it is written.
//!
//! Two placements: the board on `HEAD` (each branch has its own files, claims are shared by refs), and the
//! board on a fixed branch that every worktree shares whatever it has checked out. The choice must not be
//! steered by a pull request: what `HEAD`'s own file proposes counts only for a branch that already holds a
//! board and is not the default branch.

use crate::codec::{Problem, path, settings};
use crate::git::{GitError, Head, Oid, Repo};
use crate::model::{Code, Fault, Refusal, Settings, is_printable, quoted};

use super::StoreError;
use super::snapshot::{entry_at, stored};

/// The git config key that `init --board` sets, shared by all worktrees.
pub(crate) const CONFIG_KEY: &str = "orchestrator.board";
/// The git config key of the command that merges files of the board.
pub(crate) const MERGE_DRIVER_KEY: &str = "merge.orchestrator.driver";
/// The git config key of its name for people.
pub(crate) const MERGE_NAME_KEY: &str = "merge.orchestrator.name";
/// The branch that is looked at when nothing else names one.
const USUAL: &str = "orchestrator";

/// Where mutations are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// On whatever is checked out here.
    Head,
    /// On this branch (`refs/heads/…`), for all worktrees.
    Branch(String),
}

/// A board that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Board {
    /// Where mutations are committed.
    pub(crate) placement: Placement,
    /// Where a branch that does not exist yet starts: the remote's branch of that name.
    pub(crate) start: Option<Oid>,
}

impl Board {
    fn head() -> Self {
        Self { placement: Placement::Head, start: None }
    }

    /// How people call it: `HEAD (main)`, `orchestrator`.
    pub(crate) fn name(&self, repo: &Repo) -> Result<String, GitError> {
        Ok(match &self.placement {
            Placement::Branch(name) => short(name).to_owned(),
            Placement::Head => match repo.head()? {
                Head::Branch { name, .. } => format!("HEAD ({})", short(&name)),
                Head::Detached { id } => format!("HEAD (detached at {})", &id.to_string()[..7]),
            },
        })
    }

    /// The commit that the board's ref is at; none where it does not exist yet.
    pub(crate) fn current(&self, repo: &Repo) -> Result<Option<Oid>, GitError> {
        match &self.placement {
            Placement::Head => Ok(match repo.head()? {
                Head::Branch { id, .. } => id,
                Head::Detached { id } => Some(id),
            }),
            Placement::Branch(name) => repo.read_ref(name),
        }
    }

    /// The ref that the board is at; `HEAD` where that is detached.
    pub(crate) fn ref_name(&self, repo: &Repo) -> Result<String, GitError> {
        Ok(match &self.placement {
            Placement::Branch(name) => name.clone(),
            Placement::Head => repo.head_branch()?.unwrap_or_else(|| "HEAD".to_owned()),
        })
    }

    /// The commit that the board is read from; none where there is nothing to start from.
    pub(crate) fn tip(&self, repo: &Repo) -> Result<Option<Oid>, GitError> {
        Ok(self.current(repo)?.or(self.start))
    }
}

/// `main` of `refs/heads/main`.
pub(crate) fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// `refs/heads/main` of `main`; none where git would make no branch of that name.
fn full_name(repo: &Repo, name: &str) -> Option<String> {
    let full = if name.starts_with("refs/heads/") { name.to_owned() } else { format!("refs/heads/{name}") };
    // As `git branch`: these would be taken for an option, or for `HEAD`.
    let is_misleading = short(&full).starts_with('-') || matches!(short(&full), "@" | "HEAD");
    // Each part is the name of a file, and so is its lock.
    let is_long = full.split('/').any(|part| part.len() > 250);
    (!is_misleading && !is_long && repo.is_valid_ref_name(&full)).then_some(full)
}

/// The settings in these bytes. A board that they name is one that there can be.
pub(super) fn settings_in(repo: &Repo, bytes: &[u8]) -> Result<Settings, Problem> {
    let read = settings::decode(bytes)?;
    match &read.board {
        Some(name) if name != "HEAD" && full_name(repo, name).is_none() => {
            Err(settings::no_branch(bytes, &name.escape_debug().to_string()))
        }
        Some(_) | None => Ok(read),
    }
}

/// The board that somebody named (`--board`, the environment, git config), whether or not it exists.
pub(crate) fn named(repo: &Repo, name: &str) -> Result<Board, StoreError> {
    if name == "HEAD" {
        return Ok(Board::head());
    }
    let Some(full) = full_name(repo, name) else {
        return Err(Refusal::new(Code::Usage, format!("`{}` can't be a branch", name.escape_debug()))
            .hint("orchestrator --board HEAD status")
            .into());
    };
    let start = if repo.read_ref(&full)?.is_none() { on_a_remote(repo, short(&full))? } else { None };
    Ok(Board { placement: Placement::Branch(full), start })
}

/// The board for this command; `explicit` is `--board` or the environment. First match, in the order of
/// the manual: explicit, git config, the file on `HEAD`, `HEAD` itself, the branch `orchestrator`.
pub(crate) fn choose(repo: &Repo, explicit: Option<&str>) -> Result<Board, StoreError> {
    let configured = repo.config_string(CONFIG_KEY);
    if let Some(name) = explicit.map(str::to_owned).or(configured) {
        let board = match (named(repo, &name), explicit) {
            // Nobody typed it: where it is said is told with it.
            (Err(StoreError::Refused(refusal)), None) => {
                let message = format!("git config {CONFIG_KEY}: {}", refusal.message);
                let hint = format!("git config --show-origin {CONFIG_KEY}");
                return Err(Refusal { message, ..refusal }.hint(hint).into());
            }
            (named, _) => named?,
        };
        return match board.tip(repo)? {
            Some(tip) if holds_board(repo, tip)? => Ok(board),
            _ => Err(nothing_on(&name)),
        };
    }
    let head = Board::head();
    if let Some(tip) = head.tip(repo)?
        && holds_board(repo, tip)?
    {
        return match proposed(repo, tip)? {
            Some(name) if name != "HEAD" => redirected(repo, &name),
            _ => Ok(head),
        };
    }
    let usual = named(repo, USUAL)?;
    match usual.tip(repo)? {
        Some(tip) if holds_board(repo, tip)? => Ok(usual),
        _ => Err(Refusal::new(Code::NoBoard, "there is no board in this repository yet")
            .hint("orchestrator init")
            .into()),
    }
}

/// The board that the file on `HEAD` proposes, if it may.
fn redirected(repo: &Repo, name: &str) -> Result<Board, StoreError> {
    let board = named(repo, name)?;
    let is_default = repo.default_branch().is_some_and(|default| short(&default) == short(name));
    let holds = match board.tip(repo)? {
        Some(tip) => holds_board(repo, tip)?,
        None => false,
    };
    if holds && !is_default {
        return Ok(board);
    }
    let why = if is_default { "is the default branch" } else { "holds no board" };
    Err(Refusal::new(
        Code::NoBoard,
        format!(
            "{} names the branch `{}`, which {why}; a file alone may not redirect commits there",
            path::CONFIG,
            name.escape_debug()
        ),
    )
    .hint("git config orchestrator.board HEAD")
    .into())
}

fn nothing_on(name: &str) -> StoreError {
    // Who pasted a name in which something does not print would name another branch.
    let hint = match name.chars().all(is_printable) {
        true => format!("orchestrator init --board {}", quoted(name)),
        false => "git branch --all".to_owned(),
    };
    Refusal::new(Code::NoBoard, format!("there is no board on `{}`", name.escape_debug())).hint(hint).into()
}

/// Whether the tree of this commit has a board. That its directory is a link, say, is a fault: nobody knows then.
pub(crate) fn holds_board(repo: &Repo, commit: Oid) -> Result<bool, Fault> {
    let tree = repo.tree_of(commit)?;
    Ok(entry_at(repo, tree, path::CONFIG)?.is_some())
}

fn proposed(repo: &Repo, commit: Oid) -> Result<Option<String>, Fault> {
    let tree = repo.tree_of(commit)?;
    let Some(entry) = entry_at(repo, tree, path::CONFIG)? else { return Ok(None) };
    match stored(repo, path::CONFIG, &entry) {
        // Damaged settings propose nothing: every reading of this board tells of them, and nothing is written to it.
        Ok(stored) => Ok(settings_in(repo, &stored.bytes).ok().and_then(|settings| settings.board)),
        Err(Fault::Damaged(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

fn on_a_remote(repo: &Repo, branch: &str) -> Result<Option<Oid>, GitError> {
    let remotes = repo.list_refs("refs/remotes/")?;
    let is_it = |name: &str| {
        let rest = name.strip_prefix("refs/remotes/").and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(_, of_remote)| of_remote == branch)
    };
    let mut found = remotes.iter().filter(|(name, _)| is_it(name));
    Ok(found
        .clone()
        .find(|(name, _)| name.starts_with("refs/remotes/origin/"))
        .or(found.next())
        .map(|(_, id)| *id))
}
