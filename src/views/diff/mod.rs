//! What changed between two boards, in words and not in lines.
//!
//! The document holds everything; [`text()`](text::text) and [`markdown()`](markdown::markdown) show what a
//! reader wants of it. Its words are those of [`Compare`] and of the log, so that a review, the log and the files
//! say the same.

pub mod lines;
pub mod markdown;
pub mod text;
mod warnings;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{
    Action, Between, Compare, Comparison, End, Event, Pair, Severity, Step, Stories, Subject, Task, Turn,
};

use warnings::OF_STATUS;
pub use warnings::{Suspicion, double_claims, suspicions};

/// One end of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointDocument {
    /// How people call it.
    pub name: String,
    /// Its commit; `null` where there is nothing to start from.
    pub commit: Option<String>,
    /// It holds a board.
    pub has_board: bool,
}

/// A field with its values before and after; `null` where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDocument {
    /// The key in the file.
    pub field: String,
    /// Before.
    pub old: Option<String>,
    /// After.
    pub new: Option<String>,
}

/// Who did something, and in which commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// An agent's id; where nobody logged it, the author of the commit.
    pub agent: String,
    /// The word of the log.
    pub action: String,
    /// When.
    pub at: String,
    /// 40 hex digits.
    pub commit: String,
    /// No event says so: it was told from the difference that the commit makes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

/// What became of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskChange {
    /// Its id.
    pub id: String,
    /// Its workstream, now.
    pub workstream: String,
    /// Its title, now.
    pub title: String,
    /// Its status, now; `null` where the task is gone.
    pub status: Option<String>,
    /// In words: `created`, `claimed`, `completed`, `moved`, …
    pub what: Vec<String>,
    /// Each field that differs.
    pub fields: Vec<FieldDocument>,
    /// Who did what, oldest first.
    pub by: Vec<Deed>,
}

/// What became of a workstream, an agent or another file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityChange {
    /// Its name, id or path.
    pub name: String,
    /// In words.
    pub what: Vec<String>,
    /// Each field that differs.
    pub fields: Vec<FieldDocument>,
    /// Who did what, oldest first.
    pub by: Vec<Deed>,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeChange {
    /// Its topic.
    pub topic: String,
    /// `added`, `changed` or `deleted`.
    pub what: Vec<String>,
    /// The lines that differ, with a little around them: `+`, `-` or a blank before each.
    pub lines: Vec<String>,
    /// How many further lines there are.
    pub left_out: usize,
    /// Who did what, oldest first.
    pub by: Vec<Deed>,
}

/// Something that a reviewer should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningDocument {
    /// One word for programs.
    pub code: String,
    /// What it is about: a task's id, a name, a topic, a path.
    pub about: String,
    /// One sentence.
    pub what: String,
}

/// A file that differs and can't be read at one end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageDocument {
    /// `base` or `head`.
    pub end: String,
    /// From the repository's root.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// One sentence.
    pub why: String,
}

/// What changed between two boards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// What is compared with.
    pub base: PointDocument,
    /// What is looked at.
    pub head: PointDocument,
    /// `whole`, `diverged` (the base has commits of its own, which show as undone) or `cut` (a shallow clone).
    pub between: String,
    /// How many tasks were created, claimed, …: by the words of [`TaskChange::what`].
    pub summary: Map<String, Value>,
    /// By name.
    pub workstreams: Vec<EntityChange>,
    /// By workstream, then id.
    pub tasks: Vec<TaskChange>,
    /// By topic.
    pub knowledge: Vec<KnowledgeChange>,
    /// By id.
    pub agents: Vec<EntityChange>,
    /// Other files of the board, by path.
    pub files: Vec<EntityChange>,
    /// What a reviewer should look at.
    pub warnings: Vec<WarningDocument>,
    /// Files that can't be read at one end.
    pub damage: Vec<DamageDocument>,
}

impl Diff {
    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.workstreams.is_empty()
            && self.tasks.is_empty()
            && self.knowledge.is_empty()
            && self.agents.is_empty()
            && self.files.is_empty()
            && self.damage.is_empty()
    }
}

/// The words of a task's changes, in the order in which they are counted.
const WORDS: [&str; 12] = [
    "created",
    "claimed",
    "completed",
    "released",
    "blocked",
    "unblocked",
    "cancelled",
    "reopened",
    "moved",
    "updated",
    "edited",
    "deleted",
];

/// What changed, as a document.
pub fn diff(comparison: &Comparison) -> Diff {
    let stories = &comparison.stories();
    let mut tasks: Vec<TaskChange> = comparison.tasks.iter().filter_map(|pair| task(stories, pair)).collect();
    tasks.sort_by(|one, two| (&one.workstream, &one.id).cmp(&(&two.workstream, &two.id)));
    let counts = WORDS.iter().filter_map(|word| {
        let count = tasks.iter().filter(|task| task.what.iter().any(|what| what == word)).count();
        (count > 0).then(|| ((*word).to_owned(), count.into()))
    });
    let counts = counts.collect();
    Diff {
        base: point(&comparison.base),
        head: point(&comparison.head),
        between: match comparison.between {
            Between::Whole => "whole",
            Between::Diverged => "diverged",
            Between::Cut => "cut",
        }
        .to_owned(),
        summary: counts,
        workstreams: entities(stories, &comparison.workstreams, |found| {
            (found.name.to_string(), Subject::Workstream(found.name.clone()))
        }),
        tasks,
        knowledge: comparison.knowledge.iter().filter_map(|pair| document(stories, pair)).collect(),
        agents: entities(stories, &comparison.agents, |found| {
            (found.id.to_string(), Subject::Agent(found.id.clone()))
        }),
        files: comparison
            .files
            .iter()
            .map(|(path, pair)| EntityChange {
                name: path.clone(),
                what: vec![end_words(pair).to_owned()],
                fields: Vec::new(),
                by: deeds(stories, &Subject::File(path.clone())),
            })
            .collect(),
        warnings: suspicions(comparison)
            .into_iter()
            .map(|found| WarningDocument {
                code: found.code.to_owned(),
                about: about(&found.subject),
                what: found.what,
            })
            .collect(),
        damage: comparison
            .damage
            .iter()
            .map(|(end, damage)| DamageDocument {
                end: match end {
                    End::Base => "base",
                    End::Head => "head",
                }
                .to_owned(),
                path: damage.path.clone(),
                line: damage.line,
                column: damage.column,
                why: damage.why.clone(),
            })
            .collect(),
    }
}

