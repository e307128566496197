//! Objects of the predecessor's JSON, key by key, with every problem named by its place.
//!
//! A getter that finds something wrong reports it and answers `None`; the reader goes on, so that one
//! import tells all that is to be mended.

use std::collections::BTreeMap;

use crate::model::{Imported, Priority, Timestamp, is_printable};

use super::Problem;
use super::json::{Flaw, Member, Node, Value};

/// The longest text that a task, a workstream or a document may hold: 1 MiB.
pub(super) const LONGEST: usize = 1 << 20;
/// The longest title, in characters.
const TITLE: usize = 500;
/// The longest label or capability, in bytes.
const WORD: usize = 100;
/// Beyond it JavaScript's numbers are not whole any more.
const LARGEST: i64 = (1 << 53) - 1;

/// A file, by the name that problems give it.
pub(super) struct Source<'a> {
    pub(super) name: String,
    pub(super) text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Text of these bytes, or the place of the first that are none.
    pub(super) fn new(name: &str, bytes: &'a [u8]) -> Result<Self, Box<Problem>> {
        let starts_of =
            |text: &str| std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                // A byte order mark says nothing in UTF-8; some editors leave one.
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                Ok(Self { name: name.to_owned(), text, starts: starts_of(text) })
            }
            Err(error) => {
                let sound = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                let source = Source { name: name.to_owned(), text: sound, starts: starts_of(sound) };
                Err(Box::new(source.problem(sound.len(), "", "not UTF-8")))
            }
        }
    }

    /// The part of a longer file that starts at line `line` (from 1) and is `text`.
    pub(super) fn line(name: &str, line: usize, text: &'a str) -> LineSource<'a> {
        LineSource { source: Self { name: name.to_owned(), text, starts: vec![0] }, line }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts[line - 1];
        let column = self.text.get(start..at).map_or(at - start, |before| before.chars().count());
        (line, column + 1)
    }

    /// A problem at a byte of this file.
    pub(super) fn problem(&self, at: usize, path: &str, why: impl Into<String>) -> Problem {
        Problem {
            file: self.name.clone(),
            place: Some(self.place(at)),
            path: path.to_owned(),
            why: why.into(),
            better: None,
        }
    }

    pub(super) fn flaw(&self, flaw: Flaw) -> Problem {
        self.problem(flaw.at, "", flaw.why)
    }
}

/// One line of a file.
pub(super) struct LineSource<'a> {
    source: Source<'a>,
    line: usize,
}

impl LineSource<'_> {
    pub(super) fn problem(&self, at: usize, path: &str, why: impl Into<String>) -> Problem {
        let mut problem = self.source.problem(at, path, why);
        problem.place = problem.place.map(|(_, column)| (self.line, column));
        problem
    }
}

/// What was found wrong, or strange, so far.
#[derive(Default)]
pub(super) struct Report {
    pub(super) problems: Vec<Problem>,
    pub(super) remarks: Vec<String>,
    /// Keys without a meaning, by the kind of their entity: how often, and where first.
    unknown: BTreeMap<(&'static str, String), (usize, String)>,
}

impl Report {
    /// Reports a problem; `None`, so that a getter can answer with it.
    pub(super) fn refuse<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    /// The sentences about what was not kept.
    pub(super) fn into_remarks(self) -> Vec<String> {
        let mut remarks = self.remarks;
        for ((kind, key), (count, first)) in self.unknown {
            let often = if count == 1 { String::new() } else { format!(" ({count} times)") };
            remarks.push(format!(
                "{first}: `{}` has no meaning in {kind} and is not kept{often}",
                key.escape_debug()
            ));
        }
        remarks
    }
}

/// An object that describes something, with its path in the file.
pub(super) struct Entity<'n, 'a> {
    source: &'n Source<'a>,
    pub(super) path: String,
    pub(super) at: usize,
    members: &'n [Member<'a>],
}

/// `path.key`, or `path["key"]` where the key is no plain word.
pub(super) fn join(path: &str, key: &str) -> String {
    let is_word =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    match (is_word, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[\"{}\"]", key.escape_debug()),
    }
}

