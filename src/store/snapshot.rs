//! A board at one commit, with the records as of now: the [`View`] that operations and readers ask.
//!
//! Everything is read on demand and at most once. What can't be decoded is left out of lists and kept as
//! [`Damage`]; asking for it by name answers with the damage. Links and submodules are never followed.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::codec::packed::{Packer, Unpacker};
use crate::codec::{self, Problem, path};
use crate::git::{Entry, EntryKind, GitError, Oid, OidMap, Repo};
use crate::model::{
    Agent, AgentId, Candidate, Damage, Fault, Knowledge, Log, Record, RecordKey, Resource, SeenTask,
    Settings, Task, TaskId, TaskRef, Timestamp, Topic, View, Workstream, WorkstreamName,
};

use super::queue::Queue;
use super::shelf::{self, SHELF, Shelf};
use super::standing::{Found, judge};
use super::whereabouts::Whereabouts;
use super::{archive, log, presence, records};

/// The largest file of a board that is read.
const LARGEST: usize = 4 * 1024 * 1024;

/// A board at one commit.
pub(crate) struct Snapshot<'r> {
    repo: &'r Repo,
    /// The commit; none where the board's branch has no commit yet.
    pub(crate) tip: Option<Oid>,
    tree: Option<Oid>,
    settings: Settings,
    log: OnceCell<log::History>,
    /// Asked where a record and a file disagree.
    whereabouts: Whereabouts<'r>,
    tasks: OnceCell<(Rc<[SeenTask]>, Vec<Damage>)>,
    queue: OnceCell<Queue>,
}

