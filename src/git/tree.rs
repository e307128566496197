//! Trees with files written and removed.
//!
//! The editor is gix's. Its objects are read and written through [`Repo`], so that what a partial clone lacks is fetched, and
//! what is written is as durable as every other object.

use std::cell::RefCell;
use std::collections::BTreeSet;

use gix::bstr::BStr;
use gix::objs::tree::{Editor, EntryKind as GixKind};
use gix::objs::{Data, Find, Kind, Tree, TreeRef, WriteTo as _};

use super::error::Doing;
use super::object::{EntryKind, again, undecoded};
use super::repo::Repo;
use super::{GitError, Oid};

const SHA1: gix::hash::Kind = gix::hash::Kind::Sha1;

/// A path and the blob that is to be there; none to remove what is there.
type Edit = (String, Option<Oid>);

impl Repo {
    /// `base` with files written (`Some`) and removed (`None`), one after the other. A file may take the place of a
    /// directory, and the other way round; directories that become empty vanish. A file that may be executed stays so, as
    /// its entry in the index does.
    pub(crate) fn edit_tree(&self, base: Oid, edits: &[Edit]) -> Result<Oid, GitError> {
        if is_nested(edits) {
            // In one go the editor would remember what was below a directory that is no more.
            return edits.chunks(1).try_fold(base, |tree, edit| self.edit_at_once(tree, edit));
        }
        self.edit_at_once(base, edits)
    }

    fn edit_at_once(&self, base: Oid, edits: &[Edit]) -> Result<Oid, GitError> {
        let trees = Trees { repo: self, failed: RefCell::default() };
        let mut editor = Editor::new(self.tree(base)?, &trees, SHA1);
        for (path, blob) in edits {
            let parts = path.split('/').map(BStr::new);
            let edited = match blob {
                Some(blob) => editor.upsert(parts, self.mode_at(base, path)?, *blob),
                None => editor.remove(parts),
            };
            // What the editor says of an object that can't be read does not tell why.
            let failed = trees.failed.take();
            edited.map(drop).map_err(|error| failed.unwrap_or_else(|| refused(path, &error)))?;
        }
        editor.write(|tree| {
            let mut data = Vec::new();
            tree.write_to(&mut data).doing("write a tree")?;
            again(|| self.write_object(Kind::Tree, &data)).doing("write a tree")
        })
    }

    fn tree(&self, id: Oid) -> Result<Tree, GitError> {
        let data = self.tree_data(id)?;
        Ok(TreeRef::from_bytes(&data, SHA1).map_err(undecoded("tree", id))?.into())
    }

    fn mode_at(&self, base: Oid, path: &str) -> Result<GixKind, GitError> {
        let is_executable =
            self.entry_at(base, path)?.is_some_and(|entry| entry.kind == EntryKind::Executable);
        Ok(if is_executable { GixKind::BlobExecutable } else { GixKind::Blob })
    }
}

/// Whether one of the paths leads through another one.
fn is_nested(edits: &[Edit]) -> bool {
    let paths: BTreeSet<&str> = edits.iter().map(|(path, _)| path.as_str()).collect();
    paths.iter().any(|path| path.match_indices('/').any(|(at, _)| paths.contains(&path[..at])))
}

fn refused(path: &str, error: &gix::Error) -> GitError {
    GitError::gix("edit a tree")(format!("`{path}`: {error}").into())
}

/// The trees of a repository, as the editor asks for them.
struct Trees<'r> {
    repo: &'r Repo,
    failed: RefCell<Option<GitError>>,
}

impl Find for Trees<'_> {
    fn try_find<'a>(
        &self,
        id: &gix::hash::oid,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Option<Data<'a>>, gix::Error> {
        match self.repo.tree_data(id.to_owned()) {
            Ok(data) => {
                buffer.clear();
                buffer.extend_from_slice(&data);
                Ok(Some(Data { kind: Kind::Tree, object_hash: SHA1, data: buffer }))
            }
            Err(error) => {
                self.failed.replace(Some(error));
                Ok(None)
            }
        }
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
            let base = repo.write_object(Kind::Tree, &order.map(|at| bytes[at]).concat()).unwrap();
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
        let (_dir, repo) = repository();
        let blob = repo.write_blob(b"one").unwrap();
        let edit = [("a/b".to_owned(), Some(blob))];
        for bytes in ["100644 a", "100644 a\0short", "100644", "x a\0abcdefghijklmnopqrst"] {
            let base = repo.write_object(Kind::Tree, bytes.as_bytes()).unwrap();
            let told = repo.edit_tree(base, &edit).unwrap_err();
            assert!(matches!(told, GitError::Corrupt { .. }), "{bytes:?}: {told}");
        }
        // Which object is lacking is told, however deep it lies.
        let lacking = Oid::from_hex(&[b'1'; 40]).unwrap();
        let base = [b"40000 a\0".as_slice(), lacking.as_slice()].concat();
        let base = repo.write_object(Kind::Tree, &base).unwrap();
        let told = repo.edit_tree(base, &edit).unwrap_err();
        assert!(matches!(&told, GitError::Missing { .. }) && told.to_string().contains("1111"), "{told}");
        assert!(repo.edit_tree(repo.empty_tree(), &[("a//b".to_owned(), Some(blob))]).is_err());
    }
}
