//! A board in memory, for the tests of the operations.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::model::*;

/// A board in memory.
#[derive(Default)]
pub(crate) struct Board {
    pub(crate) settings: Settings,
    workstreams: Vec<Workstream>,
    tasks: BTreeMap<TaskId, SeenTask>,
    agents: Vec<Agent>,
    knowledge: Vec<Knowledge>,
    locks: Vec<Record>,
    seen: BTreeMap<String, Timestamp>,
    log: Log,
    imports: Vec<String>,
}

/// When everything in these tests happens.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-02-06T12:00:00.000Z").unwrap()
}

/// Ids that count up.
#[derive(Default)]
struct Counting(Cell<u32>);

impl Counting {
    fn draw(&self) -> u32 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

impl Mint for Counting {
    fn task_id(&self) -> TaskId {
        TaskId::parse(&format!("{:08x}", self.draw())).unwrap()
    }

    fn event_id(&self, _at: Timestamp) -> EventId {
        EventId::parse(&format!("event-{}", self.draw())).unwrap()
    }

    fn nonce(&self) -> Nonce {
        Nonce::parse(&format!("{:032x}", self.draw())).unwrap()
    }
}

/// Plans with nobody in particular acting.
pub(crate) fn plan<R: Operation>(board: &Board, request: &R) -> Result<Change<R::Outcome>, Refusal> {
    plan_by(board, None, request)
}

/// Plans with this agent acting.
pub(crate) fn plan_as<R: Operation>(
    board: &Board,
    agent: &str,
    request: &R,
) -> Result<Change<R::Outcome>, Refusal> {
    plan_by(board, Some(AgentId::parse(agent).unwrap()), request)
}

fn plan_by<R: Operation>(
    board: &Board,
    agent: Option<AgentId>,
    request: &R,
) -> Result<Change<R::Outcome>, Refusal> {
    let mint = Counting::default();
    let context = Context { now: now(), actor: Actor { agent }, settings: &board.settings, mint: &mint };
    request.plan(board, &context)
}

impl Board {
    pub(crate) fn with(fill: impl FnOnce(Self) -> Self) -> Self {
        fill(Self::default())
    }

    pub(crate) fn workstream(mut self, name: &str) -> Self {
        self.workstreams.push(Workstream {
            name: WorkstreamName::parse(name).unwrap(),
            description: String::new(),
            priority: Priority::default(),
            status: WorkstreamStatus::Active,
            created_at: now(),
            created_by: "system".into(),
            imported: Imported::default(),
        });
        self
    }

    pub(crate) fn closed(self, name: &str) -> Self {
        let mut board = self.workstream(name);
        board.workstreams.last_mut().unwrap().status = WorkstreamStatus::Closed;
        board
    }

    fn add(mut self, id: &str, workstream: &str, fill: impl FnOnce(&mut Task)) -> Self {
        let id = TaskId::parse(id).unwrap();
        let mut task = Task {
            id,
            workstream: WorkstreamName::parse(workstream).unwrap(),
            title: format!("Task {id}"),
            status: Status::Pending,
            epoch: 0,
            priority: Priority::default(),
            estimate: None,
            depends_on: vec![],
            labels: vec![],
            created_at: now().minus(Span::from_secs(3600)),
            created_by: "system".into(),
            description: String::new(),
            result: None,
            imported: Imported::default(),
        };
        fill(&mut task);
        self.tasks.insert(id, SeenTask::from_file(task));
        self
    }

    pub(crate) fn task(self, id: &str, workstream: &str) -> Self {
        self.add(id, workstream, |_| {})
    }

    pub(crate) fn depending(self, id: &str, workstream: &str, on: &str) -> Self {
        self.add(id, workstream, |task| task.depends_on = vec![TaskId::parse(on).unwrap()])
    }

    /// Claimed twelve minutes ago.
    pub(crate) fn claimed(self, id: &str, workstream: &str, agent: &str) -> Self {
        let claimed_at = Some(now().minus(Span::from_secs(12 * 60)));
        let claim = Claim { agent: AgentId::parse(agent).unwrap(), claimed_at };
        self.add(id, workstream, |task| {
            task.status = Status::InProgress(claim);
            task.epoch = 1;
        })
    }

    pub(crate) fn done(self, id: &str, workstream: &str) -> Self {
        self.add(id, workstream, |task| task.status = Status::Done { claim: None, completed_at: None })
    }

