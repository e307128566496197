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
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::Doing;
use super::worktree::Stat;
use super::{GitError, Oid};

const HASH: usize = 20;
/// Up to the flags, these included.
const FIXED: usize = 62;
const EXTENDED: u16 = 0x4000;
const SKIP_WORKTREE: u16 = 0x4000;
const INTENT_TO_ADD: u16 = 0x2000;
const MODE_FILE: u32 = 0o100_644;
const MODE_TREE: u32 = 0o040_000;

/// An index that was read.
#[derive(Debug)]
pub(crate) struct Index {
    version: u32,
    data: Vec<u8>,
    /// The paths of version 4, which stores only where they differ.
    paths: Vec<u8>,
    slots: Vec<Slot>,
    extensions: Vec<(usize, usize)>,
    skips_hash: bool,
    /// In which second the file was written; none if there is none.
    written: Option<i64>,
}

/// Where an entry's parts are.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: usize,
    /// Of the fixed part with the extended flags.
    fixed: usize,
    /// In `data`, or in `paths` for version 4.
    path: (usize, usize),
    /// With path and padding.
    end: usize,
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    version: 2,
                    data: Vec::new(),
                    paths: Vec::new(),
                    slots: Vec::new(),
                    extensions: Vec::new(),
                    skips_hash: false,
                    written: None,
                });
            }
            Err(source) => return Err(GitError::Io { path, source }),
        };
        let written = fs::metadata(&path).map_err(GitError::io(&path))?.mtime();
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
        let version = be32(&data, 4).ok_or_else(cut)?;
        if !(2..=4).contains(&version) {
            return Err(GitError::Unsupported {
                what: format!("the index has version {version}; 2, 3 and 4 are known"),
                hint: "git update-index --index-version 2".to_owned(),
            });
        }
        let count = be32(&data, 8).ok_or_else(cut)? as usize;
        let end = data.len().checked_sub(HASH).ok_or_else(cut)?;
        let mut slots = Vec::with_capacity(count.min(end / FIXED));
        let mut paths = Vec::new();
        let (mut at, mut last): (usize, (usize, usize)) = (12, (0, 0));
        for _ in 0..count {
            let flags = be16(&data, at + FIXED - 2).ok_or_else(cut)?;
            let fixed = if flags & EXTENDED == 0 { FIXED } else { FIXED + 2 };
            let name = at + fixed;
            let nul = |from: usize| {
                data.get(from..end)
                    .and_then(|rest| rest.iter().position(|b| *b == 0))
                    .map(|n| from + n)
                    .ok_or_else(cut)
            };
            let (path, stop) = if version == 4 {
                let (strip, from) = read_varint(&data, name).ok_or_else(cut)?;
                let stop = nul(from)?;
                let kept = (last.1 - last.0).checked_sub(strip).ok_or_else(cut)?;
                let start = paths.len();
                paths.extend_from_within(last.0..last.0 + kept);
                paths.extend_from_slice(&data[from..stop]);
                ((start, paths.len()), stop + 1)
            } else {
                let stop = nul(name)?;
                ((name, stop), at + (stop - at + 8) / 8 * 8)
            };
            if stop > end {
                return Err(cut());
            }
            slots.push(Slot { start: at, fixed, path, end: stop });
            (at, last) = (stop, path);
        }
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
        Ok(Self { version, data, paths, slots, extensions, skips_hash, written: Some(written) })
    }

    fn path(&self, slot: &Slot) -> &[u8] {
        let text = if self.version == 4 { &self.paths } else { &self.data };
        &text[slot.path.0..slot.path.1]
    }

    fn flags(&self, slot: &Slot) -> u16 {
        be16(&self.data, slot.start + FIXED - 2).unwrap_or(0)
    }

    fn extended(&self, slot: &Slot) -> u16 {
        if slot.fixed == FIXED { 0 } else { be16(&self.data, slot.start + FIXED).unwrap_or(0) }
    }

    fn mode(&self, slot: &Slot) -> u32 {
        be32(&self.data, slot.start + 24).unwrap_or(0)
    }

    fn stage(&self, slot: &Slot) -> u16 {
        (self.flags(slot) >> 12) & 3
    }

    /// The first slot of a path, or where it would be.
    fn search(&self, path: &str) -> usize {
        self.slots.partition_point(|slot| self.path(slot) < path.as_bytes())
    }

    fn slots_of(&self, path: &str) -> impl Iterator<Item = &Slot> {
        let from = self.search(path);
        let path = path.as_bytes().to_vec();
        self.slots[from..].iter().take_while(move |slot| self.path(slot) == path)
    }

    /// What is staged at a path, outside of a conflict.
    pub(crate) fn entry(&self, path: &str) -> Option<IndexEntry> {
        let slot = self.slots_of(path).find(|slot| self.stage(slot) == 0)?;
        let extended = self.extended(slot);
        Some(IndexEntry {
            id: Oid::try_from(&self.data[slot.start + 40..slot.start + 60]).ok()?,
            is_intent_to_add: extended & INTENT_TO_ADD != 0,
            is_skip_worktree: extended & SKIP_WORKTREE != 0,
        })
    }

    /// Whether a path has stages of a merge that is not resolved.
    pub(crate) fn is_conflicted(&self, path: &str) -> bool {
        self.slots_of(path).any(|slot| self.stage(slot) != 0)
    }

    /// Whether a path lies in a directory that a sparse index keeps as one entry.
    pub(crate) fn covered_by_sparse_directory(&self, path: &str) -> bool {
        path.match_indices('/')
            .any(|(at, _)| self.slots_of(&path[..=at]).any(|slot| self.mode(slot) == MODE_TREE))
    }

    /// The bytes of the index with files written (`Some`) and removed (`None`).
    pub(crate) fn splice(&self, edits: &[(String, Option<(Oid, Stat)>)]) -> Result<Vec<u8>, GitError> {
        let mut edits: Vec<_> = edits.iter().collect();
        let changed: Vec<&str> = edits.iter().map(|(path, _)| path.as_str()).collect();
        edits.sort_by(|one, two| one.0.as_bytes().cmp(two.0.as_bytes()));
        let mut out = Vec::with_capacity(self.data.len() + 256 * edits.len());
        out.extend_from_slice(b"DIRC");
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        let mut writer = Writer { index: self, out, last: Vec::new(), count: 0 };
        let (mut next, mut shifted) = (0, false);
        for (path, target) in edits {
            while next < self.slots.len() && self.path(&self.slots[next]) < path.as_bytes() {
                writer.copy(&self.slots[next]);
                next += 1;
            }
            let mut old = None;
            while next < self.slots.len() && self.path(&self.slots[next]) == path.as_bytes() {
                old = Some(self.slots[next]);
                next += 1;
            }
            shifted |= old.is_some() != target.is_some();
            if let Some((id, stat)) = target {
                writer.write(path, *id, stat, old.as_ref());
            }
        }
        for slot in &self.slots[next..] {
            writer.copy(slot);
        }
        let Writer { mut out, count, .. } = writer;
        out[8..12].copy_from_slice(&count.to_be_bytes());
        for (start, end) in &self.extensions {
            match &self.data[*start..*start + 4] {
                b"EOIE" | b"IEOT" | b"link" => {}
                b"FSMN" if shifted => {}
                b"TREE" => {
                    if let Some(tree) = without_trees_above(&self.data[*start + 8..*end], &changed) {
                        out.extend_from_slice(b"TREE");
                        out.extend_from_slice(&u32::try_from(tree.len()).unwrap_or(0).to_be_bytes());
                        out.extend_from_slice(&tree);
                    }
                }
                _ => out.extend_from_slice(&self.data[*start..*end]),
            }
        }
        finish(out, self.skips_hash)
    }
}

