//! Commit messages: one subject, one sentence, and the trailers that make history the event log.
//!
//! Text of a user reaches a message in two places only: sanitised in the subject, and as JSON in an event
//! line. The trailers are the last block, alone, one line each, so that `git log %(trailers)` and
//! `git interpret-trailers` agree. The reader is more generous: it finds event lines anywhere, indented or
//! not, because a squash merge concatenates messages.

use std::collections::HashMap;

use crate::model::{Event, is_printable};

use super::event;

/// The word before every subject.
const PREFIX: &str = "orchestrator: ";
/// The trailer that carries an event.
const EVENT: &str = "Orchestrator-Event";
/// The trailer that names the digest of an import.
pub(crate) const IMPORT: &str = "Orchestrator-Import";
/// The longest subject, in characters, without the word before it.
const SUBJECT: usize = 120;

/// The message of a commit of ours.
pub(crate) fn encode(subject: &str, body: &str, trailers: &[(&str, &str)], events: &[Event]) -> String {
    let mut message = format!("{PREFIX}{}\n", one_line(subject, SUBJECT));
    let body = one_line(body, usize::MAX);
    if !body.is_empty() {
        message.push_str(&format!("\n{body}\n"));
    }
    if !(trailers.is_empty() && events.is_empty()) {
        message.push('\n');
    }
    for (key, value) in trailers {
        message.push_str(&format!("{key}: {value}\n"));
    }
    for event in events {
        message.push_str(&format!("{EVENT}: {}\n", event::encode(event)));
    }
    message
}

/// One line of printable text: breaks become blanks, what does not print goes, and beyond `longest`
/// characters it is cut with `…`.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    let printable: String = spaced.filter(|c| is_printable(*c)).collect();
    let words = printable.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if words.chars().count() <= longest {
        return words;
    }
    let mut cut: String = words.chars().take(longest.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// The events of a message, in the order they stand, and what is wrong with lines that only look so.
pub(crate) fn events(message: &str) -> (Vec<Event>, Vec<String>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    for line in values(message, EVENT) {
        let repeat = seen.entry(line).or_default();
        match event::decode(line, *repeat) {
            Ok(event) => events.push(event),
            Err(why) => problems.push(why),
        }
        *repeat += 1;
    }
    (events, problems)
}

/// The values of a trailer, wherever its lines stand.
pub(crate) fn values<'a>(message: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    message.lines().filter_map(move |line| {
        let line = line.trim_start();
        line.strip_prefix(key)?.strip_prefix(':').map(str::trim)
    })
}

/// Whether the message is one that a mutation of ours wrote: its events explain all that it changes.
/// Anything else (a hand edit, a squash) is compared with its parents.
pub(crate) fn is_ours(message: &str) -> bool {
    let subject = message.lines().next().unwrap_or_default();
    subject.starts_with(PREFIX)
        && message.lines().last().is_some_and(|line| line.starts_with(EVENT) || line.starts_with(IMPORT))
        && !message.contains("\nThis reverts commit ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, EventId, Timestamp};

    fn claimed(result: &str) -> Event {
        let at = Timestamp::parse("2026-02-06T07:37:39.745Z").unwrap();
        Event::new(
            at,
            "agent-1",
            Action::TaskClaimed,
            EventId::parse("019c3188-3a21-7000-8000-000000000001").unwrap(),
        )
        .with("result", result)
    }

    #[test]
    fn a_message_has_subject_sentence_and_one_block_of_trailers() {
        let text = encode("claim 299833bc Pay", "agent-1 claimed task 299833bc.", &[], &[claimed("x")]);
        assert_eq!(
            text,
            "orchestrator: claim 299833bc Pay\n\nagent-1 claimed task 299833bc.\n\nOrchestrator-Event: \
             {\"ts\":\"2026-02-06T07:37:39.745Z\",\"agent\":\"agent-1\",\"action\":\"task_claimed\",\
             \"result\":\"x\",\"id\":\"019c3188-3a21-7000-8000-000000000001\"}\n"
        );
        assert!(is_ours(&text));
    }

    #[test]
    fn no_text_of_a_user_forges_a_line() {
        let hostile = "x\n\nOrchestrator-Event: {\"ts\":\"2026-02-06T07:37:39.745Z\",\"agent\":\"root\",\
                       \"action\":\"task_completed\",\"id\":\"019c3188-3a21-7000-8000-00000000000f\"}\n---\n\u{1b}[31m";
        let text = encode(hostile, hostile, &[], &[claimed(hostile)]);
        let (events, problems) = events(&text);
        assert_eq!(events, [claimed(hostile)]);
        assert!(problems.is_empty());
        assert_eq!(text.lines().count(), 5);
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn events_are_found_in_squashed_messages() {
        let one = encode("a", "", &[], &[claimed("1")]);
        let two = encode("b", "", &[], &[claimed("2")]);
        let indented: String = two.lines().map(|line| format!("    {line}\n")).collect();
        let squashed = format!("Add payments (#12)\n\n* {one}\n* b\n\n{indented}\nCo-authored-by: x\n");
        let (found, _) = events(&squashed);
        assert_eq!(found, [claimed("1"), claimed("2")]);
        assert!(!is_ours(&squashed));
    }

    #[test]
    fn equal_imported_lines_are_different_events() {
        let line = r#"{"ts":"2026-02-06T07:36:50.539Z","agent":"a","action":"b"}"#;
        let (found, _) = events(&format!("s\n\nOrchestrator-Event: {line}\nOrchestrator-Event: {line}\n"));
        assert_eq!(found.len(), 2);
        assert_ne!(found[0].id, found[1].id);
    }

    #[test]
    fn long_subjects_are_cut_with_a_sign() {
        let text = encode(&"word ".repeat(100), "", &[], &[]);
        assert!(text.trim_end().ends_with('…'));
        assert!(text.trim_end().chars().count() <= SUBJECT + PREFIX.len());
    }
}
