//! Several requests as one change, in one commit: all of them or none.
//!
//! They are planned one after the other, each on the board as those before it leave it, while the lock is held.

use std::rc::Rc;

use crate::git::Repo;
use crate::model::{Actor, AgentId, Change, Context, Operation, Refusal};
use crate::store::{self, Store};

use super::overlay::Overlay;
use super::pending::PendingChange;
use super::{Done, Orchestrator};

impl Orchestrator {
    /// Runs all requests that `plan` makes of the board it is given, as one change: one commit, or a refusal and
    /// nothing. `plan` may be called again when somebody else was faster.
    pub fn together<T>(
        &self,
        mut plan: impl FnMut(&Rc<Orchestrator>) -> Result<T, Refusal>,
    ) -> Result<Done<T>, Refusal> {
        self.mutate(|snapshot, _| {
            let repo = Repo::open(self.store.repo.git_dir()).map_err(store::refusal_of)?;
            let store = Store { repo, board: self.store.board.clone() };
            let board = Rc::new(Orchestrator {
                at: snapshot.tip,
                gathered: Some(PendingChange::default()),
                ..Self::with_store(store, self.options.clone(), self.env.clone())
            });
            let outcome = plan(&board)?;
            match &board.gathered {
                Some(gathered) => Ok(gathered.finish(outcome)),
                None => Ok(Change::nothing(outcome)),
            }
        })
    }

    /// Plans a request on top of what was gathered.
    pub(super) fn gather<R: Operation>(
        &self,
        gathered: &PendingChange,
        agent: Option<AgentId>,
        request: &R,
    ) -> Result<Done<R::Outcome>, Refusal> {
        let snapshot = self.snapshot()?;
        let settings = crate::model::View::settings(&snapshot).clone();
        let view = Overlay { below: Box::new(snapshot), change: gathered.change() };
        let context =
            Context { now: self.env.now(), actor: Actor { agent }, settings: &settings, mint: &self.env };
        let change = request.plan(&view, &context)?;
        drop(view);
        Ok(Done { outcome: gathered.add(change)?, commit: None, remarks: Vec::new() })
    }
}
