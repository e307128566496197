//! What can be asked of a board.
//!
//! Each question costs what its answer needs: one task is one file, a list is the files of that list.
//! A question about several entries is answered with a [`Reading`]: what could be read, and by path and place what could
//! not, which nobody can overlook. Asking for one entry by name answers with its damage. A directory that is a link, say,
//! is damage like a file that does not decode: what it should hold is unknown, and never "not there".

use std::collections::HashMap;
use std::rc::Rc;

use super::past::Kind;
use super::{
    Action, Agent, AgentId, Deed, EntityKey, Event, EventId, Fault, Knowledge, Known, Landing, Named,
    Passage, Past, Reading, Recent, Record, Resource, SeenTask, Settings, Status, Task, TaskId, TaskRef,
    Timestamp, Topic, Unread, Workstream, WorkstreamName,
};

/// A board at one commit, with the records as of now.
pub trait View {
    /// The board's settings.
    fn settings(&self) -> &Settings;

    /// One workstream.
    fn workstream(&self, name: &WorkstreamName) -> Result<Option<Workstream>, Fault>;

    /// All that can be read, by priority, then name.
    fn workstreams(&self) -> Result<Reading<Vec<Workstream>>, Fault>;

    /// The names of all workstreams, readable or not, from the directory alone, sorted. Unread is what stands there and
    /// can't be a workstream, or the directory.
    fn workstream_names(&self) -> Result<Reading<Vec<String>>, Fault>;

    /// One task, as it counts.
    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault>;

    /// One task as this board's own file says, whatever a record says about other branches: what a change of
    /// its plain fields starts from, so that no state of another branch slips into this one. `None` if there
    /// is no such task, or if this view can't tell the file's own state (the default, where they differ).
    fn task_file(&self, id: TaskId) -> Result<Option<Task>, Fault> {
        Ok(self.task(id)?.and_then(|seen| match seen.landing {
            Landing::Here => Some(seen.task),
            Landing::Elsewhere { .. } => None,
        }))
    }

    /// The ids that a reference may mean, sorted, from the directory alone. A directory that can't be read is a fault.
    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault>;

    /// Every task that can be read, as it counts, by rank (priority, age, id).
    fn tasks(&self) -> Result<Reading<Rc<[SeenTask]>>, Fault>;

    /// The tasks of a workstream that may be there for the taking, by rank (priority, age, id), told one after the
    /// other without reading their files. Every one that counts as pending is among them, and where `held` is
    /// asked for, every one in progress; others may be. Of those that can't be read nobody knows: they are unread,
    /// whatever workstream they belong to.
    fn candidates<'v>(
        &'v self,
        workstream: &WorkstreamName,
        held: bool,
    ) -> Result<Reading<Candidates<'v>>, Fault> {
        let (tasks, unread) = self.tasks()?.parts();
        let is_candidate = |seen: &&SeenTask| {
            let status = &seen.task.status;
            seen.task.workstream == *workstream
                && (*status == Status::Pending || held && matches!(status, Status::InProgress(_)))
        };
        let candidates: Vec<Candidate> = tasks.iter().filter(is_candidate).map(Candidate::of).collect();
        Ok(Reading::of(Box::new(candidates.into_iter().map(Ok)), unread))
    }

    /// Whether a task is done on this very board, so that those which wait for it may begin. One that is not
    /// there is not; one that can't be read is not known to be.
    fn is_done(&self, id: TaskId) -> Result<Reading<bool>, Fault> {
        let mut unread = Unread::default();
        let seen = unread.try_note(self.task(id))?;
        Ok(Reading::of(seen.is_some_and(|seen| seen.is_landed_done()), unread))
    }

    /// One registered agent.
    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault>;

    /// All registered agents that can be read, by id.
    fn agents(&self) -> Result<Reading<Vec<Agent>>, Fault>;

    /// The ids of all registered agents, readable or not, from the directory alone, sorted. Unread is what stands there
    /// and can't be an agent, or the directory.
    fn agent_names(&self) -> Result<Reading<Vec<String>>, Fault>;

    /// When an agent was last seen: the newest of its presence and of the board's log. A presence that can't be read may
    /// be later.
    fn last_seen(&self, agent: &str) -> Result<Reading<Option<Timestamp>>, Fault>;

    /// One document.
    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault>;

    /// All topics, readable or not, sorted, from the directories alone. Unread is what stands there and can't be a topic,
    /// or a directory.
    fn topics(&self) -> Result<Reading<Vec<Topic>>, Fault>;

    /// The record of a lock, in whatever standing; `None` if it was never taken.
    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault>;

    /// The records of all locks that were ever taken, by resource.
    fn locks(&self) -> Result<Vec<Record>, Fault>;

    /// The whole log: the board's events by ancestry, oldest first, lock events merged in by time.
    fn log(&self) -> Result<Log, Fault>;

    /// The events that fit, oldest first, in the order of the log. The last few cost what they are, and a filter
    /// no more than those that fit it.
    fn events(&self, filter: &EventFilter) -> Result<Log, Fault> {
        let mut log = self.log()?;
        let first = log.events.iter().rposition(|event| filter.begins_with(event));
        log.events.drain(..first.unwrap_or(0));
        log.events.retain(|event| filter.fits(event));
        let most = filter.last.unwrap_or(usize::MAX);
        log.events.drain(..log.events.len().saturating_sub(most));
        Ok(log)
    }

    /// Every event of the log, one after the other, oldest first, for as long as `take` says.
    fn each_event(&self, take: &mut dyn FnMut(Event) -> bool) -> Result<(), Fault> {
        let _until_it_has_enough = self.log()?.events.into_iter().all(take);
        Ok(())
    }

    /// When each task was last spoken of in the log. Costs the index of the log, where there is one: neither an
    /// event nor a lock is read.
    fn updates(&self) -> Result<Updates, Fault> {
        let log = self.log()?;
        let mut updates = Updates { events: log.board_events, is_cut: log.is_cut, ..Updates::default() };
        for event in &log.events {
            updates.newest = updates.newest.max(Some(event.ts));
            if let Some(id) = event.task_id() {
                let known = updates.tasks.entry(id).or_insert(event.ts);
                *known = event.ts.max(*known);
            }
        }
        Ok(updates)
    }

    /// What each commit made of one entity, oldest first, in the order of the log. Costs the index of the log and the
    /// commits that speak of it.
    fn past(&self, of: &EntityKey) -> Result<Past, Fault> {
        let mut past = Past::default();
        self.each_event(&mut |event| {
            if EntityKey::of(&event).as_ref() == Some(of) {
                let (commit, events) = (String::new(), vec![event]);
                past.passages.push(Passage { commit, events, before: Known::Absent, after: Known::Absent });
            }
            true
        })?;
        Ok(past)
    }

    /// The newest events of each of these workstreams. Costs the index of the log and, of the events, those that are told
    /// and those that only name a workstream.
    fn newest_events(&self, of: &Recent<'_>) -> Result<HashMap<String, Vec<Event>>, Fault> {
        let mut found = of.collection();
        let _until_it_has_enough = self.log()?.events.into_iter().rev().all(|event| {
            found.add(event);
            !found.is_full()
        });
        Ok(found.into_events())
    }

    /// The parts of this board's history that `word` may mean: the events and the commits whose ids begin with it. At
    /// most so many as are worth naming.
    fn named(&self, _word: &str) -> Result<Vec<Named>, Fault> {
        Ok(Vec::new())
    }

    /// All that a commit (40 hex digits) of this board's history did to it; none if it is not there.
    fn deed(&self, _commit: &str) -> Result<Option<Deed>, Fault> {
        Ok(None)
    }

    /// The digests of the imports that this board contains (trailer `Orchestrator-Import`).
    fn imports(&self) -> Result<Vec<String>, Fault>;

    /// Whether a board commit (40 hex digits) that a claim names is for certain on no branch any more: it left its branch,
    /// by `git reset --hard` or `git commit --amend`.
    fn is_lost(&self, commit: &str) -> Result<bool, Fault> {
        let _on_some_branch = commit;
        Ok(false)
    }

    /// Everything on the board that can't be read: settings, directories, entries, templates, attributes.
    fn damage(&self) -> Result<Unread, Fault>;
}

