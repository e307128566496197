//! A difference of boards for a terminal.

use super::lines::{cut, lines};
use super::{Deed, Diff, EntityChange, FieldDocument, TaskChange};
use crate::views::style::{Text, bold, cell, green, joined, red, yellow};
use crate::views::words::count;
use crate::{add, text};

/// How long a value may be, in characters.
const LONGEST: usize = 60;

/// Fields that say nothing that the rest of the line does not, where an entity is new or gone.
const OBVIOUS: [&str; 10] = [
    "workstream",
    "title",
    "status",
    "epoch",
    "claimed_at",
    "completed_at",
    "created_at",
    "created_by",
    "registered_at",
    "imported",
];

/// The whole difference.
pub fn text(diff: &Diff) -> Text {
    let mut out = text![heading(diff), "\n"];
    if diff.is_empty() {
        out.ours("Nothing changed on the board.\n");
        return out;
    }
    add!(out, summary(diff), "\n");
    let mut workstream = None;
    for task in &diff.tasks {
        if workstream != Some(&task.workstream) {
            workstream = Some(&task.workstream);
            add!(out, "\n", bold(&task.workstream), "\n");
        }
        add!(out, task_lines(task));
    }
    for (title, entities) in
        [("WORKSTREAMS", &diff.workstreams), ("AGENTS", &diff.agents), ("OTHER FILES", &diff.files)]
    {
        if !entities.is_empty() {
            add!(out, "\n", bold(title), "\n");
        }
        out.extend(entities.iter().map(entity_lines));
    }
    if !diff.knowledge.is_empty() {
        add!(out, "\n", bold("KNOWLEDGE"), "\n");
    }
    for topic in &diff.knowledge {
        add!(out, "  ", bold(&topic.topic), "  ", joined(&topic.what, ", "), who(&topic.by), "\n");
        add!(out, differing(&topic.lines, topic.left_out));
    }
    if !diff.warnings.is_empty() {
        add!(out, "\n", yellow("LOOK AT"), "\n");
    }
    for warning in &diff.warnings {
        add!(out, "  ", bold(&warning.about), "  ", warning.what, " (", warning.code, ")\n");
    }
    if !diff.damage.is_empty() {
        add!(out, "\n", red("DAMAGED"), "\n");
    }
    for damage in &diff.damage {
        let place = text!["  ", damage.path, ":", damage.line, ":", damage.column];
        add!(out, place, ": ", damage.why, " (at the ", damage.end, ")\n");
    }
    out
}

/// What is compared: `main 1a2b3c4 … HEAD (feat-a) 9f8e7d6`.
fn heading(diff: &Diff) -> String {
    let point = |point: &super::PointDocument| {
        let commit = point.commit.as_deref().map(|commit| commit.get(..7).unwrap_or(commit));
        format!("{} {}", point.name, commit.unwrap_or("(empty)"))
    };
    format!("{} … {}", point(&diff.base), point(&diff.head))
}

