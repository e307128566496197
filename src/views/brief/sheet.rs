//! What a template is given: every text quoted already, the most relevant first.

use std::borrow::Cow;

use serde::Serialize;

use crate::model::{Event, Knowledge, Landing, SeenTask, Status, TaskId, grouped};
use crate::views::document::LockDocument;
use crate::views::material::Material;
use crate::views::named::{self, Named};
use crate::views::quote;

/// How many documents, tasks of others and locks a brief tells of at most.
const KNOWLEDGE: usize = 8;
const OTHERS: usize = 12;
const LOCKS: usize = 12;
const FILES: usize = 6;
/// How many dependencies and labels: a task may have thousands.
const DEPENDENCIES: usize = 40;
const LABELS: usize = 40;
/// Of how many characters a description or a reason is never cut away, whatever the budget.
const LEAST: usize = 500;

/// The values of a template. The names of its fields are what templates of boards use: they are frozen.
#[derive(Serialize)]
pub(super) struct Sheet<'a> {
    task: Cow<'a, TaskPart>,
    workstream: WorkstreamPart<'a>,
    dependencies: Vec<DependencyPart<'a>>,
    knowledge: &'a [KnowledgePart],
    events: Vec<&'a EventPart>,
    others: &'a [OtherPart],
    locks: &'a [LockPart],
    left_out: Vec<String>,
}

#[derive(Clone, Serialize)]
struct TaskPart {
    id: String,
    title: String,
    status: &'static str,
    priority: i64,
    estimate: Option<String>,
    labels: Vec<String>,
    description: Option<String>,
    reason: Option<String>,
    assigned_to: Option<String>,
    waiting: usize,
}

#[derive(Serialize)]
struct WorkstreamPart<'a> {
    name: &'a str,
    description: Option<&'a str>,
}

/// A fenced text that may be dropped, with the length of what is in the fence.
struct Block {
    text: String,
    characters: usize,
}

impl Block {
    fn of(text: &str) -> Option<Self> {
        let characters = text.chars().count();
        block(text).map(|text| Self { text, characters })
    }
}

struct Dependency {
    id: String,
    title: Option<String>,
    status: &'static str,
    landed: bool,
    branch: Option<String>,
    result: Option<Block>,
}

#[derive(Serialize)]
struct DependencyPart<'a> {
    id: &'a str,
    title: Option<&'a str>,
    status: &'static str,
    landed: bool,
    branch: Option<&'a str>,
    result: Option<&'a str>,
}

#[derive(Serialize)]
struct KnowledgePart {
    topic: String,
    updated_by: Option<String>,
    updated_at: Option<String>,
    text: String,
    #[serde(skip)]
    length: usize,
}

#[derive(Serialize)]
struct EventPart {
    ts: String,
    agent: String,
    action: String,
    what: String,
}

#[derive(Serialize)]
struct OtherPart {
    id: String,
    workstream: String,
    title: String,
    agent: String,
    since: Option<String>,
    names: Vec<String>,
    shared: Vec<String>,
}

#[derive(Serialize)]
struct LockPart {
    resource: String,
    agent: Option<String>,
    expires_at: Option<String>,
}

/// All that could be told, before anything is dropped.
pub(super) struct Parts {
    task: TaskPart,
    /// The texts of the task itself: its description, and why it is as it is.
    description: String,
    reason: String,
    workstream: String,
    workstream_description: Option<Block>,
    dependencies: Vec<Dependency>,
    knowledge: Vec<KnowledgePart>,
    events: Vec<EventPart>,
    others: Vec<OtherPart>,
    locks: Vec<LockPart>,
    /// What did not even come this far.
    beyond: Vec<String>,
}

/// How much of each kind is told.
struct Kept {
    events: usize,
    knowledge: usize,
    locks: usize,
    others: usize,
    description: usize,
    results: usize,
}

impl Parts {
    pub(super) fn gather(material: &Material, seen: &SeenTask) -> Self {
        let mut beyond = Vec::new();
        let topics = material.relevance.relevant(&seen.task);
        if topics.len() > KNOWLEDGE {
            beyond.push(format!("knowledge: {} less relevant topics", topics.len() - KNOWLEDGE));
        }
        let others = others(material, seen, &mut beyond);
        if material.locks.len() > LOCKS {
            beyond.push(format!("locks: {} more", material.locks.len() - LOCKS));
        }
        if seen.task.labels.len() > LABELS {
            beyond.push(format!("labels: {} more", grouped(seen.task.labels.len() - LABELS)));
        }
        let mut dependencies: Vec<(TaskId, Option<&SeenTask>)> =
            seen.task.depends_on.iter().map(|id| (*id, material.task(*id))).collect();
        if dependencies.len() > DEPENDENCIES {
            beyond.push(format!("dependencies: {} more", grouped(dependencies.len() - DEPENDENCIES)));
            // What the task still waits for matters most.
            dependencies.sort_by_key(|(_, seen)| seen.is_some_and(SeenTask::is_landed_done));
            dependencies.truncate(DEPENDENCIES);
        }
        let workstream = material.workstreams.iter().find(|one| one.name == seen.task.workstream);
        let events = material.recent(seen.task.workstream.as_str()).map(|event| EventPart {
            ts: event.ts.to_string(),
            agent: quote::name(&event.agent),
            action: quote::name(event.action.word()),
            what: what(material, event),
        });
        Self {
            task: task_part(material, seen),
            workstream: seen.task.workstream.to_string(),
            workstream_description: workstream.and_then(|one| Block::of(&one.description)),
            description: seen.task.description.clone(),
            reason: seen.task.status.reason().unwrap_or_default().to_owned(),
            dependencies: dependencies.into_iter().map(|(id, seen)| dependency(id, seen)).collect(),
            knowledge: topics
                .into_iter()
                .take(KNOWLEDGE)
                .map(|at| knowledge(&material.knowledge[at]))
                .collect(),
            events: events.collect(),
            others,
            locks: material.locks.iter().take(LOCKS).map(lock).collect(),
            beyond,
        }
    }

