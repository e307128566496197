//! `state.json`: workstreams with their tasks, agents, locks.

use std::collections::{HashMap, HashSet};

use crate::codec::{agent, task, workstream};
use crate::model::{
    Agent, Claim, Event, Imported, PredecessorLock, Span, Status, Task, TaskId, Timestamp, Workstream,
    WorkstreamName, WorkstreamStatus,
};

use super::entity::{Entity, Report, Source, join};
use super::json::{self, Member, Node, Value};
use super::names::{Names, Refused};

type Known = (&'static str, &'static [&'static str]);

const ROOT: Known = ("a state", &["version", "updated_at", "workstreams", "agents", "locks"]);
const WORKSTREAM: Known = (
    "a workstream",
    &["description", "priority", "status", "tasks", "created_at", "name", "created_by", "updated_at"],
);
// The second half is what our own export adds; where `finished_on` says the work stands is not for this
// board to know.
const TASK: Known = (
    "a task",
    &[
        "id",
        "title",
        "description",
        "status",
        "priority",
        "estimate",
        "assigned_to",
        "created_at",
        "updated_at",
        "result",
        "workstream",
        "epoch",
        "claimed_at",
        "completed_at",
        "depends_on",
        "labels",
        "created_by",
        "reason",
        "finished_on",
    ],
);
const AGENT: Known = ("an agent", &["type", "status", "capabilities", "registered_at", "last_seen", "id"]);
const LOCK: Known = (
    "a lock",
    &["agent", "acquired_at", "ttl_ms", "resource", "epoch", "fencing_token", "expires_at", "reason"],
);

/// What a `state.json` says.
#[derive(Default)]
pub(super) struct State {
    pub(super) workstreams: Vec<Workstream>,
    pub(super) tasks: Vec<Task>,
    pub(super) agents: Vec<Agent>,
    pub(super) locks: Vec<PredecessorLock>,
}

/// The newest events, by what they name: they yield stamps that need not be kept.
struct Newest<'e> {
    of_task: HashMap<TaskId, Timestamp>,
    of_agent: HashMap<&'e str, Timestamp>,
}

impl<'e> Newest<'e> {
    fn of(events: &'e [Event]) -> Self {
        let mut newest = Self { of_task: HashMap::new(), of_agent: HashMap::new() };
        for event in events {
            let seen = newest.of_agent.entry(&event.agent).or_insert(event.ts);
            *seen = event.ts.max(*seen);
            if let Some(id) = event.task_id() {
                let seen = newest.of_task.entry(id).or_insert(event.ts);
                *seen = event.ts.max(*seen);
            }
        }
        newest
    }
}

/// Reads a state beside the events of its directory.
pub(super) fn read(
    name: &str,
    bytes: &[u8],
    events: &[Event],
    names: &mut Names<'_>,
    report: &mut Report,
) -> State {
    let mut state = State::default();
    let source = match Source::new(name, bytes) {
        Ok(source) => source,
        Err(problem) => {
            report.problems.push(*problem);
            return state;
        }
    };
    let node = match json::parse(source.text) {
        Ok(node) => node,
        Err(flaws) => {
            report.problems.extend(flaws.into_iter().map(|flaw| source.flaw(flaw)));
            return state;
        }
    };
    let Some(root) = Entity::new(&source, &node, String::new(), ROOT, report) else { return state };
    let mut reader = Reader {
        source: &source,
        names,
        newest: Newest::of(events),
        ids: HashMap::new(),
        dependencies: Vec::new(),
        report,
    };
    reader.check_root(&root);
    state.agents = reader.entries(&root, "agents", Reader::agent);
    for (stream, tasks) in reader.entries(&root, "workstreams", Reader::workstream) {
        state.workstreams.push(stream);
        state.tasks.extend(tasks);
    }
    state.locks = reader.entries(&root, "locks", Reader::lock);
    reader.check_dependencies(&state.tasks);
    state
}

struct Reader<'s, 'a, 'o> {
    source: &'s Source<'a>,
    names: &'s mut Names<'o>,
    newest: Newest<'s>,
    /// Where each task id was seen first.
    ids: HashMap<TaskId, String>,
    /// Who waits for whom: byte, path, task, the id waited for.
    dependencies: Vec<(usize, String, TaskId, TaskId)>,
    report: &'s mut Report,
}

