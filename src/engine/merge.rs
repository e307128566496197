//! Three versions of a file of the board become one.
//!
//! A file of an entry is merged field by field (see [`crate::merge`]), its lines row by row. What can't be: a
//! file that one side has broken, one with conflict markers in it, one of another kind, is merged line by line, as git
//! would. In both cases what can't be decided is left between git's conflict markers, and is named.
//!
//! A clean result can be read again and says what was decided: that is checked before it is answered.

use std::path::Path;

use crate::codec::{self, Problem, path};
use crate::git::Repo;
use crate::merge::{self, Choice, ConflictStyle, Markers, Merged, lines};
use crate::model::{Compare, Knowledge, Sheet};

/// The contents of a file: where both sides come from, ours, and theirs. No bytes: there was no such file.
#[derive(Clone, Copy, Debug)]
pub struct Versions<'v> {
    /// The version both come from.
    pub base: &'v [u8],
    /// Our version.
    pub ours: &'v [u8],
    /// The other version.
    pub theirs: &'v [u8],
}

/// A merged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedFile {
    /// Its contents, with conflict markers where there are conflicts.
    pub bytes: Vec<u8>,
    /// What is in conflict: the keys of fields, `content` for a document's text, nothing where all is decided.
    pub conflicts: Vec<String>,
    /// How it was merged.
    pub method: Method,
}

/// How a file was merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Field by field.
    Fields,
    /// Line by line: it is no entry, or a version of it can't be read.
    Lines,
    /// Not at all: it is no text. Ours was kept.
    Binary,
}

impl Method {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fields => "fields",
            Self::Lines => "lines",
            Self::Binary => "binary",
        }
    }
}

/// Whether bytes are an entry of the kind that a place is for.
type IsReadable = Box<dyn Fn(&[u8]) -> bool>;
/// Reads an entry of one kind.
type Decode<'d, T> = &'d dyn Fn(&[u8]) -> Result<T, Problem>;
/// Writes one.
type Encode<T> = fn(&T, Option<&[u8]>) -> Result<Vec<u8>, Problem>;

/// What `lines` puts into the list of conflicts.
const LINES: &str = "lines";

/// Merges the versions of the file at `place`, its path from the repository's root.
pub fn merge_file(place: &str, versions: Versions<'_>, markers: &Markers) -> MergedFile {
    let Versions { base, ours, theirs } = versions;
    if ours == theirs || base == theirs {
        return MergedFile { bytes: ours.to_vec(), conflicts: Vec::new(), method: Method::Fields };
    }
    if base == ours {
        return MergedFile { bytes: theirs.to_vec(), conflicts: Vec::new(), method: Method::Fields };
    }
    let (by_fields, is_readable): (_, IsReadable) = match path::place(place) {
        path::Place::Task(id) => {
            let decode = move |bytes: &[u8]| codec::task::decode(bytes, id);
            (entry(&versions, markers, &decode, merge::task, codec::task::encode), readable(decode))
        }
        path::Place::Workstream(name) => {
            let decode = move |bytes: &[u8]| codec::workstream::decode(bytes, &name);
            let merged = entry(&versions, markers, &decode, merge::workstream, codec::workstream::encode);
            (merged, readable(decode))
        }
        path::Place::Agent(id) => {
            let decode = move |bytes: &[u8]| codec::agent::decode(bytes, &id);
            (entry(&versions, markers, &decode, merge::agent, codec::agent::encode), readable(decode))
        }
        path::Place::Knowledge(topic) => {
            let decode = move |bytes: &[u8]| codec::knowledge::decode(bytes, &topic);
            (document(&versions, markers, &decode), readable(decode))
        }
        path::Place::Furniture | path::Place::Stray => (None, Box::new(|_| true)),
    };
    by_fields.unwrap_or_else(|| by_lines(&versions, markers, &*is_readable))
}

fn readable<T>(decode: impl Fn(&[u8]) -> Result<T, Problem> + 'static) -> IsReadable {
    Box::new(move |bytes| decode(bytes).is_ok())
}

/// Line by line. Two versions that can be read never make a clean one that can't.
fn by_lines(versions: &Versions<'_>, markers: &Markers, is_readable: &dyn Fn(&[u8]) -> bool) -> MergedFile {
    let Versions { base, ours, theirs } = *versions;
    // As git tells: within the first 8,000 bytes.
    let is_binary = |bytes: &[u8]| bytes[..bytes.len().min(8000)].contains(&0);
    if [base, ours, theirs].into_iter().any(is_binary) {
        let conflicts = vec![LINES.to_owned()];
        return MergedFile { bytes: ours.to_vec(), conflicts, method: Method::Binary };
    }
    let (mut bytes, mut count) = lines::marked(base, ours, theirs, markers);
    if count == 0 && !is_readable(&bytes) && is_readable(ours) && is_readable(theirs) {
        // With nothing in common all of it is one conflict.
        (bytes, count) = (Vec::new(), 1);
        lines::push_conflict(&mut bytes, base, ours, theirs, markers);
    }
    let conflicts = (count > 0).then(|| LINES.to_owned()).into_iter().collect();
    MergedFile { bytes, conflicts, method: Method::Lines }
}

