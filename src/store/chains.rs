//! Records as chains: each with the one before it, and with where the board commit stands that it names.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::codec::record::unreadable;
use crate::codec::{self, message, path, record, ref_name};
use crate::git::{Entry, GitError, Oid, Repo, Target};
use crate::model::{
    Before, EventId, Link, LostEvent, Prior, Record, RecordKey, Saying, Standing, Task, TaskId, Testimony,
    Whence,
};

use super::history::{Stretch, parents_on_board};
use super::journal::{self, Intent};
use super::{archive, records};

/// The directory of the archive whose entries are copies.
const FREE: &str = "free";

/// Where commits can be found: in the stretch that was walked, or from some ref.
pub(crate) struct Reachable<'r> {
    repo: &'r Repo,
    walked: &'r Stretch,
    under_way: Option<Intent>,
    beyond: OnceCell<(Stretch, HashSet<EventId>)>,
    /// All that the end of the walk contains, whether or not there is a board: it may have been removed, and begun anew.
    ancestry: OnceCell<HashSet<Oid>>,
    /// Whether something was asked for that lies before a board was removed.
    is_replanted: Cell<bool>,
    /// The events of commits that carry several: each of their records asks for them.
    batches: RefCell<HashMap<Oid, HashSet<EventId>>>,
}

impl<'r> Reachable<'r> {
    /// From what was walked, and from all refs as they are when it is first asked for.
    pub(crate) fn new(repo: &'r Repo, walked: &'r Stretch) -> Result<Self, GitError> {
        let under_way = journal::peek(repo.common_dir())?;
        Ok(Self {
            repo,
            walked,
            under_way,
            beyond: OnceCell::new(),
            ancestry: OnceCell::new(),
            is_replanted: Cell::new(false),
            batches: RefCell::default(),
        })
    }

    /// Whether a commit lies in this history, and before the board that was walked: that one was removed, and what came
    /// before is the history of another board.
    fn is_before_removal(&self, commit: Oid) -> Result<bool, GitError> {
        let Some(tip) = self.walked.order.last() else { return Ok(false) };
        if self.ancestry.get().is_none() {
            let _already = self.ancestry.set(self.repo.ancestry(*tip)?);
        }
        let is_it = self.ancestry.get().is_some_and(|all| all.contains(&commit))
            && !self.walked.members.contains(&commit);
        if is_it && !self.is_replanted.get() {
            // What came before the first board is nobody's.
            self.is_replanted.set(parents_on_board(self.repo, commit)?.is_some());
        }
        Ok(is_it)
    }

    /// The first commit of the board, where another one was removed before it, as far as records and logs tell.
    pub(crate) fn replanted(&self) -> Option<Oid> {
        self.walked.order.first().copied().filter(|_| self.is_replanted.get())
    }

    /// What branches, tags and `HEAD` lead to besides, and the events in it.
    fn beyond(&self) -> Result<&(Stretch, HashSet<EventId>), GitError> {
        if self.beyond.get().is_none() {
            let mut stretch = Stretch::default();
            let mut tips: Vec<Oid> = self.repo.read_ref("HEAD")?.into_iter().collect();
            for prefix in ["refs/heads/", "refs/remotes/", "refs/tags/"] {
                tips.extend(self.repo.list_refs(prefix)?.into_iter().map(|(_, id)| id));
            }
            for tip in tips {
                let Some(commit) = self.repo.peeled(tip)? else { continue };
                stretch.add(self.repo, commit, Some(self.walked))?;
            }
            let mut events = HashSet::new();
            for commit in &stretch.order {
                let (told, _) = message::events(&self.repo.commit(*commit)?.message);
                events.extend(told.into_iter().filter_map(|event| event.id));
            }
            let _already = self.beyond.set((stretch, events));
        }
        Ok(self.beyond.get().expect("set above"))
    }

    fn whence(&self, record: &Record) -> Result<Whence, GitError> {
        let Some(point) = &record.board else { return Ok(Whence::Unnamed) };
        let Ok(commit) = Oid::from_hex(point.commit.as_bytes()) else { return Ok(Whence::Unnamed) };
        let event = record.event.as_ref().and_then(|event| event.id.as_ref());
        let carries = self.carries(commit, event)?;
        if self.walked.members.contains(&commit) {
            return Ok(Whence::Told { carries });
        }
        let (stretch, events) = self.beyond()?;
        if stretch.members.contains(&commit) || event.is_some_and(|event| events.contains(event)) {
            return Ok(Whence::Told { carries });
        }
        if self.is_before_removal(commit)? {
            return Ok(Whence::Told { carries });
        }
        let is_announced = self.under_way.as_ref().is_some_and(|intent| intent.makes(commit));
        let branch = match &point.branch {
            Some(name) => self.repo.read_ref(&format!("refs/heads/{name}"))?.map(|tip| (name.clone(), tip)),
            None => None,
        };
        let branch = match (branch, &record.key) {
            (Some((name, tip)), RecordKey::Claim(id)) => Some((name, self.task(tip, *id)?)),
            (Some(_) | None, _) => None,
        };
        Ok(Whence::Lost { is_announced, branch, carries })
    }