impl Reader<'_, '_, '_> {
    fn check_root(&mut self, root: &Entity<'_, '_>) {
        root.count("version", self.report);
        root.text_or("updated_at", "", self.report);
        let has_any = ROOT.1.iter().any(|key| root.node(key).is_some());
        let is_empty = self.source.text.trim().len() <= 2;
        if !has_any && !is_empty {
            let why = "no state of the predecessor: it has neither `workstreams` nor `agents` nor `locks`";
            self.report.problems.push(self.source.problem(root.at, "", why));
        }
    }

    /// The sound ones of the entities under a key of the root.
    fn entries<T>(
        &mut self,
        root: &Entity<'_, '_>,
        key: &str,
        one: fn(&mut Self, &Member<'_>, String) -> Option<T>,
    ) -> Vec<T> {
        let members = root.map(key, self.report);
        members.iter().filter_map(|member| one(self, member, join(key, &member.key))).collect()
    }

    /// The name that was made of `given`, or a problem at `at`.
    fn named<T>(&mut self, at: usize, path: &str, given: &str, name: Result<T, Refused>) -> Option<T> {
        match name {
            Ok(name) => Some(name),
            Err(refused) => {
                let mut problem = self.source.problem(at, path, refused.why);
                problem.better = refused.better.map(|better| (given.to_owned(), better));
                self.report.refuse(problem)
            }
        }
    }

    /// An entity says its own name a second time in our exports; it must be the same.
    fn check_own(&mut self, entity: &Entity<'_, '_>, key: &str, name: &str) {
        if entity.text_or(key, name, self.report).is_some_and(|said| said != name) {
            entity.refuse::<()>(
                key,
                format!("is not `{}`, where it stands", name.escape_debug()),
                self.report,
            );
        }
    }

    /// What can be read must be writable, by the same code that will write it.
    fn check_writable<T>(&mut self, at: usize, path: &str, written: Result<T, crate::codec::Problem>) {
        if let Err(problem) = written {
            self.report.problems.push(self.source.problem(at, path, problem.why));
        }
    }

    fn agent(&mut self, member: &Member<'_>, path: String) -> Option<Agent> {
        let id = self.names.registered(&member.key);
        let id = self.named(member.at, &path, &member.key, id);
        let entity = Entity::new(self.source, &member.node, path, AGENT, self.report)?;
        self.check_own(&entity, "id", &member.key);
        let mut imported = Imported::default();
        let kind = entity.word_or("type", "general", self.report);
        let status = entity.word_or("status", "active", self.report);
        let capabilities = entity.words("capabilities", self.report);
        let registered_at = entity.stamp("registered_at", &mut imported, self.report);
        let last_seen = self.moved_stamp(&entity, "last_seen");
        let (id, last_seen) = (id?, last_seen?);
        if let Some(text) = last_seen {
            let seen = self.newest.of_agent.get(id.as_str()).map(Timestamp::to_string);
            if seen.as_ref() != Some(&text) {
                imported.0.insert("last_seen".to_owned(), text);
            }
        }
        let read = Agent {
            id,
            kind: kind?,
            status: status?,
            capabilities: capabilities?,
            registered_at: registered_at?,
            imported,
        };
        self.check_writable(entity.at, &entity.path, agent::encode(&read, None));
        Some(read)
    }

    /// The text of a stamp that later events move on, if it is there.
    fn moved_stamp(&mut self, entity: &Entity<'_, '_>, key: &str) -> Option<Option<String>> {
        entity.nullable_stamp(key, &mut Imported::default(), self.report)?;
        entity.nullable_text(key, self.report)
    }

    fn workstream(&mut self, member: &Member<'_>, path: String) -> Option<(Workstream, Vec<Task>)> {
        let name = self.names.workstream(&member.key);
        let name = self.named(member.at, &path, &member.key, name);
        let entity = Entity::new(self.source, &member.node, path, WORKSTREAM, self.report)?;
        self.check_own(&entity, "name", &member.key);
        let mut imported = Imported::default();
        let description = entity.text_or("description", "", self.report);
        let priority = entity.priority("priority", self.report);
        let status = entity.text_or("status", "active", self.report).and_then(|word| {
            WorkstreamStatus::parse(&word).or_else(|| {
                let why = format!("unknown status `{}`; one of active, closed", word.escape_debug());
                entity.refuse("status", why, self.report)
            })
        });
        let created_at = entity.stamp("created_at", &mut imported, self.report);
        let created_by = entity.text_or("created_by", "system", self.report);
        let tasks = self.tasks(&entity, &member.key, name.as_ref());
        let read = Workstream {
            name: name?,
            description: description?,
            priority: priority?,
            status: status?,
            created_at: created_at?,
            created_by: self.names.somebody(created_by?),
            imported,
        };
        self.check_writable(entity.at, &entity.path, workstream::encode(&read, None));
        Some((read, tasks))
    }

    fn tasks(&mut self, entity: &Entity<'_, '_>, given: &str, name: Option<&WorkstreamName>) -> Vec<Task> {
        let items = entity.list("tasks", self.report).unwrap_or_default();
        let path = join(&entity.path, "tasks");
        let mut tasks = Vec::with_capacity(items.len());
        for (index, node) in items.iter().enumerate() {
            tasks.extend(self.task(node, format!("{path}[{index}]"), given, name));
        }
        tasks
    }

    fn task(
        &mut self,
        node: &Node<'_>,
        path: String,
        stream: &str,
        name: Option<&WorkstreamName>,
    ) -> Option<Task> {
        let entity = Entity::new(self.source, node, path, TASK, self.report)?;
        let mut imported = Imported::default();
        let id = self.id(&entity);
        self.check_own(&entity, "workstream", stream);
        let title = entity.title("title", self.report);
        let description = entity.text_or("description", "", self.report);
        let priority = entity.priority("priority", self.report);
        let estimate = self.estimate(&entity);
        let created_at = entity.stamp("created_at", &mut imported, self.report);
        let status = self.status(&entity, &mut imported);
        let result = entity.nullable_text("result", self.report);
        let epoch = entity.count("epoch", self.report);
        let labels = entity.words("labels", self.report);
        let created_by = entity.text_or("created_by", "system", self.report);
        let updated_at = self.moved_stamp(&entity, "updated_at");
        let depends_on = self.depends_on(&entity, id);
        let mut read = Task {
            id: id?,
            workstream: name?.clone(),
            title: title?,
            status: status?,
            epoch: epoch?,
            priority: priority?,
            estimate: estimate?,
            depends_on: depends_on?,
            labels: labels?,
            created_at: created_at?,
            created_by: self.names.somebody(created_by?),
            description: description?,
            result: result?,
            imported,
        };
        if let Some(text) = updated_at? {
            let yielded = self
                .newest
                .of_task
                .get(&read.id)
                .map_or(read.newest_stamp(), |newest| read.newest_stamp().max(*newest));
            if yielded.to_string() != text {
                read.imported.0.insert("updated_at".to_owned(), text);
            }
        }
        self.check_writable(entity.at, &entity.path, task::check(&read));
        Some(read)
    }

    fn id(&mut self, entity: &Entity<'_, '_>) -> Option<TaskId> {
        let text = entity.text("id", self.report)?;
        let Some(id) = TaskId::parse(&text) else {
            let why = format!("`{}` is no task id: eight digits of 0-9a-f", text.escape_debug());
            return entity.refuse("id", why, self.report);
        };
        match self.ids.get(&id) {
            Some(first) => entity.refuse("id", format!("`{id}` is the id of {first} already"), self.report),
            None => {
                self.ids.insert(id, entity.path.clone());
                Some(id)
            }
        }
    }

    fn estimate(&mut self, entity: &Entity<'_, '_>) -> Option<Option<String>> {
        match entity.node("estimate") {
            Some(Node { value: Value::Number(number), at }) => {
                let place = self.source.problem(*at, &join(&entity.path, "estimate"), "");
                self.report
                    .remarks
                    .push(format!("{place}the number {number} is kept as the text `{number}`"));
                Some(Some((*number).to_owned()))
            }
            _ => entity.nullable_text("estimate", self.report),
        }
    }

    fn status(&mut self, entity: &Entity<'_, '_>, imported: &mut Imported) -> Option<Status> {
        let word = entity.text("status", self.report);
        let agent = entity.nullable_text("assigned_to", self.report)?.map(|given| {
            let at = entity.node("assigned_to").map_or(entity.at, |node| node.at);
            let name = self.names.agent(&given);
            self.named(at, &join(&entity.path, "assigned_to"), &given, name)
        });
        let claimed_at = entity.nullable_stamp("claimed_at", imported, self.report)?;
        let completed_at = entity.nullable_stamp("completed_at", imported, self.report)?;
        let reason = entity.nullable_text("reason", self.report)?;
        let word = word?;
        let claim = match agent {
            None if claimed_at.is_some() => {
                return entity.refuse("claimed_at", "is there, but `assigned_to` names nobody", self.report);
            }
            None => None,
            Some(agent) => Some(Claim { agent: agent?, claimed_at }),
        };
        if completed_at.is_some() && word != "done" {
            return entity.refuse("completed_at", format!("is there, but the task is {word}"), self.report);
        }
        let unassigned = |report: &mut Report| {
            let why = format!("names somebody, but the task is {word}: null it, or make it in_progress");
            entity.refuse("assigned_to", why, report)
        };
        match (word.as_str(), claim) {
            ("pending", None) => Some(Status::Pending),
            ("pending" | "cancelled", Some(_)) => unassigned(self.report),
            ("cancelled", None) => Some(Status::Cancelled { reason: reason.unwrap_or_default() }),
            ("in_progress", Some(claim)) => Some(Status::InProgress(claim)),
            ("in_progress", None) => {
                let why = "names nobody, but the task is in_progress";
                entity.refuse("assigned_to", why, self.report)
            }
            ("blocked", claim) => Some(Status::Blocked { reason: reason.unwrap_or_default(), claim }),
            ("done", claim) => Some(Status::Done { claim, completed_at }),
            (other, _) => {
                let (other, words) = (other.escape_debug(), Status::WORDS.join(", "));
                entity.refuse("status", format!("unknown status `{other}`; one of {words}"), self.report)
            }
        }
    }

    fn depends_on(&mut self, entity: &Entity<'_, '_>, id: Option<TaskId>) -> Option<Vec<TaskId>> {
        let mut all = Some(Vec::new());
        let items = entity.list("depends_on", self.report)?;
        for (index, node) in items.iter().enumerate() {
            let path = format!("{}[{index}]", join(&entity.path, "depends_on"));
            let other = match &node.value {
                Value::Text(text) => TaskId::parse(text),
                _ => None,
            };
            let Some(other) = other else {
                let why = "expected the id of a task: eight digits of 0-9a-f";
                all = self.report.refuse(self.source.problem(node.at, &path, why));
                continue;
            };
            all.iter_mut().for_each(|ids| ids.push(other));
            if let Some(id) = id {
                self.dependencies.push((node.at, path, id, other));
            }
        }
        all
    }

    /// Every dependency is in the directory, and none leads back to its task.
    fn check_dependencies(&mut self, tasks: &[Task]) {
        let after: HashMap<TaskId, &[TaskId]> =
            tasks.iter().map(|task| (task.id, task.depends_on.as_slice())).collect();
        for (at, path, id, other) in &self.dependencies {
            let why = if !self.ids.contains_key(other) {
                format!("no task `{other}` is in this directory")
            } else if leads_to(*other, *id, &after) {
                format!("`{other}` depends on `{id}` itself, perhaps through others")
            } else {
                continue;
            };
            self.report.problems.push(self.source.problem(*at, path, why));
        }
    }

    fn lock(&mut self, member: &Member<'_>, path: String) -> Option<PredecessorLock> {
        let resource = self.names.resource(&member.key);
        let resource = self.named(member.at, &path, &member.key, resource);
        let entity = Entity::new(self.source, &member.node, path, LOCK, self.report)?;
        self.check_own(&entity, "resource", &member.key);
        let agent = entity.text("agent", self.report).and_then(|given| {
            let at = entity.node("agent").map_or(entity.at, |node| node.at);
            let name = self.names.agent(&given);
            self.named(at, &join(&entity.path, "agent"), &given, name)
        });
        let mut spelling = Imported::default();
        let acquired_at = entity.stamp("acquired_at", &mut spelling, self.report);
        let ttl = match entity.node("ttl_ms") {
            None => entity.refuse("ttl_ms", "is missing", self.report),
            Some(_) => entity.count("ttl_ms", self.report),
        };
        let epoch = entity.count("epoch", self.report);
        let token = entity.count("fencing_token", self.report);
        let reason = entity.nullable_text("reason", self.report);
        let acquired_at = acquired_at?;
        if let Some(text) = spelling.get("acquired_at") {
            let path = &entity.path;
            self.report.remarks.push(format!("{path}: `{text}` is written as {acquired_at}"));
        }
        Some(PredecessorLock {
            resource: resource?,
            agent: agent?,
            acquired_at,
            ttl: Span::from_millis(ttl?),
            epoch: epoch?.max(token?),
            reason: reason?,
        })
    }
}

fn leads_to(from: TaskId, to: TaskId, after: &HashMap<TaskId, &[TaskId]>) -> bool {
    let mut open = vec![from];
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if seen.insert(id) {
            open.extend(after.get(&id).copied().unwrap_or_default());
        }
    }
    false
}
