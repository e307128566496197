//! A file that is changed line by line.
//!
//! A document keeps the bytes it was read from. A change replaces the lines of one key and nothing else: unknown keys,
//! comments, blank lines, the order and the style of everything else stay. Every change is read back before it is accepted, and
//! compared with what was meant; if the lines around it don't allow one way of writing (a comment below would become part of a
//! block), a plainer one is taken.
//!
//! Of the lines that are replaced, a comment behind the value stays, as do the comments above and below, and the untouched
//! items of a `- item` list with theirs. Comments inside a nested mapping that changes are lost.
//!
//! A file with CRLF line ends (its first line decides) is read as if they were LF and gets CRLF in the lines that are written,
//! so that a change on Windows doesn't touch every line.

use std::cmp::Reverse;

use super::emit::{self, Lines};
use super::read::{self, Parsed, Shape};
use super::{Fields, MAX_BYTES, Problem, Unwritable, Value};

/// A YAML file whose top level is a block mapping. See the head of this file for what a change keeps.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub(super) source: String,
    pub(super) parsed: Parsed,
    /// The number of the first line in its file, less one.
    lines_above: usize,
}

/// A way to write a change, the best first.
#[derive(Clone, Copy)]
enum Way {
    /// Only the changed items of a list.
    Items,
    /// All lines of the key.
    Lines(Lines),
}

impl Document {
    /// A document with no keys and no bytes.
    pub fn new() -> Document {
        Document::default()
    }

    /// The text of a document with these keys in this order. It is not read back.
    pub fn text_of(entries: &[(&str, Value)]) -> Result<String, Unwritable> {
        let mut source = String::new();
        for (key, value) in entries {
            emit::push_key(&mut source, key)?;
            source.push(':');
            emit::push_value(&mut source, value, 0, "", Lines::Block)?;
        }
        match source.len() {
            ..=MAX_BYTES => Ok(source),
            bytes => Err(Unwritable::TooLarge { bytes }),
        }
    }

    /// A document with these keys in this order, as [`Document::set`] would write them.
    pub fn of(entries: &[(&str, Value)]) -> Result<Document, Unwritable> {
        let document = Document::default();
        document.accept(Document::text_of(entries)?, |parsed| {
            parsed.entries.len() == entries.len()
                && std::iter::zip(&parsed.entries, entries)
                    .all(|((key, read), (name, value))| key == name && read.says(value))
        })
    }

    /// Reads a file. No key at all (an empty file, nothing but comments) is a document too.
    pub fn parse(bytes: &[u8]) -> Result<Document, Problem> {
        Document::parse_below(0, bytes)
    }

    /// Reads a part of a file: places count from its first line on, `lines_above` stand above this part.
    pub fn parse_below(lines_above: usize, bytes: &[u8]) -> Result<Document, Problem> {
        let parsed = read::parse(bytes, lines_above + 1)?;
        Ok(Document {
            // `parse` has seen that it is UTF-8: nothing is replaced.
            source: String::from_utf8_lossy(bytes).into_owned(),
            parsed,
            lines_above,
        })
    }

