//! `knowledge delete`

use crate::model::{Action, Change, Context, Edit, Event, Fault, Operation, Refusal, Topic, View};

/// A document goes. Git keeps what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Its topic.
    pub topic: Topic,
}

/// Whether there was anything to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Yes,
    /// There was none: an answer, and no change.
    WasNot,
}

impl Operation for Delete {
    type Outcome = Deleted;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Deleted>, Refusal> {
        match view.knowledge(&self.topic) {
            Ok(None) => return Ok(Change::nothing(Deleted::WasNot)),
            // What can't be decoded can go all the same; what is no file of the board is refused when it is removed.
            Ok(Some(_)) | Err(Fault::Damaged(_)) => {}
            Err(other) => return Err(other.into()),
        }
        let agent = context.actor.id();
        let event = Event::new(
            context.now,
            agent.as_str(),
            Action::KnowledgeDeleted,
            context.mint.event_id(context.now),
        )
        .with("topic", self.topic.as_str());
        Ok(Change::new(format!("delete knowledge {}", self.topic), Deleted::Yes)
            .body(format!("{agent} deleted {}.", self.topic))
            .edit(Edit::RemoveKnowledge(self.topic.clone()))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};
    use crate::ops::knowledge::Write;

    #[test]
    fn a_document_is_written_kept_and_deleted() {
        let topic = Topic::parse("api-design").unwrap();
        let write = Write { topic: topic.clone(), content: "Use REST\n".into() };
        let delete = Delete { topic };
        assert_eq!(plan(&Board::default(), &delete).unwrap(), Change::nothing(Deleted::WasNot));
        let written = plan(&Board::default(), &write).unwrap().outcome;
        let board = Board::with(|board| board.knowledge(written.clone()));
        assert!(plan(&board, &write).unwrap().is_nothing());
        let change = plan(&board, &delete).unwrap();
        assert_eq!(change.outcome, Deleted::Yes);
        assert_eq!(change.events[0].text("topic"), Some("api-design"));
        let twin = Write { topic: Topic::parse("API-design").unwrap(), content: "x".into() };
        assert!(plan(&board, &twin).is_err());
    }
}
