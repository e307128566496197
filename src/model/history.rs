//! What history says, commit by commit and record by record, for whoever judges whether log and state agree.
//!
//! A store reads these values from git; what they mean for one another is decided elsewhere, and purely.

use super::past::Kind;
use super::{
    Action, Agent, AgentId, Damage, EntityKey, Event, EventId, Finish, Knowledge, Record, Standing, Task,
    TaskId, Timestamp, Topic, Workstream, WorkstreamName,
};

/// Who and when, as a commit names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The name.
    pub name: String,
    /// When, in whole seconds.
    pub at: Timestamp,
}

/// Whose words a commit's message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wording {
    /// A mutation of ours wrote it, whole.
    Ours,
    /// Its subject is ours, and there is no event or import at its end.
    Cut,
    /// A host made one commit of a pull request, and gave it our subject and its number.
    Squashed,
    /// It says that it reverts another commit.
    Revert,
    /// Somebody's own, whatever event lines are in it.
    Own,
}

/// What a file of the board is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A workstream.
    Workstream(WorkstreamName),
    /// A task.
    Task(TaskId),
    /// An agent.
    Agent(AgentId),
    /// A document.
    Knowledge(Topic),
    /// Settings, templates: part of the board, and no entry.
    Furniture,
    /// Nothing that can be.
    Stray,
}

impl Place {
    /// The entry that an event is about, if it is about one.
    pub fn of(event: &Event) -> Option<Self> {
        match EntityKey::of(event)? {
            EntityKey::Workstream(name) => Some(Self::Workstream(name)),
            EntityKey::Task(id) => Some(Self::Task(id)),
            EntityKey::Agent(id) => Some(Self::Agent(id)),
            EntityKey::Knowledge(topic) => Some(Self::Knowledge(topic)),
            // Its record is a commit, and no file.
            EntityKey::Lock(_) => None,
        }
    }

    /// Whether events of this action are about an entry of the board.
    pub fn is_needed_by(action: &Action) -> bool {
        Kind::of(action).is_some_and(|kind| kind != Kind::Lock)
    }
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A workstream.
    Workstream(Workstream),
    /// A task.
    Task(Box<Task>),
    /// An agent.
    Agent(Agent),
    /// A document.
    Knowledge(Knowledge),
    /// Something that is no entry.
    Other,
}

/// A file at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is not there.
    Absent,
    /// It is there, and what it says can't be understood.
    Damaged(Damage),
    /// It is there.
    Sound(Content),
}

impl Side {
    /// The task that it says.
    pub fn task(&self) -> Option<&Task> {
        match self {
            Self::Sound(Content::Task(task)) => Some(task),
            Self::Absent | Self::Damaged(_) | Self::Sound(_) => None,
        }
    }
}

/// A file that a commit changes, or that its events name although it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// From the repository's root.
    pub path: String,
    /// What it is about.
    pub place: Place,
    /// What it was in each parent, the first one first; none at a root.
    pub before: Vec<Side>,
    /// What it is.
    pub after: Side,
    /// The object that it was in the first parent, in hex; empty where it was not there.
    pub object_before: String,
    /// The object that it is now, in hex; empty where it is gone.
    pub object: String,
    /// Whether the commit differs here from all of its parents.
    pub is_changed: bool,
    /// Whether what the commit says to revert is indeed undone here.
    pub is_reverted: bool,
}

/// A file that a merge made as no merge of its parents gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blend {
    /// From the repository's root.
    pub path: String,
    /// What it is about.
    pub place: Place,
    /// The fields that are not as a merge gives them; none where it can't be told in fields.
    pub fields: Vec<&'static str>,
    /// One of the parents has the file so: what the other one changed is left out.
    pub is_of_one_side: bool,
    /// The merge has no such file.
    pub is_gone: bool,
    /// The state of a task is among the fields.
    pub is_state: bool,
    /// What an honest merge gives can't be told for sure.
    pub is_disputed: bool,
}

