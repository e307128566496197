//! Several requests as one change, in one commit: all of them or none.
//!
//! They are planned one after the other, each on the board as those before it leave it, while the lock is held.

use std::cell::RefCell;
use std::rc::Rc;

use crate::git::Repo;
use crate::model::{Actor, AgentId, Change, Code, Context, Edit, Operation, RecordKey, Refusal};
use crate::store::{self, Store};

use super::overlay::Overlay;
use super::{Done, Orchestrator};

/// What was planned so far.
#[derive(Debug)]
pub(crate) struct Gathered {
    change: RefCell<Rc<Change<()>>>,
    subjects: RefCell<Vec<String>>,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { change: RefCell::new(Rc::new(Change::nothing(()))), subjects: RefCell::default() }
    }
}

impl Gathered {
    /// The change so far.
    pub(super) fn change(&self) -> Rc<Change<()>> {
        Rc::clone(&self.change.borrow())
    }

    fn taken(&self) -> Change<()> {
        Rc::unwrap_or_clone(self.change.replace(Rc::new(Change::nothing(()))))
    }

    /// Puts one more change on top of it.
    fn add<O>(&self, change: Change<O>) -> Result<O, Refusal> {
        let Change { edits, records, events, subject, body: _, trailers, outcome } = change;
        let mut whole = self.taken();
        for edit in edits {
            whole.edits.retain(|known| !is_of_same_entry(known, &edit));
            whole.edits.push(edit);
        }
        for edit in records {
            let known = whole.records.iter().position(|known| known.record.key == edit.record.key);
            if let (Some(_), RecordKey::Lock(resource)) = (known, &edit.record.key) {
                return Err(Refusal::new(
                    Code::Usage,
                    format!("lock `{resource}` is named twice; what happened first would be in no log"),
                ));
            }
            // The event of a claim stands in the commit: the record needs only the last word.
            match known {
                Some(at) => whole.records[at] = edit,
                None => whole.records.push(edit),
            }
        }
        whole.events.extend(events);
        whole.trailers.extend(trailers);
        if !subject.is_empty() {
            self.subjects.borrow_mut().push(subject);
        }
        self.change.replace(Rc::new(whole));
        Ok(outcome)
    }

    /// The whole change, with what is to be told.
    fn finish<T>(&self, outcome: T) -> Change<T> {
        let subjects = self.subjects.take();
        let whole = self.taken();
        let subject = match subjects.as_slice() {
            [one] => one.clone(),
            many => format!("{} changes: {}", many.len(), many.join("; ")),
        };
        let body =
            if subjects.len() > 1 { "They were asked for together.".to_owned() } else { String::new() };
        Change { subject, body, ..whole.with_outcome(outcome) }
    }
}

/// Whether two edits are of one entry, so that the later one counts.
fn is_of_same_entry(one: &Edit, two: &Edit) -> bool {
    match (one, two) {
        (Edit::Workstream(one), Edit::Workstream(two)) => one.name == two.name,
        (Edit::Task(one), Edit::Task(two)) => one.id == two.id,
        (Edit::Agent(one), Edit::Agent(two)) => one.id == two.id,
        (
            Edit::Knowledge(crate::model::Knowledge { topic: one, .. }) | Edit::RemoveKnowledge(one),
            Edit::Knowledge(crate::model::Knowledge { topic: two, .. }) | Edit::RemoveKnowledge(two),
        ) => one == two,
        (Edit::File { path: one, .. }, Edit::File { path: two, .. }) => one == two,
        _ => false,
    }
}

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
                gathered: Some(Gathered::default()),
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
        gathered: &Gathered,
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
