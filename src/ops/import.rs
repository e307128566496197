//! `import`: a data directory of the predecessor becomes part of the board, in one commit.
//!
//! Nothing of the board is overwritten: what is there already and the same is passed over, what is there and
//! different refuses the whole import. The events stand in the commit as they were, and the import adds
//! none of its own; only a lock whose taking the directory's log does not tell gets an event in its record.

use std::collections::{BTreeSet, HashMap};

use crate::model::{
    Action, Bounds, Change, Code, Context, Edit, Event, EventId, Log, Operation, Predecessor,
    PredecessorLock, Record, RecordEdit, RecordKey, Refusal, Standing, Timestamp, View, WorkstreamName,
    positional,
};
use crate::ops::resolve;

/// The trailer that names the digest of what was imported.
const TRAILER: &str = "Orchestrator-Import";
/// How many differences a refusal lists.
const SHOWN: usize = 10;

/// Take over all that a data directory says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The directory.
    pub data: Predecessor,
}

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Workstreams.
    pub workstreams: usize,
    /// Tasks.
    pub tasks: usize,
    /// Registered agents.
    pub agents: usize,
    /// Documents.
    pub knowledge: usize,
    /// Events.
    pub events: usize,
    /// Locks that are held.
    pub locks: usize,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// What was written.
    pub written: Counts,
    /// What the board had already.
    pub already: Counts,
    /// Locks that are held now.
    pub locks_kept: Vec<PredecessorLock>,
    /// Locks that had run out.
    pub locks_dropped: Vec<PredecessorLock>,
    /// Those of the kept ones that the directory holds longer than a lock can last, or from a time that is still to
    /// come, with the end that they have here.
    pub locks_shortened: Vec<(PredecessorLock, Timestamp)>,
}

impl Counts {
    fn of(data: &Predecessor) -> Self {
        Self {
            workstreams: data.workstreams.len(),
            tasks: data.tasks.len(),
            agents: data.agents.len(),
            knowledge: data.knowledge.len(),
            events: data.events.len(),
            locks: 0,
        }
    }
}

impl Operation for Import {
    type Outcome = Imported;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Imported>, Refusal> {
        let data = &self.data;
        if view.imports()?.contains(&data.digest) {
            let already = Counts::of(data);
            return Ok(Change::nothing(Imported { already, ..Imported::default() }));
        }
        let mut plan = Plan { change: Change::new("", Imported::default()), clashes: Vec::new() };
        plan.workstreams(data, view)?;
        plan.tasks(data, view)?;
        plan.agents(data, view)?;
        plan.knowledge(data, view)?;
        plan.locks(data, view, context)?;
        plan.events(data, &view.log()?);
        let Plan { mut change, clashes } = plan;
        if let Some(first) = clashes.first() {
            return Err(refusal(&clashes).hint(first.hint.clone()));
        }
        if change.is_nothing() {
            return Ok(Change::nothing(change.outcome));
        }
        if change.touches_board() {
            change.trailers.push((TRAILER.to_owned(), data.digest.clone()));
        }
        let told = Told { written: change.outcome.written, agent: context.actor.id().to_string() };
        change.subject = told.subject(data, &change.edits);
        change.body = told.body();
        Ok(change)
    }
}

/// Something of the board that stands in the way.
struct Clash {
    what: String,
    hint: String,
}

fn refusal(clashes: &[Clash]) -> Refusal {
    let shown: Vec<&str> = clashes.iter().take(SHOWN).map(|clash| clash.what.as_str()).collect();
    let more = match clashes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Refusal::new(
        Code::Exists,
        format!("nothing was imported: the board has something else already: {}{more}", shown.join(", ")),
    )
}

/// What has to be written, and what is in the way, so far.
struct Plan {
    change: Change<Imported>,
    clashes: Vec<Clash>,
}

impl Plan {
    fn written(&mut self) -> &mut Counts {
        &mut self.change.outcome.written
    }

    fn already(&mut self) -> &mut Counts {
        &mut self.change.outcome.already
    }

    fn clash(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.clashes.push(Clash { what: what.into(), hint: hint.into() });
    }

    /// Whether `name` differs only by case from one that the board has.
    fn is_twin(&mut self, kind: &str, name: &str, taken: &[String], hint: &str) -> bool {
        let twin = resolve::check_case_twin(kind, name, taken).err();
        let is_twin = twin.is_some();
        if let Some(refusal) = twin {
            self.clash(refusal.message, hint);
        }
        is_twin
    }

