//! Objects: blobs, trees, commits.
//!
//! Writing an object changes nothing that anybody sees.

use std::collections::HashSet;
use std::rc::Rc;

use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::{EntryKind as GixKind, EntryRef};
use gix::objs::{Kind, TreeRefIter, WriteTo as _};

use super::error::Doing;
use super::promised::Lack;
use super::repo::Repo;
use super::{GitError, Oid, Sought, signing};

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule,
    /// A directory.
    Tree,
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name; bytes that are not UTF-8 are replaced, so that such a name equals none of ours.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: EntryKind,
    /// The object.
    pub(crate) id: Oid,
}

impl Entry {
    /// Whether its object is a blob of this repository.
    pub(crate) fn is_blob(&self) -> bool {
        match self.kind {
            EntryKind::File | EntryKind::Executable | EntryKind::Link => true,
            EntryKind::Submodule | EntryKind::Tree => false,
        }
    }
}

/// Who and when, in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// Any text; what would break the commit's header is taken out when it is written.
    pub(crate) name: String,
    /// The same.
    pub(crate) email: String,
    /// Since the epoch.
    pub(crate) seconds: i64,
    /// East of UTC.
    pub(crate) offset_minutes: i32,
}

impl Signature {
    /// The same for gix, with no character that could break the line it stands in.
    pub(super) fn to_gix(&self) -> gix::actor::Signature {
        let clean = |text: &str, fallback: &str| -> BString {
            let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
            let kept = kept.trim_matches(|c: char| c.is_whitespace() || c == ',' || c == '.');
            if kept.is_empty() { fallback.into() } else { kept.into() }
        };
        gix::actor::Signature {
            name: clean(&self.name, "unknown"),
            email: clean(&self.email, "unknown@localhost.invalid"),
            time: gix::date::Time { seconds: self.seconds, offset: self.offset_minutes * 60 },
        }
    }

    /// As it stands in a reflog: name, email, seconds, offset.
    pub(super) fn line(&self) -> String {
        let clean = self.to_gix();
        let (sign, minutes) = (if self.offset_minutes < 0 { '-' } else { '+' }, self.offset_minutes.abs());
        let (name, email) = (clean.name.to_str_lossy(), clean.email.to_str_lossy());
        format!("{name} <{email}> {} {sign}{:02}{:02}", self.seconds, minutes / 60, minutes % 60)
    }

    fn from_gix(signature: gix::actor::SignatureRef<'_>) -> Self {
        let time = signature.time().unwrap_or_default();
        Self {
            name: signature.name.to_str_lossy().into_owned(),
            email: signature.email.to_str_lossy().into_owned(),
            seconds: time.seconds,
            offset_minutes: time.offset / 60,
        }
    }
}

/// A commit to be written.
#[derive(Clone, Debug)]
pub(crate) struct CommitDraft {
    /// The state it records.
    pub(crate) tree: Oid,
    /// What it follows.
    pub(crate) parents: Vec<Oid>,
    /// Who made the change.
    pub(crate) author: Signature,
    /// Who wrote the commit.
    pub(crate) committer: Signature,
    /// Subject, body, trailers.
    pub(crate) message: String,
}

/// A commit that was read.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// Its id.
    pub(crate) id: Oid,
    /// The state it records.
    pub(crate) tree: Oid,
    /// What it follows.
    pub(crate) parents: Vec<Oid>,
    /// Who made the change.
    pub(crate) author: Signature,
    /// Who wrote the commit.
    pub(crate) committer: Signature,
    /// Its message; bytes that are not UTF-8 are replaced.
    pub(crate) message: String,
}

/// The signature of a commit's bytes; none where it is not signed.
pub(crate) type Sign<'s> = dyn Fn(&[u8]) -> Result<Option<String>, GitError> + 's;

/// How many trees and commits one handle remembers: more than a mutation asks for, and little memory where
/// all of history is walked.
const REMEMBERED: usize = 64;

/// What an object is that was found as something else.
fn other_kind(word: &str, id: Oid, kind: Kind) -> GitError {
    GitError::Corrupt { what: format!("{word} {id}"), why: format!("it is a {kind}") }
}

/// What an object is whose bytes are none of its kind.
pub(super) fn undecoded<E: std::fmt::Display>(
    word: &str,
    id: Oid,
) -> impl FnOnce(E) -> GitError + use<'_, E> {
    move |error| GitError::Corrupt { what: format!("{word} {id}"), why: error.to_string() }
}

/// The id that a blob of these bytes has.
pub(crate) fn blob_id(bytes: &[u8]) -> Oid {
    gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, bytes)
        .unwrap_or(Oid::null(gix::hash::Kind::Sha1))
}

impl Repo {
    /// How many objects were read from the object database so far: the work that grows if something grows.
    #[cfg(test)]
    pub(crate) fn objects_read(&self) -> u64 {
        self.objects_read.get()
    }

