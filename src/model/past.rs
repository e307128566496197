//! The past of single entities: what a commit made of each, and what was said of it.

use super::{
    Action, Agent, AgentId, Compare, Event, FieldChange, Knowledge, Refusal, Resource, Task, TaskId, Topic,
};
use super::{Workstream, WorkstreamName};

/// What can have a past of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKey {
    /// A task.
    Task(TaskId),
    /// A workstream.
    Workstream(WorkstreamName),
    /// An agent.
    Agent(AgentId),
    /// A document.
    Knowledge(Topic),
    /// A lock; its past is the chain of its records.
    Lock(Resource),
}

impl EntityKey {
    /// The entity that an event is about; none for events of somebody's own, of a cycle, and for edits that no
    /// better word fits.
    pub fn of(event: &Event) -> Option<Self> {
        let name = |field: &str| event.text(field);
        match Kind::of(&event.action)? {
            Kind::Workstream => {
                name("workstream").and_then(|name| WorkstreamName::parse(name).ok()).map(Self::Workstream)
            }
            Kind::Task => event.task_id().map(Self::Task),
            Kind::Agent => AgentId::parse(name("agent_id").unwrap_or(&event.agent)).ok().map(Self::Agent),
            Kind::Lock => name("resource").and_then(|name| Resource::parse(name).ok()).map(Self::Lock),
            Kind::Knowledge => name("topic").and_then(|name| Topic::parse(name).ok()).map(Self::Knowledge),
        }
    }

    /// What it is, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Task(_) => "task",
            Self::Workstream(_) => "workstream",
            Self::Agent(_) => "agent",
            Self::Knowledge(_) => "topic",
            Self::Lock(_) => "lock",
        }
    }

    /// Its id or name.
    pub fn name(&self) -> String {
        match self {
            Self::Task(id) => id.to_string(),
            Self::Workstream(name) => name.to_string(),
            Self::Agent(id) => id.to_string(),
            Self::Knowledge(topic) => topic.to_string(),
            Self::Lock(resource) => resource.to_string(),
        }
    }
}

/// The kinds of what can have a past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Task,
    Workstream,
    Agent,
    Knowledge,
    Lock,
}

impl Kind {
    /// The kind of what events of this action are about; none where they are about nothing that has a past.
    pub(super) fn of(action: &Action) -> Option<Self> {
        match action {
            Action::WorkstreamCreated | Action::WorkstreamUpdated | Action::WorkstreamDeleted => {
                Some(Self::Workstream)
            }
            Action::TaskCreated
            | Action::TaskClaimed
            | Action::TaskCompleted
            | Action::TaskReleased
            | Action::TaskBlocked
            | Action::TaskUnblocked
            | Action::TaskCancelled
            | Action::TaskReopened
            | Action::TaskUpdated
            | Action::TaskDeleted => Some(Self::Task),
            Action::AgentRegistered | Action::AgentDeleted => Some(Self::Agent),
            Action::LockAcquired | Action::LockRenewed | Action::LockReleased => Some(Self::Lock),
            Action::KnowledgeWritten | Action::KnowledgeDeleted => Some(Self::Knowledge),
            Action::CycleCollected | Action::BoardEdited | Action::Custom(_) => None,
        }
    }
}

/// An entity in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A task, as its file says.
    Task(Box<Task>),
    /// A workstream.
    Workstream(Workstream),
    /// An agent.
    Agent(Agent),
    /// A document.
    Knowledge(Knowledge),
}

impl Entity {
    /// The fields that differ in `after`; those of two entities of different kinds can't be told.
    pub fn changes(&self, after: &Self) -> Vec<FieldChange> {
        match (self, after) {
            (Self::Task(one), Self::Task(two)) => one.changes(two),
            (Self::Workstream(one), Self::Workstream(two)) => one.changes(two),
            (Self::Agent(one), Self::Agent(two)) => one.changes(two),
            (Self::Knowledge(one), Self::Knowledge(two)) => one.changes(two),
            (Self::Task(_) | Self::Workstream(_) | Self::Agent(_) | Self::Knowledge(_), _) => Vec::new(),
        }
    }
}

/// An entity in one state, with the file that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The state.
    pub entity: Entity,
    /// The file, from the board's directory.
    pub path: String,
    /// The file's text.
    pub text: String,
}

/// What is known of an entity at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was there, in this state.
    There(Version),
    /// It was not there.
    Absent,
    /// It was there, or may have been, and what it was can't be told; why, and what may help.
    Unknown(Box<Refusal>),
}

impl Known {
    /// The state, where it is known.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::There(version) => Some(version),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Whether it was there; none where that can't be told.
    pub fn was_there(&self) -> Option<bool> {
        match self {
            Self::There(_) => Some(true),
            Self::Absent => Some(false),
            Self::Unknown(_) => None,
        }
    }
}

/// The part of one commit in the past of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The commit, 40 hex digits: on the board, or of a lock's record.
    pub commit: String,
    /// What it says of the entity, in its order.
    pub events: Vec<Event>,
    /// The entity before it.
    pub before: Known,
    /// The entity after it.
    pub after: Known,
}

impl Passage {
    /// The fields that it changed; none where one of the two states is missing, or can't be told.
    pub fn changes(&self) -> Vec<FieldChange> {
        match (self.before.version(), self.after.version()) {
            (Some(before), Some(after)) => before.entity.changes(&after.entity),
            (Some(_), None) | (None, Some(_)) | (None, None) => Vec::new(),
        }
    }

    /// Why one of the two states can't be told.
    pub fn unknown(&self) -> Option<&Refusal> {
        [&self.before, &self.after].into_iter().find_map(|state| match state {
            Known::Unknown(why) => Some(&**why),
            Known::There(_) | Known::Absent => None,
        })
    }

    /// Whether the entity came or went; not where that can't be told.
    pub fn came_or_went(&self) -> bool {
        let (before, after) = (self.before.was_there(), self.after.was_there());
        before.zip(after).is_some_and(|(before, after)| before != after)
    }
}

/// The past of one entity, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// What each commit made of it.
    pub passages: Vec<Passage>,
    /// History is cut off (a shallow clone): older ones are missing.
    pub is_cut: bool,
}

/// What somebody's word for a part of history may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// An event of the board.
    Event {
        /// The commit that carries it.
        commit: String,
        /// The event.
        event: Event,
    },
    /// A commit on the board that carries events.
    Commit(String),
    /// An event of a lock, in the lock's own record.
    OfLock(Event),
}

/// All that one commit did to the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The commit, 40 hex digits.
    pub commit: String,
    /// What kind of commit.
    pub origin: Origin,
    /// What it made of each entity, with the events about it.
    pub parts: Vec<(EntityKey, Passage)>,
    /// Events about no entity that changed.
    pub loose: Vec<Event>,
}

/// Where a commit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One mutation of ours.
    Mutation,
    /// An import.
    Import,
    /// A merge.
    Merge,
    /// Anything else: a hand edit, a squash, a revert.
    Foreign,
}
