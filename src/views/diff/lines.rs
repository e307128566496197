//! The difference of two texts, by lines, short enough to be read beside other things.

use similar::{ChangeTag, TextDiff};

/// How many lines are shown at most.
const MOST: usize = 40;
/// How many equal lines are shown around those that differ.
const AROUND: usize = 2;
/// How long a line may be, in characters.
const LONGEST: usize = 200;
/// Texts with more lines than this are not compared line by line.
const COMPARED: usize = 20_000;

/// Lines that differ, with a little around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Each with `+`, `-` or a blank before it; `…` stands for equal lines between.
    pub shown: Vec<String>,
    /// How many that differ are not shown.
    pub left_out: usize,
}

/// What differs between two texts. A text beyond 20,000 lines is not compared: only its size is told.
pub fn lines(before: &str, after: &str) -> Lines {
    let counts = (before.lines().count(), after.lines().count());
    if counts.0.max(counts.1) > COMPARED {
        let shown = vec![format!("- ({} lines)", counts.0), format!("+ ({} lines)", counts.1)];
        return Lines { shown, left_out: counts.0 + counts.1 };
    }
    let diff = TextDiff::from_lines(before, after);
    let mut found = Lines::default();
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 && found.shown.len() < MOST {
            found.shown.push("…".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            if found.shown.len() < MOST {
                found
                    .shown
                    .push(format!("{sign} {}", cut(change.value().trim_end_matches(['\n', '\r']), LONGEST)));
            } else if sign != ' ' {
                found.left_out += 1;
            }
        }
    }
    found
}

/// As many characters, with `…` where there were more.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_with_a_little_around_it() {
        let before: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 10\n", "line ten\n").replace("line 20\n", "");
        assert_eq!(
            lines(&before, &after).shown,
            [
                "  line 8",
                "  line 9",
                "- line 10",
                "+ line ten",
                "  line 11",
                "  line 12",
                "…",
                "  line 18",
                "  line 19",
                "- line 20"
            ]
        );
        assert_eq!(lines("a", "a"), Lines::default());
        assert_eq!(lines("", "a\n").shown, ["+ a"]);
    }

    #[test]
    fn much_is_cut_and_counted() {
        let long: String = (0..100).map(|n| format!("{n}\n")).collect();
        let found = lines("", &long);
        assert_eq!((found.shown.len(), found.left_out), (40, 60));
        assert_eq!(lines("", &"x".repeat(1000)).shown[0].chars().count(), 203);
        let huge = "x\n".repeat(30_000);
        assert_eq!(lines(&huge, "").shown, ["- (30000 lines)", "+ (0 lines)"]);
    }
}
