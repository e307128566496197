//! Commit messages: one subject, one sentence, and the trailers that make history the event log.
//!
//! Text of a user reaches a message in two places only: sanitised in the subject, and as JSON in an event
//! line; in neither does it act on a host ([`host`]). The trailers are the last block, alone, one line each, so that `git log %(trailers)` and
//! `git interpret-trailers` agree. The reader is more generous: it finds event lines anywhere, indented or
//! not, because a squash merge concatenates messages.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::model::{Event, EventId, Wording, is_printable};

use super::{event, host};

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
        let line = event::encode(event);
        let line = if event.line.is_some() { host::imported(&line) } else { host::json(&line) };
        message.push_str(&format!("{EVENT}: {line}\n"));
    }
    message
}

/// One line of printable text that does nothing on a host: breaks become blanks, what does not print goes, signs that
/// hosts act on are taken apart, and beyond `longest` characters it is cut with `…`.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    let printable: String = spaced.filter(|c| is_printable(*c)).collect();
    let words = printable.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let words = host::words(&words);
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
    let mut seen: HashMap<Cow<'_, str>, usize> = HashMap::new();
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    for line in values(message, EVENT) {
        let line = host::restored(line);
        let repeat = seen.entry(line.clone()).or_default();
        match event::decode(&line, *repeat) {
            Ok(event) => events.push(event),
            Err(why) => problems.push(why),
        }
        *repeat += 1;
    }
    (events, problems)
}

/// What is wrong with lines that git takes for trailers with an event, and this program does not: for git neither the
/// case of a key matters nor blanks behind it.
pub(crate) fn look_alikes(message: &str) -> Vec<String> {
    let is_another = |line: &str| {
        let (key, value) = line.split_once(':')?;
        let is_it = key.trim_end().eq_ignore_ascii_case(EVENT) && key.trim_start() != EVENT;
        (is_it && value.trim_start().starts_with('{')).then(|| key.trim().to_owned())
    };
    let told =
        |key: String| format!("git takes `{}` for `{EVENT}`, this program does not", key.escape_debug());
    message.lines().filter_map(is_another).map(told).collect()
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

/// The commits that the message says to revert, as it names them.
pub(crate) fn reverted(message: &str) -> impl Iterator<Item = &str> {
    message.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("This reverts commit ")?;
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|hex| hex.len() == 40)
    })
}