    /// The tree with no entries.
    pub(crate) fn empty_tree(&self) -> Oid {
        Oid::empty_tree(gix::hash::Kind::Sha1)
    }

    /// Writes a blob, unless it is there.
    pub(crate) fn write_blob(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        again(|| self.write_object(Kind::Blob, bytes)).doing("write a blob")
    }

    /// The bytes of a blob.
    pub(crate) fn blob(&self, id: Oid) -> Result<Vec<u8>, GitError> {
        let (kind, data) = self.look_up(id, "blob")?;
        if kind == Kind::Blob { Ok(data) } else { Err(other_kind("blob", id, kind)) }
    }

    /// The bytes of a tree.
    pub(super) fn tree_data(&self, id: Oid) -> Result<Rc<[u8]>, GitError> {
        self.data(id, Kind::Tree, "tree")
    }

    /// The bytes of a tree or a commit.
    fn data(&self, id: Oid, kind: Kind, word: &str) -> Result<Rc<[u8]>, GitError> {
        if kind == Kind::Tree && id == self.empty_tree() {
            return Ok(Rc::from([]));
        }
        let known = self.read.borrow().get(&id).cloned();
        let (found, data) = match known {
            Some(known) => known,
            None => {
                let (found, data) = self.look_up(id, word)?;
                let data: Rc<[u8]> = data.into();
                let mut read = self.read.borrow_mut();
                if read.len() >= REMEMBERED {
                    read.clear();
                }
                read.insert(id, (found, Rc::clone(&data)));
                (found, data)
            }
        };
        if found == kind { Ok(data) } else { Err(other_kind(word, id, found)) }
    }

    /// An object, whatever it is. What a partial clone lacks is fetched.
    pub(super) fn look_up(&self, id: Oid, word: &str) -> Result<(Kind, Vec<u8>), GitError> {
        if let Some(found) = self.find(id, word)? {
            return Ok(found);
        }
        let what = Sought::new(word, id);
        if self.is_beyond_edge(id)? {
            return Err(GitError::Beyond { what: what.to_string() });
        }
        match self.fetch(&[id]) {
            Ok(()) => self.find(id, word)?.ok_or(GitError::Missing { what, lack: Lack::Damage }),
            Err(lack) => Err(GitError::Missing { what, lack }),
        }
    }

