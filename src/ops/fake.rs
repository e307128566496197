//! A board in memory, for the tests of the operations.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

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
    /// What this board's own files say, where that differs from the tasks as they count.
    files: BTreeMap<TaskId, Task>,
    /// Paths of entries that can't be read.
    damaged: BTreeSet<String>,
    /// How often something was asked that costs as much as the board is large.
    scans: Cell<usize>,
    mint: Counting,
    log: Log,
    imports: Vec<String>,
    /// What each commit did, oldest first.
    pub(crate) deeds: Vec<Deed>,
}

/// When everything in these tests happens.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-02-06T12:00:00.000Z").unwrap()
}

/// Ids that count up, for as long as the board is there.
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
    let actor = Actor { agent };
    let context = Context { now: now(), actor, settings: &board.settings, mint: &board.mint };
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

    /// What the file of a task says, where a record of another branch has the last word on it.
    pub(crate) fn file(&mut self, task: Task) {
        self.files.insert(task.id, task);
    }

    /// The entry of this path (from the board's root) can't be read.
    pub(crate) fn tear(&mut self, path: &str) {
        self.damaged.insert(path.to_owned());
    }

    fn check(&self, path: String) -> Result<(), Fault> {
        if self.damaged.contains(&path) {
            return Err(Damage { path, line: 1, column: 1, why: "torn".into() }.into());
        }
        Ok(())
    }

    fn check_task(&self, id: TaskId) -> Result<(), Fault> {
        self.check(format!("tasks/{}/{id}.yaml", &id.as_str()[..2]))
    }

    /// How often all tasks, or the log, were asked for.
    pub(crate) fn scans(&self) -> usize {
        self.scans.get()
    }

    fn scan(&self) {
        self.scans.set(self.scans.get() + 1);
    }

    /// Does what a change wants, on this very branch, as the store would.
    pub(crate) fn apply<O>(&mut self, change: Change<O>) -> O {
        self.log.events.extend(change.events);
        self.imports.extend(change.trailers.into_iter().map(|(_, value)| value));
        for edit in change.edits {
            match edit {
                Edit::Workstream(new) => {
                    self.workstreams.retain(|old| old.name != new.name);
                    self.workstreams.push(new);
                }
                Edit::Task(new) => {
                    let record = self.tasks.get(&new.id).and_then(|seen| seen.record.clone());
                    let seen = SeenTask { record, ..SeenTask::from_file(*new) };
                    self.tasks.insert(seen.task.id, seen);
                }
                Edit::Agent(new) => {
                    self.agents.retain(|old| old.id != new.id);
                    self.agents.push(new);
                }
                Edit::Knowledge(new) => {
                    self.knowledge.retain(|old| old.topic != new.topic);
                    self.knowledge.push(new);
                }
                Edit::RemoveKnowledge(topic) => self.knowledge.retain(|old| old.topic != topic),
                Edit::File { .. } | Edit::RemoveFile(_) => {}
            }
        }
        for RecordEdit { expected, mut record, .. } in change.records {
            record.commit = record.nonce.as_ref().map(|nonce| format!("{}00000000", nonce.as_str()));
            match &record.key {
                RecordKey::Claim(id) => {
                    let seen = self.tasks.get_mut(id).unwrap();
                    assert_eq!(expected, seen.record.as_ref().and_then(|old| old.commit.clone()));
                    seen.record = Some(record);
                }
                RecordKey::Lock(_) => {
                    self.locks.retain(|old| old.key != record.key);
                    self.locks.retain(|known| known.key != record.key);
                    self.locks.push(record);
                }
            }
        }
        change.outcome
    }

    pub(crate) fn seen(&mut self, agent: &str, at: Timestamp) {
        self.seen.insert(agent.to_owned(), at);
    }

    pub(crate) fn put_lock(&mut self, record: Record) {
        self.locks.retain(|known| known.key != record.key);
        self.locks.push(record);
    }

    pub(crate) fn free_locks(&mut self) {
        self.locks.iter_mut().for_each(|lock| lock.standing = Standing::Free);
    }

    pub(crate) fn break_locks(&mut self) {
        self.locks.iter_mut().for_each(|lock| lock.standing = Standing::Unreadable { why: "torn".into() });
    }

    pub(crate) fn count_locks_to(&mut self, epoch: u64) {
        self.locks.iter_mut().for_each(|lock| lock.epoch = epoch);
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
        self.check(format!("workstreams/{name}.yaml"))?;
        Ok(self.workstreams.iter().find(|known| known.name == *name).cloned())
    }

    fn workstreams(&self) -> Result<Reading<Vec<Workstream>>, Fault> {
        Ok(Reading::whole(self.workstreams.clone()))
    }

    fn workstream_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        Ok(Reading::whole(self.workstreams.iter().map(|known| known.name.to_string()).collect()))
    }

    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault> {
        self.check_task(id)?;
        Ok(self.tasks.get(&id).cloned())
    }

    fn task_file(&self, id: TaskId) -> Result<Option<Task>, Fault> {
        self.check_task(id)?;
        let here = self.tasks.get(&id).filter(|seen| seen.landing == Landing::Here);
        Ok(self.files.get(&id).or(here.map(|seen| &seen.task)).cloned())
    }

    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault> {
        Ok(self.tasks.keys().filter(|id| id.as_str().starts_with(reference.prefix())).copied().collect())
    }

    fn tasks(&self) -> Result<Reading<std::rc::Rc<[SeenTask]>>, Fault> {
        self.scan();
        let (mut tasks, mut unread) = (Vec::new(), Unread::default());
        for id in self.tasks.keys() {
            tasks.extend(unread.try_note(self.task(*id))?);
        }
        tasks.sort_by_key(|seen| seen.task.rank());
        Ok(Reading::of(tasks.into(), unread))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        Ok(self.agents.iter().find(|known| known.id == *id).cloned())
    }

    fn agents(&self) -> Result<Reading<Vec<Agent>>, Fault> {
        Ok(Reading::whole(self.agents.clone()))
    }

    fn agent_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        Ok(Reading::whole(self.agents.iter().map(|known| known.id.to_string()).collect()))
    }

    fn last_seen(&self, agent: &str) -> Result<Reading<Option<Timestamp>>, Fault> {
        let mut unread = Unread::default();
        unread.try_note(self.check(format!("presence/{agent}")).map(|()| Some(())))?;
        Ok(Reading::of(self.seen.get(agent).copied(), unread))
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        self.check(format!("knowledge/{topic}.md"))?;
        Ok(self.knowledge.iter().find(|known| known.topic == *topic).cloned())
    }

    fn topics(&self) -> Result<Reading<Vec<Topic>>, Fault> {
        Ok(Reading::whole(self.knowledge.iter().map(|known| known.topic.clone()).collect()))
    }

    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault> {
        let key = RecordKey::Lock(resource.clone());
        Ok(self.locks.iter().find(|known| known.key == key).cloned())
    }

    fn locks(&self) -> Result<Vec<Record>, Fault> {
        Ok(self.locks.clone())
    }

    fn log(&self) -> Result<Log, Fault> {
        self.scan();
        Ok(self.log.clone())
    }

    fn past(&self, of: &EntityKey) -> Result<Past, Fault> {
        let parts = self.deeds.iter().flat_map(|deed| &deed.parts);
        let passages = parts.filter(|(key, _)| key == of).map(|(_, passage)| passage.clone()).collect();
        Ok(Past { passages, is_cut: false })
    }

    fn named(&self, word: &str) -> Result<Vec<Named>, Fault> {
        let mut found = Vec::new();
        for deed in &self.deeds {
            let events = deed.parts.iter().flat_map(|(_, passage)| &passage.events).chain(&deed.loose);
            let named =
                events.filter(|event| event.id.as_ref().is_some_and(|id| id.as_str().starts_with(word)));
            found.extend(
                named.map(|event| Named::Event { commit: deed.commit.clone(), event: event.clone() }),
            );
            found.extend(deed.commit.starts_with(word).then(|| Named::Commit(deed.commit.clone())));
        }
        Ok(found)
    }

    fn deed(&self, commit: &str) -> Result<Option<Deed>, Fault> {
        Ok(self.deeds.iter().find(|deed| deed.commit == commit).cloned())
    }

    fn imports(&self) -> Result<Vec<String>, Fault> {
        Ok(self.imports.clone())
    }

    fn damage(&self) -> Result<Unread, Fault> {
        Ok(self.tasks()?.parts().1)
    }
}

