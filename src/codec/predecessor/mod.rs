//! Data directories of the predecessor: `state.json`, `events.jsonl`, `knowledge/*.md`, read as they are in
//! the wild and as our own `export all` writes them.
//!
//! All or nothing: what is wrong is refused with *every* problem and its place, and what was read can be
//! written to a board and read from there again, by the same codecs. Nothing is lost silently:
//!
//! - Refused: broken JSON, a key that stands twice, a value of another type, a task id that is none or
//!   is there twice, an unknown status, a status that `assigned_to` contradicts, names that are not legal
//!   here (unless renamed), a number with a fraction where a
//!   whole one belongs, a stamp that is none, text that is not UTF-8 or
//!   holds a NUL, titles that are not one printable line, dependencies on nothing or in a circle.
//! - Taken: keys that are absent where there is a default, `5.0` for `5`, other spellings of a stamp (kept
//!   as they were spelt), blank lines, CRLF and a missing line end in `events.jsonl`, a byte order mark.
//! - Remarked on: keys without a meaning, files in `knowledge/` that are no documents, an estimate that is
//!   a number (kept as text), a rename that nothing answered to.
//!
//! Renames reach every name inside the entities, also who wrote a document. Event lines stand as they were.

mod entity;
mod events;
mod json;
mod knowledge;
mod names;
mod state;

#[cfg(test)]
mod refusals;
#[cfg(test)]
mod wild;

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::model::{Code, Predecessor, Refusal};

pub(crate) use knowledge::document;

use entity::Report;
use names::Names;

const STATE: &str = "state.json";
const EVENTS: &str = "events.jsonl";

/// The bytes of a directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// `state.json`.
    pub(crate) state: Vec<u8>,
    /// `events.jsonl`, where there is one.
    pub(crate) events: Option<Vec<u8>>,
    /// The files below `knowledge/`, by their path from there, `/` between its parts, with their ending.
    pub(crate) knowledge: BTreeMap<String, Vec<u8>>,
}

/// What to do about a name that is not legal here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BadNames {
    /// Refuse it, with the nearest good name.
    #[default]
    Refuse,
    /// Take the nearest good name.
    Slugify,
}

/// How to read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// New names, by the old ones: of workstreams, agents, topics and resources alike.
    pub(crate) renames: BTreeMap<String, String>,
    /// The others.
    pub(crate) bad_names: BadNames,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Such as `state.json` or `knowledge/api.md`.
    pub(crate) file: String,
    /// Line and column, both from 1, the column in characters; `None` where it is about the whole file.
    pub(crate) place: Option<(usize, usize)>,
    /// Such as `workstreams.revenue.tasks[3].status`; empty where it is about the whole file or line.
    pub(crate) path: String,
    /// What is wrong, lower case, no full stop.
    pub(crate) why: String,
    /// The rename that would mend it: old name, new name.
    pub(crate) better: Option<(String, String)>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if !self.path.is_empty() {
            write!(f, " {}:", self.path)?;
        }
        write!(f, " {}", self.why)?;
        match &self.better {
            Some((_, new)) => write!(f, "; `{new}` would do"),
            None => Ok(()),
        }
    }
}

/// Reads a directory.
///
/// # Errors
///
/// Every problem there is, by file and place. Problems inside a file whose JSON is broken can't be told.
pub(crate) fn read(input: &Input, options: &Options) -> Result<Predecessor, Vec<Problem>> {
    let mut report = Report::default();
    let mut names = Names::new(options);
    let events =
        input.events.as_deref().map_or_else(Vec::new, |bytes| events::read(EVENTS, bytes, &mut report));
    let found_in_events = std::mem::take(&mut report.problems);
    let state = state::read(STATE, &input.state, &events, &mut names, &mut report);
    report.problems.sort_by_key(|problem| problem.place);
    report.problems.extend(found_in_events);
    let mut knowledge: Vec<_> = input
        .knowledge
        .iter()
        .filter_map(|(name, bytes)| knowledge::read(name, bytes, &mut names, &mut report))
        .collect();
    knowledge.sort_by(|one, two| one.topic.cmp(&two.topic));
    for old in names.unused() {
        report.remarks.push(format!("nothing is called `{}`, which was to be renamed", old.escape_debug()));
    }
    if !report.problems.is_empty() {
        return Err(report.problems);
    }
    Ok(Predecessor {
        workstreams: state.workstreams,
        tasks: state.tasks,
        agents: state.agents,
        locks: state.locks,
        knowledge,
        events,
        digest: digest(input),
        remarks: report.into_remarks(),
    })
}

/// SHA-256 over name, length and bytes of every file, in hex. The way it is read does not count: a
/// directory that was imported under other names is the same directory.
fn digest(input: &Input) -> String {
    let mut hash = Sha256::new();
    let mut add = |name: &str, bytes: &[u8]| {
        hash.update(format!("{} {name} {}\n", name.len(), bytes.len()));
        hash.update(bytes);
    };
    add(STATE, &input.state);
    if let Some(events) = &input.events {
        add(EVENTS, events);
    }
    for (name, bytes) in &input.knowledge {
        add(&format!("knowledge/{name}"), bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The refusal of a directory with these problems, all of them, one a line.
pub(crate) fn refusal(problems: &[Problem]) -> Refusal {
    let many =
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    let lines: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    let refusal = Refusal::new(Code::Invalid, format!("nothing was imported: {many}{lines}"));
    let renames: BTreeMap<_, _> = problems.iter().filter_map(|problem| problem.better.clone()).collect();
    if renames.is_empty() {
        return refusal;
    }
    let flags: Vec<String> =
        renames.iter().map(|(old, new)| format!("--rename {}", quoted(&format!("{old}={new}")))).collect();
    refusal.hint(format!("add `--slugify`, or choose the names: {}", flags.join(" ")))
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let word: String = word.escape_debug().collect::<String>().replace("\\'", "'").replace("\\\"", "\"");
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'-' | b'_' | b'.' | b'/');
    if word.bytes().all(is_plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
