//! What happened last in each workstream.
//!
//! An event of a task that is here stands with the workstream in which the task is now, so that it goes along when the
//! task is moved; any other event stands with the workstream that it names. Those of agents, locks, knowledge and
//! cycles name none.

use std::collections::HashMap;

use super::past::Kind;
use super::{Action, Event, TaskId};

/// Which events.
pub struct Recent<'a> {
    /// The names of the workstreams.
    pub workstreams: Vec<&'a str>,
    /// At most so many of each.
    pub most: usize,
    /// The workstream of a task, if it is here.
    pub home: &'a dyn Fn(TaskId) -> Option<&'a str>,
}

impl<'a> Recent<'a> {
    /// Nothing yet.
    pub fn collection<'r>(&'r self) -> Collection<'r, 'a> {
        let found: HashMap<&str, Vec<Event>> =
            self.workstreams.iter().map(|name| (*name, Vec::new())).collect();
        let open = if self.most == 0 { 0 } else { found.len() };
        Collection { of: self, open, found }
    }

    /// Whether events of this action may be of a workstream.
    fn may_be_of_one(action: &Action) -> bool {
        match Kind::of(action) {
            Some(Kind::Agent | Kind::Knowledge | Kind::Lock) => false,
            Some(Kind::Task | Kind::Workstream) => true,
            None => *action != Action::CycleCollected,
        }
    }
}

/// The events that were found, when they are added from the newest on.
pub struct Collection<'r, 'a> {
    of: &'r Recent<'a>,
    /// How many workstreams have room.
    open: usize,
    found: HashMap<&'a str, Vec<Event>>,
}

impl Collection<'_, '_> {
    /// Nothing more is wanted.
    pub fn is_full(&self) -> bool {
        self.open == 0
    }

    /// Whether an event may be wanted, of which only is known which task it names, and whether it names a workstream.
    pub fn may_want(&self, task: Option<TaskId>, names_workstream: bool) -> bool {
        let home = task.and_then(self.of.home);
        home.map_or(names_workstream, |workstream| self.has_room(workstream))
    }

    fn has_room(&self, workstream: &str) -> bool {
        self.found.get(workstream).is_some_and(|events| events.len() < self.of.most)
    }

    /// Takes the event, if it is wanted.
    pub fn add(&mut self, event: Event) {
        if !Recent::may_be_of_one(&event.action) {
            return;
        }
        let home = event.task_id().and_then(self.of.home);
        let Some(workstream) = home.or_else(|| event.text("workstream")) else { return };
        if !self.has_room(workstream) {
            return;
        }
        if let Some(events) = self.found.get_mut(workstream) {
            events.push(event);
            self.open -= usize::from(events.len() == self.of.most);
        }
    }

    /// By workstream, newest first.
    pub fn into_events(self) -> HashMap<String, Vec<Event>> {
        self.found.into_iter().map(|(workstream, events)| (workstream.to_owned(), events)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventId, Timestamp};

    fn event(id: &str, action: Action) -> Event {
        let at = Timestamp::parse("2026-02-06T12:00:00Z").unwrap();
        Event::new(at, "a", action, EventId::parse(id).unwrap())
    }

    fn task(text: &str) -> TaskId {
        TaskId::parse(text).unwrap()
    }

    fn home(id: TaskId) -> Option<&'static str> {
        (id == task("00000001")).then_some("product")
    }

    fn ids(found: &HashMap<String, Vec<Event>>, workstream: &str) -> Vec<String> {
        found[workstream].iter().map(|event| event.id.as_ref().unwrap().to_string()).collect()
    }

    #[test]
    fn an_event_stands_with_the_workstream_of_its_task_or_the_one_that_it_names() {
        let of = Recent { workstreams: vec!["product", "revenue"], most: 3, home: &home };
        let mut found = of.collection();
        let moved = event("e1", Action::TaskUpdated).with("workstream", "revenue");
        found.add(moved.with("task_id", "00000001"));
        found.add(event("e2", Action::TaskDeleted).with("workstream", "revenue").with("task_id", "00000002"));
        found.add(event("e3", Action::Custom("paid".to_owned())).with("workstream", "revenue"));
        found.add(event("e4", Action::Custom("paid".to_owned())).with("workstream", "gone"));
        found.add(event("e5", Action::LockAcquired).with("workstream", "revenue"));
        found.add(event("e6", Action::CycleCollected).with("workstream", "revenue"));
        found.add(event("e7", Action::Custom("rested".to_owned())));
        let found = found.into_events();
        assert_eq!(
            (ids(&found, "product"), ids(&found, "revenue")),
            (vec!["e1".to_owned()], vec!["e2".to_owned(), "e3".to_owned()])
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_full_workstream_wants_no_event_of_its_tasks_and_two_full_ones_none_at_all() {
        let of = Recent { workstreams: vec!["product", "revenue"], most: 1, home: &home };
        let mut found = of.collection();
        assert!(found.may_want(Some(task("00000001")), true) && !found.is_full());
        for id in ["e1", "e2"] {
            found.add(event(id, Action::TaskUpdated).with("task_id", "00000001"));
        }
        assert!(!found.may_want(Some(task("00000001")), true) && !found.is_full());
        assert!(found.may_want(Some(task("00000002")), true) && found.may_want(None, true));
        assert!(!found.may_want(Some(task("00000002")), false) && !found.may_want(None, false));
        found.add(event("e3", Action::WorkstreamCreated).with("workstream", "revenue"));
        assert!(found.is_full());
        assert_eq!(ids(&found.into_events(), "product"), ["e1"]);
        let none = Recent { workstreams: vec!["product"], most: 0, home: &home };
        assert!(none.collection().is_full());
    }
}
