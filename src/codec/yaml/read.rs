//! From bytes to values with their places.
//!
//! The library's event stream does the grammar; this file refuses what a board never holds (see [the module](super)), gives
//! plain scalars their meaning and notes which lines belong to which key.

use std::borrow::Cow;

use serde_yaml::granit_parser::{
    self, ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag,
};

use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES, Problem, Value, scalar, shown};

/// Where a value stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
    /// The first byte.
    pub start: usize,
    pub shape: Shape,
    /// The places of a list's items or a mapping's values, in their order.
    pub children: Vec<Place>,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar,
    /// `- item` or `key: value` lines.
    Block,
    /// `[…]` or `{…}`.
    Flow,
}

/// Which bytes belong to a top-level key.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    /// The key's first byte, which starts a line.
    pub start: usize,
    /// The end of the key, as it is written (quotes included).
    pub key_end: usize,
    /// The start of the first line that is not the key's any more.
    pub end: usize,
}

/// A parsed document; entries, places and lines go in step.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    pub entries: Vec<(String, Value)>,
    pub places: Vec<Place>,
    pub lines: Vec<Extent>,
    /// The first and the last byte (exclusive) of each comment, in their order.
    pub comments: Vec<(usize, usize)>,
    /// Where the document ends: the end of the file, or a line `...`.
    pub end: usize,
}

/// Reads one document whose first line is line `first_line` of its file.
pub(super) fn parse(bytes: &[u8], first_line: usize) -> Result<Parsed, Problem> {
    let source = text(bytes, first_line)?;
    // One limit of the parser's own is raised, the number of comment lines in a row: the size of the file bounds it.
    let options = granit_parser::options! {
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        max_buffered_comment_events: MAX_BYTES,
    };
    Reader {
        source,
        first_line,
        events: Parser::new_from_str_with_options(source, options),
        comments: Vec::new(),
        nodes: 0,
    }
    .document()
}

/// The bytes as text, without what no file of the board may hold.
fn text(bytes: &[u8], first_line: usize) -> Result<&str, Problem> {
    let top = |why: String| Problem { line: first_line, column: 1, why };
    if bytes.len() > MAX_BYTES {
        return Err(top(format!("the file has {} bytes, at most {MAX_BYTES} are allowed", bytes.len())));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(top("the file is UTF-16, expected UTF-8".to_owned()));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(top("the file starts with a byte order mark, expected UTF-8 without one".to_owned()));
    }
    let at = |offset: usize, why: String| {
        let before = String::from_utf8_lossy(&bytes[..offset]);
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem { line: first_line + line, column, why }
    };
    let source = std::str::from_utf8(bytes)
        .map_err(|error| at(error.valid_up_to(), "this is not UTF-8".to_owned()))?;
    let refused = source.char_indices().find(|(offset, character)| match character {
        '\t' | '\n' | '\u{85}' => false,
        '\r' => bytes.get(offset + 1) != Some(&b'\n'),
        other => other.is_control(),
    });
    if let Some((offset, character)) = refused {
        return Err(at(
            offset,
            match character {
                '\r' => "a carriage return without a line feed".to_owned(),
                other => format!("the control character U+{:04X}", u32::from(other)),
            },
        ));
    }
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        if is_conflict_marker(line) {
            return Err(at(offset, "a merge conflict is not resolved".to_owned()));
        }
        offset += line.len();
    }
    Ok(source)
}

/// Whether git wrote this line to mark a conflict.
fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| {
        line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\r', '\n']))
    })
}

struct Reader<'a, E> {
    source: &'a str,
    first_line: usize,
    events: E,
    comments: Vec<(usize, usize)>,
    nodes: usize,
}

/// A value, its place, and the end of its last byte.
struct Node {
    value: Value,
    place: Place,
    end: usize,
}

/// A key of a mapping, or the mapping's end.
enum Key {
    Named(String, Span),
    End(Span),
}