/// Whose words a message is, as far as its form tells.
pub(crate) fn wording(message: &str) -> Wording {
    let subject = message.lines().next().unwrap_or_default().trim_end();
    let has_events = values(message, EVENT).next().is_some() || values(message, IMPORT).next().is_some();
    if reverted(message).next().is_some() && !has_events {
        return Wording::Revert;
    }
    if !subject.starts_with(PREFIX) {
        return Wording::Own;
    }
    // ` (#12)`, as hosts end the subject of a pull request that they squash.
    let number = subject.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (#"));
    let is_numbered = number.is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match (is_numbered, has_events) {
        (true, _) => Wording::Squashed,
        (false, true) => Wording::Ours,
        (false, false) => Wording::Cut,
    }
}

/// The events of a squash that a later commit of the same squash reverts, as the message tells it: those below a subject
/// of ours that `Revert "…"` quotes, and that nothing reapplies.
pub(crate) fn taken_back(message: &str) -> Vec<EventId> {
    let title = |line: &str| line.trim().trim_start_matches("* ").to_owned();
    let quoted = |verb: &str| -> HashSet<String> {
        let lines = message.lines().map(title);
        lines.filter_map(|line| Some(line.strip_prefix(verb)?.strip_suffix('"')?.to_owned())).collect()
    };
    let (mut reverted, reapplied) = (quoted("Revert \""), quoted("Reapply \""));
    reverted.retain(|subject| !reapplied.contains(subject));
    if reverted.is_empty() {
        return Vec::new();
    }
    let (mut is_reverted, mut found) = (false, Vec::new());
    for line in message.lines() {
        if title(line).starts_with(PREFIX) {
            is_reverted = reverted.contains(&title(line));
        }
        if is_reverted {
            found.extend(events(line).0.into_iter().filter_map(|event| event.id));
        }
    }
    found
}

/// Whether one batch, or an import, wrote the message: then its author is not that of each event in it. So is it of what
/// undoes several changes: each is undone by whom it was of.
pub(crate) fn is_of_several(message: &str) -> bool {
    let subject = message.lines().next().unwrap_or_default();
    let Some(rest) = subject.strip_prefix(PREFIX) else { return false };
    let is_number = |n: &str| n.bytes().all(|b| b.is_ascii_digit());
    is_import(message)
        || rest.split_once(" changes: ").is_some_and(|(n, _)| is_number(n))
        || rest
            .strip_prefix("undo ")
            .and_then(|rest| rest.split_once(" changes of "))
            .is_some_and(|(n, _)| is_number(n))
}

/// Whether an import wrote the message.
pub(crate) fn is_import(message: &str) -> bool {
    message.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with("import "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, EventId, Timestamp};

    #[test]
    fn a_message_shows_whose_words_it_is() {
        let ours = encode("claim 299833bc Pay", "", &[], &[claimed("x")]);
        let hex = "a".repeat(40);
        for (message, wording_of) in [
            (ours.clone(), Wording::Ours),
            (format!("{ours}Signed-off-by: Ada\n"), Wording::Ours),
            (ours.lines().next().unwrap().to_owned(), Wording::Cut),
            (ours.replacen("Pay\n", "Pay (#12)\n", 1), Wording::Squashed),
            (format!("Add payments (#12)\n\n{ours}"), Wording::Own),
            (format!("Revert \"orchestrator: claim\"\n\nThis reverts commit {hex}.\n"), Wording::Revert),
            ("Edit".to_owned(), Wording::Own),
        ] {
            assert_eq!(wording(&message), wording_of, "{message}");
        }
        assert_eq!(
            reverted(&format!("x\n\n  This reverts commit {hex}.\nThis reverts commit it.")).count(),
            1
        );
        assert!(is_of_several("orchestrator: 12 changes: add; claim") && !is_of_several(&ours));
    }

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
    fn what_git_takes_for_an_event_and_we_do_not_is_named() {
        for (line, is_one) in [
            ("Orchestrator-Event: {}", false),
            ("  Orchestrator-Event: {}", false),
            ("orchestrator-event: {}", true),
            ("ORCHESTRATOR-EVENT:{}", true),
            ("Orchestrator-Event : {}", true),
            ("orchestrator-event: is the key of our trailers", false),
            ("Orchestrator-Events: {}", false),
        ] {
            assert_eq!(look_alikes(&format!("s\n\n{line}\n")).len(), usize::from(is_one), "{line}");
        }
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

    #[test]
    fn a_squash_tells_what_it_takes_back() {
        let ours = encode("claim 299833bc Pay", "", &[], &[claimed("x")]);
        let revert = "Revert \"orchestrator: claim 299833bc Pay\"\n\nThis reverts commit abc.";
        let id = claimed("x").id.unwrap();
        for (joined, expected) in [
            (format!("commit 1\n\n    {revert}\n\ncommit 2\n\n{ours}"), vec![id.clone()]),
            (format!("Land (#1)\n\n* {ours}\n\n* {revert}"), vec![id]),
            (format!("{ours}\n\n{revert}\n\nReapply \"orchestrator: claim 299833bc Pay\""), vec![]),
            (ours, vec![]),
        ] {
            assert_eq!(taken_back(&joined), expected, "{joined}");
        }
        assert!(is_of_several("orchestrator: undo 3 changes of 80da82f"));
        assert!(!is_of_several("orchestrator: undo task_claimed 80da82f of changes of x"));
    }
}
