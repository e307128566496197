//! Refs, read fresh from disk: loose file first, then `packed-refs`, which is opened again once it is another file.
//!
//! gix reads packed refs before it holds the locks, so its own comparison can be against a value that
//! `git pack-refs` has outdated; with a packer running it lets two processes create one ref. Refs are
//! therefore moved by [`ref_locks`](super::ref_locks), which reads here while it holds the locks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use gix::bstr::ByteSlice as _;
use gix::refs::FullName;
use gix::refs::packed;

use super::directory::{items, leaves};
use super::error::Doing;
use super::files::Stat;
use super::repo::Repo;
use super::small;
use super::{GitError, Oid};

/// One ref to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefEdit {
    /// A full name, or `HEAD`: then the branch behind it moves, and both reflogs are written.
    pub(crate) name: String,
    /// What it is; none = it must not be there (for `HEAD`: the branch is unborn).
    pub(crate) expected: Option<Oid>,
    /// What it shall be; none = it is deleted.
    pub(crate) new: Option<Oid>,
    /// One line for the reflog.
    pub(crate) log: String,
}

/// What a ref leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// An object, a commit as a rule.
    Object(Oid),
    /// Another ref.
    Symbolic,
    /// It can't be told, and why.
    Bad(String),
}

/// What stands for the commit of a ref that is there and can't be read, where it is compared with what is expected. No
/// object has this id, and git writes it into no ref.
pub(crate) fn unreadable_ref() -> Oid {
    Oid::null(gix::hash::Kind::Sha1)
}

/// `packed-refs` as it was opened last.
#[derive(Debug)]
pub(super) struct PackedRefs {
    stat: Stat,
    /// Held open, so that no file that takes its place can have its number.
    _file: fs::File,
    refs: packed::Buffer,
}

impl Repo {
    /// The commit of a ref (full name, or `HEAD`), read from disk now. A symbolic ref is followed.
    pub(crate) fn read_ref(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let mut name = name.to_owned();
        for _ in 0..5 {
            match self.read_loose(&name)? {
                Some(Loose::Commit(id)) => return Ok(Some(id)),
                Some(Loose::Symbolic(next)) => name = next,
                None => match self.read_packed(&name)? {
                    Some(id) => return Ok(Some(id)),
                    // It may have been unpacked in between.
                    None => match self.read_loose(&name)? {
                        Some(Loose::Commit(id)) => return Ok(Some(id)),
                        Some(Loose::Symbolic(next)) => name = next,
                        None => return Ok(None),
                    },
                },
            }
        }
        Err(GitError::Io {
            path: self.ref_path(&name),
            source: io::Error::other("symbolic refs lead in a circle"),
        })
    }

    /// The commit of a ref that is about to move, read from disk now. One that is a name for another ref is refused: the
    /// other one would have to move, with all that follows it.
    pub(super) fn read_direct(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let target = match self.read_loose(name)? {
            Some(Loose::Commit(id)) => return Ok(Some(id)),
            Some(Loose::Symbolic(target)) => target,
            None => return self.read_ref(name),
        };
        Err(GitError::Unsupported {
            what: format!(
                "`{name}` is a symbolic ref, another name for `{target}`; no change is made through it"
            ),
            hint: match target.strip_prefix("refs/heads/") {
                Some(branch) => format!("git switch {branch}"),
                None => format!("git symbolic-ref {name}"),
            },
        })
    }

    /// The ref that keeps one of this name from being made: one that is a directory of it, or one below it. One that
    /// can't be read is there too.
    pub(super) fn obstacle(&self, name: &str) -> Result<Option<String>, GitError> {
        for (at, _) in name.match_indices('/').skip(1) {
            // A file there is in the way whatever stands in it.
            let is_file = self.ref_path(&name[..at]).symlink_metadata().is_ok_and(|meta| !meta.is_dir());
            if is_file || self.read_own_ref_or_bad(&name[..at])?.is_some() {
                return Ok(Some(name[..at].to_owned()));
            }
        }
        Ok(self.list_all_refs(&format!("{name}/"))?.into_iter().next().map(|(name, _)| name))
    }

    /// The same among loose refs, where the file of this name could not be made: a directory is there. (An empty one goes
    /// by itself.)
    pub(super) fn loose_obstacle(&self, name: &str) -> Result<Option<String>, GitError> {
        if !self.ref_path(name).is_dir() {
            return Ok(None);
        }
        Ok(self.list_all_refs(&format!("{name}/"))?.into_iter().next().map(|(name, _)| name))
    }

    /// The same among packed refs alone, where a file of this name could be made.
    pub(super) fn packed_obstacle(&self, name: &str) -> Result<Option<String>, GitError> {
        let Some(packed) = self.packed_refs()? else { return Ok(None) };
        for (at, _) in name.match_indices('/').skip(1) {
            let Ok(above) = FullName::try_from(&name[..at]) else { continue };
            if packed.refs.try_find(above.as_ref()).doing("read packed-refs")?.is_some() {
                return Ok(Some(name[..at].to_owned()));
            }
        }
        let below = format!("{name}/");
        let first = packed.refs.iter_prefixed(below.as_str().into()).doing("read packed-refs")?.next();
        let first = first.transpose().doing("read packed-refs")?;
        Ok(first.map(|reference| reference.name.as_bstr().to_str_lossy().into_owned()))
    }

