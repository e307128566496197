//! The queue: of each task only what tells whether it may be handed out and when its turn is.
//!
//! `task next` asks this of every task of a board, and of nearly none of them anything else. So it is kept beside
//! the repository in a file of its own (a [`Shelf`]), fifty bytes a task and keyed by the trees of the tasks'
//! directories: found, it is true; not found, that one directory is read again. What records say is looked at
//! only where a ref of its own says that there is one, and what a record says is kept by its commit.
//!
//! It may only err on the side of offering too much: who takes a task reads the task.

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::codec::{path, ref_name};
use crate::git::{Entry, GitError, Oid, OidMap, Repo, Target};
use crate::model::{Candidate, Fault, Finish, RecordKey, Standing, Status, Task, TaskId, Unread};

use super::shelf::{self, Shelf};
use super::snapshot::Snapshot;
use super::{archive, records};

const QUEUE: shelf::Kind = shelf::Kind { name: "queue", mark: *b"queue\0\0\x01", small: 1 << 17 };

/// How many candidates are looked for at first, and how many times as many each further time.
const FIRST: usize = 16;
const FURTHER: usize = 8;

/// What tells whose turn is first: priority, age, id.
type Rank<'b> = (i64, i64, &'b [u8]);
/// A task that was found, whether it is pending for certain, and its dependencies.
type Found<'b> = (Rank<'b>, bool, &'b [u8]);

/// What is known of a board's tasks.
pub(super) struct Queue {
    shelf: Shelf,
    /// The tree of each directory of tasks, by the first two digits of their ids.
    directories: HashMap<[u8; 2], Oid>,
    /// Those directories of which nothing can be kept, since something in them is damaged.
    damaged: OidMap<Vec<u8>>,
    /// What could not be read: looked for each time, since it is never kept.
    unread: Unread,
    /// What the records with refs of their own say.
    records: HashMap<TaskId, Word>,
    /// The tasks whose archived record says that they were given back.
    given_back: HashSet<TaskId>,
    has_archive: bool,
}

/// What a record says, in a word, and its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    standing: u8,
    epoch: u32,
}

const HELD: u8 = 0;
const FREE: u8 = 1;
const DONE: u8 = 2;
const CANCELLED: u8 = 3;
const UNREADABLE: u8 = 4;

impl Queue {
    /// What is known of the board, with what was not known read.
    pub(super) fn read(repo: &Repo, board: &Snapshot<'_>) -> Result<Self, Fault> {
        let mut shelf = Shelf::load(repo, &QUEUE);
        let records = words(repo, &mut shelf)?;
        let mut queue = Self {
            shelf,
            directories: HashMap::new(),
            damaged: OidMap::default(),
            unread: Unread::default(),
            records,
            given_back: match archive::free(repo) {
                Ok(free) => free.into_iter().collect(),
                // Whoever takes a task is refused then, with the reason.
                Err(error) if records::is_unreadable(&error) => HashSet::new(),
                Err(other) => return Err(other.into()),
            },
            has_archive: repo.read_own_ref_or_bad(ref_name::ARCHIVE)?.is_some(),
        };
        let mut unread = Unread::default();
        let directories = board.list(path::TASKS)?.note(&mut unread);
        if repo.is_partial() {
            let shelf = &mut queue.shelf;
            board.prefetch_tasks(&directories, &mut |tree, name| {
                shelf.get(tree, shelf::slot(b'q', name)).is_some()
            });
        }
        for directory in directories {
            queue.learn(board, &directory, &mut unread)?;
            // Nothing in a directory of another name is a task.
            if let Ok(digits) = directory.name.as_bytes().try_into() {
                queue.directories.insert(digits, directory.id);
            }
        }
        queue.unread = unread;
        queue.shelf.keep();
        Ok(queue)
    }

    fn learn(&mut self, board: &Snapshot<'_>, directory: &Entry, unread: &mut Unread) -> Result<(), Fault> {
        let slot = shelf::slot(b'q', &directory.name);
        if self.shelf.get(directory.id, slot).is_some() {
            return Ok(());
        }
        let before = self.shelf.latest(slot).unwrap_or_default();
        let known: HashMap<&[u8], &[u8]> = slips(before).map(|slip| (slip.blob, slip.bytes)).collect();
        let mut bytes = Vec::new();
        let is_sound = board.each_task(
            directory,
            &mut |blob, id| {
                let slip =
                    known.get(blob.as_slice()).filter(|slip| slip[20..28] == *id.as_str().as_bytes())?;
                Some(slip.to_vec())
            },
            &mut |blob, task| pack(blob, &task),
            &mut |slip| bytes.extend_from_slice(&slip),
            unread,
        )?;
        if is_sound {
            self.shelf.put(directory.id, slot, bytes);
        } else {
            self.damaged.insert(directory.id, bytes);
        }
        Ok(())
    }

    fn bytes(&self, directory: Oid) -> &[u8] {
        self.shelf
            .peek(directory)
            .or_else(|| self.damaged.get(&directory).map(Vec::as_slice))
            .unwrap_or_default()
    }

