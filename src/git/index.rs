//! The index, changed byte by byte.
//!
//! Only the entries asked for change; every other one, and every extension that stays true, is carried over
//! as it is, so that nothing a user has staged or marked is touched. What can't stay true goes: the cached
//! trees above a changed path, the entry offsets, the file system monitor's positions when entries shift. A
//! split index is joined (git splits it again in its own time).
//!
//! An entry that was stat'ed in the same second in which the index was written may hide a later edit of the
//! same second. Git looks twice at such entries by comparing with the index file's time; rewriting the index
//! makes that time later. So, as git does, their size is set to 0, which makes git compare the content.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};

use super::error::Doing;
use super::files::Stat;
use super::{GitError, Oid};

const HASH: usize = 20;
/// Up to the flags, these included.
const FIXED: usize = 62;
/// Where the file's size stands.
const SIZE: Range<usize> = 36..40;
const EXTENDED: u16 = 0x4000;
/// The part of the flags that tells the length of the path, where that is shorter.
const LENGTH: u16 = 0xfff;
const SKIP_WORKTREE: u16 = 0x4000;
const INTENT_TO_ADD: u16 = 0x2000;
const MODE_FILE: u32 = 0o100_644;
const MODE_TREE: u32 = 0o040_000;

/// An index that was read.
#[derive(Debug)]
pub(crate) struct Index {
    version: u32,
    data: Vec<u8>,
    /// Where each entry begins, and where the last one ends.
    starts: Vec<u32>,
    /// The paths of version 4, which stores only where they differ, and where each ends.
    paths: Vec<u8>,
    path_ends: Vec<u32>,
    extensions: Vec<(usize, usize)>,
    skips_hash: bool,
    /// In which second the file was written; none if there is none.
    written: Option<i64>,
}

/// What the index says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    /// The blob that is staged.
    pub(crate) id: Oid,
    /// `git add -N`.
    pub(crate) is_intent_to_add: bool,
    /// No file is kept in the worktree (sparse checkout).
    pub(crate) is_skip_worktree: bool,
}

/// A path, and the blob and file it gets; none where it goes.
pub(crate) type IndexEdit = (String, Option<(Oid, Stat)>);