/// `3 tasks created · 1 completed · 1 document`.
pub(super) fn summary(diff: &Diff) -> String {
    let mut parts: Vec<String> = diff
        .summary
        .iter()
        .enumerate()
        .map(|(at, (word, number))| {
            let number = usize::try_from(number.as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
            if at == 0 { format!("{} {word}", count(number, "task")) } else { format!("{number} {word}") }
        })
        .collect();
    for (number, noun) in [
        (diff.workstreams.len(), "workstream"),
        (diff.knowledge.len(), "document"),
        (diff.agents.len(), "agent"),
        (diff.files.len(), "other file"),
        (diff.warnings.len(), "warning"),
        (diff.damage.len(), "damaged file"),
    ] {
        if number > 0 {
            parts.push(count(number, noun));
        }
    }
    parts.join(" · ")
}

/// The fields worth showing: where an entity is new or gone, those that say something.
pub(super) fn telling(fields: &[FieldDocument]) -> impl Iterator<Item = &FieldDocument> {
    let is_one_sided =
        fields.iter().all(|field| field.old.is_none()) || fields.iter().all(|field| field.new.is_none());
    fields.iter().filter(move |field| {
        let is_default =
            field.field == "priority" && field.new.as_deref().or(field.old.as_deref()) == Some("5");
        // A stamp follows from what happened; who and when stands beside it.
        let is_stamp =
            matches!(field.field.as_str(), "claimed_at" | "completed_at" | "updated_at" | "updated_by");
        let is_obvious = OBVIOUS.contains(&field.field.as_str()) || is_default;
        let is_nothing = field.old.as_deref().unwrap_or("") == field.new.as_deref().unwrap_or("");
        !(is_stamp || is_nothing || is_one_sided && is_obvious)
    })
}

fn task_lines(task: &TaskChange) -> Text {
    let what = joined(&task.what, ", ");
    let head = text!["  ", bold(&task.id), "  ", task.title, "\n            ", what, who(&task.by), "\n"];
    text![head, field_lines(&task.fields)]
}

fn entity_lines(entity: &EntityChange) -> Text {
    let what = joined(&entity.what, ", ");
    text!["  ", bold(&entity.name), "  ", what, who(&entity.by), "\n", field_lines(&entity.fields)]
}

fn field_lines(fields: &[FieldDocument]) -> Text {
    let mut out = Text::default();
    for field in telling(fields) {
        if is_long(field) {
            let found = lines(field.old.as_deref().unwrap_or(""), field.new.as_deref().unwrap_or(""));
            add!(out, "            ", field.field, "\n", differing(&found.shown, found.left_out));
        } else {
            let change = match (&field.old, &field.new) {
                (None, Some(new)) => short(new),
                (Some(old), None) => format!("{} → none", short(old)),
                (old, new) => format!(
                    "{} → {}",
                    short(old.as_deref().unwrap_or("none")),
                    short(new.as_deref().unwrap_or("none"))
                ),
            };
            add!(out, "            ", cell(&field.field, 12), " ", change, "\n");
        }
    }
    out
}

/// More than one line, or too long for one.
pub(super) fn is_long(field: &FieldDocument) -> bool {
    let is_long = |text: &Option<String>| {
        text.as_ref().is_some_and(|text| text.contains('\n') || text.chars().count() > LONGEST * 2)
    };
    is_long(&field.old) || is_long(&field.new)
}

fn short(text: &str) -> String {
    cut(text.lines().next().unwrap_or_default(), LONGEST)
}

fn differing(lines: &[String], left_out: usize) -> Text {
    let mut out = Text::default();
    for line in lines {
        let line = match line.as_bytes().first() {
            Some(b'+') => green(line),
            Some(b'-') => red(line),
            _ => Text::data(line),
        };
        add!(out, "            ", line, "\n");
    }
    if left_out > 0 {
        add!(out, "            … and ", count(left_out, "line"), " more\n");
    }
    out
}

/// ` by agent-1 (41be77a), agent-2 (9c1d0f2)`; nothing where nobody is known.
fn who(by: &[Deed]) -> String {
    let people = people(by);
    if people.is_empty() {
        return String::new();
    }
    let all: Vec<String> =
        people.iter().map(|(agent, commits)| format!("{} ({})", agent, commits.join(", "))).collect();
    format!(" by {}", all.join(", "))
}

/// Each who did something, with the commits, at most three and then how many more.
pub(super) fn people(by: &[Deed]) -> Vec<(String, Vec<String>)> {
    let mut people: Vec<(String, Vec<String>)> = Vec::new();
    for deed in by {
        let commit = deed.commit.get(..7).unwrap_or(&deed.commit).to_owned();
        match people.iter_mut().find(|(agent, _)| *agent == deed.agent) {
            Some((_, commits)) if commits.contains(&commit) => {}
            Some((_, commits)) => commits.push(commit),
            None => people.push((deed.agent.clone(), vec![commit])),
        }
    }
    for (_, commits) in &mut people {
        if commits.len() > 3 {
            let more = commits.len() - 3;
            commits.truncate(3);
            commits.push(format!("{more} more"));
        }
    }
    people
}
