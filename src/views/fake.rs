//! A board in memory, for the tests of every view.

use std::collections::BTreeMap;

use crate::model::{
    Action, Agent, AgentId, Claim, Damage, Event, EventId, Fault, Imported, Knowledge, Landing, Log,
    Priority, Reading, Record, RecordKey, Resource, SeenTask, Settings, Span, Standing, Status, Task, TaskId,
    TaskRef, Timestamp, Topic, Unread, View, Workstream, WorkstreamName, WorkstreamStatus,
};

/// Noon of a day, and `minutes` more.
pub fn at(minutes: u64) -> Timestamp {
    Timestamp::parse("2026-02-06T12:00:00Z").unwrap().plus(Span::from_secs(60 * minutes))
}

pub fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

pub fn stream(name: &str) -> WorkstreamName {
    WorkstreamName::parse(name).unwrap()
}

pub fn workstream(name: &str, priority: i64) -> Workstream {
    Workstream {
        name: stream(name),
        description: format!("about {name}"),
        priority: Priority(priority),
        status: WorkstreamStatus::Active,
        created_at: at(0),
        created_by: "system".to_owned(),
        imported: Imported::default(),
    }
}

pub fn agent(id: &str) -> Agent {
    Agent {
        id: AgentId::parse(id).unwrap(),
        kind: "worker".to_owned(),
        status: "active".to_owned(),
        capabilities: Vec::new(),
        registered_at: at(0),
        imported: Imported::default(),
    }
}

pub fn knowledge(topic: &str, content: &str, by: &str, when: Timestamp) -> Knowledge {
    Knowledge {
        topic: Topic::parse(topic).unwrap(),
        content: content.to_owned(),
        updated_by: Some(by.to_owned()),
        updated_at: Some(when),
    }
}

pub fn lock(resource: &str, agent: &str, since: Timestamp) -> Record {
    Record {
        key: RecordKey::Lock(Resource::parse(resource).unwrap()),
        standing: Standing::Held {
            agent: AgentId::parse(agent).unwrap(),
            since,
            ttl: Some(Span::from_secs(60)),
        },
        epoch: 1,
        nonce: None,
        reason: None,
        event: None,
        board: None,
        commit: None,
    }
}

pub fn event(id: &str, ts: Timestamp, agent: &str, action: Action) -> Event {
    Event::new(ts, agent, action, EventId::parse(id).unwrap())
}

/// A task to be shaped: pending, priority 5, created at noon.
pub struct Draft(SeenTask);

pub fn task(id: &str, workstream: &str, title: &str) -> Draft {
    Draft(SeenTask::from_file(Task {
        id: self::id(id),
        workstream: stream(workstream),
        title: title.to_owned(),
        status: Status::Pending,
        epoch: 0,
        priority: Priority::default(),
        estimate: None,
        depends_on: Vec::new(),
        labels: Vec::new(),
        created_at: at(0),
        created_by: "system".to_owned(),
        description: String::new(),
        result: None,
        imported: Imported::default(),
    }))
}

impl Draft {
    pub fn seen(self) -> SeenTask {
        self.0
    }

    pub fn priority(mut self, priority: i64) -> Self {
        self.0.task.priority = Priority(priority);
        self
    }

    pub fn created(mut self, when: Timestamp) -> Self {
        self.0.task.created_at = when;
        self
    }

    pub fn says(mut self, description: &str) -> Self {
        self.0.task.description = description.to_owned();
        self
    }

    pub fn labels(mut self, labels: &[&str]) -> Self {
        self.0.task.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self
    }

    pub fn depends_on(mut self, ids: &[&str]) -> Self {
        self.0.task.depends_on = ids.iter().map(|text| id(text)).collect();
        self
    }

    pub fn held(mut self, agent: &str, since: Timestamp) -> SeenTask {
        self.0.task.epoch = 1;
        self.0.task.status = Status::InProgress(claim(agent, since));
        self.0
    }

    pub fn blocked(mut self, reason: &str) -> SeenTask {
        self.0.task.status = Status::Blocked { reason: reason.to_owned(), claim: None };
        self.0
    }

    pub fn cancelled(mut self, reason: &str) -> SeenTask {
        self.0.task.status = Status::Cancelled { reason: reason.to_owned() };
        self.0
    }

    pub fn done(mut self, agent: &str, since: Timestamp, when: Timestamp, result: &str) -> SeenTask {
        self.0.task.epoch = 1;
        self.0.task.status = Status::Done { claim: Some(claim(agent, since)), completed_at: Some(when) };
        self.0.task.result = Some(result.to_owned());
        self.0
    }
}