    /// What could not be read of the board's tasks.
    pub(super) fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Whether the task's own file could be read.
    pub(super) fn knows(&self, id: TaskId) -> bool {
        let digits = id.as_str().as_bytes();
        let Some(directory) = self.directories.get(&digits[..2]) else { return false };
        slips(self.bytes(*directory)).any(|slip| slip.id == digits)
    }

    /// Whether this board's own file says that the task is done.
    pub(super) fn is_done_in_file(&self, id: TaskId) -> bool {
        let digits = id.as_str().as_bytes();
        let Some(directory) = self.directories.get(&digits[..2]) else { return false };
        slips(self.bytes(*directory)).any(|slip| slip.id == digits && slip.status == DONE_FILE)
    }

    /// The tasks of a workstream that may be pending or, where `held` is asked for, in progress; by rank. Few of them
    /// are ever asked for, so the best few are looked for first, and more only when these are used up.
    pub(super) fn candidates<'q>(
        &'q self,
        repo: &'q Repo,
        workstream: &str,
        held: bool,
    ) -> impl Iterator<Item = Result<Candidate, GitError>> + use<'q> {
        let workstream = workstream.as_bytes().to_vec();
        let mut found = Vec::<Found<'_>>::new().into_iter();
        let (mut most, mut last) = (FIRST, None);
        std::iter::from_fn(move || {
            loop {
                if let Some((rank, is_pending, dependencies)) = found.next() {
                    last = Some(rank);
                    let Some(id) = task_id(rank.2) else { continue };
                    return Some(Ok(Candidate { id, depends_on: ids(dependencies), is_pending }));
                }
                if most == 0 {
                    return None;
                }
                match self.best(repo, &workstream, held, (last, most)) {
                    Ok(best) => {
                        most = if best.len() < most { 0 } else { most * FURTHER };
                        found = best.into_iter();
                    }
                    Err(error) => {
                        most = 0;
                        return Some(Err(error));
                    }
                }
            }
        })
    }

    /// The best of those that come after `last`, at most so many, by rank.
    fn best(
        &self,
        repo: &Repo,
        workstream: &[u8],
        held: bool,
        (last, most): (Option<Rank<'_>>, usize),
    ) -> Result<Vec<Found<'_>>, GitError> {
        // The worst on top, to make room for better ones.
        let mut best = BinaryHeap::<Found<'_>>::new();
        for directory in self.directories.values() {
            for slip in slips(self.bytes(*directory)).filter(|slip| slip.workstream == workstream) {
                let rank = slip.rank();
                let is_full = best.len() == most;
                if last.is_some_and(|last| rank <= last)
                    || is_full && best.peek().is_some_and(|(worst, ..)| *worst <= rank)
                {
                    continue;
                }
                let Some(id) = task_id(slip.id) else { continue };
                if let Some(is_pending) = self.may_be_free(repo, id, &slip, held)? {
                    if is_full {
                        best.pop();
                    }
                    best.push((rank, is_pending, slip.dependencies));
                }
            }
        }
        Ok(best.into_sorted_vec())
    }

    /// Whether a task may be pending (or in progress, where `held` is asked for); `true` inside: it is pending
    /// for certain. See [`super::standing`] for what counts when record and file disagree.
    fn may_be_free(
        &self,
        repo: &Repo,
        id: TaskId,
        slip: &Slip<'_>,
        held: bool,
    ) -> Result<Option<bool>, GitError> {
        let uncertain = |is: bool| Ok(is.then_some(false));
        let Some(word) = self.records.get(&id) else {
            let is_archived = || -> Result<bool, GitError> {
                match archive::find(repo, id) {
                    Err(error) if records::is_unreadable(&error) => Ok(true),
                    found => Ok(found?.is_some()),
                }
            };
            let is_archived = || if self.has_archive { is_archived() } else { Ok(false) };
            return match slip.status {
                PENDING if self.has_archive => uncertain(true),
                PENDING => Ok(Some(true)),
                IN_PROGRESS => uncertain(held || is_archived()?),
                BLOCKED => uncertain(is_archived()?),
                _ => uncertain(self.given_back.contains(&id)),
            };
        };
        uncertain(match (slip.status, word.standing) {
            (PENDING, _) | (_, UNREADABLE) => true,
            (_, HELD) => held,
            (BLOCKED, FREE) => false,
            (_, FREE) => true,
            (DONE_FILE, DONE) | (CANCELLED_FILE, CANCELLED) => {
                slip.epoch == u32::MAX || word.epoch == u32::MAX || slip.epoch < word.epoch
            }
            _ => true,
        })
    }
}

