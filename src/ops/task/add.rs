//! `task add`

use crate::model::{
    Action, Change, Code, Context, Edit, Event, Imported, Operation, Priority, Refusal, Status, Task, TaskId,
    TaskRef, View, WorkstreamName,
};
use crate::ops::{resolve, text};

use super::{Told, dependencies};

/// A new task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// Where it belongs.
    pub workstream: WorkstreamName,
    /// One printable line of at most 500 characters.
    pub title: String,
    /// Any text, may be empty.
    pub description: String,
    /// How urgent.
    pub priority: Priority,
    /// Free text, such as `2h`.
    pub estimate: Option<String>,
    /// What must be done before it is handed out.
    pub depends_on: Vec<TaskRef>,
    /// Free words.
    pub labels: Vec<String>,
}

impl Operation for Add {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        text::check_line("title", &self.title)?;
        text::check_text("description", &self.description)?;
        if let Some(estimate) = &self.estimate {
            text::check_line("estimate", estimate)?;
        }
        let labels = text::check_words("label", &self.labels)?;
        resolve::open_workstream(view, &self.workstream)?;
        let depends_on = dependencies::resolve_all(view, &self.depends_on)?;
        let agent = context.actor.id();
        let task = Task {
            id: free_id(view, context)?,
            workstream: self.workstream.clone(),
            title: self.title.clone(),
            status: Status::Pending,
            epoch: 0,
            priority: self.priority,
            estimate: self.estimate.clone(),
            depends_on,
            labels,
            created_at: context.now,
            created_by: agent.to_string(),
            description: self.description.clone(),
            result: None,
            imported: Imported::default(),
        };
        let id = context.mint.event_id(context.now);
        let event = Event::new(context.now, agent.as_str(), Action::TaskCreated, id)
            .with("workstream", task.workstream.as_str())
            .with("task_id", task.id.as_str())
            .with("title", task.title.as_str());
        Ok(Change::new(
            format!("add {} to {}: {}", task.id, task.workstream, task.title),
            Told::changed(task.clone(), None),
        )
        .body(format!("{agent} added task {} to workstream {}.", task.id, task.workstream))
        .edit(Edit::Task(Box::new(task)))
        .event(event))
    }
}

/// An id that no task of the board has.
fn free_id(view: &dyn View, context: &Context<'_>) -> Result<TaskId, Refusal> {
    for _ in 0..64 {
        let id = context.mint.task_id();
        if view.find_tasks(&id.into())?.is_empty() {
            return Ok(id);
        }
    }
    Err(Refusal::new(Code::Internal, "64 random task ids in a row were in use"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};

    fn add() -> Add {
        Add {
            workstream: WorkstreamName::parse("revenue").unwrap(),
            title: "Add payments".into(),
            description: "Integrate USDC".into(),
            priority: Priority(0),
            estimate: None,
            depends_on: vec![],
            labels: vec![],
        }
    }

    #[test]
    fn a_task_is_added_under_a_fresh_id() {
        // The first id that the mint gives is in use.
        let board = Board::with(|board| board.workstream("revenue").task("00000001", "revenue"));
        let change = plan(&board, &add()).unwrap();
        let task = &change.outcome.task.task;
        assert_eq!((task.id.as_str(), task.priority), ("00000002", Priority(0)));
        assert_eq!(change.subject, "add 00000002 to revenue: Add payments");
        assert!(change.records.is_empty());
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let board = Board::with(|board| board.workstream("revenue").closed("old"));
        let old = WorkstreamName::parse("old").unwrap();
        let other = WorkstreamName::parse("other").unwrap();
        let nowhere = vec![TaskRef::parse("abcdef01").unwrap()];
        for (request, code) in [
            (Add { workstream: other, ..add() }, Code::NotFound),
            (Add { workstream: old, ..add() }, Code::Transition),
            (Add { title: "a\n\nOrchestrator-Event: {}".into(), ..add() }, Code::Invalid),
            (Add { depends_on: nowhere, ..add() }, Code::NotFound),
            (Add { labels: vec!["\u{1b}".into()], ..add() }, Code::Invalid),
        ] {
            assert_eq!(plan(&board, &request).unwrap_err().code, code, "{request:?}");
        }
    }
}
