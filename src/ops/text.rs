//! Rules for text that people and agents give.

use crate::model::{Code, Refusal, is_blank, is_printable};

/// The most bytes of a description, a result, a reason or a document.
pub(crate) const LONGEST: usize = 1 << 20;

/// One printable line of 1 to 500 characters, as a title.
pub(super) fn check_line(what: &str, text: &str) -> Result<(), Refusal> {
    let why = if text.trim().is_empty() {
        "is empty"
    } else if text.chars().all(is_printable) && is_blank(text) {
        "has nothing that is to be seen"
    } else if text.chars().count() > 500 {
        "is longer than 500 characters"
    } else if text.contains(['\n', '\r']) {
        "has more than one line; what follows the first belongs into the description"
    } else if let Some(bad) = text.chars().find(|c| !is_printable(*c)) {
        let why = format!("the {what} holds a character that does not print: U+{:04X}", u32::from(bad));
        return Err(Refusal::new(Code::Invalid, why));
    } else {
        return Ok(());
    };
    Err(Refusal::new(Code::Invalid, format!("the {what} {why}")))
}

/// Why something was blocked, cancelled or broken: any text as [`check_text`] takes it, and not blank.
pub(super) fn check_reason(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(Code::Invalid, "the reason is empty"));
    }
    check_text("reason", text)
}

/// Any text of at most 1 MiB without NUL.
pub(super) fn check_text(what: &str, text: &str) -> Result<(), Refusal> {
    let why = if text.len() > LONGEST {
        "is longer than 1 MiB"
    } else if text.contains('\0') {
        "holds a NUL character"
    } else {
        return Ok(());
    };
    Err(Refusal::new(Code::Invalid, format!("the {what} {why}")))
}

/// Short printable words, as labels and capabilities; repeats are dropped.
pub(super) fn check_words(what: &str, words: &[String]) -> Result<Vec<String>, Refusal> {
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        check_line(what, word)?;
        if word.len() > 100 {
            return Err(Refusal::new(Code::Invalid, format!("the {what} `{word}` is longer than 100 bytes")));
        }
        if !kept.contains(word) {
            kept.push(word.clone());
        }
    }
    Ok(kept)
}

/// The start of a text, fit for one line of a message.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let mut shown: String = line.chars().filter(|c| is_printable(*c)).take(80).collect();
    if shown.len() < text.trim().len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_printable_line() {
        assert!(check_line("title", "Add payments – now").is_ok());
        for bad in ["", "  ", "a\nOrchestrator-Event: {}", "a\u{1b}[2J", "a\u{202e}b", &"x".repeat(501)] {
            assert_eq!(check_line("title", bad).unwrap_err().code, Code::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn longer_text_may_hold_anything_but_nul() {
        assert!(check_text("result", "a\n\u{1b}[2J\r\n").is_ok());
        assert!(check_text("result", "a\0b").is_err());
        assert!(check_text("result", &"x".repeat(LONGEST + 1)).is_err());
        assert!(check_reason("key").is_ok());
        for bad in ["", " \n", "a\0b"] {
            assert_eq!(check_reason(bad).unwrap_err().code, Code::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn an_excerpt_is_one_short_printable_line() {
        assert_eq!(excerpt("can't go on"), "can't go on");
        assert_eq!(excerpt("\n first\u{1b}[2J \nsecond"), "first[2J…");
        assert_eq!(excerpt(&"x".repeat(1 << 20)).chars().count(), 81);
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn the_character_that_does_not_print_is_named() {
        assert!(check_line("title", "a\u{202e}b").unwrap_err().message.ends_with("U+202E"));
    }
}
