//! Words and signs that several answers share.

use unicode_width::UnicodeWidthStr;

use super::style::{Text, cell, dim, green, red, yellow};
use crate::model::{Span, Timestamp};

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

/// `2026-02-06 07:37:39` of a stamp.
pub fn moment(stamp: &str) -> String {
    stamp.get(..19).unwrap_or(stamp).replace('T', " ")
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
