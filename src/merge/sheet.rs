//! Three versions of a file, row by row.
//!
//! The values of the keys are decided elsewhere; here their lines are chosen, so that a comment, a blank line, an
//! order or a key that this version does not know stays as whoever wrote it left it.

use crate::model::{Row, Sheet};

use super::lines::{self, Markers};

/// Whose lines of a key say what the merged entity says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Ours; also where the key is in conflict, or neither has it right.
    Ours,
    /// The other side's.
    Theirs,
    /// Both: the one that was rewritten, ours if both were.
    Either,
    /// The key is not known: its lines are merged as they are.
    Opaque,
}

/// Merges three files; and the unknown keys that are in conflict, of which the result has our lines.
pub fn rows(
    base: &Sheet,
    ours: &Sheet,
    theirs: &Sheet,
    choose: &dyn Fn(&str) -> Choice,
) -> (Sheet, Vec<String>) {
    let mut merged = Sheet { rows: Vec::new(), tail: between(&base.tail, &ours.tail, &theirs.tail) };
    let mut conflicts = Vec::new();
    let mut order: Vec<&str> = ours.rows.iter().map(|row| row.key.as_str()).collect();
    for (at, row) in theirs.rows.iter().enumerate() {
        if !order.contains(&row.key.as_str()) {
            order.insert(place_after(&order, &theirs.rows[..at]), &row.key);
        }
    }
    // Comments of a key that goes, for the next one.
    let mut orphaned = String::new();
    for key in order {
        let three = [base, ours, theirs].map(|sheet| sheet.get(key));
        let above = three.map(|row| row.map_or("", |row| row.above.as_str()));
        let own = three.map(|row| row.map(|row| row.lines.as_str()));
        let is_free_of = |side: usize| own[side] == own[0];
        let picked = match choose(key) {
            Choice::Ours => own[1],
            Choice::Theirs => own[2],
            Choice::Either | Choice::Opaque if own[1] == own[2] || is_free_of(2) => own[1],
            Choice::Either | Choice::Opaque if is_free_of(1) => own[2],
            Choice::Either => own[1],
            Choice::Opaque => match opaque(own) {
                Some(lines) => {
                    let above = std::mem::take(&mut orphaned) + &between(above[0], above[1], above[2]);
                    merged.rows.push(Row { key: key.to_owned(), above, lines });
                    continue;
                }
                None => {
                    conflicts.push(key.to_owned());
                    own[1]
                }
            },
        };
        // A side that has not the key says nothing about what stands above it.
        let above = match (own[1], own[2]) {
            (Some(_), Some(_)) => between(above[0], above[1], above[2]),
            (Some(_), None) => above[1].to_owned(),
            (None, _) => above[2].to_owned(),
        };
        match picked {
            Some(lines) => merged.rows.push(Row {
                key: key.to_owned(),
                above: std::mem::take(&mut orphaned) + &above,
                lines: lines.to_owned(),
            }),
            None if three[0].is_some_and(|base| base.above == above) => {}
            None => orphaned.push_str(&above),
        }
    }
    merged.tail.insert_str(0, &orphaned);
    (merged, conflicts)
}

/// Lines that both sides rewrote, if they go together.
fn opaque(own: [Option<&str>; 3]) -> Option<String> {
    let (base, ours, theirs) = (own[0]?, own[1]?, own[2]?);
    let merged = lines::merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes())?;
    String::from_utf8(merged).ok()
}

/// What stands between two keys (comments, blank lines): both versions, where both changed it. A comment
/// contradicts nothing.
fn between(base: &str, ours: &str, theirs: &str) -> String {
    let mut text = String::new();
    for piece in lines::pieces(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()) {
        let parts = match piece {
            lines::Piece::Merged(lines) => [lines, b""],
            lines::Piece::Conflict { ours, theirs, .. } => [ours, theirs],
        };
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&String::from_utf8_lossy(part));
        }
    }
    text
}

/// Where a key goes: after the nearest key above it that is there.
fn place_after(order: &[&str], above: &[Row]) -> usize {
    let nearest = above.iter().rev().find_map(|row| order.iter().position(|key| *key == row.key));
    nearest.map_or(0, |at| at + 1)
}

