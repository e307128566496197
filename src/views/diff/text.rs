//! A difference of boards for a terminal.

use super::lines::{cut, lines};
use super::{Deed, Diff, EntityChange, FieldDocument, TaskChange};
use crate::views::render::{Paint, count};

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
pub fn text(diff: &Diff, paint: Paint) -> String {
    let mut out = format!("{}\n", heading(diff));
    if diff.is_empty() {
        out.push_str("Nothing changed on the board.\n");
        return out;
    }
    out.push_str(&format!("{}\n", summary(diff)));
    let mut workstream = None;
    for task in &diff.tasks {
        if workstream != Some(&task.workstream) {
            workstream = Some(&task.workstream);
            out.push_str(&format!("\n{}\n", paint.bold(&task.workstream)));
        }
        task_lines(&mut out, task, paint);
    }
    for (title, entities) in
        [("WORKSTREAMS", &diff.workstreams), ("AGENTS", &diff.agents), ("OTHER FILES", &diff.files)]
    {
        if !entities.is_empty() {
            out.push_str(&format!("\n{}\n", paint.bold(title)));
        }
        for entity in entities {
            entity_lines(&mut out, entity, paint);
        }
    }
    if !diff.knowledge.is_empty() {
        out.push_str(&format!("\n{}\n", paint.bold("KNOWLEDGE")));
    }
    for topic in &diff.knowledge {
        let by = who(&topic.by);
        out.push_str(&format!("  {}  {}{by}\n", paint.bold(&topic.topic), topic.what.join(", ")));
        push_lines(&mut out, &topic.lines, topic.left_out, paint);
    }
    if !diff.warnings.is_empty() {
        out.push_str(&format!("\n{}\n", paint.yellow("LOOK AT")));
    }
    for warning in &diff.warnings {
        out.push_str(&format!("  {}  {} ({})\n", paint.bold(&warning.about), warning.what, warning.code));
    }
    if !diff.damage.is_empty() {
        out.push_str(&format!("\n{}\n", paint.red("DAMAGED")));
    }
    for damage in &diff.damage {
        let (path, why) = (&damage.path, &damage.why);
        out.push_str(&format!("  {path}:{}:{}: {why} (at the {})\n", damage.line, damage.column, damage.end));
    }
    out
}

/// What is compared: `main 1a2b3c4 … HEAD (feat-a) 9f8e7d6`.
pub(super) fn heading(diff: &Diff) -> String {
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

fn task_lines(out: &mut String, task: &TaskChange, paint: Paint) {
    let id = paint.bold(&task.id);
    out.push_str(&format!("  {id}  {}\n", task.title));
    out.push_str(&format!("            {}{}\n", task.what.join(", "), who(&task.by)));
    field_lines(out, &task.fields, paint);
}

fn entity_lines(out: &mut String, entity: &EntityChange, paint: Paint) {
    let what = entity.what.join(", ");
    out.push_str(&format!("  {}  {what}{}\n", paint.bold(&entity.name), who(&entity.by)));
    field_lines(out, &entity.fields, paint);
}

fn field_lines(out: &mut String, fields: &[FieldDocument], paint: Paint) {
    for field in telling(fields) {
        if is_long(field) {
            let found = lines(field.old.as_deref().unwrap_or(""), field.new.as_deref().unwrap_or(""));
            out.push_str(&format!("            {}\n", field.field));
            push_lines(out, &found.shown, found.left_out, paint);
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
            out.push_str(&format!("            {:<12} {change}\n", field.field));
        }
    }
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

fn push_lines(out: &mut String, lines: &[String], left_out: usize, paint: Paint) {
    for line in lines {
        let line = match line.as_bytes().first() {
            Some(b'+') => paint.green(line),
            Some(b'-') => paint.red(line),
            _ => line.clone(),
        };
        out.push_str(&format!("            {line}\n"));
    }
    if left_out > 0 {
        out.push_str(&format!("            … and {} more\n", count(left_out, "line")));
    }
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