fn point(point: &crate::model::Point) -> PointDocument {
    PointDocument { name: point.name.clone(), commit: point.commit.clone(), has_board: point.has_board }
}

fn about(subject: &Subject) -> String {
    match subject {
        Subject::Workstream(name) => name.to_string(),
        Subject::Task(id) => id.to_string(),
        Subject::Agent(id) => id.to_string(),
        Subject::Knowledge(topic) => topic.to_string(),
        Subject::File(path) => path.clone(),
    }
}

fn end_words<T>(pair: &Pair<T>) -> &'static str {
    match (&pair.before, &pair.after) {
        (None, _) => "added",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) => "changed",
    }
}

fn deed((step, event): &(&Step, &Event)) -> Deed {
    Deed {
        agent: event.agent.clone(),
        action: event.action.word().to_owned(),
        at: event.ts.to_string(),
        commit: step.commit.clone(),
        derived: event.derived,
    }
}

fn deeds(stories: &Stories<'_>, subject: &Subject) -> Vec<Deed> {
    stories.of(subject).iter().map(deed).collect()
}

/// The fields that differ; of an entity that is new or gone, all that it has.
pub(super) fn fields<T: Compare>(pair: &Pair<T>) -> Vec<FieldDocument> {
    let all = |entity: &T| entity.fields().into_iter().filter(|(_, value)| value.is_some());
    match (&pair.before, &pair.after) {
        (Some(before), Some(after)) => before
            .changes(after)
            .into_iter()
            .map(|change| FieldDocument { field: change.field.to_owned(), old: change.old, new: change.new })
            .collect(),
        (None, Some(after)) => {
            all(after).map(|(field, new)| FieldDocument { field: field.to_owned(), old: None, new }).collect()
        }
        (Some(before), None) => all(before)
            .map(|(field, old)| FieldDocument { field: field.to_owned(), old, new: None })
            .collect(),
        (None, None) => Vec::new(),
    }
}

fn entities<T: Compare>(
    stories: &Stories<'_>,
    pairs: &[Pair<T>],
    named: impl Fn(&T) -> (String, Subject),
) -> Vec<EntityChange> {
    let changes = pairs.iter().filter_map(|pair| {
        let (name, subject) = named(pair.latest()?);
        let what = vec![end_words(pair).to_owned()];
        Some(EntityChange { name, what, fields: fields(pair), by: deeds(stories, &subject) })
    });
    changes.collect()
}

/// `task_claimed` → `claimed`.
fn word_of(action: &Action) -> &str {
    action.word().strip_prefix("task_").unwrap_or(action.word())
}

/// What became of a task, in words.
fn words(pair: &Pair<Task>) -> Vec<String> {
    let turned = |turn: Turn| match turn {
        Turn::None => None,
        Turn::By(action) => Some(word_of(&action).to_owned()),
        Turn::Nameless => Some("edited".to_owned()),
    };
    match (&pair.before, &pair.after) {
        (None, Some(after)) => {
            std::iter::once("created".to_owned()).chain(turned(after.status.first_turn())).collect()
        }
        (Some(before), Some(after)) => {
            let mut words: Vec<String> = turned(before.status.turn_to(&after.status)).into_iter().collect();
            let changes = before.changes(after);
            let moved = changes.iter().any(|change| change.field == "workstream");
            words.extend(moved.then(|| "moved".to_owned()));
            let others = |change: &&crate::model::FieldChange| change.field != "workstream";
            let is_own = |field: &str| !words.is_empty() && OF_STATUS.contains(&field);
            if changes.iter().filter(others).any(|change| !is_own(change.field)) {
                words.push("updated".to_owned());
            }
            words
        }
        (Some(_), None) | (None, None) => vec!["deleted".to_owned()],
    }
}

fn task(stories: &Stories<'_>, pair: &Pair<Task>) -> Option<TaskChange> {
    let task = pair.latest()?;
    Some(TaskChange {
        id: task.id.to_string(),
        workstream: task.workstream.to_string(),
        title: task.title.clone(),
        status: pair.after.as_ref().map(|after| after.status.word().to_owned()),
        what: words(pair),
        fields: fields(pair),
        by: deeds(stories, &Subject::Task(task.id)),
    })
}

fn document(stories: &Stories<'_>, pair: &Pair<crate::model::Knowledge>) -> Option<KnowledgeChange> {
    let topic = pair.latest()?.topic.clone();
    let text =
        |side: &Option<crate::model::Knowledge>| side.as_ref().map_or(String::new(), |k| k.content.clone());
    let lines = lines::lines(&text(&pair.before), &text(&pair.after));
    Some(KnowledgeChange {
        topic: topic.to_string(),
        what: vec![end_words(pair).to_owned()],
        lines: lines.shown,
        left_out: lines.left_out,
        by: deeds(stories, &Subject::Knowledge(topic)),
    })
}

impl Suspicion {
    /// Whether it says what can't be so, as opposed to what somebody should look at.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