    pub(crate) fn agent(mut self, agent: Agent) -> Self {
        self.agents.push(agent);
        self
    }

    pub(crate) fn knowledge(mut self, knowledge: Knowledge) -> Self {
        self.knowledge.push(knowledge);
        self
    }

    pub(crate) fn edit(&mut self, id: TaskId, change: impl FnOnce(&mut SeenTask)) {
        change(self.tasks.get_mut(&id).unwrap());
    }

    pub(crate) fn seen(&mut self, agent: &str, at: Timestamp) {
        self.seen.insert(agent.to_owned(), at);
    }

    pub(crate) fn put_lock(&mut self, record: Record) {
        self.locks.push(record);
    }

    /// Makes the entries of a change true, with its events as a reader of history gives them.
    pub(crate) fn apply<O>(&mut self, change: &Change<O>) {
        for edit in &change.edits {
            match edit.clone() {
                Edit::Workstream(new) => self.workstreams.push(new),
                Edit::Task(new) => {
                    self.tasks.insert(new.id, SeenTask::from_file(*new));
                }
                Edit::Agent(new) => self.agents.push(new),
                Edit::Knowledge(new) => self.knowledge.push(new),
                Edit::RemoveKnowledge(topic) => self.knowledge.retain(|known| known.topic != topic),
                Edit::File { .. } => {}
            }
        }
        for edit in &change.records {
            self.locks.retain(|known| known.key != edit.record.key);
            self.locks.push(Record { commit: Some("a".repeat(40)), ..edit.record.clone() });
        }
        self.log.events.extend(change.events.iter().cloned());
        self.imports.extend(change.trailers.iter().map(|(_, value)| value.clone()));
    }

    pub(crate) fn free_locks(&mut self) {
        self.locks.iter_mut().for_each(|lock| lock.standing = Standing::Free);
    }

    pub(crate) fn break_locks(&mut self) {
        self.locks.iter_mut().for_each(|lock| lock.standing = Standing::Unreadable { why: "torn".into() });
    }

    pub(crate) fn move_locks(&mut self, at: Timestamp) {
        for lock in &mut self.locks {
            if let Standing::Held { since, .. } = &mut lock.standing {
                *since = at;
            }
        }
    }
}

impl View for Board {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn workstream(&self, name: &WorkstreamName) -> Result<Option<Workstream>, Fault> {
        Ok(self.workstreams.iter().find(|known| known.name == *name).cloned())
    }

    fn workstreams(&self) -> Result<Vec<Workstream>, Fault> {
        Ok(self.workstreams.clone())
    }

    fn workstream_names(&self) -> Result<Vec<String>, Fault> {
        Ok(self.workstreams.iter().map(|known| known.name.to_string()).collect())
    }

    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault> {
        Ok(self.tasks.get(&id).cloned())
    }

    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault> {
        Ok(self.tasks.keys().filter(|id| id.as_str().starts_with(reference.prefix())).copied().collect())
    }

    fn tasks(&self) -> Result<Vec<SeenTask>, Fault> {
        let mut tasks: Vec<SeenTask> = self.tasks.values().cloned().collect();
        tasks.sort_by_key(|seen| seen.task.rank());
        Ok(tasks)
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        Ok(self.agents.iter().find(|known| known.id == *id).cloned())
    }

    fn agents(&self) -> Result<Vec<Agent>, Fault> {
        Ok(self.agents.clone())
    }

    fn agent_names(&self) -> Result<Vec<String>, Fault> {
        Ok(self.agents.iter().map(|known| known.id.to_string()).collect())
    }

    fn last_seen(&self, agent: &str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.seen.get(agent).copied())
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        Ok(self.knowledge.iter().find(|known| known.topic == *topic).cloned())
    }

    fn topics(&self) -> Result<Vec<Topic>, Fault> {
        Ok(self.knowledge.iter().map(|known| known.topic.clone()).collect())
    }

    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault> {
        let key = RecordKey::Lock(resource.clone());
        Ok(self.locks.iter().find(|known| known.key == key).cloned())
    }

    fn locks(&self) -> Result<Vec<Record>, Fault> {
        Ok(self.locks.clone())
    }

    fn log(&self) -> Result<Log, Fault> {
        Ok(self.log.clone())
    }

    fn imports(&self) -> Result<Vec<String>, Fault> {
        Ok(self.imports.clone())
    }

    fn damage(&self) -> Result<Vec<Damage>, Fault> {
        Ok(Vec::new())
    }
}
