//! A board at one commit, with the records as of now or of an earlier time: the [`View`](crate::model::View) that
//! operations and readers ask.
//!
//! Everything is read on demand and at most once. What can't be decoded is left out of lists and kept as
//! [`Damage`]; asking for it by name answers with the damage. Links and submodules are never followed.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::codec::packed::{Packer, Unpacker};
use crate::codec::{self, Problem, path, ref_name};
use crate::git::{Entry, EntryKind, GitError, Lack, Oid, OidMap, Repo};
use crate::model::{Agent, Damage, Fault, Record, SeenTask, Settings, Task, TaskId, Timestamp, Workstream};

use super::annals::Annals;
use super::queue::Queue;
use super::records::{self, When};
use super::shelf::{self, SHELF, Shelf};
use super::standing::{Found, judge};
use super::whereabouts::Whereabouts;
use super::{archive, log};

mod view;

/// The largest file of a board that is read.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

/// A board at one commit.
pub(crate) struct Snapshot<'r> {
    repo: &'r Repo,
    /// The commit; none where the board's branch has no commit yet.
    pub(crate) tip: Option<Oid>,
    tree: Option<Oid>,
    settings: Settings,
    annals: RefCell<Option<Rc<Annals<'r>>>>,
    last_seen: OnceCell<HashMap<u64, Timestamp>>,
    /// Asked where a record and a file disagree.
    whereabouts: Whereabouts<'r>,
    /// As of when records count.
    when: When,
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
            annals: RefCell::new(None),
            last_seen: OnceCell::new(),
            whereabouts: Whereabouts::new(repo, tip),
            when: When::Now,
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

    /// The same with the records, and what was seen of agents, as of this time.
    pub(crate) fn at(self, then: Timestamp) -> Self {
        Self { when: When::Then(then), ..self }
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
        stored(self.repo, path, entry)
    }

    /// The entries of a directory, sorted; none if it is not there.
    pub(super) fn list(&self, directory: &str) -> Result<Vec<Entry>, Fault> {
        match self.entry(directory)? {
            Some(Entry { kind: EntryKind::Tree, id, .. }) => {
                Ok(self.repo.entries(id).map_err(|error| error.at(directory))?)
            }
            Some(_) | None => Ok(Vec::new()),
        }
    }

    fn task_at(&self, id: TaskId, path: &str, entry: &Entry) -> Result<Task, Fault> {
        let stored = self.stored(path, entry)?;
        codec::task::decode(&stored.bytes, id).map_err(|problem| Fault::Damaged(damage(path, problem)))
    }

    /// What the log says, by way of what is kept of it; if that turns out to be damaged, of history alone.
    fn of_log<T>(&self, ask: impl Fn(&Annals<'r>) -> log::Attempt<T>) -> Result<T, Fault> {
        let known = self.annals.borrow().clone();
        let annals = match known {
            Some(known) => known,
            None => Rc::new(Annals::read(self.repo, self.tip)?),
        };
        let answer = ask(&annals)?;
        self.annals.replace(Some(annals));
        if let Ok(answer) = answer {
            return Ok(answer);
        }
        let anew = Rc::new(Annals::read_anew(self.repo, self.tip)?);
        let answer = ask(&anew)?;
        self.annals.replace(Some(anew));
        answer.map_err(|_| Fault::Unreadable("the log could not be read".into()))
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
        let (mut tasks, mut damage) = (Vec::new(), Vec::new());
        // Claims that are not archived count whatever has become of the archive.
        let archived = match archive::all(self.repo, &mut shelf) {
            Ok(archived) => archived,
            Err(error) if records::is_unreadable(&error) => {
                let why = format!("the archive of claims can't be read: {error}");
                damage.push(whole_file(ref_name::ARCHIVE, &why));
                Vec::new()
            }
            Err(other) => return Err(other.into()),
        };
        let mut records: HashMap<TaskId, Record> = archived.into_iter().collect();
        records.retain(|_, record| records::time_of(record).is_none_or(|at| self.when.has_seen(at)));
        records.extend(records::claims(self.repo, self.when)?);
        let shards = self.list(path::TASKS)?;
        if self.repo.is_partial() {
            self.prefetch_tasks(&shards, &mut |tree, name| {
                shelf.get(tree, shelf::slot(b't', name)).is_some()
            })?;
        }
        for shard in shards {
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
        // Tasks are large: their keys are sorted, and each is moved once.
        tasks.sort_by_cached_key(|seen| seen.task.rank());
        Ok((tasks.into(), damage))
    }

    /// In a partial clone: fetches all tasks of those directories at once of which nothing is known.
    pub(super) fn prefetch_tasks(
        &self,
        shards: &[Entry],
        is_known: &mut dyn FnMut(Oid, &str) -> bool,
    ) -> Result<(), Fault> {
        let mut wanted = Vec::new();
        for shard in shards.iter().filter(|shard| shard.kind == EntryKind::Tree) {
            if !is_known(shard.id, &shard.name) {
                wanted.extend(self.repo.entries(shard.id)?.into_iter().map(|entry| entry.id));
            }
        }
        self.repo.prefetch(wanted);
        Ok(())
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
        let directory = format!("{}/{}", path::TASKS, shard.name);
        for entry in self.repo.entries(shard.id).map_err(|error| error.at(&directory))? {
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
        let entries = self.list(directory)?;
        self.repo.prefetch(entries.iter().filter(|entry| entry.is_blob()).map(|entry| entry.id));
        for entry in entries {
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

/// The file that an entry at `path` is; a link, a submodule, a directory or a file beyond 4 MiB is damage.
pub(super) fn stored(repo: &Repo, path: &str, entry: &Entry) -> Result<Stored, Fault> {
    let refuse = |why: &str| Fault::Damaged(whole_file(path, why));
    match entry.kind {
        EntryKind::File | EntryKind::Executable => {}
        EntryKind::Link => return Err(refuse("is a symbolic link; the board holds plain files only")),
        EntryKind::Submodule => return Err(refuse("is a submodule; the board holds plain files only")),
        EntryKind::Tree => return Err(refuse("is a directory where a file is expected")),
    }
    let bytes = match repo.blob(entry.id) {
        Ok(bytes) => bytes,
        // One damaged file; what a remote has promised and does not give is no damage.
        Err(GitError::Missing { lack: Lack::Damage, .. }) => {
            return Err(refuse("its blob is missing: this repository is damaged (git fsck)"));
        }
        Err(GitError::Corrupt { why, .. }) => {
            return Err(refuse(&format!("its blob can't be read: {why} (git fsck)")));
        }
        Err(error @ GitError::Missing { .. }) => return Err(error.at(path).into()),
        Err(other) => return Err(other.into()),
    };
    if bytes.len() > LARGEST {
        return Err(refuse("is larger than 4 MiB"));
    }
    Ok(Stored { blob: entry.id, bytes })
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

pub(super) fn damage(path: &str, problem: Problem) -> Damage {
    Damage { path: path.to_owned(), line: problem.line, column: problem.column, why: problem.why }
}

fn whole_file(path: &str, why: &str) -> Damage {
    Damage { path: path.to_owned(), line: 1, column: 1, why: why.to_owned() }
}

fn stray(path: &str) -> Damage {
    whole_file(path, "no entry of the board can have this path")
}