    // Twins are looked for among the names of entries alone; where a directory is hidden, what would be written there
    // is asked for by name, and is damage.
    fn workstreams(&mut self, data: &Predecessor, view: &dyn View) -> Result<(), Refusal> {
        let taken = view.workstream_names()?.despite();
        for workstream in &data.workstreams {
            match view.workstream(&workstream.name)? {
                Some(before) if before == *workstream => self.already().workstreams += 1,
                Some(_) => {
                    let name = &workstream.name;
                    self.clash(format!("workstream `{name}`"), format!("orchestrator ws show {name}"));
                }
                None if self.is_twin(
                    "workstream",
                    workstream.name.as_str(),
                    &taken,
                    "orchestrator ws list",
                ) => {}
                None => {
                    self.change.edits.push(Edit::Workstream(workstream.clone()));
                    self.written().workstreams += 1;
                }
            }
        }
        Ok(())
    }

    fn tasks(&mut self, data: &Predecessor, view: &dyn View) -> Result<(), Refusal> {
        for task in &data.tasks {
            match view.task(task.id)? {
                Some(before) if before.task == *task => self.already().tasks += 1,
                Some(_) => {
                    let id = task.id;
                    self.clash(format!("task `{id}`"), format!("orchestrator task show {id}"));
                }
                None => {
                    self.change.edits.push(Edit::Task(Box::new(task.clone())));
                    self.written().tasks += 1;
                }
            }
        }
        Ok(())
    }

    fn agents(&mut self, data: &Predecessor, view: &dyn View) -> Result<(), Refusal> {
        let taken = view.agent_names()?.despite();
        for agent in &data.agents {
            match view.agent(&agent.id)? {
                Some(before) if before == *agent => self.already().agents += 1,
                Some(_) => self.clash(format!("agent `{}`", agent.id), "orchestrator agent list"),
                None if self.is_twin("agent", agent.id.as_str(), &taken, "orchestrator agent list") => {}
                None => {
                    self.change.edits.push(Edit::Agent(agent.clone()));
                    self.written().agents += 1;
                }
            }
        }
        Ok(())
    }

    fn knowledge(&mut self, data: &Predecessor, view: &dyn View) -> Result<(), Refusal> {
        let taken: Vec<String> = view.topics()?.despite().iter().map(ToString::to_string).collect();
        for document in &data.knowledge {
            match view.knowledge(&document.topic)? {
                Some(before) if before == *document => self.already().knowledge += 1,
                Some(_) => {
                    let topic = &document.topic;
                    self.clash(format!("knowledge `{topic}`"), format!("orchestrator kb read {topic}"));
                }
                None if self.is_twin("topic", document.topic.as_str(), &taken, "orchestrator kb list") => {}
                None => {
                    self.change.edits.push(Edit::Knowledge(document.clone()));
                    self.written().knowledge += 1;
                }
            }
        }
        Ok(())
    }

    fn locks(&mut self, data: &Predecessor, view: &dyn View, context: &Context<'_>) -> Result<(), Refusal> {
        let slack = context.settings.locks_slack;
        for lock in &data.locks {
            if held(lock).is_expired(context.now, slack) {
                self.change.outcome.locks_dropped.push(lock.clone());
                continue;
            }
            let shortened = shortened(lock, context);
            let mut record = held(shortened.as_ref().unwrap_or(lock));
            let before = view.lock(&lock.resource)?;
            if let Some(before) = &before {
                let hint = || format!("orchestrator lock show {}", positional(lock.resource.as_str()));
                match &before.standing {
                    standing if *standing == record.standing => {
                        self.already().locks += 1;
                        self.change.outcome.locks_kept.push(lock.clone());
                        continue;
                    }
                    // What was shortened by an earlier import is not as the directory says.
                    Standing::Held { agent, .. }
                        if *agent == lock.agent
                            && shortened.is_some()
                            && !before.is_expired(context.now, slack) =>
                    {
                        self.already().locks += 1;
                        self.change.outcome.locks_kept.push(lock.clone());
                        continue;
                    }
                    Standing::Held { .. } if before.is_expired(context.now, slack) => {}
                    Standing::Held { agent, .. } => {
                        self.clash(format!("lock `{}`, held by `{agent}`", lock.resource), hint());
                        continue;
                    }
                    Standing::Unreadable { .. } => {
                        self.clash(format!("lock `{}`, held by somebody unknown", lock.resource), hint());
                        continue;
                    }
                    Standing::Free | Standing::Completed { .. } => {}
                }
            }
            let next = before.as_ref().map_or(0, |before| before.epoch).saturating_add(1);
            record.epoch = next.max(lock.epoch);
            record.nonce = Some(context.mint.nonce());
            record.event = Some(taking(lock, &data.events).unwrap_or_else(|| {
                let id = context.mint.event_id(context.now);
                let held = shortened.as_ref().unwrap_or(lock);
                Event::new(held.acquired_at, held.agent.as_str(), Action::LockAcquired, id)
                    .with("resource", held.resource.as_str())
                    .with("epoch", record.epoch)
                    .with("ttl_ms", held.ttl.millis())
            }));
            if shortened.is_some()
                && let Some(end) = record.expires_at()
            {
                self.change.outcome.locks_shortened.push((lock.clone(), end));
            }
            self.written().locks += 1;
            let expected = before.and_then(|before| before.commit);
            self.change.records.push(RecordEdit { expected, record, replaces: false });
            self.change.outcome.locks_kept.push(lock.clone());
        }
        Ok(())
    }