    /// Whether a commit carries an event; none if the commit is not there.
    fn carries(&self, commit: Oid, event: Option<&EventId>) -> Result<Option<bool>, GitError> {
        if let Some(known) = self.batches.borrow().get(&commit) {
            return Ok(Some(event.is_some_and(|event| known.contains(event))));
        }
        let Some(found) = self.repo.find_commit(commit)? else { return Ok(None) };
        let (events, _) = message::events(&found.message);
        let ids: HashSet<EventId> = events.into_iter().filter_map(|told| told.id).collect();
        let carries = event.is_some_and(|event| ids.contains(event));
        if ids.len() > 1 {
            self.batches.borrow_mut().insert(commit, ids);
        }
        Ok(Some(carries))
    }

    fn task(&self, tip: Oid, id: TaskId) -> Result<Option<Box<Task>>, GitError> {
        let Some(entry) = self.repo.entry_at(self.repo.tree_of(tip)?, &path::of_task(id))? else {
            return Ok(None);
        };
        let bytes = self.repo.blob(entry.id)?;
        Ok(codec::task::decode(&bytes, id).ok().map(Box::new))
    }
}

/// A record that was read, with what its commit says besides.
struct Read {
    record: Record,
    /// What no command of ours makes of a record.
    oddities: Vec<String>,
    author: Option<String>,
    is_import: bool,
    parent: Option<Oid>,
}

/// What a ref is about, as far as its name tells.
fn key_of(name: &str) -> RecordKey {
    let claimed = ref_name::claimed_task(name).map(RecordKey::Claim);
    claimed.or_else(|| ref_name::lock(name)).unwrap_or_else(|| ref_name::unnamed_lock(name))
}

/// What is told of a ref whose record can't be read at all.
fn lost(name: String, why: String) -> Link {
    let (key, commit) = (key_of(&name), String::new());
    let (before, whence) = (Before::Unknown, Whence::Unnamed);
    let record = unreadable(key, why);
    let oddities = Vec::new();
    Link { name, commit, record, oddities, author: None, is_import: false, is_latest: true, before, whence }
}

/// The record in a commit of the chain `name`; none if the commit is not there.
fn read(repo: &Repo, name: &str, id: Oid) -> Result<Option<Read>, GitError> {
    let commit = match repo.find_commit(id) {
        Ok(Some(commit)) => commit,
        Ok(None) => return Ok(None),
        Err(error) if error.is_of_object() => {
            let record = unreadable(key_of(name), error.to_string());
            let oddities = Vec::new();
            return Ok(Some(Read { record, oddities, author: None, is_import: false, parent: None }));
        }
        Err(other) => return Err(other),
    };
    let claimed = ref_name::claimed_task(name).map(RecordKey::Claim);
    let decoded = record::decode(&commit.message, claimed.as_ref(), &id.to_string());
    let is_of_this = |record: &Record| ref_name::of(&record.key) == name;
    let record = decoded
        .filter(is_of_this)
        .unwrap_or_else(|| unreadable(key_of(name), "it is not about what its ref is named after"));
    let author = (!message::is_of_several(&commit.message)).then_some(commit.author.name);
    let is_import = message::is_import(&commit.message);
    let mut oddities = Vec::new();
    if commit.parents.len() > 1 {
        oddities.push(format!("it has {} parents, and a record follows one", commit.parents.len()));
    }
    if commit.tree != repo.empty_tree() {
        oddities.push("it has files, and a record has none".to_owned());
    }
    let told = message::events(&commit.message).0.len();
    if told > 1 {
        oddities.push(format!("it carries {told} events, and a record carries one"));
    }
    Ok(Some(Read { record, oddities, author, is_import, parent: commit.parents.first().copied() }))
}

