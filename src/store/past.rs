//! The past of single entities, and what single commits did.
//!
//! Which commits speak of an entity is told by the index of the log ([`Annals`]): of a task, exactly those that name it;
//! of anything else, those of the few actions that may. Only they are read. What a commit made of an entity is the
//! difference of its file to the first parent's.

use crate::codec::{self, message, path, ref_name};
use crate::git::{Commit, GitError, Oid, Repo, Sight, Veil, unreadable_ref};
use crate::model::{
    Action, Code, Deed, Entity, EntityKey, Event, Known, Named, Origin, Passage, Past, RecordKey, Refusal,
    Resource, Version,
};

use super::annals::{self, Annals, Entry, mark_of_action};
use super::graph::number_of;
use super::log::Attempt;
use super::records::{self, When};
use super::refusal_of;

/// How many events a word may mean before no more are looked for.
const CANDIDATES: usize = 9;

/// What each commit made of one entity, oldest first.
pub(super) fn past(repo: &Repo, annals: &Annals<'_>, of: &EntityKey, when: When) -> Attempt<Past> {
    if let EntityKey::Lock(resource) = of {
        return Ok(Ok(Past { passages: of_lock(repo, resource, when)?, is_cut: false }));
    }
    let marks: Vec<u32> = actions(of).iter().map(|action| mark_of_action(action.word())).collect();
    let edited = mark_of_action(Action::BoardEdited.word());
    let may_speak = |entry: &Entry| match of {
        EntityKey::Task(id) => entry.task() == Some(*id) || entry.may_be(edited),
        _ => marks.iter().any(|mark| entry.may_be(*mark)),
    };
    let mut entries: Vec<Entry> = Vec::new();
    let told = annals.each(&mut |entry| {
        if may_speak(entry) {
            entries.push(*entry);
        }
        true
    });
    if let Err(broken) = told {
        return Ok(Err(broken));
    }
    let path = path_of(of);
    prefetch(repo, &entries, &path)?;
    let mut passages: Vec<Passage> = Vec::new();
    let mut last: Option<(Commit, Vec<Event>)> = None;
    for entry in entries.iter().rev() {
        if last.as_ref().is_none_or(|(commit, _)| commit.id != entry.commit) {
            let commit = repo.commit(entry.commit)?;
            let events = annals::events_of(repo, &commit)?;
            last = Some((commit, events));
        }
        let Some((commit, events)) = &last else { continue };
        let Some(event) = events.get(entry.place()).filter(|event| speaks(event, of, &path)) else {
            continue;
        };
        let hex = commit.id.to_string();
        let mut events = match passages.pop_if(|passage| passage.commit == hex) {
            Some(passage) => passage.events,
            None => Vec::new(),
        };
        events.push(event.clone());
        // The coming and going of a workstream's tasks changes nothing in its own file.
        let is_own = events.iter().any(|event| matches!(of, EntityKey::Task(_)) || event.task_id().is_none());
        passages.push(match is_own {
            true => passage(repo, commit, of, events)?,
            false => Passage { commit: hex, events, before: Known::Absent, after: Known::Absent },
        });
    }
    Ok(Ok(Past { passages, is_cut: annals.is_cut }))
}

/// In a partial clone: fetches all versions of a file at once.
fn prefetch(repo: &Repo, entries: &[Entry], path: &str) -> Result<(), GitError> {
    if !repo.is_partial() {
        return Ok(());
    }
    let mut trees = Vec::new();
    for entry in entries {
        let commit = repo.commit(entry.commit)?;
        trees.push(commit.tree);
        if let Some(parent) = commit.parents.first() {
            match repo.tree_of(*parent) {
                Ok(tree) => trees.push(tree),
                Err(GitError::Beyond { .. }) => {}
                Err(other) => return Err(other),
            }
        }
    }
    repo.prefetch(trees.iter().copied());
    let versions = trees.iter().filter_map(|tree| repo.entry_at(*tree, path).ok().flatten());
    repo.prefetch(versions.map(|entry| entry.id));
    Ok(())
}

/// The actions whose events may speak of an entity that the index does not name.
fn actions(of: &EntityKey) -> &'static [Action] {
    match of {
        EntityKey::Workstream(_) => &[
            Action::WorkstreamCreated,
            Action::WorkstreamUpdated,
            Action::WorkstreamDeleted,
            Action::TaskCreated,
            Action::TaskUpdated,
            Action::TaskDeleted,
            Action::BoardEdited,
        ],
        EntityKey::Agent(_) => &[Action::AgentRegistered, Action::AgentDeleted, Action::BoardEdited],
        EntityKey::Knowledge(_) => &[Action::KnowledgeWritten, Action::KnowledgeDeleted, Action::BoardEdited],
        EntityKey::Task(_) | EntityKey::Lock(_) => &[],
    }
}