/// The same, written on another branch only.
pub fn elsewhere(mut seen: SeenTask, branch: &str, commit: &str) -> SeenTask {
    seen.landing = Landing::Elsewhere { branch: Some(branch.to_owned()), commit: Some(commit.to_owned()) };
    seen
}

fn claim(agent: &str, since: Timestamp) -> Claim {
    Claim { agent: AgentId::parse(agent).unwrap(), claimed_at: Some(since) }
}

/// The board.
#[derive(Default)]
pub struct Board {
    pub settings: Settings,
    pub workstreams: Vec<Workstream>,
    pub tasks: Vec<SeenTask>,
    pub agents: Vec<Agent>,
    pub presence: BTreeMap<String, Timestamp>,
    pub knowledge: Vec<Knowledge>,
    pub locks: Vec<Record>,
    pub log: Log,
    pub damage: Vec<Damage>,
}

impl Board {
    /// Two workstreams, `revenue` (1) and `product` (2), with these tasks.
    pub fn with(tasks: Vec<SeenTask>) -> Self {
        Self {
            workstreams: vec![workstream("revenue", 1), workstream("product", 2)],
            tasks,
            ..Self::default()
        }
    }

    pub fn knows(mut self, topic: &str, content: &str) -> Self {
        self.knowledge.push(knowledge(topic, content, "agent-9", at(1)));
        self
    }

    /// What was found, without what is damaged below this path.
    fn reading<T>(&self, below: &str, found: T) -> Reading<T> {
        let mut unread = Unread::default();
        let is_below = |damage: &&Damage| damage.path.contains(&format!("/{below}"));
        unread.extend(self.damage.iter().filter(is_below).cloned());
        Reading::of(found, unread)
    }

    pub fn logs(mut self, event: Event) -> Self {
        self.log.board_events += 1;
        self.log.events.push(event);
        self
    }
}

impl View for Board {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn workstream(&self, name: &WorkstreamName) -> Result<Option<Workstream>, Fault> {
        Ok(self.workstreams.iter().find(|one| one.name == *name).cloned())
    }

    fn workstreams(&self) -> Result<Reading<Vec<Workstream>>, Fault> {
        let mut all = self.workstreams.clone();
        all.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        Ok(self.reading("workstreams", all))
    }

    fn workstream_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        let mut names: Vec<String> = self.workstreams.iter().map(|one| one.name.to_string()).collect();
        names.sort();
        Ok(Reading::whole(names))
    }

    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault> {
        Ok(self.tasks.iter().find(|seen| seen.task.id == id).cloned())
    }

    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault> {
        let mut ids: Vec<TaskId> = self.tasks.iter().map(|seen| seen.task.id).collect();
        ids.retain(|id| id.as_str().starts_with(reference.prefix()));
        ids.sort();
        Ok(ids)
    }

    fn tasks(&self) -> Result<Reading<std::rc::Rc<[SeenTask]>>, Fault> {
        let mut all = self.tasks.clone();
        all.sort_by_key(|seen| seen.task.rank());
        Ok(self.reading("tasks", all.into()))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        Ok(self.agents.iter().find(|agent| agent.id == *id).cloned())
    }

    fn agents(&self) -> Result<Reading<Vec<Agent>>, Fault> {
        let mut all = self.agents.clone();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(self.reading("agents", all))
    }

    fn agent_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        Ok(self.agents()?.map(|agents| agents.iter().map(|agent| agent.id.to_string()).collect()))
    }

    fn last_seen(&self, agent: &str) -> Result<Reading<Option<Timestamp>>, Fault> {
        let logged = self.log.events.iter().filter(|event| event.agent == agent).map(|event| event.ts).max();
        Ok(self.reading(&format!("presence/{agent}"), logged.max(self.presence.get(agent).copied())))
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        if let Some(damage) = self.damage.iter().find(|damage| damage.path.contains(&format!("/{topic}.md")))
        {
            return Err(Fault::Damaged(damage.clone()));
        }
        Ok(self.knowledge.iter().find(|one| one.topic == *topic).cloned())
    }

    fn topics(&self) -> Result<Reading<Vec<Topic>>, Fault> {
        let mut topics: Vec<Topic> = self.knowledge.iter().map(|one| one.topic.clone()).collect();
        topics.sort();
        Ok(Reading::whole(topics))
    }

    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault> {
        Ok(self.locks.iter().find(|lock| lock.key == RecordKey::Lock(resource.clone())).cloned())
    }

    fn locks(&self) -> Result<Vec<Record>, Fault> {
        Ok(self.locks.clone())
    }

    fn log(&self) -> Result<Log, Fault> {
        Ok(self.log.clone())
    }

    fn imports(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    fn damage(&self) -> Result<Unread, Fault> {
        Ok(self.reading("", ()).parts().1)
    }
}
