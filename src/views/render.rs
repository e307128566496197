//! Text for people: aligned, readable without colour, 100 columns.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::document::{ElsewhereDocument, EventDocument, TaskDocument};
use super::status::Status;
use super::story::{self, Story};
use super::style::{Text, at_most, bold, cell, dim, green, joined, red, yellow};
use super::verify::Verification;
use crate::model::{Severity, Span, Timestamp};
use crate::{add, text};

/// A status in its colour, filled with blanks to at least `width` columns.
pub fn status_word(word: &str, width: usize) -> Text {
    let shown = cell(word, width.max(word.width()));
    match word {
        "in_progress" => yellow(shown),
        "done" => green(shown),
        "blocked" => red(shown),
        "cancelled" => dim(shown),
        _ => shown,
    }
}

/// `12 minutes ago`, or the stamp itself where it is none.
pub fn ago(stamp: &str, now: Timestamp) -> String {
    match Timestamp::parse(stamp) {
        Ok(at) if now.since(at) < Span::from_secs(1) => "just now".to_owned(),
        Ok(at) => format!("{} ago", now.since(at).in_words()),
        Err(_) => stamp.to_owned(),
    }
}

/// `1 task`, `2 tasks`.
pub fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A bar of `width` columns: done, in progress, the rest.
pub fn bar(done: usize, active: usize, total: usize, width: usize) -> String {
    if total == 0 {
        return "░".repeat(width);
    }
    let full = done * width / total;
    let half = ((done + active) * width).div_ceil(total).min(width) - full;
    let half = if active == 0 { 0 } else { half };
    format!("{}{}{}", "█".repeat(full), "▒".repeat(half), "░".repeat(width - full - half))
}

/// How to get back the commit in which a task was claimed, where it has left its branch.
pub fn way_back(id: &str, place: &ElsewhereDocument) -> Option<Text> {
    let commit = place.commit.as_ref().filter(|_| place.lost)?;
    let left = place.branch.as_ref().map(|branch| text![" left `", branch, "`, and"]);
    let (short, longer) = (&commit[..commit.len().min(7)], &commit[..commit.len().min(12)]);
    Some(text![
        "its commit ",
        short,
        left.unwrap_or_default(),
        " is on no branch; to get it back: git branch recovered-",
        id,
        " ",
        longer
    ])
}

/// One line of a task list.
pub fn task_line(task: &TaskDocument) -> Text {
    let elsewhere = task.finished_on.as_ref().or(task.claimed_on.as_ref());
    text![
        bold(&task.id),
        "  ",
        status_word(&task.status, 12),
        "  P",
        task.priority,
        "  ",
        task.title,
        task.assigned_to.as_ref().map(|agent| text![" -> ", agent]).unwrap_or_default(),
        elsewhere.map(|place| text![" (", place.words(), ")"]).unwrap_or_default(),
        "\n"
    ]
}

/// One line of the log.
pub fn event_line(event: &EventDocument) -> Text {
    // A field that says nothing (a task that was completed without a result) is none to read.
    let fields = event.fields.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text![field_name(key), "=", at_most(&value, 60)]
    });
    text![
        dim(moment(&event.ts)),
        "  ",
        cell(&event.agent, 10),
        "  ",
        cell(&event.action, 20),
        "  ",
        joined(fields, " "),
        if event.derived { " (derived)" } else { "" }
    ]
    .trimmed()
}

/// `2026-02-06 07:37:39` of a stamp.
fn moment(stamp: &str) -> String {
    stamp.get(..19).unwrap_or(stamp).replace('T', " ")
}

/// A field's name as it stands, where it is one word; else in quotes, so that it can't pose as several fields.
fn field_name(key: &str) -> String {
    let is_word = !key.is_empty() && key.chars().all(|c| !(c.is_whitespace() || matches!(c, '=' | '"')));
    if is_word { key.to_owned() } else { format!("{key:?}") }
}

/// A story, a line an event and a line each further change of a field.
pub fn story(story: &Story) -> Text {
    let mut out = Text::default();
    for (at, chapter) in story.chapters.iter().enumerate() {
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
        for change in story::further_changes(&story.chapters, at) {
            add!(out, cell("", 44), story::change_words(change), "\n");
        }
    }
    out
}

