//! One entity with all that belongs to it.

use serde::{Deserialize, Serialize};

use crate::model::{Fault, Knowledge, Reading, SeenTask, TaskId, Unread, View, WorkstreamName};

use super::document::{Counts, EventDocument, TaskDocument, WorkstreamDocument};
use super::events::Filter;
use super::newest::Newest;
use super::{ready, relevance};

/// How many topics are told of one task.
const TOPICS: usize = 5;

/// Another task that this one waits for, or that waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its id.
    pub id: String,
    /// Its workstream; `null` where the task is not there or can't be read.
    pub workstream: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its status, by its word.
    pub status: Option<String>,
    /// It is done, and this board shows it.
    pub landed: bool,
}

/// A task with its neighbours, the knowledge that speaks of it, and its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDetail {
    /// The task itself.
    #[serde(flatten)]
    pub task: TaskDocument,
    /// It could be taken now.
    pub ready: bool,
    /// The tasks it waits for, in its own order.
    pub dependencies: Vec<Neighbour>,
    /// The tasks that wait for it, by rank.
    pub dependents: Vec<Neighbour>,
    /// Topics that speak of it, best first; at most five.
    pub knowledge: Vec<String>,
    /// The events that name it, oldest first.
    pub events: Vec<EventDocument>,
}

/// One task; `None` if it is not there. Costs one reading of all tasks and of what agents know, and one
/// pass of the log.
pub fn task(view: &dyn View, id: TaskId) -> Result<Reading<Option<TaskDetail>>, Fault> {
    let Some(seen) = view.task(id)? else { return Ok(Reading::whole(None)) };
    let mut unread = Unread::default();
    let tasks = view.tasks()?.note(&mut unread);
    let index = ready::index(&tasks);
    let known = all_knowledge(view)?.note(&mut unread);
    let neighbour = |id: TaskId| Neighbour::of(id, index.get(&id).map(|at| &tasks[*at]));
    let dependents = tasks.iter().filter(|other| other.task.depends_on.contains(&id));
    let topics = relevance::Index::of(&known).relevant(&seen.task);
    unread.extend(seen.unread_claim());
    let mut document = Newest(view.updates()?).document(&seen);
    document.look_up(view)?;
    let filter = Filter { task: Some(id), ..Filter::default() };
    let detail = TaskDetail {
        task: document,
        ready: ready::is_ready(&tasks, &index, &seen),
        dependencies: seen.task.depends_on.iter().map(|id| neighbour(*id)).collect(),
        dependents: dependents.map(|other| Neighbour::of(other.task.id, Some(other))).collect(),
        knowledge: topics.into_iter().take(TOPICS).map(|at| known[at].topic.to_string()).collect(),
        events: view.events(&filter)?.events.iter().map(EventDocument::of).collect(),
    };
    Ok(Reading::of(Some(detail), unread))
}

impl Neighbour {
    fn of(id: TaskId, seen: Option<&SeenTask>) -> Self {
        Self {
            id: id.to_string(),
            workstream: seen.map(|seen| seen.task.workstream.to_string()),
            title: seen.map(|seen| seen.task.title.clone()),
            status: seen.map(|seen| seen.task.status.word().to_owned()),
            landed: seen.is_some_and(SeenTask::is_landed_done),
        }
    }
}

/// Every document that can be read, by topic.
pub fn all_knowledge(view: &dyn View) -> Result<Reading<Vec<Knowledge>>, Fault> {
    let (mut known, mut unread) = (Vec::new(), Unread::default());
    for topic in view.topics()?.note(&mut unread) {
        known.extend(unread.try_note(view.knowledge(&topic))?);
    }
    Ok(Reading::of(known, unread))
}

/// One workstream with its tasks, by rank; `None` if it is not there.
pub fn workstream(
    view: &dyn View,
    name: &WorkstreamName,
) -> Result<Reading<Option<WorkstreamDocument>>, Fault> {
    let Some(workstream) = view.workstream(name)? else { return Ok(Reading::whole(None)) };
    let newest = Newest(view.updates()?);
    let mut counts = Counts::default();
    let (tasks, mut unread) = view.tasks()?.parts();
    unread.extend(tasks.iter().filter_map(SeenTask::unread_claim));
    let own = tasks.iter().filter(|seen| seen.task.workstream == *name);
    let own = own.inspect(|seen| counts.add(&seen.task.status)).map(|seen| newest.document(seen)).collect();
    Ok(Reading::of(Some(WorkstreamDocument::of(&workstream, own, counts)), unread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::views::fake::{Board, at, elsewhere, event, id, stream, task as draft};

    fn board() -> Board {
        Board::with(vec![
            draft("00000001", "revenue", "a").done("agent-1", at(0), at(1), "r"),
            elsewhere(draft("00000002", "product", "b").done("agent-1", at(0), at(1), "r"), "feat", "abc"),
            draft("00000003", "revenue", "Add payments")
                .depends_on(&["00000002", "00000001", "0000000f"])
                .seen(),
            draft("00000004", "revenue", "later").depends_on(&["00000003"]).seen(),
        ])
        .knows("payments", "USDC")
        .knows("cooking", "salt")
        .logs(event("e1", at(1), "a", Action::TaskCreated).with("task_id", "00000003"))
        .logs(event("e2", at(2), "a", Action::TaskCreated).with("task_id", "00000004"))
    }

    #[test]
    fn a_task_comes_with_both_directions_of_its_dependencies() {
        let detail = task(&board(), id("00000003")).unwrap().require().unwrap().unwrap();
        let told: Vec<_> = detail.dependencies.iter().map(|one| (one.id.as_str(), one.landed)).collect();
        assert_eq!(told, [("00000002", false), ("00000001", true), ("0000000f", false)]);
        assert_eq!(detail.dependencies[2].status, None);
        assert_eq!(detail.dependents.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["00000004"]);
        assert_eq!((detail.ready, detail.knowledge), (false, vec!["payments".to_owned()]));
        assert_eq!(detail.events.len(), 1);
        assert_eq!(task(&board(), id("0000000e")).unwrap(), Reading::whole(None));
    }

    #[test]
    fn the_document_begins_with_the_task_s_own_keys() {
        let detail = task(&board(), id("00000003")).unwrap().require().unwrap().unwrap();
        let text = serde_json::to_string(&detail).unwrap();
        assert!(text.starts_with(r#"{"id":"00000003","title":"Add payments","description":"","status":"pending","priority":5,"estimate":null,"assigned_to":null,"#));
        assert_eq!(serde_json::from_str::<TaskDetail>(&text).unwrap(), detail);
    }

    #[test]
    fn a_workstream_comes_with_its_tasks() {
        let whole = workstream(&board(), &stream("revenue")).unwrap().require().unwrap().unwrap();
        assert_eq!((whole.tasks.len(), whole.counts.done, whole.counts.pending), (3, 1, 2));
        assert_eq!(workstream(&board(), &stream("nothing")).unwrap(), Reading::whole(None));
    }
}