/// The value of each key, as a file shows it.
type Values = Vec<(&'static str, Option<String>)>;

/// Whose lines of a key are right.
fn choice(key: &str, merged: &Values, ours: &Values, theirs: &Values) -> Choice {
    let Some(at) = merged.iter().position(|(name, _)| *name == key) else { return Choice::Opaque };
    match (ours[at] == merged[at], theirs[at] == merged[at]) {
        (true, true) => Choice::Either,
        (false, true) => Choice::Theirs,
        (true, false) | (false, false) => Choice::Ours,
    }
}

/// An entry that is all YAML; none where a version can't be read, or the result could not.
fn entry<T: Compare + PartialEq>(
    versions: &Versions<'_>,
    markers: &Markers,
    decode: Decode<'_, T>,
    merge: fn(Option<&T>, &T, &T) -> Merged<T>,
    encode: Encode<T>,
) -> Option<MergedFile> {
    let base = match versions.base {
        b"" => None,
        bytes => Some(decode(bytes).ok()?),
    };
    let (ours, theirs) = (decode(versions.ours).ok()?, decode(versions.theirs).ok()?);
    let Merged { value, conflicts } = merge(base.as_ref(), &ours, &theirs);
    let sheet = |bytes: &[u8]| codec::sheet::read(bytes).ok();
    let sheets = [sheet(versions.base)?, sheet(versions.ours)?, sheet(versions.theirs)?];
    let values = [value.fields(), ours.fields(), theirs.fields()];
    let choose = |key: &str| match conflicts.contains(&key) {
        true => Choice::Ours,
        false => choice(key, &values[0], &values[1], &values[2]),
    };
    let (merged, unknown) = merge::rows(&sheets[0], &sheets[1], &sheets[2], &choose);
    let mut bytes = merged.text().into_bytes();
    if decode(&bytes).is_ok_and(|read| read != value) {
        bytes = encode(&value, Some(&bytes)).ok()?;
    }
    if decode(&bytes).ok()? != value {
        return None;
    }
    let conflicts: Vec<String> = conflicts.into_iter().map(str::to_owned).chain(unknown).collect();
    if !conflicts.is_empty() {
        let [base, ours, theirs] = &sheets;
        bytes = merge::marked(&sheet(&bytes)?, base, ours, theirs, &conflicts, markers).into_bytes();
    }
    Some(MergedFile { bytes, conflicts, method: Method::Fields })
}

/// A document: its front matter as an entry, its text by lines.
fn document(versions: &Versions<'_>, markers: &Markers, decode: Decode<'_, Knowledge>) -> Option<MergedFile> {
    let base = match versions.base {
        b"" => None,
        bytes => Some(decode(bytes).ok()?),
    };
    let (ours, theirs) = (decode(versions.ours).ok()?, decode(versions.theirs).ok()?);
    let Merged { value, conflicts } = merge::knowledge(base.as_ref(), &ours, &theirs);
    let front = |bytes: &[u8]| codec::knowledge::front(bytes).ok();
    let fronts = [front(versions.base)?, front(versions.ours)?, front(versions.theirs)?];
    let values = [value.fields(), ours.fields(), theirs.fields()];
    let choose = |key: &str| choice(key, &values[0], &values[1], &values[2]);
    let (merged, unknown) = merge::rows(&fronts[0], &fronts[1], &fronts[2], &choose);
    // The lines around the front matter are those of the side that has any.
    let has_front = |sheet: &Sheet| !sheet.text().is_empty();
    let page = if has_front(&fronts[1]) { versions.ours } else { versions.theirs };
    let page = codec::knowledge::with_front(page, &merged.text()).ok()?;
    let mut bytes = codec::knowledge::encode(&value, Some(&page)).ok()?;
    if decode(&bytes).ok()? != value {
        return None;
    }
    let conflicts: Vec<String> = conflicts.into_iter().map(str::to_owned).chain(unknown.clone()).collect();
    if !conflicts.is_empty() {
        let [old, one, two] = &fronts;
        let front = merge::marked(&front(&bytes)?, old, one, two, &unknown, markers);
        let old = base.as_ref().map_or("", |base| base.content.as_str());
        let [old, one, two] = [old, &ours.content, &theirs.content].map(str::as_bytes);
        let (content, _) = lines::marked(old, one, two, markers);
        bytes = codec::knowledge::with_texts(&bytes, &front, &content).ok()?;
    }
    Some(MergedFile { bytes, conflicts, method: Method::Fields })
}

#[cfg(test)]
mod laws;

/// What a conflict shows, as git's configuration around `start` says.
pub fn conflict_style(start: &Path) -> ConflictStyle {
    let configured = Repo::discover(start).ok().and_then(|repo| repo.config_string("merge.conflictStyle"));
    match configured.as_deref() {
        Some("diff3" | "zdiff3") => ConflictStyle::Diff3,
        Some(_) | None => ConflictStyle::Merge,
    }
}