    fn results(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|one| one.result.is_some())
    }

    /// How many things can be dropped.
    pub(super) fn droppable(&self) -> usize {
        self.events.len()
            + self.knowledge.len()
            + self.locks.len()
            + self.others.len()
            + usize::from(self.workstream_description.is_some())
            + self.results().count()
    }

    /// About the number of bytes of a sheet.
    pub(super) fn size(&self) -> usize {
        let texts = self.knowledge.iter().map(|one| one.text.len());
        let blocks = self.results().filter_map(|one| one.result.as_ref()).chain(&self.workstream_description);
        let own = [&self.task.description, &self.task.reason].into_iter().flatten();
        texts.chain(blocks.map(|block| block.text.len())).chain(own.map(String::len)).sum()
    }

    fn kept(&self, mut dropped: usize) -> Kept {
        let mut keep = |all: usize| {
            let lost = dropped.min(all);
            dropped -= lost;
            all - lost
        };
        Kept {
            events: keep(self.events.len()),
            knowledge: keep(self.knowledge.len()),
            locks: keep(self.locks.len()),
            others: keep(self.others.len()),
            description: keep(usize::from(self.workstream_description.is_some())),
            results: keep(self.results().count()),
        }
    }

    /// How many characters the longest text of the task itself has, if that is more than must be told.
    pub(super) fn longest(&self) -> Option<usize> {
        let lengths = [&self.description, &self.reason].map(|text| text.chars().count());
        lengths.into_iter().max().filter(|longest| *longest > LEAST)
    }

    /// The fewest characters of such a text that are told.
    pub(super) const LEAST: usize = LEAST;

    /// The task, with no text of more than `most` characters.
    fn task(&self, most: Option<usize>) -> Cow<'_, TaskPart> {
        let Some(most) = most else { return Cow::Borrowed(&self.task) };
        Cow::Owned(TaskPart {
            description: block(beginning(&self.description, most)),
            reason: block(beginning(&self.reason, most)),
            ..self.task.clone()
        })
    }

    /// What a template is given when so many things are dropped, and the task's own texts have at most `most` characters.
    pub(super) fn sheet(&self, dropped: usize, most: Option<usize>) -> Sheet<'_> {
        let kept = self.kept(dropped);
        let mut results = kept.results;
        let dependencies = self.dependencies.iter().map(|one| {
            let told = one.result.as_ref().map(|block| block.text.as_str()).filter(|_| results > 0);
            results -= usize::from(told.is_some());
            DependencyPart {
                id: &one.id,
                title: one.title.as_deref(),
                status: one.status,
                landed: one.landed,
                branch: one.branch.as_deref(),
                result: told,
            }
        });
        let description = self.workstream_description.as_ref().map(|block| block.text.as_str());
        Sheet {
            task: self.task(most),
            dependencies: dependencies.collect(),
            workstream: WorkstreamPart {
                name: &self.workstream,
                description: description.filter(|_| kept.description > 0),
            },
            knowledge: &self.knowledge[..kept.knowledge],
            events: self.events[..kept.events].iter().rev().collect(),
            others: &self.others[..kept.others],
            locks: &self.locks[..kept.locks],
            left_out: self.left_out(dropped, most),
        }
    }

    /// What is left out when so many things are dropped, and texts cut.
    pub(super) fn left_out(&self, dropped: usize, most: Option<usize>) -> Vec<String> {
        let kept = self.kept(dropped);
        let mut out = Vec::new();
        for (what, text) in [("description", &self.description), ("reason", &self.reason)] {
            let length = text.chars().count();
            if let Some(most) = most.filter(|most| length > *most) {
                out.push(format!("{what}: its last {} of {}", grouped(length - most), characters(length)));
            }
        }
        for one in self.results().skip(kept.results) {
            let length = one.result.as_ref().map_or(0, |block| block.characters);
            out.push(format!("result: {} ({})", one.id, characters(length)));
        }
        if let Some(block) = self.workstream_description.as_ref().filter(|_| kept.description == 0) {
            out.push(format!("workstream: its description ({})", characters(block.characters)));
        }
        let mut count = |kind: &str, all: usize, kept: usize| {
            if kept < all {
                out.push(format!("{kind}: {} of {all}", all - kept));
            }
        };
        count("work of others", self.others.len(), kept.others);
        count("locks", self.locks.len(), kept.locks);
        for one in &self.knowledge[kept.knowledge..] {
            out.push(format!("knowledge: {} ({})", one.topic, characters(one.length)));
        }
        if kept.events < self.events.len() {
            out.push(format!("events: {} of {}", self.events.len() - kept.events, self.events.len()));
        }
        out.extend(self.beyond.iter().cloned());
        out
    }
}

