//! Trees, edited byte by byte.
//!
//! Each tree on the way to a changed file is copied in the few pieces between its changed entries. The other entries
//! are told apart and not looked into, and none of them is taken out of the bytes that it lies in.

use std::collections::BTreeMap;
use std::io;

use gix::bstr::ByteSlice as _;
use gix::objs::Kind;
use gix::objs::tree::EntryMode;

use super::error::Doing;
use super::object::again;
use super::repo::Repo;
use super::{GitError, Oid};

const ID: usize = 20;
const FILE: &[u8] = b"100644";
const EXECUTABLE: &[u8] = b"100755";
const DIRECTORY: &[u8] = b"40000";

/// What is to become of one name: what is below it, or else a file, or nothing.
#[derive(Default)]
struct Node<'p> {
    blob: Option<Oid>,
    below: BTreeMap<&'p str, Node<'p>>,
    /// A file was written here, or what was there removed: of that nothing stays, also if more is written below.
    is_anew: bool,
}

impl<'p> Node<'p> {
    /// All edits, by the parts of their paths, as they come out one after the other. None if a part is empty.
    fn of(edits: &'p [(String, Option<Oid>)]) -> Option<Self> {
        let mut root = Self::default();
        'edits: for (path, blob) in edits {
            let mut node = &mut root;
            for part in path.split('/') {
                if part.is_empty() {
                    return None;
                }
                if node.blob.is_some() {
                    // What is below a file is not there to be removed; to be written it takes the file's place.
                    if blob.is_none() {
                        continue 'edits;
                    }
                    node.blob = None;
                }
                node = node.below.entry(part).or_default();
            }
            *node = Self { blob: *blob, below: BTreeMap::new(), is_anew: true };
        }
        Some(root)
    }

    fn is_leaf(&self) -> bool {
        self.below.is_empty()
    }

    fn only_removes(&self) -> bool {
        self.blob.is_none() && self.below.values().all(Self::only_removes)
    }
}

/// Where an entry lies in the bytes of its tree.
struct Place {
    start: usize,
    name: usize,
    id: usize,
    is_directory: bool,
}

impl Place {
    fn end(&self) -> usize {
        self.id + ID
    }

    fn name<'d>(&self, data: &'d [u8]) -> &'d [u8] {
        &data[self.name..self.id - 1]
    }
}

/// The entries of a tree; none if these are no bytes of one.
fn places(data: &[u8]) -> Option<Vec<Place>> {
    let mut places = Vec::with_capacity(data.len() / 32);
    let mut start = 0;
    while start < data.len() {
        let name = start + data[start..].find_byte(b' ')? + 1;
        let id = name + data[name..].find_byte(0)? + 1;
        // Some programs wrote modes with zeros before them, or with permissions that git gives no meaning.
        let is_directory = EntryMode::from_bytes(&data[start..name])?.is_tree();
        let place = Place { start, name, id, is_directory };
        start = place.end();
        places.push(place);
    }
    (start == data.len()).then_some(places)
}

/// A name as git sorts it: as if that of a directory ended in `/`.
fn sorted_as(name: &[u8], is_directory: bool) -> impl Iterator<Item = u8> + '_ {
    name.iter().copied().chain(is_directory.then_some(b'/'))
}

impl Repo {
    /// `base` with files written (`Some`) and removed (`None`), one after the other. A file may take the place of a
    /// directory, and the other way round; directories that become empty vanish.
    pub(crate) fn edit_tree(&self, base: Oid, edits: &[(String, Option<Oid>)]) -> Result<Oid, GitError> {
        let edits = Node::of(edits)
            .ok_or_else(|| io::Error::other("a part of a path is empty"))
            .doing("edit a tree")?;
        match self.rewrite(base, &edits)? {
            Some(tree) => Ok(tree),
            None => self.write_tree(&[]),
        }
    }

    fn write_tree(&self, data: &[u8]) -> Result<Oid, GitError> {
        again(|| self.write_object(Kind::Tree, data)).doing("write a tree")
    }

