//! What differs between two states of an entity: field by field, and as what happened to it.
//!
//! Everything that tells a change (a review, the story of a task, a derived event, a verification) tells it from
//! here, so that all of them use the same words.

use super::{Action, Agent, Imported, Knowledge, Status, Task, Workstream};

/// One field that differs, with its values as the entity's file would show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The key in the file (`content` for the text of a document).
    pub field: &'static str,
    /// The value before; `None` where there was none.
    pub old: Option<String>,
    /// The value after; `None` where there is none.
    pub new: Option<String>,
}

type Fields = Vec<(&'static str, Option<String>)>;

/// An entity whose states can be compared.
pub trait Compare {
    /// Its fields but the name that it is found by, in the order of its file.
    fn fields(&self) -> Vec<(&'static str, Option<String>)>;

    /// The fields that differ in `after`, in the order of the file.
    fn changes(&self, after: &Self) -> Vec<FieldChange> {
        let pairs = self.fields().into_iter().zip(after.fields());
        pairs
            .filter(|((_, old), (_, new))| old != new)
            .map(|((field, old), (_, new))| FieldChange { field, old, new })
            .collect()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn list<T: ToString>(values: &[T]) -> Option<String> {
    let words: Vec<String> = values.iter().map(T::to_string).collect();
    text(&words.join(", "))
}

fn imported(imported: &Imported) -> Option<String> {
    let stamps: Vec<String> = imported.0.iter().map(|(key, stamp)| format!("{key} {stamp}")).collect();
    list(&stamps)
}

impl Compare for Task {
    fn fields(&self) -> Fields {
        let claim = self.status.claim();
        let completed_at = match &self.status {
            Status::Done { completed_at, .. } => *completed_at,
            Status::Pending | Status::InProgress(_) | Status::Blocked { .. } | Status::Cancelled { .. } => {
                None
            }
        };
        vec![
            ("workstream", Some(self.workstream.to_string())),
            ("title", Some(self.title.clone())),
            ("status", Some(self.status.word().to_owned())),
            ("assigned_to", claim.map(|claim| claim.agent.to_string())),
            ("epoch", Some(self.epoch.to_string())),
            ("claimed_at", claim.and_then(|claim| claim.claimed_at).map(|at| at.to_string())),
            ("completed_at", completed_at.map(|at| at.to_string())),
            ("reason", self.status.reason().map(str::to_owned)),
            ("priority", Some(self.priority.to_string())),
            ("estimate", self.estimate.clone()),
            ("depends_on", list(&self.depends_on)),
            ("labels", list(&self.labels)),
            ("created_at", Some(self.created_at.to_string())),
            ("created_by", Some(self.created_by.clone())),
            ("description", text(&self.description)),
            ("result", self.result.clone()),
            ("imported", imported(&self.imported)),
        ]
    }
}

impl Compare for Workstream {
    fn fields(&self) -> Fields {
        vec![
            ("description", text(&self.description)),
            ("priority", Some(self.priority.to_string())),
            ("status", Some(self.status.word().to_owned())),
            ("created_at", Some(self.created_at.to_string())),
            ("created_by", Some(self.created_by.clone())),
            ("imported", imported(&self.imported)),
        ]
    }
}

impl Compare for Agent {
    fn fields(&self) -> Fields {
        vec![
            ("type", Some(self.kind.clone())),
            ("status", Some(self.status.clone())),
            ("capabilities", list(&self.capabilities)),
            ("registered_at", Some(self.registered_at.to_string())),
            ("imported", imported(&self.imported)),
        ]
    }
}

impl Compare for Knowledge {
    fn fields(&self) -> Fields {
        vec![
            ("updated_by", self.updated_by.clone()),
            ("updated_at", self.updated_at.map(|at| at.to_string())),
            ("content", text(&self.content)),
        ]
    }
}

/// How a task came from one status to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It stands where it stood, in the same hands.
    None,
    /// By this.
    By(Action),
    /// In a way for which there is no word (from done into somebody's hands, say).
    Nameless,
}

impl Status {
    /// How a task in this status came to be in `after`.
    pub fn turn_to(&self, after: &Self) -> Turn {
        use Status::{Blocked, Cancelled, Done, InProgress, Pending};
        match (self, after) {
            (Pending, Pending)
            | (Blocked { .. }, Blocked { .. })
            | (Cancelled { .. }, Cancelled { .. })
            | (Done { .. }, Done { .. }) => Turn::None,
            (InProgress(one), InProgress(two)) if one.agent == two.agent => Turn::None,
            (Blocked { .. }, Pending | InProgress(_)) => Turn::By(Action::TaskUnblocked),
            (Done { .. } | Cancelled { .. }, InProgress(_)) => Turn::Nameless,
            (Pending | InProgress(_), InProgress(_)) => Turn::By(Action::TaskClaimed),
            (Done { .. } | Cancelled { .. }, Pending) => Turn::By(Action::TaskReopened),
            (InProgress(_), Pending) => Turn::By(Action::TaskReleased),
            (_, Blocked { .. }) => Turn::By(Action::TaskBlocked),
            (_, Done { .. }) => Turn::By(Action::TaskCompleted),
            (_, Cancelled { .. }) => Turn::By(Action::TaskCancelled),
        }
    }

    /// How a new task came to be in this status, beyond being created.
    pub fn first_turn(&self) -> Turn {
        Self::Pending.turn_to(self)
    }
}
