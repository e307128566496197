//! Three versions of a text, line by line.
//!
//! As git does it: what one side changed is taken, what both changed alike is taken once, and where both changed
//! the same or neighbouring lines in different ways is a conflict, cut down to the lines that differ.

use imara_diff::{Algorithm, Diff, InternedInput, sources};

/// How conflicts are marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markers {
    /// How many characters each marker has; git's default is 7.
    pub size: usize,
    /// What stands behind `<<<<<<<`.
    pub ours: String,
    /// What stands behind `|||||||`, where the base is shown.
    pub base: String,
    /// What stands behind `>>>>>>>`.
    pub theirs: String,
    /// What a conflict shows.
    pub style: ConflictStyle,
}

/// What a conflict shows, as `merge.conflictStyle` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictStyle {
    /// The two sides.
    #[default]
    Merge,
    /// The base between them, too.
    Diff3,
}

impl Default for Markers {
    fn default() -> Self {
        Self {
            size: 7,
            ours: "ours".to_owned(),
            base: "base".to_owned(),
            theirs: "theirs".to_owned(),
            style: ConflictStyle::default(),
        }
    }
}

/// A piece of a merged text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// These lines.
    Merged(&'t [u8]),
    /// Both sides changed these lines, in different ways.
    Conflict {
        /// As they were.
        base: &'t [u8],
        /// As our side has them.
        ours: &'t [u8],
        /// As the other side has them.
        theirs: &'t [u8],
    },
}

/// A text as lines, and the offset of each.
struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t [u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    fn part(&self, from: usize, to: usize) -> &'t [u8] {
        &self.text[self.starts[from]..self.starts[to]]
    }
}

/// What was replaced by what: lines of the base, lines of a side.
#[derive(Clone, Copy)]
struct Hunk {
    base: (usize, usize),
    side: (usize, usize),
}

fn hunks(base: &[u8], side: &[u8]) -> Vec<Hunk> {
    let input = InternedInput::new(sources::byte_lines(base), sources::byte_lines(side));
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_no_heuristic(&input);
    let range = |range: std::ops::Range<u32>| (range.start as usize, range.end as usize);
    diff.hunks().map(|hunk| Hunk { base: range(hunk.before), side: range(hunk.after) }).collect()
}

/// Merges three versions.
pub fn pieces<'t>(base: &'t [u8], ours: &'t [u8], theirs: &'t [u8]) -> Vec<Piece<'t>> {
    let (our_hunks, their_hunks) = (hunks(base, ours), hunks(base, theirs));
    let (base, ours, theirs) = (Lines::of(base), Lines::of(ours), Lines::of(theirs));
    let mut pieces = Vec::new();
    let (mut one, mut two) = (our_hunks.iter().peekable(), their_hunks.iter().peekable());
    // Up to where each text has been told.
    let (mut at, mut at_ours, mut at_theirs) = (0, 0, 0);
    loop {
        let start = match (one.peek(), two.peek()) {
            (None, None) => break,
            (Some(hunk), None) | (None, Some(hunk)) => hunk.base.0,
            (Some(one), Some(two)) => one.base.0.min(two.base.0),
        };
        // All hunks that overlap or touch, until there is one that does not.
        let (mut end, mut in_ours, mut in_theirs) = (start, Vec::new(), Vec::new());
        loop {
            let mut grew = false;
            for (hunks, taken) in [(&mut one, &mut in_ours), (&mut two, &mut in_theirs)] {
                while let Some(hunk) = hunks.next_if(|hunk| hunk.base.0 <= end) {
                    end = end.max(hunk.base.1);
                    taken.push(*hunk);
                    grew = true;
                }
            }
            if !grew {
                break;
            }
        }
        push(&mut pieces, Piece::Merged(base.part(at, start)));
        let (from_ours, from_theirs) = (at_ours + (start - at), at_theirs + (start - at));
        let length = |taken: &[Hunk]| {
            let grown: usize = taken.iter().map(|hunk| hunk.side.1 - hunk.side.0).sum();
            let gone: usize = taken.iter().map(|hunk| hunk.base.1 - hunk.base.0).sum();
            (end - start) + grown - gone
        };
        let (to_ours, to_theirs) = (from_ours + length(&in_ours), from_theirs + length(&in_theirs));
        let region =
            (base.part(start, end), ours.part(from_ours, to_ours), theirs.part(from_theirs, to_theirs));
        match (in_ours.is_empty(), in_theirs.is_empty()) {
            (_, true) => push(&mut pieces, Piece::Merged(region.1)),
            (true, false) => push(&mut pieces, Piece::Merged(region.2)),
            (false, false) => disputed(&mut pieces, region.0, region.1, region.2),
        }
        (at, at_ours, at_theirs) = (end, to_ours, to_theirs);
    }
    push(&mut pieces, Piece::Merged(base.part(at, base.count())));
    pieces
}

fn push<'t>(pieces: &mut Vec<Piece<'t>>, piece: Piece<'t>) {
    if piece != Piece::Merged(b"") {
        pieces.push(piece);
    }
}