struct Writer<'a> {
    index: &'a Index,
    out: Vec<u8>,
    last: Vec<u8>,
    count: u32,
}

impl Writer<'_> {
    /// An entry that nobody asked to change.
    fn copy(&mut self, slot: &Slot) {
        let index = self.index;
        let start = self.out.len();
        let path = index.path(slot);
        if index.version == 4 {
            self.out.extend_from_slice(&index.data[slot.start..slot.start + slot.fixed]);
            self.name(path, start);
        } else {
            self.out.extend_from_slice(&index.data[slot.start..slot.end]);
        }
        let mtime = be32(&index.data, slot.start + 8).unwrap_or(0);
        let is_racy = index.written.is_some_and(|written| i64::from(mtime) >= written);
        let is_file = index.mode(slot) & 0o170_000 == 0o100_000 || index.mode(slot) & 0o170_000 == 0o120_000;
        if is_racy && is_file && index.stage(slot) == 0 && index.extended(slot) == 0 {
            self.out[start + 36..start + 40].fill(0);
        }
        self.count += 1;
    }

    /// An entry of ours. Marks of the user on it (assume-unchanged, skip-worktree, the executable bit) stay.
    fn write(&mut self, path: &str, id: Oid, stat: &Stat, old: Option<&Slot>) {
        let index = self.index;
        let start = self.out.len();
        let old = old.filter(|slot| index.stage(slot) == 0);
        let mode = old.map(|slot| index.mode(slot)).filter(|mode| mode & 0o170_000 == 0o100_000);
        let extended = old.map_or(0, |slot| index.extended(slot) & !INTENT_TO_ADD);
        let assumed = old.map_or(0, |slot| index.flags(slot) & 0x8000);
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
            self.out.extend_from_slice(&number.to_be_bytes());
        }
        self.out.extend_from_slice(id.as_slice());
        let length = u16::try_from(path.len()).unwrap_or(u16::MAX).min(0xfff);
        let mark = if extended == 0 { 0 } else { EXTENDED };
        self.out.extend_from_slice(&(assumed | mark | length).to_be_bytes());
        if extended != 0 {
            self.out.extend_from_slice(&extended.to_be_bytes());
        }
        self.name(path.as_bytes(), start);
        self.count += 1;
    }

    /// The path of the entry that begins at `start`, with what follows it.
    fn name(&mut self, path: &[u8], start: usize) {
        if self.index.version == 4 {
            let shared = std::iter::zip(&self.last, path).take_while(|(one, two)| one == two).count();
            write_varint(&mut self.out, self.last.len() - shared);
            self.out.extend_from_slice(&path[shared..]);
            self.out.push(0);
            self.last = path.to_vec();
        } else {
            self.out.extend_from_slice(path);
            let padding = 8 - (self.out.len() - start) % 8;
            self.out.extend(std::iter::repeat_n(0, padding));
        }
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

fn finish(mut out: Vec<u8>, skips_hash: bool) -> Result<Vec<u8>, GitError> {
    if skips_hash {
        out.extend_from_slice(&[0; HASH]);
        return Ok(out);
    }
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&out);
    let hash = hasher.try_finalize().doing("hash the index")?;
    out.extend_from_slice(hash.as_slice());
    Ok(out)
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
