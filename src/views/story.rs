//! The story of one entity: each change of it in words, with who, when and in which commit.
//!
//! What an event says for itself is its sentence; what the commit changed besides is told field by field, from the
//! one place that compares states. A squash that has several events tells them one after the other, and what came of
//! all of them at the last one.

use serde::{Deserialize, Serialize};

use crate::model::{
    Action, AgentId, Code, Entity, EntityKey, Event, Fault, FieldChange, Known, Passage, Past, Reading,
    Refusal, Resource, TaskId, TaskRef, Topic, Unread, View, WorkstreamName,
};

use super::style::{Text, at_most, cell, dim};
use super::words::{count, moment};
use crate::{add, text};

/// One field, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDocument {
    /// The key in the file; `content` for the text of a document.
    pub field: String,
    /// The value before; `null` where there was none.
    pub old: Option<String>,
    /// The value after; `null` where there is none.
    pub new: Option<String>,
}

impl ChangeDocument {
    fn of(change: FieldChange) -> Self {
        Self { field: change.field.to_owned(), old: change.old, new: change.new }
    }
}

/// One event of the story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// When.
    pub ts: String,
    /// Who.
    pub agent: String,
    /// What, as the log calls it.
    pub action: String,
    /// The same in words.
    pub words: String,
    /// Each field that its commit changed, where this is the commit's last word on the entity.
    pub changes: Vec<ChangeDocument>,
    /// The commit, 40 hex digits: on the board, or of a lock's record.
    pub commit: String,
    /// The event's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The events that it undoes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undoes: Vec<String>,
    /// It was told from the difference of two boards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

/// The story of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Of which.
    pub of: EntityKey,
    /// What people call it: the latest title of a task, else its name.
    pub title: String,
    /// What happened, oldest first.
    pub chapters: Vec<Chapter>,
    /// History is cut off: the beginning is missing.
    pub is_cut: bool,
}

/// The story of an entity; none if nothing is known of it. Costs the commits that speak of it.
pub fn story(view: &dyn View, of: &EntityKey) -> Result<Option<Story>, Fault> {
    let past = view.past(of)?;
    Ok((!past.passages.is_empty()).then(|| told(of, &past)))
}

fn told(of: &EntityKey, past: &Past) -> Story {
    let latest =
        past.passages.iter().rev().find_map(|passage| passage.after.version().or(passage.before.version()));
    let title = match latest.map(|version| &version.entity) {
        Some(Entity::Task(task)) => task.title.clone(),
        Some(Entity::Workstream(_) | Entity::Agent(_) | Entity::Knowledge(_)) | None => String::new(),
    };
    let mut chapters = Vec::new();
    for passage in &past.passages {
        let last = passage.events.len().saturating_sub(1);
        for (at, event) in passage.events.iter().enumerate() {
            let changes = if at == last { passage.changes() } else { Vec::new() };
            let mut words = words(event, of, passage);
            if at == last
                && let Some(why) = passage.unknown()
            {
                words.push_str(&format!(" (what it changed can't be told: {})", why.message));
            }
            for undone in event.undoes() {
                words.push_str(&undone_words(undone, past));
            }
            chapters.push(Chapter {
                ts: event.ts.to_string(),
                agent: event.agent.clone(),
                action: event.action.word().to_owned(),
                words,
                changes: changes.into_iter().map(ChangeDocument::of).collect(),
                commit: passage.commit.clone(),
                id: event.id.as_ref().map(ToString::to_string),
                undoes: event.undoes().map(str::to_owned).collect(),
                derived: event.derived,
            });
        }
    }
    Story { of: of.clone(), title, chapters, is_cut: past.is_cut }
}