    pub(super) fn ref_path(&self, name: &str) -> PathBuf {
        if name.starts_with("refs/") { self.common_dir().join(name) } else { self.git_dir().join(name) }
    }

    fn read_loose(&self, name: &str) -> Result<Option<Loose>, GitError> {
        let path = self.ref_path(name);
        let text = match small::read(&path) {
            Ok(text) => text,
            Err(error) => {
                if let Some(next) = small::link_to_ref(&path) {
                    return Ok(Some(Loose::Symbolic(next)));
                }
                let is_absent = matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory
                );
                return if is_absent { Ok(None) } else { Err(GitError::Io { path, source: error }) };
            }
        };
        let text = text.to_str_lossy();
        let text = text.trim_end();
        if let Some(next) = text.strip_prefix("ref:") {
            return Ok(Some(Loose::Symbolic(next.trim().to_owned())));
        }
        match Oid::from_hex(text.as_bytes()) {
            Ok(id) => Ok(Some(Loose::Commit(id))),
            Err(_) => Err(GitError::BadRef { name: name.to_owned(), why: "it names no object".to_owned() }),
        }
    }

    /// The same of a ref that has to name its commit itself: a symbolic one is a [`GitError::BadRef`].
    pub(crate) fn read_own_ref(&self, name: &str) -> Result<Option<Oid>, GitError> {
        match self.read_loose(name)? {
            Some(Loose::Symbolic(_)) => {
                Err(GitError::BadRef { name: name.to_owned(), why: "it is a symbolic ref".to_owned() })
            }
            Some(Loose::Commit(id)) => Ok(Some(id)),
            None => self.read_ref(name),
        }
    }

    /// The same, with [`unreadable_ref`] for a ref that is there and can't be read.
    pub(crate) fn read_own_ref_or_bad(&self, name: &str) -> Result<Option<Oid>, GitError> {
        match self.read_own_ref(name) {
            Err(GitError::BadRef { .. }) => Ok(Some(unreadable_ref())),
            read => read,
        }
    }

    fn read_packed(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let Some(packed) = self.packed_refs()? else { return Ok(None) };
        let Ok(full) = FullName::try_from(name) else { return Ok(None) };
        let found = packed.refs.try_find(full.as_ref()).doing("read packed-refs")?;
        Ok(found.map(|reference| reference.target()))
    }

    /// `packed-refs` as it is now. Who writes it puts another file in its place: while that has not happened, what was
    /// opened before is what there is. (On a network, what a file is may be told late: [`Repo::forget_packed_refs`].)
    fn packed_refs(&self) -> Result<Option<Rc<PackedRefs>>, GitError> {
        let path = self.gix.refs.packed_refs_path();
        let known = self.packed_refs.borrow().clone();
        if let Some(known) = known {
            match fs::metadata(&path) {
                Ok(meta) if Stat::from(&meta) == known.stat => return Ok(Some(known)),
                _ => *self.packed_refs.borrow_mut() = None,
            }
        }
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(GitError::Io { path, source: error }),
        };
        // Looked at before gix opens it: where another has come in between, what is read is newer than what is noted,
        // and opened again the next time.
        let stat = Stat::from(&file.metadata().map_err(GitError::io(&path))?);
        let Some(refs) = self.gix.refs.open_packed_buffer().doing("read packed-refs")? else {
            return Ok(None);
        };
        let opened = Rc::new(PackedRefs { stat, _file: file, refs });
        *self.packed_refs.borrow_mut() = Some(Rc::clone(&opened));
        Ok(Some(opened))
    }

    /// The file that is locked and written for `packed-refs`.
    pub(super) fn packed_refs_file(&self) -> PathBuf {
        small::behind_links(&self.common_dir().join("packed-refs"))
    }

    /// Has `packed-refs` opened again the next time, whatever is told of the file: an opening asks a server what it has.
    pub(super) fn forget_packed_refs(&self) {
        *self.packed_refs.borrow_mut() = None;
    }

    /// How many refs there are right below a prefix (with its last `/`). None of them is read.
    pub(crate) fn count_refs(&self, prefix: &str) -> Result<usize, GitError> {
        let mut names = BTreeSet::new();
        // A directory that is not there holds none; one that can't be read holds none that could be counted.
        for item in items(&self.common_dir().join(prefix)).unwrap_or_default() {
            let name = item.name.to_string_lossy().into_owned();
            if !name.ends_with(".lock") {
                names.insert(format!("{prefix}{name}"));
            }
        }
        if let Some(packed) = self.packed_refs()? {
            for reference in packed.refs.iter_prefixed(prefix.into()).doing("read packed-refs")? {
                let reference = reference.doing("read packed-refs")?;
                names.insert(reference.name.as_bstr().to_str_lossy().into_owned());
            }
        }
        Ok(names.len())
    }

    /// The refs below a prefix (with its last `/`), read from disk now, by name. What names no object is left out: where
    /// that must not be taken for a ref that is not there, [`Repo::list_all_refs`].
    pub(crate) fn list_refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>, GitError> {
        let all = self.list_all_refs(prefix)?.into_iter();
        let objects = all.filter_map(|(name, target)| match target {
            Target::Object(id) => Some((name, id)),
            Target::Symbolic | Target::Bad(_) => None,
        });
        Ok(objects.collect())
    }

    /// The refs below a prefix (with its last `/`), read from disk now, by name, whatever they are.
    pub(crate) fn list_all_refs(&self, prefix: &str) -> Result<Vec<(String, Target)>, GitError> {
        let mut loose: BTreeMap<String, Target> = BTreeMap::new();
        let root = self.common_dir().join(prefix);
        // A packer removes files and empty directories while we look: what is gone is found among the packed ones.
        let leaves = leaves(&root).map_err(|(path, source)| GitError::Io { path, source })?;
        for leaf in leaves {
            let Ok(inside) = leaf.path.strip_prefix(self.common_dir()) else { continue };
            let Some(name) = inside.to_str() else { continue };
            if !leaf.is_file_or_link || name.ends_with(".lock") {
                continue;
            }
            match self.read_loose(name) {
                Ok(Some(Loose::Commit(id))) => drop(loose.insert(name.to_owned(), Target::Object(id))),
                Ok(Some(Loose::Symbolic(_))) => drop(loose.insert(name.to_owned(), Target::Symbolic)),
                Ok(None) => {}
                Err(GitError::BadRef { why, .. }) => drop(loose.insert(name.to_owned(), Target::Bad(why))),
                Err(GitError::Io { source, .. }) => {
                    loose.insert(name.to_owned(), Target::Bad(source.to_string()));
                }
                Err(other) => return Err(other),
            }
        }
        // Loose before packed: a ref that is packed in between is found in one of the two.
        if let Some(packed) = self.packed_refs()? {
            for reference in packed.refs.iter_prefixed(prefix.into()).doing("read packed-refs")? {
                let reference = reference.doing("read packed-refs")?;
                let name = reference.name.as_bstr().to_str_lossy().into_owned();
                loose.entry(name).or_insert_with(|| Target::Object(reference.target()));
            }
        }
        Ok(loose.into_iter().collect())
    }
}