/// What the records with refs of their own say. What a commit says never changes, so it is kept.
fn words(repo: &Repo, shelf: &mut Shelf) -> Result<HashMap<TaskId, Word>, GitError> {
    let slot = shelf::slot(b'c', "");
    let mut found = HashMap::new();
    for (name, target) in repo.list_all_refs(ref_name::CLAIMS)? {
        let Some(id) = ref_name::claimed_task(&name) else { continue };
        let commit = match target {
            Target::Object(commit) => commit,
            Target::Symbolic | Target::Bad(_) => {
                found.insert(id, Word { standing: UNREADABLE, epoch: 0 });
                continue;
            }
        };
        let kept = shelf.get(commit, slot).and_then(|bytes| {
            let (standing, epoch) = bytes.split_first()?;
            Some(Word { standing: *standing, epoch: u32::from_le_bytes(epoch.try_into().ok()?) })
        });
        if let Some(word) = kept {
            found.insert(id, word);
            continue;
        }
        let Some(read) = records::read(repo, commit, Some(&RecordKey::Claim(id)))? else { continue };
        let standing = match &read.record.standing {
            Standing::Held { .. } => HELD,
            Standing::Free => FREE,
            Standing::Completed { finish: Finish::Done, .. } => DONE,
            Standing::Completed { finish: Finish::Cancelled, .. } => CANCELLED,
            Standing::Unreadable { .. } => UNREADABLE,
        };
        let word = Word { standing, epoch: narrow(read.record.epoch) };
        found.insert(id, word);
        // One that can't be read may be there again tomorrow.
        if standing != UNREADABLE {
            shelf.put(commit, slot, [&[standing][..], &word.epoch.to_le_bytes()].concat());
        }
    }
    Ok(found)
}

/// An epoch; the highest number stands for all that are larger, too.
fn narrow(epoch: u64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}

const PENDING: u8 = 0;
const IN_PROGRESS: u8 = 1;
const BLOCKED: u8 = 2;
const DONE_FILE: u8 = 3;
const CANCELLED_FILE: u8 = 4;

/// One task: blob, id, status, epoch, priority, age, the lengths of workstream and dependencies, and these.
const FIXED: usize = 20 + TaskId::LENGTH + 1 + 4 + 8 + 8 + 1 + 2;

struct Slip<'b> {
    bytes: &'b [u8],
    blob: &'b [u8],
    id: &'b [u8],
    status: u8,
    epoch: u32,
    priority: i64,
    created_at: i64,
    workstream: &'b [u8],
    dependencies: &'b [u8],
}

impl<'b> Slip<'b> {
    fn rank(&self) -> Rank<'b> {
        (self.priority, self.created_at, self.id)
    }
}

fn task_id(bytes: &[u8]) -> Option<TaskId> {
    TaskId::parse(std::str::from_utf8(bytes).ok()?)
}

fn ids(dependencies: &[u8]) -> Vec<TaskId> {
    dependencies.chunks_exact(TaskId::LENGTH).filter_map(task_id).collect()
}

fn pack(blob: Oid, task: &Task) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FIXED + task.workstream.as_str().len());
    bytes.extend_from_slice(blob.as_slice());
    bytes.extend_from_slice(task.id.as_str().as_bytes());
    bytes.push(match task.status {
        Status::Pending => PENDING,
        Status::InProgress(_) => IN_PROGRESS,
        Status::Blocked { .. } => BLOCKED,
        Status::Done { .. } => DONE_FILE,
        Status::Cancelled { .. } => CANCELLED_FILE,
    });
    bytes.extend_from_slice(&narrow(task.epoch).to_le_bytes());
    bytes.extend_from_slice(&task.priority.0.to_le_bytes());
    bytes.extend_from_slice(&task.created_at.millis().to_le_bytes());
    let workstream = task.workstream.as_str().as_bytes();
    bytes.push(u8::try_from(workstream.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&u16::try_from(task.depends_on.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(workstream);
    let dependencies = task.depends_on.iter().take(usize::from(u16::MAX));
    dependencies.for_each(|id| bytes.extend_from_slice(id.as_str().as_bytes()));
    bytes
}

/// The tasks of a directory. What can't be read ends them; the file's checksums let nothing damaged come here.
fn slips(bytes: &[u8]) -> impl Iterator<Item = Slip<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (fixed, after) = rest.split_at_checked(FIXED)?;
        let number = |at: usize| i64::from_le_bytes(fixed[at..at + 8].try_into().unwrap_or_default());
        let names = usize::from(fixed[FIXED - 3]);
        let dependencies = usize::from(u16::from_le_bytes([fixed[FIXED - 2], fixed[FIXED - 1]]));
        let (workstream, after) = after.split_at_checked(names)?;
        let (dependencies, after) = after.split_at_checked(dependencies * TaskId::LENGTH)?;
        let slip = Slip {
            bytes: &rest[..rest.len() - after.len()],
            blob: &fixed[..20],
            id: &fixed[20..28],
            status: fixed[28],
            epoch: u32::from_le_bytes(fixed[29..33].try_into().unwrap_or_default()),
            priority: number(33),
            created_at: number(41),
            workstream,
            dependencies,
        };
        rest = after;
        Some(slip)
    })
}