/// A file of the board.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Its blob.
    pub(crate) blob: Oid,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl<'r> Snapshot<'r> {
    /// The board at `tip`. A board whose settings can't be read, or of a later format, opens all the same.
    pub(crate) fn open(repo: &'r Repo, tip: Option<Oid>) -> Result<Self, Fault> {
        let tree = tip.map(|tip| repo.tree_of(tip)).transpose()?;
        let mut snapshot = Self {
            repo,
            tip,
            tree,
            settings: Settings::default(),
            log: OnceCell::new(),
            whereabouts: Whereabouts::new(repo, tip),
            tasks: OnceCell::new(),
            queue: OnceCell::new(),
        };
        if let Some(stored) = snapshot.file(path::CONFIG)? {
            snapshot.settings = codec::settings::decode(&stored.bytes)
                .map_err(|problem| Fault::Damaged(damage(path::CONFIG, problem)))?;
        }
        Ok(snapshot)
    }

    /// The same, read from this ref, which may have moved on since.
    pub(crate) fn of(self, board: String) -> Self {
        Self { whereabouts: self.whereabouts.of(board), ..self }
    }

    /// The entry at `path`.
    pub(crate) fn entry(&self, path: &str) -> Result<Option<Entry>, GitError> {
        match self.tree {
            Some(tree) => self.repo.entry_at(tree, path),
            None => Ok(None),
        }
    }

    /// The file at `path`; a link, a submodule, a directory or a file beyond 4 MiB is damage.
    pub(crate) fn file(&self, path: &str) -> Result<Option<Stored>, Fault> {
        let Some(entry) = self.entry(path)? else { return Ok(None) };
        self.stored(path, &entry).map(Some)
    }

    fn stored(&self, path: &str, entry: &Entry) -> Result<Stored, Fault> {
        let refuse = |why: &str| Fault::Damaged(whole_file(path, why));
        match entry.kind {
            EntryKind::File | EntryKind::Executable => {}
            EntryKind::Link => return Err(refuse("is a symbolic link; the board holds plain files only")),
            EntryKind::Submodule => return Err(refuse("is a submodule; the board holds plain files only")),
            EntryKind::Tree => return Err(refuse("is a directory where a file is expected")),
        }
        let bytes = match self.repo.blob(entry.id) {
            Ok(bytes) => bytes,
            Err(GitError::Missing { .. }) => return Err(refuse("its blob is not in this repository")),
            Err(other) => return Err(other.into()),
        };
        if bytes.len() > LARGEST {
            return Err(refuse("is larger than 4 MiB"));
        }
        Ok(Stored { blob: entry.id, bytes })
    }

    /// The entries of a directory, sorted; none if it is not there.
    pub(super) fn list(&self, directory: &str) -> Result<Vec<Entry>, Fault> {
        match self.entry(directory)? {
            Some(Entry { kind: EntryKind::Tree, id, .. }) => Ok(self.repo.entries(id)?),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    fn task_at(&self, id: TaskId, path: &str, entry: &Entry) -> Result<Task, Fault> {
        let stored = self.stored(path, entry)?;
        codec::task::decode(&stored.bytes, id).map_err(|problem| Fault::Damaged(damage(path, problem)))
    }

    fn history(&self) -> Result<&log::History, Fault> {
        if self.log.get().is_none() {
            let history = log::read(self.repo, self.tip)?;
            let _already = self.log.set(history);
        }
        Ok(self.log.get().expect("set above"))
    }

    fn seen(&self, path: &str, task: Task, record: Option<Record>) -> Result<SeenTask, Fault> {
        let id = task.id;
        let mut ahead = None;
        let find = |record: &Record| -> Result<Found, Fault> {
            let found = self.whereabouts.find(record)?;
            if found != Found::Here {
                ahead = self.whereabouts.ahead(record)?;
            }
            Ok(if ahead.is_some() { Found::Here } else { found })
        };
        let seen = judge(task, record, find)?;
        let Some(commit) = ahead else { return Ok(seen) };
        match self.repo.entry_at(self.repo.tree_of(commit)?, path)? {
            Some(entry) => Ok(SeenTask { task: self.task_at(id, path, &entry)?, ..seen }),
            None => Ok(seen),
        }
    }

    fn all_tasks(&self) -> Result<&(Rc<[SeenTask]>, Vec<Damage>), Fault> {
        if self.tasks.get().is_none() {
            let read = self.read_tasks()?;
            let _already = self.tasks.set(read);
        }
        Ok(self.tasks.get().expect("set above"))
    }

    fn queue(&self) -> Result<&Queue, Fault> {
        if self.queue.get().is_none() {
            let read = Queue::read(self.repo, self)?;
            let _already = self.queue.set(read);
        }
        Ok(self.queue.get().expect("set above"))
    }

    fn read_tasks(&self) -> Result<(Rc<[SeenTask]>, Vec<Damage>), Fault> {
        let mut shelf = Shelf::load(self.repo, &SHELF);
        let mut records: HashMap<TaskId, Record> = archive::all(self.repo, &mut shelf)?.into_iter().collect();
        records.extend(records::claims(self.repo)?);
        let (mut tasks, mut damage) = (Vec::new(), Vec::new());
        for shard in self.list(path::TASKS)? {
            if shard.kind != EntryKind::Tree {
                damage.push(stray(&format!("{}/{}", path::TASKS, shard.name)));
                continue;
            }
            for task in self.read_shard(&shard, &mut shelf, &mut damage)? {
                let record = records.remove(&task.id);
                tasks.push(self.seen(&path::of_task(task.id), task, record)?);
            }
        }
        shelf.keep();
        tasks.sort_by_key(|seen| seen.task.rank());
        Ok((tasks.into(), damage))
    }

    /// The tasks of a directory, as their files say.
    fn read_shard(
        &self,
        shard: &Entry,
        shelf: &mut Shelf,
        damage: &mut Vec<Damage>,
    ) -> Result<Vec<Task>, Fault> {
        let slot = shelf::slot(b't', &shard.name);
        if let Some(tasks) = shelf.get(shard.id, slot).and_then(unpack) {
            return Ok(tasks.into_iter().map(|(_, task)| task).collect());
        }
        let mut known: OidMap<Task> = shelf.latest(slot).and_then(unpack).into_iter().flatten().collect();
        let (mut tasks, mut packer) = (Vec::new(), Packer::default());
        let is_sound = self.each_task(
            shard,
            &mut |blob, id| Some((blob, known.remove(&blob).filter(|task| task.id == id)?)),
            &mut |blob, task| (blob, task),
            &mut |(blob, task)| {
                packer.0.extend_from_slice(blob.as_slice());
                packer.task(&task);
                tasks.push(task);
            },
            damage,
        )?;
        // What is damaged is looked at each time: nothing is kept that could hide it.
        if is_sound {
            shelf.put(shard.id, slot, packer.0);
        }
        Ok(tasks)
    }

    /// Goes through the tasks of a directory: each is what is `known` of its blob, or what is `made` of its file.
    /// Whether all of them could be read; what could not is told as damage.
    pub(super) fn each_task<T>(
        &self,
        shard: &Entry,
        known: &mut dyn FnMut(Oid, TaskId) -> Option<T>,
        made: &mut dyn FnMut(Oid, Task) -> T,
        take: &mut dyn FnMut(T),
        damage: &mut Vec<Damage>,
    ) -> Result<bool, Fault> {
        let mut is_sound = true;
        for entry in self.repo.entries(shard.id)? {
            let path = format!("{}/{}/{}", path::TASKS, shard.name, entry.name);
            let path::Place::Task(id) = path::place(&path) else {
                damage.push(stray(&path));
                is_sound = false;
                continue;
            };
            let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
            if let Some(known) = is_file.then(|| known(entry.id, id)).flatten() {
                take(known);
                continue;
            }
            match self.task_at(id, &path, &entry) {
                Ok(task) => take(made(entry.id, task)),
                Err(Fault::Damaged(found)) => {
                    damage.push(found);
                    is_sound = false;
                }
                Err(other) => return Err(other),
            }
        }
        Ok(is_sound)
    }

    /// Decodes every entry of a flat directory; what can't be is returned as damage.
    fn read_all<T>(
        &self,
        directory: &str,
        decode: impl Fn(&str, &[u8]) -> Option<Result<T, Problem>>,
    ) -> Result<(Vec<T>, Vec<Damage>), Fault> {
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for entry in self.list(directory)? {
            let path = format!("{directory}/{}", entry.name);
            match self.stored(&path, &entry) {
                Ok(stored) => match decode(&path, &stored.bytes) {
                    Some(Ok(value)) => found.push(value),
                    Some(Err(problem)) => broken.push(damage(&path, problem)),
                    None => broken.push(stray(&path)),
                },
                Err(Fault::Damaged(damage)) => broken.push(damage),
                Err(other) => return Err(other),
            }
        }
        Ok((found, broken))
    }

    fn all_workstreams(&self) -> Result<(Vec<Workstream>, Vec<Damage>), Fault> {
        self.read_all(path::WORKSTREAMS, |path, bytes| match path::place(path) {
            path::Place::Workstream(name) => Some(codec::workstream::decode(bytes, &name)),
            _ => None,
        })
    }

    fn all_agents(&self) -> Result<(Vec<Agent>, Vec<Damage>), Fault> {
        self.read_all(path::AGENTS, |path, bytes| match path::place(path) {
            path::Place::Agent(id) => Some(codec::agent::decode(bytes, &id)),
            _ => None,
        })
    }

    fn stems(&self, directory: &str) -> Result<Vec<String>, Fault> {
        let names = self.list(directory)?.into_iter();
        Ok(names.filter_map(|entry| entry.name.strip_suffix(".yaml").map(str::to_owned)).collect())
    }

    fn walk_topics(&self, directory: &str, found: &mut Vec<(String, Entry)>) -> Result<(), Fault> {
        for entry in self.list(directory)? {
            let path = format!("{directory}/{}", entry.name);
            if entry.kind == EntryKind::Tree {
                self.walk_topics(&path, found)?;
            } else {
                found.push((path, entry));
            }
        }
        Ok(())
    }

    fn topic_files(&self) -> Result<Vec<(String, Entry)>, Fault> {
        let mut found = Vec::new();
        self.walk_topics(path::KNOWLEDGE, &mut found)?;
        Ok(found)
    }
}

/// The tasks of a directory and their blobs.
fn unpack(bytes: &[u8]) -> Option<Vec<(Oid, Task)>> {
    let mut from = Unpacker(bytes);
    let mut tasks = Vec::new();
    while !from.is_empty() {
        let (blob, rest) = from.0.split_at_checked(20)?;
        from.0 = rest;
        tasks.push((Oid::try_from(blob).ok()?, from.task()?));
    }
    Some(tasks)
}

fn damage(path: &str, problem: Problem) -> Damage {
    Damage { path: path.to_owned(), line: problem.line, column: problem.column, why: problem.why }
}

fn whole_file(path: &str, why: &str) -> Damage {
    Damage { path: path.to_owned(), line: 1, column: 1, why: why.to_owned() }
}

fn stray(path: &str) -> Damage {
    whole_file(path, "no entry of the board can have this path")
}

impl View for Snapshot<'_> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn workstream(&self, name: &WorkstreamName) -> Result<Option<Workstream>, Fault> {
        let path = path::of_workstream(name);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::workstream::decode(&stored.bytes, name);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn workstreams(&self) -> Result<Vec<Workstream>, Fault> {
        let (mut found, _) = self.all_workstreams()?;
        found.sort_by(|one, two| (one.priority, &one.name).cmp(&(two.priority, &two.name)));
        Ok(found)
    }

    fn workstream_names(&self) -> Result<Vec<String>, Fault> {
        self.stems(path::WORKSTREAMS)
    }

    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault> {
        let path = path::of_task(id);
        let Some(entry) = self.entry(&path)? else { return Ok(None) };
        let task = self.task_at(id, &path, &entry)?;
        let record = records::load(self.repo, &RecordKey::Claim(id))?;
        self.seen(&path, task, record).map(Some)
    }

    fn task_file(&self, id: TaskId) -> Result<Option<Task>, Fault> {
        let path = path::of_task(id);
        let Some(entry) = self.entry(&path)? else { return Ok(None) };
        self.task_at(id, &path, &entry).map(Some)
    }

    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault> {
        let shard = path::of_shard(&reference.prefix()[..2]);
        let names = self.list(&shard)?.into_iter();
        let ids = names.filter_map(|entry| TaskId::parse(entry.name.strip_suffix(".yaml")?));
        Ok(ids.filter(|id| id.as_str().starts_with(reference.prefix())).collect())
    }

    fn tasks(&self) -> Result<Rc<[SeenTask]>, Fault> {
        Ok(Rc::clone(&self.all_tasks()?.0))
    }

    fn candidates<'v>(
        &'v self,
        workstream: &WorkstreamName,
        held: bool,
    ) -> Result<Box<dyn Iterator<Item = Candidate> + 'v>, Fault> {
        Ok(Box::new(self.queue()?.candidates(self.repo, workstream.as_str(), held)?))
    }

    fn is_done(&self, id: TaskId) -> Result<bool, Fault> {
        // Done on another branch is not done here: without a word of its own file there is nothing to look at.
        if !self.queue()?.is_done_in_file(id) {
            return Ok(false);
        }
        Ok(self.task(id)?.is_some_and(|seen| seen.is_landed_done()))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        let path = path::of_agent(id);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::agent::decode(&stored.bytes, id);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn agents(&self) -> Result<Vec<Agent>, Fault> {
        Ok(self.all_agents()?.0)
    }

    fn agent_names(&self) -> Result<Vec<String>, Fault> {
        self.stems(path::AGENTS)
    }

    fn last_seen(&self, agent: &str) -> Result<Option<Timestamp>, Fault> {
        let logged = self.history()?.last_seen.get(agent).copied();
        Ok(logged.max(presence::seen(self.repo.common_dir(), agent)))
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        let path = path::of_knowledge(topic);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::knowledge::decode(&stored.bytes, topic);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn topics(&self) -> Result<Vec<Topic>, Fault> {
        let files = self.topic_files()?.into_iter();
        let mut topics: Vec<Topic> = files
            .filter_map(|(path, _)| match path::place(&path) {
                path::Place::Knowledge(topic) => Some(topic),
                _ => None,
            })
            .collect();
        topics.sort();
        Ok(topics)
    }

    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault> {
        Ok(records::load(self.repo, &RecordKey::Lock(resource.clone()))?)
    }

    fn locks(&self) -> Result<Vec<Record>, Fault> {
        Ok(records::locks(self.repo)?)
    }

    fn log(&self) -> Result<Log, Fault> {
        let history = self.history()?;
        Ok(log::with_locks(self.repo, history)?)
    }

    fn imports(&self) -> Result<Vec<String>, Fault> {
        Ok(self.history()?.imports.clone())
    }

    fn damage(&self) -> Result<Vec<Damage>, Fault> {
        let mut broken = self.all_workstreams()?.1;
        broken.extend(self.all_agents()?.1);
        broken.extend(self.all_tasks()?.1.iter().cloned());
        for (path, entry) in self.topic_files()? {
            let path::Place::Knowledge(topic) = path::place(&path) else {
                broken.push(stray(&path));
                continue;
            };
            match self.stored(&path, &entry) {
                Ok(stored) => {
                    if let Err(problem) = codec::knowledge::decode(&stored.bytes, &topic) {
                        broken.push(damage(&path, problem));
                    }
                }
                Err(Fault::Damaged(damage)) => broken.push(damage),
                Err(other) => return Err(other),
            }
        }
        broken.sort_by(|one, two| one.path.cmp(&two.path));
        Ok(broken)
    }
}
