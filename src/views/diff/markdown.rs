//! A difference of boards as a comment on a pull request.
//!
//! Whatever stands in a title, a name or a document is somebody else's text on somebody's page. So every such text is
//! a code span or stands in a fence, each with a delimiter longer than any in the text: there is no markup, HTML, image,
//! link, mention or reference to an issue in code. In a table `|` ends a cell even in code, so there it is escaped, and
//! set apart from a backslash before it. Everything else on the page is ours.
//!
//! Hosts refuse comments beyond 65,536 characters: the page ends before 60,000, with a note of what was cut.

use super::lines::{cut, lines};
use super::text::{is_long, people, summary, telling};
use super::{Deed, Diff, EntityChange, FieldDocument, PointDocument, TaskChange};
use crate::views::quote;
use crate::views::words::count;

/// The first line of the page: by it a program finds the comment again that it wrote before.
pub const MARKER: &str = "<!-- orchestrator diff -->";
/// The most characters of a page.
pub const MOST: usize = 60_000;
/// What the notes of what was cut may need of it.
const RESERVE: usize = 1_000;
/// How long a title or a value may be, in characters.
const LONGEST: usize = 160;
/// How many warnings and damaged files are listed.
const LISTED: usize = 50;

/// A page that takes what fits.
struct Page {
    text: String,
    length: usize,
    most: usize,
    /// What did not fit, by what it is.
    cut: Vec<(&'static str, usize)>,
}

impl Page {
    fn push(&mut self, text: &str) {
        self.length += text.chars().count();
        self.text.push_str(text);
    }

    fn fits(&self, text: &str, and_then: &str) -> bool {
        self.length + text.chars().count() + and_then.chars().count() <= self.most
    }

    /// A block of parts between a head and a foot: as many as fit, and the rest counted. Nothing where none fits.
    fn block(&mut self, noun: &'static str, head: &str, parts: &[String], foot: &str) {
        let mut shown = 0;
        for part in parts {
            let before = if shown == 0 { head } else { "" };
            if !self.fits(&format!("{before}{part}"), foot) {
                break;
            }
            self.push(before);
            self.push(part);
            shown += 1;
        }
        if shown > 0 {
            self.push(foot);
        }
        if shown < parts.len() {
            match self.cut.iter_mut().find(|(known, _)| *known == noun) {
                Some((_, count)) => *count += parts.len() - shown,
                None => self.cut.push((noun, parts.len() - shown)),
            }
        }
    }
}

/// The whole difference, below 60,000 characters.
pub fn markdown(diff: &Diff) -> String {
    markdown_within(diff, MOST)
}

fn markdown_within(diff: &Diff, most: usize) -> String {
    let mut page =
        Page { text: String::new(), length: 0, most: most.saturating_sub(RESERVE), cut: Vec::new() };
    page.push(&format!("{MARKER}\n### Task changes\n\n"));
    let ends = format!("{} … {}", point(&diff.base), point(&diff.head));
    if diff.is_empty() {
        page.push(&format!("Nothing changed on the board: {ends}\n"));
        return page.text;
    }
    page.push(&format!("**{}**: {ends}\n", summary(diff)));
    for note in notes(diff) {
        page.push(&format!("\n*{note}*\n"));
    }
    let damage: Vec<String> = diff.damage.iter().take(LISTED).map(damage).collect();
    page.block("damaged files", "\n**Damaged**\n\n", &damage, "");
    let warnings = diff.warnings.iter().take(LISTED);
    let warnings: Vec<String> = warnings
        .map(|found| format!("- {}: {}\n", quote::span(&shortened(&found.about)), sentence(&found.what)))
        .collect();
    page.block("warnings", "\n**To look at**\n\n", &warnings, "");
    for (noun, listed, all) in [
        ("damaged files", damage.len(), diff.damage.len()),
        ("warnings", warnings.len(), diff.warnings.len()),
    ] {
        if listed < all {
            page.cut.push((noun, all - listed));
        }
    }
    let mut rest = diff.tasks.as_slice();
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|task| task.workstream != first.workstream).unwrap_or(rest.len());
        let (own, others) = rest.split_at(end);
        rest = others;
        let head = format!(
            "\n#### {}\n\n| task | title | change | by |\n|---|---|---|---|\n",
            quote::span(&first.workstream)
        );
        let rows: Vec<String> = own.iter().map(row).collect();
        page.block("tasks", &head, &rows, "");
    }
    for (title, noun, entities) in [
        ("Workstreams", "workstreams", &diff.workstreams),
        ("Agents", "agents", &diff.agents),
        ("Other files", "other files", &diff.files),
    ] {
        let items: Vec<String> = entities.iter().map(entity).collect();
        page.block(noun, &format!("\n**{title}**\n\n"), &items, "");
    }
    let topics: Vec<String> = diff
        .knowledge
        .iter()
        .map(|topic| format!("- {} {}{}\n", quote::span(&topic.topic), topic.what.join(", "), who(&topic.by)))
        .collect();
    page.block("documents", "\n**Knowledge**\n\n", &topics, "");
    details(&mut page, diff);
    let cut = std::mem::take(&mut page.cut);
    if !cut.is_empty() {
        let cut: Vec<String> = cut.iter().map(|(noun, count)| format!("{count} {noun}")).collect();
        page.push(&format!(
            "\n**Cut, since a comment may not be longer: {}.** All of it: {}\n",
            cut.join(", "),
            quote::span(&format!("orchestrator diff {}..{}", hex(&diff.base), hex(&diff.head)))
        ));
    }
    page.text
}

