//! Text for people: aligned, readable without colour, 100 columns.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::document::{EventDocument, TaskDocument};
use super::status::Status;
use super::story::{self, Story};
use super::verify::Verification;
use crate::model::{Severity, Span, Timestamp};

/// Stands for the escape character in our own styles; the printer turns it into one only before `[…m`.
pub const STYLE_START: char = '\u{fdd0}';

/// Styles, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether anything is coloured.
    pub on: bool,
}

impl Paint {
    fn style(self, code: &str, text: &str) -> String {
        if self.on { format!("{STYLE_START}[{code}m{text}{STYLE_START}[0m") } else { text.to_owned() }
    }

    /// A heading, an id.
    pub fn bold(self, text: &str) -> String {
        self.style("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.style("2", text)
    }

    /// What is well.
    pub fn green(self, text: &str) -> String {
        self.style("32", text)
    }

    /// What is under way.
    pub fn yellow(self, text: &str) -> String {
        self.style("33", text)
    }

    /// What needs somebody.
    pub fn red(self, text: &str) -> String {
        self.style("31", text)
    }

    /// A status in its colour.
    pub fn status(self, word: &str) -> String {
        match word {
            "in_progress" => self.yellow(word),
            "done" => self.green(word),
            "blocked" => self.red(word),
            "cancelled" => self.dim(word),
            _ => word.to_owned(),
        }
    }
}

/// `text` in `width` columns, cut with `…` or filled with blanks.
pub fn cell(text: &str, width: usize) -> String {
    let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut out = String::new();
    if one_line.width() <= width {
        out.push_str(&one_line);
    } else {
        for c in one_line.chars() {
            if (out.clone() + &c.to_string()).width() >= width {
                break;
            }
            out.push(c);
        }
        out.push('…');
    }
    let fill = width.saturating_sub(out.width());
    out + &" ".repeat(fill)
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

/// One line of a task list.
pub fn task_line(task: &TaskDocument, paint: Paint) -> String {
    let status = cell(&task.status, 12);
    let assignee = task.assigned_to.as_ref().map(|agent| format!(" -> {agent}")).unwrap_or_default();
    let elsewhere = task.finished_on.as_ref().or(task.claimed_on.as_ref());
    let elsewhere =
        elsewhere.map(|place| format!(" (on {})", place.branch.as_deref().unwrap_or("another branch")));
    format!(
        "{}  {}  P{}  {}{assignee}{}",
        paint.bold(&task.id),
        paint.status(&status),
        task.priority,
        task.title,
        elsewhere.unwrap_or_default()
    )
}

/// One line of the log.
pub fn event_line(event: &EventDocument, paint: Paint) -> String {
    let time = event.ts.get(..19).unwrap_or(&event.ts).replace('T', " ");
    let fields: Vec<String> = event
        .fields
        .iter()
        .map(|(key, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{key}={}", cell(&value, value.width().min(60)))
        })
        .collect();
    let derived = if event.derived { " (derived)" } else { "" };
    let head = format!("{}  {}  {}", paint.dim(&time), cell(&event.agent, 10), cell(&event.action, 20));
    format!("{head}  {}{derived}", fields.join(" ")).trim_end().to_owned()
}

/// A story, a line an event and a line each further change of a field.
pub fn story(story: &Story, paint: Paint) -> String {
    let mut out = String::new();
    for (at, chapter) in story.chapters.iter().enumerate() {
        let time = chapter.ts.get(..19).unwrap_or(&chapter.ts).replace('T', " ");
        let commit = chapter.commit.get(..7).unwrap_or(&chapter.commit);
        let words = cell(&chapter.words, chapter.words.width().min(200));
        let derived = if chapter.derived { " (derived)" } else { "" };
        let who = cell(&chapter.agent, 10);
        out.push_str(&format!("  {}  {who}  {commit}  {words}{derived}\n", paint.dim(&time)));
        for change in story::further_changes(&story.chapters, at) {
            out.push_str(&format!("{:44}{}\n", "", story::change_words(change)));
        }
    }
    out
}

/// The whole board.
pub fn status(status: &Status, board: &str, now: Timestamp, paint: Paint) -> String {
    let events = count(usize::try_from(status.version).unwrap_or(usize::MAX), "event");
    let mut out = format!("=== Orchestrator Status ===    board: {board} · {events}\n");
    out.push_str(&format!("\n{}\n", paint.bold("WORKSTREAMS")));
    let width = status.workstreams.iter().map(|ws| ws.name.width()).max().unwrap_or(0).min(30);
    for ws in &status.workstreams {
        let c = &ws.counts;
        let mut more = String::new();
        for (count, word) in [(c.blocked, "blocked"), (c.cancelled, "cancelled")] {
            if count > 0 {
                more.push_str(&format!("   {count} {word}"));
            }
        }
        let closed = if ws.status == "active" { "" } else { "   closed" };
        out.push_str(&format!(
            "  P{} {}  {}  {:>3} pending  {:>3} active  {:>3} done{more}{closed}\n",
            ws.priority,
            cell(&ws.name, width),
            bar(c.done, c.in_progress, c.task_count - c.cancelled, 15),
            c.pending,
            c.in_progress,
            c.done
        ));
    }
    if status.workstreams.is_empty() {
        out.push_str("  (none)      orchestrator ws create <name> [description] [priority]\n");
    }
    if !status.active_tasks.is_empty() {
        out.push_str(&format!("\n{}\n", paint.bold("ACTIVE")));
    }
    for task in &status.active_tasks {
        let since = task.claimed_at.as_deref().map(|at| ago(at, now)).unwrap_or_default();
        let stale = if task.stale { paint.red("  stale") } else { String::new() };
        out.push_str(&format!(
            "  {}  {}  {}  {since}{stale}\n",
            task.id,
            cell(&task.title, 40),
            cell(&task.assigned_to, 12)
        ));
    }
    for task in &status.finished_elsewhere {
        let branch = task.finished_on.branch.as_deref().unwrap_or("no branch");
        out.push_str(&format!(
            "  {}  {}  {} on {branch}, not landed here\n",
            task.id,
            cell(&task.title, 40),
            task.status
        ));
    }
    if !status.active_locks.is_empty() {
        out.push_str(&format!("\n{}\n", paint.bold("LOCKS")));
    }
    for lock in &status.active_locks {
        let holder = lock.agent.as_deref().unwrap_or("somebody unknown");
        let left = lock.expires_at.as_deref().and_then(|end| Timestamp::parse(end).ok());
        let left = left.map(|end| format!("expires in {}", end.since(now).in_words())).unwrap_or_default();
        out.push_str(&format!("  {}  {}  {left}\n", cell(&lock.resource, 30), cell(holder, 12)));
    }
    out.push_str(&format!("\n{}\n", paint.bold("AGENTS")));
    for agent in &status.agents {
        let stale = if agent.stale { paint.red(" · stale") } else { paint.green(" · active") };
        let seen = ago(&agent.last_seen, now);
        out.push_str(&format!("  {} ({}){stale}, seen {seen}\n", agent.id, agent.kind));
    }
    if status.agents.is_empty() {
        out.push_str("  (none registered)\n");
    }
    out.push_str(&format!("\n{}\n", paint.bold("RECENT")));
    for event in &status.recent_events {
        out.push_str(&format!("  {}\n", event_line(event, paint)));
    }
    if status.recent_events.is_empty() {
        out.push_str("  (nothing yet)\n");
    }
    let topics = if status.knowledge_topics.is_empty() {
        "(empty)".to_owned()
    } else {
        status.knowledge_topics.join(", ")
    };
    out.push_str(&format!("\n{}  {topics}\n", paint.bold("KNOWLEDGE")));
    if !status.damage.is_empty() {
        out.push_str(&format!("\n{}\n", paint.red("DAMAGED")));
        for damage in &status.damage {
            out.push_str(&format!("  {}:{}:{}: {}\n", damage.path, damage.line, damage.column, damage.why));
        }
    }
    if status.log_is_cut {
        out.push_str("\nThis clone is shallow: older events are missing (git fetch --unshallow).\n");
    }
    out
}

/// What a verification found: each error and warning, and of notes at most so many of each kind.
pub fn verification(found: &Verification, notes: usize, paint: Paint) -> String {
    let mut out = String::new();
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
            Severity::Error => paint.red(&word),
            Severity::Warning => paint.yellow(&word),
            Severity::Note => paint.dim(&word),
        };
        let commit = finding.commit.as_deref().map(|commit| &commit[..commit.len().min(9)]);
        let place = [commit, finding.path.as_deref(), finding.reference.as_deref()];
        let place: Vec<&str> = place.into_iter().flatten().collect();
        let code = paint.bold(&cell(finding.code, 17));
        out.push_str(format!("{word}  {code}  {}", place.join("  ")).trim_end());
        out.push_str(&format!("\n         {}\n", finding.what));
    }
    if notes == 0 && !kinds.is_empty() {
        let told: Vec<String> = kinds.iter().map(|(code, count)| format!("{code} {count}")).collect();
        out.push_str(&format!("{}     {}      (--notes lists them)\n", paint.dim("note"), told.join(" · ")));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&format!(
        "{}, {}, {}",
        count(found.commits, "commit"),
        count(found.events, "event"),
        count(found.records, "record")
    ));
    if let Some(signed) = &found.signatures {
        out.push_str(&format!(
            "; signatures: {} good, {} of unknown keys, {} missing, {} bad",
            signed.good, signed.untrusted, signed.missing, signed.bad
        ));
    }
    out.push_str(&match (found.errors, found.warnings) {
        (0, 0) => ": log and state agree\n".to_owned(),
        (errors, warnings) => format!(": {}, {}\n", count(errors, "error"), count(warnings, "warning")),
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_width_whatever_is_in_them() {
        for text in ["", "short", "much too long for it", "日本語テキスト", "a\nb"] {
            assert_eq!(cell(text, 8).width(), 8, "{text}");
        }
    }

    #[test]
    fn bars_are_full_when_all_is_done() {
        assert_eq!(bar(0, 0, 0, 4), "░░░░");
        assert_eq!(bar(4, 0, 4, 4), "████");
        assert_eq!(bar(1, 1, 4, 4), "█▒░░");
    }
}
