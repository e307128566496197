//! What the trees of a board say, unpacked once: tasks by the tree of their directory, finished claims by
//! that of theirs.
//!
//! The key is the id of a git tree, so what is found is true for every branch and worktree, and can't be
//! outdated; what is not found is read from git and put here by whoever read it. One task changes one
//! directory of 256, of which all other tasks are taken from what is known already.
//!
//! A flat file, read whole in one go (see [`super::frames`]), and no embedded store: it needs no lock to be
//! read, survives a kill at any moment, and reading 10,000 tasks costs one `read`. It grows by what changes
//! and is written anew when most of it is of the past.

use std::collections::HashMap;
use std::ops::Range;

use crate::git::{Oid, OidMap, Repo};

use super::frames::Frames;

/// One file of this kind.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its name among the caches.
    pub(crate) name: &'static str,
    /// Name and version, in the file. The version grows whenever what is packed, or what the codec of an entity
    /// accepts, changes.
    pub(crate) mark: [u8; 8],
    /// Up to so many bytes nothing is tidied up; beyond, once more than half is of the past.
    pub(crate) small: usize,
}

/// Tasks and finished claims, whole.
pub(crate) const SHELF: Kind = Kind { name: "shelf", mark: *b"shelf\0\0\x01", small: 1 << 20 };

const ID: usize = 20;
const HEAD: usize = ID + SLOT + 4;
const SLOT: usize = 3;

/// What a directory is of and its name: the latest of its kind is where to look for what has not changed.
pub(crate) type Slot = [u8; SLOT];

/// The slot of a directory with this name of two digits.
pub(crate) fn slot(kind: u8, directory: &str) -> Slot {
    match directory.as_bytes() {
        [one, two] => [kind, *one, *two],
        _ => [kind, 0, 0],
    }
}

/// What is kept of a repository.
#[derive(Debug)]
pub(crate) struct Shelf {
    file: Frames,
    small: usize,
    places: OidMap<Range<usize>>,
    latest: HashMap<Slot, Range<usize>>,
    used: OidMap<Slot>,
    fresh: OidMap<(Slot, Vec<u8>)>,
}

impl Shelf {
    /// Reads it.
    pub(crate) fn load(repo: &Repo, kind: &Kind) -> Self {
        let mut file = Frames::load(repo.common_dir(), kind.name, kind.mark);
        let (mut places, mut latest) = (OidMap::default(), HashMap::new());
        file.each(|bytes, frame| {
            let mut found = Vec::new();
            let mut at = frame.start;
            while at < frame.end {
                let Some((id, slot, place)) = item_at(&bytes[..frame.end], at) else { return false };
                at = place.end;
                found.push((id, slot, place));
            }
            for (id, slot, place) in found {
                latest.insert(slot, place.clone());
                places.insert(id, place);
            }
            true
        });
        Self { file, small: kind.small, places, latest, used: OidMap::default(), fresh: OidMap::default() }
    }

    /// What is kept of this tree.
    pub(crate) fn get(&mut self, tree: Oid, slot: Slot) -> Option<&[u8]> {
        let place = self.places.get(&tree)?.clone();
        self.used.insert(tree, slot);
        Some(&self.file.bytes[place])
    }

    /// The same, of what was got or put before.
    pub(crate) fn peek(&self, tree: Oid) -> Option<&[u8]> {
        match self.fresh.get(&tree) {
            Some((_, bytes)) => Some(bytes),
            None => Some(&self.file.bytes[self.places.get(&tree)?.clone()]),
        }
    }

    /// What was put last for a slot, of whatever tree.
    pub(crate) fn latest(&self, slot: Slot) -> Option<&[u8]> {
        Some(&self.file.bytes[self.latest.get(&slot)?.clone()])
    }

    /// Something new.
    pub(crate) fn put(&mut self, tree: Oid, slot: Slot, bytes: Vec<u8>) {
        self.fresh.insert(tree, (slot, bytes));
    }

    /// Writes down what is new, and only what is used where most of the file is not. Once, at the end.
    pub(crate) fn keep(&self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut payload = Vec::new();
        for (id, (slot, bytes)) in &self.fresh {
            pack(&mut payload, *id, *slot, bytes);
        }
        let used: usize =
            self.used.keys().filter_map(|id| self.places.get(id)).map(ExactSizeIterator::len).sum();
        if self.file.bytes.len() < self.small + 2 * (used + payload.len()) {
            self.file.append(&payload);
            return;
        }
        for (id, slot) in &self.used {
            let Some(place) = self.places.get(id) else { continue };
            pack(&mut payload, *id, *slot, &self.file.bytes[place.clone()]);
        }
        self.file.replace(&payload);
    }
}

fn pack(payload: &mut Vec<u8>, id: Oid, slot: Slot, bytes: &[u8]) {
    payload.extend_from_slice(id.as_slice());
    payload.extend_from_slice(&slot);
    payload.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    payload.extend_from_slice(bytes);
}

fn item_at(bytes: &[u8], at: usize) -> Option<(Oid, Slot, Range<usize>)> {
    let head = bytes.get(at..at + HEAD)?;
    let id = Oid::try_from(&head[..ID]).ok()?;
    let slot = head[ID..ID + SLOT].try_into().ok()?;
    let length = u32::from_le_bytes(head[ID + SLOT..].try_into().ok()?) as usize;
    let start = at + HEAD;
    let end = start.checked_add(length).filter(|end| *end <= bytes.len())?;
    Some((id, slot, start..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::repository;

    fn id(byte: u8) -> Oid {
        Oid::try_from(&[byte; ID][..]).unwrap()
    }

    #[test]
    fn what_was_put_is_found_by_its_tree_and_the_latest_by_its_slot() {
        let (_dir, repo) = repository();
        for (tree, directory, text) in [(1, "0a", "one"), (2, "0b", "two"), (3, "0a", "three")] {
            let mut shelf = Shelf::load(&repo, &SHELF);
            shelf.put(id(tree), slot(b't', directory), text.as_bytes().to_vec());
            shelf.keep();
        }
        let mut shelf = Shelf::load(&repo, &SHELF);
        assert_eq!(shelf.get(id(1), slot(b't', "0a")), Some(&b"one"[..]));
        assert_eq!(shelf.get(id(4), slot(b't', "0a")), None);
        assert_eq!(shelf.latest(slot(b't', "0a")), Some(&b"three"[..]));
        assert_eq!(shelf.latest(slot(b'a', "0a")), None);
    }

    #[test]
    fn what_is_of_the_past_goes_in_time() {
        let (_dir, repo) = repository();
        let put = |tree: u8| {
            let mut shelf = Shelf::load(&repo, &SHELF);
            shelf.get(id(1), slot(b't', "00"));
            shelf.put(id(tree), slot(b't', "0a"), vec![tree; SHELF.small / 2]);
            shelf.keep();
            Shelf::load(&repo, &SHELF)
        };
        let mut first = Shelf::load(&repo, &SHELF);
        first.put(id(1), slot(b't', "00"), b"used".to_vec());
        first.keep();
        let sizes: Vec<usize> = (2..12).map(|tree| put(tree).file.bytes.len()).collect();
        assert!(sizes.iter().all(|size| *size < 4 * SHELF.small), "{sizes:?}");
        assert!(sizes.windows(2).any(|pair| pair[1] < pair[0]), "{sizes:?}");
        let mut shelf = Shelf::load(&repo, &SHELF);
        assert_eq!(shelf.get(id(1), slot(b't', "00")), Some(&b"used"[..]));
        assert!(shelf.get(id(11), slot(b't', "0a")).is_some());
    }
}
