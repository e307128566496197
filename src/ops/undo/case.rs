//! What every inverse needs to know, and what it is made of.

use std::collections::HashSet;

use serde_json::Value;

use crate::model::{
    Code, Context, Edit, EntityKey, Event, Passage, RecordEdit, Refusal, TaskId, View, quoted,
};
use crate::ops::text;

/// How many digits of a commit's id people are shown.
const SHORT: usize = 7;

/// What it takes to bring one entry back.
pub(super) struct Inverse {
    pub(super) edit: Edit,
    pub(super) record: Option<RecordEdit>,
    pub(super) events: Vec<Event>,
    pub(super) told: String,
}

/// A mutation that is to be undone, with what all its inverses need to know.
pub(super) struct Case<'c> {
    pub(super) view: &'c dyn View,
    pub(super) context: &'c Context<'c>,
    pub(super) commit: &'c str,
    /// Tasks that go in the same breath: they stand in nobody's way.
    pub(super) going: HashSet<TaskId>,
    /// Tasks that come back in the same breath: they may be waited for.
    pub(super) coming: HashSet<TaskId>,
}

impl Case<'_> {
    /// The ids of what is undone, as an event names them.
    pub(super) fn undoes(passage: &Passage) -> Value {
        match passage.events.as_slice() {
            [one] => Value::String(id_of(one)),
            several => Value::Array(several.iter().map(|event| Value::String(id_of(event))).collect()),
        }
    }

    /// The refusal where one of these fields is no longer what the mutation made it: it names who changed it.
    pub(super) fn overtaken(&self, key: &EntityKey, fields: &[&str]) -> Refusal {
        let (kind, name) = (key.kind(), key.name());
        let past = match self.view.past(key) {
            Ok(past) => past,
            Err(fault) => return fault.into(),
        };
        let since = past.passages.iter().position(|passage| passage.commit == self.commit);
        let later = past.passages.iter().skip(since.map_or(0, |at| at + 1)).rev();
        let touches = |passage: &&Passage| {
            passage.came_or_went() || passage.changes().iter().any(|change| fields.contains(&change.field))
        };
        let Some((passage, event)) =
            later.clone().find(touches).and_then(|passage| Some((passage, passage.events.last()?)))
        else {
            return Refusal::new(Code::Transition, format!("{kind} `{name}` has changed since"))
                .hint(format!("orchestrator log {kind}:{}", quoted(&name)));
        };
        let undone: Vec<&Passage> =
            past.passages.iter().filter(|known| known.commit == self.commit).collect();
        let is_ours =
            |id: &str| undone.iter().flat_map(|known| &known.events).any(|known| id_of(known) == id);
        let later = called(event, &passage.commit);
        if event.undoes().any(is_ours) {
            return Refusal::new(Code::Transition, format!("that is undone already: {later}"))
                .hint(format!("to do it again: orchestrator undo {}", id_of(event)));
        }
        Refusal::new(Code::Transition, format!("{kind} `{name}` has changed since: {later}"))
            .hint(format!("to undo that first: orchestrator undo {}", id_of(event)))
    }
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

pub(super) fn id_of(event: &Event) -> String {
    event.id.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// `` task_claimed of `agent-1` (commit 41be77a)``
pub(super) fn called(event: &Event, commit: &str) -> String {
    format!("{} by `{}` (commit {})", event.action.word(), text::excerpt(&event.agent), short(commit))
}
