//! `workstream update`

use crate::model::{
    Action, Change, Context, Edit, Event, Imported, Operation, Priority, Refusal, View, Workstream,
    WorkstreamName, WorkstreamStatus,
};
use crate::ops::{resolve, text};

/// New values for some fields of a workstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which.
    pub name: WorkstreamName,
    /// Its description.
    pub description: Option<String>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// Open or closed.
    pub status: Option<WorkstreamStatus>,
}

impl Operation for Update {
    type Outcome = Workstream;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Workstream>, Refusal> {
        let before = resolve::workstream(view, &self.name)?;
        let mut after = before.clone();
        if let Some(description) = &self.description {
            text::check_text("description", description)?;
            after.description.clone_from(description);
        }
        after.priority = self.priority.unwrap_or(after.priority);
        after.status = self.status.unwrap_or(after.status);
        if after == before {
            return Ok(Change::nothing(before));
        }
        after.imported = Imported::default();
        let changed: Vec<&str> = [
            ("description", before.description != after.description),
            ("priority", before.priority != after.priority),
            ("status", before.status != after.status),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect();
        let agent = context.actor.id();
        let event = Event::new(
            context.now,
            agent.as_str(),
            Action::WorkstreamUpdated,
            context.mint.event_id(context.now),
        )
        .with("workstream", self.name.as_str())
        .with("changed", changed.clone());
        Ok(Change::new(format!("update workstream {}", self.name), after.clone())
            .body(format!("{agent} changed {} of workstream {}.", changed.join(", "), self.name))
            .edit(Edit::Workstream(after))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};

    #[test]
    fn only_what_differs_is_changed() {
        let board = Board::with(|board| board.workstream("revenue"));
        let name = WorkstreamName::parse("revenue").unwrap();
        let same = Update { name, description: None, priority: Some(Priority(5)), status: None };
        assert!(plan(&board, &same).unwrap().is_nothing());
        let closed = Update { status: Some(WorkstreamStatus::Closed), ..same };
        let change = plan(&board, &closed).unwrap();
        assert_eq!(change.events[0].fields["changed"], serde_json::json!(["status"]));
    }
}
