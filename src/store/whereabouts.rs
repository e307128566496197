//! Where a change is that a record speaks of: on this board, on another branch, or nowhere any more.

use std::cell::{OnceCell, RefCell};

use crate::git::{GitError, Oid, Repo, Target};
use crate::model::{Fault, Record, Standing};

use super::graph::{Graph, Reach};
use super::journal;
use super::standing::Found;

/// What a board at one commit knows of the commits around it. Everything is read when first asked for.
pub(super) struct Whereabouts<'r> {
    repo: &'r Repo,
    tip: Option<Oid>,
    /// The ref that the tip was read from (`HEAD` where it is detached); none for a commit of the past.
    board: Option<String>,
    graph: OnceCell<RefCell<Graph>>,
    /// The commits that the tip contains.
    here: OnceCell<Reach>,
    /// The commits that some branch contains, and whether all of them could be read.
    anywhere: OnceCell<(Reach, bool)>,
}

impl<'r> Whereabouts<'r> {
    pub(super) fn new(repo: &'r Repo, tip: Option<Oid>) -> Self {
        let (graph, here, anywhere) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { repo, tip, board: None, graph, here, anywhere }
    }

    /// The same, with the tip read from this ref, which may have moved on since.
    pub(super) fn of(self, board: String) -> Self {
        Self { board: Some(board), ..self }
    }

    fn graph(&self) -> &RefCell<Graph> {
        self.graph.get_or_init(|| RefCell::new(Graph::load(self.repo)))
    }

    /// All that these commits contain, as far as this clone goes; a commit that can't be read is an error.
    fn reach(&self, tips: &[Oid]) -> Result<Reach, GitError> {
        let mut graph = self.graph().borrow_mut();
        match graph.learn(self.repo, tips)?.filter(GitError::is_of_object) {
            Some(gap) => Err(gap),
            None => Ok(graph.reach(tips.iter().copied())),
        }
    }

    fn here(&self) -> Result<&Reach, GitError> {
        if self.here.get().is_none() {
            let tips: Vec<Oid> = self.tip.into_iter().collect();
            let _already = self.here.set(self.reach(&tips)?);
        }
        Ok(self.here.get().expect("set above"))
    }

    /// The commits of all branches, and whether that is really all.
    fn anywhere(&self) -> Result<&(Reach, bool), GitError> {
        if self.anywhere.get().is_none() {
            let (mut tips, mut is_whole) = (Vec::new(), true);
            for prefix in ["refs/heads/", "refs/remotes/"] {
                for (_, target) in self.repo.list_all_refs(prefix)? {
                    match target {
                        Target::Object(id) => tips.push(id),
                        // What it leads to is listed too.
                        Target::Symbolic => {}
                        Target::Bad(_) => is_whole = false,
                    }
                }
            }
            let mut graph = self.graph().borrow_mut();
            graph.learn(self.repo, &tips)?;
            let _already = self.anywhere.set((graph.reach(tips), is_whole && !graph.has_gaps()));
        }
        Ok(self.anywhere.get().expect("set above"))
    }

    /// Whether a commit is for certain neither here nor on any branch.
    pub(super) fn is_lost(&self, commit: Oid) -> Result<bool, GitError> {
        let (anywhere, is_all) = self.anywhere()?;
        let here = self.here()?;
        let graph = self.graph().borrow();
        Ok(*is_all && !graph.has_commit(anywhere, commit) && !graph.has_commit(here, commit))
    }

    /// Where the change that a record speaks of can be found.
    pub(super) fn find(&self, record: &Record) -> Result<Found, Fault> {
        let commit = record.board.as_ref().and_then(|point| Oid::from_hex(point.commit.as_bytes()).ok());
        if commit.is_some() && commit == self.tip {
            return Ok(Found::Here);
        }
        let event = record.event.as_ref().and_then(|event| event.id.as_ref());
        let is_in = |reach: &Reach| {
            let mut graph = self.graph().borrow_mut();
            commit.is_some_and(|commit| graph.has_commit(reach, commit))
                || event.is_some_and(|event| graph.has_event(reach, event))
        };
        if is_in(self.here()?) {
            return Ok(Found::Here);
        }
        let is_finish = matches!(record.standing, Standing::Completed { .. });
        if is_finish {
            // That it is nowhere is only known where everything could be looked at: a task that is finished on a branch
            // that can't be read must not be handed out again.
            let (anywhere, is_all) = self.anywhere()?;
            if *is_all && !is_in(anywhere) {
                return Ok(Found::Nowhere);
            }
        }
        Ok(Found::Elsewhere)
    }

    /// The board commit that a record speaks of, where it is later than the tip on the same board:
    /// somebody publishes it just now, or died doing so. The record came first, so it is true already.
    pub(super) fn ahead(&self, record: &Record) -> Result<Option<Oid>, Fault> {
        let (Some(board), Some(point)) = (&self.board, &record.board) else { return Ok(None) };
        let name = point.branch.as_ref().map_or("HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
        let Ok(commit) = Oid::from_hex(point.commit.as_bytes()) else { return Ok(None) };
        if name != *board {
            return Ok(None);
        }
        let leads = |from: Oid, to: Oid| -> Result<bool, GitError> {
            let reach = self.reach(&[from])?;
            Ok(self.graph().borrow().has_commit(&reach, to))
        };
        if let Some(tip) = self.tip
            && !leads(commit, tip)?
        {
            return Ok(None);
        }
        // The journal is emptied after the ref has moved: in this order neither look misses it. A commit that
        // is in neither has left the branch, by a `git reset` say.
        let is_announced = journal::peek(self.repo.common_dir())?.is_some_and(|intent| intent.makes(commit));
        let is_published = || match self.repo.read_ref(board)? {
            Some(now) if Some(now) != self.tip => leads(now, commit),
            Some(_) | None => Ok(false),
        };
        Ok((is_announced || is_published()?).then_some(commit))
    }
}
