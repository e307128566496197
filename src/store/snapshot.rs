//! A board at one commit, with the records as of now or of an earlier time: the [`View`](crate::model::View) that
//! operations and readers ask.
//!
//! Everything is read on demand and at most once. What can't be read is never taken for what is not there: a list
//! comes with what it is without (a [`Reading`]), and asking for an entry by name answers with its [`Damage`], also
//! where something on the way to it is no directory. Links and submodules are never followed.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::codec::packed::{Packer, Unpacker};
use crate::codec::{self, Problem, path, ref_name};
use crate::git::{Entry, EntryKind, Oid, OidMap, Repo};
use crate::model::{
    Agent, Damage, Fault, Knowledge, Reading, Record, SeenTask, Settings, Task, TaskId, Timestamp, Topic,
    Unread, Workstream,
};

use super::annals::Annals;
use super::queue::Queue;
use super::records::{self, When};
use super::shelf::{self, SHELF, Shelf};
use super::standing::{Found, judge};
use super::whereabouts::Whereabouts;
use super::{archive, log};

mod furniture;
mod sight;
mod view;

pub(super) use sight::{FSCK, damage, damaged_object, entry_at, is_shard, stored};
use sight::{apart, no_directory, stray, whole_file};

/// The largest file of a board that is read.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;
/// How deep directories of knowledge may be nested: a topic has eight parts.
const DEEPEST: usize = 16;

/// A board at one commit.
pub(crate) struct Snapshot<'r> {
    repo: &'r Repo,
    /// The commit; none where the board's branch has no commit yet.
    pub(crate) tip: Option<Oid>,
    tree: Option<Oid>,
    settings: Settings,
    /// Why the settings are the defaults, where the board's own can't be read.
    unsettled: Option<Damage>,
    annals: RefCell<Option<Rc<Annals<'r>>>>,
    last_seen: OnceCell<HashMap<u64, Timestamp>>,
    /// Asked where a record and a file disagree.
    whereabouts: Whereabouts<'r>,
    /// As of when records count.
    when: When,
    tasks: OnceCell<Reading<Rc<[SeenTask]>>>,
    queue: OnceCell<Queue>,
}

/// A topic with the path and the entry of its file.
type TopicFile = (Topic, String, Entry);

