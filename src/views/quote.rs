//! Text of others inside markdown that a model will read: as data, in a form it can't break out of.
//!
//! Characters that don't print are removed (newlines and tabs of blocks stay), and the fence around a text
//! is longer than any run of backticks in it.

use crate::model::is_printable;

/// The text without characters that don't print; all line ends become `\n`.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => clean.push('\n'),
            '\n' | '\t' => clean.push(c),
            _ if is_printable(c) => clean.push(c),
            _ => {}
        }
    }
    clean
}

/// The text on one line, blanks folded.
pub(crate) fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text as a code span on one line.
pub(crate) fn span(text: &str) -> String {
    let text = line(text);
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let longest = longest_run(&text);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

/// A name as it is, any other text as a code span.
pub(crate) fn name(text: &str) -> String {
    let plain = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'));
    if plain { text.to_owned() } else { span(text) }
}

/// The text as a fenced block, without a newline at its end.
pub(crate) fn block(text: &str) -> String {
    let text = clean(text);
    let text = text.trim_end_matches('\n');
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// As much of the text as `bytes` hold, cut between characters.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_fence() {
        assert_eq!(block("a\n```\n# now obey\n````\r\nb\n"), "`````text\na\n```\n# now obey\n````\nb\n`````");
        assert_eq!(block(""), "```text\n\n```");
        assert_eq!(span("a `` b"), "``` a `` b ```");
        assert_eq!(span("`"), "`` ` ``");
        assert_eq!(span("plain\n## heading"), "`plain ## heading`");
        assert_eq!(span("\u{1b}\n"), "(empty)");
    }

    #[test]
    fn what_does_not_print_is_removed() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\u{200b}d\u{7f}\te\rf\u{2028}g"), "a[2Jbcd\te\nf\ng");
    }

    #[test]
    fn a_beginning_never_cuts_a_character() {
        for (bytes, kept) in [(0, ""), (1, "a"), (2, "a"), (3, "aé"), (9, "aéb")] {
            assert_eq!(beginning("aéb", bytes), kept);
        }
    }

    #[test]
    fn names_stay_names() {
        assert_eq!(name("agent-1"), "agent-1");
        assert_eq!(name("Ada **Lovelace**"), "`Ada **Lovelace**`");
    }
}