/// Whether an event is about the entity, whose file is at `path`. Of a workstream the coming and going of its tasks
/// is told too.
fn speaks(event: &Event, of: &EntityKey, path: &str) -> bool {
    if event.action == Action::BoardEdited {
        return event.text("path") == Some(path);
    }
    match of {
        EntityKey::Task(id) => event.task_id() == Some(*id),
        EntityKey::Workstream(name) if event.task_id().is_some() => {
            let is_here = event.text("workstream") == Some(name.as_str());
            match (&event.action, event.text("from_workstream")) {
                (Action::TaskUpdated, from) => from.is_some_and(|from| is_here || from == name.as_str()),
                _ => is_here,
            }
        }
        EntityKey::Workstream(_) | EntityKey::Agent(_) | EntityKey::Knowledge(_) | EntityKey::Lock(_) => {
            EntityKey::of(event).as_ref() == Some(of)
        }
    }
}

fn path_of(of: &EntityKey) -> String {
    match of {
        EntityKey::Task(id) => path::of_task(*id),
        EntityKey::Workstream(name) => path::of_workstream(name),
        EntityKey::Agent(id) => path::of_agent(id),
        EntityKey::Knowledge(topic) => path::of_knowledge(topic),
        EntityKey::Lock(_) => String::new(),
    }
}

fn passage(repo: &Repo, commit: &Commit, of: &EntityKey, events: Vec<Event>) -> Result<Passage, GitError> {
    let before = match commit.parents.first() {
        Some(parent) => match repo.tree_of(*parent) {
            Ok(tree) => version(repo, tree, of)?,
            // Beyond the edge of a shallow clone.
            Err(error) if error.is_of_object() || matches!(error, GitError::Beyond { .. }) => unknown(error),
            Err(other) => return Err(other),
        },
        None => Known::Absent,
    };
    let after = version(repo, commit.tree, of)?;
    Ok(Passage { commit: commit.id.to_string(), events, before, after })
}

/// What can't be told, and why.
fn unknown(error: GitError) -> Known {
    Known::Unknown(Box::new(refusal_of(error)))
}

/// The entity as a tree has it.
fn version(repo: &Repo, tree: Oid, of: &EntityKey) -> Result<Known, GitError> {
    let path = path_of(of);
    let damaged = |at: &str| {
        Known::Unknown(Box::new(Refusal::new(Code::Transition, format!("`{at}` was damaged then"))))
    };
    let found = match repo.look(tree, &path) {
        Ok(Sight::Here(entry)) => repo.blob(entry.id).map_err(|error| error.at(&path)),
        Ok(Sight::Absent) => return Ok(Known::Absent),
        // A link in the place of a directory, say, hides whether it was there.
        Ok(Sight::Hidden { at, by: Veil::Kind(_) | Veil::Twice }) => return Ok(damaged(&at)),
        Ok(Sight::Hidden { at, by: Veil::Tree(error) }) => Err(error.at(&at)),
        Err(error) => Err(error),
    };
    let bytes = match found {
        Ok(bytes) => bytes,
        Err(error) if error.is_of_object() => return Ok(unknown(error)),
        Err(other) => return Err(other),
    };
    let entity = match of {
        EntityKey::Task(id) => codec::task::decode(&bytes, *id).ok().map(|task| Entity::Task(Box::new(task))),
        EntityKey::Workstream(name) => codec::workstream::decode(&bytes, name).ok().map(Entity::Workstream),
        EntityKey::Agent(id) => codec::agent::decode(&bytes, id).ok().map(Entity::Agent),
        EntityKey::Knowledge(topic) => codec::knowledge::decode(&bytes, topic).ok().map(Entity::Knowledge),
        EntityKey::Lock(_) => None,
    };
    let below = path.strip_prefix(path::BOARD).map(|rest| rest.trim_start_matches('/').to_owned());
    Ok(match entity.zip(String::from_utf8(bytes).ok()).zip(below) {
        Some(((entity, text), path)) => Known::There(Version { entity, path, text }),
        None => damaged(&path),
    })
}