impl<'a, E: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Reader<'a, E> {
    fn document(mut self) -> Result<Parsed, Problem> {
        let mut parsed = Parsed { end: self.source.len(), ..Parsed::default() };
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                // Nothing but comments.
                Event::StreamEnd => break,
                // Nothing but `---`.
                Event::Scalar(_, ScalarStyle::Plain, 0, None) if self.slice(&span).is_empty() => {
                    self.document_end(&mut parsed)?;
                    break;
                }
                Event::MappingStart(StructureStyle::Block, anchor, tag) => {
                    self.refuse_properties(anchor, tag.as_ref(), &span)?;
                    self.top_level(&mut parsed)?;
                    self.document_end(&mut parsed)?;
                    break;
                }
                Event::MappingStart(StructureStyle::Flow, ..) => {
                    return Err(
                        self.problem(span.start, "expected one `key: value` a line, found `{`".to_owned())
                    );
                }
                _ => {
                    return Err(self.problem(
                        span.start,
                        "expected a mapping (`key: value` lines) at the top level".to_owned(),
                    ));
                }
            }
        }
        parsed.comments = self.comments;
        // The comment behind `|` comes after the block's text.
        parsed.comments.sort_unstable();
        Ok(parsed)
    }

    fn top_level(&mut self, parsed: &mut Parsed) -> Result<(), Problem> {
        let mut key_starts = Vec::new();
        let mut value_ends = Vec::new();
        while let Key::Named(key, span) = self.key()? {
            if span.start.col() != 0 {
                return Err(self.problem(
                    span.start,
                    format!("the key `{}` must start in the first column", shown(&key)),
                ));
            }
            let bytes = self.bytes(&span);
            let node = self.value(1)?;
            parsed.entries.push((key, node.value));
            parsed.places.push(node.place);
            parsed.lines.push(Extent { start: bytes.start, key_end: bytes.end, end: 0 });
            key_starts.push(span.start);
            value_ends.push(node.end.max(bytes.end));
        }
        self.refuse_duplicates(&parsed.entries, &key_starts)?;
        for (at, value_end) in value_ends.into_iter().enumerate() {
            parsed.lines[at].end = value_end;
        }
        Ok(())
    }

    /// Reads to the end of the stream, and now that it is known where everything starts, settles where the keys' lines end.
    fn document_end(&mut self, parsed: &mut Parsed) -> Result<(), Problem> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentEnd => {
                    if self.slice(&span) == "..." {
                        parsed.end = self.bytes(&span).start;
                    }
                }
                Event::StreamEnd => break,
                _ => {
                    return Err(self
                        .problem(span.start, "a second document starts here, expected only one".to_owned()));
                }
            }
        }
        for at in 0..parsed.lines.len() {
            let bound = parsed.lines.get(at + 1).map_or(parsed.end, |next| next.start);
            parsed.lines[at].end = last_line(self.source, parsed.lines[at].end, bound);
        }
        Ok(())
    }

    /// The next key of a mapping, or its end.
    fn key(&mut self) -> Result<Key, Problem> {
        let (event, span) = self.next()?;
        match event {
            Event::MappingEnd => Ok(Key::End(span)),
            Event::Scalar(key, style, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), &span)?;
                self.count(&span)?;
                if style == ScalarStyle::Plain && key == "<<" {
                    return Err(self.problem(span.start, "merge keys (`<<`) are not allowed".to_owned()));
                }
                if style == ScalarStyle::Plain && self.slice(&span).is_empty() {
                    return Err(self.problem(span.start, "a key is missing".to_owned()));
                }
                Ok(Key::Named(key.into_owned(), span))
            }
            Event::Alias(_) => Err(self.alias(&span)),
            _ => Err(self.problem(span.start, "a list or a mapping can't be a key".to_owned())),
        }
    }

    /// The next node, inside `depth` lists and mappings.
    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        let (event, span) = self.next()?;
        self.node(event, span, depth)
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        self.count(&span)?;
        let bytes = self.bytes(&span);
        let mut place = Place {
            line: self.line(span.start),
            column: span.start.col() + 1,
            start: bytes.start,
            shape: Shape::Scalar,
            children: Vec::new(),
        };
        let mut end = bytes.end;
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), &span)?;
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    end = self.block_end(&text, bytes.end);
                }
                match style {
                    ScalarStyle::Plain if bytes.is_empty() => Value::Null,
                    ScalarStyle::Plain => scalar::meaning(&text),
                    ScalarStyle::SingleQuoted
                    | ScalarStyle::DoubleQuoted
                    | ScalarStyle::Literal
                    | ScalarStyle::Folded => Value::Text(text.into_owned()),
                }
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), &span)?;
                self.refuse_depth(depth, &span)?;
                place.shape = shape(style);
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        end = self.collection_end(style, &span, end);
                        break;
                    }
                    let node = self.node(event, span, depth + 1)?;
                    end = end.max(node.end);
                    items.push(node.value);
                    place.children.push(node.place);
                }
                Value::List(items)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_properties(anchor, tag.as_ref(), &span)?;
                self.refuse_depth(depth, &span)?;
                place.shape = shape(style);
                let mut entries = Vec::new();
                let mut key_starts = Vec::new();
                loop {
                    match self.key()? {
                        Key::Named(key, key_span) => {
                            let node = self.value(depth + 1)?;
                            end = end.max(node.end).max(self.bytes(&key_span).end);
                            entries.push((key, node.value));
                            key_starts.push(key_span.start);
                            place.children.push(node.place);
                        }
                        Key::End(span) => {
                            end = self.collection_end(style, &span, end);
                            break;
                        }
                    }
                }
                self.refuse_duplicates(&entries, &key_starts)?;
                Value::Map(entries)
            }
            Event::Alias(_) => return Err(self.alias(&span)),
            _ => return Err(self.problem(span.start, "expected a value".to_owned())),
        };
        Ok(Node { value, place, end })
    }

    /// Where a block scalar ends. The blank lines below it are its own only if they are part of its text (`|+`).
    fn block_end(&self, text: &str, end: usize) -> usize {
        let content = text.trim_end_matches('\n');
        let keeps = text.len() - content.len() > usize::from(!content.is_empty());
        if keeps { end } else { self.source[..end].trim_end_matches(BLANKS).len() }
    }

    /// Where a collection ends: at its bracket. The end of a block is only noticed later, below comments that are not its own.
    fn collection_end(&self, style: StructureStyle, span: &Span, last_child: usize) -> usize {
        match style {
            StructureStyle::Flow => self.bytes(span).end,
            StructureStyle::Block => last_child,
        }
    }

    /// The next event that is no comment.
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), span))) => {
                    let bytes = self.bytes(&span);
                    self.comments.push((bytes.start, bytes.end));
                }
                Some(Ok(found)) => return Ok(found),
                Some(Err(error)) => {
                    let why = match error.kind() {
                        ErrorKind::RecursionLimitExceeded => too_deep(),
                        ErrorKind::DirectiveDisallowed => "directives (`%`) are not allowed".to_owned(),
                        ErrorKind::UnknownAnchor => return Err(self.alias_at(*error.marker())),
                        // Of user text it quotes at most one character.
                        _ => shown(&error.info()),
                    };
                    return Err(self.problem(*error.marker(), why));
                }
                None => {
                    return Err(Problem {
                        line: self.first_line,
                        column: 1,
                        why: "the file ends too early".to_owned(),
                    });
                }
            }
        }
    }

    fn count(&mut self, span: &Span) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.problem(span.start, format!("more than {MAX_NODES} keys and values")));
        }
        Ok(())
    }

    fn refuse_depth(&self, depth: usize, span: &Span) -> Result<(), Problem> {
        if depth >= MAX_DEPTH {
            return Err(self.problem(span.start, too_deep()));
        }
        Ok(())
    }

    fn refuse_properties(
        &self,
        anchor: usize,
        tag: Option<&Cow<'_, Tag>>,
        span: &Span,
    ) -> Result<(), Problem> {
        if tag.is_some() {
            let at = span.tag_start().unwrap_or(span.start);
            return Err(self.problem(at, "tags (`!`) are not allowed".to_owned()));
        }
        if anchor != 0 {
            return Err(self.problem(span.start, "anchors (`&`) are not allowed".to_owned()));
        }
        Ok(())
    }

    fn refuse_duplicates(&self, entries: &[(String, Value)], starts: &[Marker]) -> Result<(), Problem> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|at| &entries[*at].0);
        let second = order
            .windows(2)
            .filter(|pair| entries[pair[0]].0 == entries[pair[1]].0)
            .min_by_key(|pair| pair[1]);
        match second {
            Some(pair) => Err(self.problem(
                starts[pair[1]],
                format!(
                    "the key `{}` is already on line {}",
                    shown(&entries[pair[1]].0),
                    self.line(starts[pair[0]])
                ),
            )),
            None => Ok(()),
        }
    }

    fn alias(&self, span: &Span) -> Problem {
        self.alias_at(span.start)
    }

    fn alias_at(&self, marker: Marker) -> Problem {
        self.problem(marker, "aliases (`*`) are not allowed".to_owned())
    }

    fn problem(&self, marker: Marker, why: String) -> Problem {
        Problem { line: self.line(marker), column: marker.col() + 1, why }
    }

    fn line(&self, marker: Marker) -> usize {
        self.first_line + marker.line() - 1
    }

    fn bytes(&self, span: &Span) -> std::ops::Range<usize> {
        // A parser over a `&str` knows every offset.
        span.byte_range().unwrap_or(self.source.len()..self.source.len())
    }

    fn slice(&self, span: &Span) -> &'a str {
        span.slice(self.source).unwrap_or_default()
    }
}

fn too_deep() -> String {
    format!("more than {MAX_DEPTH} lists and mappings inside each other")
}

fn shape(style: StructureStyle) -> Shape {
    match style {
        StructureStyle::Block => Shape::Block,
        StructureStyle::Flow => Shape::Flow,
    }
}

/// What YAML takes for blank: a no-break space, say, is text.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The start of the line below a value whose last byte is before `value_end`; what follows it up to `bound` are comments and
/// blank lines, or punctuation that makes no event (the `:` of an explicit key).
fn last_line(source: &str, value_end: usize, bound: usize) -> usize {
    // A block scalar ends where the next token begins, behind the indentation of what may be a comment.
    let value = source[..value_end].trim_end_matches([' ', '\t']);
    let mut end = if value.ends_with('\n') {
        value.len()
    } else {
        source[value_end..bound].find('\n').map_or(bound, |at| value_end + at + 1)
    };
    let mut offset = end;
    for line in source[end..bound].split_inclusive('\n') {
        offset += line.len();
        let content = line.trim_matches(BLANKS);
        if !content.is_empty() && !content.starts_with('#') {
            end = offset;
        }
    }
    end
}
