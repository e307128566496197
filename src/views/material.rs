//! What briefs are made of: the whole board, read once, however many briefs are written from it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::model::{Event, Fault, Knowledge, Log, SeenTask, Status, TaskId, Timestamp, View, Workstream};

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
    log: Log,
    newest: Newest,
    recent: HashMap<String, Vec<usize>>,
}

impl Material {
    pub(crate) fn gather(view: &dyn View, now: Timestamp) -> Result<Self, Fault> {
        let log = view.log()?;
        let tasks = view.tasks()?;
        let index = ready::index(&tasks);
        let knowledge = show::all_knowledge(view)?;
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
        let recent = recent(&log, &tasks, &index);
        Ok(Self {
            workstreams: view.workstreams()?,
            relevance: Index::of(&knowledge),
            locks: locks::live(view, now)?,
            newest: Newest(view.updates()?),
            tasks,
            index,
            knowledge,
            resources,
            active,
            waiting,
            log,
            recent,
        })
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

    /// The newest events that name the workstream or one of its tasks, newest first.
    pub(crate) fn recent(&self, workstream: &str) -> impl Iterator<Item = &Event> {
        self.recent.get(workstream).into_iter().flatten().map(|at| &self.log.events[*at])
    }
}

fn recent(log: &Log, tasks: &[SeenTask], index: &HashMap<TaskId, usize>) -> HashMap<String, Vec<usize>> {
    let mut recent: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, event) in log.events.iter().enumerate().rev() {
        let of_task = || {
            let at = index.get(&event.task_id()?)?;
            Some(tasks[*at].task.workstream.as_str())
        };
        if let Some(workstream) = event.text("workstream").or_else(of_task) {
            let known = recent.entry(workstream.to_owned()).or_default();
            if known.len() < RECENT {
                known.push(at);
            }
        }
    }
    recent
}