    /// The events that the log does not have. Equal lines are told apart by counting them within one
    /// commit, so a line that is there too seldom is written as often as the directory has it.
    fn events(&mut self, data: &Predecessor, log: &Log) {
        let mut in_log: HashMap<&str, usize> = HashMap::new();
        for line in log.events.iter().filter_map(|event| event.line.as_deref()) {
            *in_log.entry(line).or_default() += 1;
        }
        let ids: BTreeSet<&EventId> = log.events.iter().filter_map(|event| event.id.as_ref()).collect();
        let mut in_data: HashMap<Option<&str>, usize> = HashMap::new();
        for event in &data.events {
            *in_data.entry(event.line.as_deref()).or_default() += 1;
        }
        for event in &data.events {
            let line = event.line.as_deref();
            let own = event.text("id").and_then(EventId::parse);
            let is_known = own.is_some_and(|id| ids.contains(&id))
                || line.and_then(|line| in_log.get(line)).is_some_and(|known| *known >= in_data[&line]);
            if is_known {
                self.already().events += 1;
            } else {
                self.change.events.push(event.clone());
                self.written().events += 1;
            }
        }
    }
}

/// The lock as it can be held here, where the directory holds it longer than any lock lasts, or from a time that is
/// still to come: from now on, and for a day at most. A lock that never runs out would have to be broken by hand.
fn shortened(lock: &PredecessorLock, context: &Context<'_>) -> Option<PredecessorLock> {
    let end = lock.acquired_at.plus(lock.ttl);
    let slack = context.settings.locks_slack;
    let latest = context.now.plus(Bounds::LOCK.most);
    if lock.acquired_at <= context.now.plus(slack) && end <= latest.plus(slack) {
        return None;
    }
    let ttl = Bounds::LOCK.clamp(lock.ttl.min(end.min(latest).since(context.now)));
    Some(PredecessorLock { acquired_at: context.now, ttl, ..lock.clone() })
}

/// The lock as a record that is not written yet.
fn held(lock: &PredecessorLock) -> Record {
    Record {
        key: RecordKey::Lock(lock.resource.clone()),
        standing: Standing::Held { agent: lock.agent.clone(), since: lock.acquired_at, ttl: Some(lock.ttl) },
        epoch: 0,
        nonce: None,
        reason: lock.reason.clone(),
        event: None,
        board: None,
        commit: None,
    }
}

/// The event of the directory's own log that tells of this taking. The predecessor logs right after it
/// writes the lock. Record and board then carry the same event, which counts once.
fn taking(lock: &PredecessorLock, events: &[Event]) -> Option<Event> {
    let is_it = |event: &&Event| {
        event.action == Action::LockAcquired
            && event.agent == lock.agent.as_str()
            && event.text("resource") == Some(lock.resource.as_str())
            && event.ts >= lock.acquired_at
    };
    events.iter().find(is_it).cloned()
}

/// What history is told.
struct Told {
    written: Counts,
    agent: String,
}

impl Told {
    fn subject(&self, data: &Predecessor, edits: &[Edit]) -> String {
        let mut streams: BTreeSet<&WorkstreamName> = BTreeSet::new();
        for edit in edits {
            match edit {
                Edit::Workstream(workstream) => streams.insert(&workstream.name),
                Edit::Task(task) => streams.insert(&task.workstream),
                Edit::Agent(_) | Edit::Knowledge(_) | Edit::RemoveKnowledge(_) => false,
                Edit::File { .. } | Edit::RemoveFile(_) => false,
            };
        }
        if streams.is_empty() && (Counts { locks: 0, ..self.written }) == Counts::default() {
            return format!("import {}", count(data.locks.len(), "lock"));
        }
        format!("import {} in {}", count(self.written.tasks, "task"), count(streams.len(), "workstream"))
    }

    fn body(&self) -> String {
        let Counts { workstreams, tasks, agents, knowledge, events, locks: _ } = self.written;
        format!(
            "{} imported a data directory: {}, {}, {}, {}, {}.",
            self.agent,
            count(workstreams, "workstream"),
            count(tasks, "task"),
            count(agents, "agent"),
            count(knowledge, "document"),
            count(events, "event"),
        )
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests;
