//! `workstream create`

use crate::model::{
    Action, Change, Code, Context, Edit, Event, Imported, Operation, Priority, Refusal, View, Workstream,
    WorkstreamName, WorkstreamStatus,
};
use crate::ops::{resolve, text};

/// A new workstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Its name.
    pub name: WorkstreamName,
    /// Any text, may be empty.
    pub description: String,
    /// How urgent its tasks are.
    pub priority: Priority,
}

impl Operation for Create {
    type Outcome = Workstream;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Workstream>, Refusal> {
        text::check_text("description", &self.description)?;
        // Where the directory is hidden the file can't be written either, and any other name that is no workstream's
        // stands in nobody's way.
        let names = view.workstream_names()?.despite();
        if names.iter().any(|name| name == self.name.as_str()) {
            return Err(Refusal::new(Code::Exists, format!("there is a workstream `{}` already", self.name))
                .hint(format!("orchestrator ws show {}", self.name)));
        }
        resolve::check_case_twin("workstream", self.name.as_str(), &names)?;
        let agent = context.actor.id();
        let workstream = Workstream {
            name: self.name.clone(),
            description: self.description.clone(),
            priority: self.priority,
            status: WorkstreamStatus::Active,
            created_at: context.now,
            created_by: agent.to_string(),
            imported: Imported::default(),
        };
        let event = Event::new(
            context.now,
            agent.as_str(),
            Action::WorkstreamCreated,
            context.mint.event_id(context.now),
        )
        .with("workstream", self.name.as_str());
        let subject = if self.description.is_empty() {
            format!("create workstream {}", self.name)
        } else {
            format!("create workstream {}: {}", self.name, self.description)
        };
        Ok(Change::new(subject, workstream.clone())
            .body(format!("{agent} created workstream {} with priority {}.", self.name, self.priority))
            .edit(Edit::Workstream(workstream))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};

    fn create(name: &str) -> Create {
        let name = WorkstreamName::parse(name).unwrap();
        Create { name, description: "Revenue generation".into(), priority: Priority(0) }
    }

    #[test]
    fn a_workstream_is_created_once() {
        let change = plan(&Board::default(), &create("revenue")).unwrap();
        assert_eq!(change.subject, "create workstream revenue: Revenue generation");
        assert_eq!(change.outcome.priority, Priority(0));
        assert_eq!(change.events[0].text("workstream"), Some("revenue"));
        let board = Board::with(|board| board.workstream("revenue"));
        assert_eq!(plan(&board, &create("revenue")).unwrap_err().code, Code::Exists);
        let twin = plan(&board, &create("Revenue")).unwrap_err();
        assert!(twin.message.contains("only by case from `revenue`"), "{twin}");
    }
}
