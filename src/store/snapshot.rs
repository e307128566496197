//! A board at one commit, with the records as of now: the [`View`] that operations and readers ask.
//!
//! Everything is read on demand and at most once. What can't be decoded is left out of lists and kept as
//! [`Damage`]; asking for it by name answers with the damage. Links and submodules are never followed.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use crate::codec::{self, Problem, path};
use crate::git::{Entry, EntryKind, GitError, Oid, Repo};
use crate::model::{
    Agent, AgentId, Damage, Fault, Knowledge, Log, Record, RecordKey, Resource, SeenTask, Settings, Standing,
    Task, TaskId, TaskRef, Timestamp, Topic, View, Workstream, WorkstreamName,
};

use super::graph::{Graph, Reach};
use super::standing::{Found, judge};
use super::{archive, journal, log, presence, records};

/// The largest file of a board that is read.
const LARGEST: usize = 4 * 1024 * 1024;

/// A board at one commit.
pub(crate) struct Snapshot<'r> {
    repo: &'r Repo,
    /// The commit; none where the board's branch has no commit yet.
    pub(crate) tip: Option<Oid>,
    tree: Option<Oid>,
    /// The ref that the tip was read from (`HEAD` where it is detached); none for a commit of the past.
    board: Option<String>,
    settings: Settings,
    log: OnceCell<log::History>,
    /// Asked where a record and a file disagree.
    graph: OnceCell<RefCell<Graph>>,
    /// The commits that the tip contains.
    here: OnceCell<Reach>,
    /// The commits that some branch contains.
    anywhere: OnceCell<Reach>,
    tasks: OnceCell<(Vec<SeenTask>, Vec<Damage>)>,
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
            board: None,
            settings: Settings::default(),
            log: OnceCell::new(),
            graph: OnceCell::new(),
            here: OnceCell::new(),
            anywhere: OnceCell::new(),
            tasks: OnceCell::new(),
        };
        if let Some(stored) = snapshot.file(path::CONFIG)? {
            snapshot.settings = codec::settings::decode(&stored.bytes)
                .map_err(|problem| Fault::Damaged(damage(path::CONFIG, problem)))?;
        }
        Ok(snapshot)
    }

    /// The same, read from this ref, which may have moved on since.
    pub(crate) fn of(self, board: String) -> Self {
        Self { board: Some(board), ..self }
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
    fn list(&self, directory: &str) -> Result<Vec<Entry>, Fault> {
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

    fn graph(&self) -> &RefCell<Graph> {
        self.graph.get_or_init(|| RefCell::new(Graph::load(self.repo)))
    }

    /// All that these commits contain.
    fn reach(&self, tips: &[Oid]) -> Result<Reach, GitError> {
        let mut graph = self.graph().borrow_mut();
        graph.learn(self.repo, tips)?;
        Ok(graph.reach(tips.iter().copied()))
    }

    fn here(&self) -> Result<&Reach, GitError> {
        if self.here.get().is_none() {
            let tips: Vec<Oid> = self.tip.into_iter().collect();
            let _already = self.here.set(self.reach(&tips)?);
        }
        Ok(self.here.get().expect("set above"))
    }

    fn anywhere(&self) -> Result<&Reach, GitError> {
        if self.anywhere.get().is_none() {
            let mut tips = Vec::new();
            for prefix in ["refs/heads/", "refs/remotes/"] {
                tips.extend(self.repo.list_refs(prefix)?.into_iter().map(|(_, id)| id));
            }
            let _already = self.anywhere.set(self.reach(&tips)?);
        }
        Ok(self.anywhere.get().expect("set above"))
    }

    /// Where the change that a record speaks of can be found.
    fn find(&self, record: &Record) -> Result<Found, Fault> {
        let commit = record.board.as_ref().and_then(|point| Oid::from_hex(point.commit.as_bytes()).ok());
        if commit.is_some() && commit == self.tip {
            return Ok(Found::Here);
        }
        let event = record.event.as_ref().and_then(|event| event.id.as_ref());
        let is_in = |reach: &Reach| {
            let mut graph = self.graph().borrow_mut();
            commit.is_some_and(|commit| graph.has_commit(reach, commit))
                || event.is_some_and(|event| graph.has_event(reach, event))
        };
        if is_in(self.here()?) {
            return Ok(Found::Here);
        }
        let is_finish = matches!(record.standing, Standing::Completed { .. });
        if is_finish && !is_in(self.anywhere()?) {
            return Ok(Found::Nowhere);
        }
        Ok(Found::Elsewhere)
    }

    /// The board commit that a record speaks of, where it is later than this snapshot on the same board:
    /// somebody publishes it just now, or died doing so. The record came first, so it is true already.
    fn ahead(&self, record: &Record) -> Result<Option<Oid>, Fault> {
        let (Some(board), Some(point)) = (&self.board, &record.board) else { return Ok(None) };
        let name = point.branch.as_ref().map_or("HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
        let Ok(commit) = Oid::from_hex(point.commit.as_bytes()) else { return Ok(None) };
        if name != *board {
            return Ok(None);
        }
        let leads = |from: Oid, to: Oid| -> Result<bool, GitError> {
            let reach = self.reach(&[from])?;
            Ok(self.graph().borrow().has_commit(&reach, to))
        };
        if let Some(tip) = self.tip
            && !leads(commit, tip)?
        {
            return Ok(None);
        }
        // The journal is emptied after the ref has moved: in this order neither look misses it. A commit that
        // is in neither has left the branch, by a `git reset` say.
        let is_announced = journal::peek(self.repo.common_dir())?.is_some_and(|intent| intent.makes(commit));
        let is_published = || match self.repo.read_ref(board)? {
            Some(now) if Some(now) != self.tip => leads(now, commit),
            Some(_) | None => Ok(false),
        };
        Ok((is_announced || is_published()?).then_some(commit))
    }

    fn seen(&self, path: &str, task: Task, record: Option<Record>) -> Result<SeenTask, Fault> {
        let id = task.id;
        let mut ahead = None;
        let find = |record: &Record| -> Result<Found, Fault> {
            let found = self.find(record)?;
            if found != Found::Here {
                ahead = self.ahead(record)?;
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

    fn all_tasks(&self) -> Result<&(Vec<SeenTask>, Vec<Damage>), Fault> {
        if self.tasks.get().is_none() {
            let read = self.read_tasks()?;
            let _already = self.tasks.set(read);
        }
        Ok(self.tasks.get().expect("set above"))
    }

    fn read_tasks(&self) -> Result<(Vec<SeenTask>, Vec<Damage>), Fault> {
        let mut records: BTreeMap<TaskId, Record> = archive::all(self.repo)?.into_iter().collect();
        records.extend(records::claims(self.repo)?);
        let (mut tasks, mut damage) = (Vec::new(), Vec::new());
        for shard in self.list(path::TASKS)? {
            if shard.kind != EntryKind::Tree {
                damage.push(stray(&format!("{}/{}", path::TASKS, shard.name)));
                continue;
            }
            for entry in self.repo.entries(shard.id)? {
                let path = format!("{}/{}/{}", path::TASKS, shard.name, entry.name);
                let path::Place::Task(id) = path::place(&path) else {
                    damage.push(stray(&path));
                    continue;
                };
                match self.task_at(id, &path, &entry) {
                    Ok(task) => tasks.push(self.seen(&path, task, records.remove(&id))?),
                    Err(Fault::Damaged(found)) => damage.push(found),
                    Err(other) => return Err(other),
                }
            }
        }
        tasks.sort_by_key(|seen| seen.task.rank());
        Ok((tasks, damage))
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

    fn tasks(&self) -> Result<Vec<SeenTask>, Fault> {
        Ok(self.all_tasks()?.0.clone())
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
