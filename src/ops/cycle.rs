//! `collect`: the end of a cycle.

use crate::model::{Action, Change, Context, Event, Operation, Refusal, View};

/// Marks where a cycle ended, so that the next collection begins here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// How many tasks were completed in it.
    pub completed: usize,
}

impl Operation for Collect {
    type Outcome = Event;

    fn plan(&self, _view: &dyn View, context: &Context<'_>) -> Result<Change<Event>, Refusal> {
        let agent = context.actor.id();
        let event = Event::new(
            context.now,
            agent.as_str(),
            Action::CycleCollected,
            context.mint.event_id(context.now),
        )
        .with("completed", self.completed);
        Ok(Change::new(format!("collect cycle ({} completed)", self.completed), event.clone())
            .body(format!("{agent} collected the cycle."))
            .event(event))
    }
}