impl<'n, 'a> Entity<'n, 'a> {
    /// The object at this node. Its keys beyond `known` are remarked on, as those of `kind`.
    pub(super) fn new(
        source: &'n Source<'a>,
        node: &'n Node<'a>,
        path: String,
        (kind, known): (&'static str, &[&str]),
        report: &mut Report,
    ) -> Option<Self> {
        let Value::Object(members) = &node.value else {
            return report.refuse(source.problem(
                node.at,
                &path,
                format!("expected an object, found {}", node.kind()),
            ));
        };
        for member in members.iter().filter(|member| !known.contains(&member.key.as_str())) {
            let (line, column) = source.place(member.at);
            let seen = report
                .unknown
                .entry((kind, member.key.clone()))
                .or_insert_with(|| (0, format!("{}:{line}:{column}", source.name)));
            seen.0 += 1;
        }
        Some(Self { source, path, at: node.at, members })
    }

    /// The members of an object that maps names to entities; none if the key is absent.
    pub(super) fn map(&self, key: &str, report: &mut Report) -> &'n [Member<'a>] {
        match self.node(key) {
            None => &[],
            Some(Node { value: Value::Object(members), .. }) => members,
            Some(node) => {
                self.wrong::<()>(key, node, "an object", report);
                &[]
            }
        }
    }

