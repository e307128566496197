//! What stands at a path, told from what can't be known: *unreadable is not absent*.

use gix::bstr::BStr;

use super::object::{entries_of, entry_of};
use super::{Entry, EntryKind, GitError, Oid, Repo};

/// What stands at a path of a tree.
#[derive(Debug)]
pub(crate) enum Sight {
    /// An entry.
    Here(Entry),
    /// Nothing, for certain.
    Absent,
    /// It can't be known: what is at `at`, which is the path or leads to it, hides it.
    Hidden {
        /// From the tree that was looked at.
        at: String,
        /// What is wrong there.
        by: Veil,
    },
}

/// Why something can't be looked into.
#[derive(Debug)]
pub(crate) enum Veil {
    /// It is no directory.
    Kind(EntryKind),
    /// Its name stands twice in its directory.
    Twice,
    /// It is a directory whose tree can't be read.
    Tree(GitError),
}

impl Repo {
    /// The entry at a path below a tree; none if it, or a directory on the way, is not there or is something else. For
    /// paths that nobody but us writes, and where "can't be known" is told elsewhere: else [`Self::look`].
    pub(crate) fn entry_at(&self, tree: Oid, path: &str) -> Result<Option<Entry>, GitError> {
        match self.walk(tree, path, 1)? {
            Sight::Here(entry) => Ok(Some(entry)),
            Sight::Hidden { at, by: Veil::Tree(error) } => Err(error.at(&at)),
            Sight::Absent | Sight::Hidden { by: Veil::Kind(_) | Veil::Twice, .. } => Ok(None),
        }
    }

    /// What stands at a path below a tree: unlike [`Self::entry_at`] it tells "not there" from "can't be known".
    pub(crate) fn look(&self, tree: Oid, path: &str) -> Result<Sight, GitError> {
        self.walk(tree, path, 2)
    }

    /// The same, with so many entries of a name looked for in each directory.
    fn walk(&self, tree: Oid, path: &str, most: usize) -> Result<Sight, GitError> {
        let (mut tree, mut from) = (tree, 0);
        loop {
            let end = path[from..].find('/').map_or(path.len(), |length| from + length);
            // The root may be large, and none of the board's names stands twice in it unless git's own tools fail too.
            let most = if from == 0 { 1 } else { most };
            let mut found = match self.named(tree, &path[from..end], most) {
                Ok(found) => found,
                Err(error) if from == 0 => return Err(error),
                Err(error) => {
                    return Ok(Sight::Hidden { at: path[..from - 1].to_owned(), by: Veil::Tree(error) });
                }
            };
            let hidden = |by: Veil| Ok(Sight::Hidden { at: path[..end].to_owned(), by });
            match (found.pop(), found.is_empty()) {
                (_, false) => return hidden(Veil::Twice),
                (None, true) => return Ok(Sight::Absent),
                (Some(entry), true) if end == path.len() => return Ok(Sight::Here(entry)),
                (Some(Entry { kind: EntryKind::Tree, id, .. }), true) => (tree, from) = (id, end + 1),
                (Some(Entry { kind, .. }), true) => return hidden(Veil::Kind(kind)),
            }
        }
    }

    /// The entries of this name in a tree: one, unless the tree is damaged. It is read until so many are found.
    fn named(&self, tree: Oid, name: &str, most: usize) -> Result<Vec<Entry>, GitError> {
        let data = self.tree_data(tree)?;
        let mut found = Vec::new();
        for entry in entries_of(tree, &data) {
            let entry = entry?;
            if entry.filename == BStr::new(name) {
                found.push(entry_of(&entry));
                if found.len() >= most {
                    break;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use gix::objs::Kind;

    use super::*;
    use crate::git::testing::repository;

    /// A tree of these entries as they come, sorted or not.
    fn tree(repo: &Repo, entries: &[(&str, &str, Oid)]) -> Oid {
        let entry = |(mode, name, id): &(&str, &str, Oid)| {
            [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_slice()].concat()
        };
        let data: Vec<u8> = entries.iter().flat_map(entry).collect();
        repo.write_object(Kind::Tree, &data).unwrap()
    }

    #[test]
    fn what_can_not_be_known_is_told_from_what_is_not_there() {
        let (_dir, repo) = repository();
        let blob = repo.write_blob(b"text").unwrap();
        let absent = Oid::from_hex(b"1111111111111111111111111111111111111111").unwrap();
        let inner =
            tree(&repo, &[("100644", "file", blob), ("100644", "twice", blob), ("100644", "twice", blob)]);
        let entries = [
            ("40000", "dir", inner),
            ("100644", "file", blob),
            ("120000", "link", blob),
            ("40000", "lost", absent),
            ("160000", "sub", absent),
        ];
        let board = tree(&repo, &entries);
        let root = tree(&repo, &[("40000", "board", board)]);
        let told = |path: &str| match repo.look(root, path).unwrap() {
            Sight::Here(entry) => format!("{:?}", entry.kind),
            Sight::Absent => "absent".to_owned(),
            Sight::Hidden { at, by: Veil::Kind(kind) } => format!("{at}: {kind:?}"),
            Sight::Hidden { at, by: Veil::Twice } => format!("{at}: twice"),
            Sight::Hidden { at, by: Veil::Tree(error) } => format!("{at}: {error}"),
        };
        let lost = format!("board/lost: tree {absent} is missing");
        for (path, what) in [
            ("board/dir/file", "File"),
            ("board/dir/none", "absent"),
            ("none/dir/file", "absent"),
            ("board/dir/twice", "board/dir/twice: twice"),
            ("board/file", "File"),
            ("board/file/below", "board/file: File"),
            ("board/link", "Link"),
            ("board/link/below", "board/link: Link"),
            ("board/sub/below/more", "board/sub: Submodule"),
            ("board/lost", "Tree"),
            ("board/lost/below", lost.as_str()),
        ] {
            assert_eq!(told(path), what, "{path}");
        }
        assert!(repo.look(absent, "board").is_err());
    }
}