/// A file of the board.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Its blob.
    pub(crate) blob: Oid,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl<'r> Snapshot<'r> {
    /// The board at `tip`. A board whose settings can't be read, or of a later format, opens all the same: see
    /// [`Self::unsettled`].
    pub(crate) fn open(repo: &'r Repo, tip: Option<Oid>) -> Result<Self, Fault> {
        let tree = tip.map(|tip| repo.tree_of(tip)).transpose()?;
        let mut snapshot = Self {
            repo,
            tip,
            tree,
            settings: Settings::default(),
            unsettled: None,
            annals: RefCell::new(None),
            last_seen: OnceCell::new(),
            whereabouts: Whereabouts::new(repo, tip),
            when: When::Now,
            tasks: OnceCell::new(),
            queue: OnceCell::new(),
        };
        match snapshot.read_settings() {
            Ok(settings) => snapshot.settings = settings.unwrap_or_default(),
            Err(Fault::Damaged(damage)) => snapshot.unsettled = Some(damage),
            Err(other) => return Err(other),
        }
        Ok(snapshot)
    }

    fn read_settings(&self) -> Result<Option<Settings>, Fault> {
        let Some(stored) = self.file(path::CONFIG)? else { return Ok(None) };
        let decoded = super::placement::settings_in(self.repo, &stored.bytes);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(path::CONFIG, problem)))
    }

    /// What is wrong with the board's settings, if they can't be read: the defaults stand in for them, which will do for
    /// a reading that says so.
    pub(crate) fn unsettled(&self) -> Option<&Damage> {
        self.unsettled.as_ref()
    }

    /// The board at `tip`, to be changed. Refused where its settings can't be read: which format it has, where it is written
    /// and how durably is not known then.
    pub(super) fn open_settled(repo: &'r Repo, tip: Option<Oid>) -> Result<Self, Fault> {
        let snapshot = Self::open(repo, tip)?;
        snapshot.unsettled.clone().map_or(Ok(snapshot), |damage| Err(Fault::Damaged(damage)))
    }

    /// The same, read from this ref, which may have moved on since.
    pub(crate) fn of(self, board: String) -> Self {
        Self { whereabouts: self.whereabouts.of(board), ..self }
    }

    /// The same with the records, and what was seen of agents, as of this time.
    pub(crate) fn at(self, then: Timestamp) -> Self {
        Self { when: When::Then(then), ..self }
    }

    /// The entry at `path`; none if it is not there. If that can't be known, since what leads to it is no directory,
    /// say, that is damage.
    pub(crate) fn entry(&self, path: &str) -> Result<Option<Entry>, Fault> {
        self.tree.map_or(Ok(None), |tree| entry_at(self.repo, tree, path))
    }

    /// The file at `path`; a link, a submodule, a directory or a file beyond 4 MiB is damage.
    pub(crate) fn file(&self, path: &str) -> Result<Option<Stored>, Fault> {
        let Some(entry) = self.entry(path)? else { return Ok(None) };
        self.stored(path, &entry).map(Some)
    }

    fn stored(&self, path: &str, entry: &Entry) -> Result<Stored, Fault> {
        stored(self.repo, path, entry)
    }

    /// The entries of a directory, sorted; none if it is not there. Unread is the directory, where it is something else or
    /// its tree is damaged, and each name that stands in it twice.
    pub(super) fn list(&self, directory: &str) -> Result<Reading<Vec<Entry>>, Fault> {
        let mut unread = Unread::default();
        let found = match unread.try_note(self.entry(directory))? {
            Some(entry) => self.entries(directory, &entry)?.note(&mut unread),
            None => Vec::new(),
        };
        Ok(Reading::of(found, unread))
    }

    /// The entries of the directory that this entry is.
    fn entries(&self, path: &str, entry: &Entry) -> Result<Reading<Vec<Entry>>, Fault> {
        if entry.kind != EntryKind::Tree {
            return Ok(Reading::of(Vec::new(), no_directory(path, entry.kind).into()));
        }
        match self.repo.entries(entry.id) {
            Ok(entries) => Ok(apart(path, entries)),
            Err(error) => Ok(Reading::of(Vec::new(), damaged_object(path, error)?.into())),
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
        if record.as_ref().is_some_and(archive::is_floor) {
            return Ok(SeenTask { record, ..SeenTask::from_file(task) });
        }
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
        match entry_at(self.repo, self.repo.tree_of(commit)?, path)? {
            Some(entry) => Ok(SeenTask { task: self.task_at(id, path, &entry)?, ..seen }),
            None => Ok(seen),
        }
    }

    fn all_tasks(&self) -> Result<&Reading<Rc<[SeenTask]>>, Fault> {
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

    fn read_tasks(&self) -> Result<Reading<Rc<[SeenTask]>>, Fault> {
        let mut shelf = Shelf::load(self.repo, &SHELF);
        let (mut tasks, mut unread) = (Vec::new(), Unread::default());
        // Claims that are not archived count whatever has become of the archive.
        let archived = match archive::all(self.repo, &mut shelf) {
            Ok(archived) => archived,
            Err(error) if records::is_unreadable(&error) => {
                let why = format!("the archive of claims can't be read: {error}");
                unread.add(whole_file(ref_name::ARCHIVE, &why));
                Vec::new()
            }
            Err(other) => return Err(other.into()),
        };
        // Where the archive can't be read, that was told above.
        let floor = if unread.is_empty() { archive::floor(self.repo)? } else { None };
        let mut records: HashMap<TaskId, Record> = archived.into_iter().collect();
        records.retain(|_, record| records::time_of(record).is_none_or(|at| self.when.has_seen(at)));
        records.extend(records::claims(self.repo, self.when)?);
        let shards = self.list(path::TASKS)?.note(&mut unread);
        if self.repo.is_partial() {
            self.prefetch_tasks(&shards, &mut |tree, name| {
                shelf.get(tree, shelf::slot(b't', name)).is_some()
            });
        }
        for shard in shards {
            for task in self.read_shard(&shard, &mut shelf, &mut unread)? {
                let of_floor = || floor.map(|floor| archive::at_floor(task.id, floor));
                let record = records.remove(&task.id).or_else(of_floor);
                tasks.push(self.seen(&path::of_task(task.id), task, record)?);
            }
        }
        shelf.keep();
        // Tasks are large: their keys are sorted, and each is moved once.
        tasks.sort_by_cached_key(|seen| seen.task.rank());
        Ok(Reading::of(tasks.into(), unread))
    }

    /// In a partial clone: fetches all tasks of those directories at once of which nothing is known.
    pub(super) fn prefetch_tasks(&self, shards: &[Entry], is_known: &mut dyn FnMut(Oid, &str) -> bool) {
        let mut wanted = Vec::new();
        for shard in shards.iter().filter(|shard| shard.kind == EntryKind::Tree) {
            if !is_known(shard.id, &shard.name) {
                // What can't be read is told when it is read.
                let entries = self.repo.entries(shard.id).into_iter().flatten();
                wanted.extend(entries.filter(Entry::is_blob).map(|entry| entry.id));
            }
        }
        self.repo.prefetch(wanted);
    }

    /// The same with the files of topics.
    fn prefetch_topics(&self, files: &[TopicFile]) {
        let entries = files.iter().map(|(.., entry)| entry);
        self.repo.prefetch(entries.filter(|entry| entry.is_blob()).map(|entry| entry.id));
    }

    /// The tasks of a directory, as their files say.
    fn read_shard(&self, shard: &Entry, shelf: &mut Shelf, unread: &mut Unread) -> Result<Vec<Task>, Fault> {
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
            unread,
        )?;
        // What is damaged is looked at each time: nothing is kept that could hide it.
        if is_sound {
            shelf.put(shard.id, slot, packer.0);
        }
        Ok(tasks)
    }

    /// Goes through the tasks of a directory: each is what is `known` of its blob, or what is `made` of its file.
    /// Whether all of them could be read; what could not is noted.
    pub(super) fn each_task<T>(
        &self,
        shard: &Entry,
        known: &mut dyn FnMut(Oid, TaskId) -> Option<T>,
        made: &mut dyn FnMut(Oid, Task) -> T,
        take: &mut dyn FnMut(T),
        unread: &mut Unread,
    ) -> Result<bool, Fault> {
        let directory = format!("{}/{}", path::TASKS, shard.name);
        if shard.kind != EntryKind::Tree && !is_shard(&shard.name) {
            unread.add(stray(&directory));
            return Ok(false);
        }
        let entries = self.entries(&directory, shard)?;
        let mut is_sound = entries.is_whole();
        for entry in entries.note(unread) {
            let path = format!("{directory}/{}", entry.name);
            let path::Place::Task(id) = path::place(&path) else {
                unread.add(stray(&path));
                is_sound = false;
                continue;
            };
            let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
            if let Some(known) = is_file.then(|| known(entry.id, id)).flatten() {
                take(known);
                continue;
            }
            match unread.try_note(self.task_at(id, &path, &entry).map(Some))? {
                Some(task) => take(made(entry.id, task)),
                None => is_sound = false,
            }
        }
        Ok(is_sound)
    }

    /// Decodes every entry of a flat directory.
    fn read_all<T>(
        &self,
        directory: &str,
        decode: impl Fn(&str, &[u8]) -> Option<Result<T, Problem>>,
    ) -> Result<Reading<Vec<T>>, Fault> {
        let (mut found, mut unread) = (Vec::new(), Unread::default());
        let entries = self.list(directory)?.note(&mut unread);
        self.repo.prefetch(entries.iter().filter(|entry| entry.is_blob()).map(|entry| entry.id));
        for entry in entries {
            let path = format!("{directory}/{}", entry.name);
            let Some(stored) = unread.try_note(self.stored(&path, &entry).map(Some))? else { continue };
            match decode(&path, &stored.bytes) {
                Some(Ok(value)) => found.push(value),
                Some(Err(problem)) => unread.add(damage(&path, problem)),
                None => unread.add(stray(&path)),
            }
        }
        Ok(Reading::of(found, unread))
    }

    fn all_workstreams(&self) -> Result<Reading<Vec<Workstream>>, Fault> {
        self.read_all(path::WORKSTREAMS, |path, bytes| match path::place(path) {
            path::Place::Workstream(name) => Some(codec::workstream::decode(bytes, &name)),
            _ => None,
        })
    }

    fn all_agents(&self) -> Result<Reading<Vec<Agent>>, Fault> {
        self.read_all(path::AGENTS, |path, bytes| match path::place(path) {
            path::Place::Agent(id) => Some(codec::agent::decode(bytes, &id)),
            _ => None,
        })
    }

    /// The names of the entries of a flat directory.
    fn names(
        &self,
        directory: &str,
        name_of: impl Fn(path::Place) -> Option<String>,
    ) -> Result<Reading<Vec<String>>, Fault> {
        let (mut names, mut unread) = (Vec::new(), Unread::default());
        for entry in self.list(directory)?.note(&mut unread) {
            let path = format!("{directory}/{}", entry.name);
            match name_of(path::place(&path)) {
                Some(name) => names.push(name),
                None => unread.add(stray(&path)),
            }
        }
        names.sort();
        Ok(Reading::of(names, unread))
    }

    /// The topics with the paths and entries of their files.
    fn topic_files(&self) -> Result<Reading<Vec<TopicFile>>, Fault> {
        let (mut found, mut unread) = (Vec::new(), Unread::default());
        let mut open = vec![(path::KNOWLEDGE.to_owned(), self.list(path::KNOWLEDGE)?.note(&mut unread))];
        while let Some((directory, entries)) = open.pop() {
            for entry in entries {
                let path = format!("{directory}/{}", entry.name);
                match (entry.kind, path::place(&path)) {
                    (EntryKind::Tree, _) if path.matches('/').count() < DEEPEST => {
                        let below = self.entries(&path, &entry)?.note(&mut unread);
                        open.push((path, below));
                    }
                    (_, path::Place::Knowledge(topic)) => found.push((topic, path, entry)),
                    (EntryKind::Link | EntryKind::Submodule, _) => {
                        unread.add(no_directory(&path, entry.kind))
                    }
                    _ => unread.add(stray(&path)),
                }
            }
        }
        found.sort_by(|(one, ..), (two, ..)| one.cmp(two));
        Ok(Reading::of(found, unread))
    }

    fn knowledge_at(&self, topic: &Topic, path: &str, entry: &Entry) -> Result<Knowledge, Fault> {
        let stored = self.stored(path, entry)?;
        codec::knowledge::decode(&stored.bytes, topic)
            .map_err(|problem| Fault::Damaged(damage(path, problem)))
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