/// `1,234 characters`
fn characters(count: usize) -> String {
    format!("{} {}", grouped(count), if count == 1 { "character" } else { "characters" })
}

/// The first characters of a text.
fn beginning(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

fn block(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| quote::block(text))
}

fn task_part(material: &Material, seen: &SeenTask) -> TaskPart {
    let task = &seen.task;
    TaskPart {
        id: task.id.to_string(),
        title: quote::span(&task.title),
        status: task.status.word(),
        priority: task.priority.0,
        estimate: task.estimate.as_deref().map(quote::span),
        labels: task.labels.iter().take(LABELS).map(|label| quote::span(label)).collect(),
        description: block(&task.description),
        reason: task.status.reason().and_then(block),
        assigned_to: task.status.holder().map(ToString::to_string),
        waiting: material.waiting(task.id),
    }
}

fn dependency(id: TaskId, seen: Option<&SeenTask>) -> Dependency {
    let branch = seen.and_then(|seen| match &seen.landing {
        Landing::Here => None,
        Landing::Elsewhere { branch, .. } => branch.as_deref().map(quote::name),
    });
    Dependency {
        id: id.to_string(),
        title: seen.map(|seen| quote::span(&seen.task.title)),
        status: seen.map_or("missing", |seen| seen.task.status.word()),
        landed: seen.is_some_and(SeenTask::is_landed_done),
        branch,
        result: seen.and_then(|seen| seen.task.result.as_deref()).and_then(Block::of),
    }
}

fn knowledge(known: &Knowledge) -> KnowledgePart {
    KnowledgePart {
        topic: known.topic.to_string(),
        updated_by: known.updated_by.as_deref().map(quote::name),
        updated_at: known.updated_at.map(|at| at.to_string()),
        text: quote::block(&known.content),
        length: known.content.chars().count(),
    }
}

/// What an event is about: a task with its title, a topic, a resource.
fn what(material: &Material, event: &Event) -> String {
    if let Some(id) = event.task_id() {
        let title = material.task(id).map(|seen| quote::span(&seen.task.title));
        return title.map_or_else(|| id.to_string(), |title| format!("{id} {title}"));
    }
    let thing = ["topic", "resource", "path"].iter().find_map(|field| event.text(field));
    thing.map(quote::name).unwrap_or_default()
}

/// Who else works on what: first those whose tasks name the same things, then those of the workstream.
fn others(material: &Material, seen: &SeenTask, beyond: &mut Vec<String>) -> Vec<OtherPart> {
    let mine = named::named(&seen.task, &material.resources);
    let mut others: Vec<(bool, bool, OtherPart)> = Vec::new();
    for (at, names) in &material.active {
        let other = &material.tasks[*at].task;
        let Status::InProgress(claim) = &other.status else { continue };
        if other.id == seen.task.id {
            continue;
        }
        let shared: Vec<&Named> = names.intersection(&mine).collect();
        let quoted = |names: &mut dyn Iterator<Item = &Named>| -> Vec<String> {
            names.take(FILES).map(|name| quote::span(&name.text())).collect()
        };
        let part = OtherPart {
            id: other.id.to_string(),
            workstream: other.workstream.to_string(),
            title: quote::span(&other.title),
            agent: claim.agent.to_string(),
            since: claim.claimed_at.map(|at| at.to_string()),
            names: quoted(&mut names.iter()),
            shared: quoted(&mut shared.iter().copied()),
        };
        others.push((shared.is_empty(), other.workstream != seen.task.workstream, part));
    }
    others.sort_by_key(|(apart, abroad, _)| (*apart, *abroad));
    if others.len() > OTHERS {
        beyond.push(format!("work of others: {} more", others.len() - OTHERS));
    }
    others.into_iter().take(OTHERS).map(|(_, _, part)| part).collect()
}

fn lock(lock: &LockDocument) -> LockPart {
    LockPart {
        resource: quote::span(&lock.resource),
        agent: lock.agent.clone(),
        expires_at: lock.expires_at.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::characters;

    #[test]
    fn thousands_are_parted() {
        for (count, text) in [
            (0, "0 characters"),
            (1, "1 character"),
            (999, "999 characters"),
            (1_234_567, "1,234,567 characters"),
        ] {
            assert_eq!(characters(count), text);
        }
    }
}
