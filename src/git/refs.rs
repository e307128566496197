//! Refs: read fresh from disk, and moved by compare-and-swap.
//!
//! gix reads packed refs before it holds the locks, so its own comparison can be against a value that
//! `git pack-refs` has outdated; with a packer running it lets two processes create one ref. The cure is in
//! [`Repo::prepare`]: once all locks are held, every ref is read again from disk, loose file first, then a
//! freshly opened `packed-refs`, and compared. The held lock keeps everybody, a packer included, from
//! changing or pruning the ref from then on.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gix::bstr::ByteSlice as _;
use gix::lock::acquire::Fail;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefLog};
use gix::refs::{FullName, Target};

use super::error::Doing;
use super::object::Signature;
use super::repo::Repo;
use super::worktree::inode_and_mtime;
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

/// A lock file that is held, with what proves it ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldLock {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its inode.
    pub(crate) inode: u64,
    /// When it was last written, in nanoseconds since the epoch.
    pub(crate) mtime_ns: i128,
}

/// Refs whose locks are held and whose values are as expected. Dropped, everything is as it was.
pub(crate) struct Prepared<'r> {
    transaction: gix::refs::file::Transaction<'r, 'r>,
    locks: Vec<HeldLock>,
}

impl Prepared<'_> {
    /// The lock files that are held.
    pub(crate) fn locks(&self) -> &[HeldLock] {
        &self.locks
    }

    /// Moves the refs, in the order of the edits; a branch behind `HEAD` comes after all others.
    pub(crate) fn commit(self, committer: &Signature) -> Result<(), GitError> {
        let committer = committer.to_gix();
        let mut time = gix::date::parse::TimeBuf::default();
        self.transaction.commit(committer.to_ref(&mut time)).doing("move refs").map(drop)
    }
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

    fn ref_path(&self, name: &str) -> PathBuf {
        if name.starts_with("refs/") { self.common_dir().join(name) } else { self.git_dir().join(name) }
    }

    fn read_loose(&self, name: &str) -> Result<Option<Loose>, GitError> {
        let path = self.ref_path(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) => {
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
            Err(_) => Err(GitError::Io {
                path,
                source: io::Error::new(io::ErrorKind::InvalidData, "it names no object"),
            }),
        }
    }

    fn read_packed(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let Some(packed) = self.gix.refs.open_packed_buffer().doing("read packed-refs")? else {
            return Ok(None);
        };
        let Ok(full) = FullName::try_from(name) else { return Ok(None) };
        let found = packed.try_find(full.as_ref()).doing("read packed-refs")?;
        Ok(found.map(|reference| reference.target()))
    }

    /// The refs below a prefix (with its last `/`), read from disk now, by name. What names no object is left out.
    pub(crate) fn list_refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>, GitError> {
        let mut loose: BTreeMap<String, Oid> = BTreeMap::new();
        let root = self.common_dir().join(prefix);
        for entry in walkdir::WalkDir::new(&root).follow_links(false) {
            // A packer removes files and empty directories while we look.
            let Ok(entry) = entry else { continue };
            let Ok(inside) = entry.path().strip_prefix(self.common_dir()) else { continue };
            let Some(name) = inside.to_str() else { continue };
            if !entry.file_type().is_file() || name.ends_with(".lock") {
                continue;
            }
            match self.read_loose(name) {
                Ok(Some(Loose::Commit(id))) => {
                    loose.insert(name.to_owned(), id);
                }
                Ok(Some(Loose::Symbolic(_)) | None) | Err(_) => {}
            }
        }
        // Loose before packed: a ref that is packed in between is found in one of the two.
        if let Some(packed) = self.gix.refs.open_packed_buffer().doing("read packed-refs")? {
            for reference in packed.iter_prefixed(prefix.into()).doing("read packed-refs")? {
                let reference = reference.doing("read packed-refs")?;
                let name = reference.name.as_bstr().to_str_lossy().into_owned();
                loose.entry(name).or_insert_with(|| reference.target());
            }
        }
        Ok(loose.into_iter().collect())
    }

    /// Takes the lock of every ref and compares it with what is expected, on disk and under its lock.
    ///
    /// [`GitError::Moved`]: one is not what was expected. [`GitError::Contended`]: a lock was still held by
    /// somebody else after `wait`. Either way nothing is held any more.
    pub(crate) fn prepare(&self, edits: &[RefEdit], wait: Duration) -> Result<Prepared<'_>, GitError> {
        let deadline = Instant::now() + wait;
        loop {
            let patience = Fail::AfterDurationWithBackoff(deadline.saturating_duration_since(Instant::now()));
            let transaction = self.gix.refs.transaction();
            let prepared = transaction.prepare(
                edits.iter().map(to_gix).collect::<Result<Vec<_>, _>>()?,
                patience,
                patience,
            );
            match prepared {
                Ok(transaction) => {
                    self.compare_under_locks(edits)?;
                    return Ok(Prepared { transaction, locks: self.held_locks(edits)? });
                }
                Err(error) => match self.classify(error, edits) {
                    // `git pack-refs` removed the directory that the lock was being made in, or outdated what
                    // gix had read of packed-refs.
                    GitError::Moved { .. }
                        if self.compare_under_locks(edits).is_ok() && Instant::now() < deadline => {}
                    other => return Err(other),
                },
            }
        }
    }

    /// Compares each ref on disk with what is expected of it. Final only while the locks are held.
    fn compare_under_locks(&self, edits: &[RefEdit]) -> Result<(), GitError> {
        for edit in edits {
            if self.read_ref(&edit.name)? != edit.expected {
                return Err(GitError::Moved { name: edit.name.clone() });
            }
        }
        Ok(())
    }

    fn lock_paths(&self, edits: &[RefEdit]) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for edit in edits {
            let path = self.ref_path(&edit.name);
            paths.push(with_lock(path));
            if edit.name == "HEAD"
                && let Ok(head) = self.head()
                && let Some(branch) = head.branch()
            {
                paths.push(with_lock(self.ref_path(branch)));
            }
        }
        paths.push(self.common_dir().join("packed-refs.lock"));
        paths
    }

    fn held_locks(&self, edits: &[RefEdit]) -> Result<Vec<HeldLock>, GitError> {
        let mut held = Vec::new();
        let needs_packed =
            self.common_dir().join("packed-refs").exists() || edits.iter().any(|e| e.new.is_none());
        for path in self.lock_paths(edits) {
            // Without packed refs gix takes no lock on them: one that is there is somebody else's.
            if path.ends_with("packed-refs.lock") && !needs_packed {
                continue;
            }
            if let Some((inode, mtime_ns)) = inode_and_mtime(&path)? {
                held.push(HeldLock { path, inode, mtime_ns });
            }
        }
        Ok(held)
    }

    fn classify(&self, error: gix::Error, edits: &[RefEdit]) -> GitError {
        let name = || edits.first().map(|edit| edit.name.clone()).unwrap_or_default();
        use gix::refs::file::transaction::prepare::{MustNotExist, ReferenceOutOfDate};
        let is_out_of_date = error.downcast_any_ref::<ReferenceOutOfDate>().is_some()
            || error.downcast_any_ref::<MustNotExist>().is_some();
        if is_out_of_date || error.is_not_found() {
            return GitError::Moved { name: name() };
        }
        if error.is_retryable() {
            let held = self.lock_paths(edits).into_iter().find_map(|path| {
                let since = fs::metadata(&path).and_then(|meta| meta.modified()).ok()?;
                Some(GitError::Contended { path, since: Some(since) })
            });
            return held.unwrap_or_else(|| GitError::Moved { name: name() });
        }
        GitError::Gix { doing: "lock refs", source: error.into() }
    }
}

enum Loose {
    Commit(Oid),
    Symbolic(String),
}

fn with_lock(path: PathBuf) -> PathBuf {
    let mut name = path.into_os_string();
    name.push(".lock");
    name.into()
}

fn to_gix(edit: &RefEdit) -> Result<gix::refs::transaction::RefEdit, GitError> {
    let name: FullName = edit.name.as_str().try_into().doing("name a ref")?;
    let expected = match edit.expected {
        Some(id) => PreviousValue::MustExistAndMatch(Target::Object(id)),
        None => PreviousValue::MustNotExist,
    };
    let change = match edit.new {
        Some(new) => Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: edit.log.as_str().into(),
            },
            expected,
            new: Target::Object(new),
        },
        None => Change::Delete { expected, log: RefLog::AndReference },
    };
    Ok(gix::refs::transaction::RefEdit { name, change, deref: edit.name == "HEAD" })
}