/// The records of a lock, as far back as its chain goes.
fn of_lock(repo: &Repo, resource: &Resource, when: When) -> Result<Vec<Passage>, GitError> {
    let key = RecordKey::Lock(resource.clone());
    let mut passages = Vec::new();
    // What the ref of a damaged lock says is no past; its log is told by `lock show`.
    let mut next =
        repo.read_own_ref_or_bad(&ref_name::of(&key))?.filter(|commit| *commit != unreadable_ref());
    while let Some(commit) = next {
        let Some(read) = records::read(repo, commit, Some(&key))? else { break };
        next = read.parent;
        let Some(event) = read.record.event.filter(|event| when.has_seen(event.ts)) else { continue };
        let commit = commit.to_string();
        passages.push(Passage { commit, events: vec![event], before: Known::Absent, after: Known::Absent });
    }
    passages.reverse();
    Ok(passages)
}

/// What a word may mean: events and commits whose ids begin with it, newest first.
pub(super) fn named(repo: &Repo, annals: &Annals<'_>, word: &str, when: When) -> Attempt<Vec<Named>> {
    let digits: String = word.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Ok(Vec::new()));
    }
    let (mut events, mut commits): (Vec<Entry>, Vec<Oid>) = (Vec::new(), Vec::new());
    let told = annals.each(&mut |entry| {
        if entry.begins_with(&digits) {
            events.push(*entry);
        }
        if commits.last() != Some(&entry.commit) && entry.commit.to_string().starts_with(&digits) {
            commits.push(entry.commit);
        }
        events.len() + commits.len() < CANDIDATES
    });
    if let Err(broken) = told {
        return Ok(Err(broken));
    }
    let mut found = Vec::new();
    for entry in events {
        let commit = repo.commit(entry.commit)?;
        let event = annals::events_of(repo, &commit)?.into_iter().nth(entry.place());
        found.extend(event.map(|event| Named::Event { commit: commit.id.to_string(), event }));
    }
    found.extend(commits.into_iter().map(|commit| Named::Commit(commit.to_string())));
    if found.is_empty() {
        for record in records::locks(repo, when)? {
            let RecordKey::Lock(resource) = &record.key else { continue };
            let events = of_lock(repo, resource, when)?.into_iter().flat_map(|passage| passage.events);
            found.extend(events.filter(|event| begins(event, &digits)).map(Named::OfLock));
        }
    }
    Ok(Ok(found))
}

fn begins(event: &Event, digits: &str) -> bool {
    event.id.as_ref().is_some_and(|id| format!("{:032x}", number_of(id)).starts_with(digits))
}

/// All that a commit did to the board; none if there is no such commit.
pub(super) fn deed(repo: &Repo, commit: &str) -> Result<Option<Deed>, GitError> {
    let Ok(id) = Oid::from_hex(commit.as_bytes()) else { return Ok(None) };
    let Some(commit) = repo.find_commit(id)? else { return Ok(None) };
    let origin = if message::values(&commit.message, message::IMPORT).next().is_some() {
        Origin::Import
    } else if commit.parents.len() > 1 {
        Origin::Merge
    } else if message::is_ours(&commit.message) {
        Origin::Mutation
    } else {
        Origin::Foreign
    };
    let mut deed = Deed { commit: id.to_string(), origin, parts: Vec::new(), loose: Vec::new() };
    if origin == Origin::Import {
        return Ok(Some(deed));
    }
    let events = annals::events_of(repo, &commit)?;
    let before = match commit.parents.first() {
        Some(parent) => Some(repo.tree_of(*parent)?),
        None => None,
    };
    let mut keys: Vec<EntityKey> = Vec::new();
    for change in repo.diff_trees(before, commit.tree, path::BOARD)? {
        keys.extend(match path::place(&change.path) {
            path::Place::Task(id) => Some(EntityKey::Task(id)),
            path::Place::Workstream(name) => Some(EntityKey::Workstream(name)),
            path::Place::Agent(id) => Some(EntityKey::Agent(id)),
            path::Place::Knowledge(topic) => Some(EntityKey::Knowledge(topic)),
            path::Place::Furniture | path::Place::Stray => None,
        });
    }
    for event in &events {
        if EntityKey::of(event).is_none_or(|key| !keys.contains(&key)) {
            deed.loose.push(event.clone());
        }
    }
    for key in keys {
        let about = events.iter().filter(|event| EntityKey::of(event).as_ref() == Some(&key)).cloned();
        let passage = passage(repo, &commit, &key, about.collect())?;
        deed.parts.push((key, passage));
    }
    Ok(Some(deed))
}
