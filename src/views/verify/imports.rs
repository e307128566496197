//! Events that an import brought: they happened elsewhere, and this commit need not show them.
//!
//! A line of the predecessor has no id of ours. What this program exports has, and an import of it keeps them. So the
//! trailer of an import alone excuses nothing: an event of what was on this board before, and is not as the event's own
//! story begins, is held against the commit like any other.

use std::collections::{HashMap, HashSet};

use crate::model::{Action, Content, Event, Exhibit, FileChange, Place, Side};

/// What the import of one commit may have brought.
#[derive(Debug, Default)]
pub(super) struct Brought {
    is_import: bool,
    /// What is told of these things is held against the commit.
    judged: HashSet<Place>,
}

impl Brought {
    pub(super) fn by(exhibit: &Exhibit) -> Self {
        if !exhibit.is_import {
            return Self::default();
        }
        let mut told: HashMap<Place, Vec<&Event>> = HashMap::new();
        for event in &exhibit.events {
            if let Some(place) = Place::of(event) {
                told.entry(place).or_default().push(event);
            }
        }
        let is_judged = |change: &&FileChange| {
            told.get(&change.place).is_some_and(|events| !may_be_brought(change, events))
        };
        let judged = exhibit.changes.iter().filter(is_judged).map(|change| change.place.clone()).collect();
        Self { is_import: true, judged }
    }

    /// Whether the event came from elsewhere, as far as can be told.
    pub(super) fn has(&self, event: &Event) -> bool {
        self.is_import && Place::of(event).is_none_or(|place| !self.judged.contains(&place))
    }
}

/// Whether an import brings these events of a file: together with it; of one that was gone already where they come
/// from; or to one that an import of the state alone brought before.
fn may_be_brought(change: &FileChange, events: &[&Event]) -> bool {
    if change.before.iter().all(|side| *side == Side::Absent) {
        return true;
    }
    let Side::Sound(content) = &change.after else { return false };
    let is_told = |action: &Action, at| events.iter().any(|event| event.action == *action && event.ts == at);
    !change.is_changed
        && match content {
            Content::Task(task) => is_told(&Action::TaskCreated, task.created_at),
            Content::Workstream(stream) => is_told(&Action::WorkstreamCreated, stream.created_at),
            Content::Agent(agent) => is_told(&Action::AgentRegistered, agent.registered_at),
            Content::Knowledge(document) => {
                document.updated_at.is_some_and(|at| is_told(&Action::KnowledgeWritten, at))
            }
            Content::Other => false,
        }
}