/// What is told of events by the archive, and then by the refs of claims: of two that tell of the same, the last is
/// right. The archive knows of a claim only what it was when it was put there.
pub(crate) fn each_testimony(repo: &Repo, take: &mut dyn FnMut(Testimony)) -> Result<(), GitError> {
    let prior = |record: &Record| Prior { standing: record.standing.clone(), epoch: record.epoch };
    let mut older = repo.empty_tree();
    let trees = match archive_trees(repo) {
        // That it can't be read is told with its records.
        Err(error) if records::is_unreadable(&error) => Vec::new(),
        trees => trees?,
    };
    for tree in trees {
        for (id, before, after) in differing(repo, older, tree)? {
            let Some(after) = after else { continue };
            let record = decoded(repo, id, &after)?;
            if let Some(said) = Saying::of(&record, true) {
                take(Testimony::Said(id, said));
            }
            let Some(event) = record.event else { continue };
            take(Testimony::Archived(id, event.ts));
            if let (Some(before), Some(event)) = (before, event.id) {
                take(Testimony::Prior(event, prior(&decoded(repo, id, &before)?)));
            }
        }
        older = tree;
    }
    for (name, tip) in repo.list_refs(ref_name::CLAIMS)? {
        let mut next = read(repo, &name, tip)?;
        while let Some(later) = next {
            if let (RecordKey::Claim(id), Some(said)) = (&later.record.key, Saying::of(&later.record, false))
            {
                take(Testimony::Said(*id, said));
            }
            let Some(parent) = later.parent else { break };
            next = read(repo, &name, parent)?;
            if let (Some(earlier), Some(id)) = (&next, later.record.event.and_then(|event| event.id)) {
                take(Testimony::Prior(id, prior(&earlier.record)));
            }
        }
    }
    Ok(())
}

/// Every record: of the archive, of claims, of locks; each chain from its end.
pub(crate) fn each_link(
    repo: &Repo,
    reachable: &Reachable<'_>,
    take: &mut dyn FnMut(Link),
) -> Result<(), GitError> {
    archived(repo, reachable, take)?;
    for prefix in [ref_name::CLAIMS, ref_name::LOCKS] {
        for (name, target) in repo.list_all_refs(prefix)? {
            let tip = match target {
                Target::Object(tip) => tip,
                Target::Symbolic => {
                    take(lost(name, "its ref is a symbolic ref".to_owned()));
                    continue;
                }
                Target::Bad(why) => {
                    take(lost(name, format!("of its ref: {why}")));
                    continue;
                }
            };
            let (mut at, mut is_latest) = (tip, true);
            let mut next = match read(repo, &name, tip) {
                Ok(None) => {
                    take(lost(name, format!("its commit {tip} is missing")));
                    continue;
                }
                read => read?,
            };
            while let Some(Read { record, oddities, author, is_import, parent }) = next {
                next = match parent {
                    Some(parent) => read(repo, &name, parent)?,
                    None => None,
                };
                let before = match (&next, parent) {
                    (Some(earlier), _) => Before::Record(Box::new(earlier.record.clone())),
                    (None, Some(parent)) => Before::Missing(parent.to_string()),
                    (None, None) => Before::Nothing,
                };
                let whence = reachable.whence(&record)?;
                let commit = at.to_string();
                take(Link {
                    name: name.clone(),
                    commit,
                    record,
                    oddities,
                    author,
                    is_import,
                    is_latest,
                    before,
                    whence,
                });
                at = parent.unwrap_or(at);
                is_latest = false;
            }
        }
    }
    Ok(())
}

/// The records of the archive, each where it was put there or changed.
fn archived(repo: &Repo, reachable: &Reachable<'_>, take: &mut dyn FnMut(Link)) -> Result<(), GitError> {
    let trees = match archive_trees(repo) {
        Err(error) if records::is_unreadable(&error) => {
            take(lost(ref_name::ARCHIVE.to_owned(), error.to_string()));
            return Ok(());
        }
        trees => trees?,
    };
    let mut trees = trees.into_iter().peekable();
    let mut older = repo.empty_tree();
    while let Some(tree) = trees.next() {
        let is_latest = trees.peek().is_none();
        for (id, before, after) in differing(repo, older, tree)? {
            let (record, before) = match &after {
                Some(after) => (decoded(repo, id, after)?, before),
                None => (unreadable(RecordKey::Claim(id), "it was taken out of the archive"), None),
            };
            let before = match before {
                Some(before) => Before::Record(Box::new(decoded(repo, id, &before)?)),
                None => Before::Unknown,
            };
            let whence = reachable.whence(&record)?;
            let name = format!("{}:{id}", ref_name::ARCHIVE);
            let (commit, author) = (String::new(), None);
            let is_held = matches!(record.standing, Standing::Held { .. });
            let oddities = is_held.then(|| "it is held, and only what is over is archived".to_owned());
            let oddities = oddities.into_iter().collect();
            take(Link {
                name,
                commit,
                record,
                oddities,
                author,
                is_import: false,
                is_latest,
                before,
                whence,
            });
        }
        older = tree;
    }
    // What was given back stands there twice.
    let Some(free) = repo.entry_at(older, FREE)? else { return Ok(()) };
    for entry in repo.entries(free.id)? {
        let Some(id) = TaskId::parse(&entry.name) else { continue };
        let whole = repo.entry_at(older, &format!("{}/{id}", &id.as_str()[..2]))?;
        if whole.map(|whole| whole.id) != Some(entry.id) {
            let why = "what is listed as given back is not the record of the task";
            take(Link {
                name: format!("{}:{FREE}/{id}", ref_name::ARCHIVE),
                commit: String::new(),
                record: unreadable(RecordKey::Claim(id), why),
                oddities: Vec::new(),
                author: None,
                is_import: false,
                is_latest: true,
                before: Before::Unknown,
                whence: Whence::Unnamed,
            });
        }
    }
    Ok(())
}

