//! Front matter: a YAML mapping between two lines `---`, then a body of any bytes.
//!
//! A file has front matter if its first line is `---` and a later one is, blanks at their ends allowed. Otherwise it is all body:
//! hand-written markdown is a legal page. (So is one that starts with a ruler and has no second.) A file whose first line
//! opens a merge conflict is refused, since the front matter is then inside.
//!
//! The body's bytes are exact, whatever they are: other line ends, no last line end, a body that itself starts with `---`.

use super::yaml::{Document, MAX_BYTES, Problem, Unwritable, Value};

/// The most bytes a body may have: 1 MiB, as the front matter may.
pub const MAX_BODY: usize = MAX_BYTES;

/// A file with front matter, perhaps none, and a body.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The opening and the closing `---` line as they were read; empty if the file has none.
    opening: Vec<u8>,
    closing: Vec<u8>,
    /// The front matter; empty if there is none.
    pub front: Document,
    /// All bytes after it.
    pub body: Vec<u8>,
}

impl Page {
    /// A page with this front matter and body.
    pub fn new(front: Document, body: Vec<u8>) -> Page {
        Page { front, body, ..Page::default() }
    }

    /// Reads a file. Places in problems, and in the front matter's own, count from the first line of the file.
    pub fn parse(bytes: &[u8]) -> Result<Page, Problem> {
        let top = |why: String| Problem { line: 1, column: 1, why };
        if opens_conflict(bytes) {
            return Err(top("a merge conflict is not resolved".to_owned()));
        }
        let (opening, front, closing, body) = split(bytes);
        if body.len() > MAX_BODY {
            return Err(top(too_large(body.len())));
        }
        Ok(Page {
            opening: opening.to_vec(),
            front: Document::parse_below(usize::from(!opening.is_empty()), front)?,
            closing: closing.to_vec(),
            body: body.to_vec(),
        })
    }