fn damaged(path: &Path, why: &str) -> GitError {
    GitError::Io { path: path.to_owned(), source: io::Error::new(io::ErrorKind::InvalidData, why.to_owned()) }
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

impl Index {
    /// The index of a git directory; empty if there is none.
    pub(crate) fn load(git_dir: &Path) -> Result<Self, GitError> {
        let path = git_dir.join("index");
        let data = match fs::read(&path) {
            Ok(data) => data,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                return Ok(Self {
                    version: 2,
                    data: Vec::new(),
                    starts: vec![0],
                    paths: Vec::new(),
                    path_ends: Vec::new(),
                    extensions: Vec::new(),
                    skips_hash: false,
                    written: None,
                });
            }
            Err(source) => return Err(GitError::Io { path, source }),
        };
        let meta = fs::symlink_metadata(&path).map_err(GitError::io(&path))?;
        if meta.is_symlink() {
            // The new index would take the place of the link, and what shares the file would not see it.
            return Err(GitError::Unsupported {
                what: format!("`{}` is a symbolic link, through which no index is written", path.display()),
                hint: format!("ls -l '{}'    (git itself makes no such link)", path.display()),
            });
        }
        let written = meta.mtime();
        let index = Self::parse(data, &path, written)?;
        if index.extensions.iter().any(|(start, _)| index.data[*start..].starts_with(b"link")) {
            return Self::parse(join(&path)?, &path, written);
        }
        Ok(index)
    }

    /// The index in these bytes of `file`, which was written in that second.
    pub(crate) fn parse(data: Vec<u8>, file: &Path, written: i64) -> Result<Self, GitError> {
        let cut = || damaged(file, "the index ends too early");
        if !data.starts_with(b"DIRC") {
            return Err(damaged(file, "this is no index"));
        }
        if u32::try_from(data.len()).is_err() {
            return Err(damaged(file, "the index is larger than 4 GiB"));
        }
        let version = be32(&data, 4).ok_or_else(cut)?;
        if !(2..=4).contains(&version) {
            return Err(GitError::Unsupported {
                what: format!("the index has version {version}; 2, 3 and 4 are known"),
                hint: "git update-index --index-version 2".to_owned(),
            });
        }
        let count = be32(&data, 8).ok_or_else(cut)? as usize;
        let end = data.len().checked_sub(HASH).ok_or_else(cut)?;
        let mut starts = Vec::with_capacity(count.min(end / FIXED) + 1);
        let (mut paths, mut path_ends) = (Vec::new(), Vec::new());
        let (mut at, mut last): (usize, (usize, usize)) = (12, (0, 0));
        let nul = |from: usize| {
            let rest = data.get(from..end)?;
            rest.iter().position(|byte| *byte == 0).map(|length| from + length)
        };
        for _ in 0..count {
            starts.push(narrow(at));
            let flags = be16(&data, at + FIXED - 2).ok_or_else(cut)?;
            let name = at + if flags & EXTENDED == 0 { FIXED } else { FIXED + 2 };
            if version == 4 {
                let (strip, from) = read_varint(&data, name).ok_or_else(cut)?;
                let stop = nul(from).ok_or_else(cut)?;
                let kept = (last.1 - last.0).checked_sub(strip).ok_or_else(cut)?;
                let start = paths.len();
                paths.extend_from_within(last.0..last.0 + kept);
                paths.extend_from_slice(&data[from..stop]);
                path_ends.push(u32::try_from(paths.len()).map_err(|_| cut())?);
                (at, last) = (stop + 1, (start, paths.len()));
            } else {
                let stop = match usize::from(flags & LENGTH) {
                    length if length < usize::from(LENGTH) && data.get(name + length) == Some(&0) => {
                        name + length
                    }
                    // A path that is longer than the flags can say, or flags that are wrong.
                    _ => nul(name).ok_or_else(cut)?,
                };
                at += (stop - at + 8) / 8 * 8;
            }
            if at > end {
                return Err(cut());
            }
        }
        starts.push(narrow(at));
        let mut extensions = Vec::new();
        while at < end {
            let size = be32(&data, at + 4).ok_or_else(cut)? as usize;
            let stop = at.checked_add(8 + size).filter(|stop| *stop <= end).ok_or_else(cut)?;
            let name = &data[at..at + 4];
            if name[0].is_ascii_lowercase() && !matches!(name, b"link" | b"sdir") {
                return Err(GitError::Unsupported {
                    what: format!(
                        "the index has the extension `{}`, which is not known",
                        name.escape_ascii()
                    ),
                    hint: "git --version".to_owned(),
                });
            }
            extensions.push((at, stop));
            at = stop;
        }
        let skips_hash = data[end..].iter().all(|b| *b == 0);
        Ok(Self { version, data, starts, paths, path_ends, extensions, skips_hash, written: Some(written) })
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    fn start(&self, entry: usize) -> usize {
        self.starts[entry] as usize
    }

    fn flags(&self, entry: usize) -> u16 {
        be16(&self.data, self.start(entry) + FIXED - 2).unwrap_or(0)
    }

    /// The length of everything before the path.
    fn fixed(&self, entry: usize) -> usize {
        if self.flags(entry) & EXTENDED == 0 { FIXED } else { FIXED + 2 }
    }

    fn extended(&self, entry: usize) -> u16 {
        let start = self.start(entry);
        if self.flags(entry) & EXTENDED == 0 { 0 } else { be16(&self.data, start + FIXED).unwrap_or(0) }
    }

    fn mode(&self, entry: usize) -> u32 {
        be32(&self.data, self.start(entry) + 24).unwrap_or(0)
    }

    fn stage(&self, entry: usize) -> u16 {
        (self.flags(entry) >> 12) & 3
    }

    fn path(&self, entry: usize) -> &[u8] {
        if self.version == 4 {
            let start = entry.checked_sub(1).map_or(0, |before| self.path_ends[before] as usize);
            return &self.paths[start..self.path_ends[entry] as usize];
        }
        let name = &self.data[self.start(entry) + self.fixed(entry)..self.start(entry + 1)];
        match usize::from(self.flags(entry) & LENGTH) {
            length if length < usize::from(LENGTH) && name.get(length) == Some(&0) => &name[..length],
            _ => name.split(|byte| *byte == 0).next().unwrap_or_default(),
        }
    }

    /// The entries of a path, one a stage; where they would be, if there is none.
    fn entries_of(&self, path: &str) -> Range<usize> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low.midpoint(high);
            if self.path(middle) < path.as_bytes() { low = middle + 1 } else { high = middle }
        }
        let same = (low..self.count()).take_while(|entry| self.path(*entry) == path.as_bytes()).count();
        low..low + same
    }

    /// What is staged at a path, outside of a conflict.
    pub(crate) fn entry(&self, path: &str) -> Option<IndexEntry> {
        let entry = self.entries_of(path).find(|entry| self.stage(*entry) == 0)?;
        let (start, extended) = (self.start(entry), self.extended(entry));
        Some(IndexEntry {
            id: Oid::try_from(&self.data[start + 40..start + 60]).ok()?,
            is_intent_to_add: extended & INTENT_TO_ADD != 0,
            is_skip_worktree: extended & SKIP_WORKTREE != 0,
        })
    }

    /// Whether a path has stages of a merge that is not resolved.
    pub(crate) fn is_conflicted(&self, path: &str) -> bool {
        self.entries_of(path).any(|entry| self.stage(entry) != 0)
    }

    /// Whether a path lies in a directory that a sparse index keeps as one entry.
    pub(crate) fn covered_by_sparse_directory(&self, path: &str) -> bool {
        path.match_indices('/')
            .any(|(at, _)| self.entries_of(&path[..=at]).any(|entry| self.mode(entry) == MODE_TREE))
    }

    /// Writes the index with files written (`Some`) and removed (`None`), whole, in one pass.
    pub(crate) fn splice(&self, edits: &[IndexEdit], out: impl Write) -> io::Result<()> {
        let mut edits: Vec<(&IndexEdit, Range<usize>)> =
            edits.iter().map(|edit| (edit, self.entries_of(&edit.0))).collect();
        edits.sort_by(|one, two| one.0.0.as_bytes().cmp(two.0.0.as_bytes()));
        let gone: usize = edits.iter().map(|(_, old)| old.len()).sum();
        let come = edits.iter().filter(|((_, target), _)| target.is_some()).count();
        let mut writer = Writer::new(self, out);
        writer.put(b"DIRC")?;
        writer.put(&self.version.to_be_bytes())?;
        writer.put(&narrow(self.count() - gone + come).to_be_bytes())?;
        let mut next = 0;
        for ((path, target), old) in &edits {
            writer.copy(next..old.start)?;
            if let Some((id, stat)) = target {
                writer.entry(path, *id, stat, old.clone().next())?;
            }
            next = old.end;
        }
        writer.copy(next..self.count())?;
        let shifted = edits.iter().any(|((_, target), old)| old.is_empty() == target.is_some());
        let changed: Vec<&str> = edits.iter().map(|((path, _), _)| path.as_str()).collect();
        for (start, end) in &self.extensions {
            match &self.data[*start..*start + 4] {
                b"EOIE" | b"IEOT" | b"link" => {}
                b"FSMN" if shifted => {}
                b"TREE" => {
                    if let Some(tree) = without_trees_above(&self.data[*start + 8..*end], &changed) {
                        writer.put(b"TREE")?;
                        writer.put(&narrow(tree.len()).to_be_bytes())?;
                        writer.put(&tree)?;
                    }
                }
                _ => writer.put(&self.data[*start..*end])?,
            }
        }
        writer.finish()
    }
}