    /// An object, whatever it is; none if it is not here. What is not found is looked for once more with an object
    /// database opened anew: while `git gc` moves objects from one pack to another, a list of packs that was read before
    /// does not lead to them.
    fn find(&self, id: Oid, word: &str) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        self.objects_read.set(self.objects_read.get() + 1);
        if let Ok(Some(mut object)) = self.gix.try_find_object(id) {
            return Ok(Some((object.kind, std::mem::take(&mut object.data))));
        }
        let fresh = Self::open(self.git_dir())?;
        let found = fresh.gix.try_find_object(id);
        let found = found.map_err(|error| GitError::Corrupt {
            what: format!("{word} {id}"),
            why: error.probable_cause().to_string(),
        })?;
        Ok(found.map(|mut object| (object.kind, std::mem::take(&mut object.data))))
    }

    /// Whether a commit lies right beyond the edge of a shallow clone.
    fn is_beyond_edge(&self, id: Oid) -> Result<bool, GitError> {
        if let Some(known) = self.beyond_edge.get() {
            return Ok(known.contains(&id));
        }
        let mut beyond = HashSet::new();
        for edge in self
            .gix
            .shallow_commits()
            .doing("read the edge of a shallow clone")?
            .iter()
            .flat_map(|all| all.iter())
        {
            if let Some((Kind::Commit, data)) = self.find(*edge, "commit")? {
                beyond
                    .extend(gix::objs::CommitRefIter::from_bytes(&data, gix::hash::Kind::Sha1).parent_ids());
            }
        }
        Ok(self.beyond_edge.get_or_init(|| beyond).contains(&id))
    }

    /// A commit that somebody named, and that nothing here leads to: none if it is not here. It is not fetched.
    pub(crate) fn find_commit(&self, id: Oid) -> Result<Option<Commit>, GitError> {
        let is_known = self.read.borrow().contains_key(&id);
        if !is_known && self.find(id, "commit")?.is_none() {
            return Ok(None);
        }
        self.commit(id).map(Some)
    }

    /// The tree of a commit.
    pub(crate) fn tree_of(&self, commit: Oid) -> Result<Oid, GitError> {
        let data = self.data(commit, Kind::Commit, "commit")?;
        let mut read = gix::objs::CommitRefIter::from_bytes(&data, gix::hash::Kind::Sha1);
        read.tree_id().map_err(undecoded("commit", commit))
    }

    /// The entries of a tree, sorted by name as git does.
    pub(crate) fn entries(&self, tree: Oid) -> Result<Vec<Entry>, GitError> {
        let data = self.tree_data(tree)?;
        entries_of(tree, &data).map(|entry| entry.map(|entry| entry_of(&entry))).collect()
    }

    /// Writes a commit. No ref moves.
    pub(crate) fn write_commit(&self, draft: &CommitDraft) -> Result<Oid, GitError> {
        self.write_signed(draft, &|_| Ok(None))
    }

    /// Whether a commit carries a signature.
    pub(crate) fn is_signed(&self, id: Oid) -> Result<bool, GitError> {
        let data = self.data(id, Kind::Commit, "commit")?;
        let read = gix::objs::CommitRef::from_bytes(&data, gix::hash::Kind::Sha1).doing("read a commit")?;
        Ok(read.extra_headers.iter().any(|(name, _)| *name == "gpgsig"))
    }

    /// Writes a commit with the signature that `sign` has for its bytes, if it has one. No ref moves.
    pub(crate) fn write_signed(&self, draft: &CommitDraft, sign: &Sign<'_>) -> Result<Oid, GitError> {
        let commit = gix::objs::Commit {
            tree: draft.tree,
            parents: draft.parents.iter().copied().collect(),
            author: draft.author.to_gix(),
            committer: draft.committer.to_gix(),
            encoding: None,
            message: draft.message.as_str().into(),
            extra_headers: Vec::new(),
        };
        let mut bytes = Vec::new();
        commit.write_to(&mut bytes).doing("write a commit")?;
        if let Some(signature) = sign(&bytes)? {
            bytes = signing::with_signature(&bytes, &signature);
        }
        again(|| self.write_object(Kind::Commit, &bytes)).doing("write a commit")
    }

    /// Reads a commit.
    pub(crate) fn commit(&self, id: Oid) -> Result<Commit, GitError> {
        let data = self.data(id, Kind::Commit, "commit")?;
        let read = gix::objs::CommitRef::from_bytes(&data, gix::hash::Kind::Sha1);
        let read = read.map_err(undecoded("commit", id))?;
        Ok(Commit {
            id,
            tree: read.tree(),
            parents: read.parents().collect(),
            author: Signature::from_gix(read.author().map_err(undecoded("commit", id))?),
            committer: Signature::from_gix(read.committer().map_err(undecoded("commit", id))?),
            message: read.message.to_str_lossy().into_owned(),
        })
    }
}

/// Writes an object, once more if that fails: `git gc` removes a directory of objects that it finds empty, and
/// may do so between the making of a directory and of a file in it. What fails for good fails every time.
pub(super) fn again<T, E>(write: impl Fn() -> Result<T, E>) -> Result<T, E> {
    const TIMES: usize = 5;
    (0..TIMES).find_map(|_| write().ok()).map_or_else(write, Ok)
}

/// The entries in the bytes of this tree.
pub(super) fn entries_of(tree: Oid, data: &[u8]) -> impl Iterator<Item = Result<EntryRef<'_>, GitError>> {
    let entries = TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1);
    entries.map(move |entry| entry.map_err(undecoded("tree", tree)))
}

pub(super) fn entry_of(entry: &EntryRef<'_>) -> Entry {
    Entry {
        name: entry.filename.to_str_lossy().into_owned(),
        kind: match entry.mode.kind() {
            GixKind::Tree => EntryKind::Tree,
            GixKind::Blob => EntryKind::File,
            GixKind::BlobExecutable => EntryKind::Executable,
            GixKind::Link => EntryKind::Link,
            GixKind::Commit => EntryKind::Submodule,
        },
        id: entry.oid.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn objects_that_a_packer_moves_are_found() {
        let (dir, mut repo) = repository();
        git(dir.path(), &["repack", "-adq"]);
        let first = repo.read_ref("HEAD").unwrap().unwrap();
        repo.commit(first).unwrap();
        // As it is for gix between its look at the directory and the packer's next move.
        repo.gix.objects.refresh_never();
        std::fs::write(dir.path().join("file"), "later").unwrap();
        git(dir.path(), &["add", "file"]);
        git(dir.path(), &["commit", "-q", "-m", "Go on"]);
        git(dir.path(), &["repack", "-adq"]);
        let second = repo.read_ref("HEAD").unwrap().unwrap();
        let tree = repo.tree_of(second).unwrap();
        let edits = [("other".to_owned(), Some(repo.write_blob(b"other").unwrap()))];
        let edited = repo.edit_tree(tree, &edits).unwrap();
        assert_eq!(repo.entries(edited).unwrap().len(), 2);
        let absent = Oid::from_hex(b"1111111111111111111111111111111111111111").unwrap();
        assert!(matches!(repo.blob(absent), Err(GitError::Missing { .. })));
    }
}
