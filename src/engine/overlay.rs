//! A board as a change that is not made yet will leave it.
//!
//! Entries and records come from the change where it has them, all else from the board below. The log is that of
//! the board: what is not committed has not happened.

use std::rc::Rc;

use crate::model::{
    Agent, AgentId, Change, Edit, Fault, Knowledge, Landing, Log, Reading, Record, RecordKey, Resource,
    SeenTask, Settings, Task, TaskId, TaskRef, Timestamp, Topic, Unread, Updates, View, Workstream,
    WorkstreamName,
};

/// A board and a change of it.
pub(super) struct Overlay<'v> {
    /// The board.
    pub(super) below: Box<dyn View + 'v>,
    /// What will be different.
    pub(super) change: Rc<Change<()>>,
}

impl Overlay<'_> {
    fn edited_tasks(&self) -> impl Iterator<Item = &Task> {
        self.change.edits.iter().filter_map(|edit| match edit {
            Edit::Task(task) => Some(&**task),
            _ => None,
        })
    }

    /// The record of a key as the change leaves it, under the commit that it has to be swapped for.
    fn record(&self, key: &RecordKey, below: Option<Record>) -> Option<Record> {
        match self.change.records.iter().find(|edit| edit.record.key == *key) {
            Some(edit) => Some(Record { commit: edit.expected.clone(), ..edit.record.clone() }),
            None => below,
        }
    }

    fn seen(&self, task: &Task, below: Option<SeenTask>) -> SeenTask {
        let record = self.record(&RecordKey::Claim(task.id), below.and_then(|seen| seen.record));
        SeenTask { task: task.clone(), landing: Landing::Here, record }
    }
}

impl View for Overlay<'_> {
    fn settings(&self) -> &Settings {
        self.below.settings()
    }

    fn workstream(&self, name: &WorkstreamName) -> Result<Option<Workstream>, Fault> {
        let edited = self.change.edits.iter().find_map(|edit| match edit {
            Edit::Workstream(workstream) if workstream.name == *name => Some(workstream.clone()),
            _ => None,
        });
        edited.map_or_else(|| self.below.workstream(name), |edited| Ok(Some(edited)))
    }

    fn workstreams(&self) -> Result<Reading<Vec<Workstream>>, Fault> {
        let (mut all, unread) = self.below.workstreams()?.parts();
        for edit in &self.change.edits {
            if let Edit::Workstream(workstream) = edit {
                all.retain(|known| known.name != workstream.name);
                all.push(workstream.clone());
            }
        }
        all.sort_by(|one, two| (one.priority, &one.name).cmp(&(two.priority, &two.name)));
        Ok(Reading::of(all, unread))
    }

    fn workstream_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        let (mut names, unread) = self.below.workstream_names()?.parts();
        names.extend(self.change.edits.iter().filter_map(|edit| match edit {
            Edit::Workstream(workstream) => Some(workstream.name.to_string()),
            _ => None,
        }));
        names.sort();
        names.dedup();
        Ok(Reading::of(names, unread))
    }

    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault> {
        match self.edited_tasks().find(|task| task.id == id) {
            Some(task) => Ok(Some(self.seen(task, self.below.task(id)?))),
            None => self.below.task(id),
        }
    }

    fn task_file(&self, id: TaskId) -> Result<Option<Task>, Fault> {
        match self.edited_tasks().find(|task| task.id == id) {
            Some(task) => Ok(Some(task.clone())),
            None => self.below.task_file(id),
        }
    }

    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault> {
        let mut ids = self.below.find_tasks(reference)?;
        ids.extend(
            self.edited_tasks().map(|task| task.id).filter(|id| id.as_str().starts_with(reference.prefix())),
        );
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    fn tasks(&self) -> Result<Reading<Rc<[SeenTask]>>, Fault> {
        let (below, unread) = self.below.tasks()?.parts();
        let mut all: Vec<SeenTask> = below.to_vec();
        for task in self.edited_tasks() {
            let below = all.iter().position(|seen| seen.task.id == task.id).map(|at| all.swap_remove(at));
            all.push(self.seen(task, below));
        }
        all.sort_by_cached_key(|seen| seen.task.rank());
        Ok(Reading::of(all.into(), unread))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        let edited = self.change.edits.iter().find_map(|edit| match edit {
            Edit::Agent(agent) if agent.id == *id => Some(agent.clone()),
            _ => None,
        });
        edited.map_or_else(|| self.below.agent(id), |edited| Ok(Some(edited)))
    }

    fn agents(&self) -> Result<Reading<Vec<Agent>>, Fault> {
        let (mut all, unread) = self.below.agents()?.parts();
        for edit in &self.change.edits {
            if let Edit::Agent(agent) = edit {
                all.retain(|known| known.id != agent.id);
                all.push(agent.clone());
            }
        }
        all.sort_by(|one, two| one.id.cmp(&two.id));
        Ok(Reading::of(all, unread))
    }

    fn agent_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        let (mut names, unread) = self.below.agent_names()?.parts();
        names.extend(self.change.edits.iter().filter_map(|edit| match edit {
            Edit::Agent(agent) => Some(agent.id.to_string()),
            _ => None,
        }));
        names.sort();
        names.dedup();
        Ok(Reading::of(names, unread))
    }

    fn last_seen(&self, agent: &str) -> Result<Reading<Option<Timestamp>>, Fault> {
        self.below.last_seen(agent)
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        let edited = self.change.edits.iter().find_map(|edit| match edit {
            Edit::Knowledge(knowledge) if knowledge.topic == *topic => Some(Some(knowledge.clone())),
            Edit::RemoveKnowledge(removed) if removed == topic => Some(None),
            _ => None,
        });
        edited.map_or_else(|| self.below.knowledge(topic), Ok)
    }

    fn topics(&self) -> Result<Reading<Vec<Topic>>, Fault> {
        let (mut topics, unread) = self.below.topics()?.parts();
        for edit in &self.change.edits {
            match edit {
                Edit::Knowledge(knowledge) => topics.push(knowledge.topic.clone()),
                Edit::RemoveKnowledge(removed) => topics.retain(|topic| topic != removed),
                _ => {}
            }
        }
        topics.sort();
        topics.dedup();
        Ok(Reading::of(topics, unread))
    }

    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault> {
        Ok(self.record(&RecordKey::Lock(resource.clone()), self.below.lock(resource)?))
    }

    fn locks(&self) -> Result<Vec<Record>, Fault> {
        let mut all = self.below.locks()?;
        for edit in &self.change.records {
            if matches!(edit.record.key, RecordKey::Lock(_)) {
                all.retain(|known| known.key != edit.record.key);
                all.push(edit.record.clone());
            }
        }
        all.sort_by(|one, two| one.key.cmp(&two.key));
        Ok(all)
    }

    fn updates(&self) -> Result<Updates, Fault> {
        self.below.updates()
    }

    fn log(&self) -> Result<Log, Fault> {
        self.below.log()
    }

    fn imports(&self) -> Result<Vec<String>, Fault> {
        self.below.imports()
    }

    fn is_lost(&self, commit: &str) -> Result<bool, Fault> {
        self.below.is_lost(commit)
    }

    fn damage(&self) -> Result<Unread, Fault> {
        self.below.damage()
    }
}
