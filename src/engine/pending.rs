//! A change that is put together from several requests, before any of it is made true.

use std::cell::RefCell;
use std::rc::Rc;

use crate::model::{Change, Code, Edit, RecordKey, Refusal};

/// What was planned so far.
#[derive(Debug)]
pub(crate) struct PendingChange {
    change: RefCell<Rc<Change<()>>>,
    subjects: RefCell<Vec<String>>,
}

impl Default for PendingChange {
    fn default() -> Self {
        Self { change: RefCell::new(Rc::new(Change::nothing(()))), subjects: RefCell::default() }
    }
}

impl PendingChange {
    /// The change so far.
    pub(super) fn change(&self) -> Rc<Change<()>> {
        Rc::clone(&self.change.borrow())
    }

    fn taken(&self) -> Change<()> {
        Rc::unwrap_or_clone(self.change.replace(Rc::new(Change::nothing(()))))
    }

    /// Puts one more change on top of it.
    pub(super) fn add<O>(&self, change: Change<O>) -> Result<O, Refusal> {
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
    pub(super) fn finish<T>(&self, outcome: T) -> Change<T> {
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