/// A position in an index, which is smaller than 4 GiB.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

struct Writer<'a, W: Write> {
    index: &'a Index,
    out: BufWriter<W>,
    /// None where the index is to have no checksum. It is one against accidents: no attack is to be detected.
    hash: Option<Sha1>,
    /// The path of the entry that was written last; kept for version 4 only.
    last: Vec<u8>,
}

impl<'a, W: Write> Writer<'a, W> {
    fn new(index: &'a Index, out: W) -> Self {
        let hash = (!index.skips_hash).then(Sha1::new);
        Self { index, out: BufWriter::new(out), hash, last: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.out.write_all(bytes)
    }

    /// Entries that nobody asked to change, as they are, in as few pieces as can be.
    fn copy(&mut self, entries: Range<usize>) -> io::Result<()> {
        let (index, mut entries) = (self.index, entries);
        if index.version == 4
            && let Some(first) = entries.next()
        {
            let (start, fixed) = (index.start(first), index.fixed(first));
            let mut bytes = index.data[start..start + fixed].to_vec();
            if self.is_hiding(first) {
                bytes[SIZE].fill(0);
            }
            self.name(&mut bytes, index.path(first));
            self.put(&bytes)?;
            let last = entries.clone().next_back().unwrap_or(first);
            self.last = index.path(last).to_vec();
        }
        let mut from = index.start(entries.start);
        for entry in entries.clone().filter(|entry| self.is_hiding(*entry)).collect::<Vec<_>>() {
            let start = index.start(entry);
            self.put(&index.data[from..start + SIZE.start])?;
            self.put(&[0; 4])?;
            from = start + SIZE.end;
        }
        self.put(&index.data[from..index.start(entries.end)])
    }

    /// Whether an entry, once the index has a later time, could hide an edit.
    fn is_hiding(&self, entry: usize) -> bool {
        let index = self.index;
        let mtime = be32(&index.data, index.start(entry) + 8).unwrap_or(0);
        let is_racy = index.written.is_some_and(|written| i64::from(mtime) >= written);
        is_racy
            && matches!(index.mode(entry) & 0o170_000, 0o100_000 | 0o120_000)
            && index.stage(entry) == 0
            && index.extended(entry) == 0
    }

    /// An entry of ours. Marks of the user on it (assume-unchanged, skip-worktree, the executable bit) stay.
    fn entry(&mut self, path: &str, id: Oid, stat: &Stat, old: Option<usize>) -> io::Result<()> {
        let index = self.index;
        let old = old.filter(|entry| index.stage(*entry) == 0);
        let mode = old.map(|entry| index.mode(entry)).filter(|mode| mode & 0o170_000 == 0o100_000);
        let extended = old.map_or(0, |entry| index.extended(entry) & !INTENT_TO_ADD);
        let assumed = old.map_or(0, |entry| index.flags(entry) & 0x8000);
        let mut bytes = Vec::with_capacity(FIXED + path.len() + 16);
        for number in [
            stat.ctime.0,
            stat.ctime.1,
            stat.mtime.0,
            stat.mtime.1,
            stat.dev,
            stat.ino,
            mode.unwrap_or(MODE_FILE),
            stat.uid,
            stat.gid,
            stat.size,
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(id.as_slice());
        let length = u16::try_from(path.len()).unwrap_or(u16::MAX).min(LENGTH);
        let mark = if extended == 0 { 0 } else { EXTENDED };
        bytes.extend_from_slice(&(assumed | mark | length).to_be_bytes());
        if extended != 0 {
            bytes.extend_from_slice(&extended.to_be_bytes());
        }
        self.name(&mut bytes, path.as_bytes());
        self.put(&bytes)
    }

    /// The path of an entry whose bytes so far these are, with what follows it.
    fn name(&mut self, bytes: &mut Vec<u8>, path: &[u8]) {
        if self.index.version == 4 {
            let shared = std::iter::zip(&self.last, path).take_while(|(one, two)| one == two).count();
            write_varint(bytes, self.last.len() - shared);
            bytes.extend_from_slice(&path[shared..]);
            bytes.push(0);
            self.last = path.to_vec();
        } else {
            bytes.extend_from_slice(path);
            let padding = 8 - bytes.len() % 8;
            bytes.extend(std::iter::repeat_n(0, padding));
        }
    }

    fn finish(mut self) -> io::Result<()> {
        let hash = self.hash.take().map_or([0; HASH], |hash| hash.finalize().into());
        self.out.write_all(&hash)?;
        self.out.flush()
    }
}

/// The cached trees without those above the changed paths, which git then computes anew; `None` if the
/// extension can't be read, so that all of them are.
fn without_trees_above(data: &[u8], changed: &[&str]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    copy_tree(data, &mut at, "", changed, &mut out)?;
    (at == data.len()).then_some(out)
}

fn copy_tree(data: &[u8], at: &mut usize, above: &str, changed: &[&str], out: &mut Vec<u8>) -> Option<()> {
    let nul = *at + data.get(*at..)?.iter().position(|b| *b == 0)?;
    let name = &data[*at..nul];
    let newline = nul + data.get(nul..)?.iter().position(|b| *b == b'\n')?;
    let numbers = std::str::from_utf8(&data[nul + 1..newline]).ok()?;
    let (entries, children) = numbers.split_once(' ')?;
    let (entries, children): (i64, usize) = (entries.parse().ok()?, children.parse().ok()?);
    *at = newline + 1;
    let hash = if entries >= 0 { data.get(*at..*at + HASH)? } else { &[] };
    *at += hash.len();
    // The root's name is empty; a name that is not UTF-8 is on no path of ours.
    let prefix =
        format!("{above}{}{}", String::from_utf8_lossy(name), if name.is_empty() { "" } else { "/" });
    let is_above = changed.iter().any(|path| path.starts_with(&prefix));
    out.extend_from_slice(name);
    if is_above {
        out.extend_from_slice(format!("\0-1 {children}\n").as_bytes());
    } else {
        out.extend_from_slice(format!("\0{entries} {children}\n").as_bytes());
        out.extend_from_slice(hash);
    }
    for _ in 0..children {
        copy_tree(data, at, &prefix, changed, out)?;
    }
    Some(())
}

/// The offset encoding of version 4.
fn read_varint(data: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *data.get(at)?;
    at += 1;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = *data.get(at)?;
        at += 1;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some((value, at))
}

fn write_varint(out: &mut Vec<u8>, mut value: usize) {
    #[allow(clippy::cast_possible_truncation)]
    let low = |value: usize| (value & 0x7f) as u8;
    let mut bytes = vec![low(value)];
    while value > 0x7f {
        value = (value >> 7) - 1;
        bytes.push(0x80 | low(value));
    }
    out.extend(bytes.iter().rev());
}

/// The bytes of a split index together with the one it shares.
fn join(path: &PathBuf) -> Result<Vec<u8>, GitError> {
    let mut index = gix::index::File::at(path, gix::hash::Kind::Sha1, false, Default::default())
        .doing("read the split index")?;
    index.remove_tree();
    let mut bytes = Vec::new();
    index.write_to(&mut bytes, Default::default()).doing("join the split index")?;
    Ok(bytes)
}
