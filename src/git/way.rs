//! Directories below one root, opened one after the other so that no link is followed on the way.
//!
//! What is done in a directory is done through what was opened: whoever puts a link, or another directory, in the
//! place of one that was looked at leads us nowhere.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::GitError;

/// How many directories are kept open beside those near the root. A change of everything has 256 of them, and some
/// systems let a process have no more files than that.
pub(super) const KEPT: usize = 32;

#[cfg(target_os = "linux")]
const DIRECTORY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Something of the user's is where a file of ours is or will be.
pub(super) fn in_the_way(path: &str, why: &str) -> GitError {
    GitError::InTheWay { path: path.to_owned(), why: why.to_owned() }
}

/// The directory that a path leads through last (the root is ``), and the name in it.
pub(super) fn apart(relative: &str) -> (&str, &str) {
    relative.rsplit_once('/').unwrap_or(("", relative))
}

/// The directories below one root, for the length of one command. Threads may share it.
pub(super) struct Way {
    root: PathBuf,
    /// What is known, by the path from the root; none = it is not there.
    seen: Mutex<HashMap<String, Option<Arc<OwnedFd>>>>,
}

impl Way {
    /// Below this root, which may be reached through links.
    pub(super) fn from(root: &Path) -> Self {
        Self { root: root.to_owned(), seen: Mutex::default() }
    }

    /// Where that is, to be told.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// An error of the system at this place.
    pub(super) fn error(&self, relative: &str, source: impl Into<io::Error>) -> GitError {
        GitError::Io { path: self.path(relative), source: source.into() }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Option<Arc<OwnedFd>>>> {
        // Whatever panicked elsewhere, each entry is true by itself.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, directory: &str, opened: Option<Arc<OwnedFd>>) {
        let mut seen = self.seen();
        if opened.is_none() || directory.matches('/').count() < 2 || seen.len() < KEPT {
            seen.insert(directory.to_owned(), opened);
        } else {
            seen.remove(directory);
        }
    }

    /// A directory; none if it, or one on the way, is not there. The root is ``.
    pub(super) fn open(&self, directory: &str) -> Result<Option<Arc<OwnedFd>>, GitError> {
        if let Some(known) = self.seen().get(directory) {
            return Ok(known.clone());
        }
        let opened = if directory.is_empty() {
            let root = rustix::fs::open(&self.root, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty());
            Some(Arc::new(root.map_err(|error| self.error("", error))?))
        } else {
            let (above, name) = apart(directory);
            match self.open(above)? {
                None => None,
                Some(above) => match rustix::fs::openat(&above, name, DIRECTORY, Mode::empty()) {
                    Ok(opened) => Some(Arc::new(opened)),
                    Err(Errno::NOENT) => None,
                    Err(error) => return Err(self.why_not(&above, directory, name, error)),
                },
            }
        };
        self.note(directory, opened.clone());
        Ok(opened)
    }

    fn why_not(&self, above: &OwnedFd, directory: &str, name: &str, error: Errno) -> GitError {
        let kind = rustix::fs::statat(above, name, AtFlags::SYMLINK_NOFOLLOW)
            .map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind {
            Ok(FileType::Directory) | Err(_) => self.error(directory, error),
            Ok(FileType::Symlink) => in_the_way(directory, "it is a symbolic link"),
            Ok(_) => in_the_way(directory, "it is no directory"),
        }
    }

    /// A directory, made where it is not there. None is made where a link stands on the way.
    pub(super) fn make(&self, directory: &str) -> Result<Arc<OwnedFd>, GitError> {
        if let Some(opened) = self.open(directory)? {
            return Ok(opened);
        }
        let (above, name) = apart(directory);
        let opened = self.make(above)?;
        match rustix::fs::mkdirat(&opened, name, Mode::from_raw_mode(0o777)) {
            // Or just now, by somebody else.
            Ok(()) | Err(Errno::EXIST) => self.forget(directory),
            Err(error) => return Err(self.error(directory, error)),
        }
        self.open(directory)?.ok_or_else(|| self.error(directory, Errno::NOENT))
    }

    /// Removes a directory, if it is empty; whether it was.
    pub(super) fn remove_empty(&self, directory: &str) -> Result<bool, GitError> {
        let (above, name) = apart(directory);
        let Some(above) = self.open(above)? else { return Ok(false) };
        let is_gone = rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR).is_ok();
        if is_gone {
            self.forget(directory);
        }
        Ok(is_gone)
    }

    fn forget(&self, directory: &str) {
        let below = format!("{directory}/");
        self.seen().retain(|known, _| known != directory && !known.starts_with(&below));
    }
}