/// A region that both changed: what they agree on at its ends is taken, the rest is a conflict.
fn disputed<'t>(pieces: &mut Vec<Piece<'t>>, base: &'t [u8], ours: &'t [u8], theirs: &'t [u8]) {
    let (one, two) = (Lines::of(ours), Lines::of(theirs));
    let least = one.count().min(two.count());
    let same = |at: usize| one.part(at, at + 1) == two.part(at, at + 1);
    let above = (0..least).take_while(|at| same(*at)).count();
    let same_below = |back: usize| {
        let (a, b) = (one.count() - back, two.count() - back);
        one.part(a - 1, a) == two.part(b - 1, b)
    };
    let below = (0..least - above).take_while(|back| same_below(*back)).count();
    push(pieces, Piece::Merged(one.part(0, above)));
    let (ours, theirs) = (one.part(above, one.count() - below), two.part(above, two.count() - below));
    if !(ours.is_empty() && theirs.is_empty()) {
        pieces.push(Piece::Conflict { base, ours, theirs });
    }
    push(pieces, Piece::Merged(one.part(one.count() - below, one.count())));
}

/// The merged text, where there is no conflict.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(ours.len().max(theirs.len()));
    for piece in pieces(base, ours, theirs) {
        match piece {
            Piece::Merged(lines) => text.extend_from_slice(lines),
            Piece::Conflict { .. } => return None,
        }
    }
    Some(text)
}

/// The merged text with its conflicts marked, and how many there are.
pub fn marked(base: &[u8], ours: &[u8], theirs: &[u8], markers: &Markers) -> (Vec<u8>, usize) {
    let (mut text, mut conflicts) = (Vec::with_capacity(ours.len() + theirs.len()), 0);
    for piece in pieces(base, ours, theirs) {
        match piece {
            Piece::Merged(lines) => {
                end_line(&mut text, lines);
                text.extend_from_slice(lines);
            }
            Piece::Conflict { base, ours, theirs } => {
                push_conflict(&mut text, base, ours, theirs, markers);
                conflicts += 1;
            }
        }
    }
    (text, conflicts)
}

/// Appends one conflict with its markers.
pub fn push_conflict(text: &mut Vec<u8>, base: &[u8], ours: &[u8], theirs: &[u8], markers: &Markers) {
    let side = if ours.is_empty() { theirs } else { ours };
    let first = side.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let newline: &[u8] = if first.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
    let mut marker = |mark: u8, label: &str, lines: &[u8]| {
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.extend_from_slice(newline);
        }
        text.extend(std::iter::repeat_n(mark, markers.size));
        if !label.is_empty() {
            text.push(b' ');
            text.extend_from_slice(label.as_bytes());
        }
        text.extend_from_slice(newline);
        text.extend_from_slice(lines);
    };
    marker(b'<', &markers.ours, ours);
    if markers.style == ConflictStyle::Diff3 {
        marker(b'|', &markers.base, base);
    }
    marker(b'=', "", theirs);
    marker(b'>', &markers.theirs, b"");
}

/// Only the last line may lack its end; one that has become another gets it.
fn end_line(text: &mut Vec<u8>, next: &[u8]) {
    if !text.is_empty() && !text.ends_with(b"\n") && !next.is_empty() {
        text.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &str, ours: &str, theirs: &str) -> String {
        let markers = Markers::default();
        let (text, conflicts) = marked(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), &markers);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(conflicts, text.matches("<<<<<<< ours").count());
        text
    }

    #[test]
    fn what_one_side_changed_is_taken() {
        let base = "1\n2\n3\n4\n5\n";
        assert_eq!(merged(base, "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n"), "one\n2\n3\n4\nfive\n");
        assert_eq!(merged(base, "0\n1\n2\n3\n4\n5\n", "1\n2\n4\n5\n6\n"), "0\n1\n2\n4\n5\n6\n");
        assert_eq!(merged(base, base, "x\n"), "x\n");
        assert_eq!(merged(base, "", base), "");
        assert_eq!(merged("", "", "a"), "a");
    }

    #[test]
    fn what_both_changed_alike_is_taken_once() {
        assert_eq!(merged("1\n2\n3\n", "1\ntwo\n3\n", "1\ntwo\n3\n"), "1\ntwo\n3\n");
        assert_eq!(merged("", "a\nb\n", "a\nb\n"), "a\nb\n");
    }

    #[test]
    fn a_conflict_is_cut_down_to_what_differs() {
        assert_eq!(
            merged("1\n2\n3\n", "1\nsame\na\n3\n", "1\nsame\nb\n3\n"),
            "1\nsame\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n3\n"
        );
        // Neighbours touch: which of them belongs above the other is not known.
        assert_eq!(
            merged("1\n2\n", "one\n2\n", "1\ntwo\n"),
            "<<<<<<< ours\none\n2\n=======\n1\ntwo\n>>>>>>> theirs\n"
        );
    }

    #[test]
    fn markers_stand_on_lines_of_their_own_and_show_the_base_on_request() {
        let markers = Markers {
            size: 9,
            ours: "HEAD".into(),
            base: "1234567".into(),
            theirs: "feature".into(),
            style: ConflictStyle::Diff3,
        };
        let (text, conflicts) = marked(b"o", b"a", b"b", &markers);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "<<<<<<<<< HEAD\na\n||||||||| 1234567\no\n=========\nb\n>>>>>>>>> feature\n"
        );
        assert_eq!(conflicts, 1);
        let (text, _) = marked(b"o\r\n", b"a\r\n", b"b\r\n", &Markers::default());
        assert_eq!(text, b"<<<<<<< ours\r\na\r\n=======\r\nb\r\n>>>>>>> theirs\r\n");
    }
}
