//! `knowledge write`

use crate::model::{Action, Change, Context, Edit, Event, Knowledge, Operation, Refusal, Topic, View};
use crate::ops::{resolve, text};

/// A document, new or in place of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its topic.
    pub topic: Topic,
    /// The markdown, kept byte for byte.
    pub content: String,
}

impl Operation for Write {
    type Outcome = Knowledge;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Knowledge>, Refusal> {
        text::check_text("content", &self.content)?;
        let before = view.knowledge(&self.topic)?;
        if let Some(same) = before.clone().filter(|before| before.content == self.content) {
            return Ok(Change::nothing(same));
        }
        if before.is_none() {
            let topics: Vec<String> = view.topics()?.despite().iter().map(ToString::to_string).collect();
            resolve::check_case_twin("topic", self.topic.as_str(), &topics)?;
        }
        let agent = context.actor.id();
        let knowledge = Knowledge {
            topic: self.topic.clone(),
            content: self.content.clone(),
            updated_by: Some(agent.to_string()),
            updated_at: Some(context.now),
        };
        let event = Event::new(
            context.now,
            agent.as_str(),
            Action::KnowledgeWritten,
            context.mint.event_id(context.now),
        )
        .with("topic", self.topic.as_str());
        Ok(Change::new(format!("write knowledge {}", self.topic), knowledge.clone())
            .body(format!("{agent} wrote {}.", self.topic))
            .edit(Edit::Knowledge(knowledge))
            .event(event))
    }
}