    /// The bytes. After [`Document::parse`] they are the ones that were parsed.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.source.clone().into_bytes()
    }

    /// The same bytes, borrowed.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The top level, for typed reading.
    pub fn fields(&self) -> Fields<'_> {
        Fields {
            entries: &self.parsed.entries,
            places: &self.parsed.places,
            start: (self.lines_above + 1, 1),
            path: String::new(),
        }
    }

    /// Gives a key a value, by replacing the lines of that key only. A new key comes after the nearest key before it in `order`
    /// that is present, else above the first one that follows it in `order`, else last.
    ///
    /// A value that says what the file says already changes no byte. Where an error is returned the document is as it was.
    pub fn set(&mut self, key: &str, value: &Value, order: &[&str]) -> Result<(), Unwritable> {
        let position = self.position(key);
        if position.is_some_and(|at| self.parsed.entries[at].1.says(value)) {
            return Ok(());
        }
        let is_meant = |parsed: &Parsed| {
            let written = parsed.entries.iter().find(|(name, _)| name == key);
            written.is_some_and(|(_, read)| read.says(value)) && self.keeps_others(parsed, key)
        };
        let mut refused = None;
        for way in [Way::Items, Way::Lines(Lines::Block), Way::Lines(Lines::Quoted)] {
            let source = match (position, way) {
                (Some(at), Way::Items) => self.with_items(at, value)?,
                (None, Way::Items) => None,
                (Some(at), Way::Lines(lines)) => Some(self.with_value(at, value, lines)?),
                (None, Way::Lines(lines)) => Some(self.with_key(key, value, order, lines)?),
            };
            match source.map(|source| self.accept(source, is_meant)) {
                Some(Ok(changed)) => {
                    *self = changed;
                    return Ok(());
                }
                Some(Err(error)) => refused = Some(error),
                None => {}
            }
        }
        Err(refused.unwrap_or_else(|| self.not_meant()))
    }

    /// Gives those of these keys that are there their values, reading the file back once for all of them. Where that is
    /// no way to write them, for lists, and for a single key, nothing is changed: it is only a quicker beginning of what
    /// [`Document::set`] does one by one.
    pub fn set_together(&mut self, values: &[(&str, &Value)]) {
        let mut changes: Vec<(usize, &Value)> = values
            .iter()
            .filter(|(_, value)| !matches!(value, Value::List(_)))
            .filter_map(|(key, value)| Some((self.position(key)?, *value)))
            .filter(|(at, value)| !self.parsed.entries[*at].1.says(value))
            .collect();
        if changes.len() < 2 {
            return;
        }
        // From the last on, so that those above stay where they are.
        changes.sort_by_key(|(at, _)| Reverse(*at));
        let mut source = self.source.clone();
        for (at, value) in &changes {
            let Ok(text) = self.text_with(*at, value, Lines::Block) else { return };
            let own = &self.parsed.lines[*at];
            source = spliced(&source, own.start, own.end, &text);
        }
        let meant = |at: usize, read: &Value| match changes.iter().find(|(changed, _)| *changed == at) {
            Some((_, value)) => read.says(value),
            None => *read == self.parsed.entries[at].1,
        };
        let is_meant = |parsed: &Parsed| {
            let names = self.parsed.entries.iter().map(|(name, _)| name);
            parsed.entries.iter().map(|(name, _)| name).eq(names)
                && parsed.entries.iter().enumerate().all(|(at, (_, read))| meant(at, read))
        };
        if let Ok(changed) = self.accept(source, is_meant) {
            *self = changed;
        }
    }

    /// Takes a key away, with its lines; comments above and below stay unless a block above would swallow them.
    /// Nothing happens if the key is not there. Where an error is returned the document is as it was.
    pub fn remove(&mut self, key: &str) -> Result<(), Unwritable> {
        let Some(at) = self.position(key) else {
            return Ok(());
        };
        let is_meant = |parsed: &Parsed| {
            parsed.entries.len() + 1 == self.parsed.entries.len() && self.keeps_others(parsed, key)
        };
        let lines = &self.parsed.lines[at];
        let next = self.parsed.lines.get(at + 1);
        let next = next.map_or(self.parsed.end, |next| next.start);
        let changed = self
            .accept(self.spliced(lines.start, lines.end, ""), is_meant)
            .or_else(|_| self.accept(self.spliced(lines.start, next, ""), is_meant))?;
        *self = changed;
        Ok(())
    }

    /// The keys in the order of the file, and which bytes are the lines of each.
    pub fn extents(&self) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
        let keys = self.parsed.entries.iter().map(|(key, _)| key.as_str());
        keys.zip(self.parsed.lines.iter().map(|lines| lines.start..lines.end))
    }

    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.parsed.entries.iter().position(|(name, _)| name == key)
    }

    /// Whether all keys but `key` have the values they have here, in this order.
    fn keeps_others(&self, parsed: &Parsed, key: &str) -> bool {
        let others = |(name, _): &&(String, Value)| name != key;
        let kept = self.parsed.entries.iter().filter(others);
        parsed.entries.iter().filter(others).eq(kept)
    }

    fn not_meant(&self) -> Unwritable {
        Unwritable::Unreadable(Problem {
            line: self.lines_above + 1,
            column: 1,
            why: "it would say something else than meant".to_owned(),
        })
    }

    /// `source` as a document, if it can be read and says what is meant.
    fn accept(&self, source: String, is_meant: impl Fn(&Parsed) -> bool) -> Result<Document, Unwritable> {
        if source.len() > MAX_BYTES {
            return Err(Unwritable::TooLarge { bytes: source.len() });
        }
        let parsed = read::parse(source.as_bytes(), self.lines_above + 1).map_err(Unwritable::Unreadable)?;
        if !is_meant(&parsed) {
            return Err(self.not_meant());
        }
        Ok(Document { source, parsed, lines_above: self.lines_above })
    }

    /// The source with the value of an entry replaced.
    fn with_value(&self, at: usize, value: &Value, lines: Lines) -> Result<String, Unwritable> {
        let own = &self.parsed.lines[at];
        Ok(self.spliced(own.start, own.end, &self.text_with(at, value, lines)?))
    }

    /// The lines of an entry with another value.
    fn text_with(&self, at: usize, value: &Value, lines: Lines) -> Result<String, Unwritable> {
        let own = &self.parsed.lines[at];
        let mut text = self.source[own.start..own.key_end].to_owned();
        text.push(':');
        emit::push_value(&mut text, value, 0, self.comment(at), lines)?;
        Ok(text)
    }

    /// The source with a key inserted.
    fn with_key(&self, key: &str, value: &Value, order: &[&str], lines: Lines) -> Result<String, Unwritable> {
        let mut text = String::new();
        emit::push_key(&mut text, key)?;
        text.push(':');
        emit::push_value(&mut text, value, 0, "", lines)?;
        let at = self.place_for(key, order);
        Ok(self.spliced(at, at, &text))
    }

    /// Where the lines of a new key go.
    fn place_for(&self, key: &str, order: &[&str]) -> usize {
        let lines = &self.parsed.lines;
        let last = lines.last().map_or(self.parsed.end, |last| last.end);
        let Some(rank) = order.iter().position(|name| *name == key) else {
            return last;
        };
        let before = order[..rank].iter().rev().find_map(|name| self.position(name));
        if let Some(at) = before {
            return lines[at].end;
        }
        match order[rank + 1..].iter().find_map(|name| self.position(name)) {
            // What stands above the first key is the head of the file.
            Some(0) => lines[0].start,
            // What stands above another key belongs to that key.
            Some(at) => lines[at - 1].end,
            None => last,
        }
    }

    /// The source with only the changed items of a `- item` list replaced; none if that is no way to write it.
    fn with_items(&self, at: usize, value: &Value) -> Result<Option<String>, Unwritable> {
        let place = &self.parsed.places[at];
        let (Value::List(old), Value::List(new)) = (&self.parsed.entries[at].1, value) else {
            return Ok(None);
        };
        if place.shape != Shape::Block || new.is_empty() {
            return Ok(None);
        }
        let starts: Vec<usize> = place.children.iter().map(|item| self.line_start(item.start)).collect();
        let Some(indent) = starts.first().and_then(|start| self.dash_column(*start)) else {
            return Ok(None);
        };
        let each_has_its_line = starts.windows(2).all(|pair| pair[0] < pair[1])
            && starts.iter().all(|start| self.dash_column(*start) == Some(indent));
        let before = std::iter::zip(old, new).take_while(|(old, new)| old.says(new)).count();
        let after = std::iter::zip(old[before..].iter().rev(), new[before..].iter().rev())
            .take_while(|(old, new)| old.says(new))
            .count();
        if !each_has_its_line || before + after == 0 {
            return Ok(None);
        }
        let end = match after {
            0 => self.parsed.lines[at].end,
            // A comment above an item that stays, stays.
            _ => self.above_comments(starts[old.len() - after]),
        };
        let start = starts.get(before).map_or(end, |start| end.min(*start));
        let mut text = String::new();
        for item in &new[before..new.len() - after] {
            emit::push_item(&mut text, item, indent, Lines::Block)?;
        }
        Ok(Some(self.spliced(start, end, &text)))
    }

    fn line_start(&self, offset: usize) -> usize {
        self.source[..offset].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The column of the dash that starts the item on the line at `start`.
    fn dash_column(&self, start: usize) -> Option<usize> {
        let line = &self.source[start..];
        let rest = line.trim_start_matches(' ');
        rest.starts_with("- ").then_some(line.len() - rest.len())
    }

    /// The start of the comment lines right above the line at `start`.
    fn above_comments(&self, start: usize) -> usize {
        let mut start = start;
        while start > 0 {
            let above = self.line_start(start - 1);
            let text = &self.source[above..start];
            let first = above + (text.len() - text.trim_start_matches([' ', '\t']).len());
            if self.parsed.comments.binary_search_by_key(&first, |(start, _)| *start).is_err() {
                break;
            }
            start = above;
        }
        start
    }

    /// The comment behind the value of an entry, with the blanks before it.
    fn comment(&self, at: usize) -> &str {
        let own = &self.parsed.lines[at];
        let lines = &self.source[own.start..own.end];
        let first_line_end = lines.find('\n').map_or(own.end, |end| own.start + end);
        let last_line = self.line_start(own.start + lines.trim_end_matches(super::read::BLANKS).len());
        // Behind the last item of a list stands that item's comment.
        let last_counts = self.parsed.places[at].shape != Shape::Block;
        let inside = |(start, end): &&(usize, usize)| own.start < *start && *end <= own.end;
        let comments = self.parsed.comments.iter().filter(inside);
        let found = comments
            .clone()
            .find(|(start, _)| *start < first_line_end)
            .or_else(|| comments.clone().find(|(start, _)| last_counts && *start > last_line));
        match found {
            None => "",
            Some((start, end)) => {
                let text = &self.source[..*start];
                &self.source[text.trim_end_matches([' ', '\t']).len()..*end]
            }
        }
    }

    fn spliced(&self, start: usize, end: usize, text: &str) -> String {
        spliced(&self.source, start, end, text)
    }
}

/// A source with the bytes from `start` to `end` replaced by `text`, whole lines with LF ends, in the file's own line ends.
fn spliced(old: &str, start: usize, end: usize, text: &str) -> String {
    let crlf = old.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n"));
    let newline = if crlf { "\r\n" } else { "\n" };
    let (above, below) = (&old[..start], &old[end..]);
    let mut source = String::with_capacity(old.len() + text.len() + 2);
    source.push_str(above);
    // Only the last line of a file may lack its end.
    if !text.is_empty() && !above.is_empty() && !above.ends_with('\n') {
        source.push_str(newline);
    }
    if crlf {
        source.push_str(&text.replace('\n', newline));
    } else {
        source.push_str(text);
    }
    source.push_str(below);
    source
}