/// The whole board.
pub fn status(status: &Status, board: &str, now: Timestamp) -> Text {
    let events = count(usize::try_from(status.version).unwrap_or(usize::MAX), "event");
    let mut out = text!["=== Orchestrator Status ===    board: ", board, " · ", events, "\n"];
    add!(out, "\n", bold("WORKSTREAMS"), "\n");
    let width = status.workstreams.iter().map(|ws| ws.name.width()).max().unwrap_or(0).min(30);
    for ws in &status.workstreams {
        let c = &ws.counts;
        let more = [(c.blocked, "blocked"), (c.cancelled, "cancelled")];
        let more = more.into_iter().filter(|(count, _)| *count > 0);
        let counts = format!("{:>3} pending  {:>3} active  {:>3} done", c.pending, c.in_progress, c.done);
        add!(
            out,
            "  P",
            ws.priority,
            " ",
            cell(&ws.name, width),
            "  ",
            bar(c.done, c.in_progress, c.task_count - c.cancelled, 15),
            "  ",
            counts,
            more.map(|(count, word)| format!("   {count} {word}")).collect::<Text>(),
            if ws.status == "active" { "" } else { "   closed" },
            "\n"
        );
    }
    if status.workstreams.is_empty() {
        out.ours("  (none)      orchestrator ws create <name> [description] [priority]\n");
    }
    if !status.active_tasks.is_empty() {
        add!(out, "\n", bold("ACTIVE"), "\n");
    }
    for task in &status.active_tasks {
        let since = task.claimed_at.as_deref().map(|at| ago(at, now)).unwrap_or_default();
        let stale = red(if task.stale { "  stale" } else { "" });
        let (title, agent) = (cell(&task.title, 40), cell(&task.assigned_to, 12));
        add!(out, "  ", task.id, "  ", title, "  ", agent, "  ", since, stale, "\n");
        if let Some(way_back) = task.claimed_on.as_ref().and_then(|place| way_back(&task.id, place)) {
            add!(out, "    ", way_back, "\n");
        }
    }
    for task in &status.finished_elsewhere {
        let branch = task.finished_on.branch.as_deref().unwrap_or("no branch");
        let title = cell(&task.title, 40);
        add!(out, "  ", task.id, "  ", title, "  ", task.status, " on ", branch, ", not landed here\n");
    }
    if !status.active_locks.is_empty() {
        add!(out, "\n", bold("LOCKS"), "\n");
    }
    for lock in &status.active_locks {
        let holder = lock.agent.as_deref().unwrap_or("somebody unknown");
        let left = lock.expires_at.as_deref().and_then(|end| Timestamp::parse(end).ok());
        let left = left.map(|end| format!("expires in {}", end.since(now).in_words())).unwrap_or_default();
        add!(out, "  ", cell(&lock.resource, 30), "  ", cell(holder, 12), "  ", left, "\n");
    }
    add!(out, "\n", bold("AGENTS"), "\n");
    for agent in &status.agents {
        let stale = if agent.stale { red(" · stale") } else { green(" · active") };
        let seen = ago(&agent.last_seen, now);
        add!(out, "  ", agent.id, " (", agent.kind, ")", stale, ", seen ", seen, "\n");
    }
    if status.agents.is_empty() {
        out.ours("  (none registered)\n");
    }
    add!(out, "\n", bold("RECENT"), "\n");
    for event in &status.recent_events {
        add!(out, "  ", event_line(event), "\n");
    }
    if status.recent_events.is_empty() {
        out.ours("  (nothing yet)\n");
    }
    let topics = match status.knowledge_topics.as_slice() {
        [] => text!["(empty)"],
        topics => joined(topics, ", "),
    };
    add!(out, "\n", bold("KNOWLEDGE"), "  ", topics, "\n");
    if !status.damage.is_empty() {
        add!(out, "\n", red("DAMAGED"), "\n");
        for damage in &status.damage {
            add!(out, "  ", damage.path, ":", damage.line, ":", damage.column, ": ", damage.why, "\n");
        }
    }
    if status.log_is_cut {
        out.ours("\nThis clone is shallow: older events are missing (git fetch --unshallow).\n");
    }
    out
}

/// What a verification found: each error and warning, and of notes at most so many of each kind.
pub fn verification(found: &Verification, notes: usize) -> Text {
    let mut out = Text::default();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &found.findings {
        if finding.severity == Severity::Note {
            let told = kinds.entry(finding.code).or_default();
            *told += 1;
            if *told > notes {
                continue;
            }
        }
        let word = cell(finding.severity.word(), 7);
        let word = match finding.severity {
            Severity::Error => red(word),
            Severity::Warning => yellow(word),
            Severity::Note => dim(word),
        };
        let commit = finding.commit.as_deref().map(|commit| &commit[..commit.len().min(9)]);
        let place = [commit, finding.path.as_deref(), finding.reference.as_deref()];
        let place = joined(place.into_iter().flatten(), "  ");
        let head = text![word, "  ", bold(cell(finding.code, 17)), "  ", place].trimmed();
        add!(out, head, "\n         ", finding.what, "\n");
    }
    if notes == 0 && !kinds.is_empty() {
        let told = joined(kinds.iter().map(|(code, count)| format!("{code} {count}")), " · ");
        add!(out, dim("note"), "     ", told, "      (--notes lists them)\n");
    }
    if !out.is_empty() {
        out.ours("\n");
    }
    let (commits, events) = (count(found.commits, "commit"), count(found.events, "event"));
    add!(out, commits, ", ", events, ", ", count(found.records, "record"));
    if let Some(signed) = &found.signatures {
        let told = format!(
            "; signatures: {} good, {} of unknown keys, {} missing, {} bad",
            signed.good, signed.untrusted, signed.missing, signed.bad
        );
        add!(out, told);
    }
    match (found.errors, found.warnings) {
        (0, 0) => out.ours(": log and state agree\n"),
        (errors, warnings) => {
            add!(out, ": ", count(errors, "error"), ", ", count(warnings, "warning"), "\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_full_when_all_is_done() {
        assert_eq!(bar(0, 0, 0, 4), "░░░░");
        assert_eq!(bar(4, 0, 4, 4), "████");
        assert_eq!(bar(1, 1, 4, 4), "█▒░░");
    }
}