/// What the archive was, from its beginning on.
fn archive_trees(repo: &Repo) -> Result<Vec<Oid>, GitError> {
    let mut trees = Vec::new();
    // The tip is read as whoever asks the archive reads it, so that both say the same of it.
    archive::tree(repo)?;
    let mut next = repo.read_own_ref(ref_name::ARCHIVE)?;
    while let Some(id) = next {
        let commit = match repo.commit(id) {
            Ok(commit) => commit,
            Err(GitError::Beyond { .. }) => break,
            Err(other) => return Err(other),
        };
        trees.push(commit.tree);
        next = commit.parents.first().copied();
    }
    trees.reverse();
    Ok(trees)
}

fn decoded(repo: &Repo, id: TaskId, entry: &Entry) -> Result<Record, GitError> {
    let text = String::from_utf8_lossy(&repo.blob(entry.id)?).into_owned();
    let key = RecordKey::Claim(id);
    let found = record::decode(&text, Some(&key), "");
    Ok(found.unwrap_or_else(|| unreadable(key, "nothing that could be a record")))
}

type Differing = Vec<(TaskId, Option<Entry>, Option<Entry>)>;

/// The archived claims that differ between two trees of the archive.
fn differing(repo: &Repo, older: Oid, newer: Oid) -> Result<Differing, GitError> {
    let mut found = Vec::new();
    let before = repo.entries(older)?;
    let after = repo.entries(newer)?;
    let mut names: Vec<&String> = before.iter().chain(&after).map(|entry| &entry.name).collect();
    names.sort();
    names.dedup();
    for name in names.into_iter().filter(|name| *name != FREE) {
        let shard =
            |entries: &[Entry]| entries.iter().find(|entry| entry.name == *name).map(|entry| entry.id);
        let (one, two) = (shard(&before), shard(&after));
        if one == two {
            continue;
        }
        let list = |shard: Option<Oid>| shard.map_or_else(|| Ok(Vec::new()), |id| repo.entries(id));
        let (one, two) = (list(one)?, list(two)?);
        for entry in &two {
            let earlier = one.iter().find(|earlier| earlier.name == entry.name);
            let Some(id) = TaskId::parse(&entry.name).filter(|_| earlier != Some(entry)) else { continue };
            found.push((id, earlier.cloned(), Some(entry.clone())));
        }
        for entry in one.iter().filter(|entry| !two.iter().any(|later| later.name == entry.name)) {
            found.extend(TaskId::parse(&entry.name).map(|id| (id, Some(entry.clone()), None)));
        }
    }
    Ok(found)
}

/// The events of commits that the log of a branch names and no ref leads to, unless they are elsewhere.
pub(crate) fn lost_events(
    repo: &Repo,
    branch: &str,
    reachable: &Reachable<'_>,
    take: &mut dyn FnMut(LostEvent) -> Result<(), GitError>,
) -> Result<(), GitError> {
    let mut seen = HashSet::new();
    for tip in repo.reflog(branch)? {
        if reachable.walked.members.contains(&tip) || !seen.insert(tip) {
            continue;
        }
        let (beyond, events) = reachable.beyond()?;
        if beyond.members.contains(&tip) || reachable.is_before_removal(tip)? {
            continue;
        }
        let mut gone = Stretch::default();
        gone.add(repo, tip, Some(reachable.walked))?;
        for commit in gone.order.iter().filter(|commit| !beyond.members.contains(*commit)) {
            if reachable.is_before_removal(*commit)? {
                continue;
            }
            let (told, _) = message::events(&repo.commit(*commit)?.message);
            let lost =
                told.into_iter().filter(|event| event.id.as_ref().is_some_and(|id| !events.contains(id)));
            for event in lost {
                take(LostEvent { commit: commit.to_string(), event, is_made_by_others: false })?;
            }
        }
    }
    Ok(())
}
