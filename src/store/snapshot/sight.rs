//! What stands at a path of the board, and what is wrong there if it is nothing that the board can have.

use std::collections::HashMap;

use crate::codec::Problem;
use crate::git::{Entry, EntryKind, GitError, Lack, Oid, Repo, Sight, Veil};
use crate::model::{Damage, Fault, Reading, Unread};

use super::{LARGEST, Stored};

/// Whether a directory of tasks can have this name.
pub(in crate::store) fn is_shard(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// The entry at `path` below a tree; none if it is not there. If that can't be known, that is damage.
pub(in crate::store) fn entry_at(repo: &Repo, tree: Oid, path: &str) -> Result<Option<Entry>, Fault> {
    match repo.look(tree, path)? {
        Sight::Here(entry) => Ok(Some(entry)),
        Sight::Absent => Ok(None),
        Sight::Hidden { at, by } => Err(Fault::Damaged(match by {
            Veil::Kind(kind) => no_directory(&at, kind),
            Veil::Twice => twice(&at),
            Veil::Tree(error) => damaged_object(&at, error)?,
        })),
    }
}

/// Those entries of a directory whose names stand in it once.
pub(super) fn apart(directory: &str, mut entries: Vec<Entry>) -> Reading<Vec<Entry>> {
    // Git sorts a directory as if its name ended in `/`, so files alone are in plain order.
    if entries.windows(2).all(|two| two[0].name < two[1].name) {
        return Reading::whole(entries);
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    // Names that are not UTF-8 may look alike and be different: none of them is an entry's.
    for entry in entries.iter().filter(|entry| !entry.name.contains('\u{fffd}')) {
        *times.entry(entry.name.clone()).or_default() += 1;
    }
    entries.retain(|entry| times.get(&entry.name).is_none_or(|times| *times == 1));
    let mut unread = Unread::default();
    let doubled = times.into_iter().filter(|(_, times)| *times > 1);
    unread.extend(doubled.map(|(name, _)| twice(&format!("{directory}/{name}"))));
    Reading::of(entries, unread)
}

/// The file that an entry at `path` is; a link, a submodule, a directory or a file beyond 4 MiB is damage.
pub(in crate::store) fn stored(repo: &Repo, path: &str, entry: &Entry) -> Result<Stored, Fault> {
    let refuse = |why: &str| Fault::Damaged(whole_file(path, why));
    match entry.kind {
        EntryKind::File | EntryKind::Executable => {}
        EntryKind::Link => return Err(refuse(LINK)),
        EntryKind::Submodule => return Err(refuse(SUBMODULE)),
        EntryKind::Tree => return Err(refuse("is a directory where a file is expected")),
    }
    let bytes = match repo.blob(entry.id) {
        Ok(bytes) => bytes,
        Err(error) => return Err(Fault::Damaged(damaged_object(path, error)?)),
    };
    if bytes.len() > LARGEST {
        return Err(refuse("is larger than 4 MiB"));
    }
    Ok(Stored { blob: entry.id, bytes })
}

pub(in crate::store) fn damage(path: &str, problem: Problem) -> Damage {
    Damage { path: path.to_owned(), line: problem.line, column: problem.column, why: problem.why }
}

const LINK: &str = "is a symbolic link; the board holds plain files only";
const SUBMODULE: &str = "is a submodule; the board holds plain files only";

/// Something stands where a directory is expected.
pub(super) fn no_directory(path: &str, kind: EntryKind) -> Damage {
    whole_file(
        path,
        match kind {
            EntryKind::Link => LINK,
            EntryKind::Submodule => SUBMODULE,
            EntryKind::File | EntryKind::Executable | EntryKind::Tree => {
                "is a file where a directory is expected"
            }
        },
    )
}

/// With what the damage of an object ends: who looks after it.
pub(in crate::store) const FSCK: &str = "(git fsck)";

/// A file or directory whose object is damaged; the object is named. What a remote has promised and does not give is no
/// damage, and a fault like any other.
pub(in crate::store) fn damaged_object(path: &str, error: GitError) -> Result<Damage, Fault> {
    let why = match error {
        GitError::Missing { what, lack: Lack::Damage } => {
            format!("{what} is missing: this repository is damaged {FSCK}")
        }
        GitError::Corrupt { what, why } => format!("{what} can't be read: {why} {FSCK}"),
        other => return Err(other.at(path).into()),
    };
    Ok(whole_file(path, &why))
}

pub(super) fn twice(path: &str) -> Damage {
    whole_file(path, "stands twice in its directory")
}

pub(super) fn whole_file(path: &str, why: &str) -> Damage {
    Damage { path: path.to_owned(), line: 1, column: 1, why: why.to_owned() }
}

pub(super) fn stray(path: &str) -> Damage {
    whole_file(path, "no entry of the board can have this path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_no_entry() {
        let id = Oid::from_hex(b"1111111111111111111111111111111111111111").unwrap();
        let entry = |name: &str| Entry { name: name.to_owned(), kind: EntryKind::File, id };
        let listed = |names: &[&str]| {
            let (kept, unread) = apart("dir", names.iter().map(|name| entry(name)).collect()).parts();
            let names: Vec<String> = kept.into_iter().map(|entry| entry.name).collect();
            (names, unread.into_damage().into_iter().map(|damage| damage.path).collect::<Vec<_>>())
        };
        let none: Vec<String> = Vec::new();
        assert_eq!(listed(&["a", "b"]), (vec!["a".to_owned(), "b".to_owned()], none.clone()));
        // Git's own order, where a directory sorts as if it ended in `/`.
        assert_eq!(listed(&["a.b", "a"]).1, none);
        assert_eq!(listed(&["a", "a", "b"]), (vec!["b".to_owned()], vec!["dir/a".to_owned()]));
        assert_eq!(listed(&["a", "a.b", "a"]), (vec!["a.b".to_owned()], vec!["dir/a".to_owned()]));
        // Two names that are not UTF-8 look alike here, and need not be.
        assert_eq!(listed(&["\u{fffd}", "\u{fffd}"]).1, none);
    }
}