/// One commit of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// Its id, 40 hex digits.
    pub commit: String,
    /// Its parents.
    pub parents: Vec<String>,
    /// Its parents, or what they hold, are beyond what this clone has: there is nothing to compare with.
    pub is_edge: bool,
    /// Who made the change.
    pub author: Signed,
    /// Who wrote the commit.
    pub committer: Signed,
    /// Whose words its message is.
    pub wording: Wording,
    /// It brings data of the predecessor.
    pub is_import: bool,
    /// One batch wrote it, or an import: its author is not that of each event in it.
    pub is_of_several: bool,
    /// The commits that it says to revert, as it names them.
    pub reverts: Vec<String>,
    /// Those of its events that it tells, and tells to be taken back.
    pub taken_back: Vec<EventId>,
    /// The events of its message, in the order in which they stand.
    pub events: Vec<Event>,
    /// What is wrong with lines that look like events.
    pub problems: Vec<String>,
    /// The files that it changes, and those that its events name.
    pub changes: Vec<FileChange>,
    /// The files of a merge that are as no merge of its parents gives them; none where that was not looked into.
    pub blends: Option<Vec<Blend>>,
}

/// Where the board commit stands that the record of a claim names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence {
    /// It names none.
    Unnamed,
    /// It is there and leads to some branch, or its event does.
    Told {
        /// Whether the commit that it names carries its event; none where that commit is not there any more.
        carries: Option<bool>,
    },
    /// It, and its event, are on no branch: a mutation under way, a branch that is gone or was rewritten.
    Lost {
        /// The commit is about to be published, or its process died.
        is_announced: bool,
        /// The branch that it names, if that still exists, with what it says of the task.
        branch: Option<(String, Option<Box<Task>>)>,
        /// Whether the commit that it names carries its event; none where that commit is not there any more.
        carries: Option<bool>,
    },
}

/// One record in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The ref that it stands in, or `refs/orchestrator/archive`.
    pub name: String,
    /// Its commit; empty in the archive.
    pub commit: String,
    /// What it says.
    pub record: Record,
    /// What is so about it, and no command makes it so: a sentence each.
    pub oddities: Vec<String>,
    /// Who wrote it; none in the archive.
    pub author: Option<String>,
    /// Whether an import wrote it.
    pub is_import: bool,
    /// Whether it is the latest of its chain.
    pub is_latest: bool,
    /// What comes before it.
    pub before: Before,
    /// Where the change stands that it speaks of.
    pub whence: Whence,
}

/// What comes before a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: its chain begins here.
    Nothing,
    /// What it was can't be known.
    Unknown,
    /// A record.
    Record(Box<Record>),
    /// A commit that is not in this repository.
    Missing(String),
}

/// Who had a task before an event, as the record before that event's says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prior {
    /// In which standing.
    pub standing: Standing,
    /// With which epoch.
    pub epoch: u64,
}

/// What records tell beforehand of the events that history will show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Testimony {
    /// Who had a task before this event.
    Prior(EventId, Prior),
    /// The last event of a claim that was archived, of this task and moment: what its chain told of the events before
    /// is gone.
    Archived(TaskId, Timestamp),
    /// What a record of a claim says.
    Said(TaskId, Saying),
}

/// What a record of a claim says, in few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// With which epoch.
    pub epoch: u64,
    /// Who has the task, or finished it; none where it was given back.
    pub agent: Option<AgentId>,
    /// How it ended, where it did.
    pub finish: Option<Finish>,
    /// Its chain was folded into the archive: what else was said with this epoch is gone.
    pub is_archived: bool,
}

impl Saying {
    /// What this record says; none where it can't be read.
    pub fn of(record: &Record, is_archived: bool) -> Option<Self> {
        let (agent, finish) = match &record.standing {
            Standing::Held { agent, .. } => (Some(agent.clone()), None),
            Standing::Completed { agent, finish, .. } => (Some(agent.clone()), Some(*finish)),
            Standing::Free => (None, None),
            Standing::Unreadable { .. } => return None,
        };
        Some(Self { epoch: record.epoch, agent, finish, is_archived })
    }
}

/// Something that history has lost, as a branch's own log tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostEvent {
    /// The commit that carries it and is on no branch.
    pub commit: String,
    /// The event.
    pub event: Event,
    /// Whether other commits, which are here, change just what that one changed: then a rebase dropped it.
    pub is_made_by_others: bool,
}