    /// The items of a list; none if the key is absent.
    pub(super) fn list(&self, key: &str, report: &mut Report) -> Option<&'n [Node<'a>]> {
        match self.node(key) {
            None => Some(&[]),
            Some(Node { value: Value::List(items), .. }) => Some(items),
            Some(node) => self.wrong(key, node, "a list", report),
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn node(&self, key: &str) -> Option<&'n Node<'a>> {
        self.members.iter().find(|member| member.key == key).map(|member| &member.node)
    }

    /// Reports a problem with the value of a key, or with the object where the key is absent.
    pub(super) fn refuse<T>(&self, key: &str, why: impl Into<String>, report: &mut Report) -> Option<T> {
        let at = self.node(key).map_or(self.at, |node| node.at);
        report.refuse(self.source.problem(at, &join(&self.path, key), why))
    }

    fn wrong<T>(&self, key: &str, node: &Node<'_>, wanted: &str, report: &mut Report) -> Option<T> {
        self.refuse(key, format!("expected {wanted}, found {}", node.kind()), report)
    }

    fn sound_text(&self, key: &str, text: &str, report: &mut Report) -> Option<String> {
        if text.contains('\0') {
            self.refuse(key, "holds a NUL character", report)
        } else if text.len() > LONGEST {
            self.refuse(key, format!("has {} bytes, at most {LONGEST} are allowed", text.len()), report)
        } else {
            Some(text.to_owned())
        }
    }

    /// A text that may be absent or null.
    pub(super) fn nullable_text(&self, key: &str, report: &mut Report) -> Option<Option<String>> {
        match self.node(key) {
            None | Some(Node { value: Value::Null, .. }) => Some(None),
            Some(Node { value: Value::Text(text), .. }) => self.sound_text(key, text, report).map(Some),
            Some(node) => self.wrong(key, node, "a text or null", report),
        }
    }

    /// A text; `default` if the key is absent.
    pub(super) fn text_or(&self, key: &str, default: &str, report: &mut Report) -> Option<String> {
        match self.node(key) {
            None => Some(default.to_owned()),
            Some(Node { value: Value::Text(text), .. }) => self.sound_text(key, text, report),
            Some(node) => self.wrong(key, node, "a text", report),
        }
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &str, report: &mut Report) -> Option<String> {
        match self.node(key) {
            None => self.refuse(key, "is missing", report),
            Some(_) => self.text_or(key, "", report),
        }
    }

    /// A title: one line that prints.
    pub(super) fn title(&self, key: &str, report: &mut Report) -> Option<String> {
        let title = self.text(key, report)?;
        if title.trim().is_empty() {
            self.refuse(key, "is empty", report)
        } else if let Some(bad) = title.chars().find(|c| !is_printable(*c)) {
            let bad = bad.escape_unicode();
            self.refuse(key, format!("a title is one line of text that prints, without {bad}"), report)
        } else if title.chars().count() > TITLE {
            let length = title.chars().count();
            self.refuse(key, format!("has {length} characters, a title has at most {TITLE}"), report)
        } else {
            Some(title)
        }
    }

    /// A free word, such as an agent's type; `default` if the key is absent.
    pub(super) fn word_or(&self, key: &str, default: &str, report: &mut Report) -> Option<String> {
        let word = self.text_or(key, default, report)?;
        match unfit(&word) {
            Some(why) => self.refuse(key, why, report),
            None => Some(word),
        }
    }

    /// A list of free words; none if the key is absent.
    pub(super) fn words(&self, key: &str, report: &mut Report) -> Option<Vec<String>> {
        let mut all = Some(Vec::new());
        for (index, node) in self.list(key, report)?.iter().enumerate() {
            let why = match &node.value {
                Value::Text(word) => match unfit(word) {
                    None => {
                        all.iter_mut().for_each(|words| words.push(word.clone()));
                        continue;
                    }
                    Some(why) => why,
                },
                _ => format!("expected a text, found {}", node.kind()),
            };
            let path = format!("{}[{index}]", join(&self.path, key));
            all = report.refuse(self.source.problem(node.at, &path, why));
        }
        all
    }

    /// A whole number from 0; 0 if the key is absent. `5.0` is whole.
    pub(super) fn count(&self, key: &str, report: &mut Report) -> Option<u64> {
        self.whole(key, (0, 0), report).map(i64::unsigned_abs)
    }

    /// A priority, which may be below 0; the default one if the key is absent.
    pub(super) fn priority(&self, key: &str, report: &mut Report) -> Option<Priority> {
        self.whole(key, (Priority::default().0, -LARGEST), report).map(Priority)
    }

    fn whole(&self, key: &str, (default, lowest): (i64, i64), report: &mut Report) -> Option<i64> {
        match self.node(key) {
            None => Some(default),
            Some(Node { value: Value::Number(text), .. }) => match whole(text) {
                Some(number) if (lowest..=LARGEST).contains(&number) => Some(number),
                Some(_) => {
                    self.refuse(key, format!("`{text}` is not between {lowest} and {LARGEST}"), report)
                }
                None => self.refuse(key, format!("`{text}` is no whole number"), report),
            },
            Some(node) => self.wrong(key, node, "a whole number", report),
        }
    }

    /// A stamp that must be there. A spelling that is not ours goes to `imported`.
    pub(super) fn stamp(&self, key: &str, imported: &mut Imported, report: &mut Report) -> Option<Timestamp> {
        match self.nullable_stamp(key, imported, report)? {
            Some(stamp) => Some(stamp),
            None if self.node(key).is_some() => self.refuse(key, "expected a time, found null", report),
            None => self.refuse(key, "is missing", report),
        }
    }

    /// A stamp that may be absent or null.
    pub(super) fn nullable_stamp(
        &self,
        key: &str,
        imported: &mut Imported,
        report: &mut Report,
    ) -> Option<Option<Timestamp>> {
        let Some(text) = self.nullable_text(key, report)? else { return Some(None) };
        match Timestamp::parse(&text) {
            Ok(stamp) => {
                if stamp.to_string() != text {
                    imported.0.insert(key.to_owned(), text);
                }
                Some(Some(stamp))
            }
            Err(bad) => {
                let given = bad.given.escape_debug();
                self.refuse(key, format!("`{given}` is no {}", bad.wanted), report)
            }
        }
    }
}

/// Why a text can't be a free word.
fn unfit(word: &str) -> Option<String> {
    if word.trim().is_empty() {
        Some("is empty".to_owned())
    } else if word.len() > WORD {
        Some(format!("has {} bytes, at most {WORD} are allowed", word.len()))
    } else {
        let bad = word.chars().find(|c| !is_printable(*c))?;
        Some(format!("holds the character {}, which does not print", bad.escape_unicode()))
    }
}

fn whole(number: &str) -> Option<i64> {
    if let Ok(whole) = number.parse() {
        return Some(whole);
    }
    let value: f64 = number.parse().ok()?;
    // Within these bounds the conversion is exact; beyond them `LARGEST` is exceeded anyhow.
    (value.fract() == 0.0).then(|| value.clamp(-9e18, 9e18) as i64)
}