/// `, undoing task_claimed of 41be77a`
fn undone_words(id: &str, past: &Past) -> String {
    let mut said =
        past.passages.iter().flat_map(|passage| passage.events.iter().map(move |event| (passage, event)));
    let found = said.find(|(_, event)| event.id.as_ref().is_some_and(|known| known.as_str() == id));
    match found {
        Some((passage, event)) => {
            format!(", undoing {} of {}", event.action.word(), short(&passage.commit))
        }
        None => format!(", undoing {id}"),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// `: reason`, or nothing.
fn because(event: &Event, field: &str) -> String {
    event.text(field).filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default()
}

fn epoch(event: &Event) -> String {
    event.fields.get("epoch").map(|epoch| format!(" (epoch {epoch})")).unwrap_or_default()
}

/// What an event says, in words.
fn words(event: &Event, of: &EntityKey, passage: &Passage) -> String {
    let text = |field: &str| event.text(field).unwrap_or_default();
    if let (EntityKey::Workstream(name), Some(id)) = (of, event.task_id()) {
        return match (&event.action, event.text("from_workstream")) {
            (Action::TaskCreated, _) => format!("task {id} added{}", because(event, "title")),
            (Action::TaskDeleted, _) => format!("task {id} deleted"),
            (_, Some(from)) if from == name.as_str() => format!("task {id} moved to {}", text("workstream")),
            (_, Some(from)) => format!("task {id} moved here from {from}"),
            (_, None) => format!("task {id} updated"),
        };
    }
    let by_force = |field: &str, word: &str| {
        event.text(field).map(|agent| format!(", {word} {agent}")).unwrap_or_default()
    };
    match &event.action {
        Action::WorkstreamCreated => "created".to_owned(),
        Action::TaskCreated => format!("created in {}{}", text("workstream"), because(event, "title")),
        Action::TaskClaimed => {
            format!("claimed{}{}", epoch(event), by_force("taken_from", "taken over from"))
        }
        Action::TaskCompleted => format!("completed{}", because(event, "result")),
        Action::TaskReleased => {
            format!("released{}{}", by_force("released_from", "taken from"), because(event, "reason"))
        }
        Action::TaskBlocked => format!("blocked{}", because(event, "reason")),
        Action::TaskUnblocked => "unblocked".to_owned(),
        Action::TaskCancelled => format!("cancelled{}", because(event, "reason")),
        Action::TaskReopened => match event.text("assigned_to") {
            Some(agent) => format!("reopened, in the hands of {agent}{}", epoch(event)),
            None => "reopened".to_owned(),
        },
        Action::TaskUpdated => match event.text("from_workstream") {
            Some(from) => format!("moved from {from} to {}", text("workstream")),
            None => "updated".to_owned(),
        },
        Action::WorkstreamUpdated => "updated".to_owned(),
        Action::WorkstreamDeleted | Action::TaskDeleted | Action::AgentDeleted | Action::KnowledgeDeleted => {
            "deleted".to_owned()
        }
        Action::AgentRegistered => match event.text("type") {
            Some(kind) => format!("registered as {kind}"),
            None => "registered".to_owned(),
        },
        Action::LockAcquired => {
            format!("acquired{}{}", epoch(event), by_force("taken_from", "taken over from"))
        }
        Action::LockRenewed => format!("renewed{}", epoch(event)),
        Action::LockReleased => format!(
            "released{}{}{}",
            epoch(event),
            by_force("released_from", "broken, it was held by"),
            because(event, "reason")
        ),
        Action::KnowledgeWritten => match (&passage.before, &passage.after) {
            (Known::Absent, Known::There(version)) => match &version.entity {
                Entity::Knowledge(known) => {
                    format!("written, {}", count(known.content.lines().count(), "line"))
                }
                Entity::Task(_) | Entity::Workstream(_) | Entity::Agent(_) => "written".to_owned(),
            },
            (Known::Absent, Known::Absent | Known::Unknown(_)) | (Known::There(_) | Known::Unknown(_), _) => {
                "written".to_owned()
            }
        },
        Action::BoardEdited => "edited by hand".to_owned(),
        Action::CycleCollected | Action::Custom(_) => event.action.word().to_owned(),
    }
}

/// The fields whose change the sentence of an action tells.
fn is_told(action: &str, field: &str) -> bool {
    const STATE: [&str; 7] =
        ["status", "assigned_to", "epoch", "claimed_at", "completed_at", "reason", "result"];
    match Action::from_word(action) {
        Action::TaskClaimed
        | Action::TaskCompleted
        | Action::TaskReleased
        | Action::TaskBlocked
        | Action::TaskUnblocked
        | Action::TaskCancelled
        | Action::TaskReopened => STATE.contains(&field),
        Action::KnowledgeWritten => ["updated_by", "updated_at"].contains(&field),
        Action::AgentRegistered => ["registered_at", "type"].contains(&field),
        Action::TaskUpdated => field == "workstream",
        Action::WorkstreamCreated
        | Action::WorkstreamUpdated
        | Action::WorkstreamDeleted
        | Action::TaskCreated
        | Action::TaskDeleted
        | Action::AgentDeleted
        | Action::LockAcquired
        | Action::LockRenewed
        | Action::LockReleased
        | Action::KnowledgeDeleted
        | Action::CycleCollected
        | Action::BoardEdited
        | Action::Custom(_) => false,
    }
}

/// A field's change in one line: `title: Pay → Pay in USDC`.
pub fn change_words(change: &ChangeDocument) -> Text {
    let lines = |text: &Option<String>| text.as_deref().map_or(0, |text| text.lines().count());
    let (before, after) = (lines(&change.old), lines(&change.new));
    if before > 1 || after > 1 {
        let count = |lines: usize| count(lines, "line");
        let (gone, come) = differing(change);
        let differ = format!(" (+{come} -{gone})");
        return text![change.field, ": ", count(before), " → ", count(after), differ];
    }
    let shown = |text: &Option<String>| match text {
        Some(text) => at_most(text, 60),
        None => text!["none"],
    };
    text![change.field, ": ", shown(&change.old), " → ", shown(&change.new)]
}

/// How many lines only the old text has, and how many only the new one; those that both begin and end with are the
/// same.
fn differing(change: &ChangeDocument) -> (usize, usize) {
    let lines = |text: &'_ Option<String>| -> Vec<String> {
        text.as_deref().unwrap_or_default().lines().map(str::to_owned).collect()
    };
    let (old, new) = (lines(&change.old), lines(&change.new));
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail =
        old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    (old.len() - head - tail, new.len() - head - tail)
}

/// The changes of a chapter that its sentence, and those of the same commit before it, do not tell.
pub fn further_changes(chapters: &[Chapter], at: usize) -> impl Iterator<Item = &ChangeDocument> {
    let commit = chapters.get(at).map(|chapter| chapter.commit.as_str());
    let told: Vec<&str> = chapters[..=at.min(chapters.len().saturating_sub(1))]
        .iter()
        .rev()
        .take_while(|chapter| Some(chapter.commit.as_str()) == commit)
        .map(|chapter| chapter.action.as_str())
        .collect();
    let changes = chapters.get(at).into_iter().flat_map(|chapter| &chapter.changes);
    changes.filter(move |change| {
        change.field != "imported" && !told.iter().any(|action| is_told(action, &change.field))
    })
}

/// The words that say of what kind a name is: `task:299833bc`.
const KINDS: [&str; 6] = ["task", "workstream", "ws", "topic", "lock", "agent"];

/// The entity that a word means: the id of a task (or its first digits), a topic, a workstream, a lock, an agent. What
/// is no longer there is found by its whole name. Refused with the candidates if it means several.
pub fn find(view: &dyn View, word: &str) -> Result<EntityKey, Refusal> {
    let prefixed = word.split_once(':').filter(|(kind, _)| KINDS.contains(kind));
    let (kind, name) = prefixed.map_or((None, word), |(kind, name)| (Some(kind), name));
    let kind = kind.map(|kind| if kind == "ws" { "workstream" } else { kind });
    let mut found: Vec<EntityKey> = Vec::new();
    let (present, unread) = present(view, name, kind)?.parts();
    for key in present {
        if kind.is_none_or(|kind| key.kind() == kind) {
            found.push(key);
        }
    }
    if found.is_empty() {
        for key in possible(name) {
            if kind.is_none_or(|kind| key.kind() == kind) && !view.past(&key)?.passages.is_empty() {
                found.push(key);
            }
        }
    }
    match found.len() {
        // It may be among what can't be read.
        0 if !unread.is_empty() => Err(Refusal::damaged(unread)),
        0 => Err(Refusal::new(
            Code::NotFound,
            format!("no task, topic, workstream, lock or agent is called `{}`", word.escape_debug()),
        )
        .hint("orchestrator status")),
        1 => Ok(found.remove(0)),
        _ => {
            let named: Vec<String> =
                found.iter().take(8).map(|key| format!("`{}:{}`", key.kind(), key.name())).collect();
            Err(Refusal::new(
                Code::Ambiguous,
                format!("`{}` may mean {}", word.escape_debug(), named.join(", ")),
            )
            .hint(format!("orchestrator log {}", named[0].trim_matches('`'))))
        }
    }
}

/// What is on the board now and may be meant.
fn present(view: &dyn View, name: &str, kind: Option<&str>) -> Result<Reading<Vec<EntityKey>>, Refusal> {
    let (mut found, mut unread) = (Vec::new(), Unread::default());
    match TaskRef::parse(name) {
        Ok(reference) => {
            let ids = unread.try_note(view.find_tasks(&reference).map(Some))?;
            found.extend(ids.into_iter().flatten().map(EntityKey::Task));
        }
        Err(refusal) if kind == Some("task") => return Err(refusal),
        Err(_) => {}
    }
    if let Ok(stream) = WorkstreamName::parse(name)
        && view.workstream_names()?.note(&mut unread).iter().any(|known| known == name)
    {
        found.push(EntityKey::Workstream(stream));
    }
    if let Ok(topic) = Topic::parse(name)
        && view.topics()?.note(&mut unread).contains(&topic)
    {
        found.push(EntityKey::Knowledge(topic));
    }
    if let Ok(resource) = Resource::parse(name)
        && view.lock(&resource)?.is_some()
    {
        found.push(EntityKey::Lock(resource));
    }
    if let Ok(agent) = AgentId::parse(name)
        && view.agent_names()?.note(&mut unread).iter().any(|known| known == name)
    {
        found.push(EntityKey::Agent(agent));
    }
    Ok(Reading::of(found, unread))
}

/// What may have been there once.
fn possible(name: &str) -> Vec<EntityKey> {
    let mut found = Vec::new();
    found.extend(TaskId::parse(name).map(EntityKey::Task));
    found.extend(WorkstreamName::parse(name).ok().map(EntityKey::Workstream));
    found.extend(Topic::parse(name).ok().map(EntityKey::Knowledge));
    found.extend(AgentId::parse(name).ok().map(EntityKey::Agent));
    found
}

impl Story {
    /// For people: a line an event and a line each further change of a field.
    pub fn text(&self) -> Text {
        let mut out = Text::default();
        for (at, chapter) in self.chapters.iter().enumerate() {
            add!(
                out,
                "  ",
                dim(moment(&chapter.ts)),
                "  ",
                cell(&chapter.agent, 10),
                "  ",
                chapter.commit.get(..7).unwrap_or(&chapter.commit),
                "  ",
                at_most(&chapter.words, 200),
                if chapter.derived { " (derived)" } else { "" },
                "\n"
            );
            for change in further_changes(&self.chapters, at) {
                add!(out, cell("", 44), change_words(change), "\n");
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{Board, at, event, id, lock, stream, task};

    fn change(field: &str, old: Option<&str>, new: Option<&str>) -> ChangeDocument {
        ChangeDocument { field: field.to_owned(), old: old.map(str::to_owned), new: new.map(str::to_owned) }
    }

    #[test]
    fn a_change_is_one_line_whatever_it_changes() {
        let words = |field, old, new| change_words(&change(field, old, new)).plain().to_owned();
        assert_eq!(words("title", Some("Pay"), Some("Pay all")), "title: Pay → Pay all");
        assert_eq!(words("estimate", None, Some("2h\u{1b}")), "estimate: none → 2h\\u{1b}");
        assert_eq!(
            words("content", Some("a\nb\nc\n"), Some("a\nx\ny\nc\n")),
            "content: 3 lines → 4 lines (+2 -1)"
        );
    }

    #[test]
    fn a_story_is_told_event_by_event() {
        let claimed = event("e2", at(2), "agent-1", Action::TaskClaimed).with("task_id", "299833bc");
        let released = event("e3", at(3), "ada", Action::TaskReleased).with("task_id", "299833bc");
        let board = Board::with(vec![task("299833bc", "revenue", "Pay").seen()])
            .logs(
                event("e1", at(1), "ada", Action::TaskCreated)
                    .with("workstream", "revenue")
                    .with("task_id", "299833bc")
                    .with("title", "Pay"),
            )
            .logs(claimed.with("epoch", 1))
            .logs(released.with("released_from", "agent-1").with("undoes", "e2"));
        let story = story(&board, &EntityKey::Task(id("299833bc"))).unwrap().unwrap();
        let words: Vec<&str> = story.chapters.iter().map(|chapter| chapter.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "created in revenue: Pay",
                "claimed (epoch 1)",
                "released, taken from agent-1, undoing task_claimed of "
            ]
        );
        assert_eq!(super::story(&board, &EntityKey::Task(id("0000000e"))).unwrap(), None);
    }

    #[test]
    fn a_word_that_means_several_is_refused_with_what_it_may_mean() {
        let mut board = Board::with(vec![task("abc00000", "revenue", "Pay").seen()]).knows("abc", "text");
        board.locks.push(lock("abc", "agent-1", at(1)));
        let refusal = find(&board, "abc").unwrap_err();
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (Code::Ambiguous, "`abc` may mean `task:abc00000`, `topic:abc`, `lock:abc`")
        );
        assert_eq!(find(&board, "task:abc").unwrap(), EntityKey::Task(id("abc00000")));
        assert_eq!(find(&board, "lock:abc").unwrap().kind(), "lock");
        assert_eq!(find(&board, "abc0").unwrap(), EntityKey::Task(id("abc00000")));
        assert_eq!(find(&board, "nothing").unwrap_err().code, Code::NotFound);
        assert_eq!(find(&board, "ws:revenue").unwrap(), EntityKey::Workstream(stream("revenue")));
        assert_eq!(find(&board, "ws:abc").unwrap_err().code, Code::NotFound);
    }
}