    /// The tree with what is below `node` changed; none if nothing is left in it.
    fn rewrite(&self, base: Oid, node: &Node<'_>) -> Result<Option<Oid>, GitError> {
        let data = self.tree_data(base)?;
        let places = places(&data).ok_or_else(|| GitError::Corrupt {
            what: format!("tree {base}"),
            why: "these are no entries".to_owned(),
        })?;
        let find = |name: &str, is_directory| {
            let key = |place: &Place| sorted_as(place.name(&data), place.is_directory);
            places.binary_search_by(|place| key(place).cmp(sorted_as(name.as_bytes(), is_directory)))
        };
        // What is cut out, and what is put in at its place.
        let mut cuts: Vec<(usize, usize, Vec<u8>)> = Vec::new();
        let mut changed: Vec<(&str, &Node<'_>)> =
            node.below.iter().map(|(name, node)| (*name, node)).collect();
        changed.sort_by(|(one, node), (other, other_node)| {
            let key = sorted_as(one.as_bytes(), !node.is_leaf());
            key.cmp(sorted_as(other.as_bytes(), !other_node.is_leaf()))
        });
        for (name, node) in changed {
            let (file, directory) = (find(name, false), find(name, true));
            if directory.is_err() && !node.is_leaf() && !node.is_anew && node.only_removes() {
                continue;
            }
            let new = if node.is_leaf() {
                node.blob
            } else {
                let old = directory.ok().filter(|_| !node.is_anew);
                let old = old.map(|at| &data[places[at].id..places[at].end()]);
                let old = old.map(Oid::try_from).transpose().doing("read a tree")?;
                self.rewrite(old.unwrap_or(self.empty_tree()), node)?
            };
            for old in [file, directory].into_iter().flatten() {
                cuts.push((places[old].start, places[old].end(), Vec::new()));
            }
            if let Some(id) = new {
                let (Ok(at) | Err(at)) = if node.is_leaf() { file } else { directory };
                let at = places.get(at).map_or(data.len(), |place| place.start);
                // A file that may be executed stays so, as its entry in the index does.
                let keeps = file.is_ok_and(|at| data[places[at].start..].starts_with(EXECUTABLE));
                let mode = match (node.is_leaf(), keeps) {
                    (true, true) => EXECUTABLE,
                    (true, false) => FILE,
                    (false, _) => DIRECTORY,
                };
                cuts.push((at, at, [mode, b" ", name.as_bytes(), b"\0", id.as_slice()].concat()));
            }
        }
        // Where one comes in and one goes, the one that comes in is first; several that come in stay in git's order.
        cuts.sort_by_key(|(start, end, _)| (*start, *end));
        let mut bytes = Vec::with_capacity(data.len() + cuts.len() * 48);
        let mut from = 0;
        for (start, end, new) in &cuts {
            bytes.extend_from_slice(&data[from..*start]);
            bytes.extend_from_slice(new);
            from = *end;
        }
        bytes.extend_from_slice(&data[from..]);
        if *bytes == *data {
            return Ok((!data.is_empty()).then_some(base));
        }
        if bytes.is_empty() { Ok(None) } else { self.write_tree(&bytes).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use gix::bstr::BStr;
    use gix::objs::tree::EntryKind;
    use proptest::prelude::*;

    use super::*;
    use crate::git::testing::repository;

    /// The same edits by the editor of gix, one after the other: in one go it remembers what is below a directory that
    /// was removed.
    fn by_gix(repo: &Repo, base: Oid, edits: &[(String, Option<Oid>)]) -> Oid {
        edits.iter().fold(base, |tree, (path, blob)| {
            let mut editor = repo.gix.edit_tree(tree).unwrap();
            match blob {
                Some(blob) => editor.upsert(BStr::new(path), EntryKind::Blob, *blob).unwrap(),
                None => editor.remove(BStr::new(path)).unwrap(),
            };
            editor.write().unwrap().detach()
        })
    }

    fn paths() -> impl Strategy<Value = String> {
        // Names around `/` in git's order, and those of which one begins like another.
        let part = prop::sample::select(vec!["a", "a-b", "a.b", "a0", "ab", "b", "\u{e9}"]);
        prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
    }

    fn edits() -> impl Strategy<Value = Vec<(String, Option<u8>)>> {
        prop::collection::vec((paths(), prop::option::weighted(0.7, 0..3_u8)), 0..12)
    }

    #[test]
    fn a_tree_is_edited_as_gix_does_it() {
        let (_dir, repo) = repository();
        let blobs = [b"one", b"two", b"six"].map(|text| repo.write_blob(text).unwrap());
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let run = runner.run(&(edits(), edits()), |(first, second)| {
            let mut tree = repo.empty_tree();
            for edits in [first, second] {
                let edits: Vec<(String, Option<Oid>)> = edits
                    .into_iter()
                    .map(|(path, blob)| (path, blob.map(|blob| blobs[usize::from(blob)])))
                    .collect();
                let edited = repo.edit_tree(tree, &edits).unwrap();
                prop_assert_eq!(edited, by_gix(&repo, tree, &edits), "{:?}", edits);
                tree = edited;
            }
            Ok(())
        });
        run.unwrap();
    }

    /// Trees that no program of today writes, as gix and git read them.
    #[test]
    fn entries_are_what_their_modes_say_however_these_are_written() {
        let (_dir, repo) = repository();
        let blob = repo.write_blob(b"one").unwrap();
        let inner = repo.edit_tree(repo.empty_tree(), &[("kept".to_owned(), Some(blob))]).unwrap();
        for (mode, is_directory) in [
            ("40000", true),
            ("040000", true),
            ("0040000", true),
            ("40755", true),
            ("100755", false),
            ("100664", false),
            ("120000", false),
            ("160000", false),
        ] {
            let id = if is_directory { inner } else { blob };
            let head = format!("{mode} a\0");
            let bytes = [head.as_bytes(), id.as_slice(), b"100644 a-b\0", blob.as_slice()];
            let order = if is_directory { [2, 3, 0, 1] } else { [0, 1, 2, 3] };
            let base = repo.write_tree(&order.map(|at| bytes[at]).concat()).unwrap();
            for edit in
                [("a/new", Some(blob)), ("a/kept", None), ("a", Some(blob)), ("a", None), ("b", Some(blob))]
            {
                let edits = [(edit.0.to_owned(), edit.1)];
                let names = |tree: Oid| -> Vec<(String, Oid)> {
                    let entries = repo.entries(tree).unwrap().into_iter();
                    entries.map(|entry| (entry.name, entry.id)).collect()
                };
                let (ours, theirs) = (repo.edit_tree(base, &edits).unwrap(), by_gix(&repo, base, &edits));
                assert_eq!(names(ours), names(theirs), "{mode} {edit:?}");
            }
        }
    }

    #[test]
    fn of_two_edits_of_one_path_the_later_one_counts() {
        let (_dir, repo) = repository();
        let [one, two] = [b"one", b"two"].map(|text| repo.write_blob(text).unwrap());
        let edit = |path: &str, blob| (path.to_owned(), blob);
        let twice = [edit("a/b", Some(one)), edit("a/b", Some(two)), edit("c", Some(one)), edit("c", None)];
        let tree = repo.edit_tree(repo.empty_tree(), &twice).unwrap();
        assert_eq!(repo.entry_at(tree, "a/b").unwrap().unwrap().id, two);
        assert_eq!(repo.entries(tree).unwrap().len(), 1);
        let none = repo.edit_tree(tree, &[edit("a/b", None)]).unwrap();
        assert_eq!(none, repo.empty_tree());
        assert_eq!(repo.edit_tree(tree, &[edit("a/x/y", None), edit("a/b/c", None)]).unwrap(), tree);
    }

    #[test]
    fn what_is_no_tree_is_not_edited() {
        for bytes in [
            "100644 a",
            "100644 a\0short",
            "100644",
            "x a\0abcdefghijklmnopqrst",
            "100644 a\0abcdefghijklmnopqrstx",
        ] {
            assert!(places(bytes.as_bytes()).is_none(), "{bytes:?}");
        }
        let two = b"040000 a\0abcdefghijklmnopqrst100644 b\0abcdefghijklmnopqrst";
        let found = places(two).unwrap();
        assert_eq!(found.iter().map(|place| place.is_directory).collect::<Vec<_>>(), [true, false]);
        assert_eq!(found.iter().map(|place| place.name(two)).collect::<Vec<_>>(), [b"a", b"b"]);
    }
}