/// A refusal in good form: one lower-case sentence without a full stop, and a hint that ends in a command of
/// this program's grammar, or git's for looking, and harms nothing.
pub(crate) fn assert_well_told(refusal: &Refusal) {
    let message = &refusal.message;
    assert!(message.starts_with(|c: char| c.is_lowercase() || c == '`'), "{message}");
    assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
    let hint = refusal.hint.as_deref().unwrap_or_else(|| panic!("no hint: {message}"));
    let command =
        ["orchestrator ", "git log "].iter().find_map(|word| hint.rfind(word).map(|at| &hint[at..]));
    let command = command.unwrap_or_else(|| panic!("no command: {hint}"));
    assert!(is_known(command), "not in the grammar: {command}");
    for harm in ["--force", "reset", "delete", " rm ", "clean", "--stale"] {
        assert!(!command.contains(harm), "{command}");
    }
}

/// Whether this is a command of the grammar, with the positional arguments that it takes.
fn is_known(command: &str) -> bool {
    let words: Vec<&str> = command.split(' ').collect();
    // Flags of the hints all take one value.
    let mut plain = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.starts_with("--") {
            true => assert!(rest.next().is_some(), "{command}"),
            false => plain.push(*word),
        }
    }
    matches!(
        plain.as_slice(),
        ["orchestrator", "status" | "doctor"]
            | ["orchestrator", "ws", "list"]
            | ["orchestrator", "ws", "show" | "create" | "update", _]
            | ["orchestrator", "task", "show" | "claim" | "unblock" | "reopen" | "update", _]
            | ["orchestrator", "t" | "task", "next", _, _]
            | ["orchestrator", "lock", "show", _]
            | ["orchestrator", "lock", "acquire", _, _]
            | ["orchestrator", "event", "log", _, _]
            | ["git", "log", _]
    )
}