fn hex(point: &PointDocument) -> &str {
    point.commit.as_deref().map_or("", |commit| commit.get(..12).unwrap_or(commit))
}

fn point(point: &PointDocument) -> String {
    let name = quote::span(&shortened(&point.name));
    match &point.commit {
        Some(commit) if point.has_board => format!("{name} ({})", commit.get(..7).unwrap_or(commit)),
        Some(commit) => format!("{name} ({}, no board)", commit.get(..7).unwrap_or(commit)),
        None => format!("{name} (nothing)"),
    }
}

fn notes(diff: &Diff) -> Vec<&'static str> {
    let mut notes = Vec::new();
    match diff.between.as_str() {
        "diverged" => notes.push("The base has commits of its own: what they did shows as undone."),
        "cut" => notes.push("This was made in a shallow clone: who did what may be incomplete."),
        _ => {}
    }
    if !diff.head.has_board {
        notes.push("There is no board at the head.");
    }
    notes
}

fn shortened(text: &str) -> String {
    cut(&quote::line(text), LONGEST)
}

/// A sentence of ours with somebody's words in back-quotes: as a whole it is code.
fn sentence(text: &str) -> String {
    quote::span(&cut(&quote::line(text), LONGEST * 2))
}

fn damage(found: &super::DamageDocument) -> String {
    let place = format!("{}:{}:{}", found.path, found.line, found.column);
    format!("- {} (at the {}): {}\n", quote::span(&shortened(&place)), found.end, sentence(&found.why))
}

/// Somebody's text as code in a cell of a table.
fn cell(text: &str) -> String {
    let apart = shortened(text).replace("\\|", "\\ |");
    quote::span(&apart).replace('|', "\\|")
}

fn row(task: &TaskChange) -> String {
    let title = cell(&task.title);
    let status = task.fields.iter().find(|field| field.field == "status");
    let turn = match status.map(|field| (field.old.as_deref(), field.new.as_deref())) {
        Some((Some(old), Some(new))) => format!(": {old} → **{new}**"),
        Some((None, Some(new))) if new != "pending" => format!(": **{new}**"),
        Some(_) | None => String::new(),
    };
    // Statuses and the words of changes are ours.
    format!("| {} | {title} | {}{turn} | {} |\n", cell(&task.id), task.what.join(", "), people_of(&task.by))
}

