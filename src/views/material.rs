//! What briefs are made of: the whole board, read once, however many briefs are written from it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::model::{
    Event, Fault, Knowledge, Reading, Recent, SeenTask, Status, TaskId, Timestamp, Unread, View, Workstream,
};

use super::document::{LockDocument, TaskDocument};
use super::named::{self, Named, Resources};
use super::newest::Newest;
use super::relevance::Index;
use super::{locks, ready, show};

/// How many events of a workstream are recent.
const RECENT: usize = 8;

pub(crate) struct Material {
    /// By priority, then name.
    pub(crate) workstreams: Vec<Workstream>,
    /// By rank.
    pub(crate) tasks: Rc<[SeenTask]>,
    /// Where each task stands in `tasks`.
    pub(crate) index: HashMap<TaskId, usize>,
    /// By topic.
    pub(crate) knowledge: Vec<Knowledge>,
    /// What the documents have to say.
    pub(crate) relevance: Index,
    /// Those that somebody has now.
    pub(crate) locks: Vec<LockDocument>,
    /// The names of all locks.
    pub(crate) resources: Resources,
    /// The tasks in somebody's hands, by rank, with what they name.
    pub(crate) active: Vec<(usize, BTreeSet<Named>)>,
    /// How many tasks that are not over wait for each task.
    waiting: HashMap<TaskId, usize>,
    newest: Newest,
    recent: HashMap<String, Vec<Event>>,
}

impl Material {
    pub(crate) fn gather(view: &dyn View, now: Timestamp) -> Result<Reading<Self>, Fault> {
        let mut unread = Unread::default();
        let workstreams = view.workstreams()?.note(&mut unread);
        let tasks = view.tasks()?.note(&mut unread);
        unread.extend(tasks.iter().filter_map(SeenTask::unread_claim));
        let index = ready::index(&tasks);
        let knowledge = show::all_knowledge(view)?.note(&mut unread);
        let resources = Resources::of(&view.locks()?);
        let active = tasks
            .iter()
            .enumerate()
            .filter(|(_, seen)| matches!(seen.task.status, Status::InProgress(_)))
            .map(|(at, seen)| (at, named::named(&seen.task, &resources)))
            .collect();
        let mut waiting = HashMap::new();
        for seen in tasks.iter().filter(|seen| !seen.task.status.is_over()) {
            for id in seen.task.depends_on.iter().collect::<BTreeSet<_>>() {
                *waiting.entry(*id).or_default() += 1;
            }
        }
        let recent = view.newest_events(&Recent {
            workstreams: workstreams.iter().map(|one| one.name.as_str()).collect(),
            most: RECENT,
            home: &|id| index.get(&id).map(|at| tasks[*at].task.workstream.as_str()),
        })?;
        let material = Self {
            workstreams,
            relevance: Index::of(&knowledge),
            locks: locks::live(view, now)?,
            newest: Newest(view.updates()?),
            tasks,
            index,
            knowledge,
            resources,
            active,
            waiting,
            recent,
        };
        Ok(Reading::of(material, unread))
    }

    pub(crate) fn document(&self, seen: &SeenTask) -> TaskDocument {
        self.newest.document(seen)
    }

    pub(crate) fn is_ready(&self, seen: &SeenTask) -> bool {
        ready::is_ready(&self.tasks, &self.index, seen)
    }

    pub(crate) fn task(&self, id: TaskId) -> Option<&SeenTask> {
        self.index.get(&id).map(|at| &self.tasks[*at])
    }

    /// How many tasks wait for this one.
    pub(crate) fn waiting(&self, id: TaskId) -> usize {
        self.waiting.get(&id).copied().unwrap_or(0)
    }

    /// The newest events of a workstream, newest first: those of its tasks, and those that name it.
    pub(crate) fn recent(&self, workstream: &str) -> impl Iterator<Item = &Event> {
        self.recent.get(workstream).into_iter().flatten()
    }
}
