//! The log, filtered.

use crate::model::{Event, EventFilter, Fault, View};

/// Which events.
pub type Filter = EventFilter;

/// The events that fit, oldest first, in the order of the log.
pub fn events(view: &dyn View, filter: &Filter) -> Result<Vec<Event>, Fault> {
    Ok(view.events(filter)?.events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::views::fake::{Board, at, event, id};

    fn ids(filter: &Filter) -> Vec<String> {
        let board = Board::default()
            .logs(event("e1", at(1), "agent-1", Action::TaskClaimed).with("task_id", "299833bc"))
            .logs(event("e2", at(2), "agent-2", Action::TaskClaimed).with("task_id", "04b29b0b"))
            .logs(event("e3", at(3), "agent-1", Action::Custom("deployed".to_owned())))
            .logs(event("e4", at(2), "agent-1", Action::TaskCompleted).with("task_id", "299833bc"));
        events(&board, filter).unwrap().iter().map(|event| event.id.as_ref().unwrap().to_string()).collect()
    }

    #[test]
    fn conditions_hold_together_and_the_last_are_the_newest_in_order() {
        let all = Filter::default();
        assert_eq!(ids(&all), ["e1", "e2", "e3", "e4"]);
        assert_eq!(ids(&Filter { last: Some(2), ..all.clone() }), ["e3", "e4"]);
        assert_eq!(ids(&Filter { last: Some(0), ..all.clone() }), [] as [&str; 0]);
        assert_eq!(ids(&Filter { last: Some(9), ..all.clone() }).len(), 4);
        let mine = Filter { agent: Some("agent-1".to_owned()), ..all.clone() };
        assert_eq!(ids(&mine), ["e1", "e3", "e4"]);
        assert_eq!(ids(&Filter { last: Some(2), ..mine.clone() }), ["e3", "e4"]);
        assert_eq!(ids(&Filter { actions: vec!["deployed".to_owned()], ..mine.clone() }), ["e3"]);
        assert_eq!(ids(&Filter { since: Some(at(2)), ..all.clone() }), ["e2", "e3", "e4"]);
        assert_eq!(ids(&Filter { task: Some(id("299833bc")), since: Some(at(2)), ..all }), ["e4"]);
    }
}