/// The text of `merged` with the lines of these keys as both sides have them, between markers.
pub fn marked(
    merged: &Sheet,
    base: &Sheet,
    ours: &Sheet,
    theirs: &Sheet,
    keys: &[String],
    markers: &Markers,
) -> String {
    let mut sheet = merged.clone();
    for (at, row) in theirs.rows.iter().enumerate() {
        let is_missing = keys.contains(&row.key) && sheet.get(&row.key).is_none();
        if is_missing {
            let order: Vec<&str> = sheet.rows.iter().map(|row| row.key.as_str()).collect();
            let place = place_after(&order, &theirs.rows[..at]);
            let (key, lines) = (row.key.clone(), String::new());
            sheet.rows.insert(place, Row { key, above: String::new(), lines });
        }
    }
    let mut text: Vec<u8> = Vec::new();
    let mut hunk: Option<[String; 3]> = None;
    let close = |text: &mut Vec<u8>, hunk: &mut Option<[String; 3]>| {
        let Some([base, ours, theirs]) = hunk.take() else { return };
        lines::push_conflict(text, base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), markers);
    };
    for row in &sheet.rows {
        if !row.above.is_empty() || !keys.contains(&row.key) {
            close(&mut text, &mut hunk);
            push_lines(&mut text, &row.above);
        }
        if keys.contains(&row.key) {
            // Keys that stand together make one hunk.
            let open = hunk.get_or_insert_default();
            for (side, sheet) in open.iter_mut().zip([base, ours, theirs]) {
                side.push_str(&whole(sheet.lines(&row.key).unwrap_or_default()));
            }
        } else {
            push_lines(&mut text, &row.lines);
        }
    }
    close(&mut text, &mut hunk);
    push_lines(&mut text, &sheet.tail);
    String::from_utf8_lossy(&text).into_owned()
}

fn whole(lines: &str) -> String {
    let end = if lines.is_empty() || lines.ends_with('\n') { "" } else { "\n" };
    format!("{lines}{end}")
}

fn push_lines(text: &mut Vec<u8>, lines: &str) {
    if !lines.is_empty() && !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(lines.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::ConflictStyle;

    /// A sheet from `key: value` lines, with whatever begins otherwise above the next key.
    fn sheet(text: &str) -> Sheet {
        let mut sheet = Sheet::default();
        for line in text.split_inclusive('\n') {
            match line.split_once(':').filter(|(key, _)| key.chars().all(char::is_alphanumeric)) {
                Some((key, _)) => sheet.rows.push(Row {
                    key: key.to_owned(),
                    above: std::mem::take(&mut sheet.tail),
                    lines: line.to_owned(),
                }),
                None => sheet.tail.push_str(line),
            }
        }
        sheet
    }

    fn merged(base: &str, ours: &str, theirs: &str) -> (String, Vec<String>) {
        let (merged, conflicts) = rows(&sheet(base), &sheet(ours), &sheet(theirs), &|_| Choice::Opaque);
        (merged.text(), conflicts)
    }

    #[test]
    fn comments_and_unknown_keys_of_both_sides_stay() {
        let base = "a: 1\nb: 2\nc: 3\n";
        let (text, conflicts) =
            merged(base, "# ours\na: 1\nx: 1\nb: 2\nc: 3\n", "a: 1\nb: 2\ny: 1\n# theirs\nc: 4\n# end\n");
        assert_eq!(text, "# ours\na: 1\nx: 1\nb: 2\ny: 1\n# theirs\nc: 4\n# end\n");
        assert_eq!(conflicts, [""; 0]);
    }

    #[test]
    fn a_key_that_was_taken_away_goes_unless_the_other_side_changed_it() {
        assert_eq!(merged("# of b\nb: 2\na: 1\n", "a: 1\n", "# of b\nb: 2\na: 1\n").0, "a: 1\n");
        assert_eq!(merged("b: 2\na: 1\n", "a: 1\n", "b: 3\na: 1\n"), ("a: 1\n".into(), vec!["b".into()]));
        // What somebody wrote above it in the meantime is not lost with it.
        assert_eq!(merged("b: 2\na: 1\n", "a: 1\n", "# why\nb: 2\na: 1\n").0, "# why\na: 1\n");
    }

    #[test]
    fn both_versions_of_a_comment_stay() {
        assert_eq!(merged("a: 1\n", "# one\na: 1\n", "# two\na: 1\n").0, "# one\n# two\na: 1\n");
    }

    #[test]
    fn a_conflict_is_marked_around_the_lines_of_its_keys() {
        let [base, ours, theirs] =
            ["a: 1\nb: 1\nc: 1\n", "a: 1\nb: 2\nc: 2\n", "a: 3\nb: 3\nc: 3\nd: 3\n"].map(sheet);
        let (merged, conflicts) = rows(&base, &ours, &theirs, &|_| Choice::Opaque);
        assert_eq!(conflicts, ["b", "c"]);
        let keys = [conflicts, vec!["d".to_owned()]].concat();
        let style = ConflictStyle::Diff3;
        let text = marked(&merged, &base, &ours, &theirs, &keys, &Markers { style, ..Markers::default() });
        assert_eq!(
            text,
            "a: 3\n<<<<<<< ours\nb: 2\nc: 2\n||||||| base\nb: 1\nc: 1\n=======\nb: 3\nc: 3\nd: 3\n>>>>>>> theirs\n"
        );
    }
}