/// Tasks that may be there for the taking, one after the other.
pub type Candidates<'v> = Box<dyn Iterator<Item = Result<Candidate, Fault>> + 'v>;

/// A task that may be there for the taking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The task.
    pub id: TaskId,
    /// What it waits for, done or not.
    pub depends_on: Vec<TaskId>,
    /// It is pending for certain; else only reading it tells.
    pub is_pending: bool,
}

impl Candidate {
    fn of(seen: &SeenTask) -> Self {
        let is_pending = seen.task.status == Status::Pending;
        Self { id: seen.task.id, depends_on: seen.task.depends_on.clone(), is_pending }
    }
}

/// Which events; every condition that is set must hold ([`Self::fits`] looks at all but the two that depend on other
/// events, `last` and `from_last`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only so many of those that fit, the newest; `None` = all.
    pub last: Option<usize>,
    /// By this agent, exactly.
    pub agent: Option<String>,
    /// Of one of these actions, by their words; none = of any.
    pub actions: Vec<String>,
    /// From the newest event of this action on, by its place in the log, that one included; all, where there is none.
    /// Not for the actions of locks, whose events have no place of their own.
    pub from_last: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// That name this task.
    pub task: Option<TaskId>,
}

impl EventFilter {
    /// Whether an event meets the conditions, however many do.
    pub fn fits(&self, event: &Event) -> bool {
        self.agent.as_ref().is_none_or(|agent| *agent == event.agent)
            && (self.actions.is_empty() || self.actions.iter().any(|action| action == event.action.word()))
            && self.since.is_none_or(|since| event.ts >= since)
            && self.task.is_none_or(|task| event.task_id() == Some(task))
    }

    /// Whether none before this event is wanted.
    pub fn begins_with(&self, event: &Event) -> bool {
        self.from_last.as_deref() == Some(event.action.word()) && Kind::of(&event.action) != Some(Kind::Lock)
    }

    /// Whether the events of locks may be among them.
    pub fn may_fit_locks(&self) -> bool {
        let is_of_lock = |word: &String| Kind::of(&Action::from_word(word)) == Some(Kind::Lock);
        self.task.is_none() && (self.actions.is_empty() || self.actions.iter().any(is_of_lock))
    }
}

/// What one pass of the log tells of every task, without its texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    /// When each task was last spoken of.
    pub tasks: HashMap<TaskId, Timestamp>,
    /// When the newest event of the board's own happened; those of locks stand in their records.
    pub newest: Option<Timestamp>,
    /// How many events are the board's own: the `version` of the predecessor's state.
    pub events: u64,
    /// History is cut off (a shallow clone).
    pub is_cut: bool,
}

/// The events of a board, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Each once, whatever rebase, cherry-pick or squash did to the commits.
    pub events: Vec<Event>,
    /// How many of them are the board's own: the `version` of the predecessor's state.
    pub board_events: u64,
    /// History is cut off (a shallow clone): older events are missing.
    pub is_cut: bool,
}

impl Log {
    /// The event of this id.
    pub fn find(&self, id: &EventId) -> Option<&Event> {
        self.events.iter().find(|event| event.id.as_ref() == Some(id))
    }
}
