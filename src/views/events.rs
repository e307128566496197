//! The log, filtered.

use crate::model::{Event, Log, TaskId, Timestamp};

/// Which events; every condition that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only so many of those that fit, the newest; `None` = all.
    pub last: Option<usize>,
    /// By this agent, exactly.
    pub agent: Option<String>,
    /// Of this action, by its word.
    pub action: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// That name this task.
    pub task: Option<TaskId>,
}

impl Filter {
    fn fits(&self, event: &Event) -> bool {
        self.agent.as_ref().is_none_or(|agent| *agent == event.agent)
            && self.action.as_ref().is_none_or(|action| action == event.action.word())
            && self.since.is_none_or(|since| event.ts >= since)
            && self.task.is_none_or(|task| event.task_id() == Some(task))
    }
}

/// The events that fit, oldest first, in the order of the log.
pub fn events(log: &Log, filter: &Filter) -> Vec<Event> {
    newest(log, filter).into_iter().cloned().collect()
}

/// The same, borrowed. Walks backwards, so that the last few of a long log cost little.
pub(crate) fn newest<'a>(log: &'a Log, filter: &Filter) -> Vec<&'a Event> {
    let most = filter.last.unwrap_or(usize::MAX);
    let mut found: Vec<&Event> =
        log.events.iter().rev().filter(|event| filter.fits(event)).take(most).collect();
    found.reverse();
    found
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
        events(&board.log, filter).iter().map(|event| event.id.as_ref().unwrap().to_string()).collect()
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
        assert_eq!(ids(&Filter { action: Some("deployed".to_owned()), ..mine.clone() }), ["e3"]);
        assert_eq!(ids(&Filter { since: Some(at(2)), ..all.clone() }), ["e2", "e3", "e4"]);
        assert_eq!(ids(&Filter { task: Some(id("299833bc")), since: Some(at(2)), ..all }), ["e4"]);
    }
}
