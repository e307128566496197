//! The difference of two texts, by lines, short enough to be read beside other things.

use imara_diff::{Algorithm, Diff, InternedInput, sources};

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
    let input = InternedInput::new(sources::lines(before), sources::lines(after));
    let [old, new] = [&input.before, &input.after]
        .map(|side| side.iter().map(|line| input.interner[*line]).collect::<Vec<_>>());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut found = Lines::default();
    // Up to where the old text has been told.
    let mut told = 0;
    for (number, hunk) in diff.hunks().enumerate() {
        let (from, to) = (hunk.before.start as usize, hunk.before.end as usize);
        let equal = &old[told..from];
        if number == 0 {
            found.show(' ', &equal[equal.len().saturating_sub(AROUND)..]);
        } else if equal.len() > 2 * AROUND {
            found.show(' ', &equal[..AROUND]);
            found.skip();
            found.show(' ', &equal[equal.len() - AROUND..]);
        } else {
            found.show(' ', equal);
        }
        found.show('-', &old[from..to]);
        found.show('+', &new[hunk.after.start as usize..hunk.after.end as usize]);
        told = to;
    }
    if found != Lines::default() {
        found.show(' ', &old[told..old.len().min(told + AROUND)]);
    }
    found
}

impl Lines {
    /// Shows these lines, or counts them where there is no room.
    fn show(&mut self, sign: char, lines: &[&str]) {
        for line in lines {
            if self.shown.len() < MOST {
                self.shown.push(format!("{sign} {}", cut(line.trim_end_matches(['\n', '\r']), LONGEST)));
            } else if sign != ' ' {
                self.left_out += 1;
            }
        }
    }

    /// Says that equal lines are not shown.
    fn skip(&mut self) {
        if self.shown.len() < MOST {
            self.shown.push("…".to_owned());
        }
    }
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