    /// The file's bytes; what was parsed and not changed comes out as it was. [`Page::parse`] of them gives this page again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Unwritable> {
        if self.body.len() > MAX_BODY {
            return Err(Unwritable::TooLarge { bytes: self.body.len() });
        }
        let (opening, ..) = split(&self.body);
        let would_be_misread = !opening.is_empty() || opens_conflict(&self.body);
        // A body that would be misread needs front matter above it, if only an empty one.
        if self.opening.is_empty() && self.front.as_str().is_empty() && !would_be_misread {
            return Ok(self.body.clone());
        }
        let has_fence = self.front.as_str().lines().any(|line| is_fence(line.as_bytes()));
        let rewritten;
        let front = if has_fence {
            // A document that was read elsewhere may start with `---`, which would end the front matter here.
            let fields = self.front.fields();
            let entries: Vec<(&str, Value)> =
                fields.keys().filter_map(|key| Some((key, fields.get(key)?.clone()))).collect();
            rewritten = Document::of(&entries)?;
            rewritten.as_str()
        } else {
            self.front.as_str()
        };
        let crlf = front.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n"));
        let newline: &[u8] = if crlf { b"\r\n" } else { b"\n" };
        let mut bytes = Vec::with_capacity(front.len() + self.body.len() + 10);
        push_line(&mut bytes, &self.opening, newline);
        if !front.is_empty() {
            bytes.extend_from_slice(front.as_bytes());
            if !front.ends_with('\n') {
                bytes.extend_from_slice(newline);
            }
        }
        if self.body.is_empty() && !self.closing.is_empty() {
            bytes.extend_from_slice(&self.closing);
        } else {
            push_line(&mut bytes, &self.closing, newline);
        }
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

fn too_large(bytes: usize) -> String {
    format!("the body has {bytes} bytes, at most {MAX_BODY} are allowed")
}

/// Appends a `---` line: as it was read, with a line end.
fn push_line(bytes: &mut Vec<u8>, read: &[u8], newline: &[u8]) {
    if read.is_empty() {
        bytes.extend_from_slice(b"---");
        bytes.extend_from_slice(newline);
    } else {
        bytes.extend_from_slice(read);
        if !read.ends_with(b"\n") {
            bytes.extend_from_slice(newline);
        }
    }
}

/// The opening line, the front matter, the closing line and the body. The first three are empty if there is no front matter.
fn split(bytes: &[u8]) -> (&[u8], &[u8], &[u8], &[u8]) {
    let none: (&[u8], &[u8], &[u8], &[u8]) = (b"", b"", b"", bytes);
    let opening = line_of(bytes, 0);
    if !is_fence(opening) {
        return none;
    }
    let mut at = opening.len();
    while at < bytes.len() {
        let line = line_of(bytes, at);
        if is_fence(line) {
            let front = &bytes[opening.len()..at];
            let (closing, body) = bytes[at..].split_at(line.len());
            return (opening, front, closing, body);
        }
        at += line.len();
    }
    none
}

/// The line that starts at `at`, with its line end.
fn line_of(bytes: &[u8], at: usize) -> &[u8] {
    let rest = &bytes[at..];
    let end = rest.iter().position(|byte| *byte == b'\n');
    &rest[..end.map_or(rest.len(), |end| end + 1)]
}

/// Whether the first line is git's first line of a conflict.
fn opens_conflict(bytes: &[u8]) -> bool {
    line_of(bytes, 0)
        .strip_prefix(b"<<<<<<<")
        .is_some_and(|rest| rest.is_empty() || rest[0].is_ascii_whitespace())
}

fn is_fence(line: &[u8]) -> bool {
    line.trim_ascii_end() == b"---"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(bytes: &[u8]) -> Page {
        Page::parse(bytes).unwrap()
    }

    #[test]
    fn a_file_is_split_at_its_second_fence() {
        for (file, front, body) in [
            ("---\na: 1\n---\n# Title\n", "a: 1\n", "# Title\n"),
            ("---\r\na: 1\r\n---\r\nx\r\n", "a: 1\r\n", "x\r\n"),
            ("---\na: 1\n---\n---\nb: 2\n---\n", "a: 1\n", "---\nb: 2\n---\n"),
            ("--- \na: 1\n---\t\nno line end", "a: 1\n", "no line end"),
            ("---\na: 1\n---", "a: 1\n", ""),
            ("---\n---\n", "", ""),
            ("---\na: |\n  ---\n---\nx", "a: |\n  ---\n", "x"),
            ("# Title\n---\na: 1\n---\n", "", "# Title\n---\na: 1\n---\n"),
            ("---\na ruler above, none below\n", "", "---\na ruler above, none below\n"),
            ("----\na: 1\n---\n", "", "----\na: 1\n---\n"),
            (" ---\na: 1\n---\n", "", " ---\na: 1\n---\n"),
            ("=======\nno conflict\n", "", "=======\nno conflict\n"),
            ("", "", ""),
            ("---", "", "---"),
        ] {
            let page = page(file.as_bytes());
            assert_eq!(page.front.as_str(), front, "{file:?}");
            assert_eq!(page.body, body.as_bytes(), "{file:?}");
            assert_eq!(page.to_bytes().unwrap(), file.as_bytes(), "{file:?}");
        }
    }

    #[test]
    fn problems_count_lines_from_the_top_of_the_file() {
        let why = |bytes: &[u8]| Page::parse(bytes).unwrap_err().to_string();
        assert_eq!(why(b"---\na: 1\na: 2\n---\n"), "3:1: the key `a` is already on line 2");
        assert_eq!(
            why(b"---\nprose\n---\n"),
            "2:1: expected a mapping (`key: value` lines) at the top level"
        );
        assert_eq!(why(b"<<<<<<< HEAD\n---\na: 1\n---\n"), "1:1: a merge conflict is not resolved");
        assert_eq!(why(b"---\n<<<<<<< HEAD\na: 1\n---\n"), "2:1: a merge conflict is not resolved");
        assert_eq!(
            why(&vec![b'x'; MAX_BODY + 1]),
            "1:1: the body has 1048577 bytes, at most 1048576 are allowed"
        );
        let page = page(b"---\na: x\n---\n");
        assert_eq!(
            page.front.fields().int("a").unwrap_err().to_string(),
            "2:4: a: expected a whole number, found `x`"
        );
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let page = Page::new(Document::new(), vec![b'x'; MAX_BODY + 1]);
        assert_eq!(page.to_bytes(), Err(Unwritable::TooLarge { bytes: MAX_BODY + 1 }));
        // A document that starts with `---` of its own.
        let front = Document::parse(b"---\na: 1").unwrap();
        let written = Page::new(front, b"x".to_vec()).to_bytes().unwrap();
        assert_eq!(written, b"---\na: 1\n---\nx");
    }

    #[test]
    fn a_change_of_one_part_leaves_the_other() {
        let mut page = page(b"--- \r\na: 1 # c\r\n---");
        page.front.set("a", &Value::Int(2), &[]).unwrap();
        page.body = b"new".to_vec();
        assert_eq!(page.to_bytes().unwrap(), b"--- \r\na: 2 # c\r\n---\r\nnew");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn front_and_body_are_read_back_exactly(
            title in proptest::option::of("(---|\n|a|: |#|\r){0,6}"),
            body in proptest::collection::vec(
                prop_oneof![
                    proptest::sample::select(vec!["---", "\n", "\r\n", "---\n", "a: 1\n", "<<<<<<< HEAD\n", "=======\n", " ", "\u{feff}"])
                        .prop_map(|piece| piece.as_bytes().to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..4),
                ],
                0..8,
            ),
        ) {
            let body = body.concat();
            let front = match &title {
                Some(title) => Document::of(&[("title", Value::Text(title.clone()))]).unwrap(),
                None => Document::new(),
            };
            let bytes = Page::new(front.clone(), body.clone()).to_bytes().unwrap();
            let read = Page::parse(&bytes).unwrap();
            prop_assert_eq!(&read.body, &body);
            prop_assert_eq!(read.front.as_str(), front.as_str());
            prop_assert_eq!(read.to_bytes().unwrap(), bytes);
        }

        #[test]
        fn any_bytes_end_in_a_page_or_a_problem(head in "(---\r?\n)?(a: [a-c]\n){0,3}(---\n)?", rest in proptest::collection::vec(any::<u8>(), 0..100)) {
            let bytes = [head.as_bytes(), &rest].concat();
            if let Ok(page) = Page::parse(&bytes) {
                prop_assert_eq!(page.to_bytes().unwrap(), bytes);
            }
        }
    }
}
