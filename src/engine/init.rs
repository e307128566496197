//! Setting a board up.

use std::path::{Path, PathBuf};

use crate::codec::path;
use crate::git::Repo;
use crate::model::{Actor, Code, Context, Operation as _, Refusal, View as _};
use crate::ops::board::Init;
use crate::store::{self, Board, Placement, Store};

use super::env::Env;
use super::exchange::{self, DataFiles, ImportDone, Renaming, read_data};
use super::options::Options;
use super::orchestrator::Orchestrator;
use super::templates::PLANTED;

/// The directory in which the predecessor often keeps its data: our own.
const PREDECESSOR: &str = "state.json";

/// What `init` found or made.
pub struct Initialised {
    /// The board, ready for use.
    pub board: Orchestrator,
    /// The commit that made it; none if it was there before.
    pub commit: Option<String>,
    /// Whether a branch was made for a board that was there before.
    pub is_new_branch: bool,
    /// Whether git was told just now how files of the board are merged in this clone.
    pub is_driver_new: bool,
}

/// Makes a board in the repository around `options.start`: on `options.board` if one is named, else on
/// `HEAD`. One commit with the files it plants; where a branch was named, git's configuration remembers it.
///
/// A board that is there already is opened. In each clone git is told once how files of the board are merged. Refused, with nothing touched: where git ignores the board's
/// directory, where the predecessor's data lies in it, and where files of the same names are in the way.
pub fn init(options: Options, env: Env) -> Result<Initialised, Refusal> {
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    let board = match &options.board {
        Some(name) => {
            let named = store::named(&repo, name);
            let mut board = named.map_err(|error| options.of_board(error.into()))?;
            if board.tip(&repo).map_err(store::refusal_of)?.is_none()
                && matches!(board.placement, Placement::Branch(_))
            {
                // The branch starts where we are, so that a pull request from it shows just the task changes.
                board.start = Board { placement: Placement::Head, start: None }
                    .tip(&repo)
                    .map_err(store::refusal_of)?;
            }
            board
        }
        None => match store::choose(&repo, None) {
            Ok(board) => board,
            Err(error) => match Refusal::from(error) {
                refusal
                    if refusal.code == Code::NoBoard && repo.config_string(store::CONFIG_KEY).is_none() =>
                {
                    Board { placement: Placement::Head, start: None }
                }
                refusal => return Err(refusal),
            },
        },
    };
    let tip = board.tip(&repo).map_err(store::refusal_of)?;
    let exists = match tip {
        Some(tip) => store::holds_board(&repo, tip)?,
        None => false,
    };
    if !exists {
        check_predecessor(&repo, &options.start)?;
        if board.placement == Placement::Head {
            check_ignored(&repo)?;
        }
    }
    let configured = options.board.clone();
    let board = Orchestrator::with_store(Store { repo, board }, options, env);
    let commit = if exists {
        // Nothing is written, so nothing else would put right what a killed process left.
        board.recover()?;
        None
    } else {
        board.plant()?
    };
    let is_new_branch = commit.is_none() && board.begin_branch()?;
    if let Some(name) = configured {
        let name = store::short(&name);
        let repo = &board.store.repo;
        if repo.config_string(store::CONFIG_KEY).as_deref() != Some(name) {
            board.remember(name)?;
        }
    }
    let is_driver_new = board.register_merge_driver()?;
    Ok(Initialised { board, commit, is_new_branch, is_driver_new })
}

/// Makes a board as [`init`] does and imports a data directory into it. Where that directory stands in the
/// board's own place, it is moved aside first and stays there, untracked.
///
/// The data is read and judged before anything is touched; if the board can't be made then, the directory
/// goes back to its place.
pub fn init_from(
    options: Options,
    env: Env,
    data: &Path,
    renaming: &Renaming,
) -> Result<(Initialised, ImportDone, Option<PathBuf>), Refusal> {
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    let import = read_data(&DataFiles::of(data), renaming)?;
    let place = repo.work_dir().map(|root| root.join(path::BOARD));
    if place.as_ref().is_some_and(|place| place.join(PREDECESSOR).is_file()) {
        check_untracked(&repo)?;
    }
    let aside = match &place {
        Some(place) => exchange::set_aside(data, place)?,
        None => None,
    };
    let made = init(options, env).and_then(|made| {
        let done = made.board.import(&import)?;
        Ok((made, done))
    });
    match made {
        Ok((made, done)) => Ok((made, done, aside)),
        Err(refusal) => {
            if let (Some(aside), Some(place)) = (&aside, &place)
                && !place.exists()
            {
                let _it_stays_aside_then = std::fs::rename(aside, place);
            }
            Err(refusal)
        }
    }
}

impl Orchestrator {
    /// Commits the files of a board, those that are not there yet; none of them where there is a board by now, since
    /// somebody else was faster.
    fn plant(&self) -> Result<Option<String>, Refusal> {
        let actor = Actor { agent: self.options.agent.clone() };
        let done = self.mutate(|snapshot, now| {
            let mut files = Vec::new();
            if snapshot.file(path::CONFIG)?.is_none() {
                for (name, text) in PLANTED {
                    if snapshot.file(&path::of_file(name))?.is_none() {
                        files.push(((*name).to_owned(), (*text).to_owned()));
                    }
                }
            }
            let context =
                Context { now, actor: actor.clone(), settings: snapshot.settings(), mint: &self.env };
            Init { files }.plan(snapshot, &context)
        })?;
        self.note_presence(actor.agent.as_ref());
        Ok(done.commit)
    }
}

fn check_untracked(repo: &Repo) -> Result<(), Refusal> {
    let head = Board { placement: Placement::Head, start: None };
    let Some(tip) = head.tip(repo).map_err(store::refusal_of)? else { return Ok(()) };
    let tree = repo.tree_of(tip).map_err(store::refusal_of)?;
    let tracked = repo.entry_at(tree, path::BOARD).map_err(store::refusal_of)?;
    match tracked {
        Some(_) => Err(Refusal::new(
            Code::Exists,
            format!("git tracks the predecessor's files in `{}/`; move them first", path::BOARD),
        )
        .hint("git mv .orchestrator orchestrator-data && git commit -m 'Move the old task data', then: orchestrator init --from orchestrator-data")),
        None => Ok(()),
    }
}

/// The predecessor's data directory is often `.orchestrator/` itself.
fn check_predecessor(repo: &Repo, start: &Path) -> Result<(), Refusal> {
    let roots = repo.work_dir().into_iter().chain([start.to_owned()]);
    let found =
        roots.map(|root| root.join(path::BOARD)).find(|directory| directory.join(PREDECESSOR).is_file());
    match found {
        Some(_) => Err(Refusal::new(
            Code::Exists,
            format!("`{}/` holds data of the predecessor ({PREDECESSOR}); nothing was touched", path::BOARD),
        )
        .hint(format!("orchestrator init --from {}", path::BOARD))),
        None => Ok(()),
    }
}

fn check_ignored(repo: &Repo) -> Result<(), Refusal> {
    match repo.excluded_by(path::CONFIG).map_err(store::refusal_of)? {
        Some(found) => Err(Refusal::new(
            Code::RepositoryState,
            format!(
                "git ignores `{}/`: {}:{}: `{}`",
                path::BOARD,
                found.file.display(),
                found.line,
                found.pattern.escape_debug()
            ),
        )
        .hint(format!("add a line `!/{}/` below it, then: orchestrator init", path::BOARD))),
        None => Ok(()),
    }
}