impl Repo {
    /// The commits that a ref was at, as its log tells, oldest first. A ref without a log was at none.
    pub(crate) fn reflog(&self, name: &str) -> Result<Vec<Oid>, GitError> {
        let root = if name.starts_with("refs/") { self.common_dir() } else { self.git_dir() };
        let path = root.join("logs").join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(GitError::Io { path, source: error }),
        };
        let mut found: Vec<Oid> = Vec::new();
        for line in text.lines() {
            let ids = [line.get(..40), line.get(41..81)].into_iter().flatten();
            for id in ids.filter_map(|hex| Oid::from_hex(hex).ok()) {
                if !id.is_null() && found.last() != Some(&id) {
                    found.push(id);
                }
            }
        }
        Ok(found)
    }
}

enum Loose {
    Commit(Oid),
    Symbolic(String),
}

#[cfg(test)]
mod tests {
    use super::super::testing::{git, repository};

    #[test]
    fn what_others_pack_and_move_is_seen_at_once() {
        let (dir, repo) = repository();
        let mut last = None;
        for round in 0..3 {
            git(dir.path(), &["commit", "-q", "--allow-empty", "-m", &format!("Round {round}")]);
            git(dir.path(), &["pack-refs", "--all"]);
            assert!(!dir.path().join(".git/refs/heads/main").exists());
            let main = repo.read_ref("refs/heads/main").unwrap();
            assert_eq!(main.unwrap().to_string(), git(dir.path(), &["rev-parse", "main"]).trim());
            assert_ne!(main, last);
            assert_eq!(
                repo.list_refs("refs/heads/").unwrap(),
                [("refs/heads/main".to_owned(), main.unwrap())]
            );
            last = main;
        }
        git(dir.path(), &["update-ref", "-d", "refs/heads/main"]);
        assert_eq!(repo.read_ref("refs/heads/main").unwrap(), None);
    }

    #[test]
    fn packed_refs_are_opened_once_while_they_are_the_same() {
        let (dir, repo) = repository();
        assert!(repo.packed_refs().unwrap().is_none());
        git(dir.path(), &["pack-refs", "--all"]);
        let one = repo.packed_refs().unwrap().unwrap();
        assert!(std::rc::Rc::ptr_eq(&one, &repo.packed_refs().unwrap().unwrap()));
        std::fs::remove_file(dir.path().join(".git/packed-refs")).unwrap();
        assert!(repo.packed_refs().unwrap().is_none());
    }
}