/// Who, as code, and the commits as plain hex, which hosts turn into links.
fn people_of(by: &[Deed]) -> String {
    let all = people(by);
    let mut shown: Vec<String> = all
        .iter()
        .take(3)
        .map(|(agent, commits)| format!("{} {}", cell(&cut(agent, 40)), commits.join(", ")))
        .collect();
    if all.len() > 3 {
        shown.push(format!("and {} more", all.len() - 3));
    }
    shown.join("; ")
}

fn who(by: &[Deed]) -> String {
    let people = people_of(by);
    if people.is_empty() { people } else { format!(" by {people}") }
}

fn entity(entity: &EntityChange) -> String {
    let name = quote::span(&shortened(&entity.name));
    let fields: Vec<String> =
        telling(&entity.fields).map(|field| format!("  - {}\n", short_field(field))).collect();
    format!("- {name} {}{}\n{}", entity.what.join(", "), who(&entity.by), fields.concat())
}

/// `priority: 5 → 1`, its values as code.
fn short_field(field: &FieldDocument) -> String {
    let value = |text: &Option<String>| match text {
        Some(text) => quote::span(&shortened(text)),
        None => "none".to_owned(),
    };
    match &field.old {
        Some(_) => format!("{}: {} → {}", field.field, value(&field.old), value(&field.new)),
        None => format!("{}: {}", field.field, value(&field.new)),
    }
}

/// Lines of a difference in a fence that none of them can close.
fn fence(lines: &[String], left_out: usize, indent: &str) -> String {
    let more = (left_out > 0).then(|| format!("… and {} more", count(left_out, "line")));
    let text: Vec<String> = lines.iter().cloned().chain(more).collect();
    let text = quote::clean(&text.join("\n"));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let body: String = text.lines().map(|line| format!("{indent}{line}\n")).collect();
    format!("{indent}{fence}diff\n{body}{indent}{fence}\n")
}

/// Every field of every task, and the lines of documents: folded, one for each workstream.
fn details(page: &mut Page, diff: &Diff) {
    let mut rest = diff.tasks.as_slice();
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|task| task.workstream != first.workstream).unwrap_or(rest.len());
        let (own, others) = rest.split_at(end);
        rest = others;
        let parts: Vec<String> = own.iter().filter_map(task_details).collect();
        // A name is letters, digits, `.`, `_` and `-`; in a summary there is no markdown, so it stands in HTML's code.
        let head =
            format!("\n<details><summary>Fields: <code>{}</code></summary>\n\n", plain(&first.workstream));
        page.block("details of tasks", &head, &parts, "\n</details>\n");
    }
    let parts: Vec<String> = diff
        .knowledge
        .iter()
        .filter(|topic| !topic.lines.is_empty())
        .map(|topic| {
            format!("- {}\n\n{}\n", quote::span(&topic.topic), fence(&topic.lines, topic.left_out, "  "))
        })
        .collect();
    page.block(
        "details of documents",
        "\n<details><summary>Documents</summary>\n\n",
        &parts,
        "\n</details>\n",
    );
}

/// A name with nothing in it but what names are made of.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '?' })
        .collect()
}

fn task_details(task: &TaskChange) -> Option<String> {
    let mut text = String::new();
    for field in telling(&task.fields) {
        if is_long(field) {
            let found = lines(field.old.as_deref().unwrap_or(""), field.new.as_deref().unwrap_or(""));
            text.push_str(&format!(
                "  - {}:\n\n{}\n",
                field.field,
                fence(&found.shown, found.left_out, "    ")
            ));
        } else {
            text.push_str(&format!("  - {}\n", short_field(field)));
        }
    }
    let title = quote::span(&shortened(&task.title));
    (!text.is_empty()).then(|| format!("- {} {title}\n{text}", quote::span(&task.id)))
}
