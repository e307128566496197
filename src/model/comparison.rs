//! Two boards beside each other: the entities that differ, and what was said and done in between.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agent, AgentId, Damage, Event, Knowledge, Task, TaskId, Topic, Workstream, WorkstreamName};

/// One end of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// How people call it: `main`, `HEAD (feat-a)`.
    pub name: String,
    /// Its commit, 40 hex digits; none where there is nothing to start from.
    pub commit: Option<String>,
    /// It holds a board.
    pub has_board: bool,
}

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that is compared with.
    Base,
    /// The one that is looked at.
    Head,
}

/// An entity at both ends; it is at one of them, and differs from itself at the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<T> {
    /// At the base; none where it is new.
    pub before: Option<T>,
    /// At the head; none where it is gone.
    pub after: Option<T>,
}

impl<T> Pair<T> {
    /// The later of the two.
    pub fn latest(&self) -> Option<&T> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What an event, or a change, is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A workstream.
    Workstream(WorkstreamName),
    /// A task.
    Task(TaskId),
    /// An agent.
    Agent(AgentId),
    /// A document.
    Knowledge(Topic),
    /// Any other file of the board.
    File(String),
}

/// A commit between the two ends that tells something of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// 40 hex digits.
    pub commit: String,
    /// Its author's name: any text.
    pub author: String,
    /// The first line of its message: any text.
    pub subject: String,
    /// It brings data of the predecessor.
    pub is_import: bool,
    /// What it tells, each event once in the whole comparison, with what the event is about.
    pub events: Vec<(Option<Subject>, Event)>,
}

/// How much of what lies between the two ends could be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// All of it: the base is an ancestor of the head, or there is none.
    Whole,
    /// The base has commits of its own, which show as undone.
    Diverged,
    /// History is cut off (a shallow clone).
    Cut,
}

/// What differs between two boards. Only what differs was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared with.
    pub base: Point,
    /// What is looked at.
    pub head: Point,
    /// By name.
    pub workstreams: Vec<Pair<Workstream>>,
    /// By id.
    pub tasks: Vec<Pair<Task>>,
    /// By id.
    pub agents: Vec<Pair<Agent>>,
    /// By topic.
    pub knowledge: Vec<Pair<Knowledge>>,
    /// Other files of the board, by path: whether each is there at the base and at the head.
    pub files: Vec<(String, Pair<()>)>,
    /// Files that differ and can't be read at one end. They are in no pair.
    pub damage: Vec<(End, Damage)>,
    /// The commits between, oldest first.
    pub steps: Vec<Step>,
    /// Whether these are all.
    pub between: Between,
    /// Tasks that changed tasks wait for and that are not there at the head.
    pub absent_tasks: BTreeSet<TaskId>,
    /// Tasks that changed tasks wait for and that are not done at the head.
    pub unfinished: BTreeSet<TaskId>,
    /// Workstreams that changed tasks name and that are not there at the head.
    pub absent_workstreams: BTreeSet<WorkstreamName>,
}

/// The commits and events that are about each thing.
#[derive(Debug)]
pub struct Stories<'c>(BTreeMap<&'c Subject, Vec<(&'c Step, &'c Event)>>);

impl<'c> Stories<'c> {
    /// Those about one thing, oldest first.
    pub fn of(&self, subject: &Subject) -> &[(&'c Step, &'c Event)] {
        self.0.get(subject).map_or(&[], Vec::as_slice)
    }
}

impl Comparison {
    /// The commits and events, by what they are about.
    pub fn stories(&self) -> Stories<'_> {
        let mut stories: BTreeMap<&Subject, Vec<(&Step, &Event)>> = BTreeMap::new();
        for step in &self.steps {
            for (subject, event) in &step.events {
                if let Some(subject) = subject {
                    stories.entry(subject).or_default().push((step, event));
                }
            }
        }
        Stories(stories)
    }
}
